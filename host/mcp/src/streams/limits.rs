//! What is kept of streams.

use std::time::Duration;

/// What is kept of streams, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// How long a call goes on whose client is not connected.
    pub grace: Duration,
    /// How long events are kept after the last one.
    pub keep: Duration,
    /// What a client is told to wait before it connects again.
    pub retry: Duration,
    /// How many events of one stream are kept; then the oldest make room.
    pub events: usize,
    /// How many bytes of one stream are kept, beside its last event.
    pub bytes: usize,
    /// How many streams of one principal are kept. Further ones can't be resumed.
    pub per_principal: usize,
    /// How many bytes the streams of one principal may keep, beside the last event of each: one client must not take the room
    /// of all others (catalogue MC-40). Further ones can't be resumed.
    pub share: usize,
    /// How many bytes all streams together may keep. Further streams can't be resumed.
    pub in_all: usize,
    /// How often it is looked whether another process has kept more of a stream.
    pub poll: Duration,
    /// Closes the stream of each call after its first event, so that its client has to fetch the rest. For tests of clients.
    pub close: bool,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(60),
            keep: Duration::from_secs(60),
            retry: Duration::from_secs(1),
            events: 1024,
            bytes: 4 << 20,
            per_principal: 64,
            share: 16 << 20,
            in_all: 64 << 20,
            poll: Duration::from_millis(250),
            close: false,
        }
    }
}
