//! The official TypeScript client with a person behind it, in each era and over each transport, against the real program:
//! previews, questions of the host, a question of a tool, and what becomes of the answers. What the client has to see is
//! checked in tests/clients; here is checked what was recorded, and what reached the tracker.

use std::collections::BTreeMap;

use portcullis_tests::{Home, TicketServer, Transport, drive, node, plugin, revision};
use serde_json::Value;

/// How many rows there are of each class.
type Counts = BTreeMap<String, u64>;

fn counts<const N: usize>(of: [(&str, u64); N]) -> Counts {
    of.map(|(class, count)| (class.to_owned(), count)).into()
}

/// How often the calls of `tool`, or what else is recorded of it, ended in which way. Not in which order: rows that are written
/// together have none.
fn counted(home: &Home, tool: &str, kinds: &[&str]) -> Counts {
    let mut counts = Counts::new();
    for row in home.recorded(tool) {
        if kinds.iter().any(|kind| row["kind"] == *kind) {
            let class = row["class"].as_str().expect("a row has a class").to_owned();
            *counts.entry(class).or_default() += row["count"].as_u64().expect("a row has a count");
        }
    }
    counts
}

const ENDED: &[&str] = &["call", "outcome"];
const REFUSED: &[&str] = &["refused"];
const EGRESS: &[&str] = &["egress"];

/// Runs the script; it has to make `checks` checks: fewer, and it has lost some.
fn run(script: &str, home: &Home, era: &str, transport: Transport, checks: usize) {
    let said = drive(&node(), script, home, era, transport);
    assert_eq!(said["checks"].as_array().map(Vec::len), Some(checks), "{said}");
    assert_eq!(said["revision"], revision(era), "{said}");
}

/// The host asks before it deletes, and deletes when the person agrees.
fn notes(era: &str, transport: Transport) {
    let home = Home::with([plugin("plugins/notes")]);
    // A modern client holds the state of its call itself, and one check more tries to use it twice.
    let (checks, by_hand) = if era == "legacy" { (14, 0) } else { (15, 1) };
    run("asking.mjs", &home, era, transport, checks);
    let left = home.must(["call", "notes_search"]);
    assert!(left.contains("There are no notes"), "the client deleted its notes: {left}");
    assert_eq!(counted(&home, "notes_create", ENDED), counts([("ok", 4 + by_hand), ("preview", 1)]));
    // Shown: once on demand, seven times without an agreement, once each for those that were confirmed.
    let deleted = counts([("failed", 1), ("ok", 4 + by_hand), ("preview", 12 + by_hand)]);
    assert_eq!(counted(&home, "notes_delete", ENDED), deleted);
    let refused = counts([("confirmation", 2 + 2 * by_hand), ("declined", 6)]);
    assert_eq!(counted(&home, "notes_delete", REFUSED), refused);
}

/// A tool asks before it sends, and the host before it lets it send.
fn tickets(era: &str, transport: Transport) {
    let tracker = TicketServer::start();
    let home = Home::configured(format!("four_eyes = false\n{}", tracker.configuration()));
    home.publish(&plugin("plugins/tickets"));
    run("asking-tickets.mjs", &home, era, transport, 10);
    // What the tracker heard is what somebody agreed to, or what needed no agreement, and each once.
    let heard = tracker.heard();
    let posts: Vec<&str> = heard.iter().filter(|one| one.method == "POST").map(|one| one.path.as_str()).collect();
    let wanted = ["/v1/tickets", "/v1/tickets/3/comments", "/v1/tickets/3/close", "/v1/tickets", "/v1/tickets/4/close"];
    assert_eq!(posts, wanted);
    let first = heard.iter().find(|one| one.method == "POST").expect("the first of them");
    let made: Value = serde_json::from_slice(&first.body).expect("the plugin sends JSON");
    assert_eq!(made["priority"], "high", "what the person answered in the end");
    // Three did not answer, one answered for a preview, and one for a ticket: at the third try, and that is one question.
    let created = counts([("asked", 5), ("failed", 3), ("not-asked", 1), ("ok", 2), ("preview", 1)]);
    assert_eq!(counted(&home, "tickets_create", ENDED), created);
    assert_eq!(counted(&home, "tickets_create", EGRESS), counts([("answered", 2)]));
    assert_eq!(counted(&home, "tickets_close", ENDED), counts([("ok", 2), ("preview", 5)]));
    assert_eq!(counted(&home, "tickets_close", EGRESS), counts([("answered", 2)]));
    assert_eq!(counted(&home, "tickets_close", REFUSED), counts([("confirmation", 1), ("declined", 3)]));
}

/// One test for each, so that a failure names it.
macro_rules! asking {
    ($($plugin:ident { $($name:ident: $era:literal, $transport:ident;)+ })+) => {
        $($(#[test] fn $name() { $plugin($era, Transport::$transport); })+)+
    };
}

asking! {
    notes {
        a_person_is_asked_before_a_note_is_deleted_legacy_over_http: "legacy", Http;
        a_person_is_asked_before_a_note_is_deleted_modern_over_http: "modern", Http;
        a_person_is_asked_before_a_note_is_deleted_legacy_over_stdio: "legacy", Stdio;
        a_person_is_asked_before_a_note_is_deleted_modern_over_stdio: "modern", Stdio;
    }
    tickets {
        a_tool_asks_a_person_before_it_sends_legacy_over_http: "legacy", Http;
        a_tool_asks_a_person_before_it_sends_modern_over_http: "modern", Http;
        a_tool_asks_a_person_before_it_sends_legacy_over_stdio: "legacy", Stdio;
        a_tool_asks_a_person_before_it_sends_modern_over_stdio: "modern", Stdio;
    }
}
