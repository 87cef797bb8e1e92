//! Access tokens that were refused: counted, slowed down, and told to the operator when they are many (catalogue AU-26). It
//! must never hold, log or send any part of a token: what an alert says of one is a keyed fingerprint.
//!
//! What is counted against a source is refused before anybody looks at the next token from there: looking costs time, and
//! with opaque tokens a request to the issuer. What is counted against a client never is: whoever holds one expired token of
//! a client could shut out everybody who uses it. Its refused tokens are answered with another status, that is all.

mod alert;
mod bucket;
#[cfg(test)]
mod tests;

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use portcullis_egress::Egress;
use quick_cache::{Equivalent, sync::Cache};

use crate::PlaceRefused;
use alert::{Alert, Alerts};
use bucket::{Bucket, Limit};

/// What limits and thresholds count in.
const WINDOW: Duration = Duration::from_secs(60);
/// Sources that are told apart. Of more, those are forgotten that were heard of longest ago, about.
const SOURCES: usize = 1 << 16;
/// Clients that are told apart.
const CLIENTS: usize = 1 << 12;

/// `[authentication.failures]`, typed. Zero is no limit and no alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailuresConfig {
    /// Refused tokens of one source in a minute, beyond which none from there is looked at.
    pub per_source: u32,
    /// Refused tokens of one client in a minute, beyond which more are answered as too many.
    pub per_client: u32,
    /// Refused tokens in a minute that are worth an alert.
    pub alert: u32,
    /// Where alerts are posted.
    pub webhook: Option<String>,
}

impl Default for FailuresConfig {
    fn default() -> Self {
        // Many people may share an address, that of ChatGPT say, and the token of each expires some time.
        Self { per_source: 300, per_client: 300, alert: 100, webhook: None }
    }
}

/// Too many tokens were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many access tokens were refused; try again in {} s", retry_after.as_secs().max(1))]
pub struct TooMany {
    /// When one will be looked at again.
    pub retry_after: Duration,
}

/// What was counted since the host started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailureCounts {
    /// Tokens that were looked at and refused.
    pub refused: u64,
    /// Of those, how many were answered as too many of their client.
    pub client_over: u64,
    /// Tokens that nobody looked at, because too many from there had been refused.
    pub unseen: u64,
    /// Alerts.
    pub alerts: u64,
    /// Alerts that the webhook took.
    pub webhooks: u64,
    /// Alerts that it did not take, or that found one before them still under way.
    pub webhooks_lost: u64,
}

/// Refused tokens of this host. Cloned, it is the same.
#[derive(Clone)]
pub struct Failures(Arc<Inner>);

struct Inner {
    start: Instant,
    sources: Option<Buckets<Source>>,
    clients: Option<Buckets<String>>,
    window: Mutex<Window>,
    threshold: u64,
    alerts: Alerts,
    refused: AtomicU64,
    client_over: AtomicU64,
    unseen: AtomicU64,
}

/// Where requests come from, as far as it is counted. A network that one customer is given, for addresses of version 6: who has
/// one has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Source(Option<IpAddr>);

/// Everything that was refused, in a minute that begins with the first of it.
#[derive(Debug, Default)]
struct Window {
    until: Duration,
    refused: u64,
}

/// One bucket for each key, as many as fit.
struct Buckets<K> {
    limit: Limit,
    of: Cache<K, Arc<Bucket>>,
}

impl std::fmt::Debug for Failures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.counts().fmt(f)
    }
}

impl Source {
    fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            address => address,
        }))
    }
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    fn new(in_a_window: u32, keys: usize) -> Option<Self> {
        let limit = Limit::new(in_a_window, WINDOW)?;
        Some(Self { limit, of: Cache::new(keys) })
    }

    /// How long until there is room for one more.
    fn wait<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, now: Duration) -> Option<Duration> {
        self.of.get(key).and_then(|bucket| bucket.wait(&self.limit, now))
    }

    fn count<Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized>(&self, key: &Q, now: Duration) {
        let bucket = self.of.get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(Arc::default()));
        let Ok(bucket) = bucket;
        bucket.count(&self.limit, now);
    }
}

