use std::collections::BTreeSet;

use portcullis_manifest::{Effect, HOST_FUNCTIONS, Manifest};
use wit_parser::{Resolve, WorldItem};

use super::*;

fn wit() -> (Resolve, wit_parser::WorldId) {
    let mut resolve = Resolve::new();
    let directory = format!("{}/../../wit", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let (package, _) = resolve.push_dir(directory).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    (resolve, world)
}

/// DESIGN rule 4: every imported function says its effect, and the host's table says the same.
#[test]
fn wr_01_the_wit_and_the_host_table_hold_the_same_functions_with_the_same_effects() {
    let (resolve, world) = wit();
    let mut written = BTreeSet::new();
    for item in resolve.worlds[world].imports.values() {
        let WorldItem::Interface { id, .. } = item else { panic!("the world imports interfaces only") };
        let interface = &resolve.interfaces[*id];
        let name = interface.name.clone().unwrap();
        assert!(interface.docs.contents.is_some() || interface.functions.is_empty(), "`{name}` has no doc comment");
        for function in interface.functions.values() {
            let docs = function.docs.contents.clone().unwrap_or_default();
            let effects: Vec<&str> = docs.lines().filter_map(|line| line.trim().strip_prefix("effect: ")).collect();
            assert_eq!(effects.len(), 1, "`{name}.{}` must say its effect on exactly one line", function.name);
            written.insert((name.clone(), function.name.clone(), effects[0].to_owned()));
        }
    }
    let held: BTreeSet<_> = HOST_FUNCTIONS
        .iter()
        .map(|function| {
            let interface = function.interface.as_str().to_owned();
            (interface, function.name.to_owned(), function.effect.as_str().to_owned())
        })
        .collect();
    assert_eq!(written, held);
    assert_eq!(held.len(), HOST_FUNCTIONS.len(), "a function stands twice in the table");
}

#[test]
fn only_interfaces_without_effect_are_open_to_every_plugin() {
    for function in HOST_FUNCTIONS {
        assert_eq!(function.interface.is_open(), function.effect == Effect::None, "{function:?}");
    }
}

#[test]
fn the_version_in_the_wit_is_the_version_in_fingerprints() {
    let (resolve, world) = wit();
    let package = resolve.worlds[world].package.unwrap();
    assert_eq!(resolve.packages[package].name.to_string(), format!("portcullis:plugin@{CONTRACT_VERSION}"));
}

#[test]
fn the_base_list_is_the_one_that_is_documented() {
    let page = include_str!("../../../../wit/base.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let documented: Vec<&str> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split(','))
        .map(|name| name.trim().trim_matches('`'))
        .collect();
    assert_eq!(documented.iter().collect::<BTreeSet<_>>(), BASE.iter().collect::<BTreeSet<_>>());
}

/// Fails without: `check_imports`.
#[test]
fn wx_01_an_import_that_is_not_opened_is_refused_with_the_whole_list() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let fine = names(&["wasi:cli/environment@0.2.3", "portcullis:plugin/types@0.1.0", "portcullis:plugin/log@0.1.0"]);
    assert_eq!(check_imports(&fine, &[]), Ok(()));
    assert_eq!(check_imports(&names(&["portcullis:plugin/kv@0.1.0"]), &[Interface::Kv]), Ok(()));
    let bad = names(&[
        "portcullis:plugin/kv@0.1.0",
        "portcullis:plugin/log@0.2.0",
        "wasi:sockets/tcp@0.2.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:cli/environment@0.3.0",
        "wasi:cli/environment@0.2.",
        "wasi:cli/environment",
        "wasi:cli/environment@0.2.0-rc1",
        "wasi:cli/environment2@0.2.0",
        "evil",
    ]);
    assert_eq!(check_imports(&[fine, bad.clone()].concat(), &[]), Err(ImportsRefused(bad)));
}

#[test]
fn wx_01_the_refusal_says_of_every_interface_what_opens_it() {
    let said = ImportsRefused(vec!["evil\u{1b}[2J\u{202e}".to_owned()]).to_string();
    assert!(said.contains(r"evil\u{1b}[2J\u{202e}") && !said.chars().any(portcullis_manifest::hides), "{said}");
    let (open, needed) = said.split_once("Open to every plugin are").unwrap().1.split_once(';').unwrap();
    for interface in Interface::ALL {
        let name = interface.as_str();
        let listed = open.split([' ', ',']).any(|word| word == name);
        assert_eq!(listed, interface.is_open(), "{name}: {said}");
        let Some(kind) = interface.kind() else { continue };
        assert!(needed.contains(&format!("`{name}` needs a capability of kind \"{kind}\"")), "{name}: {said}");
        let keys = match kind {
            "http" => "origin = \"https://a.example\"\nallow = [\"GET /\"]",
            _ => "partition = \"user\"\nquota = \"1 MiB\"",
        };
        let manifest = format!(
            "manifest = 1\n[plugin]\nname = \"a\"\nversion = \"1.0.0\"\ncomponent = \"a.wasm\"\npublisher = \"a\"\nsummary = \"a\"\n\
             [capability.c]\nkind = \"{kind}\"\n{keys}\n\
             [[tool]]\nname = \"a\"\ntitle = \"a\"\ndescription = \"a\"\nuses = [\"c:read\"]\n"
        );
        let opened = Manifest::parse(&manifest).unwrap_or_else(|error| panic!("{name}: {error}")).interfaces();
        assert!(opened.contains(&interface), "{name}");
    }
}
