//! What time it is, as a parameter: tests let a day pass without waiting for it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// Seconds of Unix time: what the times in tokens are compared with.
    fn unix(&self) -> u64;

    /// How long it is since some moment before. It never goes back: what the age of keys is measured with.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn unix(&self) -> u64 {
        // A clock before 1970 is wrong: then every token is from the future.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}
