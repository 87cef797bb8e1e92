//! What must not be in the repository, whoever put it there.

use std::fs;

use portcullis_tests::{files, root};
use serde_json::Value;

/// Folders that a machine of somebody's has. Written in two parts, so that this file does not name them itself.
const MACHINE_PATHS: [&str; 3] = [concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/")];

/// Where `line` names a folder of a machine: at the beginning of a path, not inside one.
fn machine_path(line: &str) -> Option<&'static str> {
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_.-}".contains(c));
    MACHINE_PATHS.into_iter().find(|path| line.match_indices(path).any(|(at, _)| begins(at)))
}

/// Everything named `resolved` in a lock file, however deep, that is an address.
fn addresses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "resolved" && text.starts_with("http") => found.push(text.clone()),
                    member => addresses(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
        _ => {}
    }
}

#[test]
fn no_file_names_a_path_of_a_machine() {
    let mut found = Vec::new();
    for path in files() {
        let bytes = fs::read(root().join(&path)).unwrap();
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if let Some(folder) = machine_path(line) {
                found.push(format!("{path}:{}: {folder}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "these paths are there on one machine only:\n{}", found.join("\n"));
}

#[test]
fn no_lock_file_of_npm_says_from_which_mirror() {
    let locks: Vec<_> = files().into_iter().filter(|path| path.ends_with("package-lock.json")).collect();
    assert!(!locks.is_empty());
    for path in locks {
        let lock: Value = serde_json::from_str(&fs::read_to_string(root().join(&path)).unwrap()).unwrap();
        let mut found = Vec::new();
        addresses(&lock, &mut found);
        assert_eq!(
            found,
            Vec::<String>::new(),
            "{path}: put `omit-lockfile-registry-resolved=true` into .npmrc beside it"
        );
    }
}

#[test]
fn paths_of_machines_are_told_from_others() {
    let [work, home, user] = MACHINE_PATHS;
    for line in [format!("cd {work}x"), format!("\"{home}.cargo\""), format!("file://{work}x"), format!("{user}me/")] {
        assert!(machine_path(&line).is_some(), "{line}");
    }
    for line in [format!("framework{work}"), format!("$HOME{work}"), format!("..{home}"), format!("${{x}}{home}")] {
        assert_eq!(machine_path(&line), None, "{line}");
    }
}

#[test]
fn addresses_in_lock_files_are_found_however_deep() {
    let lock = serde_json::json!({
        "packages": { "a": [{ "resolved": "https://mirror.example/a.tgz" }], "b": { "resolved": "../b", "link": true } }
    });
    let mut found = Vec::new();
    addresses(&lock, &mut found);
    assert_eq!(found, ["https://mirror.example/a.tgz"]);
}

/// Two checkouts may share a target directory, and cargo takes what one has built for the other's: a path that was built in
/// would then be of the wrong one.
#[test]
fn nothing_has_the_checkouts_path_built_in() {
    let built_in = ["env!(\"CARGO_MANIFEST_", "DIR\")"].concat();
    for path in files().into_iter().filter(|path| path.ends_with(".rs")) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        assert!(!text.contains(&built_in), "{path}: read the variable when the test runs");
    }
}
