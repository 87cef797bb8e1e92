//! A plugin's folder: manifest, schemas, component.

use std::{fs, process::Command};

use portcullis_tests::{Folder, Home, plugin};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{Witness, each, says};

/// What is wrong, how the folder of `notes` becomes so, and what the refusal has to say.
type Case = (&'static str, fn(Folder) -> Folder, &'static [&'static str]);

const MANIFESTS: &[Case] = &[
    ("an unknown key", |f| f.edit("[limits]", "[limits]\nspeed = 3"), &["plugin.toml:18:", "no key `speed`"]),
    ("an unknown table", |f| f.edit("[limits]", "[network]\nall = true\n[limits]"), &["no key `network`"]),
    ("a misspelt key", |f| f.edit("summary =", "sumary ="), &["plugin.toml:8:", "did you mean `summary`"]),
    ("a duplicate key", |f| f.edit("time = \"5 s\"", "time = \"5 s\"\ntime = \"9 s\""), &["`time` is written twice"]),
    ("a duplicate table", |f| f.edit("[limits]", "[plugin]\n[limits]"), &["plugin.toml:17:", "twice"]),
    ("broken TOML", |f| f.edit("[limits]", "[limits"), &["plugin.toml:17:", "not TOML"]),
    ("an open string", |f| f.edit("publisher = \"portcullis\"", "publisher = \"port"), &["plugin.toml:7:", "not TOML"]),
    ("nothing", |f| f.write("plugin.toml", ""), &["plugin.toml", "missing"]),
    ("bytes that are no text", |f| f.write("plugin.toml", b"manifest = 1\n\xff\xfe"), &["plugin.toml: not UTF-8"]),
    ("a component for a manifest", |f| f.write("plugin.toml", b"\0asm\x0d\0\x01\0"), &["plugin.toml:1:", "not TOML"]),
    ("a novel", |f| f.write("plugin.toml", "# x\n".repeat(20_000)), &["80000 bytes", "at most 65536"]),
    ("a later format", |f| f.edit("manifest = 1", "manifest = 2"), &["manifests of format 1, not `2`"]),
    ("a number for a text", |f| f.edit("version = \"0.1.0\"", "version = 0.1"), &["plugin.version", "write"]),
    ("no version of ours", |f| f.edit("\"0.1.0\"", "\"latest\""), &["plugin.version", "`latest` is not allowed"]),
    (
        "a name for two",
        |f| f.edit("name = \"search\"", "name = \"create\""),
        &["the tool `create` is on line 23 already"],
    ),
    ("no tool", |f| f.write("plugin.toml", WITHOUT_TOOL), &["no tool; write at least one [[tool]]"]),
    ("too low a label", |f| f.edit("label = \"write\"", "label = \"read\""), &["`read` is lower", "`notebook:write`"]),
    ("an unknown label", |f| f.edit("\"destructive\"", "\"safe\""), &["`safe` is not known", "`destructive`"]),
    ("an undeclared capability", |f| f.edit("notebook:write", "diary:write"), &["no capability `diary`"]),
    ("a capability we lack", |f| f.edit("kind = \"kv\"", "kind = \"socket\""), &["no capability of kind `socket`"]),
    ("too much memory", |f| f.edit("\"16 MiB\"", "\"16 GiB\""), &["`memory` is 16 GiB", "maximum is 512 MiB"]),
    ("less than no fuel", |f| f.edit("1_000_000_000", "-1"), &["limits.fuel", "write"]),
    ("more than any fuel", |f| f.edit("1_000_000_000", "99999999999999999999"), &["limits.fuel", "write"]),
    ("a component outside", |f| f.edit("\"notes.wasm\"", "\"../notes.wasm\""), &["`../notes.wasm` is not allowed"]),
    ("an absolute component", |f| f.edit("\"notes.wasm\"", "\"/dev/zero\""), &["`/dev/zero` is not allowed"]),
    ("a schema outside", |f| f.edit("schemas/id.json", "../../id.json"), &["`../../id.json` is not allowed"]),
    ("hidden text", |f| f.edit("Read a note", "Read\u{200b} a note"), &["U+200B", "nobody sees"]),
    ("turned text", |f| f.edit("Read a note", "Read \u{202e}eton"), &["U+202E", "direction of text"]),
    ("a question", |f| f.edit("label = \"write\"", "label = \"write\"\nask = [\"phone\"]"), &["`phone` is not known"]),
];

const SCHEMAS: &[Case] = &[
    (
        "no such schema",
        |f| f.remove("schemas/id.json"),
        &["schemas/id.json", "`tool.", "which is not there: write the schema there"],
    ),
    ("a schema that is no JSON", |f| f.write("schemas/id.json", "{'type':"), &["schemas/id.json:1:2", "not JSON"]),
    ("a schema that is no text", |f| f.write("schemas/id.json", b"{\"type\":\"\xff\"}"), &["schemas/id.json", "UTF-8"]),
    (
        // Only the description: replacing the byte would leave a good schema, and another one than the author's.
        "a schema with one bad byte",
        |f| f.edit("0.1.0", "0.1.1").write("schemas/id.json", b"{\"type\":\"object\",\"title\":\"caf\xe9\"}"),
        &["schemas/id.json", "UTF-8"],
    ),
    (
        "a member twice",
        |f| f.write("schemas/id.json", r#"{"type":"object","type":"object"}"#),
        &["schemas/id.json:1:", "the member `type` is written twice"],
    ),
    (
        "a schema from elsewhere",
        |f| f.write("schemas/id.json", r#"{"type":"object","properties":{"a":{"$ref":"https://example.com/a"}}}"#),
        &["schemas/id.json:1:", "`https://example.com/a` leaves this file"],
    ),
    ("a list for a schema", |f| f.write("schemas/id.json", "[]"), &["schemas/id.json:1:", "a schema is an object"]),
    ("no object", |f| f.write("schemas/id.json", r#"{"type":"string"}"#), &["write `\"type\": \"object\"` here"]),
    (
        "a keyword nobody knows",
        |f| f.write("schemas/id.json", r#"{"type":"object","requires":["id"]}"#),
        &["there is no keyword `requires`"],
    ),
    (
        "a schema for ever",
        |f| f.write("schemas/id.json", r##"{"type":"object","$ref":"#"}"##),
        &["refers to itself without going into the value"],
    ),
    // Twenty-eight steps that each double what is below: 1.9 KB that would take seconds to check one text.
    ("an exponential schema", |f| f.write("schemas/id.json", ladder(28)), &["schemas/id.json:1:", "steps"]),
    (
        "a pattern that backtracks",
        |f| f.write("schemas/id.json", pattern(r"^(a|a)*\\1$")),
        &["schemas/id.json:1:", "pattern"],
    ),
    (
        "a pattern that looks around",
        |f| f.write("schemas/id.json", pattern("^(?=a)(a+)+$")),
        &["schemas/id.json:1:", "pattern"],
    ),
    (
        "a pattern that is small and becomes large",
        |f| f.write("schemas/id.json", pattern("(?:a{1,1000}){1,1000}")),
        &["schemas/id.json:1:", "pattern"],
    ),
    (
        "a deep schema",
        |f| f.write("schemas/id.json", format!("{}{}", r#"{"not":"#.repeat(200), "}".repeat(200))),
        &["schemas/id.json:1:", "nested more than 64 deep"],
    ),
];

const COMPONENTS: &[Case] = &[
    (
        "no component",
        |f| f.remove("notes.wasm"),
        &["notes.wasm", "`plugin.component` of plugin.toml names", "which is not there: build it"],
    ),
    ("an empty file", |f| f.write("notes.wasm", ""), &["this is an empty file, not a WebAssembly component"]),
    ("text", |f| f.write("notes.wasm", "(component)"), &["this is WebAssembly text, not a WebAssembly component"]),
    ("an ELF file", |f| f.write("notes.wasm", b"\x7fELF\x02\x01\x01"), &["this is an ELF file", "never taken in"]),
    ("a core module", |f| f.write("notes.wasm", b"\0asm\x01\0\0\0"), &["this is a core WebAssembly module"]),
    ("something else", |f| f.write("notes.wasm", "#!/bin/sh\nexit 0\n"), &["this is something else, not a"]),
    ("only the first bytes", |f| f.write("notes.wasm", b"\0asm\x0d\0\x01\0"), &["does not export", "tools"]),
    ("garbage", |f| f.write("notes.wasm", [b"\0asm\x0d\0\x01\0", &[0xa5; 4096][..]].concat()), &["damaged at byte"]),
    ("half of it", |f| truncated(f, 2), &["damaged at byte"]),
    ("too much of it", |f| with_data(f, 33 << 20), &["`compile.size`", "33554432"]),
    // Too much also for a question to the owner, which has its own limit.
    ("far too much", |f| with_data(f, 50 << 20), &["`compile.size`", "33554432"]),
    ("more than is read", |f| with_data(f, 65 << 20), &["notes.wasm: longer than 64 MiB"]),
    (
        "imports not asked for",
        |f| f.write("plugin.toml", WITHOUT_CAPABILITY),
        &["imports what its manifest does not open: portcullis:plugin/kv", "capability of kind \"kv\""],
    ),
];

const WITHOUT_TOOL: &str = r#"
manifest = 1
tool = []
[plugin]
name = "notes"
version = "0.1.1"
component = "notes.wasm"
publisher = "portcullis"
summary = "Does nothing"
"#;

/// `notes`, but without the capability that its component imports.
const WITHOUT_CAPABILITY: &str = r#"
manifest = 1
[plugin]
name = "notes"
version = "0.1.1"
component = "notes.wasm"
publisher = "portcullis"
summary = "Asks for nothing"
[[tool]]
name = "read"
title = "Read"
description = "Use this when a test needs it."
label = "read"
input = "schemas/id.json"
"#;

/// Definitions that refer to the next one twice.
fn ladder(steps: usize) -> String {
    let step = |n: usize| {
        let next = format!("{{\"$ref\":\"#/$defs/s{}\"}}", n + 1);
        format!("\"s{n}\":{{\"allOf\":[{next},{next}]}}")
    };
    let defs: Vec<String> = (0..steps).map(step).chain([format!("\"s{steps}\":{{\"type\":\"string\"}}")]).collect();
    let properties = "{\"id\":{\"$ref\":\"#/$defs/s0\"}}";
    format!("{{\"type\":\"object\",\"properties\":{properties},\"$defs\":{{{}}}}}", defs.join(","))
}

/// A schema whose one member has to match.
fn pattern(pattern: &str) -> String {
    format!("{{\"type\":\"object\",\"properties\":{{\"id\":{{\"type\":\"string\",\"pattern\":\"{pattern}\"}}}}}}")
}

fn truncated(folder: Folder, part: usize) -> Folder {
    let component = fs::read(folder.path().join("notes.wasm")).expect("the component can be read");
    folder.write("notes.wasm", &component[..component.len() / part])
}

/// The component, with so many bytes of data in one more core module: only its size is wrong.
fn with_data(folder: Folder, bytes: u32) -> Folder {
    let number = |mut value: u32| {
        // LEB128, always of five bytes.
        let mut out = Vec::new();
        for _ in 0..4 {
            out.push(0x80 | (value & 0x7f).to_le_bytes()[0]);
            value >>= 7;
        }
        out.push(value.to_le_bytes()[0]);
        out
    };
    // One passive segment: it needs no memory.
    let data = [&[1, 1][..], &number(bytes), &vec![0; bytes as usize]].concat();
    let length = u32::try_from(data.len()).expect("it is less than 4 GiB");
    let module = [b"\0asm\x01\0\0\0\x0b", &number(length)[..], &data].concat();
    let length = u32::try_from(module.len()).expect("it is less than 4 GiB");
    let component = fs::read(folder.path().join("notes.wasm")).expect("the component can be read");
    folder.write("notes.wasm", [&component[..], &[1], &number(length), &module].concat())
}

/// Publishes each through the owner, which must refuse it and go on.
fn all_are_refused(cases: &[Case]) {
    let mut witness = Witness::new();
    let refused = |(what, spoil, words): &&Case| {
        let folder = spoil(Folder::copy(&plugin("plugins/notes")));
        let ran = witness.home.run(["publish".as_ref(), folder.path().as_os_str()]);
        witness.is_unharmed_by(what);
        witness.has_the_same_releases_after(what);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{what}: {ran:?}");
        says(&ran.stderr, words, what);
        assert!(!ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
    };
    each(cases, refused, |(what, ..)| (*what).to_owned());
}

/// `check` refuses them, too; it needs no owner.
fn check_agrees<'a>(cases: impl IntoIterator<Item = &'a Case>) {
    let home = Home::new();
    let refused = |(what, spoil, words): &&Case| {
        let folder = spoil(Folder::copy(&plugin("plugins/notes")));
        let ran = home.run(["check".as_ref(), folder.path().as_os_str()]);
        assert_eq!(ran.code, 1, "{what}: {ran:?}");
        says(&ran.stderr, words, what);
    };
    each(cases, refused, |(what, ..)| (*what).to_owned());
}

#[test]
fn rg_40_a_bad_manifest_is_refused_with_its_line() {
    all_are_refused(MANIFESTS);
}

#[test]
fn mc_06_a_bad_schema_is_refused_with_its_place() {
    all_are_refused(SCHEMAS);
}

/// Fails without: `is_component`, the parser's errors in `check_structure`, `compile.size`.
#[test]
fn wx_06_what_is_no_component_or_too_much_of_one_is_refused() {
    all_are_refused(COMPONENTS);
}

#[test]
fn check_refuses_what_publish_refuses() {
    check_agrees(MANIFESTS);
    check_agrees(SCHEMAS);
    // It compiles nothing: exports and size are looked at when there is something to keep.
    let later = ["only the first bytes", "too much of it", "far too much"];
    check_agrees(COMPONENTS.iter().filter(|(what, ..)| !later.contains(what)));
}

#[test]
fn wx_06_a_component_with_changed_bytes_harms_nobody() {
    let mut witness = Witness::new();
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let folder = Folder::copy(&plugin("plugins/notes"));
    let whole = fs::read(folder.path().join("notes.wasm")).expect("the component can be read");
    let mut folder = folder.edit("\"notes\"", "\"changed\"");
    for round in 0..24 {
        let mut component = whole.clone();
        for _ in 0..chance.random_range(1..=8) {
            let at = chance.random_range(8..component.len());
            component[at] = chance.random();
        }
        folder = folder.write("notes.wasm", &component).edit(&version(round), &version(round + 1));
        let ran = witness.home.run(["publish".as_ref(), folder.path().as_os_str()]);
        let what = format!("seed {seed}, round {round}: {ran:?}");
        // A changed constant makes another good component.
        assert!(ran.code == 0 || (ran.code == 1 && ran.stderr.starts_with("portcullis: ")), "{what}");
        witness.is_unharmed_by(&what);
    }
}

fn version(round: usize) -> String {
    format!("version = \"0.1.{round}\"")
}

#[test]
fn a_path_without_a_plugin_is_refused() {
    let mut witness = Witness::new();
    let empty = tempfile::tempdir().expect("a temporary folder can be made");
    let nowhere = empty.path().join("nowhere");
    let manifest = empty.path().join("plugin.toml");
    for command in ["check", "publish"] {
        witness
            .home
            .run([command.as_ref(), nowhere.as_os_str()])
            .is(1, &["nowhere", "is not there: a plugin is a folder"]);
        witness
            .home
            .run([command.as_ref(), empty.path().as_os_str()])
            .is(1, &["plugin.toml", "is not there: a plugin is a folder"]);
    }
    // A file is read only so far, no link is followed, and a file without an end is none.
    let whole = fs::File::create(&manifest).expect("a file can be made");
    whole.set_len((64 << 20) + 1).expect("it has no blocks");
    witness.home.run(["publish".as_ref(), empty.path().as_os_str()]).is(1, &["longer than 64 MiB"]);
    fs::remove_file(&manifest).expect("it is there");
    std::os::unix::fs::symlink("/dev/zero", &manifest).expect("a link can be made");
    witness.home.run(["publish".as_ref(), empty.path().as_os_str()]).is(1, &["links are not followed"]);
    witness.home.run(["publish".as_ref(), manifest.as_os_str()]).is(1, &["a device"]);
    witness.is_unharmed_by("paths without a plugin");
}

#[test]
fn a_version_and_a_name_are_given_once() {
    let mut witness = Witness::new();
    let other = Folder::copy(&plugin("plugins/notes")).edit("Personal notes", "Other notes");
    let taken = witness.home.run(["publish".as_ref(), other.path().as_os_str()]);
    taken.is(1, &["notes@0.1.0 exists already", "immutable", "raise `plugin.version`"]);
    // The same once more is no fault, and changes nothing.
    let again = witness.home.must(["publish".as_ref(), plugin("plugins/notes").as_os_str()]);
    assert!(again.contains("was published already"), "{again}");
    witness.has_the_same_releases_after("publishing again");

    let memo = Folder::copy(&plugin("plugins/notes")).edit("name = \"notes\"", "name = \"memo\"");
    let arguments = |prefix: &str| ["publish".into(), "--prefix".into(), prefix.into(), memo.path().to_owned()];
    witness.home.run(arguments("Bad Prefix ")).is(1, &["`Bad Prefix `", "not allowed"]);
    // What notes has served stays its own, whether or not it serves it now.
    witness.home.run(arguments("notes_")).is(1, &["`notes_", "was served by notes@0.1.0", "--prefix"]);
    witness.is_unharmed_by("a taken name");
}

#[test]
fn publish_does_not_depend_on_where_it_is_run() {
    // A path relative to where the command runs, while the owner runs elsewhere.
    let witness = Witness::new();
    let folder = Folder::copy(&plugin("examples/echo-rust"));
    let line = witness.home.command_line(["publish", "--approve", "."]);
    let mut command = Command::new(&line[0]);
    let output = command.args(&line[1..]).current_dir(folder.path()).output().expect("the program can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(witness.served.tool_names().contains(&"echo_echo".to_owned()));
}
