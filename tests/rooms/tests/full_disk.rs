//! A disk that is full, and the same disk when there is room again. The test mounts a small file system that nobody else sees and
//! runs itself again on it; `cargo xtask test` says where the machine lets nobody mount one.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use portcullis_tests::{Era, Home, Mcp, Served, plugin};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Set where the test runs on its own file system.
const INSIDE: &str = "PORTCULLIS_TEST_SMALL_DISK";

/// Mounts 64 MiB at its first argument and runs the others.
const MOUNT: &str = r#"mount -t tmpfs -o size=64m portcullis "$1" && shift && exec "$@""#;

/// What makes room for such a mount: the rights of root, or a user namespace.
const ALONE: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// A note that is longer than a page of the database.
fn note(title: &str) -> Value {
    json!({ "title": title, "body": "two litres ".repeat(600) })
}

/// What takes all the room on a disk until it is dropped.
struct Ballast(PathBuf);

impl Ballast {
    fn on(disk: &Path) -> Self {
        let path = disk.join("ballast");
        let mut file = fs::File::create(&path).expect("there is room for a name");
        for chunk in [1 << 20, 4096, 1] {
            let full = loop {
                if let Err(full) = file.write_all(&vec![1; chunk]) {
                    break full;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        }
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("a file can be removed");
    }
}

/// Runs the test of that name again, where [`INSIDE`] is set and temporary folders are on a small file system of its own.
fn on_a_small_disk(test: &str) {
    let at = tempfile::tempdir().expect("a temporary folder can be made");
    let alone = |how: &&[&str], program: &Path| {
        let mut command = Command::new("unshare");
        command.args(*how).args(["sh", "-c", MOUNT, "sh"]).arg(at.path()).arg(program);
        command
    };
    let can = |how: &&&[&str]| alone(how, Path::new("true")).status().is_ok_and(|status| status.success());
    let Some(how) = ALONE.iter().find(can) else {
        eprintln!("not run: nobody may mount a file system of their own here (`unshare --user --mount`)");
        return;
    };
    let program = env::current_exe().expect("a program knows where it is");
    let mut command = alone(how, &program);
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").env("TMPDIR", at.path());
    let ran = command.output().expect("what could be started once can be again");
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (told(&ran.stdout), told(&ran.stderr));
    assert!(ran.status.success() && out.contains("1 passed"), "{}\n{out}{error}", ran.status);
}

/// Asks again until `is` holds of the answer.
#[track_caller]
fn until(client: &mut Mcp, tool: &str, arguments: &Value, is: fn(&Value) -> bool, served: &Served) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = client.try_call(tool, arguments.clone()).expect("an answer");
        if is(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer}\n{}", served.log());
    }
}

fn refused(answer: &Value) -> bool {
    answer["error"]["code"] == 50301
}

fn done(answer: &Value) -> bool {
    answer["result"].is_object() && answer["result"]["isError"].is_null()
}

fn health(served: &Served) -> u16 {
    let mut connection = served.connect();
    let host = vec![format!("Host: {}", served.address)];
    connection.request("GET", "/health", &host, b"").expect("a request can be sent");
    connection.answer().expect("an answer").status
}

/// Writes notes until one is refused; the titles of those that were acknowledged.
fn write_until_refused(client: &mut Mcp, from: usize) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    for at in from..from + 300 {
        let title = format!("Note {at:04}");
        let answer = client.try_call("notes_create", note(&title)).expect("an answer");
        if refused(&answer) {
            return acknowledged;
        }
        assert!(done(&answer), "{answer}");
        acknowledged.insert(title);
    }
    panic!("the disk is full, and 300 notes were taken");
}

/// The titles of the notes that are kept.
fn kept(home: &Home) -> BTreeSet<String> {
    let database = Connection::open(home.data().join("portcullis.db")).expect("the database can be opened");
    let checked: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(checked, "ok");
    let mut rows = database.prepare("SELECT value FROM kv").expect("there is this table");
    let values = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("it can be read");
    let title = |value: Vec<u8>| {
        let text = String::from_utf8_lossy(&value).into_owned();
        let at = text.find("Note ")?;
        text.get(at..at + "Note 0000".len()).map(str::to_owned)
    };
    values.filter_map(|value| title(value.expect("a row"))).collect()
}

/// Fails without: the one transaction of writes and audit row in the store (a note would be there that was refused), `failing` in
/// `AuditLog::seat`, which gives no seats while nothing can be written, and what tries again from time to time whether it can.
#[test]
fn ad_01_on_a_full_disk_no_call_runs_nothing_acknowledged_is_lost_and_room_is_all_it_takes() {
    if env::var_os(INSIDE).is_none() {
        return on_a_small_disk(
            "ad_01_on_a_full_disk_no_call_runs_nothing_acknowledged_is_lost_and_room_is_all_it_takes",
        );
    }
    let home = Home::copied([plugin("plugins/notes")]);
    let disk = home.data().parent().expect("it is in a folder").to_owned();
    let served = home.serve();
    let mut client = served.client(Era::Modern);
    assert!(done(&client.try_call("notes_create", note("Note 9000")).expect("an answer")));
    let mut acknowledged = BTreeSet::from(["Note 9000".to_owned()]);
    assert_eq!(health(&served), 200);

    let ballast = Ballast::on(&disk);
    acknowledged.extend(write_until_refused(&mut client, 0));
    // A read may have had its place before; from then on there is none.
    until(&mut client, "notes_search", &json!({}), refused, &served);
    assert_eq!(health(&served), 503);
    for _ in 0..5 {
        let answer = client.try_call("notes_create", note("Note 9001")).expect("an answer");
        assert!(refused(&answer), "{answer}");
    }
    assert!(!client.tools().is_empty(), "the process is up");
    assert!(served.log().contains("alert=\"audit-write-failure\""), "no alert:\n{}", served.log());

    // There is room again, and nobody starts anything anew.
    drop(ballast);
    until(&mut client, "notes_create", &note("Note 9002"), done, &served);
    acknowledged.insert("Note 9002".to_owned());
    assert_eq!(health(&served), 200);

    // It is full again, and now the host is killed and started anew on the full disk.
    let ballast = Ballast::on(&disk);
    acknowledged.extend(write_until_refused(&mut client, 1000));
    served.kill();
    let ended = home.run(["serve"]);
    assert!(ended.code > 0 && ended.stderr.contains("make room there"), "{} {}", ended.code, ended.stderr);
    drop(ballast);
    let served = home.serve();
    let found = served.call("notes_search", json!({}));
    assert!(found["isError"].is_null(), "{found}");
    served.kill();
    assert_eq!(kept(&home), acknowledged);
}
