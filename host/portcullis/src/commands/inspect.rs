//! `portcullis check`: what a plugin could do, and why.

use std::cmp::Ordering;

use portcullis_calls::{Inspection, ReadRelease};
use portcullis_manifest::{
    AskKind, AssetFiles, Capability, Confirm, Effect, Grant, HOST_FUNCTIONS, LIMITS, Manifest, Partition, Preview,
    Scope, TaskSupport, Unit,
    http::{Boundary, OriginPattern},
    visible,
};
use serde_json::Value;

use super::source::Read;
use crate::exit::Failure;

/// What a capability opens.
fn in_words(capability: &Capability) -> String {
    let whose = |partition| match partition {
        Partition::User => "of the calling person only",
        Partition::Shared => "shared by all who call",
    };
    match capability {
        Capability::Kv(kv) => {
            format!("keys and values {}, up to {}", whose(kv.partition), Unit::Bytes.print(kv.quota))
        }
        Capability::Files(files) => format!(
            "files {}, up to {} and {} in number",
            whose(files.partition),
            Unit::Bytes.print(files.quota),
            files.files
        ),
        Capability::Http(http) => {
            let secret = match http.secret() {
                Some(slot) => format!(", with the secret `{}` in the header `{}`", slot.name(), slot.header()),
                None => String::new(),
            };
            let redirects = match http.redirects() {
                0 => String::new(),
                count => format!(", following {count} redirects"),
            };
            format!("requests to {}{secret}{redirects}", http.origin())
        }
    }
}

/// What no grant of this manifest opens.
fn cannot(manifest: &Manifest) -> String {
    let has = |kind: fn(&Capability) -> bool| manifest.capabilities.values().any(kind);
    let network = if has(|capability| matches!(capability, Capability::Http(_))) {
        "reach anything on the network but the origins above"
    } else {
        "reach the network"
    };
    format!("{network}, the host's files, the environment or other plugins' data")
}

/// What it holds, as an approver reads it.
fn print_grants(grants: &[Grant]) {
    for grant in grants {
        let interface = grant.capability.interface();
        let functions: Vec<_> = HOST_FUNCTIONS
            .iter()
            .filter(|function| function.interface == interface && function.effect <= grant.access.ceiling())
            .map(|function| function.name)
            .collect();
        let how = if grant.access.ceiling() == Effect::Write { "read and write" } else { "read" };
        let what = in_words(&grant.capability);
        println!("      {how} `{}`: {what} ({})", grant.name, functions.join(", "));
        if let Capability::Http(http) = &grant.capability {
            http.allow().iter().for_each(|rule| println!("          {rule}"));
        }
    }
}

fn print_asks(ask: &[AskKind]) {
    for kind in ask {
        let how = match kind {
            AskKind::Form => "may ask the person, by a form",
            AskKind::Sampling => "may have the client's model say something",
            AskKind::Roots => "may ask the client for its roots",
        };
        println!("      {how}");
    }
}

fn print_scopes(scopes: &[Scope]) {
    if !scopes.is_empty() {
        let scopes: Vec<_> = scopes.iter().map(Scope::as_str).collect();
        println!("      callers need the scopes {}", scopes.join(" "));
    }
}

