//! What a call must not leave behind, and what it must not reach: memory of others, half a transaction, a write of a read
//! tool, other partitions.

use std::{fs, thread};

use portcullis_manifest::{Access, Label, Manifest};
use portcullis_tests::{Era, Folder, Home, plugin, root};
use serde_json::{Value, json};

use crate::zoo::{Short, Zoo};

/// How often a call that must always come out the same is made.
const RUNS: usize = 100;

fn entry(value: &str) -> Value {
    json!({ "key": "k", "value": value })
}

fn key() -> Value {
    json!({ "key": "k" })
}

impl Zoo {
    /// What is kept under `k`, by the zoo's own honest tool.
    fn look(&mut self, short: Short) -> Value {
        let attack = self.attack(&short.wire("look"), key());
        assert_eq!(attack.class(), "ok", "{}", attack.text());
        attack.result["structuredContent"]["value"].clone()
    }

    fn keep(&mut self, short: Short, value: &str) {
        let attack = self.attack(&short.wire("keep"), entry(value));
        assert_eq!(attack.class(), "ok", "{}", attack.text());
    }
}

/// Fails without: `consume_fuel`, and for a fuel that depends on time or on earlier calls.
#[test]
fn wx_09_a_call_uses_the_same_fuel_every_time_and_after_a_restart() {
    // By loops, by memory, by stack, by host calls, by handles, by traps, and by nothing at all.
    let tools = [
        "spin",
        "recursion",
        "recursion_frames",
        "recursion_host_calls",
        "memory_bomb",
        "leak_handles",
        "flood_log",
        "trap",
        "panic",
        "deep_json",
        "escape_keys",
        "counter",
    ];
    let mut zoo = Zoo::open();
    let mut known: Vec<Option<(Value, Value)>> = vec![None; tools.len()];
    for round in ["the first process", "the second process"] {
        for (tool, known) in tools.iter().zip(&mut known) {
            let wire = Short::Fuel.wire(tool);
            let arguments = if *tool == "escape_keys" { key() } else { json!({}) };
            for _ in 0..RUNS {
                zoo.call(&wire, arguments.clone());
            }
            let outcomes = zoo.outcomes(&wire, RUNS);
            assert_eq!(outcomes.len(), RUNS, "{tool}: every call has its outcome");
            for row in &outcomes {
                let found = (row["class"].clone(), row["fuel"].clone());
                let expected = known.get_or_insert_with(|| found.clone());
                assert_eq!(&found, expected, "{tool}, in {round}");
            }
        }
        if round == "the first process" {
            zoo = zoo.restart();
        }
    }
    for (tool, known) in tools.iter().zip(&known) {
        println!("{tool:<22} {known:?}");
    }
}

/// Fails without: a new store and instance in `run_here`, or with a slot of the pools that is given on as it was left.
#[test]
fn wx_05_a_static_counts_no_other_call_whatever_ended_before() {
    let mut zoo = Zoo::open();
    let deaths = ["trap", "panic", "exit", "spin", "recursion", "memory_bomb", "leak_handles"];
    for death in deaths {
        zoo.call(&Short::Fuel.wire(death), json!({}));
        for short in [Short::Fuel, Short::Time] {
            let attack = zoo.attack(&short.wire("counter"), json!({}));
            assert_eq!(attack.count(), 0, "after {death}");
        }
    }
    // Many at once, so that every slot of the pools is used many times.
    thread::scope(|scope| {
        for _ in 0..4 {
            let mut client = zoo.served.client(Era::Legacy);
            scope.spawn(move || {
                for n in 0..500 {
                    let found = client.call("zoo_counter", json!({}));
                    assert_eq!(found["structuredContent"]["count"], 0, "call {n}: {found}");
                    if n % 10 == 0 {
                        let _ = client.call("zoo_trap", json!({}));
                    }
                }
            });
        }
    });
}

