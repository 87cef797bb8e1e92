//! The reference of `plugin.toml`, from the types that the parser reads it with: `docs/manifest.schema.json` for editors,
//! `docs/manifest.md` for people. A test holds both equal to the files in `docs/`.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{HOST_FUNCTIONS, MAX_MANIFEST, MAX_SCHEMAS, parse, schema};

/// The JSON Schema of a manifest, for editors. It knows every key and form; relations between keys only the parser knows.
#[must_use]
pub fn manifest_schema() -> Value {
    let mut schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plugin.toml",
    });
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), parse::schema()) {
        schema.extend(root);
    }
    schema
}

/// The reference page, as Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    for (heading, rows) in parse::tables() {
        section(&mut page, heading);
        page.push_str("| key | write | without it | from, to | meaning | source |\n|---|---|---|---|---|---|\n");
        for row in &rows {
            let (meaning, source) = row.meaning.split_once(" Source: ").unwrap_or((&row.meaning, ""));
            let bound = |key: &str| row.schema.get(key).and_then(Value::as_str);
            let bounds = bound("x-minimum").zip(bound("x-maximum")).map(|(from, to)| format!("{from}, {to}"));
            let default = match (row.needed, &row.default, row.schema.get("default")) {
                (true, ..) => "refused".to_owned(),
                (_, Some(words), _) => words.clone(),
                (_, None, Some(value)) => format!("`{value}`"),
                _ => "nothing".to_owned(),
            };
            let cells = [
                &format!("`{}`", row.key),
                &row.words,
                &default,
                &bounds.unwrap_or_default(),
                meaning,
                source.trim_end_matches('.'),
            ];
            line(&mut page, &format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")));
        }
    }
    section(&mut page, "Labels");
    page.push_str(LABELS);
    for function in HOST_FUNCTIONS {
        let (interface, name, effect) = (function.interface.as_str(), function.name, function.effect.as_str());
        line(&mut page, &format!("| `{interface}.{name}` | {effect} |"));
    }
    section(&mut page, "Schema files");
    page.push_str(SCHEMAS);
    for (what, bound, source) in schema::bounds() {
        line(&mut page, &format!("| {what} | {bound} | {source} |"));
    }
    line(&mut page, &format!("| bytes of `plugin.toml` | {MAX_MANIFEST} | RG-40 |"));
    line(&mut page, &format!("| bytes of all schema files together | {MAX_SCHEMAS} | MC-06 |"));
    page.push_str(TEXT);
    page
}

fn section(page: &mut String, heading: &str) {
    line(page, &format!("\n## {heading}\n"));
}

fn line(page: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "{text}");
}

const INTRODUCTION: &str = "\
# The manifest: `plugin.toml`

This page is generated from the types that the parser reads a manifest with; `docs/manifest.schema.json` is the same for
editors. To write both again: `UPDATE_DOCS=1 cargo nextest run -p portcullis-manifest docs`.

A manifest says what a plugin is, what it asks for, and what its tools are. An admin approves exactly what it says.
Unknown keys and keys written twice are refused. Everything that is wrong is reported at once, each with its line, its
column, its key and what to write instead. Where a key is left out, the column *without it* says what holds then.
";

const LABELS: &str = "\
A tool's label is what a client is told of it. The host computes it: the highest effect of a host function that the tool's
`uses` open. `write` as the highest effect gives the label `write`, anything else `read`. `label` in the manifest may be
stricter than that (`read`, `write`, `destructive`, in this order), never looser.

A request that leaves the operator's `[boundary]` is a write, even a GET: its URL and its headers carry data out. So a tool that
holds a capability of kind `http` whose `origin` is not wholly inside has the effect `write`, also with `NAME:read`. A manifest
can't move the boundary: where it is read, everything counts as inside, and a host that publishes it refuses a label that is
too low for the boundary it has.

| host function | effect |
|---|---|
";

const SCHEMAS: &str = "\
`input` and `output` name files of JSON Schema 2020-12. They are read strictly: no member twice, no other dialect, no
reference that leaves the file, no pattern that a linear-time engine can't read, no keyword that is not in the dialect
(annotations that begin with `x-` are allowed). The root says `\"type\": \"object\"`. An input schema that does not say
`additionalProperties` is served and checked with `\"additionalProperties\": false`; one that combines schemas at its root
has to say it itself. The argument `confirmation` belongs to the host.

Checking a value takes *steps*: one for each schema that is applied to one part of the value, and more where that takes
longer: an `enum` or `const` takes one for every four values in it, unless they are all text; `uniqueItems` takes two for each
part below the list; 64 bytes of text take one for each schema. A `pattern` takes half a step for each byte of text if there is
one way through it, such as `^[a-z]{1,8}$` or `^\\d{4}-\\d{2}$`, or if it is short; otherwise it takes three, and one for every
eight characters of it, repetitions written out. A value that takes too many steps is refused before it is checked, whether it
is sent as arguments or given as a result.

A schema is refused when any one part of a value can take too many: what is applied to it is counted through references. A
reference may come back to its own schema if it does so below `properties`, `patternProperties`, `additionalProperties`,
`items` or `prefixItems`; a tree or a list takes one step for each part, and a schema that recurs twice into the same member
doubles with each level and is refused. So is a schema that comes back to itself through many others: it would need too much
of the host's stack.

`x-mcp-header` is allowed on a string, integer or boolean argument that is reached through `properties` only, with a header
name of its own, and not on anything that sounds like a secret: everything between client and host sees headers.

| bound | number | source |
|---|---|---|
";

const TEXT: &str = "
## Text

Titles, descriptions, summaries and every text in a schema are refused if they hold what a model reads and a person does not
see: control characters (a line break is allowed in descriptions), Unicode tags, characters that change the direction of
text, zero-width characters and fillers, variation selectors with nothing to vary, private-use characters. Text is in
Unicode normalisation form C. Source: MC-05.
";
