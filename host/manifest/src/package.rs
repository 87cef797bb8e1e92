//! A whole release as it is published: manifest, schema files, component digest. Whoever holds a [`Package`] holds
//! schemas that were read strictly and bounded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    Digest, Finding, Findings, Manifest, Package, Tool,
    parse::FILE,
    schema::{self, MAX_SCHEMAS, MAX_SERVED, Patterns, Role, SchemaRefusal},
};

/// Everything that is wrong with the files of a package.
pub type PackageErrors = Findings<SchemaRefusal>;

/// One thing that is wrong with them.
pub type PackageError = Finding<SchemaRefusal>;

/// What a tool has in a client's list beside its texts and its schemas: names, hints, punctuation.
const FRAME: usize = 512;

impl Package {
    /// Reads every schema file that `manifest` names, through `files`, which knows them by the name in the manifest.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with its file, its line and its column.
    pub fn new(
        manifest: Manifest,
        files: impl Fn(&str) -> Option<Vec<u8>>,
        component: Digest,
    ) -> Result<Self, PackageErrors> {
        let (mut findings, mut left_off) = (Vec::new(), 0);
        let mut wanted: BTreeMap<&str, BTreeSet<Role>> = BTreeMap::new();
        let mut bytes: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for tool in &manifest.tools {
            for (key, role, name) in [("input", Role::Input, &tool.input), ("output", Role::Output, &tool.output)] {
                let Some(name) = name else { continue };
                if let Some(content) = files(name) {
                    bytes.insert(name, content);
                    wanted.entry(name).or_default().insert(role);
                } else {
                    let path = format!("tool.{}.{key}", tool.name);
                    let refusal = SchemaRefusal::NoFile(name.clone());
                    findings.push(Finding { file: FILE.to_owned(), place: None, path, refusal });
                }
            }
        }
        let found: usize = bytes.values().map(Vec::len).sum();
        let mut schemas = BTreeMap::new();
        if found > MAX_SCHEMAS {
            let refusal = SchemaRefusal::TooLarge { found, maximum: MAX_SCHEMAS };
            findings.push(Finding { file: FILE.to_owned(), place: None, path: "tool".to_owned(), refusal });
        } else {
            let mut patterns = Patterns::default();
            for (name, roles) in wanted {
                let roles: Vec<Role> = roles.into_iter().collect();
                match schema::read(name, &bytes[name], &roles, &mut patterns) {
                    Ok(schema) => drop(schemas.insert(name.to_owned(), Arc::new(schema))),
                    Err((wrong, more)) => {
                        findings.extend(wrong);
                        left_off += more;
                    }
                }
            }
        }
        if findings.is_empty() {
            findings.extend(served(&manifest, &schemas));
        }
        match Findings::of(findings, left_off) {
            Some(errors) => Err(errors),
            None => Ok(Self { manifest, schemas, component }),
        }
    }

    /// The schema of `tool`'s arguments, as it is served and validated: the author's, closed to members it does not name
    /// unless the author says otherwise (catalogue MC-08). A tool without a schema takes no arguments.
    #[must_use]
    pub fn input_schema(&self, tool: &Tool) -> Value {
        let mut schema = match tool.input.as_ref().and_then(|name| self.schemas.get(name)) {
            Some(schema) => Value::clone(schema),
            None => json!({ "type": "object" }),
        };
        if let Some(object) = schema.as_object_mut() {
            object.entry("additionalProperties").or_insert(Value::Bool(false));
        }
        schema
    }

    /// The schema of `tool`'s structured result, if it has one: the author's, unchanged.
    #[must_use]
    pub fn output_schema(&self, tool: &Tool) -> Option<&Value> {
        self.schemas.get(tool.output.as_ref()?).map(AsRef::as_ref)
    }
}

/// The first tool with which the tools have too many bytes in a client's list. One file may be named by every tool, twice.
fn served(manifest: &Manifest, schemas: &BTreeMap<String, Arc<Value>>) -> Option<PackageError> {
    let bytes: BTreeMap<&str, usize> =
        schemas.iter().map(|(name, schema)| (name.as_str(), schema.to_string().len())).collect();
    let mut found = 0;
    for tool in &manifest.tools {
        let schemas = [&tool.input, &tool.output].into_iter().flatten().filter_map(|name| bytes.get(name.as_str()));
        found += tool.title.len() * 2 + tool.description.len() + FRAME + schemas.sum::<usize>();
        if found > MAX_SERVED {
            let refusal = SchemaRefusal::Served { found, maximum: MAX_SERVED };
            let path = format!("tool.{}", tool.name);
            return Some(Finding { file: FILE.to_owned(), place: None, path, refusal });
        }
    }
    None
}
