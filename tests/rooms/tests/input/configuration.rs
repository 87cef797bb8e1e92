//! The configuration and the data directory.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use portcullis_tests::{Home, plugin};
use serde_json::Value;

use super::{each, says};

/// A home with one note in it, that nobody serves.
struct Kept {
    home: Home,
    id: String,
}

impl Kept {
    fn new() -> Self {
        let home = Home::with([plugin("plugins/notes")]);
        let made = home.must(["call", "notes_create", r#"{"title":"kept","body":""}"#, "--json"]);
        let made: Value = serde_json::from_str(&made).expect("--json prints JSON");
        let id = made["structured"]["id"].as_str().expect("a note has an id").to_owned();
        Self { home, id }
    }

    fn is_still_there(&self, what: &str) {
        let read = self.home.run(["call".to_owned(), "notes_read".to_owned(), format!(r#"{{"id":"{}"}}"#, self.id)]);
        assert_eq!(read.code, 0, "{what}: {read:?}");
        assert!(read.stdout.contains("kept"), "{what}: {read:?}");
    }
}

const CONFIGURATIONS: &[(&str, &[u8], &[&str])] = &[
    ("an unknown key", b"foureyes = false\n", &["portcullis.toml", "line 1", "foureyes"]),
    ("an unknown table", b"[proxy]\nallow = \"*\"\n", &["line 1", "proxy"]),
    ("an unknown key in a table", b"[http]\nbody_limt = 1\n", &["line 2", "body_limt"]),
    ("a duplicate key", b"four_eyes = true\nfour_eyes = false\n", &["line 2", "duplicate key"]),
    ("a wrong type", b"four_eyes = \"no\"\n", &["line 1", "boolean"]),
    ("a wrong type of list", b"allowed_hosts = \"a.example\"\n", &["line 1", "sequence"]),
    ("broken TOML", b"four_eyes =\n", &["line 1"]),
    ("bytes", b"\xff\xfe\x00", &["portcullis.toml", "UTF-8"]),
    ("a number below nothing", b"[http]\npage_size = -1\n", &["line 2", "page_size"]),
    ("nothing at all", b"[pool]\ncalls = 0\n", &["`pool.calls` is 0", "at least 1"]),
    ("too many", b"[pool]\ncalls = 5000\n", &["`pool.calls` is 5000", "at most 4096"]),
    ("too small a body", b"[http]\nbody_limit = 1\n", &["`http.body_limit` is 1", "at least 1024"]),
    ("no address", b"listen = \"localhost\"\n", &["line 1", "socket address"]),
    ("everybody", b"listen = \"0.0.0.0:0\"\n", &["refusing to listen on 0.0.0.0", "only loopback", "127.0.0.1"]),
    ("everybody in IPv6", b"listen = \"[::]:0\"\n", &["refusing to listen on ::", "only loopback"]),
    ("another's address", b"listen = \"192.0.2.1:0\"\n", &["refusing to listen on 192.0.2.1"]),
    ("no filter", b"[log]\nfilter = \"=loud=\"\n", &["`log.filter`"]),
    ("no format", b"[log]\nformat = \"xml\"\n", &["line 2", "xml"]),
    ("no URL", b"public_url = \"not a url\"\n", &["`public_url`"]),
];

#[test]
fn a_bad_configuration_is_refused_with_its_key() {
    let kept = Kept::new();
    let refused = |(what, config, words): &&(&str, &[u8], &[&str])| {
        kept.home.configure(config);
        let listens = ["everybody", "another", "no URL"].iter().any(|start| what.starts_with(start));
        // What is about listening says nothing to other commands; all else stops every command.
        let commands: &[&[&str]] =
            if listens { &[&["serve"]] } else { &[&["serve", "--listen", "127.0.0.1:0"], &["tools"]] };
        for command in commands {
            let ran = kept.home.run(command.iter());
            assert_eq!(ran.code, 2, "{what}: {command:?}: {ran:?}");
            says(&ran.stderr, words, what);
            assert_eq!(ran.stdout, "", "{what}: {command:?}");
        }
        kept.home.configure("four_eyes = false\n");
        kept.is_still_there(what);
    };
    each(CONFIGURATIONS, refused, |(what, ..)| (*what).to_owned());
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_not_left_out() {
    // Going on with the defaults would serve something else than the operator wrote.
    let kept = Kept::new();
    fs::remove_file(kept.home.config()).expect("it was there");
    kept.home.run(["tools"]).is(2, &["portcullis.toml", "No such file"]);
    fs::create_dir(kept.home.config()).expect("a folder can be made");
    kept.home.run(["tools"]).is(2, &["portcullis.toml", "directory"]);
    fs::remove_dir(kept.home.config()).expect("it is empty");
    kept.home.configure("");
    kept.is_still_there("no configuration");
}

#[test]
fn mc_02_the_command_line_opens_no_more_than_the_configuration() {
    let kept = Kept::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        kept.home.run(["serve", "--listen", address]).is(2, &["refusing to listen on", "only loopback"]);
    }
    for address in ["localhost:80", "127.0.0.1", "80", "127.0.0.1:99999", ""] {
        kept.home.run(["serve", "--listen", address]).is(2, &["--listen"]);
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    kept.home.run(["serve", "--listen", &address]).is(2, &[&address, "in use", "`--listen` takes another"]);
    kept.is_still_there("addresses that are refused");
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions can be set");
}

#[test]
fn st_24_a_data_directory_that_others_can_read_is_refused() {
    let kept = Kept::new();
    let (data, database) = (kept.home.data(), kept.home.data().join("portcullis.db"));
    for (path, open, shut, words) in [(&data, 0o755, 0o700, "chmod 700"), (&database, 0o644, 0o600, "chmod 600")] {
        mode(path, open);
        kept.home.run(["tools"]).is(3, &[words]);
        kept.home.run(["serve", "--listen", "127.0.0.1:0"]).is(3, &[words]);
        mode(path, shut);
        kept.is_still_there(words);
    }
}

#[test]
fn a_data_directory_that_is_none_is_refused() {
    let home = Home::new();
    fs::write(home.data(), "a file").expect("a file can be written");
    home.run(["tools"]).is(3, &["the data directory cannot be used"]);
    home.run(["serve", "--listen", "127.0.0.1:0"]).is(3, &["the data directory cannot be used"]);
    assert_eq!(fs::read(home.data()).expect("it is still there"), b"a file");
}

#[test]
fn st_24_a_database_that_is_not_ours_is_refused_and_left_as_it_is() {
    let kept = Kept::new();
    let path = kept.home.data().join("portcullis.db");
    // Everything into the one file: what is left of the log would heal it.
    let database = rusqlite::Connection::open(&path).expect("the database can be opened");
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("nobody else uses it");
    database.close().expect("the last to close removes the log");
    let whole = fs::read(&path).expect("the database can be read");
    let with = |at: usize, bytes: &[u8]| {
        let mut other = whole.clone();
        other[at..at + bytes.len()].copy_from_slice(bytes);
        other
    };
    // Offsets of the file format: application_id at 68, user_version at 60.
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("garbage", vec![0xa5; 100_000], "not a database"),
        ("another program's", with(68, &0x1234_5678_u32.to_be_bytes()), "belongs to another program"),
        ("a newer program's", with(60, &99_u32.to_be_bytes()), "use the newer program"),
        ("a cut off one", whole[..whole.len() / 2].to_vec(), "damaged"),
        ("a damaged one", with(4096, &[0xa5; 2048]), "damaged"),
    ];
    let refused = |(what, bytes, words): &(&str, Vec<u8>, &str)| {
        fs::write(&path, bytes).expect("the database can be written");
        for command in [&["tools"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let ran = kept.home.run(command.iter());
            assert_eq!(ran.code, 3, "{what}: {ran:?}");
            says(&ran.stderr, &["portcullis.db", words], what);
        }
        assert!(fs::read(&path).expect("it is there") == *bytes, "{what}: it was written to");
    };
    each(cases, refused, |(what, ..)| (*what).to_owned());
    fs::write(&path, &whole).expect("the database can be written");
    kept.is_still_there("databases that are not ours");
}

#[test]
fn sc_03_a_changed_artefact_is_not_run_but_made_anew() {
    let kept = Kept::new();
    let artefacts: Vec<PathBuf> = fs::read_dir(kept.home.data().join("artefacts"))
        .expect("artefacts are kept")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    assert!(!artefacts.is_empty());
    for (what, spoil) in [
        (
            "changed",
            (|bytes: &mut Vec<u8>| bytes.iter_mut().rev().take(100).for_each(|byte| *byte ^= 1)) as fn(&mut Vec<u8>),
        ),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("emptied", Vec::clear),
        ("an ELF file of somebody", |bytes| *bytes = b"\x7fELF\x02\x01\x01".repeat(1000)),
    ] {
        for path in &artefacts {
            let mut bytes = fs::read(path).expect("an artefact can be read");
            spoil(&mut bytes);
            fs::write(path, bytes).expect("an artefact can be written");
        }
        let ran = kept.home.run(["tools"]);
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        says(&ran.stderr, &["artefact-refused", "compiling again"], what);
        kept.is_still_there(what);
    }
}

#[test]
fn a_spoilt_host_key_is_told_not_replaced() {
    let kept = Kept::new();
    let path = kept.home.data().join("host.key");
    let key = fs::read(&path).expect("there is a key");
    for (what, bytes) in [("short", &key[..10]), ("empty", &[]), ("long", &[7; 1000])] {
        fs::write(&path, bytes).expect("the key can be written");
        let ran = kept.home.run(["tools"]);
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        says(&ran.stderr, &["data directory", "key"], what);
        assert_eq!(fs::read(&path).expect("it is there"), bytes, "{what}: it was replaced");
    }
    fs::write(&path, key).expect("the key can be written");
    kept.is_still_there("spoilt keys");
}
