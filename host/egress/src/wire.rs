//! The bytes of one exchange, counted. What the audit says was sent is what passed here, and a flood of informational
//! answers ends here, because nothing above sees them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How many informational answers may stand before the answer itself.
const MAX_INFORMATIONAL: u32 = 8;

/// What has passed, seen from outside.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    sent: AtomicU64,
    received: AtomicU64,
    informational: AtomicU32,
    last_sent: Mutex<Option<Instant>>,
}

impl Meter {
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// When the last byte was accepted by the connection.
    pub(crate) fn last_sent(&self) -> Option<Instant> {
        *self.last_sent.lock()
    }

    pub(crate) fn count_informational(&self) {
        self.informational.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn flooded(&self) -> bool {
        self.informational.load(Ordering::Relaxed) > MAX_INFORMATIONAL
    }

    fn wrote(&self, written: usize) {
        self.sent.fetch_add(written as u64, Ordering::Relaxed);
        *self.last_sent.lock() = Some(Instant::now());
    }
}

/// A stream whose bytes are counted.
pub(crate) struct Wire<S> {
    stream: S,
    meter: Arc<Meter>,
}

impl<S> Wire<S> {
    pub(crate) fn new(stream: S, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.meter.flooded() {
            return Poll::Ready(Err(io::Error::other("too many informational answers")));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.meter.received.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.meter.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
