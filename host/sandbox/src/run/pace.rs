//! Where a call's first slice runs.
//!
//! A call costs two changes of thread when it goes to the guests' runtime and its answer comes back; for a short call they cost
//! more than its sandbox. So a release that has shown itself to be quick begins its calls on the thread that took the request,
//! and moves to the guests' runtime when it has to wait or at its first tick. One that is not quick never begins there.
//!
//! Trust is lent, not given: each such beginning takes some of it away until it has ended quickly, so that only a few can be
//! under way at once, and one that ends slowly, or is dropped, costs all of it. So a release can hold up [`LOANS`] threads for
//! one slice in [`PENANCE`] calls, and no more (catalogue WX-28; docs/architecture.md).

use std::{
    sync::atomic::{AtomicI32, Ordering},
    time::Duration,
};

/// A quick call takes less than this, start to end.
const QUICK: Duration = Duration::from_millis(1);

/// Quick calls that make a quick release.
const PROOF: i32 = 16;

/// Calls that a release which was not quick has to make before its quick calls count again.
const PENANCE: i32 = 256;

/// Beginnings that may be under way at once.
const LOANS: i32 = 4;

/// What a beginning takes away until it has ended.
const LOAN: i32 = 16;

/// The most trust there is: enough for [`LOANS`] at once.
const MOST: i32 = PROOF + LOAN * (LOANS - 1);

/// How far a release is trusted to be quick. Shared by its tools: they are one component.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicI32);

/// One call, from its beginning to its end.
pub(super) struct Step<'a> {
    pace: &'a Pace,
    lent: i32,
    ended_quickly: bool,
}

impl Pace {
    /// Begins a call.
    pub(super) fn begin(&self) -> Step<'_> {
        let lend = |trust| (trust >= PROOF).then_some(trust - LOAN);
        let lent = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lend).is_ok();
        Step { pace: self, lent: if lent { LOAN } else { 0 }, ended_quickly: false }
    }
}

impl Step<'_> {
    /// Whether it may begin on the thread that took the request.
    pub(super) fn may_begin_here(&self) -> bool {
        self.lent > 0
    }

    /// The call has ended, `took` after its guest began.
    pub(super) fn end(mut self, took: Duration) {
        self.ended_quickly = took < QUICK;
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let given = if self.ended_quickly { self.lent + 1 } else { i32::MIN };
        let change = |trust: i32| Some(if given == i32::MIN { -PENANCE } else { (trust + given).min(MOST) });
        // The closure always gives a value, so this can't fail.
        let _ = self.pace.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls_until_trusted(pace: &Pace) -> usize {
        let mut calls = 0;
        loop {
            let step = pace.begin();
            if step.may_begin_here() {
                return calls;
            }
            step.end(Duration::ZERO);
            calls += 1;
        }
    }

    #[test]
    fn wx_28_trust_is_earned_slowly_and_lost_at_once() {
        let pace = Pace::default();
        assert_eq!(calls_until_trusted(&pace), 16);
        // That last beginning was dropped without an end, as a cancelled call's is.
        assert_eq!(calls_until_trusted(&pace), 256 + 16);
    }

    #[test]
    fn wx_28_a_slow_call_costs_all_trust() {
        let pace = Pace::default();
        for _ in 0..1000 {
            pace.begin().end(Duration::ZERO);
        }
        pace.begin().end(QUICK);
        assert_eq!(calls_until_trusted(&pace), 256 + 16);
    }

    #[test]
    fn wx_28_only_a_few_calls_of_a_release_begin_on_the_threads_that_answer() {
        let pace = Pace::default();
        for _ in 0..1000 {
            pace.begin().end(Duration::ZERO);
        }
        let steps: Vec<_> = (0..100).map(|_| pace.begin()).collect();
        assert_eq!(steps.iter().filter(|step| step.may_begin_here()).count(), 4);
        steps.into_iter().for_each(|step| step.end(Duration::ZERO));
        assert!(pace.begin().may_begin_here());
    }
}
