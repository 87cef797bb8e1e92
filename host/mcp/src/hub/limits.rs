//! How many streams may be open, and what each may want.

use std::time::Duration;

/// How many streams may wait for what changes, and for how long one is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenLimits {
    /// Of one principal.
    pub per_principal: usize,
    /// Of all of them together. Each holds a connection.
    pub in_all: usize,
    /// How many resources one stream, or one session of a legacy client, may subscribe to.
    pub uris: usize,
    /// How often who opened a stream that does not end by itself, or reads one on, has to be proven again: shutting somebody out takes at most five seconds (catalogue
    /// AU-25).
    pub proof: Duration,
    /// How often a stream on which nothing happens says that it is alive, so that no proxy takes it for dead: also one with
    /// which a call is answered.
    pub keep_alive: Duration,
}

/// The longest URI that is subscribed to, in bytes.
pub(crate) const URI: usize = 1024;

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            per_principal: 16,
            in_all: 512,
            uris: 64,
            proof: Duration::from_secs(3),
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// More streams than may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooManyStreams {
    #[error("{0} streams of this principal wait for what changes: end one of them first")]
    OfPrincipal(usize),
    #[error("{0} streams of all principals wait for what changes; try again later")]
    InAll(usize),
}

/// A resource that can't be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooManyUris {
    #[error("a stream or a session may subscribe to {0} resources: open another stream, or end a subscription")]
    Many(usize),
    #[error("a URI that is subscribed to has at most {URI} bytes")]
    Long,
}
