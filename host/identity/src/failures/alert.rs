//! What the operator is told: one line in the log and, where there is a webhook, one request. No retries and no queue: an
//! alert comes at most once in a minute, and one that finds the one before still under way is counted as lost.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use portcullis_egress::Egress;
use serde_json::json;
use sha2::Sha256;
use tokio::sync::Semaphore;

use crate::post::{Place, PlaceRefused};

/// How long the webhook may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of its answer, of which nothing is read but the status.
const ANSWER: usize = 64 << 10;

/// What is told.
pub(super) struct Alert<'a> {
    /// Refused tokens.
    pub(super) count: u64,
    /// In how long.
    pub(super) window: Duration,
    /// Where the last of them came from.
    pub(super) source: &'a str,
    /// The last of them.
    pub(super) token: &'a str,
}

/// Raises alerts.
pub(super) struct Alerts {
    key: OnceLock<[u8; 32]>,
    webhook: Option<Webhook>,
    raised: AtomicU64,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told {
    taken: AtomicU64,
    lost: AtomicU64,
}

struct Webhook {
    place: Place,
    one_at_a_time: Arc<Semaphore>,
}

impl Alerts {
    pub(super) fn new(webhook: Option<&str>, egress: &Egress) -> Result<Self, PlaceRefused> {
        let place = |url| Place::new(url, "failures.webhook", egress);
        let webhook = webhook.map(place).transpose()?;
        let webhook = webhook.map(|place| Webhook { place, one_at_a_time: Arc::new(Semaphore::new(1)) });
        Ok(Self { key: OnceLock::new(), webhook, raised: AtomicU64::new(0), told: Arc::default() })
    }

    pub(super) fn key(&self, key: [u8; 32]) {
        // Fingerprints that were made must stay comparable: the first key stays.
        let _ = self.key.set(key);
    }

    pub(super) fn raise(&self, alert: Alert<'_>) {
        let Alert { count, window, source, token } = alert;
        let (source, token) = (self.fingerprint("source", source), self.fingerprint("token", token));
        let window = window.as_secs();
        self.raised.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            target: "portcullis::alert", alert = "authentication-failures", count, window, source, token,
            "many access tokens are refused"
        );
        let Some(webhook) = &self.webhook else { return };
        let body = json!({
            "alert": "authentication-failures", "count": count, "window_seconds": window, "source": source, "token": token,
        });
        webhook.post(body.to_string(), &self.told);
    }

    /// Alerts, and those of them that the webhook took and did not take.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.raised), read(&self.told.taken), read(&self.told.lost))
    }

    /// 64 bits that say whether two are the same, to nobody who has not got the key.
    pub(super) fn fingerprint(&self, what: &str, value: &str) -> String {
        let key = self.key.get_or_init(rand::random);
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        // No `what` is the beginning of another, so no two pairs read the same.
        mac.update(what.as_bytes());
        mac.update(b":");
        mac.update(value.as_bytes());
        mac.finalize().into_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Webhook {
    fn post(&self, body: String, told: &Arc<Told>) {
        let told = Arc::clone(told);
        let turn = Arc::clone(&self.one_at_a_time).try_acquire_owned();
        let (Ok(runtime), Ok(turn)) = (tokio::runtime::Handle::try_current(), turn) else {
            told.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let place = self.place.clone();
        runtime.spawn(async move {
            let _turn = turn;
            let json = [("content-type", "application/json")];
            let why = match place.post(&json, body.into_bytes(), ANSWER, PATIENCE).await {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    told.taken.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Ok(answer) => format!("it answered {}", answer.status),
                Err(error) => error.to_string(),
            };
            told.lost.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(why, "the webhook of [authentication.failures] did not take an alert");
        });
    }
}
