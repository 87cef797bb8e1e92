//! The event streams of legacy clients that have a session. What was sent on one is kept for a while, so that a client whose
//! connection broke can fetch the rest, the response included: for it a connection that ends is not the end of its call.
//! A stream belongs to one session of one principal; to anybody else it does not exist (catalogue AU-08).

mod held;
mod limits;
mod place;
mod reader;
mod stream;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use portcullis_backend::KeptEvents;
use portcullis_manifest::PrincipalKey;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{asking::Holder, codec::Id};

use held::Held;
pub use limits::StreamLimits;
pub(crate) use place::{Kind, Place};
pub(crate) use reader::{Read, Reader};
pub(crate) use stream::Stream;

/// The streams that are kept.
#[derive(Debug)]
pub(crate) struct Streams {
    limits: StreamLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    streams: HashMap<Uuid, Arc<Stream>>,
    /// What each principal's hold, as long as they hold anything.
    held: HashMap<PrincipalKey, Held>,
    /// The count of all, from which each principal's is made.
    all: Held,
}

/// A stream that was begun elsewhere.
#[derive(Debug)]
pub(crate) enum Adopted {
    New(Arc<Stream>),
    Known(Arc<Stream>),
}

impl Kept {
    /// Room for one more stream of this principal; nothing, when there is none.
    fn room(&mut self, of: &PrincipalKey, limits: &StreamLimits) -> Option<Held> {
        let own = |stream: &Stream| stream.holder.principal == *of;
        let held = self.held.get(of).cloned().unwrap_or_else(|| self.all.other());
        // One that has ended is there for convenience, and makes room for one that goes on.
        if self.streams.values().filter(|stream| own(stream)).count() >= limits.per_principal
            || !held.own_has_room(1, limits)
        {
            self.streams.retain(|_, stream| !own(stream) || !stream.log().ended);
        }
        if !held.has_room(1, limits) {
            self.streams.retain(|_, stream| !stream.log().ended);
        }
        let many = self.streams.values().filter(|stream| own(stream)).count();
        (many < limits.per_principal && held.has_room(1, limits)).then_some(held)
    }

    fn insert(&mut self, stream: &Arc<Stream>, held: Held) {
        // One is in the map, and one in each stream: whoever has none any more counts from nothing.
        self.held.retain(|_, held| !held.is_last());
        self.held.insert(stream.holder.principal.clone(), held);
        self.streams.insert(stream.id, Arc::clone(stream));
    }
}

impl Streams {
    pub(crate) fn new(limits: StreamLimits) -> Self {
        Self { limits, kept: Mutex::default() }
    }

    pub(crate) fn limits(&self) -> &StreamLimits {
        &self.limits
    }

    /// Begins a stream. Nothing, when there is no more room to keep it.
    pub(crate) fn begin(&self, kind: Kind, holder: &Holder, request: Option<Id>) -> Option<Arc<Stream>> {
        let mut kept = self.kept();
        let held = kept.room(&holder.principal, &self.limits)?;
        let place = (Uuid::from_u128(rand::random()), kind);
        let stream = Arc::new(Stream::new(place, holder, request, self.limits, held.clone()));
        kept.insert(&stream, held);
        Some(stream)
    }

    /// Whether this principal may have one more stream.
    pub(crate) fn has_room(&self, holder: &Holder) -> bool {
        self.kept().room(&holder.principal, &self.limits).is_some()
    }

    /// Takes in a stream that another process has begun, as far as it is kept. One that is here already stays as it is: of
    /// two who come at once, the second one finds what the first one has taken in. Nothing, when there is no more room.
    pub(crate) fn adopt(&self, place: Place, holder: &Holder, events: KeptEvents) -> Option<Adopted> {
        let mut kept = self.kept();
        if let Some(here) = kept.streams.get(&place.stream) {
            return Some(Adopted::Known(Arc::clone(here)));
        }
        let held = kept.room(&holder.principal, &self.limits)?;
        let stream = Arc::new(Stream::new((place.stream, place.kind), holder, None, self.limits, held.clone()));
        stream.take(events);
        kept.insert(&stream, held);
        Some(Adopted::New(stream))
    }

    /// Goes on reading where `holder` stopped. Nothing, when that stream is not kept, or is not theirs.
    pub(crate) fn resume(&self, place: Place, holder: &Holder) -> Option<Reader> {
        let stream = self.kept().streams.get(&place.stream).filter(|stream| stream.holder == *holder).cloned()?;
        Some(stream.read_after(place.event))
    }

    /// The stream of that kind which `holder` has.
    pub(crate) fn of(&self, kind: Kind, holder: &Holder) -> Option<Arc<Stream>> {
        let going = |stream: &&Arc<Stream>| stream.kind == kind && stream.holder == *holder && !stream.log().ended;
        self.kept().streams.values().find(going).cloned()
    }

    /// Gives up the stream of what changes whose client has been away for longest, of those of one principal. Whose it was.
    pub(crate) fn give_up_left(&self, of: &PrincipalKey) -> Option<Holder> {
        let kept = self.kept();
        let news = kept.streams.values().filter(|stream| stream.kind == Kind::News && stream.holder.principal == *of);
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
        for stream in self.kept().streams.values() {
            if stream.holder == *holder && stream.request.as_ref() == Some(request) {
                stream.give_up();
            }
        }
    }

    /// Forgets a stream.
    pub(crate) fn forget(&self, stream: &Stream) {
        self.kept().streams.remove(&stream.id);
    }

    /// Forgets a stream that has ended when its time is over. Until then it may have to make room: it is not held meanwhile.
    pub(crate) async fn forget_later(&self, stream: Arc<Stream>) {
        let left = Arc::downgrade(&stream);
        drop(stream);
        sleep(self.limits.keep).await;
        if let Some(stream) = left.upgrade() {
            self.forget(&stream);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A poisoned lock guards a map that is whole after every step.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
