//! The issuer's keys, kept: asked for when they are first needed, again when they are old or when a token names one that is
//! not among them, by one request at a time, and never more often than the interval, however many tokens come (catalogue
//! AU-22, AU-04). What the issuer no longer shows is gone with the next answer. It must never answer from keys older than a day.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    clock::Clock,
    config::Algorithm,
    keyset::{KeySet, NoKey},
    source::Source,
};

/// How old keys may be before they are asked for again. An issuer's `cache-control` is not heeded: it could only make the
/// host ask more often than this, or keep what is retired for longer.
pub const MAX_AGE: Duration = Duration::from_secs(3600);
/// How old keys may be when the issuer doesn't answer.
pub const MAX_STALE: Duration = Duration::from_secs(24 * 3600);
/// The shortest time between two times of asking.
pub const INTERVAL: Duration = Duration::from_secs(30);
/// The same while there are no keys at all: the issuer may be starting, and no token is good before it answers.
pub const FIRST_INTERVAL: Duration = Duration::from_secs(5);

/// The keys of one issuer.
pub(crate) struct Keys {
    source: Source,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// How many times asking has ended.
    ended: watch::Sender<u64>,
    /// What [`Keys::current`] reads without the lock: the milliseconds until which the keys are fresh, and their generation.
    fresh_until: AtomicU64,
    generation: AtomicU64,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    asked: Option<Duration>,
    asking: bool,
    /// The last answer was none.
    failed: bool,
}

/// Keys and when they came.
#[derive(Clone)]
struct Held {
    set: Arc<KeySet>,
    at: Duration,
    generation: u64,
}

/// Keys to verify with, and which ones they are: with others, what was verified has to be verified again.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) set: Arc<KeySet>,
    pub(crate) generation: u64,
}

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// The issuer has none that fits.
    None(NoKey),
    /// The issuer does not answer.
    Unavailable { retry_after: Duration },
}

impl Keys {
    pub(crate) fn new(source: Source, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            state: Mutex::default(),
            ended: watch::Sender::new(0),
            fresh_until: AtomicU64::new(0),
            generation: AtomicU64::new(0),
        }
    }

    /// The generation of the keys, if they are fresh. Takes no lock: it stands in the way of every request.
    pub(crate) fn fresh(&self) -> Option<u64> {
        let now = u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        // Published after the generation: whoever sees the new time sees the new generation, or one newer still.
        (now < self.fresh_until.load(Ordering::Acquire)).then(|| self.generation.load(Ordering::Acquire))
    }

    /// The keys as they are, asked for again if they are old.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Current, KeyFault> {
        self.with(|_| true).await
    }

    /// Keys with the one for a token with this `kid` and `alg` among them.
    pub(crate) async fn holding(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm) -> Result<Current, KeyFault> {
        let mut why = NoKey::Unknown;
        let found = self.with(|set| match set.find(id, algorithm) {
            Ok(_) => true,
            Err(no_key) => {
                why = no_key;
                false
            }
        });
        found.await.map_err(|fault| match fault {
            KeyFault::None(_) => KeyFault::None(why),
            fault => fault,
        })
    }

    /// Keys that `serve`. If those at hand are old, or do not, the issuer is asked once, as far as it may be asked.
    async fn with(self: &Arc<Self>, mut serve: impl FnMut(&KeySet) -> bool) -> Result<Current, KeyFault> {
        let mut may_wait = true;
        loop {
            let (now, (held, failed)) = (self.clock.monotonic(), {
                let state = self.state.lock();
                (state.held.clone(), state.failed)
            });
            let held = held.filter(|held| now.saturating_sub(held.at) < MAX_STALE);
            let fresh = held.as_ref().is_some_and(|held| now.saturating_sub(held.at) < MAX_AGE);
            let good = held.filter(|held| serve(&held.set));
            let current = good.map(|held| Current { set: held.set, generation: held.generation });
            if let Some(current) = current.clone().filter(|_| fresh) {
                return Ok(current);
            }
            let ended = if may_wait { self.ask(now) } else { None };
            match (ended, current) {
                // While the issuer is known to be away nobody waits for it who need not.
                (Some(_), Some(current)) if failed => return Ok(current),
                (Some(mut ended), _) => {
                    // The sender is a part of `self`.
                    let _ = ended.changed().await;
                    may_wait = false;
                }
                (None, Some(current)) => return Ok(current),
                // The issuer has said which keys it has, or nobody knows whether it has others now.
                (None, None) if fresh && !failed => return Err(KeyFault::None(NoKey::Unknown)),
                (None, None) => return Err(KeyFault::Unavailable { retry_after: self.wait(now) }),
            }
        }
    }

    /// When the issuer may be asked again.
    fn wait(&self, now: Duration) -> Duration {
        let state = self.state.lock();
        let since = state.asked.map_or(INTERVAL, |asked| now.saturating_sub(asked));
        state.interval().saturating_sub(since).max(Duration::from_secs(1))
    }

    /// Asks the issuer, unless somebody does already or did just now. What is given tells when there is an answer. Asking is
    /// a task of its own: whoever wanted it may go away, and others wait for the same answer.
    fn ask(self: &Arc<Self>, now: Duration) -> Option<watch::Receiver<u64>> {
        let mut state = self.state.lock();
        let ended = self.ended.subscribe();
        if state.asking {
            return Some(ended);
        }
        if state.asked.is_some_and(|asked| now.saturating_sub(asked) < state.interval()) {
            return None;
        }
        (state.asked, state.asking) = (Some(now), true);
        drop(state);
        let asking = Asking { keys: Arc::clone(self), answer: None };
        tokio::spawn(async move {
            let mut asking = asking;
            asking.answer = match asking.keys.source.keys().await {
                Ok(set) => Some(set),
                Err(error) => {
                    tracing::warn!(target: "portcullis::identity", %error, "the issuer's keys can't be had");
                    None
                }
            };
        });
        Some(ended)
    }

    fn answered(&self, answer: Option<KeySet>) {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        state.asking = false;
        state.failed = answer.is_none();
        if let Some(set) = answer {
            let before = state.held.take();
            // The same keys again: what was verified with them stays verified.
            let same = before.as_ref().filter(|before| before.set.fingerprint() == set.fingerprint());
            let (set, generation) = match same {
                Some(before) => (Arc::clone(&before.set), before.generation),
                None => {
                    tracing::info!(target: "portcullis::identity", keys = set.len(), "the issuer has new keys");
                    (Arc::new(set), before.map_or(1, |before| before.generation + 1))
                }
            };
            state.held = Some(Held { set, at: now, generation });
            self.generation.store(generation, Ordering::Release);
            let until = u64::try_from((now + MAX_AGE).as_millis()).unwrap_or(u64::MAX);
            self.fresh_until.store(until, Ordering::Release);
        }
        drop(state);
        self.ended.send_modify(|times| *times += 1);
    }
}

impl State {
    fn interval(&self) -> Duration {
        if self.held.is_some() { INTERVAL } else { FIRST_INTERVAL }
    }
}

/// Somebody asks. However that ends, it ends.
struct Asking {
    keys: Arc<Keys>,
    answer: Option<KeySet>,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let answer = self.answer.take();
        self.keys.answered(answer);
    }
}
