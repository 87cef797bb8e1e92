//! Calls that go on without their requests (MCP's extension `io.modelcontextprotocol/tasks`).
//!
//! When a call becomes a task depends on the tool's `task` in its manifest, and on whether its request takes tasks:
//!
//! | `task` | the request takes tasks | it does not |
//! |---|---|---|
//! | `never` | answered | answered |
//! | `optional` | answered if that takes no longer than [`bounds::GRACE`], a task from then on | answered |
//! | `required` | a task from the beginning | refused |
//!
//! Its beginning is when the guest that does the call is started: what is refused, previews, and confirmations come before,
//! and are answered to the request; so are questions that an `optional` tool asks within the grace. What a task asks after its
//! beginning it asks as a task. Whoever has not signed in has no tasks, because nobody could say later whose they are.
//!
//! A task's rounds are calls like any other: each has a permit, a place and a row in the audit of its own. What a client may
//! know of it is in the store, where every process can read it; what runs is in this process and dies with it.

mod begin;
mod bounds;
pub(crate) mod kept;
mod later;

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bounds::{POLL, RUNNING, TURNS};
pub(crate) use later::abandon;
use parking_lot::Mutex;
use portcullis_backend::{CallRefused, Task, TaskId};
use portcullis_manifest::PrincipalKey;
use tokio::sync::{Notify, oneshot, watch};

/// What a request gets that can wait, or not.
#[derive(Clone)]
pub(crate) enum Turn {
    /// The answer, however long it takes.
    Waits,
    /// The answer; a tool that always is a task is refused.
    TakesNone,
    /// The answer or a task.
    May(Arc<Becoming>),
}

/// A call that may become a task, and what is told to whoever runs it then.
pub(crate) struct Becoming {
    /// Known before the store is told.
    id: OnceLock<TaskId>,
    /// Of the task, while this runs.
    revision: u64,
    /// It is in the store, and no request waits for it.
    begun: AtomicBool,
    /// To the request.
    tell: Mutex<Option<oneshot::Sender<Task>>>,
    /// Nothing of it can be taken back any more.
    settling: AtomicBool,
    end: watch::Sender<Option<End>>,
    /// Its place among the tasks that run.
    slot: Mutex<Option<Slot>>,
}

/// Why somebody ends a call from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its request went away, and nobody knows of a task.
    Gone,
    /// `tasks/cancel`.
    Cancelled,
    /// Its caller was shut out.
    ShutOut,
    /// The host stops.
    Stopping,
}

/// The tasks that run in this process.
#[derive(Clone)]
pub(crate) struct Tasks(Arc<Running>);

struct Running {
    most: u32,
    /// Whoever makes a task go on, or ends it, does that alone: between what the store is told and what runs here nobody else
    /// looks. By the first byte of its id, which is random.
    turns: [tokio::sync::Mutex<()>; TURNS],
    live: Mutex<HashMap<TaskId, Arc<Becoming>>>,
    slots: Mutex<Slots>,
    ended: Notify,
}

#[derive(Default)]
struct Slots {
    all: u32,
    of: HashMap<PrincipalKey, u32>,
}

/// One of the places for tasks that run; dropped with it.
struct Slot(Arc<Running>, PrincipalKey);

impl Tasks {
    /// `calls` may run at once, of which half may be tasks.
    pub(crate) fn new(calls: u32) -> Self {
        let most = (calls / 2).max(1);
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Self(Arc::new(Running { most, turns, live: Mutex::default(), slots: Mutex::default(), ended: Notify::new() }))
    }

    fn enter(&self, who: &PrincipalKey) -> Result<Slot, CallRefused> {
        let busy = |limit| CallRefused::Busy { limit, retry_after: POLL };
        let mut slots = self.0.slots.lock();
        if slots.all >= self.0.most {
            return Err(busy("as many tasks run as may (half of `pool.calls`)"));
        }
        let own = slots.of.entry(who.clone()).or_insert(0);
        // The person who runs the host is in nobody's way but their own.
        if *who != PrincipalKey::Local && *own >= RUNNING {
            return Err(busy("as many tasks of yours run as one may have (4)"));
        }
        *own += 1;
        slots.all += 1;
        Ok(Slot(self.0.clone(), who.clone()))
    }

    /// Ends what runs, and waits until it has, or for `patience`.
    pub(crate) async fn stop(&self, patience: Duration) {
        let all: Vec<_> = self.0.live.lock().values().cloned().collect();
        for becoming in all {
            becoming.end(End::Stopping);
        }
        let empty = async {
            loop {
                let ended = self.0.ended.notified();
                if self.0.live.lock().is_empty() {
                    return;
                }
                ended.await;
            }
        };
        // What is left is found by the next process.
        let _ = tokio::time::timeout(patience, empty).await;
    }

