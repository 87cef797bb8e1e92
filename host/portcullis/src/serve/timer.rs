//! The timer that hyper waits by for the head of a request. It wants one for each request, and nearly always drops it unused:
//! setting and taking back an alarm of the runtime costs as much as reading the head. So a connection has one alarm, which is
//! set once in a while: it rings too early, and is set again for what is waited for by then.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt;
use tokio::time;

/// One connection's timer. Only one of its sleeps is waited for at a time, by the task of the connection.
#[derive(Clone, Default)]
pub(super) struct Alarm(Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>);

/// What hyper waits for.
struct Sleep {
    until: Instant,
    alarm: Alarm,
}

impl rt::Timer for Alarm {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep { until, alarm: self.clone() })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }
}

impl rt::Sleep for Sleep {}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let until = time::Instant::from_std(self.until);
        let mut alarm = self.alarm.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alarm = alarm.get_or_insert_with(|| Box::pin(time::sleep_until(until)));
        if alarm.deadline() > until {
            alarm.as_mut().reset(until);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if alarm.deadline() >= until {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::rt::Timer as _;
    use tokio::time::{advance, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn each_sleep_lasts_as_long_as_it_was_asked_for_whatever_the_alarm_was_set_for_before() {
        let alarm = Alarm::default();
        for seconds in [10, 30, 1, 30, 2] {
            let begun = time::Instant::now();
            alarm.sleep(seconds * SECOND).await;
            assert_eq!(begun.elapsed().as_secs(), u64::from(seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn mc_40_a_sleep_after_others_that_were_dropped_ends_in_its_own_time() {
        let alarm = Alarm::default();
        for _ in 0..7 {
            timeout(4 * SECOND, alarm.sleep(10 * SECOND)).await.unwrap_err();
        }
        let begun = time::Instant::now();
        let mut last = alarm.sleep(10 * SECOND);
        timeout(9 * SECOND, &mut last).await.unwrap_err();
        last.await;
        assert_eq!(begun.elapsed(), 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_rang_while_nobody_waited_is_set_again() {
        let alarm = Alarm::default();
        timeout(SECOND, alarm.sleep(3 * SECOND)).await.unwrap_err();
        advance(60 * SECOND).await;
        let begun = time::Instant::now();
        alarm.sleep(5 * SECOND).await;
        assert_eq!(begun.elapsed(), 5 * SECOND);
    }
}