/// Fails without: a memory that is clean when it is given on; that is the engine's part
/// (`linear_memory_keep_resident`).
#[test]
fn wx_05_no_call_finds_what_another_left_in_memory() {
    // A small and a large one, so that each finds what the other left beyond its own limit too.
    let large = Folder::copy(&plugin("tests/hostile/zoo"))
        .edit("name = \"zoo\"", "name = \"large\"")
        .edit("memory = \"16 MiB\"", "memory = \"128 MiB\"")
        .edit("fuel = 200_000_000", "fuel = 2_000_000_000");
    let mut zoo =
        Zoo::serve(Home::with([plugin("plugins/notes"), plugin("tests/hostile/zoo"), large.path().to_owned()]));
    for (leaves, finds) in [("zoo", "zoo"), ("zoo", "large"), ("large", "zoo"), ("large", "large")] {
        for after in ["leave_canary", "trap", "memory_bomb"] {
            let left = zoo.attack(&format!("{leaves}_leave_canary"), json!({}));
            assert!(left.count() > 1_000_000, "the canary is everywhere: {}", left.text());
            zoo.attack(&format!("{leaves}_{after}"), json!({}));
            let found = zoo.attack(&format!("{finds}_find_canary"), json!({}));
            assert_eq!(found.count(), 0, "{leaves}, {after}, {finds}");
        }
    }
}

/// Fails without: the check of the proof in `CallState::enter` (the grant would refuse too, but as an error that a
/// guest may swallow).
#[test]
fn wr_03_a_write_of_a_read_tool_is_trapped_audited_and_raises_an_alert() {
    let mut zoo = Zoo::open();
    for short in [Short::Fuel, Short::Time] {
        zoo.keep(short, "before");
        for (tool, function) in
            [("write_by_set", "kv.set"), ("write_by_delete", "kv.delete"), ("write_by_swap", "kv.compare-and-set")]
        {
            let wire = short.wire(tool);
            let arguments = if tool == "write_by_delete" { key() } else { entry("attacked") };
            let attack = zoo.attack(&wire, arguments);
            assert!(attack.is_error(), "{wire}: {}", attack.result);
            assert!(attack.text().contains("is labelled `read`") && attack.text().contains(function), "{wire}");
            assert_eq!(attack.class(), "write-refused", "{wire}");
            assert_eq!(attack.row["label"], "read", "{wire}");
            assert_ne!(attack.row["effect"], "write", "{wire}: nothing was written");
            let correlation = attack.row["correlation"].as_str().expect("a call has a correlation id");
            let log = zoo.served.log();
            let alert =
                log.lines().find(|line| line.contains("alert=\"write-without-proof\"") && line.contains(correlation));
            let alert = alert.unwrap_or_else(|| panic!("{wire}: no alert\n{log}"));
            assert!(alert.contains("ERROR") && alert.contains(&wire) && alert.contains(function), "{alert}");
            assert_eq!(zoo.look(short), "before", "after {wire}");
        }
    }
}

/// Fails without: `ApprovedTool::grant` in `CallState::open`, or with the grants of the whole component in its place.
#[test]
fn wx_04_a_tool_reaches_only_what_its_own_uses_grant() {
    let mut zoo = Zoo::open();
    let attack = zoo.attack("zoo_write_without_uses", entry("attacked"));
    assert_eq!(attack.class(), "failed");
    assert!(
        attack.text().contains("does not hold `box:write`") && attack.text().contains("`uses`"),
        "{}",
        attack.text()
    );
    assert_eq!(zoo.look(Short::Fuel), Value::Null);

    zoo.keep(Short::Fuel, "secret of the vault");
    let attack = zoo.attack("zoo_other_tools_capability", key());
    assert_eq!(attack.class(), "failed");
    assert!(attack.text().contains("does not hold `vault:read`"), "{}", attack.text());
    assert!(!attack.result.to_string().contains("secret"), "{}", attack.result);

    let attack = zoo.attack("zoo_unknown_capability", json!({}));
    assert_eq!(attack.answers().len(), 12);
    for answer in attack.answers() {
        assert!(answer.starts_with("refused"), "{answer}");
    }
}

/// Fails without: the overlay, and with a commit of it for a call that did not succeed.
#[test]
fn wx_12_what_a_call_wrote_before_it_died_is_not_there() {
    let mut zoo = Zoo::open();
    for before in [Value::Null, json!("before")] {
        if let Some(before) = before.as_str() {
            zoo.keep(Short::Fuel, before);
        }
        for (tool, class) in [("trap_after_write", "trap"), ("fail_after_write", "failed")] {
            let attack = zoo.attack(&Short::Fuel.wire(tool), entry("half"));
            assert_eq!(attack.class(), class, "{tool}");
            assert_eq!(attack.row["label"], "write", "{tool}");
            assert_eq!(zoo.look(Short::Fuel), before, "after {tool}");
        }
    }
    zoo = zoo.restart();
    assert_eq!(zoo.look(Short::Fuel), "before");
}

