use std::{collections::BTreeMap, sync::Arc};

use portcullis_manifest::{Digest, Fingerprint, ReleaseId};
use proptest::prelude::*;

use super::{clock::by_hand::ByHand, *};
use crate::{FileWrite, FilesLimits, KvWrite, PartitionLimits, ReleaseState, RowKind};

mod approvals;
mod assets;
mod denied;
mod expiry;
mod files;
mod migration;
mod model;
mod names;
mod previews;
mod questions;
mod streams;
mod tasks;
mod torture;

struct Opened {
    store: Arc<SqliteStore>,
    directory: tempfile::TempDir,
    owner: Option<OwnerLock>,
}

fn open() -> Opened {
    open_at(tempfile::tempdir().unwrap(), Arc::new(System))
}

fn open_at(directory: tempfile::TempDir, time: Arc<dyn Time>) -> Opened {
    let home = directory.path().join("data");
    let owner = OwnerLock::take(&home).unwrap();
    let store = Arc::new(SqliteStore::open_at(&home, &owner, time).unwrap());
    Opened { store, directory, owner: Some(owner) }
}

impl Opened {
    /// Another process, as far as the store can tell.
    fn reopened(self, time: Arc<dyn Time>) -> Self {
        let Self { store, directory, owner } = self;
        drop(store);
        drop(owner);
        open_at(directory, time)
    }

