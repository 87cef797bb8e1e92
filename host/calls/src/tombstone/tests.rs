use std::path::Path;

use portcullis_audit::{AdminAction, admin_row};
use portcullis_manifest::{Digest, Fingerprint, ReleaseId};
use portcullis_store::{
    AuditRow, Decision, NewRelease,
    sqlite::{OwnerLock, SqliteStore},
};

use super::*;

fn open(data: &Path) -> (Arc<SqliteStore>, OwnerLock) {
    let lock = OwnerLock::take(data).unwrap();
    (Arc::new(SqliteStore::open(data, &lock).unwrap()), lock)
}

fn row() -> AuditRow {
    admin_row(AdminAction::Publish, "ann", None, String::new())
}

async fn decide(store: &SqliteStore, version: &str, names: &[&str], approve: bool, at: i64) {
    let fingerprint = Fingerprint(Digest::of(version.as_bytes()).0);
    let release = NewRelease {
        id: ReleaseId { plugin: "two".parse().unwrap(), version: version.to_owned() },
        fingerprint,
        manifest: String::new(),
        files: "{}".to_owned(),
        assets: Vec::new(),
        component: vec![1],
        digest: Digest::of(&[1]),
        prefix: String::new(),
        labels: names.iter().map(|name| ((*name).to_owned(), "read".to_owned())).collect(),
        published_by: "ann".to_owned(),
        at,
    };
    store.publish(release, row()).await.unwrap();
    let (by, without_sign_in) = ("bob".to_owned(), Vec::new());
    let decision = Decision { fingerprint, approve, without_sign_in, by, four_eyes: true, at };
    store.decide(decision, row()).await.unwrap();
}

/// Fails without the numbers in memory: each call to a retired name would be a write.
#[tokio::test]
async fn wr_04_calls_are_counted_in_memory_and_written_together() {
    let home = tempfile::tempdir().unwrap();
    let (store, _lock) = open(&home.path().join("data"));
    decide(&store, "1.0.0", &["two_get", "two_put"], true, 1).await;
    decide(&store, "2.0.0", &["two_get"], true, 2).await;
    let tombstones = Tombstones::new(store.clone());
    assert!(tombstones.find("two_put", |_| true).is_none(), "nothing was read");
    tombstones.read().await.unwrap();
    let put = tombstones.find("two_put", |_| true).unwrap().name;
    assert!(tombstones.find("two_put", |_| false).is_none() && tombstones.find("two_other", |_| true).is_none());
    for at in [10, 30, 20] {
        tombstones.count(&put, at);
    }
    let stored = || async {
        let names = store.names().await.unwrap();
        let put = names.into_iter().find(|once| once.name == "two_put").unwrap().retired.unwrap();
        (put.calls, put.last_call)
    };
    assert_eq!(stored().await, (0, None), "nothing is written for a single call");
    tombstones.flush().await.unwrap();
    assert_eq!(stored().await, (3, Some(30)));
    tombstones.flush().await.unwrap();
    assert_eq!(stored().await, (3, Some(30)), "once");
}

/// Fails if the answer does not say whether another release or a withdrawal took the name, and what to call instead.
#[tokio::test]
async fn wr_04_the_words_say_what_became_of_the_name() {
    let home = tempfile::tempdir().unwrap();
    let (store, _lock) = open(&home.path().join("data"));
    decide(&store, "1.0.0", &["two_get", "two_put"], true, 1).await;
    decide(&store, "2.0.0", &["two_get"], true, 2).await;
    let tombstones = Tombstones::new(store.clone());
    tombstones.read().await.unwrap();
    let said = |name: &str| words(&tombstones.find(name, |_| true).unwrap().name, Callable::Tool, None);
    assert!(said("two_put").contains("two@1.0.0 had it, and two@2.0.0, which took its place, does not"));
    // It is in a release that is approved, and nobody serves it here.
    assert!(said("two_get").contains("two@2.0.0, which has it, is approved and could not be started"));
    decide(&store, "2.0.0", &["two_get"], false, 3).await;
    tombstones.read().await.unwrap();
    let get = tombstones.find("two_get", |_| true).unwrap().name;
    let said = words(&get, Callable::Tool, None);
    assert!(said.contains("two@2.0.0, which had it, was withdrawn"), "{said}");
    let advised = |instead: Option<&str>, why: Option<&str>| {
        let advice = Advice { instead: instead.map(str::to_owned), why: why.map(str::to_owned) };
        words(&get, Callable::Tool, Some(&advice))
    };
    assert!(advised(Some("two_find"), None).contains(" Call `two_find` instead. Nothing was done."));
    assert!(
        advised(Some("two_find"), Some("It is faster")).contains(" Call `two_find` instead: It is faster. Nothing")
    );
    assert!(advised(None, Some("Nobody used it")).contains("was withdrawn. Nobody used it. Nothing was done."));
}
