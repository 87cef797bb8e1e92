use portcullis_manifest::Label;
use portcullis_store::{
    AuditEntry, AuditFilter,
    sqlite::{OwnerLock, SqliteStore},
};

use super::*;

struct Opened {
    log: AuditLog,
    store: Arc<SqliteStore>,
    home: tempfile::TempDir,
}

fn open() -> Opened {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let owner = OwnerLock::take(&data).unwrap();
    let store = Arc::new(SqliteStore::open(&data, &owner).unwrap());
    Opened { log: AuditLog::start(store.clone()), store, home }
}

fn intent() -> CallIntent {
    CallIntent {
        correlation: Uuid::now_v7(),
        principal: "local".into(),
        tool: "notes_read".parse().unwrap(),
        release: Fingerprint([3; 32]),
        label: Label::Read,
        at: 1,
    }
}

fn outcome(class: ResultClass) -> CallOutcome {
    CallOutcome { class, effect: Effect::Read, fuel: 5, memory: 6, wall: Duration::from_millis(7), host_calls: 8 }
}

async fn kinds(store: &SqliteStore) -> Vec<(String, String)> {
    let rows = store.audit(AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap();
    rows.into_iter().rev().map(|AuditEntry { kind, class, .. }| (kind, class)).collect()
}

fn pair(kind: &str, class: &str) -> (String, String) {
    (kind.to_owned(), class.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_call_is_one_row_and_a_long_one_is_two() {
    let at = open();
    at.log.seat(intent()).unwrap().finish(&outcome(ResultClass::Ok));
    at.log.flush().await.unwrap();
    let seat = at.log.seat(intent()).unwrap();
    at.log.flush().await.unwrap();
    seat.finish(&outcome(ResultClass::Failed));
    at.log.flush().await.unwrap();
    assert_eq!(kinds(&at.store).await, [pair("call", "ok"), pair("intent", ""), pair("outcome", "failed")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_intent_of_a_call_that_runs_is_written_without_anyone_asking() {
    let at = open();
    let seat = at.log.seat(intent()).unwrap();
    while kinds(&at.store).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(kinds(&at.store).await, [pair("intent", "")]);
    seat.finish(&outcome(ResultClass::Ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_is_dropped_says_that_the_call_was_cancelled() {
    let at = open();
    drop(at.log.seat(intent()).unwrap());
    at.log.flush().await.unwrap();
    assert_eq!(kinds(&at.store).await, [pair("call", "cancelled")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_row_is_written_by_the_claimer_only() {
    let at = open();
    let seat = at.log.seat(intent()).unwrap();
    let row = seat.claim(&outcome(ResultClass::Ok)).await;
    at.log.flush().await.unwrap();
    at.store.append(Arc::new(vec![row])).await.unwrap();
    seat.committed();
    at.log.flush().await.unwrap();
    assert_eq!(kinds(&at.store).await, [pair("call", "ok")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ad_01_while_the_audit_cannot_be_written_no_seat_is_given_and_nothing_is_lost() {
    let at = open();
    // Another connection that holds the write lock is a store that cannot write.
    let blocker = rusqlite::Connection::open(at.home.path().join("data/portcullis.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    at.log.seat(intent()).unwrap().finish(&outcome(ResultClass::Ok));
    while at.log.accepting() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(at.log.seat(intent()).err(), Some(AuditStopped::Failing));
    blocker.execute_batch("ROLLBACK").unwrap();
    while !at.log.accepting() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(kinds(&at.store).await, [pair("call", "ok")]);
    drop(at.log.seat(intent()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_claimed_while_its_intent_is_being_written_waits_for_it_and_is_its_outcome() {
    let at = open();
    let blocker = rusqlite::Connection::open(at.home.path().join("data/portcullis.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let seat = at.log.seat(intent()).unwrap();
    // The flush has taken the intent, and waits for the other writer.
    while at.log.shared.queue.lock().taken.is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let claimed = tokio::spawn(async move { (seat.claim(&outcome(ResultClass::Ok)).await, seat) });
    blocker.execute_batch("ROLLBACK").unwrap();
    let (row, seat) = claimed.await.unwrap();
    at.store.append(Arc::new(vec![row])).await.unwrap();
    seat.committed();
    at.log.flush().await.unwrap();
    assert_eq!(kinds(&at.store).await, [pair("intent", ""), pair("outcome", "ok")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_outlives_a_flush_that_failed_has_one_intent_and_before_its_outcome() {
    let at = open();
    let blocker = rusqlite::Connection::open(at.home.path().join("data/portcullis.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (long, short) = (at.log.seat(intent()).unwrap(), at.log.seat(intent()).unwrap());
    while at.log.shared.queue.lock().taken.is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    short.finish(&outcome(ResultClass::Failed));
    while at.log.accepting() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    while !at.log.accepting() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    long.finish(&outcome(ResultClass::Ok));
    at.log.flush().await.unwrap();
    let mut kinds = kinds(&at.store).await;
    assert_eq!(kinds.pop(), Some(pair("outcome", "ok")));
    kinds.sort();
    assert_eq!(kinds, [pair("intent", ""), pair("intent", ""), pair("outcome", "failed")]);
}
