//! How a call becomes a task, and what becomes of it.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use portcullis_audit::ResultClass;
use portcullis_backend::{Answer, CallAnswer, CallRefused, CallRequest, Change, Target, Task, TaskId, TaskState};
use portcullis_manifest::{PrincipalKey, TaskSupport};
use portcullis_store::{NewTask, TaskMove, TaskRefused, TaskStatus};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    Becoming, End, Slot, Turn,
    bounds::{GRACE, LIFE, POLL, ROW, TRIES, WATCH},
    kept::{Done, Waiting},
};
use crate::{
    host::Host,
    way::{Call, Ended, now},
};

/// A request that waits for its call. When it goes away, so does the call, unless it is a task that somebody knows of.
struct Request {
    becoming: Arc<Becoming>,
    told: oneshot::Receiver<Task>,
    answered: bool,
}

impl Drop for Request {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        // From here on it can't be told of a task any more, and one it was told of is nobody's.
        self.told.close();
        self.becoming.end(End::Gone);
    }
}

impl Host {
    /// A call by a client.
    pub(crate) async fn answer_or_task(&self, request: CallRequest) -> Result<CallAnswer, CallRefused> {
        let support = match &request.target {
            Target::Tool { name, .. } if !request.preview => {
                self.catalogue.load().find(name, &request.principal).map(|served| served.tool.task)
            }
            _ => None,
        };
        let may = request.tasks && *request.principal.key() != PrincipalKey::Anonymous;
        let turn = match support {
            None | Some(TaskSupport::Never) => Turn::Waits,
            Some(_) if !may => Turn::TakesNone,
            Some(_) => match self.this.upgrade() {
                Some(host) => return host.beginning(request).await,
                // It is going away.
                None => Turn::TakesNone,
            },
        };
        self.run_in(request, turn).await.map(|(answer, _)| answer)
    }

    /// A call that may become a task. It runs by itself from the beginning, and its request waits beside it.
    async fn beginning(self: Arc<Self>, request: CallRequest) -> Result<CallAnswer, CallRefused> {
        let (tell, told) = oneshot::channel();
        let becoming = Arc::new(Becoming::new(tell));
        let mut run = tokio::spawn(self.drive(request, becoming.clone(), 0));
        let mut waiting = Request { becoming, told, answered: false };
        let answer = tokio::select! {
            biased;
            Ok(task) = &mut waiting.told => Ok(CallAnswer::Task(task)),
            // One that was a task and has ended since has told so before it ended.
            ended = &mut run => match (waiting.told.try_recv(), ended) {
                (Ok(task), _) => Ok(CallAnswer::Task(task)),
                (Err(_), Ok(Some(answer))) => answer.map(|(answer, _)| answer),
                (Err(_), Ok(None) | Err(_)) => Err(CallRefused::Unavailable {
                    reason: "the call ended without an answer; it may have done something",
                }),
            },
        };
        waiting.answered = true;
        answer
    }

