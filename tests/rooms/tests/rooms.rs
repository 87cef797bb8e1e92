//! The rooms: what each may know, that each says what it must never do, and that only one file steps outside what the
//! compiler checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use portcullis_tests::{files, printed, root};
use serde_json::Value;

/// Every room of the host, top first, and the rooms that it may know. DESIGN 4.
const ROOMS: [(&str, &[&str]); 13] = [
    (
        "portcullis",
        &[
            "mcp",
            "calls",
            "backend",
            "sandbox",
            "admission",
            "identity",
            "audit",
            "egress",
            "store",
            "lockdown",
            "keys",
            "manifest",
        ],
    ),
    // The protocol knows no tool, no sandbox and no store: whatever it asks goes through the one trait of `backend`.
    ("mcp", &["backend", "keys", "manifest"]),
    ("calls", &["backend", "sandbox", "admission", "identity", "audit", "egress", "store", "keys", "manifest"]),
    ("backend", &["manifest"]),
    ("sandbox", &["admission", "identity", "audit", "egress", "store", "lockdown", "manifest"]),
    ("admission", &["identity", "audit", "store", "manifest"]),
    // Key sets and introspection are fetched by the one way out (catalogue EG-35).
    ("identity", &["egress", "manifest"]),
    ("audit", &["store", "manifest"]),
    // The one way out knows whom it may reach, not who asks: principals, the audit and the store are its callers' business.
    ("egress", &["manifest"]),
    ("store", &["manifest"]),
    // Nothing of this host is known where it gives things up.
    ("lockdown", &[]),
    // Seals know what they seal by its type alone.
    ("keys", &[]),
    ("manifest", &[]),
];

/// The one file that may: it hands bytes that this host authenticated to the engine as code. Catalogue SC-03.
const MAY_BE_UNSAFE: &str = "host/sandbox/src/artefact/load.rs";

/// Each room's folder in `host/`, and the rooms it depends on in whatever way, tests and build scripts included.
fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = printed(&cargo, &["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let host = root().join("host");
    let inside = |path: &Value| {
        let path = path.as_str()?.trim_end_matches("/Cargo.toml");
        let room = std::path::Path::new(path).strip_prefix(&host).ok()?;
        Some(room.to_str().unwrap().to_owned())
    };
    let mut rooms = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        if let Some(room) = inside(&package["manifest_path"]) {
            let knows = package["dependencies"].as_array().unwrap().iter().filter_map(|arrow| inside(&arrow["path"]));
            rooms.insert(room, knows.collect());
        }
    }
    rooms
}

/// `source` without comments, strings and characters: what is left is code.
fn code(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = not_code(rest).unwrap_or(0);
        if length > 0 {
            // Nothing that stood apart may grow together.
            code.push(' ');
            rest = &rest[length..];
        } else {
            // A raw string's `r` is part of it only where a word does not end in it.
            let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let end = word.max(first.len_utf8());
            code.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    code
}

/// The length of the comment, string or character that `text` begins with.
fn not_code(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix).unwrap_or_default();
        let raw = prefix.ends_with('r') && after.trim_start_matches('#').starts_with('"');
        raw || (!prefix.ends_with('r') && after.starts_with('"'))
    });
    if let Some(prefix) = prefix {
        let after = &text[prefix.len()..];
        if prefix.ends_with('r') {
            let hashes = after.len() - after.trim_start_matches('#').len();
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = &after[hashes + 1..];
            return Some(prefix.len() + hashes + 1 + inside.find(&end).map_or(inside.len(), |at| at + end.len()));
        }
        return Some(prefix.len() + quoted(after, '"'));
    }
    // A lifetime has no second quote behind its first character.
    let character = text.strip_prefix('\'')?;
    let first = character.chars().next()?;
    (first == '\\' || character[first.len_utf8()..].starts_with('\'')).then(|| quoted(text, '\''))
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// They nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

#[test]
fn every_room_of_the_host_is_in_the_table_and_the_table_has_no_others() {
    let known: BTreeSet<_> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    let there: BTreeSet<_> = rooms().into_keys().collect();
    assert_eq!(there, known, "left: crates in host/, right: the table ROOMS; DESIGN 4 has the order");
    for (at, (room, knows)) in ROOMS.iter().enumerate() {
        for lower in *knows {
            assert!(ROOMS[at + 1..].iter().any(|(below, _)| below == lower), "ROOMS: {lower} is not below {room}");
        }
    }
}

#[test]
fn no_arrow_points_up() {
    let wrong: Vec<_> = rooms()
        .into_iter()
        .flat_map(|(room, knows)| knows.into_iter().map(move |other| (room.clone(), other)))
        .filter(|(room, other)| !ROOMS.iter().any(|(known, knows)| known == room && knows.contains(&other.as_str())))
        .map(|(room, other)| format!("host/{room} depends on host/{other}"))
        .collect();
    assert!(wrong.is_empty(), "a room may know only what ROOMS says:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_says_what_it_must_never_do() {
    let silent: Vec<_> = rooms()
        .into_keys()
        .filter(|room| {
            let source = root().join("host").join(room).join("src");
            let text =
                fs::read_to_string(source.join("lib.rs")).or_else(|_| fs::read_to_string(source.join("main.rs")));
            let text = text.unwrap();
            let lines =
                text.lines().map_while(|line| line.strip_prefix("//!")).take_while(|line| !line.trim().is_empty());
            !lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric())).any(|word| word == "never")
        })
        .map(|room| format!("host/{room}"))
        .collect();
    assert!(silent.is_empty(), "the first paragraph says no \"never\": {}", silent.join(", "));
}

#[test]
fn sc_03_only_one_file_of_the_host_may_be_unsafe() {
    let sources: Vec<_> =
        files().into_iter().filter(|path| path.starts_with("host/") && path.ends_with(".rs")).collect();
    assert!(sources.iter().any(|path| path == MAY_BE_UNSAFE), "{MAY_BE_UNSAFE} is gone: then nothing may be unsafe");
    for path in sources.iter().filter(|path| *path != MAY_BE_UNSAFE) {
        let code = code(&fs::read_to_string(root().join(path)).unwrap());
        // `unsafe_code` is how the lint that refuses it would be switched off.
        let found = words(&code).find(|word| ["unsafe", "unsafe_code"].contains(word));
        assert_eq!(found, None, "{path}: only {MAY_BE_UNSAFE} may");
    }
}

#[test]
fn code_is_told_from_comments_strings_and_characters() {
    let hidden = [
        "// unsafe\n",
        "/* /* unsafe */ unsafe */",
        r#""unsafe""#,
        r#""\" unsafe""#,
        "r##\"\"# unsafe\"##",
        "br\"unsafe\"",
        "b\"unsafe\"",
        "/// unsafe",
        "'\"' /* unsafe */ '\\''",
    ];
    for text in hidden {
        assert!(!words(&code(&format!("a {text} b"))).any(|word| word == "unsafe"), "{text}");
        assert!(code(&format!("a {text}\nb")).trim_end().ends_with('b'), "{text} ends too late");
    }
    for text in ["unsafe {}", "'\"' unsafe '\"'", "&'a unsafe", "for\"\"unsafe", "\"\\\\\" unsafe \"\"", "/**/unsafe"] {
        assert!(words(&code(text)).any(|word| word == "unsafe"), "{text}");
    }
}
