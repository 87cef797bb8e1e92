//! The two references that every run measures beside the host: what HTTP and JSON alone cost, and what the official
//! SDK costs without a sandbox. Each is served as its users would serve it: axum's own `serve`, tokio's default
//! threads, the system allocator unless the feature `mimalloc` says otherwise.

pub(crate) mod axum;
pub(crate) mod rmcp;

use std::io;

use ::axum::Router;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Serves `router` on loopback, says so on stdout, and returns when stdin closes, so that no peer outlives its run.
async fn serve(router: Router, port: u16) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("ready http://{}/mcp", listener.local_addr()?);
    tokio::select! {
        served = async { ::axum::serve(listener, router).await } => served,
        closed = stdin_closed() => closed,
    }
}

async fn stdin_closed() -> io::Result<()> {
    let (mut stdin, mut ignored) = (tokio::io::stdin(), [0; 64]);
    while stdin.read(&mut ignored).await? > 0 {}
    Ok(())
}
