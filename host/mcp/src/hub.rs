//! Who wants to be told what has changed: the streams that are open for that, how many of them there may be, and what the
//! sessions of legacy clients have subscribed to. What a stream is told stands in [`Watch`]; how it is written, and whether
//! who reads it is still who opened it, is the transport's.

mod limits;
mod uris;
mod watch;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use portcullis_backend::{Backend, TaskId};
use portcullis_manifest::{Principal, PrincipalKey};
use tokio::sync::watch::{Receiver, Sender};

use crate::asking::{Holder, LIFE};

pub use limits::ListenLimits;
pub(crate) use limits::TooManyStreams;
pub(crate) use uris::Uris;
pub(crate) use watch::{Changed, Event, Watch};

/// The streams and subscriptions of one server, or of one client on stdio.
#[derive(Debug)]
pub(crate) struct Hub {
    limits: ListenLimits,
    open: Mutex<Open>,
    /// What legacy clients have subscribed to. It is told on a stream of their session, if they have one.
    subscribed: Mutex<HashMap<Holder, Subscribed>>,
    closed: Sender<bool>,
}

/// How many streams are open.
#[derive(Debug, Default)]
struct Open {
    of: HashMap<PrincipalKey, usize>,
    in_all: usize,
}

#[derive(Debug)]
struct Subscribed {
    uris: Arc<Uris>,
    used: Instant,
}

/// One of the streams that may be open. Dropped, it is free.
#[derive(Debug)]
pub(crate) struct Slot {
    hub: Arc<Hub>,
    of: PrincipalKey,
}

/// What a stream is to be told.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) lists: BTreeSet<Changed>,
    pub(crate) uris: Arc<Uris>,
    /// Of the principal who listens.
    pub(crate) tasks: Arc<BTreeSet<TaskId>>,
}

impl Wanted {
    /// What every legacy client is told, and what it has subscribed to.
    pub(crate) fn legacy(uris: Arc<Uris>) -> Self {
        Self { lists: Changed::ALL.into(), uris, tasks: Arc::default() }
    }
}

impl Hub {
    pub(crate) fn new(limits: ListenLimits) -> Self {
        let (open, subscribed) = (Mutex::default(), Mutex::default());
        Self { limits, open, subscribed, closed: Sender::new(false) }
    }

    pub(crate) fn limits(&self) -> &ListenLimits {
        &self.limits
    }

    /// Lets one more stream of this principal be open.
    pub(crate) fn enter(self: &Arc<Self>, of: &PrincipalKey) -> Result<Slot, TooManyStreams> {
        let ListenLimits { per_principal, in_all, .. } = self.limits;
        let open = self.open();
        if open.of.get(of).is_some_and(|own| *own >= per_principal) || per_principal == 0 {
            return Err(TooManyStreams::OfPrincipal(per_principal));
        }
        if open.in_all >= in_all {
            return Err(TooManyStreams::InAll(in_all));
        }
        Ok(self.count(open, of))
    }

    /// Lets one more stream of this principal be open, in place of one that was told to end and has not yet.
    pub(crate) fn enter_instead(self: &Arc<Self>, of: &PrincipalKey) -> Slot {
        self.count(self.open(), of)
    }

    fn count(self: &Arc<Self>, mut open: MutexGuard<'_, Open>, of: &PrincipalKey) -> Slot {
        open.in_all += 1;
        *open.of.entry(of.clone()).or_default() += 1;
        Slot { hub: Arc::clone(self), of: of.clone() }
    }

    /// Watches from now on what `principal` is to be told.
    pub(crate) fn watch<B: Backend>(
        &self,
        backend: &Arc<B>,
        principal: Principal,
        wanted: Wanted,
        slot: Slot,
    ) -> Watch<B> {
        Watch::new(Arc::clone(backend), principal, wanted, slot, self.closed.subscribe())
    }

    /// What a legacy client's session has subscribed to: the same value for whoever asks, for as long as the session is used.
    pub(crate) fn subscriptions(&self, holder: &Holder) -> Result<Arc<Uris>, TooManyStreams> {
        let ListenLimits { per_principal, in_all, .. } = self.limits;
        // A poisoned lock guards a map that is whole after every step.
        let mut subscribed = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(own) = subscribed.get_mut(holder) {
            own.used = now;
            return Ok(Arc::clone(&own.uris));
        }
        // One that a stream tells of has not been left.
        let left = |one: &Subscribed| Arc::strong_count(&one.uris) == 1;
        if subscribed.len() >= in_all {
            // One that does not come back is kept for as long as its session is good.
            subscribed.retain(|_, one| !left(one) || now.duration_since(one.used) < LIFE);
        }
        let of_principal = |other: &&Holder| other.principal == holder.principal;
        if subscribed.keys().filter(of_principal).count() >= per_principal {
            // Who shakes hands again and again has forgotten its sessions before.
            let own = subscribed.iter().filter(|(other, one)| of_principal(other) && left(one));
            let oldest = own.min_by_key(|(_, one)| one.used).map(|(other, _)| other.clone());
            subscribed.remove(&oldest.ok_or(TooManyStreams::OfPrincipal(per_principal))?);
        }
        if subscribed.len() >= in_all {
            return Err(TooManyStreams::InAll(in_all));
        }
        let uris = Arc::new(Uris::new(self.limits.uris));
        subscribed.insert(holder.clone(), Subscribed { uris: Arc::clone(&uris), used: now });
        Ok(uris)
    }

    /// Forgets what a session has subscribed to whose stream was told to end.
    pub(crate) fn forget(&self, holder: &Holder) {
        self.subscribed.lock().unwrap_or_else(PoisonError::into_inner).remove(holder);
    }

    /// Ends every stream, and each that is opened from now on.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // A poisoned lock guards numbers that are right after every step.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.hub.open();
        open.in_all -= 1;
        if let Some(own) = open.of.get_mut(&self.of) {
            *own -= 1;
            if *own == 0 {
                open.of.remove(&self.of);
            }
        }
    }
}

/// Ready when [`Hub::close`] has been called.
async fn closing(closed: &mut Receiver<bool>) {
    // A hub that is gone tells nobody anything either.
    let _ = closed.wait_for(|closed| *closed).await;
}