/// Fails without: the plugin's or the capability's name in `KvPartition`, and for a store that reads keys, prefixes or
/// cursors as patterns. (That two persons have two partitions can't be shown here: there is one principal.)
#[test]
fn st_01_no_key_and_no_page_opens_another_partition() {
    let mut zoo = Zoo::open();
    // Something to find: the other plugin's rows, the shared partition's, and notes'.
    zoo.keep(Short::Fuel, "mine");
    zoo.keep(Short::Time, "the other plugin's");
    let note = zoo.call("notes_create", json!({ "title": "k", "body": "the person's" }));
    assert!(note["isError"].is_null(), "{note}");

    let attack = zoo.attack("zoo_escape_keys", key());
    let found: Vec<_> = attack.answers().into_iter().filter(|answer| answer.starts_with("found")).collect();
    assert_eq!(found, ["found: \"k\""]);

    let attack = zoo.attack("zoo_escape_pages", json!({}));
    let found: Vec<_> = attack.answers().into_iter().filter(|answer| answer.starts_with("found")).collect();
    assert_eq!(found, ["found: \"k\""]);
    assert_eq!(zoo.look(Short::Fuel), "mine");
    assert_eq!(zoo.look(Short::Time), "the other plugin's");

    // Two capabilities of one plugin: more keys in `box` than `vault` may hold, and `vault` is as empty as it was.
    let filled = zoo.attack("zoo_fill_with_keys", key());
    assert!(filled.count() > 200, "{}", filled.text());
    zoo.keep(Short::Fuel, "there is room in the vault");
}

/// What clients are told, against what the manifest grants. Fails without: `computed_label` in the parser (a label below the
/// grants would be taken), and `tool.hints()` in `descriptor` (all four are written out, and of the computed label).
#[test]
fn wr_01_every_tool_is_listed_with_all_four_hints_and_as_read_only_only_if_it_holds_no_write() {
    let zoo = Zoo::open();
    let text = fs::read_to_string(root().join("tests/hostile/zoo/plugin.toml")).expect("the zoo's manifest");
    let manifest = Manifest::parse(&text).expect("the zoo's manifest is good");
    let listed = zoo.served.client(Era::Modern).tools();
    for tool in &manifest.tools {
        let wire = Short::Fuel.wire(tool.name.as_str());
        let hints = &listed.iter().find(|listed| listed["name"] == wire).expect("it is listed")["annotations"];
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(hints[hint].is_boolean(), "{wire} says nothing of {hint}: {hints}");
        }
        let writes = manifest.grants(tool).iter().any(|grant| grant.access == Access::Write);
        assert!(!(writes && hints["readOnlyHint"] == true), "{wire} holds a write and is listed as read-only");
        assert_eq!(hints["readOnlyHint"], tool.label == Label::Read, "{wire}");
    }
}

#[test]
fn st_20_a_partition_holds_no_more_than_its_quota_its_keys_and_the_writes_of_a_call() {
    // `box` in the manifest: 1 MiB and 1,000 keys; a call writes at most 256 keys by default.
    const VALUE: u64 = 60 << 10;
    let mut zoo = Zoo::open();
    let kept = zoo.attack("zoo_fill_with_values", key());
    assert_eq!(kept.class(), "ok", "{}", kept.text());
    assert_eq!(kept.count(), (1 << 20) / (VALUE + 3), "values of 60 KiB and keys of two or three bytes in 1 MiB");

    let mut keys = 0;
    for n in 0..5 {
        let kept = zoo.attack("zoo_time_fill_with_keys", json!({ "key": format!("{n}-") }));
        assert_eq!(kept.class(), "ok", "{}", kept.text());
        assert!(kept.count() <= 256, "{} writes in one call", kept.count());
        keys += kept.count();
    }
    assert_eq!(keys, 1_000, "as many as `keys` says");
    let more = zoo.attack("zoo_time_keep", entry("one more"));
    assert_eq!(more.class(), "failed");
    assert!(more.text().contains("`capability.box.keys`"), "{}", more.text());
    let full = zoo.attack("zoo_keep", entry(&"x".repeat(1000)));
    assert!(full.class() == "ok" || full.text().contains("`capability.box.quota`"), "{}", full.text());
}