impl Failures {
    /// Nothing refused so far.
    ///
    /// # Errors
    /// [`PlaceRefused`] when the webhook's URL is none that alerts may be sent to.
    pub fn new(config: &FailuresConfig, egress: &Egress) -> Result<Self, PlaceRefused> {
        Ok(Self(Arc::new(Inner {
            start: Instant::now(),
            sources: Buckets::new(config.per_source, SOURCES),
            clients: Buckets::new(config.per_client, CLIENTS),
            window: Mutex::default(),
            threshold: config.alert.into(),
            alerts: Alerts::new(config.webhook.as_deref(), egress)?,
            refused: AtomicU64::new(0),
            client_over: AtomicU64::new(0),
            unseen: AtomicU64::new(0),
        })))
    }

    /// Fingerprints in alerts are made with this key from here on: one that is derived from the host's makes the same ones
    /// after a restart and on every replica. Until then it is one of this process. The first key stays.
    pub fn key(&self, key: [u8; 32]) {
        self.0.alerts.key(key);
    }

    /// Whether a token from there may be looked at. To be asked for tokens that are not remembered as good, and only for
    /// those: what is known costs nothing.
    ///
    /// # Errors
    /// [`TooMany`] when too many from there were refused; that is counted.
    pub fn may_try(&self, source: Option<IpAddr>, token: &str) -> Result<(), TooMany> {
        self.may_try_at(source, token, self.0.start.elapsed())
    }

    fn may_try_at(&self, source: Option<IpAddr>, token: &str, now: Duration) -> Result<(), TooMany> {
        let source = Source::of(source);
        let Some(retry_after) = self.0.sources.as_ref().and_then(|sources| sources.wait(&source, now)) else {
            return Ok(());
        };
        self.0.unseen.fetch_add(1, Ordering::Relaxed);
        self.0.note(source, token, now);
        Err(TooMany { retry_after })
    }

    /// Counts a token that was refused. `client` only where the issuer has said whose it is: by a signature that was
    /// verified, or asked about it. What a token says of itself would be anybody's to say.
    ///
    /// Not to be called where nobody could say whether it is good.
    ///
    /// # Errors
    /// [`TooMany`] when too many of this client were refused: the answer to this one then says so.
    pub fn failed(&self, source: Option<IpAddr>, client: Option<&str>, token: &str) -> Result<(), TooMany> {
        self.failed_at(source, client, token, self.0.start.elapsed())
    }

    fn failed_at(
        &self,
        source: Option<IpAddr>,
        client: Option<&str>,
        token: &str,
        now: Duration,
    ) -> Result<(), TooMany> {
        let source = Source::of(source);
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(sources) = &self.0.sources {
            sources.count(&source, now);
        }
        self.0.note(source, token, now);
        let Some((clients, client)) = self.0.clients.as_ref().zip(client) else { return Ok(()) };
        if let Some(retry_after) = clients.wait(client, now) {
            self.0.client_over.fetch_add(1, Ordering::Relaxed);
            return Err(TooMany { retry_after });
        }
        clients.count(client, now);
        Ok(())
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> FailureCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let inner = &*self.0;
        let (alerts, webhooks, webhooks_lost) = inner.alerts.counts();
        FailureCounts {
            refused: read(&inner.refused),
            client_over: read(&inner.client_over),
            unseen: read(&inner.unseen),
            alerts,
            webhooks,
            webhooks_lost,
        }
    }
}

impl Inner {
    /// Counts towards the alert, and raises it: once in a window, when its threshold is reached.
    fn note(&self, source: Source, token: &str, now: Duration) {
        let refused = {
            let mut window = self.window.lock();
            if now >= window.until {
                *window = Window { until: now + WINDOW, refused: 0 };
            }
            window.refused += 1;
            window.refused
        };
        if refused == self.threshold {
            let source = source.0.map_or_else(|| "none".to_owned(), |address| address.to_string());
            self.alerts.raise(Alert { count: refused, window: WINDOW, source: &source, token });
        }
    }
}
