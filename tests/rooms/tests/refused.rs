//! What must never be published: every component of `tests/hostile/refused`, and those of `tests/hostile/generated.rs`. Each
//! goes through the program to a host that serves, and is refused for the reason that stands in its first line; nothing of
//! it is kept, and the host's other clients notice nothing.

#[path = "../../hostile/generated.rs"]
mod generated;
#[path = "hostile/neighbour.rs"]
mod neighbour;

use std::{
    ffi::OsStr,
    fs,
    panic::resume_unwind,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use generated::Plant;
use neighbour::neighbour;
use portcullis_tests::{Folder, Holds, Home, Ran, Served, plugin, root};
use serde_json::{Value, json};
use wasmparser::{Validator, WasmFeatures};

/// A manifest of a plugin with no capability; `{name}` is its name, and its component stands where that of `notes` does.
const MANIFEST: &str = r#"manifest = 1

[plugin]
name = "{name}"
version = "0.1.0"
component = "notes.wasm"
publisher = "portcullis"
summary = "A component that must not be published"

[limits]
memory = "16 MiB"

[[tool]]
name = "attack"
title = "Attacks"
description = "Use this in tests of a host. Do not use anywhere else."
label = "read"
"#;

/// A component of `tests/hostile/refused`.
struct Refused {
    name: String,
    text: String,
    /// The first line says for which rule.
    rule: String,
    component: Vec<u8>,
}

fn refused() -> Vec<Refused> {
    let mut refused: Vec<Refused> = fs::read_dir(root().join("tests/hostile/refused"))
        .expect("tests/hostile/refused")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().and_then(OsStr::to_str).expect("a name").to_owned();
            let text = fs::read_to_string(&path).expect("a text");
            let rule = text.lines().next().and_then(|line| line.strip_prefix(";; refused: "));
            let rule = rule.unwrap_or_else(|| panic!("{name} does not say for which rule it is refused"));
            let rule = rule.split(" (").next().expect("a rule").to_owned();
            let component = wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            Refused { name, text, rule, component }
        })
        .collect();
    refused.sort_by(|a, b| a.name.cmp(&b.name));
    refused
}

fn honest() -> Vec<u8> {
    let text = generated::plugin_text(include_str!("../../hostile/honest.wat"));
    wat::parse_str(text).expect("the honest plugin is a component")
}

/// A host that serves `notes`, and that a test tries to bring a guest into.
struct Gate {
    home: Home,
    served: Served,
    before: Value,
    /// What the process held before the first guest, and how much of the memory.
    held: Holds,
    resident: u64,
    /// How many refusals the audit has to have.
    refusals: u64,
}

/// The longest component that is taken, `compile.size`: while one is published it is there as text of the question, as bytes, and
/// on its way to the helper, and the allocator keeps what it had.
const LONGEST: u64 = 32 << 20;
const COPIES: u64 = 4;
/// Beyond that, how much a refusal may make the process grow.
const SLACK: u64 = 48 << 20;

impl Gate {
    fn configured(config: &str) -> Self {
        let home = Home::configured(format!("four_eyes = false\n{config}"));
        home.publish(&plugin("plugins/notes"));
        let served = home.serve();
        let before = releases(&home);
        // Each of the store's readers opens a file at its first read, which stays open with it.
        for _ in 0..8 {
            served.call("notes_search", json!({}));
        }
        let (held, resident) = (served.holds(), served.resident());
        Self { home, served, before, held, resident, refusals: 0 }
    }

    /// Publishes a component with a manifest that grants nothing.
    fn publish(&self, name: &str, component: &[u8]) -> Ran {
        let manifest = MANIFEST.replace("{name}", &name.replace('_', "-"));
        let folder = Folder::copy(&plugin("plugins/notes")).write("plugin.toml", manifest);
        self.publish_folder(&folder.write("notes.wasm", component))
    }

