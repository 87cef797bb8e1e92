//! Streamable HTTP. A POST is answered with one JSON object, or with events as soon as a call says something before it has
//! ended (`events.rs`, `kept.rs` where they are kept) and for a stream that waits for what changes (`listen.rs`); a legacy client
//! that has a session reads such streams on by GET (`kept.rs`). The way of a request stands in [`Endpoint`]; `Host` and `Origin`
//! are checked before all else, on every route.

mod body;
mod content;
mod events;
mod guard;
mod kept;
mod listen;
mod metadata;
mod source;
#[cfg(test)]
mod tests;
mod watched;

use std::{
    convert::Infallible,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    BoxError, Router,
    body::Body,
    extract::State,
    middleware::{self, Next},
    response::Response,
    routing::any,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use ipnet::IpNet;
use portcullis_backend::{Authorization, Backend, Credentials, Refusal, RefusalRule};
use portcullis_manifest::Principal;
use tower_service::Service;

use crate::{
    asking::{QuestionLimits, SessionKey, Talk},
    challenge::{Challenges, PublicUrl},
    codec::Incoming,
    cursor::CursorKey,
    fault::Fault,
    headers,
    hub::ListenLimits,
    listing::Listing,
    methods::Listen,
    protocol::{Protocol, Via},
    reply::{Outcome, Reply},
    streams::StreamLimits,
};

use watched::Proof;

pub(crate) use content::takes_events;

pub use source::of as source_of;

pub use guard::{AllowedHosts, AllowedOrigins, InvalidHost, InvalidOrigin};

/// What the operator decides about the HTTP endpoint.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The values of `Host` that this server answers to.
    pub allowed_hosts: AllowedHosts,
    /// The values of `Origin` that browsers may send.
    pub allowed_origins: AllowedOrigins,
    /// Where clients find this endpoint; without it there is no metadata, and challenges name none.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose `X-Forwarded-For` is believed (catalogue AU-42).
    pub trusted_proxies: Vec<IpNet>,
    /// The longest body, in bytes.
    pub body_limit: usize,
    /// What the bodies of all requests that are being read and answered may hold together, in bytes. The first 16 KiB of each
    /// are not counted.
    pub body_memory: usize,
    /// How many items one page of a list holds: of `tools/list`, `resources/list`, `resources/templates/list` and `prompts/list`.
    pub page_size: usize,
    /// Authenticates cursors; the same on every replica behind one balancer.
    pub cursor_key: CursorKey,
    /// Seals the sessions of legacy clients; the same on every replica behind one balancer.
    pub session_key: SessionKey,
    /// How many questions may wait for a person, and for how long.
    pub questions: QuestionLimits,
    /// How many streams may wait for what changes.
    pub listening: ListenLimits,
    /// What is kept of the streams of legacy clients, and for how long.
    pub streams: StreamLimits,
}

/// The longest message that is read where nothing else is configured.
pub const DEFAULT_BODY_LIMIT: usize = 4 << 20;

/// What all bodies may hold where nothing else is configured.
pub const DEFAULT_BODY_MEMORY: usize = 256 << 20;

/// How many items a page holds where nothing else is configured: more than most hosts serve.
pub const DEFAULT_PAGE_SIZE: usize = 200;

/// After so long a body who sends it has to prove it once more: shutting somebody out takes at most five seconds.
const SLOW: Duration = Duration::from_secs(1);

/// One MCP endpoint over HTTP.
struct Endpoint<B> {
    protocol: Protocol<B>,
    config: HttpConfig,
    bodies: Arc<body::Budget>,
    strangers: guard::Strangers,
}

/// How a request is answered.
enum Answered {
    Reply(Reply),
    /// With events, and what its body holds of the budget meanwhile.
    Talk(Box<Talk>, body::Held),
    /// With what changes from now on.
    Listen(Box<Listen>, Proof),
    /// A legacy client reads on, or what changes.
    Follow(Box<kept::Follow>),
}

/// The HTTP side of the host: `POST /mcp`, `GET /mcp` for legacy sessions, `GET /health`, protected resource metadata, other routes, and a JSON 404 for the
/// rest, all behind one check of `Host` and `Origin`.
///
/// The endpoint stands before the router and not in it: a router's boxed layers cost a call about as much CPU as reading
/// its message does.
pub struct Front<B> {
    endpoint: Arc<Endpoint<B>>,
    others: Router,
    peer: Option<IpAddr>,
}

