//! The queue before the store. A call takes a seat before it runs, and a seat is refused when nothing could be written.
//!
//! Life of a seat: taken (the intent waits) -> flushed within [`FLUSH`] if the call still runs then -> finished (the outcome
//! waits) or claimed (the row goes into the transaction of the call's own writes). A call that ends before its intent was
//! flushed is one row instead of two. A seat that is dropped unfinished says that the call was cancelled.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use portcullis_manifest::{Effect, Fingerprint};
use portcullis_store::{AuditRow, RowKind, Store, Unavailable};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{AdminAction, CallIntent, CallOutcome, EgressRecord, ResultClass, refusals::Refusals};

/// How long a row waits for company before it is written. DESIGN rule 7 allows 50 ms; the commit itself takes some of it.
const FLUSH: Duration = Duration::from_millis(25);

/// A row that has waited for so long shows that nothing is written, also where no error has said so: a disk that hangs, a
/// writer that is gone. Then calls are refused as after a failed flush.
const STALE: Duration = Duration::from_secs(2);

/// How long a failed flush waits before it is tried again. No call runs meanwhile.
const RETRY: Duration = Duration::from_millis(250);

/// How long refusals of one kind are counted together. With what is written singly in it, it bounds what refusals can write:
/// some ten rows a second, whatever comes.
const WINDOW: Duration = Duration::from_secs(10);

/// Rows and running calls that may wait. Beyond it calls are refused: memory must not stand in for the disk.
const SEATS: usize = 65_536;

/// The audit takes no call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditStopped {
    /// The last flush failed or does not end; every call is refused until one succeeds (catalogue AD-01).
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
    /// A call has left its seat.
    ended: Notify,
    /// A flush has ended, well or not.
    flushed: Notify,
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
    /// Since when something has waited to be taken by a flush.
    waiting: Option<Instant>,
    /// Since when what the flush that is under way took has waited.
    taken: Option<Instant>,
    /// Numbers the flushes.
    flush: u64,
}

/// What has become of an intent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    Waiting,
    /// Taken by this flush, and not known to be durable yet.
    Flushing(u64),
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

/// What a running call tells the audit through, beside its seat. It keeps nothing open, and says nothing once the seat is left.
#[derive(Clone)]
pub struct Line {
    shared: Arc<Shared>,
    number: usize,
    correlation: Uuid,
}

impl Line {
    /// Answers when the call's intent is durable (DESIGN rule 7).
    ///
    /// # Errors
    /// When it can't be written, or the call has ended.
    pub async fn intent(&self) -> Result<(), Unavailable> {
        loop {
            let flushed = self.shared.flushed.notified();
            let state = {
                let queue = self.shared.queue.lock();
                let seat = queue.seats.get(self.number).and_then(Option::as_ref);
                let (intent, state) = seat.ok_or_else(|| self.ended())?;
                if intent.correlation != self.correlation {
                    return Err(self.ended());
                }
                *state
            };
            match state {
                Intent::Flushed => return Ok(()),
                // The outcome is on its way already: whatever comes now comes too late.
                Intent::Claimed => return Err(self.ended()),
                Intent::Waiting => flush_apart(&self.shared, false).await?,
                Intent::Flushing(_) => flushed.await,
            }
        }
    }

    /// Records one attempt to reach outside.
    pub fn egress(&self, record: EgressRecord) {
        let mut queue = self.shared.queue.lock();
        let Some((intent, _)) = queue.seats.get(self.number).and_then(Option::as_ref) else { return };
        if intent.correlation != self.correlation {
            return;
        }
        let row = intent.egress(unix_now(), record);
        queue.waiting.get_or_insert_with(Instant::now);
        queue.rows.push(row);
        drop(queue);
        self.shared.work.notify_one();
    }

    fn ended(&self) -> Unavailable {
        Unavailable { reason: format!("the call {} has ended", self.correlation) }
    }
}

