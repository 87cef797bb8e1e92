//! `portcullis serve`: the HTTP listener.

use std::{future::Future, sync::Arc, time::Duration};

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
};

/// How long calls may run on after the host was told to stop.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn serve(config: &Config) -> Result<(), Failure> {
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
    let public_url = match &config.public_url {
        Some(url) => {
            Some(url.parse().map_err(|error| Failure::usage(format_args!("configuration: `public_url`: {error}")))?)
        }
        None => None,
    };
    let http = HttpConfig {
        allowed_hosts: AllowedHosts::new(bound, &config.allowed_hosts),
        allowed_origins: AllowedOrigins::new(bound, &config.allowed_origins),
        public_url,
        body_limit: config.http.body_limit,
        page_size: config.http.page_size,
        cursor_key: CursorKey::new(owner.host.key("cursor")),
    };
    let front = Front::new(Arc::clone(&owner.host), http);
    let control = control::listen(config.data(), Arc::clone(&owner.host)).map_err(Failure::data)?;
    let stop = stop_signal().map_err(Failure::refused)?;
    println!("ready http://{bound}/mcp");
    accept(config, listener, front, stop).await;
    control.abort();
    owner.host.stop().await.map_err(Failure::data)
}

/// Ready when the process is told to end.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn accept(config: &Config, listener: TcpListener, front: Front<Host>, stop: impl Future<Output = ()>) {
    let connections = Arc::new(Semaphore::new(config.http.connections));
    let graceful = GracefulShutdown::new();
    // HTTP/1.1 only: one request after the other on a connection is all that MCP needs. Heads that come slowly, or not at
    // all, are cut off, so that idle sockets can't hold all connections (catalogue MC-40).
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(config.http.header_timeout));
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
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection");
            }
            drop(seat);
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls still ran after {} s; they are cancelled", GRACE.as_secs());
    }
}
