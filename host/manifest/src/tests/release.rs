//! Properties of fingerprints.

use std::sync::Arc;

use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::{CREATE, NOTES, notes, notes_file, notes_package, strategy};
use crate::{
    AskKind, Assets, Capability, Confirm, Digest, FilesCapability, Hint, LIMITS, Manifest, Package, Partition, Preview,
    Prompt, PromptArgument, Resource, TaskSupport, Use, Widget,
    http::{HttpCapability, SecretSlot},
};

#[test]
fn the_fingerprint_of_the_example_is_the_one_that_was_approved() {
    // Approvals are stored under it: whoever changes the encoding must change its domain, and this text.
    let expected = "sha256:3068da1bd9ddaf1435a97d200c768c9e6e65f537c460f3c196be95a82ca23cce";
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
        for (name, edit) in capability_changes(&package.manifest.capabilities[at]) {
            change(name, &|package| edit(&mut package.manifest.capabilities[at]));
        }
        change("kind", &|package| {
            let capability = &mut package.manifest.capabilities[at];
            *capability = match capability {
                Capability::Files(_) => Capability::Http(Arc::new(http("https://x.example", "GET /", None, 0, 0))),
                _ => Capability::Files(FilesCapability { partition: Partition::User, quota: 1024, files: 1 }),
            };
        });
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
        change("confirm", &|package| {
            let tool = &mut package.manifest.tools[at];
            tool.confirm = if tool.confirm == Confirm::Person { Confirm::Preview } else { Confirm::Person };
        });
        change("preview", &|package| {
            let preview = &mut package.manifest.tools[at].preview;
            *preview = if *preview == Preview::Whole { Preview::Partial } else { Preview::Whole };
        });
        change("ask", &|package| {
            let ask = &mut package.manifest.tools[at].ask;
            *ask = if ask.is_empty() { vec![AskKind::Form] } else { Vec::new() };
        });
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
        change("widget", &|package| {
            let widget = &mut package.manifest.tools[at].widget;
            *widget = if widget.is_some() { None } else { Some("zz_other".parse().unwrap()) };
        });
        change("visibility", &|package| {
            let seen = &mut package.manifest.tools[at].visibility;
            (seen.model, seen.app) = if seen.model && seen.app { (true, false) } else { (seen.app, seen.model) };
        });
        change("invoking", &|package| toggle(&mut package.manifest.tools[at].invoking));
        change("invoked", &|package| toggle(&mut package.manifest.tools[at].invoked));
        change("file_params", &|package| package.manifest.tools[at].file_params.push("zz".to_owned()));
        change("task", &|package| {
            let task = &mut package.manifest.tools[at].task;
            *task = if *task == TaskSupport::Never { TaskSupport::Optional } else { TaskSupport::Never };
        });
        change("input", &|package| toggle(&mut package.manifest.tools[at].input));
        change("output", &|package| toggle(&mut package.manifest.tools[at].output));
    }
    change("tool removed", &|package| drop(package.manifest.tools.pop()));
    if package.manifest.tools.len() > 1 {
        change("tools in another order", &|package| package.manifest.tools.reverse());
    }
    offer_changes(package, &mut change);
    for name in package.schemas.keys() {
        change("schema keyword", &|package| edit(package, name, "minProperties", json!(3)));
        change("schema text", &|package| edit(package, name, "description", json!("other")));
    }
    changes
}

/// Takes what is changed, in words, and the change.
type Change<'a> = dyn FnMut(&str, &dyn Fn(&mut Package)) + 'a;

