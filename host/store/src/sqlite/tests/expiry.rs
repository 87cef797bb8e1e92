//! Keys that expire.

use super::*;

const START: i64 = 1_700_000_000_000;
const DAY: i64 = 86_400_000;

fn expiring(seconds: u32, bytes: &[u8]) -> KvWrite {
    KvWrite { value: Some(bytes.to_vec()), expires_in: Some(seconds), expected: None }
}

fn key() -> String {
    "k".to_owned()
}

async fn get(store: &SqliteStore) -> Option<Vec<u8>> {
    store.kv_get(partition("u"), key()).await.unwrap()
}

#[test]
fn a_key_that_has_expired_is_as_if_it_had_been_removed_for_every_question_and_for_the_quota() {
    let time = ByHand::at(START);
    let at = open_at(tempfile::tempdir().unwrap(), time.clone());
    let tight = PartitionLimits { bytes: 4, keys: 1 };
    runtime().block_on(async {
        at.store.commit(commit("u", tight, "k", expiring(10, b"abc"))).await.unwrap();
        time.pass(9_999);
        assert_eq!(get(&at.store).await.unwrap(), b"abc");
        assert!(at.store.commit(commit("u", tight, "l", value(b"a"))).await.is_err(), "it fills the quota");
        time.pass(1);
        assert_eq!(at.store.kv_usage(partition("u")).await, Ok(KvUsage::default()));
        assert!(at.store.kv_list(partition("u"), String::new(), None, 9).await.unwrap().keys.is_empty());
        assert_eq!(get(&at.store).await, None);
        let stale = KvWrite { expected: Some(Some(b"abc".to_vec())), ..value(b"x") };
        let refused = at.store.commit(commit("u", tight, "k", stale)).await.unwrap_err();
        assert!(matches!(refused, CommitRefused::Conflict { .. }), "{refused}");
        let fresh = KvWrite { expected: Some(None), ..value(b"new") };
        at.store.commit(commit("u", tight, "k", fresh)).await.unwrap();
        time.pass(100 * DAY);
        assert_eq!(get(&at.store).await.unwrap(), b"new", "what is set again without an end has none");
        assert_eq!(at.store.kv_usage(partition("u")).await, Ok(KvUsage { bytes: 4, keys: 1 }));
    });
}

#[test]
fn st_40_a_wall_clock_that_jumps_while_the_store_is_open_expires_nothing_early_or_late() {
    let time = ByHand::at(START);
    let at = open_at(tempfile::tempdir().unwrap(), time.clone());
    runtime().block_on(async {
        at.store.commit(commit("u", ROOMY, "k", expiring(10, b"v"))).await.unwrap();
        time.set(START + DAY);
        time.pass(9_999);
        assert!(get(&at.store).await.is_some());
        time.set(START - DAY);
        assert!(get(&at.store).await.is_some());
        time.pass(1);
        assert_eq!(get(&at.store).await, None);
    });
}

#[test]
fn st_40_a_key_that_was_seen_to_be_gone_stays_gone_though_the_wall_clock_is_set_back_before_the_next_start() {
    for question in ["get", "list", "usage", "write"] {
        let time = ByHand::at(START);
        let at = open_at(tempfile::tempdir().unwrap(), time.clone());
        let runtime = runtime();
        runtime.block_on(async {
            at.store.commit(commit("u", ROOMY, "k", expiring(10, b"v"))).await.unwrap();
            time.pass(10_000);
            match question {
                "get" => assert_eq!(get(&at.store).await, None),
                "list" => {
                    let page = at.store.kv_list(partition("u"), String::new(), None, 9).await.unwrap();
                    assert!(page.keys.is_empty());
                }
                "usage" => assert_eq!(at.store.kv_usage(partition("u")).await, Ok(KvUsage::default())),
                _ => at.store.commit(commit("u", ROOMY, "other", value(b""))).await.unwrap(),
            }
        });
        let at = at.reopened(ByHand::at(START - DAY));
        assert_eq!(runtime.block_on(get(&at.store)), None, "{question}");
    }
}

#[test]
fn st_40_a_key_that_nobody_saw_expire_outlives_a_clock_that_was_set_back_by_no_more_than_its_life() {
    let time = ByHand::at(START);
    let at = open_at(tempfile::tempdir().unwrap(), time.clone());
    let runtime = runtime();
    runtime.block_on(at.store.commit(commit("u", ROOMY, "k", expiring(10, b"v")))).unwrap();
    time.pass(10_000);
    let time = ByHand::at(START - DAY);
    let at = at.reopened(time.clone());
    assert!(runtime.block_on(get(&at.store)).is_some());
    time.pass(10_000);
    assert_eq!(runtime.block_on(get(&at.store)), None);
}

#[test]
fn expired_keys_are_removed_in_small_batches_by_commits_of_their_partition_and_by_the_housekeeper() {
    let time = ByHand::at(START);
    let at = open_at(tempfile::tempdir().unwrap(), time.clone());
    let many = i64::from(crate::sqlite::expiry::BATCH);
    let fill = |owner: &str| {
        let keys = (0..2 * many + 10).map(|n| (format!("k{n}"), expiring(10, b"v"))).collect();
        let limits = PartitionLimits { bytes: 1 << 20, keys: 10_000 };
        Commit { writes: BTreeMap::from([(partition(owner), (limits, keys))]), ..Commit::default() }
    };
    runtime().block_on(async {
        at.store.commit(fill("u")).await.unwrap();
        at.store.commit(fill("w")).await.unwrap();
        time.pass(10_000);
        at.store.commit(commit("u", PartitionLimits { bytes: 2, keys: 1 }, "k", value(b"v"))).await.unwrap();
        // Of this partition a batch is gone; what is left of it takes no quota.
        assert_eq!(at.number("SELECT count(*) FROM kv WHERE owner = 'u'"), many + 10 + 1);
        assert_eq!(at.number("SELECT count(*) FROM kv WHERE owner = 'w'"), 2 * many + 10);
        assert_eq!(at.store.kv_usage(partition("u")).await, Ok(KvUsage { bytes: 2, keys: 1 }));
    });
    housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert_eq!(at.number("SELECT count(*) FROM kv"), 1);
    assert_eq!(at.number("SELECT sum(bytes) FROM kv_usage"), 2);
    assert_eq!(at.number("SELECT sum(keys) FROM kv_usage"), 1);
    assert!(at.number("SELECT mark FROM keeping") >= START + 10_000);
}

#[test]
fn a_life_of_no_seconds_is_over_at_once_and_one_of_ten_years_is_not() {
    let time = ByHand::at(START);
    let at = open_at(tempfile::tempdir().unwrap(), time.clone());
    runtime().block_on(async {
        at.store.commit(commit("u", ROOMY, "k", expiring(0, b"v"))).await.unwrap();
        assert_eq!(get(&at.store).await, None);
        let ten_years = 3650 * 24 * 60 * 60;
        at.store.commit(commit("u", ROOMY, "k", expiring(ten_years, b"v"))).await.unwrap();
        time.pass(3649 * DAY);
        assert!(get(&at.store).await.is_some());
        at.store.commit(commit("u", ROOMY, "k", expiring(u32::MAX, b"v"))).await.unwrap();
        assert!(get(&at.store).await.is_some());
    });
}
