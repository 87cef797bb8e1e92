//! The reference in `docs/` is what the types say.

use std::{env, fs, path::Path};

use proptest::prelude::*;
use serde_json::Value;

use super::{NOTES, strategy};
use crate::{manifest_schema, reference_markdown, validator};

/// Compares one file of `docs/`, or writes it when `UPDATE_DOCS` is set.
#[track_caller]
fn same(name: &str, generated: &str) {
    let crate_directory = env::var_os("CARGO_MANIFEST_DIR").expect("tests are run by cargo");
    let path = Path::new(&crate_directory).join("../../docs").join(name);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, generated).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let how = "UPDATE_DOCS=1 cargo nextest run -p portcullis-manifest docs";
    assert!(kept == generated, "docs/{name} is not what the types say; write it again with: {how}");
}

#[test]
fn docs_have_the_reference_page_that_the_types_say() {
    same("manifest.md", &reference_markdown());
}

#[test]
fn docs_have_the_json_schema_that_the_types_say() {
    let text = serde_json::to_string_pretty(&manifest_schema()).unwrap();
    same("manifest.schema.json", &format!("{text}\n"));
}

fn as_json(manifest: &str) -> Value {
    toml::from_str(manifest).unwrap()
}

#[test]
fn the_json_schema_takes_the_example_and_refuses_what_the_parser_refuses() {
    let schema = validator(&manifest_schema()).unwrap();
    assert!(schema.is_valid(&as_json(NOTES)));
    for (from, to) in [
        ("manifest = 1", "manifest = 2"),
        ("title = \"Create", "titel = \"Create"),
        ("kind = \"kv\"", "kind = \"ftp\""),
        ("kind = \"kv\"", "kind = \"files\"\nkeys = 7"),
        ("kind = \"kv\"", "kind = \"http\"\norigin = \"https://a.example\"\nallow = [\"GET /\"]"),
        ("uses = [\"notebook:write\"]", "confirm = \"none\""),
        ("uses = [\"notebook:write\"]", "preview = \"none\""),
        ("name = \"notes\"", "name = \"Notes\""),
        ("time = \"5 s\"", "time = 5"),
        ("fuel = 200_000_000", "fuel = 1"),
        ("[capability.notebook]", "[capability.Notebook]"),
        ("uses = [\"notebook:read\"]", "uses = [\"notebook\"]"),
        ("scopes = [\"notes:read\"]", "ask = [\"url\"]"),
        ("component = \"notes.wasm\"", "component = \"../notes.wasm\""),
    ] {
        let text = NOTES.replacen(from, to, 1);
        assert_ne!(text, NOTES);
        assert!(crate::Manifest::parse(&text).is_err(), "{to}");
        assert!(!schema.is_valid(&as_json(&text)), "{to}");
    }
}

proptest! {
    #[test]
    fn the_json_schema_takes_whatever_the_parser_takes(manifest in strategy::manifest()) {
        let schema = validator(&manifest_schema()).unwrap();
        let value = as_json(&manifest.print());
        prop_assert!(schema.is_valid(&value), "{:?}", schema.validate(&value).map_err(|error| error.to_string()));
    }
}
