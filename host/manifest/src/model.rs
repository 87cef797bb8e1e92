//! A manifest as the host holds it: every field checked, every default filled in.

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use serde_json::Value;

use crate::{
    Access, AssetName, CapabilityName, Confirm, Digest, Label, Limits, PluginName, Preview, ReleaseId, Scope, ToolName,
    http::HttpCapability,
    offer::{Prompt, Resource, TaskSupport, Visibility, Widget},
};

/// A checked `plugin.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// `[plugin]`.
    pub plugin: PluginInfo,
    /// `hints` of `[plugin]`: what it is told of the person and their device, where the client says it.
    pub hints: Vec<Hint>,
    /// `[capability.NAME]`, in the order of the file.
    pub capabilities: IndexMap<CapabilityName, Capability>,
    /// `[assets]`.
    pub assets: Option<Assets>,
    /// `[limits]`, defaults filled in.
    pub limits: Limits,
    /// `[[tool]]`, in the order of the file. At least one; names are unique, also among what follows.
    pub tools: Vec<Tool>,
    /// `[[prompt]]`, in the order of the file.
    pub prompts: Vec<Prompt>,
    /// `[[resource]]`, in the order of the file.
    pub resources: Vec<Resource>,
    /// `[[widget]]`, in the order of the file.
    pub widgets: Vec<Widget>,
    /// `[[retired]]`, in the order of the file.
    pub retired: Vec<Retired>,
}

/// `[[retired]]`: a tool or prompt that an older release had. Who still calls it is told what to call now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// Its name then; nothing of this release has it.
    pub name: ToolName,
    /// The tool or prompt of this release that took its place.
    pub instead: Option<ToolName>,
    /// Why, for the model and the person.
    pub why: Option<String>,
}

/// Something that a client may say of the person and their device. A plugin that does not list it never sees it, and nobody
/// decides anything by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// Language and region.
    Locale,
    /// What kind of client.
    UserAgent,
    /// Roughly where.
    Location,
    /// A pseudonym of the person, the client's own.
    Subject,
    /// The client's name for the conversation.
    Session,
    /// A pseudonym of the person's organisation.
    Organization,
}

/// `[assets]`: files that belong to the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    /// Where they are, relative to the manifest.
    pub folder: String,
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
    /// The widget that shows its results: one of the same manifest.
    pub widget: Option<ToolName>,
    /// Who is to call it.
    pub visibility: Visibility,
    /// What a client shows while it runs.
    pub invoking: Option<String>,
    /// What a client shows when it is done.
    pub invoked: Option<String>,
    /// The arguments that are files of the person.
    pub file_params: Vec<String>,
    /// Whether it may run as a task.
    pub task: TaskSupport,
}

/// A kind of question that a tool may put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AskKind {
    /// A flat form, for a person.
    Form,
    /// A message that the client's model answers.
    Sampling,
    /// The client's roots.
    Roots,
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

/// A whole release: the manifest, the files it names, its assets and the component's digest. What [`Package::fingerprint`] covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// The manifest.
    pub manifest: Manifest,
    /// Every schema file the manifest names, parsed.
    pub schemas: BTreeMap<String, Arc<Value>>,
    /// SHA-256 of each asset.
    pub assets: BTreeMap<AssetName, Digest>,
    /// SHA-256 of the component.
    pub component: Digest,
}

impl Hint {
    /// Every hint.
    pub const ALL: [Self; 6] =
        [Self::Locale, Self::UserAgent, Self::Location, Self::Subject, Self::Session, Self::Organization];

    /// The word used in manifests, and in what a guest is told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Locale => "locale",
            Self::UserAgent => "user-agent",
            Self::Location => "location",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Organization => "organization",
        }
    }
}

impl AskKind {
    /// The word used in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
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

    /// The prompt of that name.
    #[must_use]
    pub fn prompt(&self, name: &str) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| prompt.name.as_str() == name)
    }

    /// The resource of that name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name.as_str() == name)
    }

    /// The widget of that name.
    #[must_use]
    pub fn widget(&self, name: &str) -> Option<&Widget> {
        self.widgets.iter().find(|widget| widget.name.as_str() == name)
    }

    /// What `tool` holds.
    #[must_use]
    pub fn grants(&self, tool: &Tool) -> Vec<Grant> {
        self.held(&tool.uses)
    }

    /// What somebody with these `uses` holds. Parsing has refused an entry that names no capability, so none is lost here.
    #[must_use]
    pub fn held(&self, uses: &[Use]) -> Vec<Grant> {
        uses.iter()
            .filter_map(|wanted| {
                let capability = self.capabilities.get(&wanted.capability)?.clone();
                Some(Grant { name: wanted.capability.clone(), access: wanted.access, capability })
            })
            .collect()
    }
}
