//! Every tool of the zoo, with little fuel and with little time: how it ends, what it costs the host, what is recorded.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use portcullis_tests::Era;
use serde_json::{Value, json};

use crate::zoo::{Attack, LATE, SLACK, Short, Zoo};

/// What tests/hostile/README.md says of one tool: the audit's words that are allowed, with little fuel and with little time.
struct Expected {
    tool: &'static str,
    fuel: &'static [&'static str],
    time: &'static [&'static str],
}

const fn both(tool: &'static str, outcomes: &'static [&'static str]) -> Expected {
    Expected { tool, fuel: outcomes, time: outcomes }
}

const fn either(tool: &'static str, fuel: &'static [&'static str], time: &'static [&'static str]) -> Expected {
    Expected { tool, fuel, time }
}

const DONE: &[&str] = &["ok"];
/// A quarter of a gigabyte is a second's work for a busy machine.
const DONE_IN_TIME: &[&str] = &["ok", "limit-time"];
const TRAP: &[&str] = &["trap"];
const STACK: &[&str] = &["limit-stack"];
const HANDLES: &[&str] = &["limit-handles"];
const HOST_DATA: &[&str] = &["limit-host-data"];
const FAILED: &[&str] = &["failed"];
const UNFIT: &[&str] = &["bad-result"];
const NO_PROOF: &[&str] = &["write-refused"];
/// Ended by what it hands over, or by what its result may be.
const TOO_LARGE: &[&str] = &["limit-host-data", "limit-result"];
/// What a flood of host calls ends by: whichever limit is there first.
const FLOOD: &[&str] = &["limit-host-calls", "limit-fuel"];
const FLOOD_TIME: &[&str] = &["limit-host-calls", "limit-time"];

const ZOO: &[Expected] = &[
    either("spin", &["limit-fuel"], &["limit-time"]),
    either("memfill", &["limit-fuel"], &["limit-time"]),
    both("recursion", STACK),
    both("recursion_frames", TRAP),
    both("recursion_host_calls", STACK),
    either("clock_spin", FLOOD, FLOOD_TIME),
    both("sleeper", &["limit-time"]),
    both("trap", TRAP),
    both("panic", TRAP),
    both("exit", TRAP),
    both("memory_bomb", &["limit-memory"]),
    either("memory_touch", DONE, DONE_IN_TIME),
    either("leave_canary", DONE, DONE_IN_TIME),
    either("find_canary", DONE, DONE_IN_TIME),
    both("counter", DONE),
    either("flood_caller", FLOOD, FLOOD_TIME),
    either("flood_kv", FLOOD, FLOOD_TIME),
    either("flood_log", FLOOD, FLOOD_TIME),
    either("flood_stdout", FLOOD, FLOOD_TIME),
    both("leak_handles", HANDLES),
    both("random_bomb", TRAP),
    both("huge_return", TOO_LARGE),
    both("huge_structure", TOO_LARGE),
    both("huge_log", HOST_DATA),
    both("huge_key", HOST_DATA),
    both("huge_value", HOST_DATA),
    both("many_blocks", TOO_LARGE),
    both("deep_json", UNFIT),
    both("keep", DONE),
    both("look", DONE),
    both("write_by_set", NO_PROOF),
    both("write_by_delete", NO_PROOF),
    both("write_by_swap", NO_PROOF),
    both("write_without_uses", FAILED),
    both("trap_after_write", TRAP),
    both("fail_after_write", FAILED),
    both("unknown_capability", DONE),
    both("other_tools_capability", FAILED),
    both("escape_keys", DONE),
    both("escape_pages", DONE),
    both("not_json", UNFIT),
    both("not_an_object", UNFIT),
    both("wrong_shape", UNFIT),
    both("no_structure", UNFIT),
    both("undeclared_question", UNFIT),
    both("bad_link", UNFIT),
    both("bad_mime", UNFIT),
    both("bad_meta", DONE),
    both("poison", DONE),
    both("forged_log", DONE),
    both("forged_stdout", DONE),
    both("look_around", DONE),
    both("turn", DONE),
    both("who", DONE),
    either("iterate_all", FLOOD, FLOOD_TIME),
    // Last: what they leave in the partition is there for all that come after them.
    both("fill_with_values", DONE),
    both("fill_with_keys", DONE),
];

/// What both manifests of the zoo say, or leave at its default.
struct Limits {
    memory: u64,
    fuel: u64,
    time: Duration,
    host_calls: u64,
    host_data: u64,
    handles: u64,
}

impl Short {
    fn limits(self) -> Limits {
        let (host_data, handles) = (4 << 20, 1_000);
        match self {
            Self::Fuel => Limits {
                memory: 16 << 20,
                fuel: 200_000_000,
                time: Duration::from_secs(30),
                host_calls: 10_000,
                host_data,
                handles,
            },
            Self::Time => Limits {
                memory: 256 << 20,
                fuel: 100_000_000_000,
                time: Duration::from_secs(1),
                host_calls: 1_000_000,
                host_data,
                handles,
            },
        }
    }
}

/// Limit, value and manifest key, as the error has to name them.
fn named(class: &str, limits: &Limits) -> Vec<String> {
    let both = |value: String, key: &str| vec![value, format!("`limits.{key}`")];
    match class {
        "limit-fuel" => both(limits.fuel.to_string(), "fuel"),
        "limit-time" => both(format!("{} ms", limits.time.as_millis()), "time"),
        "limit-memory" => both(limits.memory.to_string(), "memory"),
        "limit-host-calls" => both(limits.host_calls.to_string(), "host_calls"),
        "limit-host-data" => both(limits.host_data.to_string(), "host_data"),
        "limit-handles" => both(limits.handles.to_string(), "handles"),
        "limit-result" => both((1 << 20).to_string(), "result"),
        "limit-stack" => vec!["512 KiB".to_owned(), "no manifest can raise".to_owned()],
        _ => Vec::new(),
    }
}

fn arguments(tool: &str) -> Value {
    match tool {
        "keep" | "write_by_set" | "write_by_swap" | "write_without_uses" | "trap_after_write" | "fail_after_write" => {
            json!({ "key": "k", "value": "v" })
        }
        "look"
        | "write_by_delete"
        | "other_tools_capability"
        | "escape_keys"
        | "fill_with_values"
        | "fill_with_keys" => json!({ "key": "k" }),
        _ => json!({}),
    }
}

/// Everything that must hold after one attack, but for what it costs the host; gives what does not.
fn wrong(attack: &Attack, outcomes: &[&str], limits: &Limits) -> Vec<String> {
    let mut wrong = Vec::new();
    let (class, text) = (attack.class(), attack.text());
    if !outcomes.contains(&class) {
        wrong.push(format!("ended with {class}, not {outcomes:?}: {text}"));
    }
    if attack.is_error() == (class == "ok") {
        wrong.push(format!("the client was told otherwise than the audit's {class}: {text}"));
    }
    for part in named(class, limits).iter().filter(|part| !text.contains(part.as_str())) {
        wrong.push(format!("the error does not say {part}: {text}"));
    }
    for leak in [".rs:", "/proc/", "/tmp/", "wasm backtrace", "wasmtime", "0x", "on purpose"] {
        // What the zoo itself writes is none of the host's; `poison` and the keys of `escape_keys` are its own words.
        if attack.is_error() && text.contains(leak) {
            wrong.push(format!("the client reads {leak:?} (WX-31): {text}"));
        }
    }
    if attack.wall() > limits.time + LATE {
        wrong.push(format!("took {:?}; its time is {:?}", attack.wall(), limits.time));
    }
    if attack.number("memory") > limits.memory {
        wrong.push(format!("had {} bytes of memory; its limit is {}", attack.number("memory"), limits.memory));
    }
    if attack.number("fuel") > limits.fuel {
        wrong.push(format!("used {} of {} fuel", attack.number("fuel"), limits.fuel));
    }
    wrong
}

fn every_attack_ends_as_documented(short: Short) {
    let mut zoo = Zoo::open();
    let limits = short.limits();
    // A component's first call opens its memory image, which stays open with it.
    zoo.serves_with_all_it_has();
    zoo.attack(&short.wire("counter"), json!({}));
    let held = zoo.served.holds();
    let base = zoo.served.resident();
    // It sleeps for all of its time, so that the others are done beside it.
    let sleeper = thread::spawn({
        let mut client = zoo.served.client(Era::Legacy);
        let wire = short.wire("sleeper");
        move || client.call(&wire, json!({}))
    });
    let mut failures = Vec::new();
    for Expected { tool, fuel, time } in ZOO.iter().filter(|expected| expected.tool != "sleeper") {
        let outcomes = if short == Short::Fuel { fuel } else { time };
        zoo.served.forget_peak();
        let attack = zoo.attack(&short.wire(tool), arguments(tool));
        let mut found = wrong(&attack, outcomes, &limits);
        let (peak, after) = (zoo.served.peak(), zoo.served.resident());
        let allowed = base + limits.memory + SLACK;
        if peak > allowed || after > allowed {
            found.push(format!("the host grew to {peak} bytes and stayed at {after}; {allowed} are allowed"));
        }
        println!(
            "{:<28} {:<16} fuel {:>12}  guest {:>4} MiB  host +{:>3} MiB at most  {:>6} ms",
            short.wire(tool),
            attack.class(),
            attack.number("fuel"),
            attack.number("memory") >> 20,
            peak.saturating_sub(base) >> 20,
            attack.wall().as_millis(),
        );
        failures.extend(found.into_iter().map(|what| format!("{}: {what}", short.wire(tool))));
        zoo.still_serves(tool);
    }
    let result = sleeper.join().expect("the sleeper's client got an answer");
    let row = zoo.outcomes(&short.wire("sleeper"), 1).remove(0);
    let asleep = wrong(&Attack { result, row }, &["limit-time"], &limits);
    failures.extend(asleep.into_iter().map(|what| format!("{}: {what}", short.wire("sleeper"))));
    zoo.served.let_go(held);
    let after = zoo.served.resident();
    if after > base + SLACK {
        failures.push(format!("after all of them the host has {after} bytes; before it had {base}"));
    }
    assert!(zoo.served.is_up());
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

/// Fails without: `set_fuel` (WX-08), `Limiter` (WX-10), `set_hostcall_fuel` and `set_max_component_handles` (WX-11:
/// the engine has its own, far larger), a trap that ends its own call only (WX-12).
#[test]
fn wx_08_10_11_12_21_22_27_every_tool_of_the_zoo_ends_as_documented_when_fuel_is_short() {
    every_attack_ends_as_documented(Short::Fuel);
}

/// Fails without: the same, and for loops the epoch's callback, for `sleeper` the deadline around the whole call in
/// `run_here`.
#[test]
fn wx_08_10_11_12_21_22_27_every_tool_of_the_zoo_ends_as_documented_when_time_is_short() {
    every_attack_ends_as_documented(Short::Time);
}

#[test]
fn no_tool_of_the_zoo_is_left_out() {
    let zoo = Zoo::open();
    let served: BTreeSet<String> =
        zoo.served.tool_names().into_iter().filter(|name| name.starts_with("zoo_")).collect();
    let known = |short: Short| ZOO.iter().map(move |expected| short.wire(expected.tool));
    let expected: BTreeSet<String> = known(Short::Fuel).chain(known(Short::Time)).collect();
    assert_eq!(served, expected);
}

/// A client that goes away ends its call, and the audit says so (WX-29).
#[test]
fn wx_29_a_call_whose_client_goes_away_is_cancelled_within_a_second() {
    let mut zoo = Zoo::open();
    let wire = Short::Fuel.wire("sleeper");
    let mut connection = zoo.served.connect();
    let request = portcullis_tests::tool_request(Era::Legacy, 1, &wire, &json!({}));
    let headers = Era::Legacy.headers("tools/call", Some(&wire));
    connection.request("POST", "/mcp", &headers, request.to_string().as_bytes()).expect("sent");
    // Its intent is in the audit within the 50 ms of a flush: then it runs.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !zoo.home.must(["audit", "--json", "--tool", &wire]).contains("intent") {
        assert!(Instant::now() < deadline, "the call has no intent");
    }
    drop(connection);
    let gone = Instant::now();
    let rows = loop {
        let rows = zoo.new_outcomes(&wire);
        if !rows.is_empty() {
            break rows;
        }
        assert!(gone.elapsed() < Duration::from_secs(1), "a second after its client the call still runs");
    };
    assert_eq!(rows[0]["class"], "cancelled", "{}", rows[0]);
    zoo.still_serves("a client that went away");
}