impl AuditLog {
    /// Starts writing into `store`, from a task of the current runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Notify::new(),
            ended: Notify::new(),
            flushed: Notify::new(),
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
        let now = Instant::now();
        let number = {
            let mut queue = self.shared.queue.lock();
            if !queue.is_written(now) {
                return Err(AuditStopped::Failing);
            }
            if queue.rows.len() + queue.taken_seats() >= SEATS {
                return Err(AuditStopped::Full);
            }
            queue.waiting.get_or_insert(now);
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
        Ok(Seat { shared: self.shared.clone(), number, since: now, open: true })
    }

    /// Counts a refusal. `tool` is a name of the catalogue, or empty: never a client's text.
    pub fn refused(&self, rule: &'static str, principal: &str, tool: &str, correlation: Uuid) {
        self.shared.queue.lock().refusals.add(rule, principal, tool, correlation.into_bytes(), unix_now());
        self.shared.work.notify_one();
    }

    /// Writes what an admin did, durably, by itself. What changes the store goes with its change: [`admin_row`].
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
        self.shared.store.append(Arc::new(vec![admin_row(action, by, release, detail)])).await
    }

    /// Whether calls are taken.
    #[must_use]
    pub fn accepting(&self) -> bool {
        self.shared.queue.lock().is_written(Instant::now())
    }

    /// Writes everything that waits.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn flush(&self) -> Result<(), Unavailable> {
        flush_apart(&self.shared, true).await
    }

    /// Waits until every call that had a seat has ended, at most for `patience`, and writes everything that waits. Called when
    /// the host stops and takes no more calls.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn close(&self, patience: Duration) -> Result<(), Unavailable> {
        let deadline = tokio::time::Instant::now() + patience;
        while self.shared.queue.lock().taken_seats() > 0 {
            let ended = self.shared.ended.notified();
            if self.shared.queue.lock().taken_seats() == 0 || tokio::time::timeout_at(deadline, ended).await.is_err() {
                break;
            }
        }
        self.flush().await
    }
}

/// The row that belongs into the transaction of what an admin does.
#[must_use]
pub fn admin_row(action: AdminAction, by: &str, release: Option<Fingerprint>, detail: String) -> AuditRow {
    AuditRow {
        kind: RowKind::Admin,
        at: unix_now(),
        correlation: Uuid::now_v7().into_bytes(),
        principal: by.into(),
        tool: "".into(),
        release: release.map(|fingerprint| fingerprint.0),
        label: "",
        class: action.as_str(),
        effect: "none",
        fuel: 0,
        memory: 0,
        wall_us: 0,
        host_calls: 0,
        count: 1,
        detail,
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.flusher.abort();
    }
}

impl Queue {
    /// Whether what waits is being written, as far as anyone can tell.
    fn is_written(&self, now: Instant) -> bool {
        let stale = |since: Option<Instant>| since.is_some_and(|since| now.saturating_duration_since(since) > STALE);
        !(self.failing || stale(self.waiting) || stale(self.taken))
    }

    fn taken_seats(&self) -> usize {
        self.seats.len() - self.free.len()
    }
}

impl Seat {
    /// What the call tells the audit through while it runs.
    #[must_use]
    pub fn line(&self) -> Line {
        let queue = self.shared.queue.lock();
        let (intent, _) = queue.seats[self.number].as_ref().expect("an open seat holds its intent");
        Line { shared: self.shared.clone(), number: self.number, correlation: intent.correlation }
    }