/// Prompts, resources, widgets, assets and hints: all that there is beside tools.
fn offers(release: &ReadRelease, assets: &AssetFiles) -> Result<(), Failure> {
    let manifest = &release.package.manifest;
    let name = |name| release.wire(name).map_err(Failure::refused);
    for prompt in &manifest.prompts {
        println!("  {}  [prompt, read]", name(&prompt.name)?);
        println!("      title: {}", quoted(&prompt.title));
        println!("      a person reads: {}", quoted(&prompt.description));
        for argument in &prompt.arguments {
            let texts = [&argument.title, &argument.description].into_iter().flatten();
            let texts: Vec<_> = texts.map(|text| quoted(text)).collect();
            let needs = if argument.required { "needs" } else { "takes" };
            println!("      {needs} `{}` {}", argument.name, texts.join(" "));
            if argument.complete {
                println!("          completed by the plugin while a person types");
            }
        }
        print_grants(&manifest.held(&prompt.uses));
        print_asks(&prompt.ask);
        print_scopes(&prompt.scopes);
    }
    for resource in &manifest.resources {
        println!("  {}  [resource, read]", name(&resource.name)?);
        println!("      at: {}", visible(resource.uri.as_str()));
        println!("      title: {}", quoted(&resource.title));
        println!("      a model reads: {}", quoted(&resource.description));
        match &resource.asset {
            Some(asset) => println!("      answered by the host, with the assets {}", quoted(asset.as_str())),
            None => println!("      answered by the plugin: each reading is a call"),
        }
        if !resource.complete.is_empty() {
            let names: Vec<_> = resource.complete.iter().map(|name| format!("`{name}`")).collect();
            println!("      completed by the plugin while a person types: {}", names.join(", "));
        }
        print_grants(&manifest.held(&resource.uses));
        print_asks(&resource.ask);
        print_scopes(&resource.scopes);
    }
    for widget in &manifest.widgets {
        println!("  {}  [widget]", name(&widget.name)?);
        println!("      at: {}, from the asset {}", widget.uri(&manifest.plugin.name), quoted(widget.asset.as_str()));
        println!("      title: {}", quoted(&widget.title));
        println!("      a model reads: {}", quoted(&widget.description));
        let lists = [
            ("sends requests to", &widget.connect),
            ("loads script, styles, pictures and fonts from", &widget.load),
            ("frames", &widget.frame),
            ("leads people to", &widget.redirect),
        ];
        let mut reaches = false;
        for (how, origins) in lists.into_iter().filter(|(_, origins)| !origins.is_empty()) {
            reaches = true;
            println!("      {how} {}", origins.iter().map(OriginPattern::shown).collect::<Vec<_>>().join(", "));
        }
        if !reaches {
            println!("      reaches nothing outside of its frame");
        }
    }
    if !assets.is_empty() {
        let bytes: usize = assets.iter().map(|(_, bytes)| bytes.len()).sum();
        println!("\nIts assets, which everybody who may read it may read ({} of them, {bytes} bytes):", assets.len());
        for (name, bytes) in assets.iter() {
            println!("  {} ({} bytes)", visible(name.as_str()), bytes.len());
        }
    }
    if !manifest.hints.is_empty() {
        let hints: Vec<_> = manifest.hints.iter().map(|hint| hint.as_str()).collect();
        println!("\nIt is told what the client says of the person: {}", hints.join(", "));
    }
    Ok(())
}

