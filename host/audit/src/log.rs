//! The queue before the store. A call takes a seat before it runs, and a seat is refused when nothing could be written.
//!
//! Life of a seat: taken (the intent waits) -> flushed within [`FLUSH`] if the call still runs then -> finished (the outcome
//! waits) or claimed (the row goes into the transaction of the call's own writes). A call that ends before its intent was
//! flushed is one row instead of two. A seat that is dropped unfinished says that the call was cancelled.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use portcullis_manifest::{Effect, Fingerprint};
use portcullis_store::{AuditRow, RowKind, Store, Unavailable};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{AdminAction, CallIntent, CallOutcome, ResultClass, refusals::Refusals};

/// How long a row waits for company before it is written. DESIGN rule 7 allows 50 ms; the commit itself takes some of it.
const FLUSH: Duration = Duration::from_millis(25);

/// How long a failed flush waits before it is tried again. No call runs meanwhile.
const RETRY: Duration = Duration::from_millis(250);

/// How long refusals of one kind are counted together.
const WINDOW: Duration = Duration::from_secs(1);

/// Rows and running calls that may wait. Beyond it calls are refused: memory must not stand in for the disk.
const SEATS: usize = 65_536;

/// The audit takes no call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditStopped {
    /// The last flush failed; every call is refused until one succeeds (catalogue AD-01).
    #[error("the audit cannot be written")]
    Failing,
    /// Rows come faster than the disk takes them.
    #[error("the audit's queue is full")]
    Full,
}

/// See the module.
pub struct AuditLog {
    shared: Arc<Shared>,
    flusher: tokio::task::JoinHandle<()>,
}

struct Shared {
    queue: Mutex<Queue>,
    work: Notify,
    /// One flush at a time: a second one waits, so that what it was asked to write is written when it returns.
    flushing: tokio::sync::Mutex<()>,
    store: Arc<dyn Store>,
}

#[derive(Default)]
struct Queue {
    /// Calls that run, by seat number.
    seats: Vec<Option<(CallIntent, Intent)>>,
    free: Vec<usize>,
    /// Rows that wait for the next flush.
    rows: Vec<AuditRow>,
    refusals: Refusals,
    failing: bool,
}

/// What has become of an intent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    Waiting,
    Flushed,
    Claimed,
}

/// A call's place in the audit.
#[must_use = "a seat that is dropped records a cancelled call"]
pub struct Seat {
    shared: Arc<Shared>,
    number: usize,
    since: Instant,
    open: bool,
}

impl AuditLog {
    /// Starts writing into `store`, from a task of the current runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Notify::new(),
            flushing: tokio::sync::Mutex::new(()),
            store,
        });
        let flusher = tokio::spawn(flush_for_ever(shared.clone()));
        Self { shared, flusher }
    }

    /// Takes a seat for a call.
    ///
    /// # Errors
    /// [`AuditStopped`]: then the call must not run.
    pub fn seat(&self, intent: CallIntent) -> Result<Seat, AuditStopped> {
        let number = {
            let mut queue = self.shared.queue.lock();
            if queue.failing {
                return Err(AuditStopped::Failing);
            }
            if queue.rows.len() + queue.seats.len() - queue.free.len() >= SEATS {
                return Err(AuditStopped::Full);
            }
            let entry = Some((intent, Intent::Waiting));
            match queue.free.pop() {
                Some(number) => {
                    queue.seats[number] = entry;
                    number
                }
                None => {
                    queue.seats.push(entry);
                    queue.seats.len() - 1
                }
            }
        };
        self.shared.work.notify_one();
        Ok(Seat { shared: self.shared.clone(), number, since: Instant::now(), open: true })
    }

    /// Counts a refusal. `tool` is a name of the catalogue, or empty: never a client's text.
    pub fn refused(&self, rule: &'static str, principal: &str, tool: &str, correlation: Uuid) {
        self.shared.queue.lock().refusals.add(rule, principal, tool, correlation.into_bytes(), now());
        self.shared.work.notify_one();
    }

    /// Writes what an admin did, durably.
    ///
    /// # Errors
    /// When it could not be written; then the action must not be reported as done.
    pub async fn admin(
        &self,
        action: AdminAction,
        by: &str,
        release: Option<Fingerprint>,
        detail: String,
    ) -> Result<(), Unavailable> {
        let row = AuditRow {
            kind: RowKind::Admin,
            at: now(),
            correlation: Uuid::now_v7().into_bytes(),
            principal: by.to_owned(),
            tool: String::new(),
            release: release.map(|fingerprint| fingerprint.0.to_vec()).unwrap_or_default(),
            label: "",
            class: action.as_str(),
            effect: "none",
            fuel: 0,
            memory: 0,
            wall_us: 0,
            host_calls: 0,
            count: 1,
            detail,
        };
        self.shared.store.append(Arc::new(vec![row])).await
    }

    /// Whether calls are taken.
    #[must_use]
    pub fn accepting(&self) -> bool {
        !self.shared.queue.lock().failing
    }

    /// Writes everything that waits. Called when the host stops, after the last call has ended.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn flush(&self) -> Result<(), Unavailable> {
        flush(&self.shared, true).await
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.flusher.abort();
    }
}