    fn publish_folder(&self, folder: &Folder) -> Ran {
        self.home.run([OsStr::new("publish"), OsStr::new("--approve"), folder.path().as_os_str()])
    }

    /// Everything that must hold after a refusal for one of `reasons`; gives what does not.
    fn wrong(&mut self, name: &str, ran: &Ran, reasons: &[&str]) -> Vec<String> {
        let mut wrong = Vec::new();
        println!("{name:<30} {} {}", ran.code, ran.stderr.trim().chars().take(200).collect::<String>());
        if ran.code != 1 {
            wrong.push(format!("{name}: exit code {}: {}{}", ran.code, ran.stdout, ran.stderr));
        } else if !reasons.iter().all(|reason| ran.stderr.contains(reason)) {
            wrong.push(format!("{name}: refused, but not for {reasons:?}: {}", ran.stderr));
        }
        let now = releases(&self.home);
        if now != self.before {
            wrong.push(format!("{name}: something of it is stored: {now}"));
            // So that the next one is judged by what it does itself.
            self.before = now;
        }
        if !self.served.is_up() {
            wrong.push(format!("{name}: the host is gone"));
        }
        let found = self.served.call("notes_search", json!({}));
        if found["isError"] == true {
            wrong.push(format!("{name}: the next call of a neighbour fails: {found}"));
        }
        let (peak, allowed) = (self.served.peak(), self.resident + COPIES * LONGEST + SLACK);
        if peak > allowed {
            wrong.push(format!("{name}: the host grew to {peak} bytes; {allowed} are allowed"));
        }
        self.refusals += u64::from(ran.code == 1);
        wrong
    }

    /// What must hold in the end: nothing is left open, every refusal is in the audit, and nothing was wrong.
    fn held(self, mut wrong: Vec<String>) {
        self.served.let_go(self.held);
        let rows = self.home.must(["audit", "--json", "--limit", "10000"]);
        let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"));
        let recorded: u64 =
            rows.filter(|row| row["class"] == "admin-refused").filter_map(|row| row["count"].as_u64()).sum();
        if recorded != self.refusals {
            wrong.push(format!("{} components were refused, and the audit says {recorded}", self.refusals));
        }
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    }
}

fn releases(home: &Home) -> Value {
    serde_json::from_str(&home.must(["releases", "--json"])).expect("JSON")
}

/// Fails without: `check_imports` for what is imported (WX-01: without it the linker would still refuse, in other
/// words), `guest_validator` for proposals (WX-13), the counts of `check_structure` and `check_exports` (WX-30).
#[test]
fn wx_01_13_30_and_eg_01_and_rg_40_every_component_is_refused_for_the_rule_in_its_first_line() {
    let mut gate = Gate::configured("");
    let honest = honest();
    let mut wrong = Vec::new();
    let guests = refused();
    assert!(guests.len() >= 42, "{} guests", guests.len());
    for Refused { name, text, rule, component } in guests {
        // Imports and exports are the plugin's own; what is inside one is refused in a plugin that is otherwise good.
        let (published, reasons): (Vec<u8>, Vec<String>) = match rule.as_str() {
            "import" => {
                let import = text.split("(import \"").nth(1).and_then(|rest| rest.split('"').next());
                let import = import.unwrap_or_else(|| panic!("{name} imports nothing"));
                (component, vec!["imports what its manifest does not open".to_owned(), import.to_owned()])
            }
            "export" if name == "export_wrong_type" => (component, vec!["does not fit the contract".to_owned()]),
            "export" => (component, vec!["does not export `portcullis:plugin/tools@0.1.0`".to_owned()]),
            "not a component" => (component, vec!["not a WebAssembly component".to_owned()]),
            "nesting" => (component, vec!["levels of nesting; this host takes 8".to_owned()]),
            "memory" => (generated::started_inside(&honest, &component), vec!["4294967296 bytes of memory".to_owned()]),
            "tables" => {
                (generated::started_inside(&honest, &component), vec!["table".to_owned(), "10000000".to_owned()])
            }
            "validation" => {
                let everything = Validator::new_with_features(WasmFeatures::all()).validate_all(&component);
                everything.unwrap_or_else(|error| panic!("{name} is not valid with all proposals on: {error}"));
                (generated::inside(&honest, &component), vec!["the component is not valid for this host: ".to_owned()])
            }
            // Whatever is switched on.
            "malformed" => {
                let everything = Validator::new_with_features(WasmFeatures::all()).validate_all(&component);
                everything.err().unwrap_or_else(|| panic!("{name} is valid with all proposals on"));
                (generated::inside(&honest, &component), vec!["the component is not valid for this host: ".to_owned()])
            }
            rule => panic!("{name}: a rule that this suite does not know: {rule}"),
        };
        let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
        let ran = gate.publish(&name, &published);
        wrong.extend(gate.wrong(&name, &ran, &reasons));
    }
    gate.held(wrong);
}