/// Every single change of what there is beside tools.
fn offer_changes(package: &Package, change: &mut Change<'_>) {
    change("hints", &|package| {
        let hints = &mut package.manifest.hints;
        if hints.pop().is_none() {
            hints.push(Hint::Locale);
        }
    });
    change("folder", &|package| match &mut package.manifest.assets {
        Some(assets) => assets.folder.push('x'),
        None => package.manifest.assets = Some(Assets { folder: "x".to_owned() }),
    });
    change("asset added", &|package| {
        package.assets.insert("zz".parse().unwrap(), Digest([0; 32]));
    });
    for name in package.assets.keys() {
        change("asset", &|package| package.assets.get_mut(name).unwrap().0[0] ^= 1);
        change("asset removed", &|package| {
            package.assets.remove(name);
        });
    }
    let form = |ask: &mut Vec<AskKind>| {
        if ask.pop().is_none() {
            ask.push(AskKind::Form)
        }
    };
    let read = || Use { capability: "zz-other".parse().unwrap(), access: crate::Access::Read };
    for at in 0..package.manifest.prompts.len() {
        let prompt = |package: &mut Package, edit: &dyn Fn(&mut Prompt)| edit(&mut package.manifest.prompts[at]);
        change("prompt name", &|package| prompt(package, &|prompt| prompt.name = "another_name".parse().unwrap()));
        change("prompt title", &|package| prompt(package, &|prompt| prompt.title.push('x')));
        change("prompt text", &|package| prompt(package, &|prompt| prompt.description.push('x')));
        change("prompt ask", &|package| prompt(package, &|prompt| form(&mut prompt.ask)));
        change("prompt uses", &|package| prompt(package, &|prompt| prompt.uses.push(read())));
        change("prompt scopes", &|package| prompt(package, &|prompt| prompt.scopes.push("zz:x".parse().unwrap())));
        for other in 0..package.manifest.prompts[at].arguments.len() {
            let argument = |package: &mut Package, edit: &dyn Fn(&mut PromptArgument)| {
                edit(&mut package.manifest.prompts[at].arguments[other]);
            };
            change("argument", &|package| argument(package, &|argument| argument.name = "zz_other".parse().unwrap()));
            change("argument title", &|package| argument(package, &|argument| toggle(&mut argument.title)));
            change("argument text", &|package| argument(package, &|argument| toggle(&mut argument.description)));
            change("required", &|package| argument(package, &|argument| argument.required ^= true));
            change("complete", &|package| argument(package, &|argument| argument.complete ^= true));
        }
        change("prompt removed", &|package| drop(package.manifest.prompts.remove(at)));
    }
    for at in 0..package.manifest.resources.len() {
        let resource = |package: &mut Package, edit: &dyn Fn(&mut Resource)| edit(&mut package.manifest.resources[at]);
        change("resource name", &|package| {
            resource(package, &|resource| resource.name = "another_name".parse().unwrap())
        });
        change("resource title", &|package| resource(package, &|resource| resource.title.push('x')));
        change("resource text", &|package| resource(package, &|resource| resource.description.push('x')));
        change("mime", &|package| resource(package, &|resource| toggle(&mut resource.mime)));
        change("resource ask", &|package| resource(package, &|resource| form(&mut resource.ask)));
        change("resource uses", &|package| resource(package, &|resource| resource.uses.push(read())));
        change("resource scopes", &|package| {
            resource(package, &|resource| resource.scopes.push("zz:x".parse().unwrap()))
        });
        change("uri", &|package| resource(package, &|resource| resource.uri = "zz://other".parse().unwrap()));
        change("completed", &|package| resource(package, &|resource| resource.complete.push("zz".parse().unwrap())));
        change("resource's asset", &|package| {
            resource(package, &|resource| {
                resource.asset = if resource.asset.is_some() { None } else { Some("zz".parse().unwrap()) };
            });
        });
        change("resource removed", &|package| drop(package.manifest.resources.remove(at)));
    }
    for at in 0..package.manifest.widgets.len() {
        let widget = |package: &mut Package, edit: &dyn Fn(&mut Widget)| edit(&mut package.manifest.widgets[at]);
        let other = || "https://zz.example".parse().unwrap();
        change("widget name", &|package| widget(package, &|widget| widget.name = "another_name".parse().unwrap()));
        change("widget title", &|package| widget(package, &|widget| widget.title.push('x')));
        change("widget text", &|package| widget(package, &|widget| widget.description.push('x')));
        change("widget's asset", &|package| widget(package, &|widget| widget.asset = "zz".parse().unwrap()));
        change("version", &|package| widget(package, &|widget| widget.version = Some(widget.version.unwrap_or(0) + 1)));
        change("connect", &|package| widget(package, &|widget| widget.connect.push(other())));
        change("load", &|package| widget(package, &|widget| widget.load.push(other())));
        change("frame", &|package| widget(package, &|widget| widget.frame.push(other())));
        change("redirect", &|package| widget(package, &|widget| widget.redirect.push(other())));
        change("border", &|package| widget(package, &|widget| widget.border = Some(!widget.border.unwrap_or(true))));
        change("domain", &|package| {
            widget(package, &|widget| widget.domain = if widget.domain.is_some() { None } else { Some(other()) });
        });
        change("widget removed", &|package| drop(package.manifest.widgets.remove(at)));
    }
}

type Edit = Box<dyn Fn(&mut Capability)>;

