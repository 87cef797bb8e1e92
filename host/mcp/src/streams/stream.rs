//! One stream: what was said on it, how much of that is kept, and whether its client is still there.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use portcullis_backend::KeptEvents;
use portcullis_manifest::Principal;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use super::{Held, Kind, Reader, StreamLimits};
use crate::{asking::Holder, codec::Id};

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(super) id: Uuid,
    pub(super) kind: Kind,
    pub(super) holder: Holder,
    /// The request that it answers.
    pub(super) request: Option<Id>,
    limits: StreamLimits,
    log: Mutex<Log>,
    /// Says that the log has changed.
    changed: watch::Sender<()>,
    held: Held,
    /// Whoever reads it, with what they hold by now.
    proven: watch::Sender<Option<Principal>>,
}

#[derive(Debug)]
pub(super) struct Log {
    /// With their numbers, which begin at 1.
    pub(super) events: VecDeque<(u64, Bytes)>,
    bytes: usize,
    last: u64,
    pub(super) ended: bool,
    pub(super) cancelled: bool,
    /// Counts who came to read. Only the last one of them still does.
    pub(super) reader: u64,
    /// Since when nobody reads.
    pub(super) alone: Option<Instant>,
}

impl Log {
    fn new() -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
            last: 0,
            ended: false,
            cancelled: false,
            reader: 0,
            alone: Some(Instant::now()),
        }
    }
}

impl Stream {
    pub(super) fn new(
        place: (Uuid, Kind),
        holder: &Holder,
        request: Option<Id>,
        limits: StreamLimits,
        held: Held,
    ) -> Self {
        let ((id, kind), holder) = (place, holder.clone());
        let (log, changed) = (Mutex::new(Log::new()), watch::Sender::new(()));
        Self { id, kind, holder, request, limits, log, changed, held, proven: watch::Sender::new(None) }
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Takes what another process has kept since, and says whether more is to come.
    pub(crate) fn take(&self, kept: KeptEvents) -> bool {
        let last = self.last();
        for (number, message) in kept.events.into_iter().filter(|(number, _)| *number > last) {
            self.put(Some(number), message.into());
        }
        if kept.ended {
            self.end();
        }
        !kept.ended
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.log().last
    }

    /// Sends a message, now or to whoever comes back for it. Its number.
    pub(crate) fn push(&self, message: Bytes) -> u64 {
        self.put(None, message)
    }

    fn put(&self, number: Option<u64>, message: Bytes) -> u64 {
        let mut given = 0;
        self.change(|log| {
            log.last = number.unwrap_or(log.last + 1);
            given = log.last;
            let (last, length) = (log.last, message.len());
            let full = |log: &Log| {
                log.events.len() >= self.limits.events
                    || log.bytes > self.limits.bytes
                    || !self.held.has_room(length, &self.limits)
            };
            log.bytes += length;
            while full(log)
                && let Some((_, oldest)) = log.events.pop_front()
            {
                log.bytes -= oldest.len();
                self.held.remove(oldest.len());
            }
            self.held.add(length);
            log.events.push_back((last, message));
        });
        given
    }

    /// There is no more to come.
    pub(crate) fn end(&self) {
        self.change(|log| log.ended = true);
    }

    /// Whoever reads it has proven to be `principal`.
    pub(super) fn renew(&self, principal: &Principal) {
        self.proven.send_if_modified(|proven| {
            let other = proven.as_ref() != Some(principal);
            if other {
                *proven = Some(principal.clone());
            }
            other
        });
    }

    /// Who has proven to read it, for whoever drives it.
    pub(crate) fn proven(&self) -> watch::Receiver<Option<Principal>> {
        self.proven.subscribe()
    }

    /// Tells whoever drives it that nobody wants it any more.
    pub(crate) fn give_up(&self) {
        self.change(|log| log.cancelled = true);
    }

    /// Waits until the client has cancelled the call, or has not been there for too long.
    pub(crate) async fn given_up(&self) {
        let mut changes = self.changed.subscribe();
        loop {
            let alone = {
                let log = self.log();
                if log.cancelled {
                    return;
                }
                log.alone
            };
            let changed = changes.changed();
            match alone {
                None => drop(changed.await),
                Some(since) => {
                    tokio::select! {
                        _ = changed => {}
                        () = sleep_until(since + self.limits.grace) => return,
                    }
                }
            }
        }
    }

    /// Reads from the beginning.
    pub(crate) fn read(self: &Arc<Self>) -> Reader {
        self.read_after(0)
    }

    pub(crate) fn read_after(self: &Arc<Self>, after: u64) -> Reader {
        let changes = self.changed.subscribe();
        let mut nth = 0;
        self.change(|log| {
            log.reader += 1;
            log.alone = None;
            nth = log.reader;
        });
        Reader::new(Arc::clone(self), changes, nth, after)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log());
        self.changed.send_replace(());
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        // A poisoned lock guards a log that is whole after every step.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let held: usize = self.log().events.iter().map(|(_, event)| event.len()).sum();
        self.held.remove(held);
    }
}
