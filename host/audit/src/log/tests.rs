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
    CallOutcome {
        class,
        effect: Effect::Read,
        fuel: 5,
        memory: 6,
        wall: Duration::from_millis(7),
        host_calls: 8,
        detail: String::new(),
    }
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
    let rows = seat.claim(&outcome(ResultClass::Ok)).await;
    at.log.flush().await.unwrap();
    at.store.append(Arc::new(rows)).await.unwrap();
    seat.committed();
    at.log.flush().await.unwrap();
    assert_eq!(kinds(&at.store).await, [pair("call", "ok")]);
}

/// Fails without: `is_written` in `AuditLog::seat`, or when rows that could not be written are not put back.
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
    let (rows, seat) = claimed.await.unwrap();
    at.store.append(Arc::new(rows)).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn ad_01_a_line_answers_only_when_the_intent_is_durable() {
    let at = open();
    let seat = at.log.seat(intent()).unwrap();
    seat.line().intent().await.unwrap();
    assert_eq!(kinds(&at.store).await, [pair("intent", "")]);
    seat.line().intent().await.unwrap();
    seat.finish(&outcome(ResultClass::Ok));
    at.log.flush().await.unwrap();
    assert_eq!(kinds(&at.store).await, [pair("intent", ""), pair("outcome", "ok")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ad_01_a_line_refuses_while_nothing_can_be_written_and_after_the_call_has_ended() {
    let at = open();
    let blocker = rusqlite::Connection::open(at.home.path().join("data/portcullis.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let seat = at.log.seat(intent()).unwrap();
    let line = seat.line();
    assert!(line.intent().await.is_err());
    blocker.execute_batch("ROLLBACK").unwrap();
    seat.finish(&outcome(ResultClass::Failed));
    assert!(line.intent().await.is_err());
    while !at.log.accepting() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The seat may be another call's by now.
    let _other = at.log.seat(intent()).unwrap();
    assert!(line.intent().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn eg_34_what_left_the_host_stands_under_its_calls_id() {
    let at = open();
    let seat = at.log.seat(intent()).unwrap();
    let record = EgressRecord {
        class: "sent",
        effect: Effect::Write,
        wall: Duration::from_millis(3),
        detail: "GET https://a.example/ 200".to_owned(),
    };
    seat.line().egress(record);
    seat.finish(&outcome(ResultClass::Ok));
    at.log.flush().await.unwrap();
    let rows = at.store.audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
    let egress = rows.iter().find(|row| row.kind == "egress").expect("a row");
    let call = rows.iter().find(|row| row.kind == "call").expect("a row");
    assert_eq!(
        (egress.correlation, &*egress.detail, egress.wall_us),
        (call.correlation, "GET https://a.example/ 200", 3_000)
    );
}

/// Fails without: the task of its own in `flush_apart`.
#[tokio::test(flavor = "multi_thread")]
async fn ad_01_who_goes_away_while_an_intent_is_being_written_leaves_no_seat_behind() {
    let at = open();
    let blocker = rusqlite::Connection::open(at.home.path().join("data/portcullis.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (gone, other) = (at.log.seat(intent()).unwrap(), at.log.seat(intent()).unwrap());
    let line = gone.line();
    let waiting = tokio::spawn(async move { line.intent().await });
    while at.log.shared.queue.lock().taken.is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    waiting.abort();
    let _ = waiting.await;
    blocker.execute_batch("ROLLBACK").unwrap();
    let claimed = tokio::time::timeout(Duration::from_secs(20), other.claim(&outcome(ResultClass::Ok))).await;
    at.store.append(Arc::new(claimed.expect("it is claimed"))).await.unwrap();
    other.committed();
    gone.finish(&outcome(ResultClass::Cancelled));
    at.log.flush().await.unwrap();
    assert_eq!(kinds(&at.store).await.iter().filter(|(kind, _)| kind == "outcome").count(), 2);
}
