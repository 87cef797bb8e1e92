//! Calls that go on without their requests: what becomes of them, who may know of it, and who ends them.

use std::{future::Future, time::Duration};

use portcullis_backend::{
    Answer, Asking, Backend as _, CallAnswer, CallRefused, CallRequest, Change, Reply, Resume, Target, Task, TaskId,
    TaskState, TaskUpdate,
};
use portcullis_calls::CapacityLimits;
use portcullis_manifest::Principal;
use portcullis_store::{Denied, DeniedKind};
use serde_json::{Value, json};
use tokio::{sync::broadcast::Receiver, time::timeout};
use uuid::Uuid;

use super::people::{House, ISSUER, asked, done, signed_in, subject, text};

struct Jobs {
    house: House,
    changes: Receiver<Change>,
}

impl Jobs {
    async fn new() -> Self {
        let capacity = CapacityLimits { calls: 4, ..CapacityLimits::default() };
        let house = House::with(signed_in(), capacity).await;
        house.publish_jobs().await;
        let changes = house.host.changes();
        Self { house, changes }
    }

    /// A call of a client that takes tasks and can put forms to a person.
    async fn call(&self, who: &Principal, tool: &str, arguments: Value) -> Result<CallAnswer, CallRefused> {
        self.send(who, tool, arguments, None, true).await
    }

    async fn send(
        &self,
        who: &Principal,
        tool: &str,
        arguments: Value,
        resume: Option<Resume>,
        tasks: bool,
    ) -> Result<CallAnswer, CallRefused> {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        let target = Target::Tool { name: tool.to_owned(), arguments };
        let request = CallRequest {
            asking: Asking::FORM,
            resume,
            tasks,
            ..CallRequest::new(Uuid::now_v7(), who.clone(), target)
        };
        self.house.host.call(request).await
    }

    async fn begun(&self, who: &Principal, tool: &str, arguments: Value) -> Task {
        let task = begun(self.call(who, tool, arguments).await.unwrap());
        assert_eq!(task.state, TaskState::Working);
        task
    }

    async fn read(&self, who: &Principal, id: TaskId) -> Task {
        self.house.host.task(who, id).await.unwrap()
    }

    /// The task when it does not work any more.
    async fn rested(&mut self, who: &Principal, id: TaskId) -> Task {
        soon(async {
            loop {
                let task = self.house.host.task(who, id).await.unwrap();
                if task.state != TaskState::Working {
                    return task;
                }
                self.changes.recv().await.unwrap();
            }
        })
        .await
    }

    async fn reply(&self, who: &Principal, id: TaskId, replies: &[(&str, Reply)]) {
        let replies = replies.iter().map(|(key, reply)| ((*key).to_owned(), reply.clone())).collect();
        let update = TaskUpdate { principal: who.clone(), id, replies, asking: Asking::FORM };
        self.house.host.update_task(update).await.unwrap();
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), what).await.expect("it happens")
}

fn begun(answer: CallAnswer) -> Task {
    if let CallAnswer::Task(task) = answer { task } else { panic!("{answer:?}") }
}

fn said(task: &Task) -> String {
    let TaskState::Completed(Answer::Tool(answer)) = &task.state else { panic!("{task:?}") };
    assert!(!answer.is_error, "{answer:?}");
    text(answer)
}

fn keys(task: &Task) -> Vec<&str> {
    let TaskState::Asking(questions) = &task.state else { panic!("{task:?}") };
    questions.iter().map(|question| &*question.key).collect()
}

