use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use super::{NOTES, crm, notes, notes_package};
use crate::{
    Access, Capability, Effect, Interface, KvCapability, Label, Limits, Manifest, Partition, Use, http::Boundary,
    validator,
};

#[test]
fn the_example_of_the_design_reads_as_it_is_meant() {
    let manifest = notes();
    assert_eq!(manifest.release().to_string(), "notes@1.2.0");
    assert_eq!(manifest.plugin.component, "notes.wasm");
    assert_eq!(manifest.plugin.publisher, "example");
    assert_eq!(manifest.plugin.support.as_deref(), Some("mailto:support@example.com"));
    let kv = KvCapability { partition: Partition::User, quota: 4 << 20, keys: 10_000 };
    let expected = [("notebook".parse().unwrap(), Capability::Kv(kv))];
    assert_eq!(manifest.capabilities, indexmap::IndexMap::from(expected));
    let limits = Limits { memory: 32 << 20, fuel: 200_000_000, time: Duration::from_secs(5), ..Limits::default() };
    assert_eq!(manifest.limits, limits);
    let create = manifest.tool("create").unwrap();
    assert_eq!(create.uses, [Use { capability: "notebook".parse().unwrap(), access: Access::Write }]);
    assert_eq!(create.scopes, ["notes:write".parse().unwrap()]);
    assert_eq!(create.input.as_deref(), Some("schemas/create.json"));
    assert_eq!(manifest.grants(create)[0].capability, expected_kv());
}

fn expected_kv() -> Capability {
    Capability::Kv(KvCapability { partition: Partition::User, quota: 4 << 20, keys: 10_000 })
}

#[test]
fn a_plugins_scopes_are_those_of_all_its_tools_each_once_and_sorted() {
    let mut manifest = notes();
    let needs = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
    manifest.tools[0].scopes = needs(&["z:last", "notes:read"]);
    assert!(manifest.scopes().into_iter().eq(needs(&["notes:read", "z:last"])));
}

#[test]
fn wr_01_labels_effects_and_hints_follow_from_uses() {
    let manifest = notes();
    let (create, search) = (manifest.tool("create").unwrap(), manifest.tool("search").unwrap());
    let boundary = Boundary::default();
    assert_eq!((manifest.effect(create, &boundary), create.label), (Effect::Write, Label::Write));
    assert_eq!((manifest.effect(search, &boundary), search.label), (Effect::Read, Label::Read));
    let hints = |name: &str| serde_json::to_value(manifest.hints(manifest.tool(name).unwrap(), &boundary)).unwrap();
    let hint = |read: bool| json!({ "readOnlyHint": read, "destructiveHint": false, "idempotentHint": read, "openWorldHint": false });
    assert_eq!((hints("create"), hints("search")), (hint(false), hint(true)));
}

#[test]
fn a_label_may_be_raised_to_destructive() {
    let text = NOTES.replace("label = \"write\"", "label = \"destructive\"");
    let manifest = Manifest::parse(&text).unwrap();
    let create = manifest.tool("create").unwrap();
    let boundary = Boundary::default();
    assert_eq!((create.label, manifest.computed_label(create, &boundary)), (Label::Destructive, Label::Write));
    let hints = manifest.hints(create, &boundary);
    assert!(hints.destructive && !hints.read_only);
}

#[test]
fn a_tool_that_uses_nothing_reads_only() {
    let text = NOTES.replace("uses = [\"notebook:read\"]\n", "");
    let manifest = Manifest::parse(&text).unwrap();
    let search = manifest.tool("search").unwrap();
    assert_eq!((manifest.effect(search, &Boundary::default()), search.label), (Effect::None, Label::Read));
}

#[test]
fn wx_01_a_plugin_without_capabilities_may_import_only_what_is_open_to_all() {
    let text = "manifest = 1\n[plugin]\nname = \"a\"\nversion = \"0.1.0\"\ncomponent = \"a.wasm\"\npublisher = \"p\"\n\
                summary = \"s\"\n[[tool]]\nname = \"t\"\ntitle = \"T\"\ndescription = \"D\"\n";
    let manifest = Manifest::parse(text).unwrap();
    let open: BTreeSet<Interface> = Interface::ALL.into_iter().filter(|interface| interface.is_open()).collect();
    assert_eq!(open.len(), 6);
    assert_eq!(manifest.interfaces(), open);
    let with = |more: &[Interface]| open.iter().chain(more).copied().collect::<BTreeSet<_>>();
    assert_eq!(notes().interfaces(), with(&[Interface::Kv]));
    assert_eq!(crm().interfaces(), with(&[Interface::Egress, Interface::Files]));
}

#[test]
fn mc_08_a_served_schema_is_closed_unless_the_author_opens_it() {
    let package = notes_package();
    let create = package.manifest.tool("create").unwrap();
    let schema = package.input_schema(create);
    assert_eq!(schema["additionalProperties"], false);
    let validator = validator(&schema).unwrap();
    assert!(validator.is_valid(&json!({ "text": "a" })));
    assert!(!validator.is_valid(&json!({ "text": "a", "more": 1 })));
    assert_eq!(package.output_schema(create).unwrap()["required"], json!(["id"]));

    let none = crate::Tool { input: None, output: None, ..create.clone() };
    assert_eq!(package.input_schema(&none), json!({ "type": "object", "additionalProperties": false }));
    assert_eq!(package.output_schema(&none), None);
}

#[test]
fn the_canonical_form_spells_out_every_default() {
    let printed = notes().print();
    assert_eq!(Manifest::parse(&printed).unwrap(), notes());
    for line in [
        "kind = \"kv\"",
        "keys = 10000",
        "quota = \"4 MiB\"",
        "memory = \"32 MiB\"",
        "time = \"5 s\"",
        "host_calls = 10000",
        "label = \"read\"",
        "ask = []",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in\n{printed}");
    }
}
