//! The approved releases now served, made ready once for each generation.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use portcullis_admission::{ApprovedTool, Callable, Schema};
use portcullis_backend::{Descriptor, List, ListKind, Reference};
use portcullis_manifest::{
    AssetFiles, AssetName, BoundaryErrors, Digest, Fingerprint, Label, PluginName, Preview, Principal, Retired, Scope,
    Tool, ToolName,
};
use portcullis_sandbox::{LoadError, Plugin};
use portcullis_store::Release;
use serde_json::Value;

use crate::{
    Policy, ReadRelease, SourceError,
    access::{Door, Lists},
    descriptor,
    offer::Offers,
    release::asset_files,
    tombstone::Once,
    uris::{Schemes, Uris, meet},
};

/// See the module. A call sees one catalogue, whole, from its beginning to its end (catalogue MC-41).
pub(crate) struct Catalogue {
    tools: HashMap<String, (Door, Served)>,
    resources: Uris<(Door, Served)>,
    schemes: Schemes,
    prompts: HashMap<String, (Door, Served)>,
    lists: Kinds,
    scopes: Vec<Scope>,
    ready: BTreeMap<Fingerprint, Arc<Ready>>,
}

/// The list of each kind.
struct Kinds {
    tools: Lists,
    resources: Lists,
    templates: Lists,
    prompts: Lists,
}

/// Tool names on the wire that an approval lets be called without sign-in.
pub(crate) type Open = BTreeSet<String>;

/// A tool and the plugin that runs it.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) tool: Arc<ApprovedTool>,
    pub(crate) plugin: Plugin,
    /// A resource that the host answers itself.
    pub(crate) held: Option<Arc<Held>>,
}

/// A resource that is made of assets of its release: the guest is never run for it.
#[derive(Debug)]
pub(crate) struct Held {
    /// The asset's name, with the URI's variables in braces.
    pub(crate) asset: String,
    /// The media type.
    pub(crate) mime: Option<String>,
    /// `_meta` of its contents.
    pub(crate) meta: Option<Value>,
}

impl Held {
    /// Whether it has an asset for these values.
    fn is_there(&self, assets: &AssetFiles, values: &[(String, String)]) -> bool {
        crate::way::expanded(&self.asset, values).is_some_and(|name| assets.get(&name).is_some())
    }
}