impl Seat {
    /// Since the call was admitted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// The row that belongs into the transaction of the call's own writes. Follow it with [`Seat::committed`], or with
    /// [`Seat::finish`] when the transaction was refused.
    pub fn claim(&self, outcome: &CallOutcome) -> AuditRow {
        let mut queue = self.shared.queue.lock();
        let (intent, state) = queue.seats[self.number].as_mut().expect("an open seat holds its intent");
        let kind = if *state == Intent::Flushed { RowKind::Outcome } else { RowKind::Call };
        if *state == Intent::Waiting {
            *state = Intent::Claimed;
        }
        intent.with(kind, outcome)
    }

    /// The claimed row is durable.
    pub fn committed(mut self) {
        self.close();
    }

    /// The call has ended; its row waits for the next flush.
    pub fn finish(mut self, outcome: &CallOutcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: &CallOutcome) {
        let shared = self.shared.clone();
        let mut queue = shared.queue.lock();
        if let Some((intent, state)) = self.take(&mut queue) {
            let kind = if state == Intent::Flushed { RowKind::Outcome } else { RowKind::Call };
            queue.rows.push(intent.with(kind, outcome));
            drop(queue);
            shared.work.notify_one();
        }
    }

    fn close(&mut self) {
        let shared = self.shared.clone();
        self.take(&mut shared.queue.lock());
    }

    fn take(&mut self, queue: &mut Queue) -> Option<(CallIntent, Intent)> {
        if !std::mem::replace(&mut self.open, false) {
            return None;
        }
        queue.free.push(self.number);
        queue.seats[self.number].take()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.open {
            let wall = self.since.elapsed();
            let class = ResultClass::Cancelled;
            self.end(&CallOutcome { class, effect: Effect::None, fuel: 0, memory: 0, wall, host_calls: 0 });
        }
    }
}

async fn flush_for_ever(shared: Arc<Shared>) {
    let mut window = Instant::now();
    loop {
        // The timeout ends a window of refusals when nothing else happens.
        let _ = tokio::time::timeout(WINDOW, shared.work.notified()).await;
        tokio::time::sleep(FLUSH).await;
        let over = window.elapsed() >= WINDOW;
        if over {
            window = Instant::now();
        }
        while let Err(error) = flush(&shared, over).await {
            tracing::error!(target: "portcullis::alert", alert = "audit-write-failure", %error, "no call runs until the audit can be written");
            tokio::time::sleep(RETRY).await;
        }
    }
}

async fn flush(shared: &Shared, window_over: bool) -> Result<(), Unavailable> {
    let _one_at_a_time = shared.flushing.lock().await;
    let rows = {
        let mut queue = shared.queue.lock();
        let Queue { seats, rows, refusals, .. } = &mut *queue;
        let mut out = std::mem::take(rows);
        // The next batch will be about as long as this one.
        rows.reserve(out.len());
        for (intent, state) in seats.iter_mut().flatten() {
            if *state == Intent::Waiting {
                *state = Intent::Flushed;
                out.push(intent.row());
            }
        }
        out.extend(refusals.take(window_over, now()));
        out
    };
    if rows.is_empty() {
        return Ok(());
    }
    let rows = Arc::new(rows);
    let result = shared.store.append(rows.clone()).await;
    let mut queue = shared.queue.lock();
    queue.failing = result.is_err();
    if result.is_err() {
        // In their order again, before whatever has come since.
        let newer = std::mem::replace(&mut queue.rows, Arc::unwrap_or_clone(rows));
        queue.rows.extend(newer);
    }
    result
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
