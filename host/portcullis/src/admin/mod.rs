//! The admin plane: what the commands of an admin do, over HTTP, for people who sign in. It has a listener, an audience and
//! limits of its own and shares no route with MCP: no model reaches it. It must never take who acts, or what they may do,
//! from anything but their verified token, and it decides nothing: every action is the same question that a command asks.

mod answer;
mod route;
mod said;

use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::Response};
use hyper::{Request, body::Incoming};
use ipnet::IpNet;
use portcullis_backend::{Backend as _, Refusal, RefusalRule};
use portcullis_calls::Host;
use portcullis_identity::{Identity, NotProven};
use portcullis_manifest::{Principal, PrincipalKey};
use portcullis_mcp::{AllowedHosts, AllowedOrigins};
use tokio::{net::TcpListener, sync::Semaphore};
use tower_service::Service;

use crate::{config::Config, exit::Failure, sessions::Sessions};
use said::Said;

/// How many releases may be uploaded at once: each is held in memory, and the host takes one in after the other.
const UPLOADS: usize = 2;

/// A listener that nobody is answered on yet.
pub(crate) struct Door {
    pub(crate) socket: OwnedFd,
    /// Where it is bound.
    pub(crate) address: SocketAddr,
    pub(crate) identity: Identity,
}

/// The admin plane, for one connection.
#[derive(Clone)]
pub(crate) struct Plane {
    parts: Arc<Parts>,
    peer: Option<IpAddr>,
}

struct Parts {
    host: Arc<Host>,
    identity: Identity,
    hosts: AllowedHosts,
    origins: AllowedOrigins,
    uploads: Arc<Semaphore>,
    /// Changes go one after the other.
    turn: Arc<Semaphore>,
    sessions: Sessions,
    trusted_proxies: Vec<IpNet>,
    limits: Limits,
}

/// What one request may hold and take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Bytes of a release with its component and its assets in base64.
    release: usize,
    /// Bytes of any other body.
    body: usize,
    /// How long a body may take to come.
    patience: Duration,
}

impl Limits {
    /// `component` is the longest that the host compiles.
    fn new(component: u64) -> Self {
        let component = usize::try_from(component).unwrap_or(usize::MAX / 4);
        // Four characters for three bytes, and room for the manifest, its files, and names of assets.
        let bytes = component.saturating_add(portcullis_manifest::MAX_ASSET_BYTES);
        let release = bytes.div_ceil(3).saturating_mul(4).saturating_add(4 << 20);
        Self { release, body: 64 << 10, patience: Duration::from_secs(60) }
    }
}

impl Door {
    /// Who connects from here on is answered, by whoever accepts.
    pub(crate) fn open(
        self,
        config: &Config,
        host: &Arc<Host>,
        sessions: &Sessions,
    ) -> Result<(TcpListener, Plane), Failure> {
        let Self { socket, address, identity } = self;
        if let Some(failures) = identity.failures() {
            failures.key(host.key("admin-failures"));
            host.count_admin_failures(failures.clone());
        }
        rustix::net::listen(&socket, i32::MAX).map_err(Failure::refused)?;
        let listener = TcpListener::from_std(socket.into()).map_err(Failure::refused)?;
        tracing::info!("the admin plane listens on http://{address}/v1");
        let plane = Plane::new(Arc::clone(host), identity, config, address, sessions);
        Ok((listener, plane))
    }
}

impl Plane {
    /// `bound` is where it listens.
    fn new(host: Arc<Host>, identity: Identity, config: &Config, bound: SocketAddr, sessions: &Sessions) -> Self {
        let section = &config.admin;
        let parts = Parts {
            host,
            identity,
            hosts: AllowedHosts::new(bound, &section.allowed_hosts),
            origins: AllowedOrigins::new(bound, &section.allowed_origins),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            turn: Arc::new(Semaphore::new(1)),
            sessions: sessions.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            limits: Limits::new(config.compile.size),
        };
        Self { parts: Arc::new(parts), peer: None }
    }

    /// The same for one connection, which comes from there.
    pub(crate) fn for_peer(&self, peer: IpAddr) -> Self {
        Self { peer: Some(peer), ..self.clone() }
    }
}

impl Service<Request<Incoming>> for Plane {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let Self { parts, peer } = self.clone();
        Box::pin(async move {
            let said = answer::answer(&parts, peer, request).await;
            Ok(said.unwrap_or_else(|refused| refused).response())
        })
    }
}

impl Parts {
    /// Refuses by a rule of the transport, and takes note of it.
    fn refuse(&self, rule: RefusalRule, who: Option<&Principal>, said: Said) -> Said {
        self.host.refused(Refusal { rule, principal: who.map(|who| who.key().clone()) });
        said
    }

    /// Refuses who proved nobody, and takes note of it.
    fn not_proven(&self, refused: &NotProven, source: Option<IpAddr>) -> Said {
        self.host.refused_token(refused.rule(), source);
        Said::not_proven(refused)
    }
}

/// Who acts, for the audit and for four eyes: the same for every token of a person, and nobody else's. An issuer is a URL
/// without a fragment, so that no two pairs read alike; it is no `uid:` of this machine either.
fn name_of(principal: &Principal) -> Option<String> {
    match principal.key() {
        PrincipalKey::Subject { issuer, subject } => Some(format!("{issuer}#{subject}")),
        PrincipalKey::Local | PrincipalKey::Anonymous => None,
    }
}
