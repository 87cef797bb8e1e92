//! Databases of older programs.

use super::*;

/// As it was released, with rows. It is not changed when the schema is.
const VERSION_1: &str = include_str!("../../../testdata/version-1.sql");

/// A data directory in which version 1 has left its database.
fn old(sql: &str) -> tempfile::TempDir {
    use std::os::unix::fs::OpenOptionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("data");
    drop(OwnerLock::take(&home).unwrap());
    let path = home.join("portcullis.db");
    std::fs::File::options().create_new(true).write(true).mode(0o600).open(&path).unwrap();
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(sql).unwrap();
    directory
}

/// Everything that makes the schema, as SQLite keeps it.
fn schema(at: &Opened) -> Vec<(String, String, Option<String>)> {
    let db = database(at);
    let mut select = db.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn st_24_a_database_of_version_1_is_brought_up_with_everything_in_it() {
    let at = open_at(old(VERSION_1), Arc::new(System));
    let at_book = KvPartition { plugin: "notes".into(), capability: "notebook".into(), owner: String::new() };
    runtime().block_on(async {
        let store = &at.store;
        let served = store.served().await.unwrap();
        assert_eq!((served.generation, served.releases.len()), (7, 1));
        assert_eq!(served.releases[0].labels, [("notes_Read".to_owned(), "read".to_owned())]);
        assert_eq!(served.releases[0].approval.as_ref().unwrap().by, "bob");
        assert_eq!(store.releases().await.unwrap().len(), 2);
        let component = store.component(served.releases[0].fingerprint).await.unwrap();
        assert_eq!(component.unwrap(), b"\0asm");
        assert_eq!(served.releases[0].assets, []);
        assert_eq!(store.assets(served.releases[0].fingerprint).await, Ok(Vec::new()));
        assert_eq!(store.kv_get(at_book.clone(), "two".into()).await.unwrap().unwrap(), b"22");
        assert_eq!(store.kv_usage(at_book.clone()).await, Ok(KvUsage { bytes: 9, keys: 2 }));
        let rows = store.audit(AuditFilter { limit: 9, ..AuditFilter::default() }).await.unwrap();
        assert_eq!(
            rows.iter().map(|row| (row.seq, row.kind.as_str())).collect::<Vec<_>>(),
            [(2, "admin"), (1, "call")]
        );
        // What is new works on what is old.
        let write = KvWrite { value: Some(b"x".to_vec()), expires_in: Some(0), expected: Some(Some(b"1".to_vec())) };
        let writes = BTreeMap::from([(at_book.clone(), (ROOMY, BTreeMap::from([("one".to_owned(), write)])))]);
        let files = super::files::files("0a", FilesLimits { bytes: 9, files: 9 }, &[("f", super::files::write(b"f"))]);
        store.commit(Commit { writes, ..files }).await.unwrap();
        assert_eq!(store.kv_list(at_book.clone(), String::new(), None, 9).await.unwrap().keys, ["two"]);
        assert_eq!(store.kv_usage(at_book).await, Ok(KvUsage { bytes: 5, keys: 1 }));
        assert_eq!(store.spend([1; 16], 2, 1).await, Ok(true));
    });
    let db = database(&at);
    for (change, refusal) in [
        ("UPDATE release SET manifest = ''", "a release is immutable"),
        ("DELETE FROM audit", "the audit is append-only"),
        ("UPDATE spent SET expires_at = 0", "what was spent stays spent"),
        ("UPDATE keeping SET mark = -1", "the store's clock does not go back"),
    ] {
        assert_eq!(db.execute(change, []).unwrap_err().to_string(), refusal, "{change}");
    }
    assert_eq!(at.number("PRAGMA user_version"), 6, "which version 1 refuses");
    assert_eq!(schema(&at), schema(&open()), "as a new one");
}

#[test]
fn st_24_a_step_that_fails_leaves_the_old_database_as_it_was() {
    let directory = old(&format!("{VERSION_1}; CREATE TABLE spent (in_the_way)"));
    let home = directory.path().join("data");
    let owner = OwnerLock::take(&home).unwrap();
    assert!(SqliteStore::open(&home, &owner).is_err());
    let db = rusqlite::Connection::open(home.join("portcullis.db")).unwrap();
    let number = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("PRAGMA user_version"), 1);
    assert_eq!(number("SELECT count(*) FROM sqlite_schema WHERE name IN ('file', 'preview', 'kv_expires')"), 0);
    assert_eq!(number("SELECT count(*) FROM kv"), 2);
    db.execute("DROP TABLE spent", []).unwrap();
    drop(db);
    SqliteStore::open(&home, &owner).unwrap();
}

/// Version 1 wrote its schema and its number in two steps.
#[test]
fn a_database_whose_first_process_died_before_it_had_a_number_is_brought_up() {
    let at = open_at(old(&format!("{VERSION_1}; PRAGMA user_version = 0")), Arc::new(System));
    assert_eq!(at.number("PRAGMA user_version"), 6);
    assert_eq!(at.number("SELECT count(*) FROM kv"), 2);
}
