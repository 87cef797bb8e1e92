//! A release as an author hands it in, read and checked once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use portcullis_admission::{BadSchema, Callable, Schema};
use portcullis_manifest::{
    AssetFiles, AssetName, Digest, Fingerprint, Label, Manifest, ManifestErrors, Package, PackageErrors, TooManyAssets,
    Tool, ToolName, WidgetErrors, WireName, uri::InvalidAsset,
};
use portcullis_sandbox::{
    ExportsRefused, ImportsRefused, StructureRefused, check_exports, check_imports, check_structure,
};
use serde_json::Value;

/// What is handed in: everything the fingerprint covers.
#[derive(Clone, Debug)]
pub struct Source {
    /// `plugin.toml`.
    pub manifest: String,
    /// The files that the manifest names, but for the component.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Every file under the manifest's folder of assets, by its name there.
    pub assets: BTreeMap<String, Vec<u8>>,
    /// The component.
    pub component: Vec<u8>,
    /// What stands before a tool's name on the wire; none: what its plugin has already, or its name and `_`.
    pub prefix: Option<String>,
}

/// What is wrong with a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The manifest.
    #[error("{0}")]
    Manifest(#[from] ManifestErrors),
    /// The schemas.
    #[error("{0}")]
    Package(#[from] PackageErrors),
    /// The name of an asset.
    #[error("the asset `{}`: {why}", portcullis_manifest::visible(name))]
    AssetName {
        /// The name, or its beginning.
        name: String,
        /// Why.
        why: InvalidAsset,
    },
    /// How many assets there are, and how large.
    #[error(transparent)]
    Assets(#[from] TooManyAssets),
    /// The pages of its widgets.
    #[error("{0}")]
    Widgets(#[from] WidgetErrors),
    /// The component's structure.
    #[error(transparent)]
    Structure(#[from] StructureRefused),
    /// The component's imports.
    #[error(transparent)]
    Imports(#[from] ImportsRefused),
    /// The component's exports, or its memory.
    #[error(transparent)]
    Exports(#[from] ExportsRefused),
    /// A schema that the validator does not take.
    #[error("tool `{tool}`: {which} schema: {why}")]
    Schema {
        /// The tool.
        tool: String,
        /// `input` or `output`.
        which: &'static str,
        /// Why.
        why: String,
    },
    /// The prefix.
    #[error(transparent)]
    Prefix(#[from] PrefixRefused),
}

/// A prefix makes a name that is not allowed on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("with the prefix `{prefix}` `{tool}` would have a name on the wire that is not allowed: {}", WireName::RULE)]
pub struct PrefixRefused {
    prefix: String,
    tool: String,
}

/// A release whose manifest, schemas and names have been read and checked.
#[derive(Debug)]
pub struct ReadRelease {
    /// Manifest, schemas, digest.
    pub package: Package,
    /// What an approval binds: the package and the prefix.
    pub fingerprint: Fingerprint,
    /// What stands before a tool's name on the wire.
    pub prefix: String,
}

/// What `check` tells of a plugin: nothing is kept and nothing is run.
#[derive(Debug)]
pub struct Inspection {
    /// The release.
    pub release: ReadRelease,
    /// What is in its assets.
    pub assets: Arc<AssetFiles>,
    /// The component's imports.
    pub imports: Vec<String>,
}

impl ReadRelease {
    /// Reads manifest and schemas. `assets` have the digests that the fingerprint covers.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn read(
        manifest: &str,
        files: &BTreeMap<String, Vec<u8>>,
        assets: BTreeMap<AssetName, Digest>,
        component: Digest,
        prefix: Option<&str>,
    ) -> Result<Self, SourceError> {
        let manifest = Manifest::parse(manifest)?;
        let prefix = prefix.map_or_else(|| default_prefix(&manifest), str::to_owned);
        let package = Package::with_assets(manifest, |name| files.get(name).cloned(), assets, component)?;
        let fingerprint = fingerprint(&package, &prefix);
        let release = Self { package, fingerprint, prefix };
        release.labels()?;
        Ok(release)
    }

    /// The name of a tool on the wire.
    ///
    /// # Errors
    /// [`PrefixRefused`]; a release that was read holds none that fails.
    pub fn wire_name(&self, tool: &Tool) -> Result<WireName, PrefixRefused> {
        self.wire(&tool.name)
    }

    /// The name on the wire of what the manifest calls `name`: prompts and resources share the tools' prefix.
    ///
    /// # Errors
    /// See [`ReadRelease::wire_name`].
    pub fn wire(&self, name: &ToolName) -> Result<WireName, PrefixRefused> {
        let refused = |_| PrefixRefused { prefix: self.prefix.clone(), tool: name.to_string() };
        format!("{}{name}", self.prefix).parse().map_err(refused)
    }

    /// Names on the wire of tools, prompts, resources and widgets, each with its label: all but tools only read.
    ///
    /// # Errors
    /// See [`ReadRelease::wire_name`].
    pub fn labels(&self) -> Result<Vec<(WireName, Label)>, PrefixRefused> {
        let manifest = &self.package.manifest;
        let tools = manifest.tools.iter().map(|tool| (&tool.name, tool.label));
        let names = manifest.prompts.iter().map(|prompt| &prompt.name);
        let names = names.chain(manifest.resources.iter().map(|resource| &resource.name));
        let names = names.chain(manifest.widgets.iter().map(|widget| &widget.name));
        let all = tools.chain(names.map(|name| (name, Label::Read)));
        all.map(|(name, label)| Ok((self.wire(name)?, label))).collect()
    }

    /// The compiled schemas of each tool, in the manifest's order: of its arguments, and of its result. What several tools
    /// name is compiled once and shared.
    pub(crate) fn schemas(&self) -> Result<Vec<(Schema, Option<Schema>)>, SourceError> {
        self.schemas_by(Schema::compile)
    }

    fn schemas_by(
        &self,
        mut compile: impl FnMut(&Value) -> Result<Schema, BadSchema>,
    ) -> Result<Vec<(Schema, Option<Schema>)>, SourceError> {
        let package = &self.package;
        // By file and whether the host has closed it; as the author wrote it, it is the same for arguments and results.
        let mut known: HashMap<(Option<&str>, bool), Schema> = HashMap::new();
        let mut compiled = Vec::with_capacity(package.manifest.tools.len());
        for tool in &package.manifest.tools {
            let wrong = |which, why: BadSchema| SourceError::Schema {
                tool: tool.name.to_string(),
                which,
                why: why.to_string(),
            };
            let input = tool.input.as_deref();
            let written = input.and_then(|name| package.schemas.get(name));
            let closed = written.is_none_or(|schema| schema.get("additionalProperties").is_none());
            let input = match known.get(&(input, closed)) {
                Some(schema) => schema.clone(),
                None => {
                    let schema = compile(&package.input_schema(tool)).map_err(|why| wrong("input", why))?;
                    known.insert((input, closed), schema.clone());
                    schema
                }
            };
            let output = match (tool.output.as_deref(), package.output_schema(tool)) {
                (Some(name), Some(written)) => Some(match known.get(&(Some(name), false)) {
                    Some(schema) => schema.clone(),
                    None => {
                        let schema = compile(written).map_err(|why| wrong("output", why))?;
                        known.insert((Some(name), false), schema.clone());
                        schema
                    }
                }),
                _ => None,
            };
            compiled.push((input, output));
        }
        Ok(compiled)
    }
}

impl Inspection {
    /// Reads and checks a source, component too.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn of(source: &Source) -> Result<Self, SourceError> {
        let digest = Digest::of(&source.component);
        let assets = asset_files(&source.assets)?;
        let release =
            ReadRelease::read(&source.manifest, &source.files, assets.digests(), digest, source.prefix.as_deref())?;
        release.package.manifest.check_widgets(&assets)?;
        let checked = check_structure(&source.component)?;
        let opened: Vec<_> = release.package.manifest.interfaces().into_iter().collect();
        check_imports(&checked.imports, &opened)?;
        check_exports(&checked, &exports(&release.package.manifest), &release.package.manifest.limits)?;
        release.schemas()?;
        Ok(Self { release, assets: Arc::new(assets), imports: checked.imports })
    }
}

/// Assets as they are handed in, or as the store has them, their names and their number checked.
///
/// # Errors
/// [`SourceError::AssetName`], [`SourceError::Assets`].
pub(crate) fn asset_files<'a>(
    assets: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>,
) -> Result<AssetFiles, SourceError> {
    let named = |(name, bytes): (&String, &Vec<u8>)| {
        let known = name.parse::<AssetName>();
        let known = known.map_err(|why| SourceError::AssetName { name: name.chars().take(80).collect(), why })?;
        Ok((known, Arc::from(bytes.as_slice())))
    };
    let named = assets.into_iter().map(named).collect::<Result<BTreeMap<_, _>, SourceError>>()?;
    Ok(AssetFiles::new(named)?)
}

/// What a component has to export for what its manifest lists: what the host answers with an asset, it does not.
pub(crate) fn exports(manifest: &Manifest) -> Vec<Callable> {
    let prompts = &manifest.prompts;
    let completes = manifest.resources.iter().any(|resource| !resource.complete.is_empty())
        || prompts.iter().any(|prompt| prompt.arguments.iter().any(|argument| argument.complete));
    let needed = [
        (Callable::Tool, !manifest.tools.is_empty()),
        (Callable::Resource, manifest.resources.iter().any(|resource| resource.asset.is_none())),
        (Callable::Prompt, !prompts.is_empty()),
        (Callable::Completion, completes),
    ];
    needed.into_iter().filter(|(_, needed)| *needed).map(|(kind, _)| kind).collect()
}

fn default_prefix(manifest: &Manifest) -> String {
    // A plugin's name may hold `-`; on the wire names are easier for models with one separator.
    format!("{}_", manifest.plugin.name.as_str().replace('-', "_"))
}

/// The prefix makes names on the wire, so it belongs to what is approved.
fn fingerprint(package: &Package, prefix: &str) -> Fingerprint {
    let mut bytes = b"portcullis release 1\0".to_vec();
    bytes.extend_from_slice(&package.fingerprint().0);
    bytes.extend_from_slice(prefix.as_bytes());
    Fingerprint(Digest::of(&bytes).0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// How often a schema is compiled for a release of 64 tools that all take and give what one file says.
    fn compiled(file: &Value) -> usize {
        let tool = |at| {
            format!(
                "[[tool]]\nname = \"t{at}\"\ntitle = \"T\"\ndescription = \"d\"\ninput = \"a.json\"\noutput = \"a.json\"\n"
            )
        };
        let tools: String = (0..64).map(tool).collect();
        let manifest = format!(
            "manifest = 1\n[plugin]\nname = \"many\"\nversion = \"1.0.0\"\ncomponent = \"c.wasm\"\npublisher = \"p\"\n\
             summary = \"s\"\n{tools}"
        );
        let files = BTreeMap::from([("a.json".to_owned(), file.to_string().into_bytes())]);
        let release = ReadRelease::read(&manifest, &files, BTreeMap::new(), Digest::of(b""), None).unwrap();
        let mut count = 0;
        let schemas = release.schemas_by(|schema| {
            count += 1;
            Schema::compile(schema)
        });
        assert_eq!(schemas.unwrap().len(), 64);
        count
    }

    #[test]
    fn mc_07_a_file_that_many_tools_name_is_compiled_once() {
        let closed = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        assert_eq!(compiled(&closed), 1);
        // The host closes what tools take, and leaves what they give as it is written.
        assert_eq!(compiled(&json!({ "type": "object", "properties": {} })), 2);
    }
}
