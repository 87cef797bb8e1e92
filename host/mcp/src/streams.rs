//! The event streams of legacy clients that have a session. What was sent on one is kept for a while, so that a client whose
//! connection broke can fetch the rest, the response included: for it a connection that ends is not the end of its call.
//! A stream belongs to one session of one principal; to anybody else it does not exist (catalogue AU-08).

mod limits;
mod place;
mod reader;
mod stream;

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use portcullis_backend::KeptEvents;
use portcullis_manifest::PrincipalKey;
use uuid::Uuid;

use crate::{asking::Holder, codec::Id};

pub use limits::StreamLimits;
pub(crate) use place::{Kind, Place};
pub(crate) use reader::{Read, Reader};
pub(crate) use stream::Stream;

/// The streams that are kept.
#[derive(Debug)]
pub(crate) struct Streams {
    limits: StreamLimits,
    kept: Mutex<HashMap<Uuid, Arc<Stream>>>,
    /// What all of them hold.
    bytes: Arc<AtomicUsize>,
}

/// A stream that was begun elsewhere.
#[derive(Debug)]
pub(crate) enum Adopted {
    New(Arc<Stream>),
    Known(Arc<Stream>),
}

impl Streams {
    pub(crate) fn new(limits: StreamLimits) -> Self {
        Self { limits, kept: Mutex::default(), bytes: Arc::default() }
    }

    pub(crate) fn limits(&self) -> &StreamLimits {
        &self.limits
    }

    /// Begins a stream. Nothing, when there is no more room to keep it.
    pub(crate) fn begin(&self, kind: Kind, holder: &Holder, request: Option<Id>) -> Option<Arc<Stream>> {
        let mut kept = self.kept();
        // One that has ended is there for convenience, and makes room for one that goes on.
        let own = |stream: &Stream| stream.holder.principal == holder.principal;
        if kept.values().filter(|stream| own(stream)).count() >= self.limits.per_principal {
            kept.retain(|_, stream| !own(stream) || !stream.log().ended);
        }
        if self.bytes.load(Ordering::Relaxed) >= self.limits.in_all {
            kept.retain(|_, stream| !stream.log().ended);
        }
        let many = kept.values().filter(|stream| own(stream)).count();
        if many >= self.limits.per_principal || self.bytes.load(Ordering::Relaxed) >= self.limits.in_all {
            return None;
        }
        let place = (Uuid::from_u128(rand::random()), kind);
        let stream = Arc::new(Stream::new(place, holder, request, self.limits, &self.bytes));
        kept.insert(stream.id, Arc::clone(&stream));
        Some(stream)
    }

    /// Takes in a stream that another process has begun, as far as it is kept. One that is here already stays as it is: of
    /// two who come at once, the second one finds what the first one has taken in.
    pub(crate) fn adopt(&self, place: Place, holder: &Holder, kept: KeptEvents) -> Adopted {
        let stream = Arc::new(Stream::new((place.stream, place.kind), holder, None, self.limits, &self.bytes));
        stream.take(kept);
        match self.kept().entry(place.stream) {
            Entry::Occupied(here) => Adopted::Known(Arc::clone(here.get())),
            Entry::Vacant(vacant) => Adopted::New(Arc::clone(vacant.insert(stream))),
        }
    }

    /// Goes on reading where `holder` stopped. Nothing, when that stream is not kept, or is not theirs.
    pub(crate) fn resume(&self, place: Place, holder: &Holder) -> Option<Reader> {
        let stream = self.kept().get(&place.stream).filter(|stream| stream.holder == *holder).cloned()?;
        Some(stream.read_after(place.event))
    }

    /// The stream of that kind which `holder` has.
    pub(crate) fn of(&self, kind: Kind, holder: &Holder) -> Option<Arc<Stream>> {
        let going = |stream: &&Arc<Stream>| stream.kind == kind && stream.holder == *holder && !stream.log().ended;
        self.kept().values().find(going).cloned()
    }

    /// Gives up the stream of what changes whose client has been away for longest, of those of one principal. Whose it was.
    pub(crate) fn give_up_left(&self, of: &PrincipalKey) -> Option<Holder> {
        let kept = self.kept();
        let news = kept.values().filter(|stream| stream.kind == Kind::News && stream.holder.principal == *of);
        let left = news.filter_map(|stream| {
            let log = stream.log();
            let since = log.alone.filter(|_| !log.ended && !log.cancelled)?;
            Some((since, stream))
        });
        let (_, stream) = left.min_by_key(|(since, _)| *since)?;
        stream.give_up();
        Some(stream.holder.clone())
    }

    /// Ends the call `request` of this client, connected or not.
    pub(crate) fn cancel(&self, holder: &Holder, request: &Id) {
        for stream in self.kept().values() {
            if stream.holder == *holder && stream.request.as_ref() == Some(request) {
                stream.give_up();
            }
        }
    }

    /// Forgets a stream.
    pub(crate) fn forget(&self, stream: &Stream) {
        self.kept().remove(&stream.id);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Stream>>> {
        // A poisoned lock guards a map that is whole after every step.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