/// Without it the test above would say nothing: what it refuses is refused for the guest, not for what is around it.
#[test]
fn the_plugin_around_the_refused_ones_is_served() {
    let gate = Gate::configured("");
    let empty = wat::parse_str("(component)").expect("a component");
    let (inside, started) = (generated::inside(&honest(), &empty), generated::started_inside(&honest(), &empty));
    for (name, component) in [("inside", inside), ("started", started)] {
        let ran = gate.publish(name, &component);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let answer = gate.served.call(&format!("{name}_attack"), json!({}));
        assert_eq!(answer["content"][0]["text"], "x", "{answer}");
    }
}

/// Fails without: the comparison with `limits.memory` in `check_exports`.
#[test]
fn wx_10_a_memory_that_begins_above_its_limit_is_refused_by_the_name_of_the_limit() {
    let mut gate = Gate::configured("");
    let text = "(component (core module $m (memory 512)) (core instance (instantiate $m)))";
    let guest = wat::parse_str(text).expect("a component");
    let ran = gate.publish("guest", &generated::started_inside(&honest(), &guest));
    let wrong = gate.wrong("32 MiB", &ran, &["33554432", "`limits.memory`", "16777216"]);
    gate.held(wrong);
}

#[test]
fn wx_30_what_has_too_much_of_anything_is_refused_for_the_amount() {
    let mut gate = Gate::configured("");
    let mut wrong = Vec::new();
    for Plant { name, rule, bytes } in generated::too_much() {
        let start = Instant::now();
        let ran = gate.publish(name, &bytes);
        let took = start.elapsed();
        wrong.extend(gate.wrong(name, &ran, &[rule, "this host takes"]));
        if took > Duration::from_secs(5) {
            wrong.push(format!("{name}: refused only after {took:?}"));
        }
    }
    gate.held(wrong);
}

/// Fails without: a process for each component (the last of these overflows the stack of whoever validates it).
#[test]
fn wx_07_what_is_within_every_count_and_not_valid_is_refused_by_a_worker() {
    let mut gate = Gate::configured("");
    let honest = honest();
    let mut wrong = Vec::new();
    for Plant { name, rule, bytes } in generated::not_valid() {
        let ran = gate.publish(name, &generated::inside(&honest, &bytes));
        wrong.extend(gate.wrong(name, &ran, &[rule]));
    }
    // One level less, of the types, is taken, and the helper is there to take it.
    let deep = gate.publish("deep", &generated::inside(&honest, &generated::deep_type()));
    assert_eq!(deep.code, 0, "{}", deep.stderr);
    gate.held(wrong);
}

