//! `portcullis serve`: the HTTP listener.

mod descriptors;
mod patience;

use std::{
    future::Future,
    io::{Write as _, stdout},
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
use portcullis_mcp::{AllowedHosts, AllowedOrigins, CursorKey, Front, HttpConfig};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    config::Config,
    control,
    exit::Failure,
    host::{self, Ownership},
    sessions::{Sessions, stop_signal},
};
use patience::Patient;

pub(crate) async fn serve(config: &Config) -> Result<(), Failure> {
    let public_url = config.public_url()?;
    descriptors::raise(config.http.connections)?;
    let address = config.listen();
    let identity = Identity::for_listener(address.ip()).map_err(Failure::usage)?;
    let Ownership::Ours(lock) = host::take(config.data())? else {
        return Err(Failure::data(
            "another portcullis process owns this data directory; stop it, or serve another directory (`--data`)",
        ));
    };
    let owner = host::start(config, lock, identity).await?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::usage(format_args!("{address}: {error}; `--listen` takes another address")))?;
    let bound = listener.local_addr().map_err(Failure::refused)?;
    let http = HttpConfig {
        allowed_hosts: AllowedHosts::new(bound, &config.allowed_hosts),
        allowed_origins: AllowedOrigins::new(bound, &config.allowed_origins),
        public_url,
        body_limit: config.http.body_limit,
        body_memory: config.http.body_memory,
        page_size: config.http.page_size,
        cursor_key: CursorKey::new(owner.host.key("cursor")),
    };
    let front = Front::new(Arc::clone(&owner.host), http);
    let sessions = Sessions::default();
    control::listen(config.data(), Arc::clone(&owner.host), &sessions).map_err(Failure::data)?;
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