/// An approved release that is not served, although it should be. Each raises an alert.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// What is stored is not what was approved (catalogue RG-02).
    #[error("what is stored is not what was approved: its fingerprint is {found}")]
    Changed {
        /// Of what is stored.
        found: Fingerprint,
    },
    /// The component's bytes are not the ones that were approved (catalogue RG-02).
    #[error("the stored component has the digest {found}")]
    Component {
        /// Of what is stored.
        found: Digest,
    },
    /// An asset is not the one that was approved (catalogue RG-02).
    #[error("the stored asset `{}` is not what was approved", portcullis_manifest::visible(name))]
    Asset {
        /// Its name.
        name: String,
    },
    /// This version of the host computes a looser label than the approver saw (DESIGN rule 4).
    #[error(
        "`{tool}` was approved as `{}` and would now be labelled `{}`: approve the release again",
        approved,
        computed.as_str()
    )]
    Looser {
        /// On the wire.
        tool: String,
        /// What the approver saw.
        approved: String,
        /// What it would be.
        computed: Label,
    },
    /// It reads outside what the operator calls inside, and is labelled as if it did not write (DESIGN rule 5).
    #[error(transparent)]
    Boundary(#[from] BoundaryErrors),
    /// It can't be read any more.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No call of it could ever have its memory.
    #[error(
        "its calls may take {needed} bytes (`limits.memory` and what its capabilities may make the host hold: `limits.kv_bytes`, \
         `file_bytes`, `request_body`, `response_body` of plugin.toml), and all guests of this host together have {budget}: ask for less, or the operator raises `capacity.memory`"
    )]
    Budget {
        /// Bytes.
        needed: u64,
        /// Bytes.
        budget: u64,
    },
    /// It can't be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It can't be compiled.
    #[error(transparent)]
    Compile(#[from] portcullis_sandbox::CompileRefused),
    /// The store can't be asked.
    #[error(transparent)]
    Store(#[from] portcullis_store::Unavailable),
    /// It was not read or loaded to the end.
    #[error("the host did not come to the end of reading it: {0}")]
    Unfinished(String),
    /// Its row is not of the form this version writes.
    #[error("its row in the store is damaged: {0}")]
    Row(String),
}

impl Catalogue {
    pub(crate) fn empty() -> Self {
        Self::new(0, Vec::new(), &Policy::default())
    }

    /// A catalogue of releases that have been checked and loaded.
    pub(crate) fn new(generation: u64, releases: Vec<Arc<Ready>>, policy: &Policy) -> Self {
        let (mut tools, mut prompts, mut resources) = (HashMap::new(), HashMap::new(), Vec::new());
        let mut schemes = Schemes::default();
        let (mut listed, mut scopes) = ([const { Vec::new() }; 4], BTreeSet::new());
        for release in &releases {
            let door = Door::of(&release.name, policy);
            let served = |tool: &Arc<ApprovedTool>, held: &Option<Arc<Held>>| {
                (door.clone(), Served { tool: tool.clone(), plugin: release.plugin.clone(), held: held.clone() })
            };
            let Offers { prompts: of_prompts, resources: of_resources, listed: of_list, templates } = &release.offers;
            for (_, tool) in &release.tools {
                tools.insert(tool.wire.as_str().to_owned(), served(tool, &None));
            }
            for (_, tool) in of_prompts {
                prompts.insert(tool.wire.as_str().to_owned(), served(tool, &None));
            }
            for (uri, ready) in of_resources {
                resources.push((uri.clone(), served(&ready.tool, &ready.held)));
                schemes.add(uri, &release.name);
            }
            scopes.extend(release.callable().flat_map(|tool| tool.scopes.iter().cloned()));
            let name = |descriptor: &Descriptor| (release.name.clone(), descriptor.clone());
            listed[0].extend(release.tools.iter().map(|(descriptor, _)| name(descriptor)));
            listed[1].extend(of_list.iter().map(name));
            listed[2].extend(templates.iter().map(name));
            listed[3].extend(of_prompts.iter().map(|(descriptor, _)| name(descriptor)));
        }
        let [of_tools, of_resources, of_templates, of_prompts] =
            listed.map(|descriptors| Lists::new(generation, descriptors, policy));
        let lists = Kinds { tools: of_tools, resources: of_resources, templates: of_templates, prompts: of_prompts };
        let ready = releases.into_iter().map(|release| (release.fingerprint, release)).collect();
        Self {
            tools,
            resources: Uris::new(resources),
            schemes,
            prompts,
            lists,
            scopes: scopes.into_iter().collect(),
            ready,
        }
    }

    /// This catalogue after a decision, made of what is known without asking the store: `approved` instead of its plugin's
    /// other release, or none of `withdrawn`.
    pub(crate) fn after(&self, withdrawn: Fingerprint, approved: Option<Arc<Ready>>, policy: &Policy) -> Self {
        let replaced = |release: &Ready| approved.as_ref().is_some_and(|approved| approved.name == release.name);
        let kept = self.ready.values().filter(|release| release.fingerprint != withdrawn && !replaced(release));
        let releases = kept.chain(&approved).cloned().collect();
        // The store's number grows with every decision, too.
        Self::new(self.lists.tools.generation() + 1, releases, policy)
    }

    /// The tool of that name, if `principal` may see it: what they may not see is found as little as what is not there
    /// (catalogue AU-06).
    pub(crate) fn find(&self, name: &str, principal: &Principal) -> Option<&Served> {
        let (door, served) = self.tools.get(name)?;
        door.lets_in(principal).then_some(served)
    }

    /// The resource at that URI, and the values of its template's variables.
    pub(crate) fn find_resource(&self, uri: &str, principal: &Principal) -> Option<(&Served, Vec<(String, String)>)> {
        let ((door, served), values) = self.resources.find(uri)?;
        let there = served.held.as_ref().is_none_or(|held| held.is_there(served.plugin.assets(), &values));
        (there && door.lets_in(principal)).then_some((served, values))
    }

    /// Whether another plugin than `plugin` has resources of the URI's scheme, whoever may read them: nobody who is shown the URI
    /// could tell whose it is.
    pub(crate) fn is_scheme_of_others(&self, uri: &str, plugin: &PluginName) -> bool {
        self.schemes.is_of_others(uri, plugin)
    }

    /// The prompt of that name on the wire.
    pub(crate) fn find_prompt(&self, name: &str, principal: &Principal) -> Option<&Served> {
        let (door, served) = self.prompts.get(name)?;
        door.lets_in(principal).then_some(served)
    }

    /// The prompt, or the template, whose arguments are completed.
    pub(crate) fn find_completion(&self, reference: &Reference, principal: &Principal) -> Option<&Served> {
        match reference {
            Reference::Prompt(name) => self.find_prompt(name, principal),
            Reference::Resource(template) => {
                let (door, served) = self.resources.template(template)?;
                door.lets_in(principal).then_some(served)
            }
        }
    }

    /// What of one kind `principal` may see.
    pub(crate) fn list(&self, kind: ListKind, principal: &Principal) -> Arc<List> {
        match kind {
            ListKind::Tools => self.lists.tools.of(principal),
            ListKind::Resources => self.lists.resources.of(principal),
            ListKind::Templates => self.lists.templates.of(principal),
            ListKind::Prompts => self.lists.prompts.of(principal),
        }
    }

    /// What of a release that is to be approved another plugin's release has already: a URI. Names are the store's to keep
    /// apart, when it is approved.
    pub(crate) fn taken(&self, new: &Ready) -> Option<Taken> {
        let others = self.ready.values().filter(|other| other.name != new.name);
        for other in others {
            let whose = || other.name.clone();
            for (uri, _) in &new.offers.resources {
                if let Some((theirs, _)) = other.offers.resources.iter().find(|(theirs, _)| meet(uri, theirs)) {
                    return Some(Taken { uri: uri.to_string(), theirs: theirs.to_string(), other: whose() });
                }
            }
        }
        None
    }

    /// What is served asks its callers for, sorted.
    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Whether a release of `plugin` is served.
    pub(crate) fn serves(&self, plugin: &PluginName) -> bool {
        self.ready.values().any(|release| release.name == *plugin)
    }

    /// What to call instead of a name that its plugin has no longer, by the release that the plugin serves.
    pub(crate) fn advice(&self, once: &Once, kind: Callable) -> Option<Advice> {
        self.ready.values().find(|release| release.name == once.name.plugin)?.advice(once, kind)
    }

    /// A release that is ready already. Its fingerprint covers all that it was made of.
    pub(crate) fn ready(&self, fingerprint: Fingerprint) -> Option<&Arc<Ready>> {
        self.ready.get(&fingerprint)
    }
}

/// What to do instead of calling a name that its plugin had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// On the wire.
    pub(crate) instead: Option<String>,
    pub(crate) why: Option<String>,
}

