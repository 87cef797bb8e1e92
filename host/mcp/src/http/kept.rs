//! Streams of legacy clients that have a session: of a call, which goes on while its client is not connected, and of what
//! changes, which a client opens with GET. Both are read from what is kept of them ([`crate::streams`]), by the one who has
//! the session: at first, and after `Last-Event-ID`.

use std::{convert::Infallible, fmt::Write as _, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName};
use portcullis_backend::{Backend, StreamEvents};
use portcullis_manifest::Principal;
use tokio::{sync::mpsc, time::sleep};

use super::{
    Endpoint,
    body::Held,
    content, events,
    watched::{Proof, Step, Watched},
};
use crate::{
    asking::{Holder, Session, Talk},
    codec::Field,
    era::{Era, Version},
    fault::Fault,
    headers,
    hub::{Changed, Event, Wanted},
    methods::notification,
    notices::WAITING,
    reply::Reply,
    streams::{Adopted, Kind, Place, Read, Reader, Stream},
};

/// Where a client stopped reading.
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// A GET that has been granted: what its client reads.
pub(super) struct Follow {
    session: Session,
    proof: Proof,
    reads: Reads,
}

enum Reads {
    /// A stream from where it stopped.
    On(Reader),
    /// What changes from now on. True: it has read of it before, and something may have been missed.
    News(bool),
}

/// What one connection is sent of a stream.
struct Connection<B> {
    /// None: it has ended.
    watched: Option<Watched<B, Reader>>,
    /// What goes before anything else.
    first: Option<Bytes>,
    /// Whether its client reads an error that answers no request: from 2025-11-25 on.
    errors: bool,
    /// Whether it ends after the first thing it sends.
    close: bool,
}

impl<B: Backend> Endpoint<B> {
    /// What a GET reads. `Last-Event-ID` of a call that is not kept, or not this client's, is nothing here (catalogue AU-08).
    pub(super) async fn follow(self: &Arc<Self>, headers: &HeaderMap, proof: Proof) -> Result<Follow, Fault> {
        if !content::takes_events(headers) {
            return Err(Fault::wants_events());
        }
        match headers::version(headers)? {
            Some(version) if version.era() == Era::Modern => return Err(Fault::method_not_allowed("POST")),
            Some(version @ Version::Other(_)) => return Err(Fault::unsupported_version(version.as_str())),
            _ => {}
        }
        let session =
            headers::session(headers).and_then(|sealed| self.protocol.sessions.open(sealed, proof.principal()));
        let session = session.ok_or_else(|| Fault::method_not_allowed("POST"))?;
        let last = match headers::single(headers, &LAST_EVENT)? {
            None => Field::Absent,
            Some(last) => Place::read(last).map_or(Field::Wrong, Field::Is),
        };
        let reads = match last {
            Field::Absent => Reads::News(false),
            Field::Wrong => return Err(Fault::no_stream()),
            Field::Is(place) => match (self.protocol.streams.resume(place, &session.holder), place.kind) {
                (Some(reader), _) => Reads::On(reader),
                (None, Kind::News) => Reads::News(true),
                (None, Kind::Call) => Reads::On(from_elsewhere(self, place, &session.holder).await?),
            },
        };
        Ok(Follow { session, proof, reads })
    }
}

/// Answers a GET.
pub(super) fn follow<B: Backend>(endpoint: Arc<Endpoint<B>>, follow: Follow) -> Response {
    let Follow { session, proof, reads } = follow;
    let (reader, first) = match reads {
        Reads::On(reader) => (reader, None),
        Reads::News(missed) => match news(&endpoint, &session, proof.principal(), missed) {
            Ok(reader) => {
                let first = primes(&endpoint, &session, &reader);
                (reader, first)
            }
            Err(fault) => return super::respond(endpoint.protocol.refuse(fault, None, Some(proof.principal()))),
        },
    };
    let watched = Some(Watched::new(endpoint, reader, proof));
    let connection = Connection { watched, first, errors: session.primes, close: false };
    events::response(stream::unfold(connection, Connection::next))
}