fn good(good: impl Into<Value>) -> Reply {
    Reply::Accepted(json!({ "good": good.into() }).as_object().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_tool_is_a_task_from_the_beginning_and_what_it_wrote_is_there_when_it_is_completed() {
    let mut jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let task = jobs.begun(&ann, "jobs_put", json!({ "a": 1.5 })).await;
    let ended = jobs.rested(&ann, task.id).await;
    assert_eq!(said(&ended), "done");
    assert_eq!((ended.id, ended.created), (task.id, task.created));
    assert!(ended.ttl >= task.ttl && ended.updated >= task.updated, "{ended:?}");
    assert_eq!(jobs.read(&ann, task.id).await, ended, "reading changes nothing");
    assert_eq!(text(&done(jobs.call(&ann, "jobs_get", json!({})).await.unwrap())), r#"{"a":1.5}"#);
    assert_eq!(jobs.house.recorded("ok").await.len(), 2, "each call has its row");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_tasks_is_answered_or_refused_and_who_has_not_signed_in_has_none() {
    let jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let refused = jobs.send(&ann, "jobs_put", json!({}), None, false).await.unwrap_err();
    assert_eq!(refused, CallRefused::TasksNeeded { tool: "jobs_put".to_owned() });
    assert_eq!(jobs.house.recorded("task").await.len(), 1);
    let answer = jobs.send(&ann, "jobs_brief", json!({}), None, false).await.unwrap();
    assert_eq!(text(&done(answer)), "done");
    // One that is quick is no task either way.
    assert_eq!(text(&done(jobs.call(&ann, "jobs_brief", json!({})).await.unwrap())), "done");
    let refused = jobs.call(&Principal::anonymous(), "jobs_brief", json!({})).await.unwrap_err();
    assert!(matches!(refused, CallRefused::SignIn { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn au_06_only_its_own_principal_reads_answers_and_ends_a_task() {
    let mut jobs = Jobs::new().await;
    let (ann, bob) = (subject("ann", &[]), subject("bob", &[]));
    let task = jobs.begun(&ann, "jobs_ask", json!({})).await;
    jobs.rested(&ann, task.id).await;
    for other in [&bob, &Principal::local(), &Principal::anonymous()] {
        let host = &jobs.house.host;
        assert_eq!(host.task(other, task.id).await, Err(CallRefused::UnknownTask));
        assert_eq!(host.cancel_task(other, task.id).await, Err(CallRefused::UnknownTask));
        let replies = [("1.ok".to_owned(), good(true))].into();
        let update = TaskUpdate { principal: other.clone(), id: task.id, replies, asking: Asking::FORM };
        assert_eq!(host.update_task(update).await, Err(CallRefused::UnknownTask));
    }
    assert_eq!(jobs.house.host.task(&ann, TaskId([0; 16])).await, Err(CallRefused::UnknownTask));
    assert_eq!(jobs.house.recorded("unknown-task").await.len(), 10);
    assert_eq!(keys(&jobs.read(&ann, task.id).await), ["1.ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_asks_goes_on_with_the_replies_and_never_uses_a_key_twice() {
    let mut jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let id = jobs.begun(&ann, "jobs_ask", json!({ "x": 0.1 })).await.id;
    assert_eq!(keys(&jobs.rested(&ann, id).await), ["1.ok"]);
    // What is no reply to anything that is asked changes nothing.
    let before = jobs.read(&ann, id).await;
    jobs.reply(&ann, id, &[("ok", good(true)), ("2.ok", good(true))]).await;
    assert_eq!(jobs.read(&ann, id).await, before);
    // What does not fit is asked for again, as another question.
    jobs.reply(&ann, id, &[("1.ok", good("yes"))]).await;
    assert_eq!(keys(&jobs.rested(&ann, id).await), ["2.ok"]);
    jobs.reply(&ann, id, &[("1.ok", good(true))]).await;
    assert_eq!(keys(&jobs.read(&ann, id).await), ["2.ok"]);
    jobs.reply(&ann, id, &[("2.ok", good(true))]).await;
    assert_eq!(said(&jobs.rested(&ann, id).await), "mine", "the state that it gave came back to it");
    // Too late is no error.
    jobs.reply(&ann, id, &[("2.ok", good(false))]).await;
    jobs.house.host.cancel_task(&ann, id).await.unwrap();
    assert_eq!(said(&jobs.read(&ann, id).await), "mine");
    assert_eq!((jobs.house.recorded("asked").await.len(), jobs.house.recorded("ok").await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_reply_at_once_one_makes_the_task_go_on() {
    let mut jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let id = jobs.begun(&ann, "jobs_ask", json!({})).await.id;
    jobs.rested(&ann, id).await;
    let updates: Vec<_> = (0..8)
        .map(|_| {
            let (host, principal) = (jobs.house.host.clone(), ann.clone());
            let replies = [("1.ok".to_owned(), good(true))].into();
            tokio::spawn(
                async move { host.update_task(TaskUpdate { principal, id, replies, asking: Asking::FORM }).await },
            )
        })
        .collect();
    for update in updates {
        // Whoever came while all places were taken is told to come again.
        assert!(matches!(update.await.unwrap(), Ok(()) | Err(CallRefused::Busy { .. })));
    }
    assert_eq!(said(&jobs.rested(&ann, id).await), "mine");
    assert_eq!(jobs.house.recorded("ok").await.len(), 1, "one round");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_stopped_has_no_result() {
    let mut jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let id = jobs.begun(&ann, "jobs_trap", json!({})).await.id;
    let ended = jobs.rested(&ann, id).await;
    let TaskState::Failed(why) = &ended.state else { panic!("{ended:?}") };
    assert_eq!((ended.message.as_ref(), why.is_empty()), (Some(why), false));
    assert_eq!(jobs.house.recorded("trap").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_long_becomes_a_task_which_whoever_owns_it_can_end() {
    let mut jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let id = jobs.begun(&ann, "jobs_wait", json!({})).await.id;
    assert_eq!(jobs.read(&ann, id).await.state, TaskState::Working);
    jobs.house.host.cancel_task(&ann, id).await.unwrap();
    let ended = jobs.rested(&ann, id).await;
    assert_eq!(ended.state, TaskState::Cancelled);
    assert!(ended.message.is_some());
    jobs.house.host.cancel_task(&ann, id).await.unwrap();
    assert_eq!(jobs.read(&ann, id).await, ended);
    recorded(&jobs.house, "cancelled").await;
    // A task that waits for replies is ended as well.
    let id = jobs.begun(&ann, "jobs_ask", json!({})).await.id;
    jobs.rested(&ann, id).await;
    jobs.house.host.cancel_task(&ann, id).await.unwrap();
    assert_eq!(jobs.read(&ann, id).await.state, TaskState::Cancelled);
    jobs.reply(&ann, id, &[("1.ok", good(true))]).await;
    assert_eq!(jobs.read(&ann, id).await.state, TaskState::Cancelled);
}

/// Fails when a task can be ended after it was written down that it goes on and before anybody can stop its round: then it is
/// called cancelled, and its round is done.
#[tokio::test(flavor = "multi_thread")]
async fn wr_05_a_task_that_is_cancelled_while_it_goes_on_has_not_done_its_round() {
    let mut jobs = Jobs::new().await;
    let mut completed = 0;
    for person in 0..100 {
        // Of one person's tasks only so many are kept.
        let ann = subject(&format!("ann {person}"), &[]);
        let id = jobs.begun(&ann, "jobs_ask", json!({})).await.id;
        jobs.rested(&ann, id).await;
        let cancels: Vec<_> = (0..4)
            .map(|_| {
                let (host, ann) = (jobs.house.host.clone(), ann.clone());
                tokio::spawn(async move { host.cancel_task(&ann, id).await })
            })
            .collect();
        jobs.reply(&ann, id, &[("1.ok", good(true))]).await;
        for cancel in cancels {
            cancel.await.unwrap().unwrap();
        }
        completed += usize::from(jobs.rested(&ann, id).await.state != TaskState::Cancelled);
    }
    assert_eq!(jobs.house.recorded("ok").await.len(), completed, "rounds that were done, and tasks that say so");
}

/// Until the audit has a row of that class: a guest that was dropped ends at its next tick.
async fn recorded(house: &House, class: &str) {
    soon(async {
        while house.recorded(class).await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_the_places_are_for_tasks_and_each_is_free_again_when_its_task_has_ended() {
    let mut jobs = Jobs::new().await;
    let (ann, bob) = (subject("ann", &[]), subject("bob", &[]));
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(jobs.begun(&ann, "jobs_wait", json!({})).await.id);
    }
    // The host of these tests has four places, of which half may be tasks'.
    let refused = jobs.call(&bob, "jobs_put", json!({})).await.unwrap_err();
    assert!(matches!(refused, CallRefused::Busy { .. }), "{refused:?}");
    for id in ids {
        jobs.house.host.cancel_task(&ann, id).await.unwrap();
        assert_eq!(jobs.rested(&ann, id).await.state, TaskState::Cancelled);
    }
    let id = jobs.begun(&bob, "jobs_put", json!({})).await.id;
    assert_eq!(said(&jobs.rested(&bob, id).await), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn au_25_the_task_of_somebody_who_is_shut_out_is_ended() {
    let mut jobs = Jobs::new().await;
    let (ann, bob) = (subject("ann", &[]), subject("bob", &[]));
    let of_ann = jobs.begun(&ann, "jobs_wait", json!({})).await.id;
    let of_bob = jobs.begun(&bob, "jobs_wait", json!({})).await.id;
    let ann_out = Denied { kind: DeniedKind::Subject, issuer: ISSUER.to_owned(), value: "ann".to_owned() };
    jobs.house.host.deny(ann_out, "carl").await.unwrap();
    let ended = jobs.rested(&ann, of_ann).await;
    assert_eq!(ended.state, TaskState::Cancelled);
    assert!(ended.message.unwrap().contains("shut out"));
    assert_eq!(jobs.read(&bob, of_bob).await.state, TaskState::Working);
    jobs.house.host.cancel_task(&bob, of_bob).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_when_the_host_stops_has_failed() {
    let jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let id = jobs.begun(&ann, "jobs_wait", json!({})).await.id;
    soon(jobs.house.host.stop()).await.unwrap();
    assert!(matches!(jobs.read(&ann, id).await.state, TaskState::Failed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn wr_05_what_has_to_be_confirmed_is_confirmed_before_it_becomes_a_task() {
    let mut jobs = Jobs::new().await;
    let ann = subject("ann", &[]);
    let arguments = json!({ "b": 2 });
    let ask = asked(jobs.call(&ann, "jobs_drop", arguments.clone()).await.unwrap());
    let agreed = Reply::Accepted(json!({ "confirm": true }).as_object().unwrap().clone());
    let resume = Resume { state: ask.state, replies: [("confirm".to_owned(), agreed)].into() };
    let id = begun(jobs.send(&ann, "jobs_drop", arguments, Some(resume), true).await.unwrap()).id;
    assert_eq!(said(&jobs.rested(&ann, id).await), "done");
    assert_eq!(text(&done(jobs.call(&ann, "jobs_get", json!({})).await.unwrap())), r#"{"b":2}"#);
}