/// URIs of a release that are another plugin's, or could be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "its resource `{uri}` and `{theirs}` of the plugin `{other}` could be one URI, and nobody could tell whose it is: begin one of \
     them otherwise, or withdraw the other plugin's release"
)]
pub struct Taken {
    /// The new one's.
    pub uri: String,
    /// The other's.
    pub theirs: String,
    /// The other.
    pub other: PluginName,
}

/// A release that is ready to be served.
pub(crate) struct Ready {
    /// By names in the manifest.
    retired: BTreeMap<ToolName, Advice>,
    prefix: String,
    pub(crate) fingerprint: Fingerprint,
    name: PluginName,
    pub(crate) plugin: Plugin,
    pub(crate) assets: Arc<AssetFiles>,
    pub(crate) tools: Vec<(Descriptor, Arc<ApprovedTool>)>,
    offers: Offers,
    /// What its approval says of calls without sign-in: names on the wire. The fingerprint does not cover it.
    pub(crate) without_sign_in: BTreeSet<String>,
}

impl Ready {
    pub(crate) fn new(
        release: &ReadRelease,
        plugin: Plugin,
        assets: Arc<AssetFiles>,
        without_sign_in: BTreeSet<String>,
        policy: &Policy,
    ) -> Result<Self, NotServed> {
        let manifest = &release.package.manifest;
        let scopes: Arc<[Scope]> = manifest.scopes().into_iter().collect();
        let tools = manifest.tools.iter().zip(release.schemas()?);
        let tools = tools.map(|(tool, schemas)| ready_tool(release, tool, schemas, &scopes, &without_sign_in, policy));
        let tools = tools.collect::<Result<_, _>>()?;
        let name = manifest.plugin.name.clone();
        let wire = |name: &ToolName| release.wire(name).ok().map(|name| name.to_string());
        let advice = |Retired { name, instead, why }: &Retired| {
            (name.clone(), Advice { instead: instead.as_ref().and_then(wire), why: why.clone() })
        };
        let retired = manifest.retired.iter().map(advice).collect();
        let prefix = release.prefix.clone();
        let offers = Offers::of(release, &assets, &scopes, &without_sign_in, policy)?;
        let fingerprint = release.fingerprint;
        Ok(Self { retired, prefix, fingerprint, name, plugin, assets, tools, offers, without_sign_in })
    }

