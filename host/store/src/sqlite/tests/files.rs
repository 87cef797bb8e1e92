//! Files in commits.

use super::*;
use crate::FileEntry;

pub(super) fn folder(owner: &str) -> FilesPartition {
    FilesPartition { plugin: "p".to_owned(), capability: "c".to_owned(), owner: owner.to_owned() }
}

pub(super) fn write(content: &[u8]) -> FileWrite {
    FileWrite { content: Some(Arc::new(content.to_vec())) }
}

const REMOVE: FileWrite = FileWrite { content: None };

const WIDE: FilesLimits = FilesLimits { bytes: 1 << 20, files: 100 };

pub(super) fn files(owner: &str, limits: FilesLimits, writes: &[(&str, FileWrite)]) -> Commit {
    let writes = writes.iter().map(|(name, write)| ((*name).to_owned(), write.clone())).collect();
    Commit { files: BTreeMap::from([(folder(owner), (limits, writes))]), audit: vec![row("ok")], ..Commit::default() }
}

async fn read(store: &SqliteStore, owner: &str, name: &str) -> Option<Vec<u8>> {
    store.file_read(folder(owner), name.to_owned()).await.unwrap()
}

/// The blobs that are in the folder, whoever they belong to.
pub(super) fn blobs(at: &Opened) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut look = vec![at.directory.path().join("data/files")];
    while let Some(directory) = look.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() { look.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

/// Waits until the housekeeper has done all that it was told before.
fn kept_house(at: &Opened) {
    let (tell, heard) = std::sync::mpsc::channel();
    at.store.keeper.tell(tell);
    heard.recv().unwrap();
}

#[test]
fn a_file_is_written_replaced_listed_and_removed_and_its_old_blobs_go() {
    let at = open();
    runtime().block_on(async {
        let store = &at.store;
        store.commit(files("0a", WIDE, &[("a", write(b"one")), ("b", write(b""))])).await.unwrap();
        assert_eq!(read(store, "0a", "a").await.unwrap(), b"one");
        assert_eq!(read(store, "0a", "b").await.unwrap(), b"");
        assert_eq!(read(store, "0b", "a").await, None, "ST-01: another owner sees nothing");
        store.commit(files("0a", WIDE, &[("a", write(b"other")), ("b", REMOVE), ("c", REMOVE)])).await.unwrap();
        assert_eq!(read(store, "0a", "a").await.unwrap(), b"other");
        assert_eq!(read(store, "0a", "b").await, None);
        let page = store.files_list(folder("0a"), String::new(), None, 10).await.unwrap();
        assert_eq!(page, FilesPage { entries: vec![FileEntry { name: "a".to_owned(), size: 5 }], more: false });
        assert_eq!(store.files_usage(folder("0a")).await, Ok(FilesUsage { bytes: 5, files: 1 }));
    });
    kept_house(&at);
    assert_eq!(blobs(&at).len(), 1);
}

/// Those of the contract's names, and those that would mean something in a path: they are rows, and no path has them in it.
#[test]
fn st_01_names_that_mean_something_in_a_path_are_rows_and_nothing_else() {
    let names = [
        "..",
        ".",
        "",
        "/",
        "/etc/passwd",
        "../../portcullis.db",
        "a/b",
        "a\0b",
        "\0",
        "ä",
        "a\u{308}",
        "%",
        "_",
        "*",
        "a\\b",
        "con",
        "\u{202e}x",
        "\u{10ffff}",
        "-rf",
    ];
    let at = open();
    runtime().block_on(async {
        let writes: Vec<_> = names.iter().map(|name| (*name, write(name.as_bytes()))).collect();
        at.store.commit(files("", WIDE, &writes)).await.unwrap();
        for name in names {
            assert_eq!(read(&at.store, "", name).await.unwrap(), name.as_bytes(), "{name:?}");
            // Whoever names a prefix gets what begins with it in bytes, and no pattern or path is looked for.
            let page = at.store.files_list(folder(""), name.to_owned(), None, 100).await.unwrap();
            let wanted = names.iter().filter(|other| other.starts_with(name)).count();
            assert_eq!(page.entries.len(), wanted, "{name:?}");
        }
        let page = at.store.files_list(folder(""), String::new(), None, 100).await.unwrap();
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        assert!(page.entries.iter().map(|entry| entry.name.as_str()).eq(sorted));
    });
    for blob in blobs(&at) {
        let path = blob.strip_prefix(at.directory.path().join("data/files/p/shared")).unwrap();
        let name = path.to_str().unwrap();
        assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
    assert_eq!(blobs(&at).len(), names.len());
}

#[test]
fn st_20_a_commit_that_is_refused_leaves_keys_files_blobs_and_audit_as_they_were() {
    let at = open();
    runtime().block_on(async {
        let store = &at.store;
        let mut first = files("0a", WIDE, &[("a", write(b"old"))]);
        first.writes = commit("u", ROOMY, "k", value(b"old")).writes;
        store.commit(first.clone()).await.unwrap();
        let tight = |bytes, files| FilesLimits { bytes, files };
        let conflict = KvWrite { expected: Some(None), ..value(b"new") };
        let cases = [
            (tight(3, 9), value(b"new"), "`c` would hold 4 bytes, its limit is 3 (`capability.c.quota`)"),
            (tight(9, 0), value(b"new"), "`c` would hold 2 files, its limit is 0 (`capability.c.files`)"),
            (WIDE, conflict, "`k` in `c` was changed by another call meanwhile; call again"),
        ];
        for (limits, key, words) in cases {
            let mut next = files("0a", limits, &[("a", write(b"ne")), ("b", write(b"xx"))]);
            next.writes = commit("u", ROOMY, "k", key).writes;
            assert_eq!(store.commit(next).await.unwrap_err().to_string(), words);
            assert_eq!(read(store, "0a", "a").await.unwrap(), b"old");
            assert_eq!(read(store, "0a", "b").await, None);
            assert_eq!(store.kv_get(partition("u"), "k".to_owned()).await.unwrap().unwrap(), b"old");
            assert_eq!(store.files_usage(folder("0a")).await, Ok(FilesUsage { bytes: 3, files: 1 }));
        }
        assert_eq!(at.number("SELECT count(*) FROM audit"), 1);
    });
    kept_house(&at);
    assert_eq!(blobs(&at).len(), 1);
}

#[test]
fn st_20_a_folder_that_holds_more_than_it_may_can_shrink_and_not_grow() {
    let at = open();
    runtime().block_on(async {
        at.store.commit(files("0a", WIDE, &[("a", write(&[0; 50])), ("b", write(&[0; 50]))])).await.unwrap();
        let tight = FilesLimits { bytes: 10, files: 1 };
        assert!(at.store.commit(files("0a", tight, &[("a", write(&[0; 51]))])).await.is_err());
        assert!(at.store.commit(files("0a", tight, &[("a", write(&[0; 49])), ("c", write(b""))])).await.is_err());
        at.store.commit(files("0a", tight, &[("a", write(&[0; 49]))])).await.unwrap();
        at.store.commit(files("0a", tight, &[("b", REMOVE)])).await.unwrap();
        assert_eq!(at.store.files_usage(folder("0a")).await, Ok(FilesUsage { bytes: 49, files: 1 }));
    });
}

#[test]
fn st_20_sixty_four_writers_at_the_edge_of_a_folders_quota_fill_it_exactly() {
    for (limits, wanted) in [(FilesLimits { bytes: 100, files: 7 }, 7), (FilesLimits { bytes: 55, files: 64 }, 11)] {
        let at = open();
        runtime().block_on(async {
            let calls = (0..64).map(|n| {
                let store = at.store.clone();
                let commit = files("0a", limits, &[(&format!("f{n:02}"), write(b"12345"))]);
                tokio::spawn(async move { store.commit(commit).await.is_ok() })
            });
            let mut done = 0;
            for call in calls.collect::<Vec<_>>() {
                done += u64::from(call.await.unwrap());
            }
            assert_eq!(done, wanted);
            let usage = at.store.files_usage(folder("0a")).await.unwrap();
            assert_eq!(usage, FilesUsage { bytes: 5 * wanted, files: wanted });
        });
        kept_house(&at);
        assert_eq!(blobs(&at).len() as u64, wanted, "what was refused has left nothing");
    }
}

#[test]
fn readers_see_one_whole_content_or_another_while_a_file_is_replaced() {
    let at = open();
    runtime().block_on(async {
        let content = |n: usize| vec![b'a' + u8::try_from(n % 26).unwrap(); 1000 + n];
        at.store.commit(files("0a", WIDE, &[("f", write(&content(0)))])).await.unwrap();
        let store = at.store.clone();
        let writer = tokio::spawn(async move {
            for n in 1..100 {
                store.commit(files("0a", WIDE, &[("f", write(&content(n)))])).await.unwrap();
            }
        });
        let mut last = 0;
        while last < 99 {
            let found = read(&at.store, "0a", "f").await.unwrap();
            let n = found.len() - 1000;
            assert!(n >= last && found == content(n));
            last = n;
        }
        writer.await.unwrap();
    });
}

#[test]
fn st_22_a_commit_into_a_folder_that_is_a_link_is_refused_whole_and_its_audit_row_too() {
    let at = open();
    let elsewhere = at.directory.path().join("data/elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, at.directory.path().join("data/files/p")).unwrap();
    runtime().block_on(async {
        let mut both = files("0a", WIDE, &[("f", write(b"x"))]);
        both.writes = commit("u", ROOMY, "k", value(b"v")).writes;
        let refused = at.store.commit(both).await.unwrap_err();
        assert!(matches!(refused, CommitRefused::Unavailable(_)), "{refused}");
        assert_eq!(at.store.kv_get(partition("u"), "k".to_owned()).await, Ok(None));
        assert_eq!(at.number("SELECT count(*) FROM audit"), 0);
    });
    assert_eq!(std::fs::read_dir(elsewhere).unwrap().count(), 0);
}

#[test]
fn st_41_blobs_of_a_commit_whose_end_is_in_doubt_stay_until_it_is_known_and_then_go() {
    let at = open();
    let blob = at.store.folder.write("p", "0a", b"in doubt").unwrap();
    runtime().block_on(at.store.commit(files("0a", WIDE, &[("named", write(b"x"))]))).unwrap();
    let named = file_rows::find(&database(&at), &folder("0a"), "named").unwrap().unwrap().at;
    let mut unnamed = Unnamed::new(at.store.keeper.clone());
    unnamed.add(&blob);
    unnamed.ended(Ending::Doubtful);
    kept_house(&at);
    assert_eq!(blobs(&at).len(), 2, "nothing is removed while it may be named");
    let left = housekeeper::resolve(&at.store.writer, &at.store.folder, vec![blob.at, named]);
    assert!(left.is_empty());
    assert_eq!(blobs(&at).len(), 1);
    assert_eq!(runtime().block_on(read(&at.store, "0a", "named")).unwrap(), b"x");
}

#[test]
fn a_commit_whose_caller_goes_away_leaves_no_blob_that_no_row_names() {
    let at = open();
    runtime().block_on(async {
        for polls in 0..4 {
            let mut going = Box::pin(at.store.commit(files("0a", WIDE, &[("f", write(b"gone?"))])));
            for _ in 0..polls {
                let _ = once(going.as_mut()).await;
            }
            drop(going);
        }
        // All that they had asked for is done when this is.
        for _ in 0..2 * FILERS {
            at.store.commit(files("0a", WIDE, &[("g", write(b"here"))])).await.unwrap();
        }
    });
    kept_house(&at);
    assert_eq!(blobs(&at).len() as i64, at.number("SELECT count(*) FROM file"));
}

/// Polls once.
async fn once<F: Future + Unpin>(mut future: F) -> std::task::Poll<F::Output> {
    std::future::poll_fn(move |context| std::task::Poll::Ready(std::pin::Pin::new(&mut future).poll(context))).await
}
