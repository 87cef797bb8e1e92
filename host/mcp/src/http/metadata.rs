//! Protected resource metadata (RFC 9728): where a client that has nothing but this server's URL learns who gives tokens for
//! it. Everything in it is configured; nothing of a request gets into it (catalogue AU-20, AU-42).

use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, StatusCode, header};
use portcullis_backend::{Backend, Resource};
use serde_json::{Value, json};

use super::{Endpoint, json, respond};
use crate::{
    challenge::{PublicUrl, WELL_KNOWN},
    fault::Fault,
};

/// Scopes come and go with approvals, and a client that asks for one too few is told so by a challenge.
const CACHED: &str = "public, max-age=60";

/// The answer at one of the paths of the document; nothing at another one, and where there is no document.
pub(super) fn answer<B: Backend>(endpoint: &Endpoint<B>, method: &Method, path: &str) -> Option<Response> {
    let url = endpoint.config.public_url.as_ref()?;
    if !is_at(url, path) {
        return None;
    }
    let resource = endpoint.protocol.backend.resource()?;
    if method != Method::GET && method != Method::HEAD {
        return Some(respond(endpoint.protocol.refuse(Fault::method_not_allowed("GET, HEAD"), None, None)));
    }
    let document = document(url, &resource, &endpoint.protocol.backend.server().title);
    let mut response = json(StatusCode::OK, Body::from(document.to_string()));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    Some(response)
}

/// At the root, for clients that ask there first, and where the endpoint's own path stands after it; some clients leave out
/// the slash at its end.
fn is_at(url: &PublicUrl, path: &str) -> bool {
    let open = |path: &str| path.strip_suffix('/').unwrap_or(path).len();
    path.strip_prefix(WELL_KNOWN).is_some_and(|rest| {
        let rest = &rest[..open(rest)];
        rest.is_empty() || rest == &url.path()[..open(url.path())]
    })
}

fn document(url: &PublicUrl, resource: &Resource, name: &str) -> Value {
    let mut document = json!({
        "resource": url.as_str(),
        "authorization_servers": resource.issuers,
        "bearer_methods_supported": ["header"],
        "resource_name": name,
    });
    // Whether there are tokens to refresh with is between the client and the issuer: no call here needs that scope.
    let scopes = resource.scopes.iter().map(|scope| scope.as_str()).filter(|scope| *scope != "offline_access");
    let scopes: Vec<&str> = scopes.collect();
    // A list of nothing is left out (RFC 9728 section 3.2).
    if !scopes.is_empty() {
        document["scopes_supported"] = scopes.into();
    }
    document
}
