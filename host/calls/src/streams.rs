//! Events of streams: the store keeps them.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_backend::{KeptEvents, NotKept, StreamEvents};
use portcullis_store::{NewEvents, Unavailable};
use uuid::Uuid;

use crate::Host;

impl Host {
    pub(crate) async fn keep(&self, events: StreamEvents) -> Result<(), NotKept> {
        let StreamEvents { stream, holder, principal, events, ended, keep } = events;
        let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + keep;
        let expires_at = i64::try_from(until.as_millis()).unwrap_or(i64::MAX);
        let (stream, principal) = (*stream.as_bytes(), principal.to_string());
        let new = NewEvents { stream, holder, principal, events, ended, expires_at };
        self.store.stream_put(new).await.map_err(not_kept)
    }

    pub(crate) async fn kept(&self, stream: Uuid, holder: String, after: u64) -> Result<Option<KeptEvents>, NotKept> {
        let kept = self.store.stream_after(*stream.as_bytes(), holder, after).await.map_err(not_kept)?;
        Ok(kept.map(|kept| KeptEvents { events: kept.events, ended: kept.ended }))
    }
}

pub(crate) fn not_kept(unavailable: Unavailable) -> NotKept {
    NotKept(unavailable.reason)
}
