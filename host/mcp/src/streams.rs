//! The event streams of legacy clients that have a session. What was sent on one is kept for a while, so that a client whose
//! connection broke can fetch the rest, the response included: for it a connection that ends is not the end of its call.
//! A stream belongs to one session of one principal; to anybody else it does not exist (catalogue AU-08).

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use portcullis_backend::KeptEvents;
use portcullis_manifest::PrincipalKey;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use uuid::Uuid;

use crate::{asking::Holder, codec::Id};

/// What is kept of streams, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// How long a call goes on whose client is not connected.
    pub grace: Duration,
    /// How long events are kept after the last one.
    pub keep: Duration,
    /// What a client is told to wait before it connects again.
    pub retry: Duration,
    /// How many events of one stream are kept; then the oldest make room.
    pub events: usize,
    /// How many bytes of one stream are kept, beside its last event.
    pub bytes: usize,
    /// How many streams of one principal are kept. Further ones can't be resumed.
    pub per_principal: usize,
    /// How many bytes all streams together may keep. Further streams can't be resumed.
    pub in_all: usize,
    /// How often whoever reads a stream that does not end by itself has to prove once more who they are.
    pub recheck: Duration,
    /// How often it is looked whether another process has kept more of a stream.
    pub poll: Duration,
    /// Closes the stream of each call after its first event, so that its client has to fetch the rest. For tests of clients.
    pub close: bool,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(60),
            keep: Duration::from_secs(60),
            retry: Duration::from_secs(1),
            events: 1024,
            bytes: 4 << 20,
            per_principal: 64,
            in_all: 64 << 20,
            recheck: Duration::from_secs(4),
            poll: Duration::from_millis(250),
            close: false,
        }
    }
}

/// The streams that are kept.
#[derive(Debug)]
pub(crate) struct Streams {
    limits: StreamLimits,
    kept: Mutex<HashMap<Uuid, Arc<Stream>>>,
    /// What all of them hold.
    bytes: Arc<AtomicUsize>,
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What one call says, up to its response.
    Call,
    /// What the server tells of itself.
    News,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    id: Uuid,
    kind: Kind,
    holder: Holder,
    /// The request that it answers.
    request: Option<Id>,
    limits: StreamLimits,
    log: Mutex<Log>,
    /// Says that the log has changed.
    changed: watch::Sender<()>,
    bytes: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Log {
    /// With their numbers, which begin at 1.
    events: VecDeque<(u64, Bytes)>,
    bytes: usize,
    last: u64,
    ended: bool,
    cancelled: bool,
    /// Counts who came to read. Only the last one of them still does.
    reader: u64,
    /// Since when nobody reads.
    alone: Option<Instant>,
}

/// A stream that was begun elsewhere.
#[derive(Debug)]
pub(crate) enum Adopted {
    New(Arc<Stream>),
    Known(Arc<Stream>),
}

/// Where an event stands: what `Last-Event-ID` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) stream: Uuid,
    pub(crate) event: u64,
}

/// Whoever reads a stream now. There is one at a time: who comes later takes over.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: Arc<Stream>,
    changes: watch::Receiver<()>,
    nth: u64,
    after: u64,
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
        let stream = Arc::new(Stream {
            id: Uuid::from_u128(rand::random()),
            kind,
            holder: holder.clone(),
            request,
            limits: self.limits,
            log: Mutex::new(Log::new()),
            changed: watch::Sender::new(()),
            bytes: Arc::clone(&self.bytes),
        });
        kept.insert(stream.id, Arc::clone(&stream));
        Some(stream)
    }

    /// Takes in a stream that another process has begun, as far as it is kept. One that is here already stays as it is: of
    /// two who come at once, the second one finds what the first one has taken in.
    pub(crate) fn adopt(&self, place: Place, holder: &Holder, kept: KeptEvents) -> Adopted {
        let stream = Arc::new(Stream {
            id: place.stream,
            kind: place.kind,
            holder: holder.clone(),
            request: None,
            limits: self.limits,
            log: Mutex::new(Log::new()),
            changed: watch::Sender::new(()),
            bytes: Arc::clone(&self.bytes),
        });
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
                    || self.bytes.load(Ordering::Relaxed) + length > self.limits.in_all
            };
            log.bytes += length;
            while full(log)
                && let Some((_, oldest)) = log.events.pop_front()
            {
                log.bytes -= oldest.len();
                self.bytes.fetch_sub(oldest.len(), Ordering::Relaxed);
            }
            self.bytes.fetch_add(length, Ordering::Relaxed);
            log.events.push_back((last, message));
        });
        given
    }

    /// There is no more to come.
    pub(crate) fn end(&self) {
        self.change(|log| log.ended = true);
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
        Reader { stream: Arc::clone(self), changes, nth, after }
    }

    fn change(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log());
        self.changed.send_replace(());
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // A poisoned lock guards a log that is whole after every step.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let held: usize = self.log().events.iter().map(|(_, event)| event.len()).sum();
        self.bytes.fetch_sub(held, Ordering::Relaxed);
    }
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Event(Place, Bytes),
    /// Nothing has happened for so long.
    Idle,
    /// There is no more, or somebody else reads on.
    End,
}

