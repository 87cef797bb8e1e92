//! Somebody has changed what is stored, past the triggers of the database: an approved release is served only as it was
//! approved. It is changed while no host runs: one that does has read its releases already.

use std::time::{Duration, Instant};

use portcullis_tests::{Era, Home, Served, plugin};
use rusqlite::Connection;
use serde_json::{Value, json};

/// `notes` as approved, and then what `change` makes of the database.
fn changed(change: impl FnOnce(&Connection)) -> (Home, Served) {
    let home = Home::with([plugin("plugins/notes")]);
    let database = Connection::open(home.data().join("portcullis.db")).expect("the database can be opened");
    let triggers = "DROP TRIGGER release_immutable; DROP TRIGGER label_immutable;";
    database.execute_batch(triggers).expect("who can write the file can do this");
    change(&database);
    database.close().expect("it is closed");
    let served = home.serve();
    (home, served)
}

/// That nothing of it is served, and that the operator is told for which reason.
fn is_not_served(served: &Served, why: &str) {
    assert_eq!(served.tool_names(), Vec::<String>::new(), "{why}");
    let answer = served.client(Era::Modern).try_call("notes_search", json!({})).expect("an answer");
    // A client may hold the list of another day: the name is not unknown, and what it was is not called.
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let said = answer["result"]["content"][0]["text"].as_str().expect("a text");
    assert!(said.contains("is approved and could not be started. Nothing was done."), "{said}");
    // Another thread reads what the host logs.
    let deadline = Instant::now() + Duration::from_secs(10);
    let alert = loop {
        let log = served.log();
        if let Some(alert) = log.lines().find(|line| line.contains("alert=\"release-not-served\"")) {
            break alert.to_owned();
        }
        assert!(Instant::now() < deadline, "no alert:\n{log}");
    };
    assert!(alert.contains("ERROR") && alert.contains("notes@0.1.0") && alert.contains(why), "{alert}");
}

fn once(database: &Connection, sql: &str) {
    let rows = database.execute(sql, []).expect("the database can be written");
    assert!(rows > 0, "nothing was changed: {sql}");
}

/// Fails without: the comparison of `approved` and `computed` in `read_stored`.
#[test]
fn wr_04_a_release_whose_labels_are_looser_than_those_that_were_approved_is_not_served() {
    let (_home, served) = changed(|database| {
        once(database, "UPDATE label SET label = 'destructive' WHERE name = 'notes_create'");
    });
    is_not_served(&served, "was approved as `destructive` and would now be labelled `write`");
}

/// What was approved names every tool. Fails without: `strictness(approved).is_none_or(...)` in `read_stored`.
#[test]
fn wr_04_a_release_with_a_tool_whose_label_nobody_approved_is_not_served() {
    let (_home, served) = changed(|database| once(database, "DELETE FROM label WHERE name = 'notes_search'"));
    is_not_served(&served, "was approved as `nothing` and would now be labelled `read`");
}

/// The label is the one that is computed from what runs, not the one that stands beside it. Fails without: `tool.hints()` in
/// `descriptor`, or a label of `ready_tool` that is read from the row.
#[test]
fn wr_04_a_label_that_clients_read_is_computed_and_not_read_from_the_database() {
    let (_home, served) = changed(|database| {
        once(database, "UPDATE label SET label = 'read' WHERE name = 'notes_create'");
    });
    let tools = served.client(Era::Modern).tools();
    let create = tools.iter().find(|tool| tool["name"] == "notes_create").expect("it is served");
    assert_eq!(create["annotations"]["readOnlyHint"], false, "{create}");
    let note = served.call("notes_create", json!({ "title": "Milk", "body": "two litres" }));
    assert_eq!(note["isError"], Value::Null, "{note}");
}

/// Fails without: the comparison of fingerprints in `read_stored`.
#[test]
fn rg_02_a_release_whose_manifest_was_changed_is_not_served() {
    let (_home, served) = changed(|database| {
        once(database, "UPDATE release SET manifest = replace(manifest, 'Read a note', 'Read any note')");
    });
    is_not_served(&served, "what is stored is not what was approved");
}

/// Fails without: the comparison of digests in `Shared::ready`.
#[test]
fn rg_02_a_release_whose_component_was_changed_is_not_served() {
    let (_home, served) = changed(|database| {
        // One byte more, of which no parser would complain: a custom section without a name.
        once(database, "UPDATE release SET component = CAST(component || x'000100' AS BLOB)");
    });
    is_not_served(&served, "the stored component has the digest");
}

/// From the first row of a call that the store does not take: nothing that this call wrote is there, no later call is run, and the
/// operator is told. When the store takes rows again, all is as it was before. Fails without: the one transaction of writes and
/// audit row in the store (the note would be there); `failing` in `AuditLog::seat`, which gives no seats while nothing can be written.
#[test]
fn ad_01_while_the_store_takes_no_row_of_a_call_no_write_is_kept_and_no_call_runs() {
    let full = "CREATE TRIGGER audit_full BEFORE INSERT ON audit WHEN NEW.kind IN ('intent', 'call', 'outcome')
                BEGIN SELECT RAISE(ABORT, 'no room'); END";
    let (home, served) = changed(|database| database.execute_batch(full).expect("the database can be written"));
    let mut client = served.client(Era::Modern);
    let note = json!({ "title": "Milk", "body": "two litres" });
    let written = client.try_call("notes_create", note.clone()).expect("an answer");
    assert_eq!(written["error"]["code"], 50301, "a write without its row: {written}");
    // A read may have had its place before; from then on there is none.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let read = client.try_call("notes_search", json!({})).expect("an answer");
        if read["error"]["code"] == 50301 {
            break;
        }
        assert!(read["result"].is_object() && Instant::now() < deadline, "calls go on without their rows: {read}");
    }
    for _ in 0..3 {
        let written = client.try_call("notes_create", note.clone()).expect("an answer");
        assert_eq!(written["error"]["code"], 50301, "{written}");
    }
    assert!(served.log().contains("alert=\"audit-write-failure\""), "no alert:\n{}", served.log());
    served.kill();

    let database = Connection::open(home.data().join("portcullis.db")).expect("the database can be opened");
    database.execute_batch("DROP TRIGGER audit_full").expect("there is room again");
    database.close().expect("it is closed");
    let served = home.serve();
    let found = served.call("notes_search", json!({ "query": "litres" }));
    assert!(
        found["isError"].is_null() && !found.to_string().contains("Milk"),
        "a write without its row is kept: {found}"
    );
    let note = served.call("notes_create", note);
    assert!(note["isError"].is_null(), "{note}");
}
