//! Turns for guests that compute for long. Every 10 ms a guest yields; one that has done so a few times joins the queue of
//! the busy, in which one seat fewer is free than there are cores. So short calls always find a core, however many loops run, and busy guests share the rest fairly (catalogue WX-28).

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ticks of 10 ms that a guest may compute before it counts as busy.
const PATIENCE: u32 = 2;

/// The queue of the busy.
#[derive(Clone)]
pub(super) struct Turns {
    seats: Arc<Semaphore>,
}

/// One guest's place.
pub(super) struct Turn {
    seats: Arc<Semaphore>,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    ticks: u32,
}

impl Turns {
    pub(super) fn new(cores: usize) -> Self {
        Self { seats: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))) }
    }

    pub(super) fn join(&self) -> Turn {
        Turn { seats: self.seats.clone(), held: Arc::default(), ticks: 0 }
    }
}

impl Turn {
    /// Called at each tick: gives up this turn and waits for the next.
    pub(super) fn next(&mut self) -> impl Future<Output = ()> + Send + use<> {
        self.ticks = self.ticks.saturating_add(1);
        self.release();
        let busy = (self.ticks > PATIENCE).then(|| (self.seats.clone(), self.held.clone()));
        async move {
            // Everybody else first, also when a seat is free.
            tokio::task::yield_now().await;
            if let Some((seats, held)) = busy
                && let Ok(seat) = seats.acquire_owned().await
            {
                *held.lock() = Some(seat);
            }
        }
    }

    fn release(&self) {
        self.held.lock().take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn busy_guests_take_turns_and_leave_a_core_free() {
        let turns = Turns::new(2);
        let mut first = turns.join();
        let mut second = turns.join();
        for _ in 0..PATIENCE {
            first.next().await;
            second.next().await;
        }
        first.next().await;
        assert_eq!(turns.seats.available_permits(), 0);
        let waiting = tokio::spawn(second.next());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first.next());
        waiting.await.unwrap();
        drop(second);
        assert_eq!(turns.seats.available_permits(), 1, "a guest that ends gives its seat back");
    }
}
