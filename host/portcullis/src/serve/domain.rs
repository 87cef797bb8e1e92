//! `/.well-known/openai-apps-challenge`: shows an app directory that whoever hands this server in has its domain.

use axum::{Router, body::Body, response::Response, routing::get};
use hyper::{HeaderMap, header, http::HeaderValue};

/// The path, on the listener of MCP; nobody has to sign in for it.
const PATH: &str = "/.well-known/openai-apps-challenge";

/// The routes that the configuration asks for: none, or the one at which `token` is, exactly and alone.
pub(super) fn routes(token: Option<&str>) -> Router {
    let Some(token) = token.map(str::to_owned) else { return Router::new() };
    Router::new().route(PATH, get(move || std::future::ready(shown(&token))))
}

fn shown(token: &str) -> Response {
    let mut response = Response::new(Body::from(token.to_owned()));
    *response.headers_mut() = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain")),
        // The directory gives another one when it likes.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
    response
}
