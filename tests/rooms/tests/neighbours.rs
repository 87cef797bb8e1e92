//! The promise that a hostile plugin harms nobody else, measured: two endless loops for each core, and each of the other
//! attacks on top of them, while one more client uses `notes`.

#[path = "hostile/neighbour.rs"]
mod neighbour;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use neighbour::neighbour;
use portcullis_tests::{Era, Home, Served, built, plugin, root};
use serde_json::{Value, json};

/// Rounds of a neighbour in each phase: enough for a 99th percentile that one slow answer does not make.
const ROUNDS: usize = 300;

/// The least time of a phase.
const PHASE: Duration = Duration::from_secs(3);

/// `limits.time` of `plugin-time.toml`, and how late a call may end.
const TIME: Duration = Duration::from_millis(1000 + 250);

/// An attack, and the audit's words for how it may end.
struct Attack {
    what: &'static str,
    tool: &'static str,
    outcomes: &'static [&'static str],
}

const LOOP: Attack = Attack { what: "loops for ever", tool: "zoo_time_spin", outcomes: &["limit-time"] };

const ATTACKS: [Attack; 6] = [
    Attack { what: "eats memory", tool: "zoo_time_memory_touch", outcomes: &["ok", "limit-time"] },
    Attack { what: "eats memory and dies of it", tool: "zoo_memory_bomb", outcomes: &["limit-memory"] },
    Attack { what: "recurses", tool: "zoo_time_recursion", outcomes: &["limit-stack"] },
    Attack { what: "floods kv", tool: "zoo_time_flood_kv", outcomes: &["limit-host-calls", "limit-time"] },
    Attack { what: "floods the log", tool: "zoo_time_flood_log", outcomes: &["limit-host-calls", "limit-time"] },
    Attack {
        what: "returns 100 MB",
        tool: "zoo_time_huge_return",
        outcomes: &["limit-host-data", "limit-result", "limit-time"],
    },
];

/// Ends the attackers when a phase is over, and when it has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Calls a tool again as soon as it has ended, until `stop`.
fn attack_again_and_again(served: &Served, tool: &str, stop: &AtomicBool) {
    let mut client = served.client(Era::Legacy);
    while !stop.load(Ordering::Relaxed) {
        let _ = client.call(tool, json!({}));
    }
}

/// How all calls of a tool ended, and the longest of them.
fn ended(home: &Home, tool: &str) -> (BTreeMap<String, usize>, Duration) {
    let listed = home.must(["audit", "--json", "--tool", tool, "--limit", "10000"]);
    let rows = listed.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"));
    let mut classes = BTreeMap::new();
    let mut longest = 0;
    for row in rows.filter(|row| row["kind"] == "call" || row["kind"] == "outcome") {
        *classes.entry(row["class"].as_str().expect("a class").to_owned()).or_default() += 1;
        longest = longest.max(row["wall_us"].as_u64().expect("a number"));
    }
    (classes, Duration::from_micros(longest))
}

#[test]
fn wx_08_28_attacks_end_within_their_limits_and_a_neighbour_does_not_wait() {
    let _ = built("tests/hostile/zoo/zoo.wasm");
    let zoo = root().join("tests/hostile/zoo");
    let home = Home::with([plugin("plugins/notes"), zoo.join("plugin.toml"), zoo.join("plugin-time.toml")]);
    let mut served = home.serve();
    let cores = thread::available_parallelism().expect("cores can be counted").get();

    let phase = || {
        let until = Instant::now() + PHASE;
        neighbour(&served, ROUNDS, || Instant::now() > until)
    };
    // Once for nothing: the first calls open what stays open.
    neighbour(&served, 20, || true);
    let alone = phase();
    let mut over = alone.over(&alone, "alone");

    let loops = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = Stop(&loops);
        for _ in 0..2 * cores {
            scope.spawn(|| attack_again_and_again(&served, LOOP.tool, &loops));
        }
        let looping = format!("{} tools loop for ever", 2 * cores);
        over.extend(phase().over(&alone, &looping));
        for Attack { what, tool, .. } in &ATTACKS {
            let other = AtomicBool::new(false);
            let times = thread::scope(|scope| {
                let _stop = Stop(&other);
                scope.spawn(|| attack_again_and_again(&served, tool, &other));
                phase()
            });
            over.extend(times.over(&alone, &format!("{looping}, one {what}")));
        }
    });

    for Attack { what, tool, outcomes } in [&LOOP].into_iter().chain(&ATTACKS) {
        let (classes, longest) = ended(&home, tool);
        println!("{tool:<24} {classes:?}, the longest {} ms", longest.as_millis());
        if classes.is_empty() || classes.keys().any(|class| !outcomes.contains(&class.as_str())) {
            over.push(format!("{tool} ({what}) ended with {classes:?}, not {outcomes:?}"));
        }
        if longest > TIME {
            over.push(format!("{tool} ({what}) took {} ms", longest.as_millis()));
        }
    }
    assert!(served.is_up());
    let found = served.call("notes_search", json!({}));
    assert!(found["isError"].is_null(), "the next call works: {found}");
    assert!(over.is_empty(), "{}", over.join("\n"));
}
