//! What runs on somebody's behalf, connections and commands, and how it ends before the host does: told to take nothing new,
//! given time for what is under way, and then dropped. The audit's last flush comes after all of it.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    signal::unix::{SignalKind, signal},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long what is under way may run on after the host was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Bytes between a stream and who reads it.
const PIPE: usize = 64 << 10;

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    running: TaskTracker,
    stopping: CancellationToken,
    dropped: CancellationToken,
    /// Set before `dropped` is told.
    are_dropped: Arc<AtomicBool>,
}

impl Sessions {
    /// Runs a session.
    pub(crate) fn spawn(&self, session: impl Future<Output = ()> + Send + 'static) {
        let (dropped, are_dropped) = (self.dropped(), self.are_dropped.clone());
        self.running.spawn(async move {
            let (mut session, mut dropped) = (pin!(session), pin!(dropped));
            let mut waits = false;
            poll_fn(|context| {
                if session.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                // A task is always woken in the same way, so it waits for this once: the token has a lock that all sessions
                // share, and this is polled for each request.
                if waits && !are_dropped.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                waits = true;
                dropped.as_mut().poll(context)
            })
            .await;
        });
    }

    /// Ready when sessions are to take nothing new.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stopping.clone().cancelled_owned()
    }

    /// Ready when what still ran was dropped.
    pub(crate) fn dropped(&self) -> impl Future<Output = ()> + Send + 'static {
        self.dropped.clone().cancelled_owned()
    }

    /// Ends them all.
    pub(crate) async fn end(&self) {
        self.end_within(GRACE).await;
    }

    async fn end_within(&self, grace: Duration) {
        self.running.close();
        self.stopping.cancel();
        if tokio::time::timeout(grace, self.running.wait()).await.is_err() {
            tracing::warn!(
                running = self.running.len(),
                "calls still ran after {} s; they are cancelled",
                grace.as_secs()
            );
            self.are_dropped.store(true, Ordering::Release);
            self.dropped.cancel();
            self.running.wait().await;
        }
    }

    /// What comes from `from`, and then its end; the end also when sessions are to take nothing new.
    pub(crate) fn read(
        &self,
        mut from: impl AsyncRead + Unpin + Send + 'static,
    ) -> impl AsyncBufRead + Unpin + Send + 'static {
        let (mut feed, end) = tokio::io::duplex(PIPE);
        let stopping = self.stopping();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy(&mut from, &mut feed) => {}
                () = stopping => {}
            }
            let _ = feed.shutdown().await;
        });
        BufReader::new(end)
    }

    /// Serves MCP on a pair of streams until the client has ended, or sessions are to take nothing new.
    pub(crate) async fn stdio<H: portcullis_backend::Backend>(
        &self,
        host: Arc<H>,
        reader: impl AsyncRead + Unpin + Send + 'static,
        writer: impl AsyncWrite + Unpin + Send + 'static,
    ) -> io::Result<()> {
        let principal = portcullis_manifest::Principal::local();
        portcullis_mcp::serve_stdio(host, principal, self.read(reader), writer).await
    }
}

/// Ready when the process is told to end.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_under_way_gets_its_time_and_is_dropped_then() {
        let sessions = Sessions::default();
        let (ended, short) = tokio::sync::oneshot::channel();
        let (held, long) = tokio::sync::oneshot::channel::<()>();
        let stopping = sessions.stopping();
        sessions.spawn(async move {
            stopping.await;
            tokio::task::yield_now().await;
            ended.send(()).unwrap();
        });
        sessions.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        sessions.end_within(Duration::from_millis(50)).await;
        short.await.unwrap();
        long.await.unwrap_err();
    }

    #[tokio::test]
    async fn a_reader_ends_when_sessions_take_nothing_new() {
        let sessions = Sessions::default();
        let (mut client, server) = tokio::io::duplex(64);
        let mut reader = sessions.read(server);
        client.write_all(b"before").await.unwrap();
        let mut said = [0; 6];
        reader.read_exact(&mut said).await.unwrap();
        sessions.end().await;
        assert_eq!(reader.read(&mut said).await.unwrap(), 0);
    }
}
