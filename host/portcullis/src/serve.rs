//! `portcullis serve`: the HTTP listener.

mod descriptors;
mod domain;
mod patience;
mod timer;

use std::{
    convert::Infallible,
    future::Future,
    io::{Write as _, stdout},
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    sync::Arc,
    time::Duration,
};

use axum::response::Response;
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown, service::TowerToHyperService};
use portcullis_identity::{Denials, Identity};
use portcullis_mcp::{
    AllowedHosts, AllowedOrigins, CursorKey, Front, HttpConfig, ListenLimits, PublicUrl, QuestionLimits, SessionKey,
    StreamLimits,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt::set_socket_reuseaddr};
use tokio::{net::TcpListener, sync::Semaphore};
use tower_service::Service;

use crate::{
    admin,
    config::{Config, Http},
    exit::Failure,
    host::{self, Ownership, Ready},
    sessions::{Sessions, stop_signal},
};
use patience::Patient;
use timer::Alarm;

/// A host that is to serve: it has what it can't get once it is locked down, and is.
pub(crate) struct Bound {
    ready: Ready,
    /// Bound, and not listening yet: who connects is refused until there is somebody to answer.
    socket: OwnedFd,
    address: SocketAddr,
    identity: Identity,
    denials: Denials,
    public_url: Option<PublicUrl>,
    admin: Option<admin::Door>,
}

/// For the first thread, before there is a runtime.
pub(crate) fn ready(config: &Config) -> Result<Bound, Failure> {
    let public_url = config.public_url()?;
    let of_admins = config.admin.listen.map_or(0, |_| config.admin.connections);
    descriptors::raise(config.http.connections + of_admins, config.egress.connections)?;
    let address = config.listen();
    if config.authentication.issuer.is_none() {
        // Before anything is taken for it.
        Identity::for_listener(address.ip(), None).map_err(Failure::usage)?;
    }
    let Ownership::Ours(lock) = host::take(config.data())? else {
        return Err(Failure::data(
            "another portcullis process owns this data directory; stop it, or serve another directory (`--data`)",
        ));
    };
    let (socket, own) = bound_to(address, "--listen")?;
    let admin = config.admin.listen.map(|address| bound_to(address, "admin.listen")).transpose()?;
    // No tool may be led to them (catalogue EG-33).
    let own = std::iter::once(own).chain(admin.as_ref().map(|(_, own)| *own)).collect();
    let ready = host::ready(config, lock, true, own)?;
    let denials = Denials::default();
    let authentication = config.authentication(ready.egress(), denials.clone())?;
    let identity = Identity::for_listener(address.ip(), authentication).map_err(Failure::usage)?;
    let admin = match (admin, config.admin_identity(ready.egress(), denials.clone())?) {
        (Some((socket, address)), Some(identity)) => Some(admin::Door { socket, address, identity }),
        _ => None,
    };
    Ok(Bound { ready, socket, address, identity, denials, public_url, admin })
}

/// A socket that is bound, and where. A port below 1024 may take a capability.
fn bound_to(address: SocketAddr, key: &str) -> Result<(OwnedFd, SocketAddr), Failure> {
    let bound = || {
        let socket = tcp(address)?;
        let bound = SocketAddr::try_from(rustix::net::getsockname(&socket)?)?;
        Ok((socket, bound))
    };
    bound().map_err(|error| taken(address, key, error))
}

fn tcp(address: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    // What is left of connections to the process before must not keep this one from starting.
    set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    Ok(socket)
}

fn taken(address: SocketAddr, key: &str, error: rustix::io::Errno) -> Failure {
    let error = std::io::Error::from(error);
    Failure::usage(format_args!("{address}: {error}; `{key}` takes another address"))
}

