//! Tasks of the backend for tests: in whatever state a test puts them.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use portcullis_backend::{CallAnswer, CallRefused, CallRequest, Change, Task, TaskId, TaskState, TaskUpdate};
use portcullis_manifest::{Principal, PrincipalKey};

use super::Echo;

#[derive(Default)]
pub(crate) struct Tasks {
    kept: Mutex<BTreeMap<TaskId, (PrincipalKey, Task)>>,
    pub(crate) updates: Mutex<Vec<TaskUpdate>>,
    pub(crate) cancelled: Mutex<Vec<TaskId>>,
}

/// A task in this state.
pub(crate) fn task(nth: u8, state: TaskState) -> Task {
    let message = matches!(state, TaskState::Failed(_)).then(|| "it \"trapped\"\n".to_owned());
    Task {
        id: TaskId([nth; 16]),
        state,
        message,
        created: 1_795_391_999_000,
        updated: 1_795_391_999_250,
        ttl: Duration::from_millis(3_600_001),
        poll: Duration::from_secs(1),
    }
}

impl Echo {
    /// Puts a task of this subject, or of whoever is local, into this state, and tells that.
    pub(crate) fn put_task(&self, subject: Option<&str>, task: Task) {
        let issuer = "https://issuer.example";
        let principal =
            subject.map_or_else(Principal::local, |subject| Principal::subject(issuer, subject, Default::default()));
        let (id, principal) = (task.id, principal.key().clone());
        self.tasks.kept.lock().unwrap().insert(id, (principal.clone(), task));
        let _ = self.changes.send(Change::Task { id, principal });
    }

    /// What the tool `tasking` does.
    pub(super) fn tasking(&self, request: &CallRequest) -> Result<CallAnswer, CallRefused> {
        if !request.tasks {
            return Err(CallRefused::TasksNeeded { tool: "tasking".to_owned() });
        }
        let task = task(1, TaskState::Working);
        self.tasks.kept.lock().unwrap().insert(task.id, (request.principal.key().clone(), task.clone()));
        Ok(CallAnswer::Task(task))
    }

    pub(super) fn own(&self, principal: &Principal, id: TaskId) -> Result<Task, CallRefused> {
        let kept = self.tasks.kept.lock().unwrap();
        let own = kept.get(&id).filter(|(key, _)| key == principal.key());
        own.map(|(_, task)| task.clone()).ok_or(CallRefused::UnknownTask)
    }
}
