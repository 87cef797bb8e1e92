//! `portcullis serve`: the HTTP listener.

mod descriptors;
mod patience;

use std::{
    future::Future,
    io::{Write as _, stdout},
    net::SocketAddr,
    os::fd::OwnedFd,
    sync::Arc,
    time::Duration,
};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use portcullis_calls::Host;
use portcullis_identity::Identity;
use portcullis_mcp::{
    AllowedHosts, AllowedOrigins, CursorKey, Front, HttpConfig, PublicUrl, QuestionLimits, SessionKey,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt::set_socket_reuseaddr};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    config::Config,
    exit::Failure,
    host::{self, Ownership, Ready},
    sessions::{Sessions, stop_signal},
};
use patience::Patient;

/// A host that is to serve: it has what it can't get once it is locked down, and is.
pub(crate) struct Bound {
    ready: Ready,
    /// Bound, and not listening yet: who connects is refused until there is somebody to answer.
    socket: OwnedFd,
    address: SocketAddr,
    identity: Identity,
    public_url: Option<PublicUrl>,
}

/// For the first thread, before there is a runtime.
pub(crate) fn ready(config: &Config) -> Result<Bound, Failure> {
    let public_url = config.public_url()?;
    descriptors::raise(config.http.connections, config.egress.connections)?;
    let address = config.listen();
    let identity = Identity::for_listener(address.ip()).map_err(Failure::usage)?;
    let Ownership::Ours(lock) = host::take(config.data())? else {
        return Err(Failure::data(
            "another portcullis process owns this data directory; stop it, or serve another directory (`--data`)",
        ));
    };
    // A port below 1024 may take a capability.
    let socket = tcp(address).map_err(|error| taken(address, error))?;
    let bound = rustix::net::getsockname(&socket).map_err(|error| taken(address, error))?;
    // No tool may be led to it (catalogue EG-33).
    let own = SocketAddr::try_from(bound).map_err(|error| taken(address, error))?;
    let ready = host::ready(config, lock, true, vec![own])?;
    Ok(Bound { ready, socket, address, identity, public_url })
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

fn taken(address: SocketAddr, error: rustix::io::Errno) -> Failure {
    let error = std::io::Error::from(error);
    Failure::usage(format_args!("{address}: {error}; `--listen` takes another address"))
}

pub(crate) async fn serve(config: &Config, bound: Bound) -> Result<(), Failure> {
    let Bound { mut ready, socket, address, identity, public_url } = bound;
    let control = ready.control.take();
    let owner = host::start(config, ready, identity).await?;
    // As long a queue as the system allows.
    listen(&socket, i32::MAX).map_err(|error| taken(address, error))?;
    let listener = TcpListener::from_std(socket.into()).map_err(Failure::refused)?;
    let bound = listener.local_addr().map_err(Failure::refused)?;
    let http = HttpConfig {
        allowed_hosts: AllowedHosts::new(bound, &config.allowed_hosts),
        allowed_origins: AllowedOrigins::new(bound, &config.allowed_origins),
        public_url,
        body_limit: config.http.body_limit,
        body_memory: config.http.body_memory,
        page_size: config.http.page_size,
        cursor_key: CursorKey::new(owner.host.key("cursor")),
        session_key: SessionKey::new(owner.host.key("legacy-session")),
        questions: QuestionLimits::default(),
    };
    let front = Front::new(Arc::clone(&owner.host), http);
    let sessions = Sessions::default();
    if let Some(control) = control {
        control.answer(Arc::clone(&owner.host), &sessions).map_err(Failure::data)?;
    }
    let stop = stop_signal().map_err(Failure::refused)?;
    // Who started it may have stopped reading, which is no reason not to serve.
    let _ = writeln!(stdout(), "ready http://{bound}/mcp");
    accept(config, listener, front, &sessions, stop).await;
    owner.host.stop().await.map_err(Failure::data)
}

async fn accept(
    config: &Config,
    listener: TcpListener,
    front: Front<Host>,
    sessions: &Sessions,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(config.http.connections));
    let graceful = GracefulShutdown::new();
    // HTTP/1.1 only: one request after the other on a connection is all that MCP needs. Heads that come slowly, or not at
    // all, are cut off, so that idle sockets can't hold all connections (catalogue MC-40).
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(config.http.header_timeout));
    let write_timeout = Duration::from_secs(config.http.write_timeout);
    let mut stop = std::pin::pin!(stop);
    loop {
        let seat = tokio::select! {
            () = &mut stop => break,
            seat = connections.clone().acquire_owned() => seat.ok(),
        };
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
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
        let service = TowerToHyperService::new(front.clone());
        let connection =
            graceful.watch(server.serve_connection(TokioIo::new(Patient::new(stream, write_timeout)), service));
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
