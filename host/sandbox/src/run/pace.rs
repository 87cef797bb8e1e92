//! Where a call's first slice runs.
//!
//! A call costs two changes of thread when it goes to the guests' runtime and its answer comes back; for a short call they cost
//! more than its sandbox. So a call of a release that has shown itself to be quick runs on the thread that took the request,
//! and moves to the guests' runtime once it has held that thread for longer than a quick call does. A call of a release that
//! is not quick never begins there.
//!
//! Trust is lent, not given: each such beginning takes some of it away until it has ended quickly, so that only a few can be
//! under way at once, and one that ends slowly, or is dropped, costs all of it, and the more the longer it held its thread. So
//! a release can hold up [`LOANS`] threads for one slice in as many calls as would have fitted in there, and no more (catalogue
//! WX-28; docs/architecture.md).

use std::{
    cell::Cell,
    pin::Pin,
    sync::atomic::{AtomicI32, Ordering},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// A quick call holds its threads for less than this, from its beginning to its end. What it waits for, it does not hold.
const QUICK: Duration = Duration::from_millis(1);

/// A call whose thread lost its core may be taken to have used so much more than it did: a quarter of what is quick.
const FRESH: Duration = Duration::from_micros(250);

/// Quick calls that make a quick release.
const PROOF: i32 = 16;

/// A call that was not quick costs one call, elsewhere, for so much time: about what a quick call takes. The kernel, and a
/// host below it, take a core away now and then, which looks like a slow call of a millisecond or two: it should not cost much.
const TOLL: Duration = Duration::from_micros(40);

/// The most calls that one call may cost.
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
    /// Calls that this one costs.
    cost: i32,
}

/// A call that measures for how long it has held the threads that polled it. Gives that time beside the call's own answer.
pub(super) struct Held<F> {
    call: Pin<Box<F>>,
    held: Duration,
}

impl<F> Held<F> {
    pub(super) fn new(call: F) -> Self {
        Self { call: Box::pin(call), held: Duration::ZERO }
    }

    /// Whether it has not been longer than a quick call yet.
    pub(super) fn is_quick(&self) -> bool {
        self.held < QUICK
    }
}

impl<F: Future> Future for Held<F> {
    type Output = (F::Output, Duration);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let begun = Instant::now();
        let used = used_before(begun);
        let polled = self.call.as_mut().poll(context);
        let mut took = begun.elapsed();
        if took >= QUICK {
            // The kernel may have given the thread's core to somebody else meanwhile; that is not the tool's doing.
            took = took.min(thread_time().saturating_sub(used));
        }
        self.held += took;
        Poll::Ready((ready!(polled), self.held))
    }
}

/// Processor time that this thread had used at `begun`, which is now, or up to [`FRESH`] before: asking takes as long as a
/// tenth of a quick call.
fn used_before(begun: Instant) -> Duration {
    thread_local!(static ASKED: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) });
    match ASKED.get() {
        Some((at, used)) if begun.saturating_duration_since(at) < FRESH => used,
        _ => {
            let used = thread_time();
            ASKED.set(Some((begun, used)));
            used
        }
    }
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

impl Pace {
    /// Begins a call.
    pub(super) fn begin(&self) -> Step<'_> {
        let lend = |trust| (trust >= PROOF).then_some(trust - LOAN);
        let lent = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lend).is_ok();
        Step { pace: self, lent: if lent { LOAN } else { 0 }, cost: PENANCE }
    }
}

impl Step<'_> {
    /// Whether it may begin on the thread that took the request.
    pub(super) fn may_begin_here(&self) -> bool {
        self.lent > 0
    }

    /// The call has ended, and held its threads for this long.
    pub(super) fn end(mut self, held: Duration) {
        let cost = || i32::try_from(held.as_micros() / TOLL.as_micros()).unwrap_or(PENANCE).min(PENANCE);
        self.cost = if held < QUICK { 0 } else { cost() };
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let change = |trust: i32| Some(if self.cost == 0 { (trust + self.lent + 1).min(MOST) } else { -self.cost });
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
    fn wx_28_a_slow_call_costs_all_trust_and_the_more_the_longer_it_held_its_thread() {
        for (held, cost) in [(QUICK, 25), (10 * QUICK, 250), (1000 * QUICK, 256)] {
            let pace = Pace::default();
            for _ in 0..1000 {
                pace.begin().end(Duration::ZERO);
            }
            pace.begin().end(held);
            assert_eq!(calls_until_trusted(&pace), cost + 16);
        }
    }

    #[tokio::test]
    async fn a_call_holds_a_thread_while_it_computes_and_not_while_it_waits() {
        let wait = async { tokio::time::sleep(2 * QUICK).await };
        let ((), held) = Held::new(wait).await;
        assert!(held < QUICK, "{held:?}");
        let compute = async {
            let before = thread_time();
            while thread_time() - before < 2 * QUICK {}
        };
        let ((), held) = Held::new(compute).await;
        assert!(held >= QUICK, "{held:?}");
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
