//! Properties of fingerprints.

use std::sync::Arc;

use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::{CREATE, NOTES, notes, notes_file, notes_package, strategy};
use crate::{AskKind, Capability, Digest, LIMITS, Manifest, Package, Partition, Use};

#[test]
fn the_fingerprint_of_the_example_is_the_one_that_was_approved() {
    // Approvals are stored under it: whoever changes the encoding must change its domain, and this text.
    let expected = "sha256:ea179c8daab731cd0f449d8ae5e988fb4f1ddb675bfdcab964055266e28961d5";
    assert_eq!(notes_package().fingerprint().to_string(), expected);
}

#[test]
fn layout_comments_and_the_order_of_keys_do_not_change_the_fingerprint() {
    let text = NOTES
        .replace(
            "[plugin]\nname = \"notes\"\nversion = \"1.2.0\"",
            "[plugin]\n version='1.2.0' # now\n\nname = 'notes'",
        )
        .replace("quota = \"4 MiB\"", "quota = 4_194_304")
        .replace("[limits]\nmemory = \"32 MiB\"", "limits.memory = \"32768 KiB\"\n[limits]")
        .replace("time = \"5 s\"", "time = \"5000 ms\"");
    let text = text.replace("limits.memory = \"32768 KiB\"\n[limits]", "[limits]\nmemory = \"32768 KiB\"");
    let other = Package::new(Manifest::parse(&text).unwrap(), notes_file, Digest::of(b"component")).unwrap();
    assert_ne!(text, NOTES);
    assert_eq!(other.fingerprint(), notes_package().fingerprint());

    let turned = r#"{"required":["text"],"properties":{"text":{"maxLength":4000,"type":"string"}},"type":"object"}"#;
    let files = |name: &str| if name.ends_with("create.json") { Some(turned.into()) } else { notes_file(name) };
    let other = Package::new(notes(), files, Digest::of(b"component")).unwrap();
    assert_ne!(turned, CREATE);
    assert_eq!(other.fingerprint(), notes_package().fingerprint());
}

#[test]
fn the_order_of_capabilities_in_the_file_does_not_change_the_fingerprint() {
    let second = "[capability.other]\nkind = \"kv\"\npartition = \"shared\"\n\n";
    let after = NOTES.replace("[limits]", &format!("{second}[limits]"));
    let before = NOTES.replace("[capability.notebook]", &format!("{second}[capability.notebook]"));
    let print = |text: &str| {
        Package::new(Manifest::parse(text).unwrap(), notes_file, Digest::of(b"component")).unwrap().fingerprint()
    };
    assert_eq!(print(&before), print(&after));
    assert_ne!(print(&before), print(NOTES));
}

