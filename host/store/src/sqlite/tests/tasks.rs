//! Calls that go on without their requests.

use super::*;
use crate::{TASK_BYTES, TASK_BYTES_PER_PRINCIPAL, TASKS_PER_PRINCIPAL, TaskEntry, TaskStatus};

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

fn id(n: u32) -> [u8; 16] {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id
}

fn task(n: u32, principal: &str) -> NewTask {
    NewTask {
        id: id(n),
        principal: principal.to_owned(),
        tool: "p_t".to_owned(),
        release: [1; 32],
        at: NOW,
        expires_at: NOW + HOUR,
        bytes: 10,
    }
}

fn step(status: TaskStatus, body: &[u8]) -> TaskMove {
    TaskMove { status, message: Some("so".to_owned()), at: NOW + 5, expires_at: NOW + 2 * HOUR, body: body.to_vec() }
}

fn opened(time: &Arc<ByHand>) -> Opened {
    open_at(tempfile::tempdir().unwrap(), time.clone())
}

#[test]
fn a_task_is_found_as_it_was_left_in_this_process_and_in_the_next() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    let runtime = runtime();
    let mut expected = TaskEntry {
        principal: "ann".to_owned(),
        tool: "p_t".to_owned(),
        release: vec![1; 32],
        revision: 0,
        created_at: NOW,
        now: TaskMove { status: TaskStatus::Working, message: None, at: NOW, expires_at: NOW + HOUR, body: Vec::new() },
    };
    runtime.block_on(async {
        at.store.task_put(task(1, "ann")).await.unwrap();
        assert_eq!(at.store.task(id(1), NOW).await, Ok(Some(expected.clone())));
        assert_eq!(at.store.task(id(2), NOW).await, Ok(None));
        assert!(at.store.task_put(task(1, "bob")).await.is_err(), "an id is one task's");
        for (revision, status) in
            [TaskStatus::Asking, TaskStatus::Working, TaskStatus::Completed].into_iter().enumerate()
        {
            assert_eq!(at.store.task_step(id(1), revision as u64, step(status, b"body")).await, Ok(true));
            expected.revision = revision as u64 + 1;
            expected.now = step(status, b"body");
            assert_eq!(at.store.task(id(1), NOW).await, Ok(Some(expected.clone())));
        }
    });
    let at = at.reopened(time);
    assert_eq!(runtime.block_on(at.store.task(id(1), NOW)), Ok(Some(expected)));
}

#[test]
fn of_many_changes_of_one_task_exactly_one_is_made_and_none_after_its_end() {
    let at = opened(&ByHand::at(NOW));
    runtime().block_on(async {
        at.store.task_put(task(1, "ann")).await.unwrap();
        let steps: Vec<_> = (0..32)
            .map(|n| {
                let store = at.store.clone();
                let status = if n % 2 == 0 { TaskStatus::Completed } else { TaskStatus::Cancelled };
                tokio::spawn(async move { store.task_step(id(1), 0, step(status, &[n])).await.unwrap() })
            })
            .collect();
        let mut made = 0;
        for step in steps {
            made += u32::from(step.await.unwrap());
        }
        assert_eq!(made, 1);
        let before = at.store.task(id(1), NOW).await;
        for status in TaskStatus::ALL {
            assert_eq!(at.store.task_step(id(1), 1, step(status, b"late")).await, Ok(false), "{status:?}");
        }
        assert_eq!(at.store.task(id(1), NOW).await, before);
        assert_eq!(at.store.task_step(id(7), 0, step(TaskStatus::Failed, b"")).await, Ok(false), "one that is not");
    });
    let db = database(&at);
    for (change, refusal) in [
        (
            "UPDATE task SET status = 'working', revision = revision + 1",
            "a task that has ended stays so, and changes one at a time",
        ),
        ("UPDATE task SET principal = 'bob', revision = revision + 1", "a task is of one call"),
    ] {
        let error = db.execute(change, []).unwrap_err().to_string();
        assert!(error == refusal || error.contains("has ended"), "{change}: {error}");
    }
}

