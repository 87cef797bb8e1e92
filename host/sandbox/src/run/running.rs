//! A guest that runs, and what its call holds meanwhile. When the call is dropped, what it holds is let go of only after the
//! guest is gone: a place that is free while its instance still lives would be given to a neighbour that then finds no instance.

use std::time::Instant;

use wasmtime::Store;

use super::ending::{Keep, Unfinished, Usage};
use crate::capabilities::CallState;

/// See the module.
pub(super) struct Running<K: Keep> {
    /// Both are there until the call has ended.
    parts: Option<(Store<CallState>, K)>,
    since: Instant,
}

impl<K: Keep> Running<K> {
    pub(super) fn new(store: Store<CallState>, keep: K, since: Instant) -> Self {
        Self { parts: Some((store, keep)), since }
    }

    pub(super) fn store(&mut self) -> &mut Store<CallState> {
        &mut self.parts.as_mut().expect("taken out only at the end, by value").0
    }

    /// The call has ended: its state, what it used, and what it held.
    pub(super) fn end(mut self) -> (CallState, Usage, K) {
        let (store, keep) = self.parts.take().expect("taken out only here and on drop");
        let usage = usage(&store, self.since);
        (store.into_data(), usage, keep)
    }
}

impl<K: Keep> Drop for Running<K> {
    fn drop(&mut self) {
        if let Some((store, keep)) = self.parts.take() {
            let usage = usage(&store, self.since);
            let sent = store.data().effects.sent().to_vec();
            drop(store);
            keep.ended_from_outside(Unfinished { usage, sent, panicked: std::thread::panicking() });
        }
    }
}

fn usage(store: &Store<CallState>, since: Instant) -> Usage {
    let state = store.data();
    Usage {
        fuel: state.permit.tool().limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0)),
        memory: state.limiter.memory(),
        host_calls: state.host_calls,
        effect: state.effect,
        instantiate: state.instantiate,
        wall: since.elapsed(),
    }
}
