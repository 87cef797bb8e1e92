//! Newline-delimited messages over a pair of byte streams: stdio, and the socket by which a `stdio` process reaches the
//! owner of the store. Only this file writes to the writer, one whole message at a time (catalogue MC-12).

#[cfg(test)]
mod tests;

use std::{collections::HashMap, future::pending, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    future::{AbortHandle, AbortRegistration, Abortable, Aborted},
    stream::FuturesUnordered,
};
use portcullis_backend::Backend;
use portcullis_manifest::Principal;
use tokio::{
    io::{AsyncBufRead, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    asking::{Desk, Peer, QuestionLimits, SessionKey},
    challenge::Challenges,
    codec::{Field, Id, Incoming, Method, Request},
    cursor::CursorKey,
    fault::Fault,
    http::{DEFAULT_BODY_LIMIT, DEFAULT_PAGE_SIZE},
    hub::{Event, ListenLimits, Wanted, Watch},
    lines::{Line, Lines},
    listing::Listing,
    methods::notification,
    notices::WAITING,
    protocol::{Protocol, Via},
    reply::{Outcome, Reply},
    streams::StreamLimits,
};

/// How many requests of one stream are answered at once.
const AT_ONCE: usize = 128;

/// Unsent answers beyond this many bytes stop the reading: a client has to take its answers to be heard again.
const UNSENT: usize = 1 << 20;

/// How long requests may still run when the client has nothing more to say.
const GRACE: Duration = Duration::from_secs(10);

/// Serves one client until it ends its side of the stream; then what is still running is finished, or cancelled after ten
/// seconds. Whoever holds the stream is `principal`: there is no authentication on it.
///
/// # Errors
/// When the stream can't be read or written. What is running is cancelled.
pub async fn serve_stdio<B, R, W>(backend: Arc<B>, principal: Principal, reader: R, writer: W) -> io::Result<()>
where
    B: Backend,
    R: AsyncBufRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin,
{
    serve(backend, principal, reader, writer, GRACE, QuestionLimits::default()).await
}

async fn serve<B, R, W>(
    backend: Arc<B>,
    principal: Principal,
    reader: R,
    writer: W,
    grace: Duration,
    questions: QuestionLimits,
) -> io::Result<()>
where
    B: Backend,
    R: AsyncBufRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin,
{
    let listing = Listing::new(DEFAULT_PAGE_SIZE, CursorKey::random());
    // The stream is the session: none is given out.
    let session_key = SessionKey::random();
    let mut protocol = Protocol::new(
        backend,
        Challenges::new(None),
        listing,
        &session_key,
        questions,
        ListenLimits::default(),
        StreamLimits::default(),
    );
    // An answer comes on this stream or not at all.
    protocol.desk = Arc::new(Desk::of_a_stream(questions));
    let peer = Peer::new();
    let (asking, mut asked) = mpsc::channel::<Bytes>(WAITING);
    let mut lines = Lines::new(reader, DEFAULT_BODY_LIMIT);
    let mut output = Output { writer, unsent: Vec::new(), sent: 0, flushed: true };
    let mut open = HashMap::<Id, AbortHandle>::new();
    let mut running = FuturesUnordered::new();
    let mut deadline = None;
    // A legacy client is told what changes without asking for it.
    let mut told = None::<Watch<B>>;

    while deadline.is_none() || !running.is_empty() || !output.is_idle() {
        tokio::select! {
            biased;
            written = output.advance(), if !output.is_idle() => written?,
            Some(message) = asked.recv(), if output.has_room() => output.push(&message),
            Some((id, done)) = running.next() => {
                open.remove(&id);
                // What a call has said before its answer goes before it.
                while let Ok(message) = asked.try_recv() {
                    output.push(&message);
                }
                // A cancelled request gets no answer.
                if let Ok(Some(reply)) = done {
                    let reply: Reply = reply;
                    output.push(&reply.body);
                }
            }
            event = next_of(&mut told), if output.has_room() => match event {
                Event::Closed => told = None,
                event => output.push(&notification(&event, None)),
            },
            line = lines.next(), if deadline.is_none() && output.has_room() => match line? {
                None => {
                    deadline = Some(Instant::now() + grace);
                    // Who says nothing more has heard enough of what changes.
                    protocol.hub.close();
                }
                Some(Line::TooLong) => {
                    output.push(&protocol.refuse(Fault::too_large(DEFAULT_BODY_LIMIT), None, Some(&principal)).body);
                }
                Some(Line::Whole(line)) if line.trim_ascii().is_empty() => {}
                Some(Line::Whole(line)) => match Incoming::read(&line) {
                    Ok(Incoming::Request(request)) => match admit(&mut open, &request.id) {
                        Ok(registration) => {
                            running.push(run(&protocol, &principal, &peer, &asking, request, registration));
                        }
                        Err(fault) => output.push(&protocol.refuse(fault, Some(&request.id), Some(&principal)).body),
                    },
                    Ok(Incoming::Notification(Method::Cancelled, params)) => {
                        if let Field::Is(id) = &params.request_id && let Some(request) = open.get(id) {
                            // What it has asked goes out before it is taken back.
                            while let Ok(message) = asked.try_recv() {
                                output.push(&message);
                            }
                            for withdrawal in protocol.desk.withdrawals(&peer.session(&principal).holder, id) {
                                output.push(&withdrawal);
                            }
                            request.abort();
                        }
                    }
                    Ok(Incoming::Notification(Method::Initialized, _)) if told.is_none() => {
                        told = watch(&protocol, &principal, &peer);
                    }
                    // Nothing of this waits for anything.
                    other => {
                        if let Outcome::Reply(reply) = protocol.handle(&principal, Via::Stream(&peer), other).await {
                            output.push(&reply.body);
                        }
                    }
                },
            },
            () = passed(deadline) => running.clear(),
        }
    }
    Ok(())
}

/// Notes a request as open, so that it can be cancelled by its id.
fn admit(open: &mut HashMap<Id, AbortHandle>, id: &Id) -> Result<AbortRegistration, Fault> {
    if open.contains_key(id) {
        return Err(Fault::message(
            "a request with that id is still being answered: each request needs an id of its own",
        ));
    }
    if open.len() >= AT_ONCE {
        return Err(Fault::stream_is_full(AT_ONCE));
    }
    let (handle, registration) = AbortHandle::new_pair();
    open.insert(id.clone(), handle);
    Ok(registration)
}

/// Answers a request unless it is cancelled, which drops whatever it was doing.
async fn run<B: Backend>(
    protocol: &Protocol<B>,
    principal: &Principal,
    peer: &Peer,
    asking: &mpsc::Sender<Bytes>,
    request: Request,
    registration: AbortRegistration,
) -> (Id, Result<Option<Reply>, Aborted>) {
    let id = request.id.clone();
    let answer = async {
        match protocol.handle(principal, Via::Stream(peer), Ok(Incoming::Request(request))).await {
            Outcome::Reply(reply) => Some(reply),
            // On the heap, so that calls that ask nothing have no room for it.
            Outcome::Talk(talk) => Box::pin(protocol.talk(*talk, asking)).await,
            Outcome::Listen(listen) => Box::pin(protocol.listen_on(*listen, asking)).await,
        }
    };
    (id, Abortable::new(answer, registration).await)
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// What a legacy client is told from now on.
fn watch<B: Backend>(protocol: &Protocol<B>, principal: &Principal, peer: &Peer) -> Option<Watch<B>> {
    let place = protocol.hub.enter(principal.key()).ok()?;
    let uris = protocol.hub.subscriptions(&peer.session(principal).holder).ok()?;
    Some(protocol.hub.watch(&protocol.backend, principal.clone(), Wanted::legacy(uris), place))
}

async fn next_of<B: Backend>(told: &mut Option<Watch<B>>) -> Event {
    match told {
        Some(watch) => watch.next().await,
        None => pending().await,
    }
}

/// Answers on their way out.
struct Output<W> {
    writer: W,
    unsent: Vec<u8>,
    sent: usize,
    flushed: bool,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    /// A message and its end; nothing, where nothing is to be said.
    fn push(&mut self, message: &[u8]) {
        if !message.is_empty() {
            self.unsent.extend_from_slice(message);
            self.unsent.push(b'\n');
        }
    }

    fn is_idle(&self) -> bool {
        self.unsent.is_empty() && self.flushed
    }

    fn has_room(&self) -> bool {
        self.unsent.len() - self.sent < UNSENT
    }

    /// One step: a write, or the flush after the last one. A dropped step has written nothing.
    async fn advance(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            self.writer.flush().await?;
            self.flushed = true;
            return Ok(());
        }
        match self.writer.write(&self.unsent[self.sent..]).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => self.sent += written,
        }
        self.flushed = false;
        if self.sent == self.unsent.len() {
            self.unsent.clear();
            self.sent = 0;
        }
        Ok(())
    }
}