#[test]
fn a_task_is_kept_for_as_long_as_was_said_and_then_it_never_was() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    runtime().block_on(async {
        at.store.task_put(task(1, "ann")).await.unwrap();
        // What is asked to expire sooner does not.
        let sooner = TaskMove { expires_at: NOW + 1, ..step(TaskStatus::Completed, b"x") };
        assert_eq!(at.store.task_step(id(1), 0, sooner).await, Ok(true));
        assert!(at.store.task(id(1), NOW + HOUR - 1).await.unwrap().is_some());
        assert_eq!(at.store.task(id(1), NOW + HOUR).await, Ok(None));
        at.store.task_put(task(2, "ann")).await.unwrap();
        assert_eq!(at.store.task_step(id(2), 0, step(TaskStatus::Asking, b"x")).await, Ok(true));
        assert!(at.store.task(id(2), NOW + 2 * HOUR - 1).await.unwrap().is_some());
    });
    housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert_eq!(at.number("SELECT count(*) FROM task"), 2);
    time.pass(HOUR);
    housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert_eq!(at.number("SELECT count(*) FROM task"), 1);
    time.pass(HOUR);
    housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert_eq!(at.number("SELECT count(*) FROM task"), 0);
}

#[test]
fn one_principal_has_no_more_tasks_than_one_may_and_none_is_removed_for_another() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    runtime().block_on(async {
        for n in 0..TASKS_PER_PRINCIPAL {
            at.store.task_put(task(n, "ann")).await.unwrap();
        }
        assert_eq!(at.store.task_put(task(1000, "ann")).await, Err(TaskRefused::Principal));
        at.store.task_put(task(1001, "bob")).await.unwrap();
        assert!(at.store.task(id(0), NOW).await.unwrap().is_some());
        time.pass(HOUR);
        // All of hers have expired, though nobody has removed them.
        at.store.task_put(NewTask { expires_at: NOW + 3 * HOUR, ..task(1002, "ann") }).await.unwrap();
        assert_eq!(at.number("SELECT count(*) FROM task WHERE principal = 'ann'"), 1);
    });
}

#[test]
fn what_a_task_may_come_to_take_is_counted_until_it_has_ended_and_then_what_it_takes() {
    let at = opened(&ByHand::at(NOW));
    runtime().block_on(async {
        let large = |n| NewTask { bytes: TASK_BYTES_PER_PRINCIPAL, ..task(n, "ann") };
        at.store.task_put(large(1)).await.unwrap();
        assert_eq!(at.store.task_put(task(2, "ann")).await, Err(TaskRefused::Principal));
        assert_eq!(at.store.task_step(id(1), 0, step(TaskStatus::Asking, b"four")).await, Ok(true));
        assert_eq!(at.store.task_put(task(2, "ann")).await, Err(TaskRefused::Principal));
        assert_eq!(at.store.task_step(id(1), 1, step(TaskStatus::Completed, b"four")).await, Ok(true));
        assert_eq!(at.number("SELECT bytes FROM task"), 4);
        at.store.task_put(task(2, "ann")).await.unwrap();
        // A body that is larger than was thought counts as what it is.
        assert_eq!(at.store.task_step(id(2), 0, step(TaskStatus::Asking, b"more than ten")).await, Ok(true));
        assert_eq!(at.number("SELECT max(bytes) FROM task"), 13);
    });
}

#[test]
fn all_principals_together_have_no_more_than_the_host_keeps() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    let people = u32::try_from(TASK_BYTES / TASK_BYTES_PER_PRINCIPAL).unwrap();
    runtime().block_on(async {
        let large = |n: u32| NewTask { bytes: TASK_BYTES_PER_PRINCIPAL, ..task(n, &format!("p{n}")) };
        for n in 0..people {
            at.store.task_put(large(n)).await.unwrap();
        }
        assert_eq!(at.store.task_put(large(people)).await, Err(TaskRefused::Host));
        time.pass(HOUR);
        at.store.task_put(NewTask { expires_at: NOW + 2 * HOUR, ..large(people) }).await.unwrap();
    });
}

#[test]
fn what_was_working_when_a_process_died_is_ended_by_the_next_and_what_waits_goes_on_waiting() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    let runtime = runtime();
    runtime.block_on(async {
        for n in 1..=3 {
            at.store.task_put(task(n, "ann")).await.unwrap();
        }
        at.store.task_step(id(2), 0, step(TaskStatus::Asking, b"q")).await.unwrap();
        at.store.task_step(id(3), 0, step(TaskStatus::Completed, b"r")).await.unwrap();
    });
    let at = at.reopened(time);
    runtime.block_on(async {
        assert_eq!(at.store.tasks_abandon(step(TaskStatus::Failed, b"gone")).await, Ok(1));
        assert_eq!(at.store.tasks_abandon(step(TaskStatus::Failed, b"gone")).await, Ok(0));
        for (n, status, body) in
            [(1, TaskStatus::Failed, &b"gone"[..]), (2, TaskStatus::Asking, b"q"), (3, TaskStatus::Completed, b"r")]
        {
            let now = at.store.task(id(n), NOW).await.unwrap().unwrap().now;
            assert_eq!((now.status, &now.body[..]), (status, body), "{n}");
        }
    });
}
