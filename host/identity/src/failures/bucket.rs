//! How many of something there were of late, in one number: the time at which all of it will be forgotten (the generic cell
//! rate algorithm). The crate `governor` counts so too, and can't be asked without counting.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// So many in a window, and all of them at once if need be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    window: u64,
    /// How long it takes to forget one.
    each: u64,
}

/// In nanoseconds, on the clock of whoever asks.
#[derive(Debug, Default)]
pub(super) struct Bucket(AtomicU64);

impl Limit {
    /// None for zero, which is no limit.
    pub(super) fn new(count: u32, window: Duration) -> Option<Self> {
        let each = nanos(window) / u64::from(NonZeroU32::new(count)?.get());
        // Whole again, so that the last of `count` is the last.
        Some(Self { window: each * u64::from(count), each })
    }
}

impl Bucket {
    /// How long until there is room for one more; none where there is.
    pub(super) fn wait(&self, limit: &Limit, now: Duration) -> Option<Duration> {
        let room_at = self.0.load(Ordering::Relaxed).saturating_sub(limit.window - limit.each);
        let wait = room_at.saturating_sub(nanos(now));
        (wait > 0).then(|| Duration::from_nanos(wait))
    }

    /// One more. What is beyond the limit, because many came at once, is not held against whoever comes next.
    pub(super) fn count(&self, limit: &Limit, now: Duration) {
        let now = nanos(now);
        self.0.update(Ordering::Relaxed, Ordering::Relaxed, |forgotten_at| {
            (forgotten_at.max(now) + limit.each).min(now + limit.window)
        });
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn au_26_as_many_as_the_limit_are_let_through_at_once_and_then_one_after_the_other() {
        let limit = Limit::new(30, 60 * SECOND).unwrap();
        let bucket = Bucket::default();
        for _ in 0..30 {
            assert_eq!(bucket.wait(&limit, SECOND), None);
            bucket.count(&limit, SECOND);
        }
        assert_eq!(bucket.wait(&limit, SECOND), Some(2 * SECOND));
        assert_eq!(bucket.wait(&limit, 2 * SECOND), Some(SECOND));
        assert_eq!(bucket.wait(&limit, 3 * SECOND), None);
        bucket.count(&limit, 3 * SECOND);
        assert_eq!(bucket.wait(&limit, 3 * SECOND), Some(2 * SECOND));
        // Asking counts nothing.
        for _ in 0..100 {
            assert_eq!(bucket.wait(&limit, 5 * SECOND), None);
        }
        // A minute later all is forgotten.
        for _ in 0..30 {
            assert_eq!(bucket.wait(&limit, 63 * SECOND), None);
            bucket.count(&limit, 63 * SECOND);
        }
        assert!(bucket.wait(&limit, 63 * SECOND).is_some());
    }

    #[test]
    fn au_26_however_many_came_at_once_the_wait_is_that_of_one() {
        for count in [1, 7, 30, 1_000_000] {
            let limit = Limit::new(count, 60 * SECOND).unwrap();
            let bucket = Bucket::default();
            for _ in 0..1_000.max(2 * u64::from(count)) {
                bucket.count(&limit, SECOND);
            }
            let wait = bucket.wait(&limit, SECOND).unwrap();
            assert!(wait <= 60 * SECOND / count, "{count}: {wait:?}");
        }
        assert!(Limit::new(0, SECOND).is_none());
    }
}