/// Every single change of `package` that matters, each with a name.
fn changes(package: &Package) -> Vec<(String, Package)> {
    let mut changes = Vec::new();
    let mut change = |name: &str, edit: &dyn Fn(&mut Package)| {
        let mut changed = package.clone();
        edit(&mut changed);
        changes.push((name.to_owned(), changed));
    };
    change("component", &|package| package.component.0[31] ^= 1);
    change("name", &|package| package.manifest.plugin.name = "another-name-than-any".parse().unwrap());
    change("version", &|package| package.manifest.plugin.version.push('0'));
    change("component file", &|package| package.manifest.plugin.component.push('x'));
    change("publisher", &|package| package.manifest.plugin.publisher.push('x'));
    change("summary", &|package| package.manifest.plugin.summary.push('x'));
    change("support", &|package| toggle(&mut package.manifest.plugin.support));
    change("privacy", &|package| toggle(&mut package.manifest.plugin.privacy_policy));
    for row in LIMITS {
        change(row.name, &|package| {
            let amount = row.get(&package.manifest.limits);
            row.set(&mut package.manifest.limits, amount ^ 1);
        });
    }
    for at in 0..package.manifest.capabilities.len() {
        let kv = |package: &mut Package, edit: &dyn Fn(&mut crate::KvCapability)| {
            let (_, Capability::Kv(kv)) = package.manifest.capabilities.get_index_mut(at).unwrap();
            edit(kv);
        };
        change("partition", &|package| {
            kv(package, &|kv| {
                kv.partition = if kv.partition == Partition::User { Partition::Shared } else { Partition::User };
            });
        });
        change("quota", &|package| kv(package, &|kv| kv.quota ^= 1));
        change("keys", &|package| kv(package, &|kv| kv.keys ^= 1));
        change("capability removed", &|package| drop(package.manifest.capabilities.shift_remove_index(at)));
    }
    change("capability added", &|package| {
        let kv = crate::KvCapability { partition: Partition::User, quota: 1024, keys: 1 };
        package.manifest.capabilities.insert("zz-added".parse().unwrap(), Capability::Kv(kv));
    });
    for at in 0..package.manifest.tools.len() {
        change("tool name", &|package| package.manifest.tools[at].name = "another_name_than_any".parse().unwrap());
        change("title", &|package| package.manifest.tools[at].title.push('x'));
        change("description", &|package| package.manifest.tools[at].description.push('x'));
        change("label", &|package| {
            let label = &mut package.manifest.tools[at].label;
            *label = if *label == crate::Label::Destructive { crate::Label::Write } else { crate::Label::Destructive };
        });
        change("ask", &|package| package.manifest.tools[at].ask.push(AskKind::Form));
        change("uses", &|package| {
            let r#use = Use { capability: "zz-other".parse().unwrap(), access: crate::Access::Read };
            package.manifest.tools[at].uses.push(r#use);
        });
        if !package.manifest.tools[at].uses.is_empty() {
            change("access", &|package| {
                let access = &mut package.manifest.tools[at].uses[0].access;
                *access = if *access == crate::Access::Read { crate::Access::Write } else { crate::Access::Read };
            });
            change("use removed", &|package| drop(package.manifest.tools[at].uses.pop()));
        }
        change("scopes", &|package| package.manifest.tools[at].scopes.push("zz:other".parse().unwrap()));
        change("input", &|package| toggle(&mut package.manifest.tools[at].input));
        change("output", &|package| toggle(&mut package.manifest.tools[at].output));
    }
    change("tool removed", &|package| drop(package.manifest.tools.pop()));
    if package.manifest.tools.len() > 1 {
        change("tools in another order", &|package| package.manifest.tools.reverse());
    }
    for name in package.schemas.keys() {
        change("schema keyword", &|package| edit(package, name, "minProperties", json!(3)));
        change("schema text", &|package| edit(package, name, "description", json!("other")));
    }
    changes
}

fn edit(package: &mut Package, schema: &str, key: &str, value: Value) {
    let mut changed = Value::clone(&package.schemas[schema]);
    changed[key] = value;
    package.schemas.insert(schema.to_owned(), Arc::new(changed));
}

fn toggle(text: &mut Option<String>) {
    *text = match text {
        Some(_) => None,
        None => Some("https://other.example/".to_owned()),
    };
}

fn turned(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let turned = members.iter().rev().map(|(name, value)| (name.clone(), self::turned(value)));
            Value::Object(turned.collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.iter().map(turned).collect()),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_change_of_a_field_changes_the_fingerprint_and_is_told(package in strategy::package()) {
        let before = package.fingerprint();
        prop_assert_eq!(Package::diff(&package, &package), []);
        let mut seen = vec![(String::from("nothing"), before)];
        for (name, changed) in changes(&package) {
            let after = changed.fingerprint();
            prop_assert!(after != before, "{} changes nothing", name);
            // Other changes give other fingerprints, unless they made the same release.
            if let Some((other, _)) = seen.iter().find(|(_, print)| *print == after) {
                prop_assert_eq!(other, &name);
            }
            seen.push((name.clone(), after));
            prop_assert!(!Package::diff(&package, &changed).is_empty(), "the diff does not tell: {}", name);
            prop_assert!(!Package::diff(&changed, &package).is_empty(), "the diff does not tell: {}", name);
        }
    }

    #[test]
    fn releases_that_differ_have_a_diff_and_others_have_none(one in strategy::package(), other in strategy::package()) {
        let equal = one.fingerprint() == other.fingerprint();
        prop_assert_eq!(equal, Package::diff(&one, &other).is_empty());
        prop_assert_eq!(equal, one == other);
    }

    #[test]
    fn the_layout_of_files_never_matters(package in strategy::package(), shift: Index) {
        let printed = package.manifest.print();
        let spaced = printed.replace(" = ", "=").replace('\n', " # a comment\n").replace("=[", "= [ ");
        let files = |name: &str| {
            let schema = turned(&package.schemas[name]);
            let pretty = shift.index(2) == 0;
            Some(if pretty { serde_json::to_vec_pretty(&schema) } else { serde_json::to_vec(&schema) }.unwrap())
        };
        for text in [printed, spaced] {
            // Texts that hold `=` or a line break themselves would become other texts.
            prop_assume!(Manifest::parse(&text).as_ref() == Ok(&package.manifest));
            let again = Package::new(Manifest::parse(&text).unwrap(), files, package.component).unwrap();
            prop_assert_eq!(again.fingerprint(), package.fingerprint());
        }
    }
}