/// Fails without: `is_component`, which looks at the first bytes before any parser of the engine does.
#[test]
fn wx_06_what_is_no_component_or_a_broken_one_is_refused() {
    let mut gate = Gate::configured("");
    let notes = plugin("plugins/notes");
    let component = fs::read(notes.join("notes.wasm")).expect("notes.wasm");
    let mut wrong = Vec::new();
    for Plant { name, rule, bytes } in generated::not_a_component(&component) {
        let folder = Folder::copy(&notes).edit("name = \"notes\"", "name = \"guest\"").write("notes.wasm", &bytes);
        let ran = gate.publish_folder(&folder);
        // One broken byte or section may be seen by whichever check comes to it first.
        let any = ["not a WebAssembly component", "damaged", "not valid for this host", "does not export"];
        let reason = match rule {
            "not a component" | "not a component (WX-06)" => &any[..1],
            _ => any.iter().position(|reason| ran.stderr.contains(reason)).map_or(&any[..1], |at| &any[at..=at]),
        };
        wrong.extend(gate.wrong(name, &ran, reason));
    }
    gate.held(wrong);
}

/// Publishes all that is slow to compile while a neighbour calls.
fn compile_slowly(config: &str, longest: Duration, limits: &[&str]) {
    let mut gate = Gate::configured(config);
    let honest = honest();
    neighbour(&gate.served, 20, || true);
    let quiet = Instant::now() + Duration::from_secs(3);
    let alone = neighbour(&gate.served, 300, || Instant::now() > quiet);
    let mut wrong = alone.over(&alone, "alone");

    let done = AtomicBool::new(false);
    let (published, beside) = thread::scope(|scope| {
        let times = scope.spawn(|| neighbour(&gate.served, 100, || done.load(Ordering::Relaxed)));
        let published: Vec<_> = generated::slow_to_compile()
            .into_iter()
            .map(|Plant { name, bytes, .. }| {
                let start = Instant::now();
                let ran = gate.publish(name, &generated::inside(&honest, &bytes));
                (name, ran, start.elapsed())
            })
            .collect();
        done.store(true, Ordering::Relaxed);
        (published, times.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    wrong.extend(beside.over(&alone, "while others compile"));

    let mut ended = 0;
    for (name, ran, took) in published {
        println!("{name:<22} {} after {took:?}: {}", ran.code, ran.stderr.trim());
        if took > longest {
            wrong.push(format!("{name}: compiling took {took:?}; {longest:?} are allowed"));
        }
        if ran.code == 0 {
            // It was fast enough: then it is a plugin like any other.
            let answer = gate.served.call(&format!("{name}_attack"), json!({}));
            assert_eq!(answer["content"][0]["text"], "x", "{name}: {answer}");
            // The image of its memory, which stays open with it.
            gate.held.descriptors += 1;
            continue;
        }
        ended += 1;
        gate.refusals += 1;
        if ran.code != 1 || !limits.iter().any(|limit| ran.stderr.contains(limit)) {
            wrong.push(format!("{name}: {} and not by {limits:?}: {}", ran.code, ran.stderr));
        }
        if releases(&gate.home).to_string().contains(&name.replace('_', "-")) {
            wrong.push(format!("{name}: something of it is stored"));
        }
    }
    // A limit that nothing meets is not tested.
    assert!(ended > 0, "no compile bomb met a limit");
    assert!(gate.served.is_up());
    // The helper lives on: an honest plugin is compiled after them.
    let honest = gate.publish("honest", &honest);
    assert_eq!(honest.code, 0, "{}", honest.stderr);
    gate.held(wrong);
}

/// Fails without: RLIMIT_CPU in the worker's `confine`; the neighbour would wait if the serving process compiled.
#[test]
fn wx_07_a_compile_bomb_ends_at_its_cpu_time_and_a_neighbour_does_not_wait() {
    compile_slowly("[compile]\ncpu = 2\nwall = 30\n", Duration::from_secs(20), &["`compile.cpu`"]);
}

/// Fails without: the helper that kills a worker after `limits.wall`.
#[test]
fn wx_07_a_compile_bomb_ends_at_its_wall_time_and_a_neighbour_does_not_wait() {
    compile_slowly("[compile]\ncpu = 60\nwall = 2\n", Duration::from_secs(5), &["`compile.wall`"]);
}