/// A call whose events are not kept, and what its body holds of the budget.
type NotKept<B> = (Arc<Endpoint<B>>, Box<Talk>, Held);

/// Answers a call with events that are kept. The call itself, and what its body holds of the budget, where there is no room
/// to keep any.
pub(super) fn call<B: Backend>(
    endpoint: Arc<Endpoint<B>>,
    talk: Box<Talk>,
    held: Held,
) -> Result<Response, NotKept<B>> {
    let Some(session) = talk.over_http.then(|| talk.session.clone()).flatten() else {
        return Err((endpoint, talk, held));
    };
    let Some(kept) = endpoint.protocol.streams.begin(Kind::Call, &session.holder, Some(talk.rendering.id.clone()))
    else {
        return Err((endpoint, talk, held));
    };
    let reader = kept.read();
    let first = primes(&endpoint, &session, &reader);
    let close = endpoint.protocol.streams.limits().close;
    tokio::spawn(drive(Arc::clone(&endpoint), talk, held, kept));
    let watched = Some(Watched::answer(endpoint, reader));
    let connection = Connection { watched, first, errors: session.primes, close };
    Ok(events::response(stream::unfold(connection, Connection::next)))
}

/// A stream that another process has begun, this one before it was started anew included. What that one keeps from now on is
/// looked for again and again.
async fn from_elsewhere<B: Backend>(
    endpoint: &Arc<Endpoint<B>>,
    place: Place,
    holder: &Holder,
) -> Result<Reader, Fault> {
    let (protocol, name) = (&endpoint.protocol, holder.name());
    // Looked at before the store is read, too: who has no room costs nothing (catalogue MC-40).
    if !protocol.streams.has_room(holder) {
        return Err(Fault::no_room_for_streams());
    }
    let kept = protocol.backend.kept_events(place.stream, name.clone(), 0).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a stream can't be read on");
        None
    });
    let kept = kept.ok_or_else(Fault::no_stream)?;
    let more = !kept.ended;
    let stream = match protocol.streams.adopt(place, holder, kept).ok_or_else(Fault::no_room_for_streams)? {
        Adopted::New(stream) => stream,
        Adopted::Known(stream) => return Ok(stream.read_after(place.event)),
    };
    let reader = stream.read_after(place.event);
    let endpoint = Arc::clone(endpoint);
    tokio::spawn(async move {
        let (protocol, limits) = (&endpoint.protocol, *endpoint.protocol.streams.limits());
        let mut more = more;
        while more {
            tokio::select! {
                biased;
                () = stream.given_up() => break,
                () = sleep(limits.poll) => {}
            }
            more = match protocol.backend.kept_events(place.stream, name.clone(), stream.last()).await {
                Ok(Some(kept)) => stream.take(kept),
                // It has expired: whoever drove the call is gone.
                Ok(None) | Err(_) => false,
            };
        }
        stream.end();
        protocol.streams.forget_later(stream).await;
    });
    Ok(reader)
}

/// Keeps for other processes what was said. Where that fails, this one still has it.
async fn keep<B: Backend>(endpoint: &Endpoint<B>, stream: &Stream, events: Vec<(u64, Bytes)>, ended: bool) {
    let limits = endpoint.protocol.streams.limits();
    let events = events.into_iter().map(|(number, message)| (number, message.into())).collect();
    let keep = if ended { limits.keep } else { limits.keep + endpoint.config.questions.time + limits.grace };
    let (holder, principal) = (stream.holder().name(), stream.holder().principal.clone());
    let events = StreamEvents { stream: stream.id(), holder, principal, events, ended, keep };
    if let Err(error) = endpoint.protocol.backend.keep_events(events).await {
        tracing::warn!(%error, "events of a stream");
    }
}