    fn number(&self, sql: &str) -> i64 {
        database(self).query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn release(plugin: &str, version: &str, name: &str, by: &str) -> NewRelease {
    let seed = format!("{plugin}{version}{name}");
    NewRelease {
        id: ReleaseId { plugin: plugin.parse().unwrap(), version: version.to_owned() },
        fingerprint: Fingerprint(Digest::of(seed.as_bytes()).0),
        manifest: "manifest = 1".to_owned(),
        files: "{}".to_owned(),
        assets: Vec::new(),
        component: vec![1, 2, 3],
        digest: Digest::of(&[1, 2, 3]),
        prefix: String::new(),
        labels: vec![(name.to_owned(), "read".to_owned())],
        published_by: by.to_owned(),
        at: 1,
    }
}

fn decision(release: &NewRelease, approve: bool, by: &str, four_eyes: bool) -> Decision {
    let without_sign_in = Vec::new();
    Decision { fingerprint: release.fingerprint, approve, without_sign_in, by: by.to_owned(), four_eyes, at: 2 }
}

fn partition(owner: &str) -> KvPartition {
    KvPartition { plugin: "p".to_owned(), capability: "c".to_owned(), owner: owner.to_owned() }
}

fn commit(owner: &str, limits: PartitionLimits, key: &str, write: KvWrite) -> Commit {
    let writes = BTreeMap::from([(partition(owner), (limits, BTreeMap::from([(key.to_owned(), write)])))]);
    Commit { writes, audit: vec![row("ok")], ..Commit::default() }
}

fn row(class: &'static str) -> AuditRow {
    AuditRow {
        kind: RowKind::Call,
        at: 1,
        correlation: [7; 16],
        principal: "local".into(),
        tool: "p_t".into(),
        release: Some([0; 32]),
        label: "write",
        class,
        effect: "write",
        fuel: 1,
        memory: 2,
        wall_us: 3,
        host_calls: 4,
        count: 1,
        detail: String::new(),
    }
}

fn admin() -> AuditRow {
    AuditRow { kind: RowKind::Admin, label: "", effect: "none", ..row("publish") }
}

fn value(bytes: &[u8]) -> KvWrite {
    KvWrite { expires_in: None, value: Some(bytes.to_vec()), expected: None }
}

const ROOMY: PartitionLimits = PartitionLimits { bytes: 1000, keys: 10 };

#[test]
fn an_approved_release_is_served_and_replaces_the_one_before() {
    let at = open();
    runtime().block_on(async {
        let one = release("notes", "1.0.0", "notes_read", "ann");
        let two = release("notes", "1.1.0", "notes_read", "ann");
        assert_eq!(at.store.publish(one.clone(), admin()).await, Ok(PublishOutcome::New));
        assert_eq!(at.store.publish(one.clone(), admin()).await, Ok(PublishOutcome::Known(ReleaseState::Pending)));
        at.store.publish(two.clone(), admin()).await.unwrap();
        let before = at.store.served().await.unwrap();
        assert!(before.releases.is_empty());
        at.store.decide(decision(&one, true, "bob", true), admin()).await.unwrap();
        at.store.decide(decision(&two, true, "bob", true), admin()).await.unwrap();
        let served = at.store.served().await.unwrap();
        assert_eq!(served.generation, before.generation + 2);
        assert_eq!(served.releases.iter().map(|r| r.id.version.as_str()).collect::<Vec<_>>(), ["1.1.0"]);
        // Withdrawing what is not served leaves what is.
        at.store.decide(decision(&one, false, "bob", true), admin()).await.unwrap();
        assert_eq!(at.store.served().await.unwrap().releases.len(), 1);
        at.store.decide(decision(&two, false, "bob", true), admin()).await.unwrap();
        assert!(at.store.served().await.unwrap().releases.is_empty());
    });
}

#[test]
fn rg_01_a_version_is_immutable() {
    let at = open();
    runtime().block_on(async {
        at.store.publish(release("notes", "1.0.0", "a", "ann"), admin()).await.unwrap();
        let error = at.store.publish(release("notes", "1.0.0", "b", "ann"), admin()).await.unwrap_err();
        assert!(error.to_string().contains("notes@1.0.0 exists already with other contents"), "{error}");
    });
}

#[test]
fn au_07_the_publisher_cannot_approve_with_four_eyes_and_nothing_changes() {
    let at = open();
    runtime().block_on(async {
        let one = release("notes", "1.0.0", "a", "ann");
        at.store.publish(one.clone(), admin()).await.unwrap();
        let rows =
            || async { at.store.audit(AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap().len() };
        let before = rows().await;
        let error = at.store.decide(decision(&one, true, "ann", true), admin()).await.unwrap_err();
        assert_eq!(rows().await, before, "a decision that was not written has no row");
        assert_eq!(error, StateRefused::FourEyes { approver: "ann".to_owned() });
        assert!(at.store.served().await.unwrap().releases.is_empty());
        at.store.decide(decision(&one, true, "ann", false), admin()).await.unwrap();
        assert_eq!(rows().await, before + 1, "a decision and its row are one transaction");
        let kept = at.store.releases().await.unwrap();
        assert!(!kept[0].approval.as_ref().unwrap().four_eyes, "the approval records that four eyes were off");
    });
}

#[test]
fn mc_04_a_name_on_the_wire_is_served_once_whatever_its_case() {
    let at = open();
    runtime().block_on(async {
        let one = release("alpha", "1.0.0", "read", "ann");
        let two = release("beta", "1.0.0", "READ", "ann");
        for release in [&one, &two] {
            at.store.publish(release.clone(), admin()).await.unwrap();
        }
        at.store.decide(decision(&one, true, "bob", true), admin()).await.unwrap();
        let error = at.store.decide(decision(&two, true, "bob", true), admin()).await.unwrap_err();
        assert_eq!(error, StateRefused::NameTaken { name: "READ".to_owned(), other: "alpha@1.0.0".to_owned() });
        assert_eq!(at.store.served().await.unwrap().releases.len(), 1, "the refused decision changed nothing");
    });
}

#[test]
fn st_20_a_commit_over_quota_has_no_partial_effect_and_leaves_no_audit_row() {
    let at = open();
    runtime().block_on(async {
        let tight = PartitionLimits { bytes: 4, keys: 10 };
        at.store.commit(commit("u", tight, "k", value(b"abc"))).await.unwrap();
        let error = at.store.commit(commit("u", tight, "k", value(b"abcd"))).await.unwrap_err();
        assert_eq!(error.to_string(), "`c` would hold 5 bytes, its limit is 4 (`capability.c.quota`)");
        assert_eq!(at.store.kv_get(partition("u"), "k".to_owned()).await.unwrap(), Some(b"abc".to_vec()));
        let rows = at.store.audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
        assert_eq!(rows.len(), 1);
    });
}

#[test]
fn st_20_sixty_four_writers_at_the_edge_of_the_quota_fill_it_exactly() {
    let at = open();
    runtime().block_on(async {
        let limits = PartitionLimits { bytes: 1000, keys: 10 };
        let calls = (0..64).map(|n| {
            let store = at.store.clone();
            tokio::spawn(
                async move { store.commit(commit("u", limits, &format!("k{n:02}"), value(b"x"))).await.is_ok() },
            )
        });
        let mut done = 0;
        for call in calls.collect::<Vec<_>>() {
            done += usize::from(call.await.unwrap());
        }
        assert_eq!(done, 10);
        let page = at.store.kv_list(partition("u"), String::new(), None, 100).await.unwrap();
        assert_eq!((page.keys.len(), page.more), (10, false));
    });
}

#[test]
fn compare_and_set_is_checked_again_at_commit() {
    let at = open();
    runtime().block_on(async {
        at.store.commit(commit("u", ROOMY, "k", value(b"1"))).await.unwrap();
        let stale = KvWrite { expires_in: None, value: Some(b"3".to_vec()), expected: Some(Some(b"0".to_vec())) };
        let error = at.store.commit(commit("u", ROOMY, "k", stale)).await.unwrap_err();
        assert_eq!(error, CommitRefused::Conflict { capability: "c".to_owned(), key: "k".to_owned() });
        let fresh = KvWrite { expires_in: None, value: None, expected: Some(Some(b"1".to_vec())) };
        at.store.commit(commit("u", ROOMY, "k", fresh)).await.unwrap();
        assert_eq!(at.store.kv_get(partition("u"), "k".to_owned()).await.unwrap(), None);
    });
}

#[test]
fn st_02_what_was_acknowledged_is_there_after_reopening() {
    let mut at = open();
    runtime().block_on(async { at.store.commit(commit("u", ROOMY, "k", value(b"1"))).await.unwrap() });
    let home = at.directory.path().join("data");
    drop(at.store);
    drop(at.owner.take());
    let owner = OwnerLock::take(&home).unwrap();
    let store = SqliteStore::open(&home, &owner).unwrap();
    let found = runtime().block_on(store.kv_get(partition("u"), "k".to_owned())).unwrap();
    assert_eq!(found, Some(b"1".to_vec()));
}

/// A reader that answered several questions in one transaction answered the later ones from before the write.
#[test]
fn st_02_a_read_sees_every_write_that_was_acknowledged_before_it_was_asked() {
    let at = open();
    runtime().block_on(async {
        let limits = PartitionLimits { bytes: 1 << 40, keys: 1 << 40 };
        at.store.commit(commit("u", limits, "large", value(&vec![0; 50 << 20]))).await.unwrap();
        for n in 0..20 {
            // The readers are kept busy while the write is done and asked for.
            let slow: Vec<_> = (0..READERS)
                .map(|_| {
                    let store = at.store.clone();
                    tokio::spawn(async move { store.kv_get(partition("u"), "large".to_owned()).await })
                })
                .collect();
            at.store.commit(commit("u", limits, &format!("k{n}"), value(b"v"))).await.unwrap();
            let found = at.store.kv_get(partition("u"), format!("k{n}")).await.unwrap();
            assert_eq!(found.as_deref(), Some(&b"v"[..]), "write {n}");
            for read in slow {
                read.await.unwrap().unwrap();
            }
        }
    });
}

/// Guests wait for the store with the time of their calls; a listing of the audit or a large component is not their business.
#[test]
fn what_guests_read_does_not_wait_for_listings_or_components() {
    let at = open();
    runtime().block_on(async {
        let one = release("notes", "1.0.0", "a", "ann");
        at.store.publish(one.clone(), admin()).await.unwrap();
        at.store.commit(commit("u", ROOMY, "k", value(b"v"))).await.unwrap();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        // A listing that takes as long as this test wants.
        let long = tokio::spawn(at.store.lister.run(move |_| Ok::<_, Unavailable>(gate.recv().is_ok())));
        let listed = |store: Arc<SqliteStore>| async move {
            let audit = store.audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap().len();
            let component = store.component(one.fingerprint).await.unwrap().unwrap();
            (store.releases().await.unwrap().len(), store.served().await.unwrap().releases.len(), audit, component)
        };
        let listed = tokio::spawn(listed(at.store.clone()));
        for _ in 0..2 * READERS {
            assert_eq!(at.store.kv_get(partition("u"), "k".to_owned()).await, Ok(Some(b"v".to_vec())));
            assert_eq!(at.store.kv_list(partition("u"), String::new(), None, 9).await.unwrap().keys, ["k"]);
            assert_eq!(at.store.kv_usage(partition("u")).await, Ok(KvUsage { bytes: 2, keys: 1 }));
        }
        assert!(!listed.is_finished());
        open.send(()).unwrap();
        assert!(long.await.unwrap().unwrap());
        assert_eq!(listed.await.unwrap(), (1, 0, 2, vec![1, 2, 3]));
    });
}

#[test]
fn st_24_a_second_owner_is_refused() {
    let at = open();
    let error = OwnerLock::take(&at.directory.path().join("data")).unwrap_err();
    assert!(matches!(error, OwnerLockError::Owned), "{error}");
}

#[test]
fn st_24_a_directory_or_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut at = open();
    let home = at.directory.path().join("data");
    let chmod = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    drop(at.store);
    drop(at.owner.take());
    chmod(&home, 0o755);
    assert!(matches!(OwnerLock::take(&home), Err(OwnerLockError::Exposed { mode: 0o755 })));
    chmod(&home, 0o700);
    chmod(&home.join("portcullis.db"), 0o644);
    let owner = OwnerLock::take(&home).unwrap();
    assert!(matches!(SqliteStore::open(&home, &owner), Err(OpenError::Exposed { mode: 0o644 })));
}

#[test]
fn st_24_a_database_of_another_program_or_of_a_newer_one_is_refused() {
    for (pragma, wanted) in [("application_id = 1", "another program"), ("user_version = 99", "newer program")] {
        let mut at = open();
        let home = at.directory.path().join("data");
        drop(at.store);
        drop(at.owner.take());
        let db = rusqlite::Connection::open(home.join("portcullis.db")).unwrap();
        db.execute_batch(&format!("PRAGMA {pragma}")).unwrap();
        drop(db);
        let owner = OwnerLock::take(&home).unwrap();
        let error = SqliteStore::open(&home, &owner).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

fn database(at: &Opened) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(at.directory.path().join("data/portcullis.db")).unwrap();
    db.pragma_update(None, "foreign_keys", true).unwrap();
    db
}

/// The program has no statement that would do any of these; a later one that has is stopped here.
#[test]
fn the_database_refuses_changes_of_what_is_kept_as_it_was() {
    let at = open();
    runtime().block_on(async {
        let one = release("notes", "1.0.0", "a", "ann");
        at.store.publish(one.clone(), admin()).await.unwrap();
        at.store.decide(decision(&one, true, "bob", true), admin()).await.unwrap();
    });
    let db = database(&at);
    for (change, refusal) in [
        ("UPDATE release SET manifest = ''", "a release is immutable"),
        ("UPDATE label SET label = 'read'", "a release is immutable"),
        ("UPDATE decision SET decided_by = 'eve'", "decisions are kept"),
        ("DELETE FROM decision", "decisions are kept"),
        ("UPDATE audit SET class = 'ok' WHERE seq = 1", "the audit is append-only"),
        ("DELETE FROM audit WHERE seq = 1", "the audit is append-only"),
        ("DELETE FROM audit", "the audit is append-only"),
    ] {
        let error = db.execute(change, []).unwrap_err().to_string();
        assert_eq!(error, refusal, "{change}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn listing_by_pages_gives_every_key_with_the_prefix_once_in_byte_order(
        keys in prop::collection::btree_set("[a-cä]{1,4}", 0..20),
        prefix in "[a-cä]{0,2}",
        limit in 1u32..5,
    ) {
        let at = open();
        runtime().block_on(async {
            let limits = PartitionLimits { bytes: 10_000, keys: 100 };
            let writes = keys.iter().map(|key| (key.clone(), value(b"v"))).collect();
            let writes = BTreeMap::from([(partition("u"), (limits, writes))]);
            at.store.commit(Commit { writes, ..Commit::default() }).await.unwrap();
            let mut found = Vec::new();
            loop {
                let page = at.store.kv_list(partition("u"), prefix.clone(), found.last().cloned(), limit).await.unwrap();
                found.extend(page.keys);
                if !page.more { break; }
            }
            let wanted: Vec<_> = keys.iter().filter(|key| key.starts_with(&prefix)).cloned().collect();
            assert_eq!(found, wanted);
            let other = at.store.kv_list(partition("v"), String::new(), None, 100).await.unwrap();
            assert!(other.keys.is_empty(), "ST-01: another owner sees nothing");
        });
    }
}
