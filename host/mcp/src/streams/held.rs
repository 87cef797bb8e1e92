//! What streams hold in memory, counted.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::StreamLimits;

/// The bytes of all streams, and those of one principal's among them. It counts as long as anybody has the stream, whether it
/// can still be found or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    all: Arc<AtomicUsize>,
    own: Arc<AtomicUsize>,
}

impl Held {
    /// For another principal.
    pub(super) fn other(&self) -> Self {
        Self { all: Arc::clone(&self.all), own: Arc::default() }
    }

    /// Whether nobody else counts for this principal.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.own) == 1
    }

    /// Whether `more` bytes fit.
    pub(super) fn has_room(&self, more: usize, limits: &StreamLimits) -> bool {
        self.own_has_room(more, limits) && self.all.load(Ordering::Relaxed) + more <= limits.in_all
    }

    /// Whether `more` bytes fit into the share of this principal.
    pub(super) fn own_has_room(&self, more: usize, limits: &StreamLimits) -> bool {
        self.own.load(Ordering::Relaxed) + more <= limits.share
    }

    #[cfg(test)]
    pub(super) fn in_all(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.all.fetch_add(bytes, Ordering::Relaxed);
        self.own.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn remove(&self, bytes: usize) {
        self.all.fetch_sub(bytes, Ordering::Relaxed);
        self.own.fetch_sub(bytes, Ordering::Relaxed);
    }
}