/// Drives a call to its end, whether its client is connected or not, but not for long without it.
async fn drive<B: Backend>(endpoint: Arc<Endpoint<B>>, talk: Box<Talk>, held: Held, kept: Arc<Stream>) {
    let (sender, mut messages) = mpsc::channel(WAITING);
    {
        let _held = held;
        let mut talking = Box::pin(endpoint.protocol.talk(*talk, &sender));
        let mut said = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some(message) = messages.recv() => said.push((kept.push(message.clone()), message)),
                reply = &mut talking => {
                    // What was said before the response goes before it.
                    while let Ok(message) = messages.try_recv() {
                        said.push((kept.push(message.clone()), message));
                    }
                    if let Some(Reply { body, .. }) = reply {
                        said.push((kept.push(body.clone()), body));
                    }
                    kept.end();
                    keep(&endpoint, &kept, said, true).await;
                    break;
                }
                () = kept.given_up() => {
                    kept.end();
                    keep(&endpoint, &kept, said, true).await;
                    break;
                }
            }
            while let Ok(message) = messages.try_recv() {
                said.push((kept.push(message.clone()), message));
            }
            keep(&endpoint, &kept, std::mem::take(&mut said), false).await;
        }
    }
    endpoint.protocol.streams.forget_later(kept).await;
}

/// Begins to tell a session what changes. What it was told on before ends.
fn news<B: Backend>(
    endpoint: &Arc<Endpoint<B>>,
    session: &Session,
    principal: &Principal,
    missed: bool,
) -> Result<Reader, Fault> {
    let hub = &endpoint.protocol.hub;
    if let Some(before) = endpoint.protocol.streams.of(Kind::News, &session.holder) {
        before.end();
        before.give_up();
        endpoint.protocol.streams.forget(&before);
    }
    let place = endpoint.protocol.enter(principal.key()).map_err(Fault::too_many_streams)?;
    let uris = endpoint.protocol.subscriptions(&session.holder).map_err(Fault::too_many_streams)?;
    let mut watch = hub.watch(&endpoint.protocol.backend, principal.clone(), Wanted::legacy(uris), place);
    let kept =
        endpoint.protocol.streams.begin(Kind::News, &session.holder, None).ok_or_else(Fault::no_room_for_streams)?;
    let reader = kept.read();
    if missed {
        for changed in Changed::ALL {
            kept.push(notification(&Event::List(changed), None));
        }
    }
    let streams = Arc::clone(&endpoint.protocol.streams);
    let mut proven = kept.proven();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                () = kept.given_up() => break,
                Ok(()) = proven.changed() => {
                    let principal = proven.borrow_and_update().clone();
                    principal.iter().for_each(|principal| watch.renew(principal));
                }
                event = watch.next() => match event {
                    Event::Closed => break,
                    event => drop(kept.push(notification(&event, None))),
                },
            }
        }
        kept.end();
        streams.forget(&kept);
    });
    Ok(reader)
}

/// An event that says nothing but where a client begins, and how long it shall wait before it comes again. Clients of revisions
/// before 2025-11-25 read every event as a message.
fn primes<B>(endpoint: &Endpoint<B>, session: &Session, reader: &Reader) -> Option<Bytes> {
    session.primes.then(|| {
        let mut out = "id: ".to_owned();
        reader.place().write(&mut out);
        let retry = endpoint.protocol.streams.limits().retry.as_millis();
        write!(out, "\nretry: {retry}\ndata:\n\n").expect("a text takes every character");
        out.into()
    })
}

/// No message has a line break in it.
fn event(place: Place, message: &[u8]) -> Bytes {
    let mut id = "id: ".to_owned();
    place.write(&mut id);
    [id.as_bytes(), b"\nevent: message\ndata: ", message, b"\n\n"].concat().into()
}

impl<B: Backend> Connection<B> {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let mut watched = self.watched.take()?;
        let bytes = match self.first.take() {
            Some(first) => first,
            None => match watched.next().await {
                Step::Told(Read::Event(place, message)) => event(place, &message),
                Step::Told(Read::End) => return None,
                Step::Alive => Bytes::from_static(events::ALIVE),
                Step::Refused(fault) => {
                    let error = watched.endpoint().protocol.refuse(fault, None, None).body;
                    return self.errors.then(|| (Ok(events::event(&error)), self));
                }
            },
        };
        if !self.close {
            self.watched = Some(watched);
        }
        Some((Ok(bytes), self))
    }
}
