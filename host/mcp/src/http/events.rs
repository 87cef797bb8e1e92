//! Answers that are streams, because a call says more than its response, which is the last event. Whoever takes the events
//! drives the call, so a client that goes away ends it, and one that doesn't read is waited for as long as any other
//! (catalogue MC-40, WX-29). Of legacy clients that have a session they are kept instead: `kept.rs`.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderName, HeaderValue, header};
use portcullis_backend::Backend;
use tokio::{sync::mpsc, time::sleep};

use super::{Endpoint, body::Held};
use crate::{asking::Talk, notices::WAITING, reply::Reply};

/// What proxies are told, so that they pass events on as they come.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A comment, which clients pass over.
pub(super) const ALIVE: &[u8] = b": waiting\n\n";

/// What the client is still to get.
struct Events {
    messages: mpsc::Receiver<Bytes>,
    stage: Stage,
    keep_alive: std::time::Duration,
}

enum Stage {
    Talking(Pin<Box<dyn Future<Output = Option<Reply>> + Send>>),
    /// What was said before the response may still wait.
    Ended(Option<Reply>),
}

/// Answers with what `talk` says. `held` is what the request's body has taken of the budget of all; the call goes on with
/// what was made of it.
pub(super) fn respond<B: Backend>(endpoint: Arc<Endpoint<B>>, talk: Box<Talk>, held: Held) -> Response {
    let keep_alive = endpoint.protocol.hub.limits().keep_alive;
    let (sender, messages) = mpsc::channel(WAITING);
    let talking = Box::pin(async move {
        // Given back with the body of the answer, also by one that is dropped before anybody has read of it.
        let _held = held;
        endpoint.protocol.talk(*talk, &sender).await
    });
    let events = Events { messages, stage: Stage::Talking(talking), keep_alive };
    response(stream::unfold(events, Events::next))
}

/// An answer that comes in events.
pub(super) fn response(events: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    response
}

impl Events {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            let next = match &mut self.stage {
                Stage::Talking(talking) => tokio::select! {
                    biased;
                    Some(message) = self.messages.recv() => event(&message),
                    reply = talking => {
                        self.stage = Stage::Ended(reply);
                        continue;
                    }
                    () = sleep(self.keep_alive) => Bytes::from_static(ALIVE),
                },
                Stage::Ended(reply) => match self.messages.try_recv() {
                    Ok(message) => event(&message),
                    Err(_) => event(&reply.take()?.body),
                },
            };
            return Some((Ok(next), self));
        }
    }
}

/// No message has a line break in it.
pub(super) fn event(message: &[u8]) -> Bytes {
    [b"event: message\ndata: ", message, b"\n\n"].concat().into()
}
