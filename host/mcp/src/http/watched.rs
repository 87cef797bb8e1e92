//! A stream that waits for what changes, for as long as whoever opened it may: it goes on only while the same credentials
//! prove the same principal (catalogue AU-01, AU-25).

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, header};
use portcullis_backend::Backend;
use portcullis_manifest::Principal;
use tokio::time::{Instant, sleep_until};

use super::Endpoint;
use crate::{
    fault::Fault,
    hub::{Event, Watch},
};

/// A [`Watch`], and what proves whose it is.
pub(super) struct Watched<B> {
    endpoint: Arc<Endpoint<B>>,
    watch: Watch<B>,
    proof: Proof,
    proven: Instant,
    spoke: Instant,
}

/// What was sent as credentials, and from where.
pub(super) struct Proof {
    headers: HeaderMap,
    source: Option<IpAddr>,
}

/// What comes next.
pub(super) enum Step {
    Event(Event),
    /// Nothing has happened for long.
    Alive,
    /// Who opened it may not have it any more.
    Refused(Fault),
}

impl Proof {
    pub(super) fn new(headers: &HeaderMap, source: Option<IpAddr>) -> Self {
        let sent = headers.get_all(header::AUTHORIZATION).iter();
        Self { headers: sent.map(|value| (header::AUTHORIZATION, value.clone())).collect(), source }
    }
}

impl Proof {
    /// Who it proves now.
    pub(super) async fn prove<B: Backend>(&self, endpoint: &Endpoint<B>) -> Result<Principal, Fault> {
        endpoint.authenticate(&self.headers, self.source).await
    }
}

impl<B: Backend> Watched<B> {
    pub(super) fn new(endpoint: Arc<Endpoint<B>>, watch: Watch<B>, proof: Proof) -> Self {
        let now = Instant::now();
        Self { endpoint, watch, proof, proven: now, spoke: now }
    }

    /// Dropped before it is ready, it has lost nothing. Nothing is told before an overdue proof: a client that has not read
    /// for a while may have been shut out meanwhile.
    pub(super) async fn next(&mut self) -> Step {
        let limits = *self.endpoint.protocol.hub.limits();
        let step = loop {
            tokio::select! {
                biased;
                () = sleep_until(self.proven + limits.proof) => match self.prove().await {
                    Ok(()) => self.proven = Instant::now(),
                    Err(fault) => break Step::Refused(fault),
                },
                event = self.watch.next() => break Step::Event(event),
                () = sleep_until(self.spoke + limits.keep_alive) => break Step::Alive,
            }
        };
        self.spoke = Instant::now();
        step
    }

    async fn prove(&mut self) -> Result<(), Fault> {
        let principal = self.proof.prove(&self.endpoint).await?;
        if self.watch.renew(principal) { Ok(()) } else { Err(Fault::another_principal()) }
    }
}
