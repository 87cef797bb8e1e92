//! The guests of `tests/hostile/wat`: attacks below the level of a language. What each must come to stands in its first
//! line, and this suite reads it from there.

use std::{fs, path::PathBuf};

use portcullis_tests::{Folder, Home, plugin, root};
use serde_json::json;

use crate::zoo::{LATE, SLACK, Zoo};

/// A manifest with one tool; `{name}` is the plugin's.
const MANIFEST: &str = r#"manifest = 1

[plugin]
name = "{name}"
version = "0.1.0"
component = "notes.wasm"
publisher = "portcullis"
summary = "An attack below the level of a language"

[limits]
memory = "16 MiB"
fuel = 50_000_000
time = "2 s"

[[tool]]
name = "attack"
title = "Attacks"
description = "Use this in tests of a host. Do not use anywhere else."
label = "read"
"#;

/// An attack, its text and what is expected of it.
struct Guest {
    name: String,
    text: String,
    expected: Vec<&'static str>,
    /// The text that it has to answer with, where that says whether it won.
    answer: Option<String>,
}

fn folder() -> PathBuf {
    root().join("tests/hostile/wat")
}

/// The words of the README, as the audit's.
fn outcomes(line: &str) -> Vec<&'static str> {
    let expected = line.strip_prefix(";; Expected: ").unwrap_or_else(|| panic!("no expectation: {line}"));
    let words = expected.split(['.', ';', '(']).next().expect("a sentence");
    let known = [
        ("trap", "trap"),
        ("fuel", "limit-fuel"),
        ("time", "limit-time"),
        ("memory", "limit-memory"),
        ("table", "limit-memory"),
        ("stack", "limit-stack"),
        ("handles", "limit-handles"),
        ("host data", "limit-host-data"),
        ("failed", "failed"),
        ("done", "ok"),
        ("refused when published", "refused"),
    ];
    let parts: Vec<&str> = words.split(',').map(|part| part.trim().trim_start_matches("or ").trim()).collect();
    let found: Vec<&str> = known.iter().filter(|(word, _)| parts.contains(word)).map(|(_, outcome)| *outcome).collect();
    assert!(!found.is_empty(), "an expectation that this suite does not know: {line}");
    found
}

fn guests() -> Vec<Guest> {
    let around = fs::read_to_string(folder().join("around.wat")).expect("around.wat");
    let mut guests: Vec<Guest> = fs::read_dir(folder())
        .expect("tests/hostile/wat")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !path.ends_with("around.wat"))
        .map(|path| {
            let attack = fs::read_to_string(&path).expect("a text");
            let line = attack.lines().next().expect("a first line");
            let expected = outcomes(line);
            let answer =
                line.split_once("done, with `").and_then(|(_, rest)| rest.split('`').next()).map(str::to_owned);
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
            Guest { name, text: around.replace(";; HERE", &attack), expected, answer }
        })
        .collect();
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    guests
}

/// Fails without: `Limiter` (WX-10), `set_hostcall_fuel` and `set_max_component_handles` (WX-11), fuel and stack around
/// everything that runs for a call (WX-12, WX-21, WX-23). What lifts and lowers values
/// (WX-24) and what refuses to enter again (WX-20) is the engine's; `nan_payload` fails without `cranelift_nan_canonicalization`
/// (WX-40).
#[test]
fn wx_10_11_12_20_21_23_24_40_every_attack_below_a_language_ends_as_its_first_line_says() {
    let guests = guests();
    assert!(guests.len() >= 45, "{} guests", guests.len());
    let home = Home::with([plugin("plugins/notes")]);
    let mut refused = Vec::new();
    for Guest { name, text, .. } in &guests {
        let component = wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let manifest = MANIFEST.replace("{name}", &name.replace('_', "-"));
        let folder =
            Folder::copy(&plugin("plugins/notes")).write("plugin.toml", manifest).write("notes.wasm", component);
        let ran = home.run(["publish".into(), "--approve".into(), folder.path().to_owned()]);
        match ran.code {
            0 => {}
            1 => refused.push((name.clone(), ran.stderr)),
            code => panic!("{name}: publish ended with {code}: {}", ran.stderr),
        }
    }
    let mut zoo = Zoo::serve(home);
    zoo.serves_with_all_it_has();
    // Once before anything is measured: a component's first call opens its memory image, which stays open with it.
    for Guest { name, .. } in guests.iter().filter(|guest| !refused.iter().any(|(name, _)| *name == guest.name)) {
        zoo.attack(&format!("{name}_attack"), json!({}));
    }
    let (held, base) = (zoo.served.holds(), zoo.served.resident());
    let mut failures = Vec::new();
    for Guest { name, expected, answer, .. } in &guests {
        if let Some((_, why)) = refused.iter().find(|(refused, _)| refused == name) {
            println!("{name:<28} refused: {}", why.trim());
            if !expected.contains(&"refused") {
                failures.push(format!("{name}: refused when published, not {expected:?}: {why}"));
            }
            continue;
        }
        zoo.served.forget_peak();
        let attack = zoo.attack(&format!("{name}_attack"), json!({}));
        let peak = zoo.served.peak();
        println!("{name:<28} {:<16} {}", attack.class(), attack.text());
        if !expected.contains(&attack.class()) {
            failures.push(format!("{name}: {}, not {expected:?}: {}", attack.class(), attack.text()));
        }
        if answer.as_ref().is_some_and(|answer| attack.class() == "ok" && *answer != attack.text()) {
            failures.push(format!("{name}: answered {}, not {answer:?}", attack.text()));
        }
        if attack.is_error() == (attack.class() == "ok") {
            failures.push(format!("{name}: the client was told otherwise: {}", attack.result));
        }
        if attack.wall().as_secs_f64() > 2.0 + LATE.as_secs_f64() {
            failures.push(format!("{name}: took {:?}", attack.wall()));
        }
        if attack.number("memory") > 16 << 20 || peak > base + (16 << 20) + SLACK {
            failures.push(format!("{name}: {} bytes of guest, host from {base} to {peak}", attack.number("memory")));
        }
        zoo.still_serves(name);
    }
    zoo.served.let_go(held);
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}
