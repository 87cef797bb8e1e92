//! The stream of a `subscriptions/listen`: first what is granted, then what changes, and at the end a result. Whoever takes
//! the events drives it, so a client that goes away ends it, and what one does not read is never kept for it.

use std::{convert::Infallible, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use portcullis_backend::Backend;

use super::{
    Endpoint, events,
    watched::{Proof, Step, Watched},
};
use crate::{
    codec::Id,
    hub::{Event, Watch},
    methods::{Listen, notification},
};

struct Listening<B> {
    endpoint: Arc<Endpoint<B>>,
    id: Id,
    /// None: it has ended.
    watched: Option<Watched<B, Watch<B>>>,
    /// What goes before anything else.
    first: Option<Bytes>,
}

pub(super) fn respond<B: Backend>(endpoint: Arc<Endpoint<B>>, listen: Listen, proof: Proof) -> Response {
    let id = listen.id.clone();
    let (first, watch) = endpoint.protocol.begin(listen);
    let watched = Some(Watched::new(Arc::clone(&endpoint), watch, proof));
    let listening = Listening { endpoint, id, watched, first: Some(first) };
    events::response(stream::unfold(listening, Listening::next))
}

impl<B: Backend> Listening<B> {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if let Some(first) = self.first.take() {
            return Some((Ok(events::event(&first)), self));
        }
        let message = match self.watched.as_mut()?.next().await {
            Step::Alive => Bytes::from_static(events::ALIVE),
            Step::Told(Event::Closed) => {
                self.watched = None;
                events::event(&self.endpoint.protocol.listened(&self.id).body)
            }
            Step::Told(event) => events::event(&notification(&event, Some(&self.id))),
            Step::Refused(fault) => {
                self.watched = None;
                events::event(&self.endpoint.protocol.refuse(fault, Some(&self.id), None).body)
            }
        };
        Some((Ok(message), self))
    }
}
