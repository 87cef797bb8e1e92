//! How many calls run at once, and how much memory they may ask for together.

use std::{sync::Arc, time::Duration};

use portcullis_backend::CallRefused;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Budgets of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityLimits {
    /// Calls that hold an instance at once: what the pools are made for.
    pub calls: u32,
    /// Calls that may wait for one.
    pub waiting: u32,
    /// Bytes of guest memory, counted by the `limits.memory` of the calls that run.
    pub memory: u64,
}

impl Default for CapacityLimits {
    fn default() -> Self {
        Self { calls: 64, waiting: 1024, memory: 4 << 30 }
    }
}

/// See the module.
pub(crate) struct Capacity {
    calls: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    limits: CapacityLimits,
}

/// What a running call holds; dropped with it.
pub(crate) struct Place {
    _call: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
}

/// Memory is counted in units of this many bytes, because a semaphore counts with 32 bits.
const UNIT: u64 = 64 << 10;

impl Capacity {
    pub(crate) fn new(limits: CapacityLimits) -> Self {
        let units = usize::try_from(limits.memory / UNIT).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        Self {
            calls: Arc::new(Semaphore::new(limits.calls as usize)),
            waiting: Arc::new(Semaphore::new(limits.waiting as usize)),
            memory: Arc::new(Semaphore::new(units)),
            limits,
        }
    }

    /// Waits for a place, for as long as the call itself might take; a host on which nothing ends for that long is busy.
    pub(crate) async fn enter(&self, memory: u64, patience: Duration) -> Result<Place, CallRefused> {
        let busy = |limit| CallRefused::Busy { limit, retry_after: Duration::from_secs(1) };
        let units = u32::try_from(memory.div_ceil(UNIT)).unwrap_or(u32::MAX);
        if u64::from(units) * UNIT > self.limits.memory {
            return Err(busy("the call's memory limit is above the host's memory budget (`capacity.memory`)"));
        }
        let call = match self.calls.clone().try_acquire_owned() {
            Ok(call) => call,
            Err(_) => {
                let _waiting = self
                    .waiting
                    .clone()
                    .try_acquire_owned()
                    .map_err(|_| busy("too many calls wait already (`capacity.waiting`)"))?;
                tokio::time::timeout(patience, self.calls.clone().acquire_owned())
                    .await
                    .ok()
                    .and_then(Result::ok)
                    .ok_or_else(|| busy("all places for calls are taken (`pool.calls`)"))?
            }
        };
        let memory = self.memory.clone().try_acquire_many_owned(units);
        let memory = memory.map_err(|_| busy("the memory for guests is used up (`capacity.memory`)"))?;
        Ok(Place { _call: call, _memory: memory })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_beyond_a_budget_is_busy_and_says_which() {
        let capacity = Capacity::new(CapacityLimits { calls: 1, waiting: 0, memory: 4 * UNIT });
        let error = |result: Result<Place, CallRefused>| result.err().unwrap().to_string();
        let place = capacity.enter(UNIT, Duration::ZERO).await.unwrap();
        assert!(error(capacity.enter(UNIT, Duration::ZERO).await).contains("capacity.waiting"));
        drop(place);
        assert!(error(capacity.enter(5 * UNIT, Duration::ZERO).await).contains("capacity.memory"));
        let capacity = Capacity::new(CapacityLimits { calls: 8, waiting: 8, memory: 4 * UNIT });
        let three = capacity.enter(3 * UNIT, Duration::ZERO).await.unwrap();
        assert!(error(capacity.enter(2 * UNIT, Duration::ZERO).await).contains("capacity.memory"));
        drop(three);
        capacity.enter(4 * UNIT, Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn a_call_waits_for_a_place_and_gets_it() {
        let capacity = Arc::new(Capacity::new(CapacityLimits { calls: 1, waiting: 1, memory: 1 << 30 }));
        let place = capacity.enter(UNIT, Duration::ZERO).await.unwrap();
        let waiting = tokio::spawn({
            let capacity = capacity.clone();
            async move { capacity.enter(UNIT, Duration::from_secs(60)).await.is_ok() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(place);
        assert!(waiting.await.unwrap());
    }
}
