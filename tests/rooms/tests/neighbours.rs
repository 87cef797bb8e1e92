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
use portcullis_tests::{Era, Folder, Home, Served, built, plugin, root};
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
    /// How often the same plugin's `counter` is called before each: a plugin may behave until it is trusted.
    behaves: usize,
    outcomes: &'static [&'static str],
}

const LOOP: Attack = at_once("loops for ever", "zoo_time_spin", &["limit-time"]);

const ATTACKS: [Attack; 7] = [
    at_once("eats memory", "zoo_time_memory_touch", &["ok", "limit-time"]),
    at_once("eats memory and dies of it", "zoo_memory_bomb", &["limit-memory"]),
    at_once("recurses", "zoo_time_recursion", &["limit-stack"]),
    at_once("floods kv", "zoo_time_flood_kv", &["limit-host-calls", "limit-time"]),
    at_once("floods the log", "zoo_time_flood_log", &["limit-host-calls", "limit-time"]),
    at_once("returns 100 MB", "zoo_time_huge_return", &["limit-host-data", "limit-result", "limit-time"]),
    // Its long instruction, which nothing can interrupt, comes after more quick calls than a host could ask for.
    Attack {
        what: "is quick until it is not",
        tool: "zoo_quiet_huge_value",
        behaves: 300,
        outcomes: &["limit-host-data"],
    },
];

const fn at_once(what: &'static str, tool: &'static str, outcomes: &'static [&'static str]) -> Attack {
    Attack { what, tool, behaves: 0, outcomes }
}

/// Ends the attackers when a phase is over, and when it has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes an attack again as soon as it has ended, until `stop`.
fn again_and_again(served: &Served, attack: &Attack, stop: &AtomicBool) {
    let mut client = served.client(Era::Legacy);
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..attack.behaves {
            let _ = client.call("zoo_quiet_counter", json!({}));
        }
        let _ = client.call(attack.tool, json!({}));
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

/// Fails without: threads of their own for guests, the tick that makes them yield, and `Turns` for those that go on.
#[test]
fn wx_08_28_attacks_end_within_their_limits_and_a_neighbour_does_not_wait() {
    let _ = built("tests/hostile/zoo/zoo.wasm");
    let zoo = root().join("tests/hostile/zoo");
    let home = Home::with([plugin("plugins/notes"), zoo.join("plugin.toml"), zoo.join("plugin-time.toml")]);
    // The zoo once more, by itself: what the loops make a host think of a plugin is not what it thinks of this one.
    let quiet = Folder::copy(&plugin("tests/hostile/zoo"))
        .edit("name = \"zoo\"", "name = \"zoo-quiet\"")
        .edit("memory = \"16 MiB\"", "memory = \"256 MiB\"");
    home.publish(quiet.path());
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
            scope.spawn(|| again_and_again(&served, &LOOP, &loops));
        }
        let looping = format!("{} tools loop for ever", 2 * cores);
        over.extend(phase().over(&alone, &looping));
        for attack in &ATTACKS {
            let other = AtomicBool::new(false);
            let times = thread::scope(|scope| {
                let _stop = Stop(&other);
                scope.spawn(|| again_and_again(&served, attack, &other));
                phase()
            });
            over.extend(times.over(&alone, &format!("{looping}, one {}", attack.what)));
        }
    });

    for Attack { what, tool, outcomes, .. } in [&LOOP].into_iter().chain(&ATTACKS) {
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
