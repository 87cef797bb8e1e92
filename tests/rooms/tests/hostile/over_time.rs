//! Attacks that no single call is: a tool that turns, plugins that work together, calls that race each other.

use std::thread;

use portcullis_tests::Era;
use serde_json::{Value, json};

use crate::zoo::{Short, Zoo};

/// `box.quota` of the zoo.
const QUOTA: u64 = 1 << 20;

fn key() -> Value {
    json!({ "key": "k" })
}

fn keep(zoo: &mut Zoo, short: Short, value: &str) {
    let kept = zoo.attack(&short.wire("keep"), json!({ "key": "k", "value": value }));
    assert_eq!(kept.class(), "ok", "{}", kept.text());
}

fn look(zoo: &mut Zoo, short: Short) -> Value {
    let attack = zoo.attack(&short.wire("look"), key());
    assert_eq!(attack.class(), "ok", "{}", attack.text());
    attack.result["structuredContent"]["value"].clone()
}

/// That it behaved when somebody tried it out buys it nothing. Fails without: `ApprovedTool::grant` in `CallState::open` (the
/// vault's value would be in `k`); the overlay that is dropped with a call that failed; fuel and time.
#[test]
fn wx_04_08_12_a_tool_that_turns_after_three_calls_is_held_to_the_same() {
    for (short, outcomes) in
        [(Short::Fuel, ["limit-fuel", "limit-host-calls"]), (Short::Time, ["limit-time", "limit-host-calls"])]
    {
        let mut zoo = Zoo::open();
        keep(&mut zoo, short, "kept");
        let wire = short.wire("turn");
        for _ in 0..3 {
            let good = zoo.attack(&wire, json!({}));
            assert_eq!((good.class(), good.text().as_str()), ("ok", "Fine."));
        }
        // Every call from now on: what it remembers of its good ones stays, too.
        for _ in 0..2 {
            let turned = zoo.attack(&wire, json!({}));
            assert!(outcomes.contains(&turned.class()) && turned.is_error(), "{}: {}", turned.class(), turned.text());
            assert!(turned.text().contains("in its manifest"), "{}", turned.text());
            assert_eq!(look(&mut zoo, short), "kept", "what it wrote after it had turned is not there");
        }
        zoo.still_serves(&wire);
    }
}

/// What two plugins of one author can't do: share rows, or find that they serve the same person. What they can do, and nothing
/// here prevents: give a client what it then carries to the other. The last line holds that this is known and not mended.
/// Fails without: the plugin's name in `KvPartition`, and in what `caller.get` makes the pseudonym of.
#[test]
fn st_01_two_plugins_that_work_together_share_what_a_client_carries_and_nothing_else() {
    let mut zoo = Zoo::open();
    keep(&mut zoo, Short::Fuel, "a message to the other");
    assert_eq!(look(&mut zoo, Short::Time), Value::Null);
    let unseen = zoo.attack(&Short::Time.wire("escape_pages"), json!({}));
    assert!(!unseen.answers().iter().any(|answer| answer.starts_with("found")), "{:?}", unseen.answers());

    let mut seen = Vec::new();
    for short in [Short::Fuel, Short::Time, Short::Fuel] {
        let who = zoo.attack(&short.wire("who"), json!({}));
        let [subject, correlation] = who.answers()[..] else { panic!("{}", who.result) };
        assert!(!subject.is_empty() && !correlation.is_empty(), "{}", who.result);
        seen.push((subject.to_owned(), correlation.to_owned()));
    }
    assert_ne!(seen[0].0, seen[1].0, "the person has another name for each plugin");
    assert_eq!(seen[0].0, seen[2].0, "and the same for one");
    assert_ne!(seen[0].1, seen[2].1, "a call has a name of its own");

    let carried = look(&mut zoo, Short::Fuel);
    keep(&mut zoo, Short::Time, carried.as_str().expect("a text"));
    assert_eq!(look(&mut zoo, Short::Time), "a message to the other");
}

/// Each call alone stays within the quota that it sees. Fails without: the quota in the transaction of the commit
/// (`kv_rows.rs`), which alone sees what the others have committed meanwhile.
#[test]
fn st_20_calls_that_fill_a_partition_at_once_fill_it_no_further() {
    const VALUE: u64 = 60 << 10;
    let mut zoo = Zoo::open();
    let wire = Short::Fuel.wire("fill_with_values");
    thread::scope(|scope| {
        for racer in 0..8 {
            let mut client = zoo.served.client(Era::Legacy);
            let wire = &wire;
            scope.spawn(move || client.call(wire, json!({ "key": format!("{racer}-") })));
        }
    });
    let rows = zoo.outcomes(&wire, 8);
    assert_eq!(rows.len(), 8, "every racer has its outcome");
    for row in &rows {
        assert!(row["class"] == "ok" || row["class"] == "quota", "{row}");
    }
    assert!(rows.iter().any(|row| row["class"] == "ok"), "one of them was first: {rows:?}");
    let found = zoo.attack(&Short::Fuel.wire("escape_pages"), json!({}));
    let found = found.answers().iter().filter(|answer| answer.starts_with("found")).count() as u64;
    assert!(found > 0 && found * VALUE <= QUOTA, "{found} values of 60 KiB are kept");
    // And who comes after them is told, not stopped.
    let full = zoo.attack(&wire, json!({ "key": "late-" }));
    assert_eq!((full.class(), full.count()), ("ok", 0), "{}", full.text());
    zoo.still_serves("the race");
}