impl<B> Clone for Front<B> {
    fn clone(&self) -> Self {
        Self { endpoint: Arc::clone(&self.endpoint), others: self.others.clone(), peer: self.peer }
    }
}

impl<B: Backend> Front<B> {
    /// Serves `backend`.
    pub fn new(backend: Arc<B>, config: HttpConfig) -> Self {
        Self::with(backend, config, Router::new())
    }

    /// Like [`Front::new`], with other routes beside `/health`.
    pub fn with(backend: Arc<B>, config: HttpConfig, others: Router) -> Self {
        let challenges = Challenges::new(config.public_url.as_ref());
        let listing = Listing::new(config.page_size, config.cursor_key.clone());
        let bodies = Arc::new(body::Budget::new(config.body_memory));
        let protocol = Protocol::new(
            backend,
            challenges,
            listing,
            &config.session_key,
            config.questions,
            config.listening,
            config.streams,
        );
        let endpoint = Arc::new(Endpoint { protocol, config, bodies, strangers: guard::Strangers::default() });
        let rest = Arc::clone(&endpoint);
        let others = Router::new()
            .route("/health", any(health::<B>))
            .with_state(Arc::clone(&endpoint))
            .merge(others)
            .fallback(move |method: Method, uri: Uri| std::future::ready(other_path(&rest, &method, &uri)))
            .layer(middleware::from_fn_with_state(Arc::clone(&endpoint), guard::<B>));
        Self { endpoint, others, peer: None }
    }

    /// Ends the streams that wait for what changes, each with its result. The server is to end, and they would not by themselves.
    pub fn close(&self) {
        self.endpoint.protocol.hub.close();
    }

    /// The same for one connection, whose requests come from this address or through it. It goes with the connection and
    /// not with each request, which pays nothing for it.
    #[must_use]
    pub fn for_peer(&self, peer: IpAddr) -> Self {
        Self { peer: Some(peer), ..self.clone() }
    }
}

impl<B, T> Service<Request<T>> for Front<B>
where
    B: Backend,
    T: http_body::Body<Data = Bytes> + Send + 'static,
    T::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<T>) -> Self::Future {
        if request.uri().path() == "/mcp" {
            let (endpoint, peer) = (Arc::clone(&self.endpoint), self.peer);
            Box::pin(async move {
                Ok(match endpoint.answer(request, peer).await {
                    Answered::Reply(reply) => respond(reply),
                    Answered::Talk(talk, held) => match kept::call(endpoint, talk, held) {
                        Ok(response) => response,
                        Err((endpoint, talk, held)) => events::respond(endpoint, talk, held),
                    },
                    Answered::Follow(follow) => kept::follow(endpoint, *follow),
                    Answered::Listen(listen, proof) => listen::respond(endpoint, *listen, proof),
                })
            })
        } else {
            let mut others = self.others.clone();
            Box::pin(async move { others.call(request.map(Body::new)).await })
        }
    }
}

async fn guard<B: Backend>(State(endpoint): State<Arc<Endpoint<B>>>, request: Request<Body>, next: Next) -> Response {
    match endpoint.guard(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(fault) => respond(endpoint.protocol.refuse(fault, None, None)),
    }
}

