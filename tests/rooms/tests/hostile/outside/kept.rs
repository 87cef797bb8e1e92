//! What a host keeps for a guest: under names that are none, more than there is room for, and for longer than it should.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::json;

use super::Siege;

/// `cabinet` of the manifest.
const QUOTA: u64 = 32 << 10;
const FILES: u64 = 12;

/// Everything below `folder`, without following anything.
fn entries(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let kind = entry.file_type().expect("an entry has a type");
        if kind.is_dir() {
            entries(&entry.path(), found);
        }
        found.insert(entry.path());
    }
}

fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    entries(folder, &mut found);
    found
}

/// Fails without `check_name`, or if any part of a name becomes a part of a path.
#[test]
fn st_01_22_no_name_of_a_file_opens_or_makes_anything_but_that_file() {
    let mut siege = Siege::lay();
    siege.attack("file_by_name", json!({ "name": "mine.txt", "text": "kept" }), "ok");
    let data = siege.zoo.home.data();
    let parent = data.parent().expect("the data directory is in a folder").to_owned();
    let before = below(&parent);
    let attack = siege.attack("file_names", json!({}), "ok");
    let answers = attack.answers();
    let named = answers.iter().filter(|line| line.starts_with("bad-name ")).count();
    assert!(named > 100, "{named} of {}", answers.len());
    for line in &answers {
        assert!(line.starts_with("bad-name ") || *line == "listed \"mine.txt\"", "{line}");
    }
    assert_eq!(below(&parent), before, "nothing was made, and nothing is gone");
    // What is there is flat files of the host's own naming, of one name each.
    for path in &before {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(!name.contains("mine"), "a guest's name is part of {}", path.display());
        let metadata = fs::symlink_metadata(path).expect("it is there");
        assert!(!metadata.is_symlink() && (metadata.is_dir() || metadata.nlink() == 1), "{}", path.display());
    }
    let kept = siege.attack("file_by_name", json!({ "name": "mine.txt" }), "ok");
    assert_eq!(kept.answers(), ["kept"]);
    siege.lift();
}

/// Fails if a file that somebody puts in place of a blob, or a link to another, is given out.
#[test]
fn st_22_what_is_put_in_the_place_of_a_file_is_not_given_to_a_guest() {
    let mut siege = Siege::lay();
    let data = siege.zoo.home.data();
    let before = below(&data);
    siege.attack("file_by_name", json!({ "name": "a", "text": "kept" }), "ok");
    let blob =
        below(&data).difference(&before).find(|path| fs::read(path).is_ok_and(|bytes| bytes == b"kept")).cloned();
    let blob = blob.expect("the file is in a file of its own");
    fs::remove_file(&blob).expect("the owner may remove it");
    std::os::unix::fs::symlink(siege.zoo.home.config(), &blob).expect("the owner may make links");
    let attack = siege.attack("file_by_name", json!({ "name": "a" }), "failed");
    assert!(!attack.text().contains("four_eyes") && !attack.text().contains('/'), "{}", attack.text());
    siege.lift();
}

/// Fails without the quotas of bytes and of files, in the overlay or in the commit, or if names cost nothing.
#[test]
fn st_20_files_fill_no_more_than_their_quota_and_their_number() {
    let mut siege = Siege::lay();
    let files = siege.attack("fill_with_bytes", json!({ "name": "b" }), "ok");
    assert_eq!(files.count(), (QUOTA - 1) / (5 << 10), "files of 5 KiB, and names of two bytes, in 32 KiB");
    let more = siege.attack("fill_with_files", json!({ "name": "f" }), "ok");
    assert_eq!(more.count(), FILES - files.count(), "as many as `files` says");
    for (tool, name) in [("fill_with_bytes", "c"), ("fill_with_files", "g")] {
        assert_eq!(siege.attack(tool, json!({ "name": name }), "ok").count(), 0);
    }
    let full = siege.attack("file_by_name", json!({ "name": "one more", "text": "" }), "failed");
    assert!(full.text().contains("`capability.cabinet.files`"), "{}", full.text());
    // What is there can be written over.
    siege.attack("file_by_name", json!({ "name": "f0", "text": "small" }), "ok");
    let on_disk: u64 = below(&siege.zoo.home.data())
        .iter()
        .filter(|path| {
            path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "blobs" || folder == "files")
        })
        .filter_map(|path| fs::metadata(path).ok())
        .map(|metadata| metadata.len())
        .sum();
    assert!(on_disk <= QUOTA, "{on_disk} bytes on the disk");
    siege.lift();
}

/// Fails without the write proof in `files.write`.
#[test]
fn wr_03_a_tool_that_is_labelled_read_writes_no_file() {
    let mut siege = Siege::lay();
    siege.attack("file_by_name", json!({ "name": "a", "text": "kept" }), "ok");
    let attack = siege.attack("write_file_without_uses", json!({ "name": "a" }), "write-refused");
    assert!(attack.is_error());
    assert_eq!(siege.attack("file_by_name", json!({ "name": "a" }), "ok").answers(), ["kept"]);
    siege.lift();
}

/// Fails if what has expired is found by any way to a key, or counts against the quota.
#[test]
fn st_40_a_key_is_gone_after_its_time_whatever_way_is_taken_to_it() {
    let mut siege = Siege::lay();
    // Times that are none are the least or the longest there is.
    let attack = siege.attack("expire_never", json!({}), "ok");
    assert!(attack.answers().iter().all(|line| line.starts_with("taken: ")), "{:?}", attack.answers());
    siege.attack("expire", json!({ "key": "long", "seconds": 600 }), "ok");
    siege.attack("expire", json!({ "key": "short", "seconds": 2 }), "ok");
    let look = json!({ "key": "short", "take": false });
    assert!(!siege.attack("after", look.clone(), "ok").answers().is_empty(), "it is there at first");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !siege.attack("after", look.clone(), "ok").answers().is_empty() {
        assert!(Instant::now() < deadline, "a key that is kept for two seconds is there after thirty");
    }
    let attack = siege.attack("after", json!({ "key": "short", "take": true }), "ok");
    assert_eq!(attack.answers(), [""; 0]);
    let attack = siege.attack("after", json!({ "key": "long", "take": true }), "ok");
    let found: BTreeSet<&str> = attack.answers().into_iter().collect();
    assert_eq!(found, BTreeSet::from(["deleted", "listed", "read", "swapped"]), "the ways are ways");
    let attack = siege.attack("after", json!({ "key": "0", "take": true }), "ok");
    assert_eq!(attack.answers(), [""; 0], "0 seconds is the shortest time, not for ever");
    siege.lift();
}
