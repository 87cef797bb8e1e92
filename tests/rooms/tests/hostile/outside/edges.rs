//! Every limit of a manifest that a guest meets by a number of its own: what is as much as the limit says is done, one more is not,
//! and the error names it. (Limits that only the host counts have their edges beside what counts them: memory and tables in
//! `host/sandbox/src/run/limiter.rs`, `log` in `capabilities/log.rs`, `result` in `host/calls/src/answer.rs`, calls at once in
//! `host/calls/src/rate.rs` and `capacity.rs`, what a manifest may say in `host/manifest/src/tests/refusals/limits.rs`, questions in
//! `host/calls/src/way/form.rs`, depth of JSON in `host/mcp/src/json`, sizes of components in `host/sandbox/src/compile`.)

use portcullis_tests::{Folder, plugin};
use serde_json::{Value, json};

use super::world::World;
use crate::zoo::{Attack, Zoo};

/// The limits of the manifest that this suite publishes.
const LIMITS: &str = "memory = \"16 MiB\"\nfuel = 3_000_000_000\ntime = \"20 s\"\nrequests = 3\nrequest_body = 500\nresponse_body = 600\n\
    headers = 7\nhost_calls = 50\nhost_data = \"64 KiB\"\nhandles = 10\narguments = 2000\nkv_value = 1000\nkv_writes = 5\n\
    kv_bytes = 1200\nfile = 1000\nfile_writes = 3\nfile_bytes = 1200\nlog = \"1 MiB\"\n";

/// What, how much of it is allowed, how the call ends beyond that, and what its error names.
const EDGES: [(&str, usize, &str, &str); 18] = [
    ("kv_key", 512, "failed", "512"),
    ("kv_value", 1000, "failed", "`limits.kv_value`"),
    ("kv_writes", 5, "failed", "`limits.kv_writes`"),
    ("kv_bytes", 1200, "failed", "`limits.kv_bytes`"),
    ("file_name", 128, "failed", "128"),
    ("file", 1000, "failed", "`limits.file`"),
    ("file_writes", 3, "failed", "`limits.file_writes`"),
    ("file_bytes", 1200, "failed", "`limits.file_bytes`"),
    ("requests", 3, "outcome-unknown", "`limits.requests`"),
    ("request_body", 500, "failed", "`limits.request_body`"),
    ("response_body", 600, "outcome-unknown", "`response_body`"),
    ("request_headers", 7, "failed", "`headers`"),
    ("response_headers", 7, "outcome-unknown", "`headers`"),
    ("header_bytes", 8192, "failed", "8192"),
    ("url", 8192, "failed", "8192"),
    ("host_calls", 50, "limit-host-calls", "`limits.host_calls`"),
    ("host_data", 64 << 10, "limit-host-data", "`limits.host_data`"),
    ("random", 64 << 10, "trap", ""),
];

fn edges(world: &World) -> Zoo {
    let home = world.home();
    let text =
        std::fs::read_to_string(plugin("tests/hostile/outside").join("plugin.toml")).expect("the manifest is text");
    let (_, limits) = text.split_once("[limits]\n").expect("it has limits");
    let (limits, _) = limits.split_once("\n[[tool]]").expect("tools come after them");
    let folder = Folder::copy(&plugin("tests/hostile/outside")).edit("name = \"outside\"", "name = \"edges\"");
    home.publish(folder.edit(limits, LIMITS).path());
    Zoo::serve(home)
}

fn amount(zoo: &mut Zoo, of: &str, n: usize) -> Attack {
    zoo.attack("edges_amount", json!({ "of": of, "n": n }))
}

/// Fails if any of these limits is off by one, is not looked at, or is not named.
#[test]
fn wx_11_and_eg_29_and_st_20_as_much_as_each_limit_says_is_done_and_one_more_is_not() {
    let world = World::open();
    let mut zoo = edges(&world);
    let mut wrong = Vec::new();
    for (of, limit, class, named) in EDGES {
        for n in [limit - 1, limit] {
            let attack = amount(&mut zoo, of, n);
            if attack.class() != "ok" {
                wrong.push(format!("{n} of {of}, of which {limit} are allowed: {}: {}", attack.class(), attack.text()));
            }
        }
        let (connections, heard) = (world.connections(), world.heard().len());
        let attack = amount(&mut zoo, of, limit + 1);
        if attack.class() != class || !attack.text().contains(named) {
            wrong.push(format!(
                "{} of {of}, of which {limit} are allowed: {}: {}",
                limit + 1,
                attack.class(),
                attack.text()
            ));
        }
        // What is too much of a request is not sent in part.
        if ["request_body", "request_headers", "header_bytes", "url"].contains(&of) {
            assert_eq!((world.connections(), world.heard().len()), (connections, heard), "{of}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Of handles the engine keeps some for itself: one for each kind that the component knows.
    let fits = (1..).take_while(|n| amount(&mut zoo, "handles", *n).class() == "ok").count();
    assert!((1..=10).contains(&fits), "{fits} handles, of which 10 are allowed");
    let attack = amount(&mut zoo, "handles", fits + 1);
    assert!(attack.class() == "limit-handles" && attack.text().contains("`limits.handles`"), "{}", attack.text());
    zoo.still_serves("the edges");
}

/// Fails if arguments are measured otherwise than as the JSON text that the guest gets.
#[test]
fn mc_08_arguments_are_as_long_as_their_limit_says_and_not_longer() {
    let world = World::open();
    let mut zoo = edges(&world);
    let asked = |length: usize| {
        let bare = json!({ "of": "arguments", "n": 0, "padding": "" });
        json!({ "of": "arguments", "n": 0, "padding": "p".repeat(length - bare.to_string().len()) })
    };
    for length in [1999, 2000] {
        let arguments = asked(length);
        let came = format!("{} of padding", arguments["padding"].as_str().unwrap_or_default().len());
        let attack = zoo.attack("edges_amount", arguments);
        assert!(attack.class() == "ok" && attack.text().contains(&came), "{length}: {}", attack.text());
    }
    let refused: Value = zoo.call("edges_amount", asked(2001));
    assert!(refused["isError"] == true && refused.to_string().contains("`limits.arguments`"), "{refused}");
}

/// Fails if what a call may use changes what it uses, or if the limit is taken for less or for much more than it is. (The engine
/// looks at the fuel where loops and functions begin: behind the last of these some instructions more are not seen.)
#[test]
fn wx_09_a_call_needs_the_fuel_that_it_uses() {
    const UNSEEN: u64 = 1_000;
    let world = World::open();
    let mut zoo = Zoo::serve(world.home());
    let used = zoo.attack("outside_file_names", json!({})).number("fuel");
    for (name, fuel, class) in [("less", used - UNSEEN, "limit-fuel"), ("enough", used, "ok"), ("more", used + 1, "ok")]
    {
        let folder = Folder::copy(&plugin("tests/hostile/outside"))
            .edit("name = \"outside\"", &format!("name = \"{name}\""))
            .edit("fuel = 3_000_000_000", &format!("fuel = {fuel}"));
        zoo.home.publish(folder.path());
        let attack = zoo.attack(&format!("{name}_file_names"), json!({}));
        assert_eq!((attack.class(), attack.number("fuel")), (class, used.min(fuel)), "{name}: {}", attack.text());
    }
}
