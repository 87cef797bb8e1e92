//! A release as an author hands it in, read and checked once.

use std::collections::BTreeMap;

use portcullis_manifest::{
    Digest, Fingerprint, Label, Manifest, ManifestErrors, Package, PackageErrors, Tool, WireName,
};
use portcullis_sandbox::{ImportsRefused, StructureRefused, check_imports, check_structure};

/// What is handed in: everything the fingerprint covers.
#[derive(Clone, Debug)]
pub struct Source {
    /// `plugin.toml`.
    pub manifest: String,
    /// The files that the manifest names, but for the component.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The component.
    pub component: Vec<u8>,
    /// What stands before a tool's name on the wire; none: the plugin's name and `_`.
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
    /// The component's structure.
    #[error(transparent)]
    Structure(#[from] StructureRefused),
    /// The component's imports.
    #[error(transparent)]
    Imports(#[from] ImportsRefused),
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
#[error(
    "with the prefix `{prefix}` tool `{tool}` would have a name on the wire that is not allowed: {}",
    WireName::RULE
)]
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
    /// The component's imports.
    pub imports: Vec<String>,
}

impl ReadRelease {
    /// Reads manifest and schemas.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn read(
        manifest: &str,
        files: &BTreeMap<String, Vec<u8>>,
        component: Digest,
        prefix: Option<&str>,
    ) -> Result<Self, SourceError> {
        let manifest = Manifest::parse(manifest)?;
        let prefix = prefix.map_or_else(|| default_prefix(&manifest), str::to_owned);
        let package = Package::new(manifest, |name| files.get(name).cloned(), component)?;
        let fingerprint = fingerprint(&package, &prefix);
        let release = Self { package, fingerprint, prefix };
        for tool in &release.package.manifest.tools {
            release.wire_name(tool)?;
            release.check_schemas(tool)?;
        }
        Ok(release)
    }

    /// The name of a tool on the wire.
    ///
    /// # Errors
    /// [`PrefixRefused`]; a release that was read holds none that fails.
    pub fn wire_name(&self, tool: &Tool) -> Result<WireName, PrefixRefused> {
        let refused = |_| PrefixRefused { prefix: self.prefix.clone(), tool: tool.name.to_string() };
        format!("{}{}", self.prefix, tool.name).parse().map_err(refused)
    }

    /// Names on the wire, each with its label.
    ///
    /// # Errors
    /// See [`ReadRelease::wire_name`].
    pub fn labels(&self) -> Result<Vec<(WireName, Label)>, PrefixRefused> {
        self.package.manifest.tools.iter().map(|tool| Ok((self.wire_name(tool)?, tool.label))).collect()
    }

    fn check_schemas(&self, tool: &Tool) -> Result<(), SourceError> {
        let input = self.package.input_schema(tool);
        let wrong = |which, why: portcullis_admission::BadSchema| SourceError::Schema {
            tool: tool.name.to_string(),
            which,
            why: why.to_string(),
        };
        portcullis_admission::Schema::compile(&input).map_err(|why| wrong("input", why))?;
        if let Some(output) = self.package.output_schema(tool) {
            portcullis_admission::Schema::compile(output).map_err(|why| wrong("output", why))?;
        }
        Ok(())
    }
}

impl Inspection {
    /// Reads and checks a source, component too.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn of(source: &Source) -> Result<Self, SourceError> {
        let digest = Digest::of(&source.component);
        let release = ReadRelease::read(&source.manifest, &source.files, digest, source.prefix.as_deref())?;
        let imports = check_structure(&source.component)?.imports;
        let opened: Vec<_> = release.package.manifest.interfaces().into_iter().collect();
        check_imports(&imports, &opened)?;
        Ok(Self { release, imports })
    }
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
