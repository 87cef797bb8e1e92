//! What clients ask of a task after it has begun.

use std::{sync::Arc, time::Duration};

use portcullis_backend::{CallRefused, Task, TaskId, TaskState, TaskUpdate};
use portcullis_manifest::Principal;
use portcullis_store::{Store, TaskEntry, TaskStatus, Unavailable};
use uuid::Uuid;

use super::{
    Becoming, End,
    begin::{failed, state},
    bounds::POLL,
    kept::{Done, Waiting},
};
use crate::{
    host::Host,
    way::{now, unavailable},
};

/// Of a task whose process has ended under it.
const ABANDONED: &str = "the host stopped while the task ran, or lost it; whether it was done is not known here, nor what it sent outside \
     before, if anything: of what it wrote in this host all was kept or nothing; look before you ask for it again";

/// Ends what a process before this one has left.
pub(crate) async fn abandon(store: &Arc<dyn Store>) -> Result<(), Unavailable> {
    let found = store.tasks_abandon(failed(ABANDONED.to_owned())).await?;
    if found > 0 {
        tracing::warn!(tasks = found, "tasks were running when the host ended: they have failed");
    }
    Ok(())
}

impl Host {
    /// A task of this principal, as it is now.
    pub(crate) async fn read_task(&self, principal: &Principal, id: TaskId) -> Result<Task, CallRefused> {
        let entry = self.own_task(principal, id).await?;
        let TaskEntry { created_at, now, .. } = entry;
        let state = match now.status {
            TaskStatus::Working => TaskState::Working,
            TaskStatus::Asking => TaskState::Asking(waiting(&now.body)?.open().cloned().collect()),
            TaskStatus::Completed => {
                let done: Done = serde_json::from_slice(&now.body).map_err(|error| damaged(&error))?;
                TaskState::Completed(done.answer())
            }
            TaskStatus::Failed => TaskState::Failed(now.message.clone().unwrap_or_default()),
            TaskStatus::Cancelled => TaskState::Cancelled,
        };
        let ttl = u64::try_from(now.expires_at.saturating_sub(created_at)).unwrap_or_default();
        Ok(Task {
            id,
            state,
            message: now.message,
            created: created_at,
            updated: now.at,
            ttl: Duration::from_millis(ttl),
            poll: POLL,
        })
    }

    /// Takes replies; with the last of them the task goes on.
    pub(crate) async fn take_replies(&self, update: TaskUpdate) -> Result<(), CallRefused> {
        let host = self.this.upgrade().ok_or(CallRefused::Unavailable { reason: "the host is stopping" })?;
        // By itself: a client that goes away in the middle must not leave a task that is working and that nobody works on.
        match tokio::spawn(host.go_on(update)).await {
            Ok(taken) => taken,
            Err(_) => Err(CallRefused::Unavailable { reason: "the host is stopping" }),
        }
    }

    async fn go_on(self: Arc<Self>, update: TaskUpdate) -> Result<(), CallRefused> {
        let TaskUpdate { principal, id, replies, asking } = update;
        let _turn = self.tasks.turn(id).await;
        // Again when somebody else has changed it meanwhile; each time it has come further.
        loop {
            let entry = self.own_task(&principal, id).await?;
            if entry.now.status != TaskStatus::Asking {
                return Ok(());
            }
            let mut waiting = waiting(&entry.now.body)?;
            if !waiting.take(&replies) {
                return Ok(());
            }
            let whole = waiting.open().next().is_none();
            // A place first: what was replied is kept only when the task can go on with it.
            let slot = if whole { Some(self.enter_task(principal.key())?) } else { None };
            let to = match whole {
                true => state(TaskStatus::Working, None, Vec::new()),
                false => state(TaskStatus::Asking, entry.now.message, waiting.write()),
            };
            let changed = self.store.task_step(id.0, entry.revision, to).await.map_err(|error| unavailable(&error))?;
            if !changed {
                continue;
            }
            if let Some(slot) = slot {
                let becoming = Arc::new(Becoming::again(id, slot, entry.revision + 1));
                self.tasks.add(id, becoming.clone());
                let round = waiting.round;
                let request = waiting.resumed(&principal, asking);
                drop(tokio::spawn(self.clone().drive(request, becoming, round)));
            }
            self.tell_of_task(id, principal.key());
            return Ok(());
        }
    }

    /// Ends a task, unless it has ended.
    pub(crate) async fn end_task(&self, principal: &Principal, id: TaskId) -> Result<(), CallRefused> {
        let _turn = self.tasks.turn(id).await;
        loop {
            let entry = self.own_task(principal, id).await?;
            if entry.now.status.is_final() {
                return Ok(());
            }
            // Whoever runs it writes down how it ended. Of one that asks, the round that asked may still be there.
            if entry.now.status == TaskStatus::Working
                && let Some(live) = self.tasks.live(id)
            {
                live.end(End::Cancelled);
                return Ok(());
            }
            let to = state(TaskStatus::Cancelled, Some("it was cancelled".to_owned()), Vec::new());
            if self.store.task_step(id.0, entry.revision, to).await.map_err(|error| unavailable(&error))? {
                self.tell_of_task(id, principal.key());
                return Ok(());
            }
        }
    }

    /// Somebody else's is as one that is not.
    async fn own_task(&self, principal: &Principal, id: TaskId) -> Result<TaskEntry, CallRefused> {
        let owner = self.task_owner(principal.key());
        let found = match &owner {
            Some(_) => self.store.task(id.0, now()).await.map_err(|error| unavailable(&error))?,
            None => None,
        };
        match found.filter(|entry| Some(&entry.principal) == owner.as_ref()) {
            Some(entry) => Ok(entry),
            None => {
                self.audit.refused("unknown-task", &self.audit_name(principal.key()), "", Uuid::nil());
                Err(CallRefused::UnknownTask)
            }
        }
    }
}

fn waiting(body: &[u8]) -> Result<Waiting, CallRefused> {
    serde_json::from_slice(body).map_err(|error| damaged(&error))
}

fn damaged(error: &serde_json::Error) -> CallRefused {
    tracing::error!(target: "portcullis::alert", alert = "task-damaged", %error, "a stored task is not one");
    CallRefused::Unavailable { reason: "what the store has of this task can't be read" }
}