async fn health<B: Backend>(State(endpoint): State<Arc<Endpoint<B>>>, method: Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return respond(endpoint.protocol.refuse(Fault::method_not_allowed("GET, HEAD"), None, None));
    }
    if endpoint.protocol.backend.healthy() {
        json(StatusCode::OK, Body::from(r#"{"status":"ok"}"#))
    } else {
        json(StatusCode::SERVICE_UNAVAILABLE, Body::from(r#"{"status":"calls cannot be recorded, so none runs"}"#))
    }
}

fn other_path<B: Backend>(endpoint: &Endpoint<B>, method: &Method, uri: &Uri) -> Response {
    if let Some(response) = metadata::answer(endpoint, method, uri.path()) {
        return response;
    }
    endpoint.protocol.backend.refused(Refusal { rule: RefusalRule::Path, principal: None });
    json(StatusCode::NOT_FOUND, Body::from(r#"{"error":"nothing is served at this path; the MCP endpoint is /mcp"}"#))
}

impl<B: Backend> Endpoint<B> {
    fn guard(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Fault> {
        let HttpConfig { allowed_hosts, allowed_origins, .. } = &self.config;
        guard::check(allowed_hosts, allowed_origins, &self.strangers, uri, headers)
    }

    /// Checks 1 to 5 of facts A3; the rest is [`Protocol::handle`]'s. The body of a caller who proved nothing is not read.
    async fn answer<T>(self: &Arc<Self>, request: Request<T>, peer: Option<IpAddr>) -> Answered
    where
        T: http_body::Body<Data = Bytes>,
    {
        let refuse =
            |fault, principal: Option<&Principal>| Answered::Reply(self.protocol.refuse(fault, None, principal));
        let (head, body) = request.into_parts();
        let headers = &head.headers;
        if let Err(fault) = self.guard(&head.uri, headers) {
            return refuse(fault, None);
        }
        if let Err(fault) = self.shape(&head.method, &head.uri, headers) {
            return refuse(fault, None);
        }
        let source = source::of(peer, &self.config.trusted_proxies, headers);
        let mut principal = match self.authenticate(headers, source).await {
            Ok(principal) => principal,
            Err(fault) => return refuse(fault, None),
        };
        if head.method == Method::GET {
            return match self.follow(headers, Proof::new(headers, source, principal.clone())).await {
                Ok(follow) => Answered::Follow(Box::new(follow)),
                Err(fault) => refuse(fault, Some(&principal)),
            };
        }
        if let Err(fault) = content::accepts(headers) {
            return refuse(fault, Some(&principal));
        }
        // Kept until there is an answer: what was made of the body stays in memory for as long.
        let mut share = self.bodies.share();
        let began = Instant::now();
        let read = match body::collect(body, self.config.body_limit, body::PATIENCE, &mut share).await {
            Ok(bytes) => Incoming::read(&bytes),
            Err(fault) => return refuse(fault, Some(&principal)),
        };
        // Somebody may have been shut out while their body was on its way (catalogue AU-25).
        if began.elapsed() > SLOW {
            principal = match self.authenticate(headers, source).await {
                Ok(principal) => principal,
                Err(fault) => return refuse(fault, None),
            };
        }
        match self.protocol.handle(&principal, Via::Http { headers, source }, read).await {
            Outcome::Reply(reply) => Answered::Reply(reply),
            Outcome::Talk(talk) => Answered::Talk(talk, self.bodies.hold(share)),
            Outcome::Listen(listen) => Answered::Listen(listen, Proof::new(headers, source, principal)),
        }
    }

    fn shape(&self, method: &Method, uri: &Uri, fields: &HeaderMap) -> Result<(), Fault> {
        // Only who has a session has something to read without asking.
        let reads = method == Method::GET && fields.contains_key(headers::SESSION);
        if method != Method::POST && !reads {
            return Err(Fault::method_not_allowed("POST"));
        }
        if uri.query().is_some_and(has_token) {
            return Err(Fault::token_in_query(&self.protocol.challenges));
        }
        content::is_plainly_framed(fields)?;
        if reads {
            return Ok(());
        }
        body::declared(fields, self.config.body_limit)?;
        content::is_json(fields)
    }

    async fn authenticate(&self, headers: &HeaderMap, source: Option<IpAddr>) -> Result<Principal, Fault> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = match (values.next(), values.next()) {
            (None, _) => Authorization::Absent,
            (Some(only), None) => only.to_str().map_or(Authorization::Unreadable, Authorization::Value),
            (Some(_), Some(_)) => Authorization::Unreadable,
        };
        let credentials = Credentials { authorization, source };
        let proven = self.protocol.backend.authenticate(credentials).await;
        proven.map_err(|why| Fault::unauthenticated(&why, &self.protocol.challenges))
    }
}

/// Whether a query carries a token (RFC 6750 section 2.3). Nothing of a query is read otherwise.
fn has_token(query: &str) -> bool {
    let names = query.split('&').map(|parameter| parameter.split('=').next().unwrap_or_default());
    names.into_iter().any(|name| name.eq_ignore_ascii_case("access_token"))
}

fn respond(reply: Reply) -> Response {
    if reply.body.is_empty() {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = reply.status;
        return response;
    }
    let mut response = json(reply.status, Body::from(reply.body));
    if let Some((name, value)) = reply.header.map(|header| *header) {
        if name == header::WWW_AUTHENTICATE {
            // Who gets a token makes the same request again.
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response.headers_mut().insert(name, value);
    }
    response
}

fn json(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