pub(crate) async fn serve(config: &Config, bound: Bound) -> Result<(), Failure> {
    let Bound { mut ready, socket, address, identity, denials, public_url, admin } = bound;
    let control = ready.control.take();
    let owner = host::start(config, ready, identity.clone(), denials).await?;
    if let Some(failures) = identity.failures() {
        failures.key(owner.host.key("failures"));
    }
    // As long a queue as the system allows.
    listen(&socket, i32::MAX).map_err(|error| taken(address, "--listen", error))?;
    let listener = TcpListener::from_std(socket.into()).map_err(Failure::refused)?;
    let bound = listener.local_addr().map_err(Failure::refused)?;
    // What clients are given is what they write into `Host`.
    let given = public_url.as_ref().map(|url| url.host().to_owned());
    let http = HttpConfig {
        allowed_hosts: AllowedHosts::new(bound, config.allowed_hosts.iter().chain(&given)),
        allowed_origins: AllowedOrigins::new(bound, &config.allowed_origins),
        public_url,
        trusted_proxies: config.trusted_proxies.clone(),
        body_limit: config.http.body_limit,
        body_memory: config.http.body_memory,
        page_size: config.http.page_size,
        cursor_key: CursorKey::new(owner.host.key("cursor")),
        session_key: SessionKey::new(owner.host.key("legacy-session")),
        questions: QuestionLimits::default(),
        listening: ListenLimits::default(),
        streams: StreamLimits { close: config.http.close_streams, ..StreamLimits::default() },
    };
    let proof = domain::routes(config.server.openai_apps_challenge.as_deref());
    let front = Front::with(Arc::clone(&owner.host), http, proof);
    let sessions = Sessions::default();
    if let Some(control) = control {
        control.answer(Arc::clone(&owner.host), &sessions).map_err(Failure::data)?;
    }
    let admin = admin.map(|door| door.open(config, &owner.host, &sessions)).transpose()?;
    let (stop, stop_admin) = (stop_signal().map_err(Failure::refused)?, stop_signal().map_err(Failure::refused)?);
    // Who started it may have stopped reading, which is no reason not to serve.
    let _ = writeln!(stdout(), "ready http://{bound}/mcp");
    let admin = async {
        let Some((listener, plane)) = admin else { return };
        let service = |peer| plane.for_peer(peer);
        accept(&config.http, config.admin.connections, listener, service, &sessions, stop_admin).await;
    };
    let service = |peer| front.for_peer(peer);
    let stop = async {
        stop.await;
        // Streams that wait for what changes have no end of their own.
        front.close();
    };
    tokio::join!(accept(&config.http, config.http.connections, listener, service, &sessions, stop), admin);
    owner.host.stop().await.map_err(Failure::data)
}

/// Serves whoever connects, each with a service of its own, until it is told to stop.
async fn accept<S>(
    config: &Http,
    connections: usize,
    listener: TcpListener,
    service: impl Fn(IpAddr) -> S,
    sessions: &Sessions,
    stop: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let connections = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    // HTTP/1.1 only: one request after the other on a connection is all that MCP needs. Heads that come slowly, or not at
    // all, are cut off, so that idle sockets can't hold all connections (catalogue MC-40).
    let mut server = http1::Builder::new();
    server.header_read_timeout(Duration::from_secs(config.header_timeout));
    // A connection that is read from holds no more than this beside what `http.body_memory` counts.
    server.max_buf_size(64 << 10);
    // One buffer for head and body: the kernel takes it faster than two, and a body is copied once.
    server.writev(false);
    let write_timeout = Duration::from_secs(config.write_timeout);
    let mut stop = std::pin::pin!(stop);
    loop {
        let seat = tokio::select! {
            () = &mut stop => break,
            seat = connections.clone().acquire_owned() => seat.ok(),
        };
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: accepting at once again would only burn the CPU.
                    tracing::warn!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Answers are small and complete: waiting for more to send would only add delay.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(service(peer.ip()));
        let stream = TokioIo::new(Patient::new(stream, write_timeout));
        let connection = graceful.watch(server.clone().timer(Alarm::default()).serve_connection(stream, service));
        sessions.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection");
            }
            drop(seat);
        });
    }
    drop(listener);
    // Idle connections are closed at once, the others after their answer.
    tokio::join!(
        async {
            tokio::select! {
                () = graceful.shutdown() => {}
                () = sessions.dropped() => {}
            }
        },
        sessions.end()
    );
}