    /// What the manifest says of it, under the prefix of then or of now; or the same tool or prompt under another prefix.
    fn advice(&self, Once { name, plain }: &Once, kind: Callable) -> Option<Advice> {
        let names = [Some(plain.as_str()), name.name.strip_prefix(&self.prefix)];
        let mut names = names.into_iter().flatten().filter_map(|name| name.parse::<ToolName>().ok());
        let written = names.find_map(|name| self.retired.get(&name)).cloned();
        written.or_else(|| {
            let same = |tool: &&Arc<ApprovedTool>| tool.kind == kind && tool.name.as_str() == plain;
            let now = self.callable().find(same)?;
            let what = if kind == Callable::Prompt { "prompt" } else { "tool" };
            let why = format!("it is the same {what} under another prefix");
            Some(Advice { instead: Some(now.wire.to_string()), why: Some(why) })
        })
    }

    /// Everything of it that can be called.
    pub(crate) fn callable(&self) -> impl Iterator<Item = &Arc<ApprovedTool>> {
        let tools = self.tools.iter().map(|(_, tool)| tool);
        let prompts = self.offers.prompts.iter().map(|(_, tool)| tool);
        tools.chain(prompts).chain(self.offers.resources.iter().map(|(_, ready)| &ready.tool))
    }
}

/// Reads a stored release again and holds it against what was approved, and against what the operator calls inside today.
pub(crate) fn read_stored(row: &Release, policy: &Policy) -> Result<ReadRelease, NotServed> {
    let files: BTreeMap<String, String> =
        serde_json::from_str(&row.files).map_err(|error| NotServed::Row(error.to_string()))?;
    let files = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let assets = row.assets.iter().map(|(name, digest)| {
        let name = name.parse::<AssetName>().map_err(|error| NotServed::Row(format!("{name}: {error}")))?;
        Ok((name, *digest))
    });
    let assets = assets.collect::<Result<_, NotServed>>()?;
    let release = ReadRelease::read(&row.manifest, &files, assets, row.digest, Some(&row.prefix))?;
    if release.fingerprint != row.fingerprint {
        return Err(NotServed::Changed { found: release.fingerprint });
    }
    release.package.manifest.check_boundary(&policy.boundary)?;
    let seen: HashMap<&str, &str> = row.labels.iter().map(|(name, label)| (name.as_str(), label.as_str())).collect();
    for (name, computed) in release.labels().map_err(SourceError::from)? {
        let approved = seen.get(name.as_str()).copied().unwrap_or("nothing");
        let strictness =
            |word: &str| [Label::Read, Label::Write, Label::Destructive].into_iter().find(|l| l.as_str() == word);
        if strictness(approved).is_none_or(|approved| computed < approved) {
            return Err(NotServed::Looser { tool: name.to_string(), approved: approved.to_owned(), computed });
        }
    }
    Ok(release)
}

