//! A whole release as it is published: manifest, schema files, component digest. Whoever holds a [`Package`] holds
//! schemas that were read strictly and bounded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    AssetName, Digest, Finding, Findings, Manifest, Package, Tool,
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
    /// A release without assets. See [`Package::with_assets`].
    ///
    /// # Errors
    /// See [`Package::with_assets`].
    pub fn new(
        manifest: Manifest,
        files: impl Fn(&str) -> Option<Vec<u8>>,
        component: Digest,
    ) -> Result<Self, PackageErrors> {
        Self::with_assets(manifest, files, BTreeMap::new(), component)
    }

    /// Reads every schema file that `manifest` names, through `files`, which knows them by the name in the manifest, and holds
    /// what it names of `assets` against them.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with its file, its line and its column.
    pub fn with_assets(
        manifest: Manifest,
        files: impl Fn(&str) -> Option<Vec<u8>>,
        assets: BTreeMap<AssetName, Digest>,
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
        findings.extend(missing_assets(&manifest, &assets));
        if findings.is_empty() {
            findings.extend(served(&manifest, &schemas));
            findings.extend(file_params(&manifest, &schemas));
        }
        match Findings::of(findings, left_off) {
            Some(errors) => Err(errors),
            None => Ok(Self { manifest, schemas, assets, component }),
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

/// What the manifest names and is not there, and what is there without a folder for it.
fn missing_assets(manifest: &Manifest, assets: &BTreeMap<AssetName, Digest>) -> Vec<PackageError> {
    let finding = |path: String, refusal| Finding { file: FILE.to_owned(), place: None, path, refusal };
    let pages = manifest.widgets.iter().map(|widget| (format!("widget.{}.asset", widget.name), widget.asset.as_str()));
    let texts = manifest.resources.iter().filter_map(|resource| {
        let exact = resource.asset.as_ref()?.exact()?;
        Some((format!("resource.{}.asset", resource.name), exact))
    });
    let missing = pages.chain(texts).filter(|(_, name)| !assets.contains_key(*name));
    let mut findings: Vec<_> =
        missing.map(|(path, name)| finding(path, SchemaRefusal::NoAsset(name.to_owned()))).collect();
    if manifest.assets.is_none() && !assets.is_empty() {
        findings.push(finding("assets".to_owned(), SchemaRefusal::NoAssets(assets.len())));
    }
    findings
}

/// The members that an argument has which is a file of the person: the first two have to be there (Apps SDK reference).
const FILE_MEMBERS: [&str; 4] = ["download_url", "file_id", "mime_type", "file_name"];

/// The arguments that a client would not fill with a file, because their schema is another one.
fn file_params(manifest: &Manifest, schemas: &BTreeMap<String, Arc<Value>>) -> Vec<PackageError> {
    let mut findings = Vec::new();
    for tool in &manifest.tools {
        let schema = tool.input.as_ref().and_then(|name| schemas.get(name));
        for name in &tool.file_params {
            let member = schema.and_then(|schema| schema.get("properties")?.get(name));
            if !member.is_some_and(is_file_param) {
                let path = format!("tool.{}.file_params", tool.name);
                let refusal = SchemaRefusal::FileParam { name: name.clone(), there: member.is_some() };
                findings.push(Finding { file: FILE.to_owned(), place: None, path, refusal });
            }
        }
    }
    findings
}

/// An object with the four members, or a list of such objects. Other members may be there, if they need not be.
fn is_file_param(schema: &Value) -> bool {
    let object = match schema.get("type").and_then(Value::as_str) {
        Some("array") => schema.get("items"),
        _ => Some(schema),
    };
    let Some(object) = object.filter(|object| object.get("type").and_then(Value::as_str) == Some("object")) else {
        return false;
    };
    let text =
        |name: &&str| object.pointer(&format!("/properties/{name}/type")).and_then(Value::as_str) == Some("string");
    let required: BTreeSet<&str> =
        object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    FILE_MEMBERS.iter().all(text) && required == BTreeSet::from([FILE_MEMBERS[0], FILE_MEMBERS[1]])
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