    async fn turn(&self, id: TaskId) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.turns[usize::from(id.0[0]) % TURNS].lock().await
    }

    fn live(&self, id: TaskId) -> Option<Arc<Becoming>> {
        self.0.live.lock().get(&id).cloned()
    }

    fn add(&self, id: TaskId, becoming: Arc<Becoming>) {
        self.0.live.lock().insert(id, becoming);
    }

    /// Its round has ended. The next one may be there already.
    fn remove(&self, id: TaskId, becoming: &Arc<Becoming>) {
        let mut live = self.0.live.lock();
        if live.get(&id).is_some_and(|live| Arc::ptr_eq(live, becoming)) {
            live.remove(&id);
        }
        drop(live);
        self.0.ended.notify_waiters();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut slots = self.0.slots.lock();
        slots.all -= 1;
        if let Some(own) = slots.of.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                slots.of.remove(&self.1);
            }
        }
    }
}

impl Becoming {
    fn new(tell: oneshot::Sender<Task>) -> Self {
        Self {
            id: OnceLock::new(),
            revision: 0,
            begun: AtomicBool::new(false),
            tell: Mutex::new(Some(tell)),
            settling: AtomicBool::new(false),
            end: watch::Sender::new(None),
            slot: Mutex::default(),
        }
    }

    /// A later round of a task.
    fn again(id: TaskId, slot: Slot, revision: u64) -> Self {
        Self {
            id: id.into(),
            revision,
            begun: AtomicBool::new(true),
            tell: Mutex::default(),
            settling: AtomicBool::new(false),
            end: watch::Sender::new(None),
            slot: Mutex::new(Some(slot)),
        }
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    fn end(&self, why: End) {
        self.end.send_if_modified(|end| end.is_none() && end.replace(why).is_none());
    }

    /// Somebody ends it while that is possible.
    async fn ended(&self) -> End {
        let mut end = self.end.subscribe();
        loop {
            let why = *end.borrow_and_update();
            if let Some(why) = why
                && !(self.has_begun() && self.settling.load(Ordering::SeqCst))
            {
                return why;
            }
            if end.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Turn {
    /// From here on the call does what it does, whoever ends it: to be told what came of it is worth more.
    pub(crate) fn settling(&self) {
        if let Self::May(becoming) = self {
            becoming.settling.store(true, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_manifest::{Grants, Principal};

    use super::*;

    fn who(name: &str) -> PrincipalKey {
        Principal::subject("https://issuer.example", name, Grants::default()).key().clone()
    }

    fn limit(tasks: &Tasks, who: &PrincipalKey) -> &'static str {
        match tasks.enter(who) {
            Err(CallRefused::Busy { limit, .. }) => limit,
            Ok(_) => panic!("there was a place"),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn of_one_principal_four_tasks_run_and_of_all_half_as_many_as_calls() {
        let tasks = Tasks::new(12);
        let ann: Vec<_> = (0..RUNNING).map(|_| tasks.enter(&who("ann")).unwrap_or_else(|e| panic!("{e}"))).collect();
        assert!(limit(&tasks, &who("ann")).contains("of yours"));
        let bob = [tasks.enter(&who("bob")), tasks.enter(&who("bob"))];
        assert!(limit(&tasks, &who("bob")).contains("half"));
        drop(bob);
        // Who runs the host has as many as there are.
        let local: Vec<_> =
            (0..2).map(|_| tasks.enter(&PrincipalKey::Local).unwrap_or_else(|e| panic!("{e}"))).collect();
        assert!(limit(&tasks, &PrincipalKey::Local).contains("half"));
        drop((ann, local));
        assert!(tasks.0.slots.lock().of.is_empty());
        assert_eq!(tasks.0.slots.lock().all, 0);
        assert!(tasks.enter(&who("ann")).is_ok());
    }

    #[test]
    fn one_task_at_least_runs_in_the_smallest_host() {
        assert!(Tasks::new(1).enter(&who("ann")).is_ok());
    }

    #[tokio::test]
    async fn what_can_not_be_taken_back_is_not_ended_but_a_request_that_went_away_is() {
        let (tell, _told) = oneshot::channel();
        let becoming = Arc::new(Becoming::new(tell));
        becoming.end(End::Gone);
        becoming.end(End::Cancelled);
        assert_eq!(becoming.ended().await, End::Gone, "who came first");
        Turn::May(becoming.clone()).settling();
        assert_eq!(becoming.ended().await, End::Gone, "no task waits for what comes of it");
        becoming.begun.store(true, Ordering::SeqCst);
        let ended = tokio::spawn({
            let becoming = becoming.clone();
            async move { becoming.ended().await }
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(!ended.is_finished());
        ended.abort();
    }
}
