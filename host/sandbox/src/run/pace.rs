//! Where a call's first slice runs.
//!
//! A call costs two changes of thread when it goes to the guests' runtime and its answer comes back; for a short call they cost
//! more than its sandbox. So a tool that has shown itself to be quick begins on the thread that took the request, and moves
//! to the guests' runtime when it has to wait or at its first tick. A tool that is not quick never begins there, and one that
//! stops being quick has to show itself anew: it can hold up a thread that answers clients for one tick in
//! [`PENANCE`] calls, and no longer (catalogue WX-28; docs/architecture.md).

use std::{
    sync::atomic::{AtomicI32, Ordering},
    time::Duration,
};

/// A quick call takes less than this, start to end.
const QUICK: Duration = Duration::from_millis(1);

/// Quick calls in a row that make a quick tool.
const PROOF: i32 = 16;

/// Calls that a tool which was not quick has to make before its quick calls count again.
const PENANCE: i32 = 256;

/// How quick a release's calls have been. Shared by its tools: they are one component.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicI32);

impl Pace {
    pub(super) fn is_quick(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= PROOF
    }

    /// A call has ended after `wall`.
    pub(super) fn note(&self, wall: Duration) {
        if wall >= QUICK {
            self.0.store(-PENANCE, Ordering::Relaxed);
        } else if !self.is_quick() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wx_28_a_tool_is_quick_after_proof_and_one_slow_call_costs_it_penance() {
        let pace = Pace::default();
        let quick_after =
            |pace: &Pace| (0..).take_while(|_| !pace.is_quick()).inspect(|_| pace.note(Duration::ZERO)).count();
        assert_eq!(quick_after(&pace), 16);
        pace.note(QUICK);
        assert!(!pace.is_quick());
        assert_eq!(quick_after(&pace), 256 + 16);
    }
}
