//! The store's own clock, for what it forgets by itself (catalogue ST-40).
//!
//! It begins at the computer's wall clock, or at the mark in the database if that is later, and from there on it counts the
//! time that passes, sleep included. So while the process runs, a wall clock that is set forward or back changes nothing:
//! no key expires early or late. Whoever finds a key expired makes the mark durable before the answer, so that a key that was
//! once seen to be gone does not come back in a later process either, whatever the wall clock says then. What a wall clock
//! that was set back while the host was down can do is let a key, that nobody has seen expire, live longer: by as much as
//! the clock was set back, and by no more than its whole life.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

/// Where time comes from. Milliseconds.
pub(super) trait Time: Send + Sync + 'static {
    /// Since 1970, as somebody has set it: it can jump.
    fn wall(&self) -> i64;
    /// Since some moment: it never goes back, and does not stop while the computer sleeps.
    fn elapsed(&self) -> i64;
}

/// The computer's clocks.
pub(super) struct System;

impl Time for System {
    fn wall(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn elapsed(&self) -> i64 {
        let time = clock_gettime(ClockId::Boottime);
        time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Clock {
    time: Arc<dyn Time>,
    /// What the clock shows when nothing has elapsed.
    start: i64,
}

impl Clock {
    /// Not before `mark`.
    pub(super) fn start(time: Arc<dyn Time>, mark: i64) -> Self {
        let start = time.wall().max(mark).saturating_sub(time.elapsed());
        Self { time, start }
    }

    /// The store's time. Taken once for everything that one transaction decides.
    pub(super) fn now(&self) -> i64 {
        self.start.saturating_add(self.time.elapsed())
    }

    /// The wall clock, for times that callers have set by theirs.
    pub(super) fn wall(&self) -> i64 {
        self.time.wall()
    }
}

#[cfg(test)]
pub(super) mod by_hand {
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

    use super::*;

    /// Clocks that a test sets.
    #[derive(Default)]
    pub(in super::super) struct ByHand {
        wall: AtomicI64,
        elapsed: AtomicI64,
    }

    impl ByHand {
        pub(in super::super) fn at(wall: i64) -> Arc<Self> {
            Arc::new(Self { wall: wall.into(), elapsed: 0.into() })
        }

        /// Time passes, on both.
        pub(in super::super) fn pass(&self, milliseconds: i64) {
            self.wall.fetch_add(milliseconds, SeqCst);
            self.elapsed.fetch_add(milliseconds, SeqCst);
        }

        /// Somebody sets the wall clock.
        pub(in super::super) fn set(&self, wall: i64) {
            self.wall.store(wall, SeqCst);
        }
    }

    impl Time for ByHand {
        fn wall(&self) -> i64 {
            self.wall.load(SeqCst)
        }

        fn elapsed(&self) -> i64 {
            self.elapsed.load(SeqCst)
        }
    }

    #[test]
    fn st_40_a_wall_clock_that_jumps_moves_nothing() {
        let time = ByHand::at(1_000_000);
        let clock = Clock::start(time.clone(), 0);
        for jump in [-86_400_000, 86_400_000] {
            let before = clock.now();
            time.set(1_000_000 + jump);
            time.pass(10);
            assert_eq!(clock.now(), before + 10);
        }
    }

    #[test]
    fn st_40_a_clock_does_not_begin_before_the_mark() {
        let time = ByHand::at(5);
        assert_eq!(Clock::start(time.clone(), 9).now(), 9);
        assert_eq!(Clock::start(time, 3).now(), 5);
    }

    #[test]
    fn the_computers_own_clocks_are_of_this_century_and_do_not_go_back() {
        let clock = Clock::start(Arc::new(System), 0);
        let (first, second) = (clock.now(), clock.now());
        assert!(first > 1_700_000_000_000 && second >= first, "{first} {second}");
    }
}
