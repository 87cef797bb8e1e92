//! A stream that may go on for as long as whoever opened it may read it: only while the same credentials prove the same
//! principal (catalogue AU-01, AU-25). The one place for that, whatever is read and in whichever era.

use std::{future::Future, net::IpAddr, sync::Arc};

use http::{HeaderMap, header};
use portcullis_backend::Backend;
use portcullis_manifest::Principal;
use tokio::time::{Instant, sleep_until};

use super::Endpoint;
use crate::{
    fault::Fault,
    hub::{Event, Watch},
    streams::{Read, Reader},
};

/// What is read, what proves whose it is, and when it last said something.
pub(super) struct Watched<B, S> {
    endpoint: Arc<Endpoint<B>>,
    source: S,
    /// None: the answer of the request that proved it.
    proof: Option<Proof>,
    spoke: Instant,
}

/// What tells something, for as long as it is read.
pub(super) trait Source: Send {
    type Told;

    /// Dropped before it is ready, it has lost nothing.
    fn next(&mut self) -> impl Future<Output = Self::Told> + Send;

    /// Whoever reads has proven to be `principal`, the same as before: what they see may have changed with what they hold now.
    fn renew(&mut self, principal: &Principal);
}

/// What was sent as credentials, from where, and whom it proved.
pub(super) struct Proof {
    headers: HeaderMap,
    source: Option<IpAddr>,
    principal: Principal,
    proven: Instant,
}

/// What comes next.
pub(super) enum Step<T> {
    Told(T),
    /// Nothing has happened for long.
    Alive,
    /// Who opened it may not have it any more.
    Refused(Fault),
}

impl Proof {
    /// Of a request that has proven `principal` just now.
    pub(super) fn new(headers: &HeaderMap, source: Option<IpAddr>, principal: Principal) -> Self {
        let sent = headers.get_all(header::AUTHORIZATION).iter();
        let headers = sent.map(|value| (header::AUTHORIZATION, value.clone())).collect();
        Self { headers, source, principal, proven: Instant::now() }
    }

    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Looks again.
    async fn renew<B: Backend>(&mut self, endpoint: &Endpoint<B>) -> Result<(), Fault> {
        let principal = endpoint.authenticate(&self.headers, self.source).await?;
        if principal.key() != self.principal.key() {
            return Err(Fault::another_principal());
        }
        (self.principal, self.proven) = (principal, Instant::now());
        Ok(())
    }
}

impl<B: Backend, S: Source> Watched<B, S> {
    /// What is read goes on for as long as `proof` holds.
    pub(super) fn new(endpoint: Arc<Endpoint<B>>, mut source: S, proof: Proof) -> Self {
        // What goes on from before was begun with another proof.
        source.renew(&proof.principal);
        Self { endpoint, source, proof: Some(proof), spoke: Instant::now() }
    }

    /// The answer of a request, which ends by itself.
    pub(super) fn answer(endpoint: Arc<Endpoint<B>>, source: S) -> Self {
        Self { endpoint, source, proof: None, spoke: Instant::now() }
    }

    pub(super) fn endpoint(&self) -> &Endpoint<B> {
        &self.endpoint
    }

    /// Dropped before it is ready, it has lost nothing. Nothing is told before an overdue proof: a client that has not read
    /// for a while may have been shut out meanwhile.
    pub(super) async fn next(&mut self) -> Step<S::Told> {
        let limits = *self.endpoint.protocol.hub.limits();
        let step = loop {
            let due = self.proof.as_ref().map(|proof| proof.proven + limits.proof);
            tokio::select! {
                biased;
                () = passed(due) => {
                    let Some(proof) = &mut self.proof else { continue };
                    match proof.renew(&self.endpoint).await {
                        Ok(()) => self.source.renew(&proof.principal),
                        Err(fault) => break Step::Refused(fault),
                    }
                }
                told = self.source.next() => break Step::Told(told),
                () = sleep_until(self.spoke + limits.keep_alive) => break Step::Alive,
            }
        };
        self.spoke = Instant::now();
        step
    }
}

async fn passed(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

impl<B: Backend> Source for Watch<B> {
    type Told = Event;

    async fn next(&mut self) -> Event {
        Self::next(self).await
    }

    fn renew(&mut self, principal: &Principal) {
        Self::renew(self, principal);
    }
}

impl Source for Reader {
    type Told = Read;

    async fn next(&mut self) -> Read {
        Self::next(self).await
    }

    fn renew(&mut self, principal: &Principal) {
        Self::renew(self, principal);
    }
}
