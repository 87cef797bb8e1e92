//! Processes that are killed. Each of these tests is its own child too: in the child the variable says where the data is.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{
    files::{blobs, files, folder, write},
    *,
};

const CHILD: &str = "PORTCULLIS_STORE_TEST_DATA";

const NOW: i64 = 1_700_000_000_000;

/// Starts `test` again as a child that owns `directory`.
fn child(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("sqlite::tests::torture::{test}"), "--nocapture", "--test-threads=1"])
        .env(CHILD, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// In a child, the data directory.
fn is_child() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

/// A line that the parent takes for an acknowledgement. It begins on a line of its own, whatever the test's frame has printed.
fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{word}").unwrap();
    out.flush().unwrap();
}

/// Hears `count` acknowledgements, kills, and gives the last that was made.
fn kill_after(mut child: Child, count: usize) -> String {
    let mut heard = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("ack ").map(str::to_owned));
    let mut last = String::new();
    for n in 0..count {
        last = heard.next().unwrap_or_else(|| panic!("the child died by itself after {n}"));
    }
    child.kill().unwrap();
    // What was in the pipe was acknowledged too.
    let last = heard.last().unwrap_or(last);
    child.wait().unwrap();
    last
}

fn content(n: u64) -> Vec<u8> {
    let length = usize::try_from(n * 37 % 5000).unwrap();
    (0..length).map(|at| u8::try_from((at as u64 + n) % 251).unwrap()).collect()
}

fn id(n: u64) -> [u8; 16] {
    u128::from(n).to_be_bytes()
}

const WIDE: FilesLimits = FilesLimits { bytes: 1 << 20, files: 10 };

/// One key, one file and one audit row in each commit; one confirmation and one spent value after it.
fn work_until_killed(data: &Path) -> ! {
    let owner = OwnerLock::take(data).unwrap();
    let store = SqliteStore::open(data, &owner).unwrap();
    runtime().block_on(async {
        let last = store.kv_get(partition("u"), "n".to_owned()).await.unwrap();
        let mut n = last.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
        loop {
            n += 1;
            let mut both = files("0a", WIDE, &[("f", write(&content(n)))]);
            both.writes = commit("u", ROOMY, "n", value(&n.to_be_bytes())).writes;
            both.audit = vec![AuditRow { detail: format!("commit {n}"), ..row("ok") }];
            store.commit(both).await.unwrap();
            let preview = NewPreview { id: id(n), principal: "ann".to_owned(), expires_at: NOW * 2, body: vec![] };
            store.preview_put(preview).await.unwrap();
            let rows = vec![AuditRow { detail: format!("confirm {n}"), ..row("ok") }];
            assert!(store.confirm(id(n), rows, NOW).await.unwrap().is_some());
            assert!(store.spend(id(n), NOW * 2, NOW).await.unwrap());
            say(&format!("ack {n}"));
        }
    })
}

#[test]
fn st_02_kill_9_loses_no_file_confirmation_or_spent_value_that_was_acknowledged() {
    if let Some(data) = is_child() {
        work_until_killed(&data);
    }
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut at = None;
    for round in 0..8 {
        drop(at.take());
        let killed = child("st_02_kill_9_loses_no_file_confirmation_or_spent_value_that_was_acknowledged", &data);
        let acknowledged = kill_after(killed, 3 + round * 5);
        let acknowledged: u64 = acknowledged.parse().unwrap();
        let owner = OwnerLock::take(&data).unwrap();
        let store = SqliteStore::open(&data, &owner).unwrap();
        runtime().block_on(async {
            let found = store.kv_get(partition("u"), "n".to_owned()).await.unwrap().unwrap();
            let n = u64::from_be_bytes(found.try_into().unwrap());
            assert!(acknowledged <= n && n <= acknowledged + 1, "{acknowledged} {n}");
            assert_eq!(store.file_read(folder("0a"), "f".to_owned()).await.unwrap().unwrap(), content(n));
            let rows = store.audit(AuditFilter { limit: 10_000, ..AuditFilter::default() }).await.unwrap();
            let count = |detail: String| rows.iter().filter(|row| row.detail == detail).count();
            for done in 1..=n {
                assert_eq!(count(format!("commit {done}")), 1, "{done}");
            }
            // The last one may have been killed before its confirmation, and is confirmed now; no other is confirmed again.
            for done in n.saturating_sub(2).max(1)..=n {
                let before = count(format!("confirm {done}"));
                assert!(before == 1 || (done == n && before == 0));
                let again = store.confirm(id(done), vec![], NOW).await.unwrap();
                assert!(before == 0 || again.is_none(), "{done}");
                let fresh = store.spend(id(done), NOW * 2, NOW).await.unwrap();
                assert!(!fresh || done == n, "{done}");
            }
        });
        at = Some((store, owner));
    }
    drop(at);
    let at = open_at(directory, Arc::new(System));
    assert_eq!(blobs(&at).len(), 1, "no kill has left a blob behind");
}

#[test]
fn st_02_a_process_killed_between_its_blob_and_its_commit_leaves_the_file_as_it_was() {
    if let Some(data) = is_child() {
        let owner = OwnerLock::take(&data).unwrap();
        let store = SqliteStore::open(&data, &owner).unwrap();
        runtime().block_on(async {
            store.commit(files("0a", WIDE, &[("f", write(b"old"))])).await.unwrap();
            let new = files("0a", WIDE, &[("f", write(b"new")), ("g", write(b"new too"))]);
            let staged = store.stage(new.files).await.unwrap();
            say("ack staged");
            std::future::pending::<()>().await;
            drop(staged);
        });
    }
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let killed = child("st_02_a_process_killed_between_its_blob_and_its_commit_leaves_the_file_as_it_was", &data);
    kill_after(killed, 1);
    let left = walk(&data.join("files"));
    assert_eq!(left, 3, "the child had written all of its blobs");
    let at = open_at(directory, Arc::new(System));
    assert_eq!(blobs(&at).len(), 1);
    runtime().block_on(async {
        assert_eq!(at.store.file_read(folder("0a"), "f".to_owned()).await.unwrap().unwrap(), b"old");
        assert_eq!(at.store.file_read(folder("0a"), "g".to_owned()).await.unwrap(), None);
        assert_eq!(at.store.files_usage(folder("0a")).await, Ok(FilesUsage { bytes: 3, files: 1 }));
    });
}

/// Files in a directory and below.
fn walk(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries.map(|entry| if entry.file_type().unwrap().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}
