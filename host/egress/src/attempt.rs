//! What the audit says about each request that was tried: where to, how it was decided, what was sent. One attempt for each
//! try of each hop, refused ones too, and also where whoever asked stopped waiting. Catalogue EG-34.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_manifest::http::{Method, Origin};
use tokio::time::Instant;

use crate::wire::Meter;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was allowed, and answered with this status.
    Answered(u16),
    /// It was refused before anything was sent. For the operator: it may name addresses.
    Refused(String),
    /// It was allowed, and it failed. For the operator: it may name addresses.
    Failed(String),
    /// Whoever asked stopped waiting.
    Dropped,
}

/// One request that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Where to.
    pub origin: Origin,
    /// How.
    pub method: Method,
    /// The path, without the query: what is in a query may be somebody's.
    pub path: String,
    /// How it ended.
    pub verdict: Verdict,
    /// The address that was decided and connected to, or tried last.
    pub address: Option<SocketAddr>,
    /// Bytes of HTTP that were sent.
    pub bytes_out: u64,
    /// Bytes of HTTP that came back.
    pub bytes_in: u64,
    /// How long it took.
    pub duration: Duration,
    /// Whether any byte of the request may have reached the far side. A name that was looked up, and a TLS greeting, are
    /// none.
    pub sent: bool,
}

/// The attempts of one fetch, in their order. They are here from the moment they end, also where the fetch is dropped.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<Vec<Attempt>>>);

impl Attempts {
    /// What was tried so far. Nothing is left behind.
    #[must_use]
    pub fn take(&self) -> Vec<Attempt> {
        std::mem::take(&mut self.0.lock())
    }
}

/// An attempt under way. It is written down when it is ended, and as [`Verdict::Dropped`] where nobody ends it.
pub(crate) struct UnderWay {
    attempts: Attempts,
    origin: Origin,
    method: Method,
    path: String,
    began: Instant,
    verdict: Verdict,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) meter: Arc<Meter>,
}

impl UnderWay {
    pub(crate) fn begin(attempts: &Attempts, origin: &Origin, method: Method, path: &str) -> Self {
        Self {
            attempts: attempts.clone(),
            origin: origin.clone(),
            method,
            path: path.to_owned(),
            began: Instant::now(),
            verdict: Verdict::Dropped,
            address: None,
            meter: Arc::default(),
        }
    }

    pub(crate) fn end(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let attempt = Attempt {
            origin: self.origin.clone(),
            method: self.method,
            path: std::mem::take(&mut self.path),
            verdict: std::mem::replace(&mut self.verdict, Verdict::Dropped),
            address: self.address,
            bytes_out: self.meter.sent(),
            bytes_in: self.meter.received(),
            duration: self.began.elapsed(),
            sent: self.meter.sent() > 0,
        };
        self.attempts.0.lock().push(attempt);
    }
}