/// What is in the assets of a stored release, held against what was approved.
pub(crate) fn stored_assets(release: &ReadRelease, stored: &[(String, Vec<u8>)]) -> Result<AssetFiles, NotServed> {
    let assets = asset_files(stored.iter().map(|(name, bytes)| (name, bytes)))?;
    let (approved, found) = (&release.package.assets, assets.digests());
    let same = |name: &&AssetName| approved.get(*name) == found.get(*name);
    match approved.keys().chain(found.keys()).find(|name| !same(name)) {
        Some(name) => Err(NotServed::Asset { name: name.to_string() }),
        None => Ok(assets),
    }
}

fn ready_tool(
    release: &ReadRelease,
    tool: &Tool,
    (input, output): (Schema, Option<Schema>),
    plugin_scopes: &Arc<[Scope]>,
    without_sign_in: &BTreeSet<String>,
    policy: &Policy,
) -> Result<(Descriptor, Arc<ApprovedTool>), NotServed> {
    let package = &release.package;
    let wire = release.wire_name(tool).map_err(SourceError::from)?;
    let approved = ApprovedTool {
        kind: Callable::Tool,
        release: release.fingerprint,
        plugin: package.manifest.plugin.name.clone(),
        plugin_scopes: plugin_scopes.clone(),
        name: tool.name.clone(),
        wire: wire.clone(),
        label: tool.label,
        grants: package.manifest.grants(tool),
        confirm: policy.confirm(tool, &wire),
        partial: tool.preview == Preview::Partial,
        ask: tool.ask.clone(),
        hints: package.manifest.hints.clone(),
        parameters: Vec::new(),
        scopes: tool.scopes.clone(),
        without_sign_in: without_sign_in.contains(wire.as_str()) && policy.opens(&package.manifest.plugin.name),
        task: tool.task,
        input,
        output,
        limits: package.manifest.limits.clone(),
    };
    Ok((descriptor::of_tool(release, tool, &approved, policy), Arc::new(approved)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "manifest = 1\n[plugin]\nname = \"docs\"\nversion = \"1.0.0\"\ncomponent = \"c.wasm\"\n\
        publisher = \"p\"\nsummary = \"s\"\n[assets]\nfolder = \"assets\"\n[[tool]]\nname = \"t\"\ntitle = \"T\"\n\
        description = \"d\"\n";

    #[test]
    fn rg_02_an_asset_that_is_not_the_approved_one_is_named() {
        let approved = [("a", b"1"), ("b", b"2")].map(|(name, bytes)| (name.parse().unwrap(), Digest::of(bytes)));
        let release = ReadRelease::read(MANIFEST, &BTreeMap::new(), approved.into(), Digest::of(b""), None).unwrap();
        let stored = |files: &[(&str, &str)]| {
            let files: Vec<_> =
                files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
            stored_assets(&release, &files)
        };
        assert_eq!(stored(&[("a", "1"), ("b", "2")]).unwrap().len(), 2);
        for (files, name) in
            [(&[("a", "1"), ("b", "3")][..], "b"), (&[("a", "1")], "b"), (&[("a", "1"), ("b", "2"), ("c", "")], "c")]
        {
            assert!(matches!(stored(files), Err(NotServed::Asset { name: found }) if found == name), "{files:?}");
        }
    }
}
