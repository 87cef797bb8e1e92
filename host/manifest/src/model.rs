//! A manifest as the host holds it: every field checked, every default filled in.

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use serde_json::Value;

use crate::{
    Access, CapabilityName, Confirm, Digest, Label, Limits, PluginName, Preview, ReleaseId, Scope, ToolName,
    http::HttpCapability,
};

/// A checked `plugin.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// `[plugin]`.
    pub plugin: PluginInfo,
    /// `[capability.NAME]`, in the order of the file.
    pub capabilities: IndexMap<CapabilityName, Capability>,
    /// `[limits]`, defaults filled in.
    pub limits: Limits,
    /// `[[tool]]`, in the order of the file. At least one; names are unique.
    pub tools: Vec<Tool>,
}

/// `[plugin]`: who made what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginInfo {
    /// Unique on a host.
    pub name: PluginName,
    /// Semantic Versioning 2.0.
    pub version: String,
    /// The component's file, relative to the manifest.
    pub component: String,
    /// Who answers for it.
    pub publisher: String,
    /// One line for the admin.
    pub summary: String,
    /// `mailto:` or `https:`.
    pub support: Option<String>,
    /// `https:`.
    pub privacy_policy: Option<String>,
}

/// What a plugin asks for by name, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `kind = "kv"`.
    Kv(KvCapability),
    /// `kind = "http"`. Shared, because every request that is decided on holds it.
    Http(Arc<HttpCapability>),
    /// `kind = "files"`.
    Files(FilesCapability),
}

/// `kind = "kv"`: keys and values kept by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvCapability {
    /// Whose rows.
    pub partition: Partition,
    /// Most bytes of keys and values in one partition.
    pub quota: u64,
    /// Most keys in one partition.
    pub keys: u64,
}

/// `kind = "files"`: whole named files kept by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesCapability {
    /// Whose folder.
    pub partition: Partition,
    /// Most bytes of names and files in one partition.
    pub quota: u64,
    /// Most files in one partition.
    pub files: u64,
}

/// Whose rows a kv capability opens, and whose folder a files capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Partition {
    /// Each principal has their own.
    User,
    /// All principals share them.
    Shared,
}

/// `[[tool]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Unique in the plugin.
    pub name: ToolName,
    /// For people.
    pub title: String,
    /// For the model.
    pub description: String,
    /// What the client is told: at least what `uses` can reach.
    pub label: Label,
    /// What a call needs before it writes, with the least that the label brings. None for tools that can't write.
    pub confirm: Confirm,
    /// How much of what it does its preview shows.
    pub preview: Preview,
    /// Kinds of question it may put through needs-input.
    pub ask: Vec<AskKind>,
    /// The capabilities this tool holds, and how.
    pub uses: Vec<Use>,
    /// Scopes a principal needs, all of them.
    pub scopes: Vec<Scope>,
    /// The input schema's file, relative to the manifest. None: takes no arguments.
    pub input: Option<String>,
    /// The output schema's file, relative to the manifest.
    pub output: Option<String>,
}

/// A kind of question that a tool may put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AskKind {
    /// A flat form.
    Form,
}

/// One entry of `uses`: `notebook:write`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// A capability of the same manifest.
    pub capability: CapabilityName,
    /// How.
    pub access: Access,
}

/// What an approved tool holds of one capability: a [`Use`] and the capability it names, joined once at publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name in the manifest.
    pub name: CapabilityName,
    /// How.
    pub access: Access,
    /// What.
    pub capability: Capability,
}

/// A whole release: the manifest, the files it names and the component's digest. What [`Package::fingerprint`] covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// The manifest.
    pub manifest: Manifest,
    /// Every schema file the manifest names, parsed.
    pub schemas: BTreeMap<String, Arc<Value>>,
    /// SHA-256 of the component.
    pub component: Digest,
}

impl AskKind {
    /// The word used in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
        }
    }
}

impl Manifest {
    /// The release this manifest describes.
    #[must_use]
    pub fn release(&self) -> ReleaseId {
        ReleaseId { plugin: self.plugin.name.clone(), version: self.plugin.version.clone() }
    }

    /// The tool of that name.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name.as_str() == name)
    }

    /// What `tool` holds. Parsing has refused a `uses` that names no capability, so none is lost here.
    #[must_use]
    pub fn grants(&self, tool: &Tool) -> Vec<Grant> {
        tool.uses
            .iter()
            .filter_map(|wanted| {
                let capability = self.capabilities.get(&wanted.capability)?.clone();
                Some(Grant { name: wanted.capability.clone(), access: wanted.access, capability })
            })
            .collect()
    }
}