pub(super) fn check(source: &Read) -> Result<(), Failure> {
    let Inspection { release, assets, imports } = Inspection::of(&source.0).map_err(Failure::refused)?;
    let manifest = &release.package.manifest;
    // The author's words stand in quotes, on lines of their own: they must not pass for the host's.
    println!("{}", manifest.release());
    println!("  publisher   {}", quoted(&manifest.plugin.publisher));
    println!("  summary     {}", quoted(&manifest.plugin.summary));
    println!("  fingerprint {}", release.fingerprint);
    println!("  component   {} ({} bytes)", release.package.component, source.0.component.len());
    println!("\nIt could:");
    for tool in &manifest.tools {
        let name = release.wire_name(tool).map_err(Failure::refused)?;
        let (label, effect) = (tool.label.as_str(), manifest.effect(tool, &Boundary::default()));
        println!("  {name}  [{label}]");
        println!("      title: {}", quoted(&tool.title));
        println!("      a model reads: {}", quoted(&tool.description));
        for (which, schema) in [
            ("arguments", Some(release.package.input_schema(tool))),
            ("result", release.package.output_schema(tool).cloned()),
        ] {
            let mut words = Vec::new();
            schema.iter().for_each(|schema| texts(schema, "", &mut words));
            for (place, text) in words {
                println!("      a model reads of its {which}{}: {}", visible(&place), quoted(text));
            }
        }
        if tool.uses.is_empty() {
            println!("      compute, and nothing else: it uses no capability");
        }
        print_grants(&manifest.grants(tool));
        let computed = effect.label();
        match tool.label.cmp(&computed) {
            Ordering::Greater => println!(
                "      labelled `{label}` by its author; by its grants alone it would be `{}`",
                computed.as_str()
            ),
            Ordering::Equal => {
                println!(
                    "      labelled `{label}` because the highest effect its grants reach is `{}`",
                    effect.as_str()
                );
            }
            // Where the boundary is, the host knows and this command does not.
            Ordering::Less => println!(
                "      labelled `{label}`, which is true only on a host whose [boundary] holds what it reads; elsewhere it is refused"
            ),
        }
        match tool.confirm() {
            Confirm::None => {}
            Confirm::Preview => println!("      a call has to be confirmed after a preview of what it would do"),
            Confirm::Person => println!("      a call has to be confirmed by a person who has seen what it would do"),
        }
        if tool.preview == Preview::Partial {
            println!("      its preview shows only what comes before an answer from outside");
        }
        print_asks(&tool.ask);
        print_scopes(&tool.scopes);
        if let Some(widget) = &tool.widget {
            println!("      its results are shown by the widget `{widget}`");
        }
        if !tool.visibility.model {
            println!("      it is for widgets, and clients hide it from the model");
        }
        for (when, text) in [("runs", &tool.invoking), ("is done", &tool.invoked)] {
            text.iter().for_each(|text| println!("      a client shows when it {when}: {}", quoted(text)));
        }
        if !tool.file_params.is_empty() {
            println!("      is given files of the person: {}", visible(&tool.file_params.join(", ")));
        }
        if tool.task != TaskSupport::Never {
            println!("      may run as a task ({})", tool.task);
        }
    }
    offers(&release, &assets)?;
    println!("\nOne call of it may take:");
    for row in LIMITS {
        let amount = row.get(&manifest.limits);
        let default = if amount == row.bounds.default { "" } else { "  (set in its manifest)" };
        println!("  {:<15} {}{default}", row.name, row.bounds.unit.print(amount));
    }
    println!("\nIt could not: {}; no import opens more.", cannot(manifest));
    println!("\nIts component imports:");
    for import in &imports {
        println!("  {}", visible(import));
    }
    if imports.is_empty() {
        println!("  nothing");
    }
    Ok(())
}

/// What an author wrote, as one line that shows where it begins and ends.
fn quoted(text: &str) -> String {
    format!("\"{}\"", visible(text).replace('"', "\\\""))
}

/// The titles and descriptions in a schema, each with its place.
fn texts<'s>(schema: &'s Value, place: &str, found: &mut Vec<(String, &'s str)>) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "description" || key == "title" => {
                        found.push((place.to_owned(), text))
                    }
                    value => texts(value, &format!("{place}/{key}"), found),
                }
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| texts(value, &format!("{place}/{at}"), found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_model_reads_is_found_wherever_it_stands() {
        let schema = json!({
            "title": "a",
            "properties": { "title": { "description": "b" }, "x": { "anyOf": [{ "title": "c" }, { "const": "description" }] } },
        });
        let mut found = Vec::new();
        texts(&schema, "", &mut found);
        found.sort();
        let found: Vec<_> = found.iter().map(|(place, text)| (place.as_str(), *text)).collect();
        assert_eq!(found, [("", "a"), ("/properties/title", "b"), ("/properties/x/anyOf/0", "c")]);
    }

    #[test]
    fn mc_05_an_authors_words_cannot_pass_for_the_hosts() {
        assert_eq!(quoted("x\"  [read]\nIt could:"), r#""x\"  [read]\u{a}It could:""#);
    }
}
