//! `portcullis check`: what a plugin could do, and why.

use portcullis_calls::Inspection;
use portcullis_manifest::{Capability, Effect, HOST_FUNCTIONS, LIMITS, Partition, Unit, visible};
use serde_json::Value;

use super::source::Read;
use crate::exit::Failure;

pub(super) fn check(source: &Read) -> Result<(), Failure> {
    let Inspection { release, imports } = Inspection::of(&source.0).map_err(Failure::refused)?;
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
        let (label, effect) = (tool.label.as_str(), manifest.effect(tool));
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
        for grant in manifest.grants(tool) {
            let Capability::Kv(kv) = &grant.capability;
            let whose = match kv.partition {
                Partition::User => "of the calling person only",
                Partition::Shared => "shared by all who call",
            };
            let interface = grant.capability.interface();
            let functions: Vec<_> = HOST_FUNCTIONS
                .iter()
                .filter(|function| function.interface == interface && function.effect <= grant.access.ceiling())
                .map(|function| function.name)
                .collect();
            println!(
                "      {} `{}`: keys and values {whose}, up to {} ({})",
                if grant.access.ceiling() == Effect::Write { "read and write" } else { "read" },
                grant.name,
                Unit::Bytes.print(kv.quota),
                functions.join(", "),
            );
        }
        let computed = effect.label();
        if tool.label > computed {
            println!("      labelled `{label}` by its author; by its grants alone it would be `{}`", computed.as_str());
        } else {
            println!("      labelled `{label}` because the highest effect its grants reach is `{}`", effect.as_str());
        }
        if !tool.scopes.is_empty() {
            let scopes: Vec<_> = tool.scopes.iter().map(|scope| scope.as_str()).collect();
            println!("      callers need the scopes {}", scopes.join(" "));
        }
    }
    println!("\nOne call of it may take:");
    for row in LIMITS {
        let amount = row.get(&manifest.limits);
        let default = if amount == row.bounds.default { "" } else { "  (set in its manifest)" };
        println!("  {:<15} {}{default}", row.name, row.bounds.unit.print(amount));
    }
    println!("\nIt could not: reach the network, files, the environment or other plugins' data; no import opens them.");
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