    /// Since the call was admitted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// The rows that belong into the transaction of the call's own writes: what it sent, and its outcome. Follow it with [`Seat::committed`], or with
    /// [`Seat::finish`] when the transaction was refused. Waits for the flush that is writing the intent, if one is: only
    /// then is it known whether the row is the second of two or holds both.
    pub async fn claim(&self, outcome: &CallOutcome) -> Vec<AuditRow> {
        loop {
            let flushed = self.shared.flushed.notified();
            {
                let mut queue = self.shared.queue.lock();
                let Queue { seats, rows, .. } = &mut *queue;
                let (intent, state) = seats[self.number].as_mut().expect("an open seat holds its intent");
                let kind = match state {
                    Intent::Flushing(_) => None,
                    Intent::Flushed => Some(RowKind::Outcome),
                    Intent::Waiting | Intent::Claimed => {
                        *state = Intent::Claimed;
                        Some(RowKind::Call)
                    }
                };
                if let Some(kind) = kind {
                    let call = intent.correlation.into_bytes();
                    let of_call = |row: &mut AuditRow| row.kind == RowKind::Egress && row.correlation == call;
                    let mut claimed: Vec<AuditRow> = rows.extract_if(.., of_call).collect();
                    claimed.push(intent.with(kind, outcome));
                    return claimed;
                }
            }
            flushed.await;
        }
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
            // Rows are written in their order, so an intent that is being written now is there before this one.
            let flushed = matches!(state, Intent::Flushed | Intent::Flushing(_));
            let kind = if flushed { RowKind::Outcome } else { RowKind::Call };
            queue.waiting.get_or_insert_with(Instant::now);
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
        self.shared.ended.notify_waiters();
        queue.seats[self.number].take()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.open {
            let wall = self.since.elapsed();
            let class = ResultClass::Cancelled;
            self.end(&CallOutcome {
                class,
                effect: Effect::None,
                fuel: 0,
                memory: 0,
                wall,
                host_calls: 0,
                detail: String::new(),
            });
        }
    }
}

/// In a task of its own: whoever asked may go away, and rows that were taken out must be written or put back.
async fn flush_apart(shared: &Arc<Shared>, window_over: bool) -> Result<(), Unavailable> {
    let shared = shared.clone();
    let flushed = tokio::spawn(async move { flush(&shared, window_over).await });
    flushed.await.unwrap_or_else(|_| Err(Unavailable { reason: "the flush did not end".to_owned() }))
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
        let mut window_over = over;
        while let Err(error) = flush(&shared, std::mem::take(&mut window_over)).await {
            tracing::error!(target: "portcullis::alert", alert = "audit-write-failure", %error, "no call runs until the audit can be written");
            tokio::time::sleep(RETRY).await;
        }
    }
}

async fn flush(shared: &Shared, window_over: bool) -> Result<(), Unavailable> {
    let _one_at_a_time = shared.flushing.lock().await;
    let rows = {
        let mut queue = shared.queue.lock();
        queue.flush += 1;
        queue.taken = queue.waiting.take();
        let Queue { seats, rows, refusals, failing, flush, .. } = &mut *queue;
        let mut out = std::mem::take(rows);
        // The next batch will be about as long as this one.
        rows.reserve(out.len());
        for (intent, state) in seats.iter_mut().flatten() {
            if *state == Intent::Waiting {
                *state = Intent::Flushing(*flush);
                out.push(intent.row());
            }
        }
        // While nothing can be written, refusals are only counted: rows that wait for the disk would fill the memory.
        if !*failing {
            out.extend(refusals.take(window_over, unix_now()));
        }
        out
    };
    if rows.is_empty() {
        shared.queue.lock().taken = None;
        return Ok(());
    }
    let rows = Arc::new(rows);
    let result = shared.store.append(rows.clone()).await;
    let mut queue = shared.queue.lock();
    queue.failing = result.is_err();
    let taken = queue.taken.take();
    let this = Intent::Flushing(queue.flush);
    let next = if result.is_ok() { Intent::Flushed } else { Intent::Waiting };
    let mut still_run = HashSet::new();
    for (intent, state) in queue.seats.iter_mut().flatten().filter(|(_, state)| *state == this) {
        *state = next;
        still_run.insert(intent.correlation.into_bytes());
    }
    if result.is_err() {
        queue.waiting = taken.or(queue.waiting);
        // In their order again, before whatever has come since; but for the intents of calls that still run, which have it.
        let mut rows = Arc::unwrap_or_clone(rows);
        rows.retain(|row| row.kind != RowKind::Intent || !still_run.contains(&row.correlation));
        let newer = std::mem::replace(&mut queue.rows, rows);
        queue.rows.extend(newer);
    }
    drop(queue);
    shared.flushed.notify_waiters();
    result
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