/// Every single change of a capability that matters.
fn capability_changes(capability: &Capability) -> Vec<(&'static str, Edit)> {
    fn other(partition: &mut Partition) {
        *partition = if *partition == Partition::User { Partition::Shared } else { Partition::User };
    }
    match capability {
        Capability::Kv(_) => {
            let kv = |edit: fn(&mut crate::KvCapability)| -> Edit {
                Box::new(move |capability| {
                    if let Capability::Kv(kv) = capability {
                        edit(kv)
                    }
                })
            };
            vec![
                ("partition", kv(|kv| other(&mut kv.partition))),
                ("quota", kv(|kv| kv.quota ^= 1)),
                ("keys", kv(|kv| kv.keys ^= 1)),
            ]
        }
        Capability::Files(_) => {
            let files = |edit: fn(&mut FilesCapability)| -> Edit {
                Box::new(move |capability| {
                    if let Capability::Files(files) = capability {
                        edit(files)
                    }
                })
            };
            vec![
                ("partition", files(|files| other(&mut files.partition))),
                ("quota", files(|files| files.quota ^= 1)),
                ("files", files(|files| files.files ^= 1)),
            ]
        }
        Capability::Http(was) => http_changes(was)
            .into_iter()
            .map(|(name, changed)| {
                let changed = Arc::new(changed);
                let edit: Edit = Box::new(move |capability| *capability = Capability::Http(changed.clone()));
                (name, edit)
            })
            .collect(),
    }
}

/// A capability of kind `http`, valid whatever a change makes of it.
fn http(origin: &str, allow: &str, secret: Option<&SecretSlot>, redirects: u8, retries: u8) -> HttpCapability {
    let allow = allow.lines().map(|rule| rule.parse().unwrap()).collect();
    HttpCapability::new(origin.parse().unwrap(), allow, secret.cloned(), redirects, retries).unwrap()
}

fn http_changes(was: &HttpCapability) -> Vec<(&'static str, HttpCapability)> {
    let origin = was.origin().to_string();
    let allow = was.allow().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let (secret, redirects, retries) = (was.secret(), was.redirects(), was.retries());
    let mut changes = vec![
        ("origin's host", http("https://other.example", &allow, secret, redirects, retries)),
        ("origin's port", http("https://other.example:444", &allow, secret, redirects, retries)),
        ("rule added", http(&origin, &format!("{allow}\nGET /added/here"), secret, redirects, retries)),
        ("rule changed", http(&origin, &allow.replacen(' ', " /changed", 1), secret, redirects, retries)),
        ("redirects", http(&origin, &allow, secret, redirects ^ 1, retries)),
        ("retries", http(&origin, &allow, secret, redirects, retries ^ 1)),
    ];
    if let Some((rest, _)) = allow.rsplit_once('\n') {
        changes.push(("rule removed", http(&origin, rest, secret, redirects, retries)));
        let turned = allow.lines().rev().collect::<Vec<_>>().join("\n");
        changes.push(("rules in another order", http(&origin, &turned, secret, redirects, retries)));
    }
    if let Some(secret) = secret {
        let (name, header, value) = (secret.name().as_str(), secret.header(), secret.value());
        for (what, name, header, value) in [
            ("secret's name", "another-name-than-any", header, value.as_str()),
            ("secret's header", name, "another-header", &value),
            ("secret's value", name, header, &format!("other{value}")),
        ] {
            let slot = SecretSlot::new(name, header, value).unwrap();
            changes.push((what, http(&origin, &allow, Some(&slot), redirects, retries)));
        }
        changes.push(("secret removed", http(&origin, &allow, None, redirects, retries)));
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
            let assets = package.assets.clone();
            let again = Package::with_assets(Manifest::parse(&text).unwrap(), files, assets, package.component).unwrap();
            prop_assert_eq!(again.fingerprint(), package.fingerprint());
        }
    }
}

#[test]
fn wr_04_what_breaks_is_told_of_arguments_and_of_results() {
    let told = |old: &[Option<&str>; 2], new: &[Option<&str>; 2]| {
        let package = |files: &[Option<&str>; 2]| {
            let mut manifest = notes();
            let tool = &mut manifest.tools[0];
            (tool.input, tool.output) = (files[0].map(|_| "in".to_owned()), files[1].map(|_| "out".to_owned()));
            manifest.tools.truncate(1);
            let file = |name: &str| if name == "in" { files[0] } else { files[1] }.map(|text| text.as_bytes().to_vec());
            Package::new(manifest, file, Digest::of(b"")).unwrap()
        };
        let (old, new) = (package(old), package(new));
        let breaks = Package::schema_breaks(&old, &old.manifest.tools[0], &new, &new.manifest.tools[0]);
        breaks.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (open, needs) = (r#"{"type":"object"}"#, r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#);
    assert_eq!(told(&[Some(needs), Some(open)], &[Some(needs), Some(needs)]), [""; 0]);
    assert_eq!(
        told(&[Some(open), Some(needs)], &[Some(needs), Some(open)]),
        [
            "input #: `required`: `a`: arguments that were good before may be refused by it now",
            "output #: `required`: `a`: results were promised to fit it and may not fit any more",
        ]
    );
    assert_eq!(
        told(&[None, Some(open)], &[None, None]),
        ["output #: there is no schema any more: results were promised to fit it and may not fit any more"]
    );
}