impl Reader {
    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        Place { kind: self.stream.kind, stream: self.stream.id, event: self.after }
    }

    /// The next event; waits for it no longer than `patience`.
    pub(crate) async fn next(&mut self, patience: Duration) -> Read {
        loop {
            {
                let log = self.stream.log();
                if log.reader != self.nth {
                    return Read::End;
                }
                // What has made room is passed over.
                let at = log.events.partition_point(|(number, _)| *number <= self.after);
                if let Some((number, event)) = log.events.get(at) {
                    self.after = *number;
                    let event = event.clone();
                    drop(log);
                    return Read::Event(self.place(), event);
                }
                if log.ended {
                    return Read::End;
                }
            }
            if timeout(patience, self.changes.changed()).await.is_err() {
                return Read::Idle;
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stream.change(|log| {
            if log.reader == self.nth {
                log.alone = Some(Instant::now());
            }
        });
    }
}

impl Place {
    /// As it stands in the field `id` of an event.
    pub(crate) fn write(self, out: &mut String) {
        let kind = match self.kind {
            Kind::Call => 'c',
            Kind::News => 'n',
        };
        write!(out, "{kind}{}-{}", self.stream.simple(), self.event).expect("a text takes every character");
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let kind = match text.as_bytes().first()? {
            b'c' => Kind::Call,
            b'n' => Kind::News,
            _ => return None,
        };
        let (stream, event) = text.get(1..)?.split_once('-')?;
        let stream = (stream.len() == 32).then(|| Uuid::try_parse(stream).ok())??;
        Some(Self { kind, stream, event: event.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use portcullis_backend::Asking;
    use portcullis_manifest::{Grants, Principal};

    use super::*;
    use crate::{SessionKey, asking::Sessions, era::Revision};

    const PATIENCE: Duration = Duration::from_millis(1);

    fn holder(subject: &str) -> Holder {
        let principal = Principal::subject("https://issuer.example", subject, Grants::default());
        let sessions = Sessions::new(&SessionKey::random());
        let sealed = sessions.begin(&principal, Revision::V2025_11_25, Asking::FORM);
        sessions.open(&sealed, &principal).unwrap().holder
    }

    async fn rest(reader: &mut Reader) -> Vec<String> {
        let mut read = Vec::new();
        while let Read::Event(_, event) = reader.next(PATIENCE).await {
            read.push(String::from_utf8(event.to_vec()).unwrap());
        }
        read
    }

    fn push(stream: &Stream, messages: &[&'static str]) {
        for message in messages {
            stream.push(Bytes::from_static(message.as_bytes()));
        }
    }

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        for kind in [Kind::Call, Kind::News] {
            let place = Place { kind, stream: Uuid::from_u128(rand::random()), event: u64::MAX };
            let mut text = String::new();
            place.write(&mut text);
            assert_eq!(Place::read(&text), Some(place));
            for wrong in
                [&text[1..], &text[..33], &format!("{text}0"), &format!("x{}", &text[1..]), "", "c", "c-1", "ü-1"]
            {
                assert_eq!(Place::read(wrong), None, "{wrong}");
            }
        }
        assert_eq!(Place::read("c00000000-0000-0000-0000-000000000000-1"), None);
    }

    #[tokio::test]
    async fn who_comes_back_reads_on_where_it_stopped_up_to_the_end() {
        let streams = Streams::new(StreamLimits::default());
        let ann = holder("ann");
        let stream = streams.begin(Kind::Call, &ann, None).unwrap();
        push(&stream, &["a", "b"]);
        let mut first = stream.read();
        assert_eq!(rest(&mut first).await, ["a", "b"]);
        push(&stream, &["c"]);
        let Read::Event(at, _) = first.next(PATIENCE).await else { panic!("an event") };
        drop(first);
        push(&stream, &["d", "e"]);
        let mut second = streams.resume(at, &ann).unwrap();
        assert_eq!(rest(&mut second).await, ["d", "e"]);
        assert_eq!(second.next(PATIENCE).await, Read::Idle);
        stream.end();
        assert_eq!(second.next(PATIENCE).await, Read::End);
        // The same once more: nothing is used up by being read.
        assert_eq!(rest(&mut streams.resume(at, &ann).unwrap()).await, ["d", "e"]);
    }

    #[tokio::test]
    async fn au_08_a_stream_is_nobody_elses() {
        let streams = Streams::new(StreamLimits::default());
        let (ann, also_ann, bob) = (holder("ann"), holder("ann"), holder("bob"));
        let stream = streams.begin(Kind::Call, &ann, Some(Id::Signed(1))).unwrap();
        push(&stream, &["secret"]);
        let place = stream.read().place();
        for other in [&also_ann, &bob] {
            assert!(streams.resume(place, other).is_none());
            streams.cancel(other, &Id::Signed(1));
            assert!(streams.of(Kind::Call, other).is_none());
        }
        streams.cancel(&ann, &Id::Signed(2));
        assert!(!stream.log().cancelled);
        streams.cancel(&ann, &Id::Signed(1));
        stream.given_up().await;
    }

    #[tokio::test]
    async fn the_last_who_comes_reads_alone() {
        let streams = Streams::new(StreamLimits::default());
        let stream = streams.begin(Kind::Call, &holder("ann"), None).unwrap();
        let (mut first, mut second) = (stream.read(), stream.read());
        push(&stream, &["a"]);
        assert_eq!(first.next(PATIENCE).await, Read::End);
        drop(first);
        assert!(stream.log().alone.is_none(), "the second one is there");
        assert_eq!(rest(&mut second).await, ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_goes_on_alone_for_its_time_and_no_longer() {
        let limits = StreamLimits::default();
        let stream = Streams::new(limits).begin(Kind::Call, &holder("ann"), None).unwrap();
        let reader = stream.read();
        assert!(timeout(limits.grace * 10, stream.given_up()).await.is_err(), "somebody reads");
        drop(reader);
        assert!(timeout(limits.grace - PATIENCE, stream.given_up()).await.is_err());
        let reader = stream.read();
        assert!(timeout(limits.grace * 2, stream.given_up()).await.is_err());
        drop(reader);
        timeout(limits.grace + PATIENCE, stream.given_up()).await.unwrap();
    }

    #[tokio::test]
    async fn mc_40_what_is_kept_is_bounded_and_the_last_event_always_stays() {
        let limits = StreamLimits { events: 3, bytes: 10, in_all: 20, ..StreamLimits::default() };
        let streams = Streams::new(limits);
        let held = || streams.bytes.load(Ordering::Relaxed);
        let stream = streams.begin(Kind::Call, &holder("ann"), None).unwrap();
        push(&stream, &["a", "b", "c", "d"]);
        assert_eq!((rest(&mut stream.read()).await, held()), (vec!["b".into(), "c".into(), "d".into()], 3));
        push(&stream, &["eeeeeeee"]);
        assert_eq!((rest(&mut stream.read()).await, held()), (vec!["c".into(), "d".into(), "eeeeeeee".into()], 10));
        push(&stream, &["the response, which is long"]);
        assert_eq!((rest(&mut stream.read()).await.len(), held()), (1, "the response, which is long".len()));
        let other = streams.begin(Kind::Call, &holder("bob"), None);
        assert!(other.is_none(), "all is full of what goes on");
        stream.end();
        drop(stream);
        let other = streams.begin(Kind::Call, &holder("bob"), None).unwrap();
        assert_eq!(held(), 0);
        push(&other, &["f"]);
        streams.forget(&other);
        drop(other);
        assert_eq!(held(), 0);
    }

    #[test]
    fn a_principal_has_so_many_streams_and_those_that_ended_make_room() {
        let streams = Streams::new(StreamLimits { per_principal: 2, ..StreamLimits::default() });
        let ann = [holder("ann"), holder("ann"), holder("ann")];
        let begun = [0, 1].map(|nth| streams.begin(Kind::Call, &ann[nth], None).unwrap());
        assert!(streams.begin(Kind::Call, &ann[2], None).is_none());
        assert!(streams.begin(Kind::Call, &holder("bob"), None).is_some());
        begun[0].end();
        assert!(streams.begin(Kind::Call, &ann[2], None).is_some());
        assert!(streams.begin(Kind::Call, &ann[2], None).is_none());
    }
}