    /// One round. What comes of it, if it is not a task.
    pub(super) async fn drive(
        self: Arc<Self>,
        request: CallRequest,
        becoming: Arc<Becoming>,
        round: u32,
    ) -> Option<Result<Ended, CallRefused>> {
        let principal = request.principal.clone();
        // A task tells nothing but its state.
        let again = CallRequest { notices: None, resume: None, ..request.clone() };
        let ended = {
            let mut run = pin!(self.rounds(request, &becoming, round));
            let mut watch = interval(WATCH);
            watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    ended = &mut run => break Ok(ended),
                    why = becoming.ended() => break Err(why),
                    _ = watch.tick() => if becoming.has_begun() && self.is_shut_out(&principal) {
                        becoming.end(End::ShutOut);
                    },
                }
            }
        };
        // Whoever reads its state has to find its place free.
        becoming.slot.lock().take();
        let Some(&id) = becoming.id.get() else { return ended.ok() };
        let to = match ended {
            // What the store was told of while its request went away is ended too: nobody can say whether it was taken in.
            Err(why) => stopped(why),
            Ok(ended) if becoming.has_begun() => self.outcome(&again, ended, round),
            Ok(ended) => return Some(ended),
        };
        self.step(id, principal.key(), becoming.revision, to).await;
        self.tasks.remove(id, &becoming);
        None
    }

    /// A later round that there is no room for is tried again: what was replied is not asked for twice.
    async fn rounds(&self, request: CallRequest, becoming: &Arc<Becoming>, round: u32) -> Result<Ended, CallRefused> {
        let mut tries = 0;
        loop {
            match self.run_in(request.clone(), Turn::May(becoming.clone())).await {
                Err(CallRefused::Busy { retry_after, .. }) if round > 0 && tries < TRIES => {
                    tries += 1;
                    sleep(retry_after.max(POLL)).await;
                }
                ended => return ended,
            }
        }
    }

    /// Does `work`, which is what a call is made for, as a task where it is to be one.
    pub(crate) async fn in_turn<T>(
        &self,
        call: &Call,
        mut work: Pin<&mut impl Future<Output = Result<T, CallRefused>>>,
    ) -> Result<T, CallRefused> {
        let becoming = match &call.turn {
            Turn::May(becoming) if !becoming.has_begun() => becoming,
            _ => return work.await,
        };
        match call.tool().task {
            TaskSupport::Never => {}
            TaskSupport::Optional => {
                if let Ok(done) = timeout(GRACE, work.as_mut()).await {
                    return done;
                }
                if let Err(error) = self.begin(call, becoming).await {
                    tracing::debug!(%error, "a call is answered to its request: there is no room for a task");
                }
            }
            TaskSupport::Required => self.begin(call, becoming).await?,
        }
        work.await
    }

    /// Whether there is room for a task now, for a tool that is nothing else: before anything of its call is used up.
    pub(crate) fn has_room_for_task(&self, call: &Call) -> Result<(), CallRefused> {
        match &call.turn {
            Turn::May(becoming) if call.tool().task == TaskSupport::Required && !becoming.has_begun() => {
                self.tasks.enter(&call.caller).map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn begin(&self, call: &Call, becoming: &Arc<Becoming>) -> Result<(), CallRefused> {
        let owner = self.task_owner(&call.caller).ok_or(CallRefused::UnknownTask)?;
        let slot = self.tasks.enter(&call.caller)?;
        let tool = call.tool();
        let at = now();
        let expires_at = at.saturating_add(millis(LIFE));
        let limits = &tool.limits;
        let id = *becoming.id.get_or_init(|| TaskId(rand::random()));
        let new = NewTask {
            id: id.0,
            principal: owner,
            tool: tool.wire.to_string(),
            release: tool.release.0,
            at,
            expires_at,
            bytes: ROW + limits.arguments.saturating_add(limits.state).max(limits.result),
        };
        let busy = |limit| CallRefused::Busy { limit, retry_after: Duration::from_secs(60) };
        self.store.task_put(new).await.map_err(|error| match error {
            TaskRefused::Principal => {
                busy("as many tasks of yours are kept as one may have; each goes when its `ttlMs` is over")
            }
            TaskRefused::Host => busy("as many tasks are kept as may be; each goes when its `ttlMs` is over"),
            TaskRefused::Unavailable(error) => crate::way::unavailable(&error),
        })?;
        *becoming.slot.lock() = Some(slot);
        self.tasks.add(id, becoming.clone());
        let task =
            Task { id, state: TaskState::Working, message: None, created: at, updated: at, ttl: LIFE, poll: POLL };
        becoming.begun.store(true, Ordering::SeqCst);
        let told = becoming.tell.lock().take().is_some_and(|tell| tell.send(task).is_ok());
        if !told {
            // The request went away meanwhile; whoever drives this ends it.
            becoming.end(End::Gone);
        }
        Ok(())
    }

    /// What a round has come to.
    fn outcome(&self, request: &CallRequest, ended: Result<Ended, CallRefused>, round: u32) -> TaskMove {
        match ended {
            Ok((CallAnswer::Ask(ask), _)) => match Waiting::new(request, ask, round + 1) {
                Some(waiting) => state(TaskStatus::Asking, None, waiting.write()),
                None => failed("the call can't ask anything as a task".to_owned()),
            },
            // What a tool says is a result, an error too; a tool that was stopped has said nothing.
            Ok((CallAnswer::Done(answer), report))
                if report.as_ref().is_some_and(|report| was_stopped(report.class)) =>
            {
                failed(said(&answer))
            }
            Ok((CallAnswer::Done(answer), _)) => match Done::of(answer) {
                Some(done) => state(TaskStatus::Completed, None, done.write()),
                None => failed("the call gave something else than a tool's answer".to_owned()),
            },
            Ok((CallAnswer::Task(_), _)) => failed("the call began a task of its own".to_owned()),
            Err(refused) => failed(refused.to_string()),
        }
    }

    /// Writes down what a task has become, and tells whoever wants to know. Only the one who runs it does this.
    async fn step(&self, id: TaskId, principal: &PrincipalKey, revision: u64, to: TaskMove) {
        const LONGEST: Duration = Duration::from_secs(30);
        // About as long as a task lives.
        const TRIES: u32 = 120;
        let mut pause = POLL;
        // As long as a task that nobody can read is worth it: a disk may be full for a while.
        for _ in 0..TRIES {
            match self.store.task_step(id.0, revision, to.clone()).await {
                Ok(changed) => {
                    if changed {
                        self.tell_of_task(id, principal);
                    }
                    return;
                }
                Err(error) => {
                    tracing::error!(target: "portcullis::alert", alert = "store-write-failure", %error, "what came of a task was not written; it is tried again");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    }

    pub(super) fn tell_of_task(&self, id: TaskId, principal: &PrincipalKey) {
        // Without a subscriber there is nobody to tell.
        let _ = self.changes.send(Change::Task { id, principal: principal.clone() });
    }

    /// What the store calls somebody whose tasks it keeps. None: whoever has not signed in has none.
    pub(super) fn task_owner(&self, principal: &PrincipalKey) -> Option<String> {
        match principal {
            PrincipalKey::Local => Some("local".to_owned()),
            PrincipalKey::Anonymous => None,
            subject @ PrincipalKey::Subject { .. } => Some(self.pseudonyms.of("task", subject)),
        }
    }

    pub(super) fn enter_task(&self, principal: &PrincipalKey) -> Result<Slot, CallRefused> {
        self.tasks.enter(principal)
    }
}

/// Whether the host has ended the guest, which then gave no answer: neither a result nor an error of its own.
fn was_stopped(class: ResultClass) -> bool {
    use ResultClass::{Fuel, Handles, HostCalls, HostData, HostError, Memory, Stack, Time, Trap, WriteRefused};
    matches!(class, Fuel | Handles | HostCalls | HostData | HostError | Memory | Stack | Time | Trap | WriteRefused)
}

fn said(answer: &Answer) -> String {
    let Answer::Tool(answer) = answer else { return String::new() };
    let texts = answer.content.iter().filter_map(|block| block["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// What a task becomes, now.
pub(super) fn state(status: TaskStatus, message: Option<String>, body: Vec<u8>) -> TaskMove {
    let at = now();
    TaskMove { status, message, at, expires_at: at.saturating_add(millis(LIFE)), body }
}

/// There is no answer. The text is for the client.
pub(super) fn failed(why: String) -> TaskMove {
    state(TaskStatus::Failed, Some(why), Vec::new())
}

fn stopped(why: End) -> TaskMove {
    const KEPT: &str =
        "nothing that it wrote in this host was kept; what it sent outside before, if anything, is not known here";
    let cancelled = |who: &str| state(TaskStatus::Cancelled, Some(format!("{who}; {KEPT}")), Vec::new());
    match why {
        End::Gone => cancelled("its request went away before it was a task"),
        End::Cancelled => cancelled("it was cancelled while it ran"),
        End::ShutOut => cancelled("its caller was shut out"),
        End::Stopping => failed(format!("the host stopped while the task ran; {KEPT}")),
    }
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
