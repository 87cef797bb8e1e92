//! Every refusal of a schema file, with its exact text.

mod bounds;
mod rules;

use serde_json::Value;

use super::notes;
use crate::{Digest, Package, PackageErrors, Tool};

/// A package whose only tool takes `input` and gives `output`.
fn package(input: Option<&str>, output: Option<&str>) -> Result<Package, PackageErrors> {
    let mut manifest = notes();
    let tool = Tool {
        input: input.map(|_| "in.json".into()),
        output: output.map(|_| "out.json".into()),
        ..manifest.tools[0].clone()
    };
    manifest.tools = vec![tool];
    let files = |name: &str| if name == "in.json" { input } else { output }.map(|text| text.as_bytes().to_vec());
    Package::new(manifest, files, Digest::of(b""))
}

fn lines(package: Result<Package, PackageErrors>) -> Vec<String> {
    match package {
        Ok(_) => Vec::new(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    }
}

/// As an input schema, this text is refused with exactly these texts.
#[track_caller]
fn refused_text(schema: &str, expected: &[&str]) {
    assert_eq!(lines(package(Some(schema), None)), expected);
}

#[track_caller]
fn refused(schema: Value, expected: &[&str]) {
    refused_text(&schema.to_string(), expected);
}

#[track_caller]
fn taken(schema: Value) {
    refused(schema, &[]);
}
