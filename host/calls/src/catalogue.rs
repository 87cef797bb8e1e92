//! The approved releases now served, made ready once for each generation.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use portcullis_admission::{ApprovedTool, Schema};
use portcullis_backend::{ToolDescriptor, ToolList};
use portcullis_manifest::{
    BoundaryErrors, Confirm, Digest, Fingerprint, Hints, Label, Package, PluginName, Preview, Principal, Scope, Tool,
};
use portcullis_sandbox::{LoadError, Plugin};
use portcullis_store::Release;
use serde_json::{Value, json, value::to_raw_value};

use crate::{
    Policy, ReadRelease, SourceError,
    access::{Door, Lists},
    way::{ARGUMENT, output_or_preview},
};

/// See the module. A call sees one catalogue, whole, from its beginning to its end (catalogue MC-41).
pub(crate) struct Catalogue {
    tools: HashMap<String, (Door, Served)>,
    lists: Lists,
    scopes: Vec<Scope>,
    ready: BTreeMap<Fingerprint, Arc<Ready>>,
}

/// A tool and the plugin that runs it.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) tool: Arc<ApprovedTool>,
    pub(crate) plugin: Plugin,
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
        let mut tools = HashMap::new();
        let (mut descriptors, mut scopes) = (Vec::new(), BTreeSet::new());
        for release in &releases {
            let door = Door::of(&release.name, policy);
            for (descriptor, tool) in &release.tools {
                let served = Served { tool: tool.clone(), plugin: release.plugin.clone() };
                tools.insert(tool.wire.as_str().to_owned(), (door.clone(), served));
                descriptors.push((release.name.clone(), descriptor.clone()));
                scopes.extend(tool.scopes.iter().cloned());
            }
        }
        let lists = Lists::new(generation, descriptors, policy);
        let ready = releases.into_iter().map(|release| (release.fingerprint, release)).collect();
        Self { tools, lists, scopes: scopes.into_iter().collect(), ready }
    }

    /// This catalogue after a decision, made of what is known without asking the store: `approved` instead of its plugin's
    /// other release, or none of `withdrawn`.
    pub(crate) fn after(&self, withdrawn: Fingerprint, approved: Option<Arc<Ready>>, policy: &Policy) -> Self {
        let replaced = |release: &Ready| approved.as_ref().is_some_and(|approved| approved.name == release.name);
        let kept = self.ready.values().filter(|release| release.fingerprint != withdrawn && !replaced(release));
        let releases = kept.chain(&approved).cloned().collect();
        // The store's number grows with every decision, too.
        Self::new(self.lists.generation() + 1, releases, policy)
    }

    /// The tool of that name, if `principal` may see it: what they may not see is found as little as what is not there
    /// (catalogue AU-06).
    pub(crate) fn find(&self, name: &str, principal: &Principal) -> Option<&Served> {
        let (door, served) = self.tools.get(name)?;
        door.lets_in(principal).then_some(served)
    }

    /// The tools that `principal` may see.
    pub(crate) fn list(&self, principal: &Principal) -> Arc<ToolList> {
        self.lists.of(principal)
    }

    /// What the tools that are served ask their callers for, sorted.
    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// A release that is ready already. Its fingerprint covers all that it was made of.
    pub(crate) fn ready(&self, fingerprint: Fingerprint) -> Option<&Arc<Ready>> {
        self.ready.get(&fingerprint)
    }
}

/// A release that is ready to be served.
pub(crate) struct Ready {
    pub(crate) fingerprint: Fingerprint,
    name: PluginName,
    pub(crate) plugin: Plugin,
    pub(crate) tools: Vec<(ToolDescriptor, Arc<ApprovedTool>)>,
    /// What its approval says of calls without sign-in: names on the wire. The fingerprint does not cover it.
    pub(crate) without_sign_in: BTreeSet<String>,
}

impl Ready {
    pub(crate) fn new(
        release: &ReadRelease,
        plugin: Plugin,
        without_sign_in: BTreeSet<String>,
        policy: &Policy,
    ) -> Result<Self, NotServed> {
        let manifest = &release.package.manifest;
        let scopes: Arc<[Scope]> = manifest.scopes().into_iter().collect();
        let tools = manifest.tools.iter().zip(release.schemas()?);
        let tools = tools.map(|(tool, schemas)| ready_tool(release, tool, schemas, &scopes, &without_sign_in, policy));
        let tools = tools.collect::<Result<_, _>>()?;
        let name = manifest.plugin.name.clone();
        Ok(Self { fingerprint: release.fingerprint, name, plugin, tools, without_sign_in })
    }
}

/// Reads a stored release again and holds it against what was approved, and against what the operator calls inside today.
pub(crate) fn read_stored(row: &Release, policy: &Policy) -> Result<ReadRelease, NotServed> {
    let files: BTreeMap<String, String> =
        serde_json::from_str(&row.files).map_err(|error| NotServed::Row(error.to_string()))?;
    let files = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let release = ReadRelease::read(&row.manifest, &files, row.digest, Some(&row.prefix))?;
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

fn ready_tool(
    release: &ReadRelease,
    tool: &Tool,
    (input, output): (Schema, Option<Schema>),
    plugin_scopes: &Arc<[Scope]>,
    without_sign_in: &BTreeSet<String>,
    policy: &Policy,
) -> Result<(ToolDescriptor, Arc<ApprovedTool>), NotServed> {
    let package = &release.package;
    let wire = release.wire_name(tool).map_err(SourceError::from)?;
    let approved = ApprovedTool {
        release: release.fingerprint,
        plugin: package.manifest.plugin.name.clone(),
        plugin_scopes: plugin_scopes.clone(),
        name: tool.name.clone(),
        wire: wire.clone(),
        label: tool.label,
        grants: package.manifest.grants(tool),
        confirm: policy.confirm(tool, &wire),
        partial: tool.preview == Preview::Partial,
        asks: !tool.ask.is_empty(),
        scopes: tool.scopes.clone(),
        without_sign_in: without_sign_in.contains(wire.as_str()) && policy.opens(&package.manifest.plugin.name),
        input,
        output,
        limits: package.manifest.limits.clone(),
    };
    let hints = package.manifest.hints(tool, &policy.boundary);
    let mut descriptor = descriptor(package, tool, &approved, hints);
    if policy.signs_in {
        let schemes = security_schemes(&approved);
        // Once for clients that look there, and once for those that drop members which MCP does not name.
        descriptor["_meta"] = json!({ "securitySchemes": schemes });
        descriptor["securitySchemes"] = schemes;
    }
    let json = to_raw_value(&descriptor).expect("a JSON value can be written");
    Ok((ToolDescriptor { name: wire, json: Arc::from(json) }, Arc::new(approved)))
}

/// The MCP `Tool`. All four hints are explicit (catalogue WR-01).
fn descriptor(package: &Package, tool: &Tool, approved: &ApprovedTool, hints: Hints) -> Value {
    let mut input = package.input_schema(tool);
    if approved.confirm == Confirm::Preview {
        add_confirmation(&mut input);
    }
    let mut descriptor = json!({
        "name": approved.wire,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": input,
    });
    if let Some(output) = package.output_schema(tool) {
        // A tool that writes answers a preview in another form.
        let served = if tool.label.writes() { output_or_preview(output) } else { output.clone() };
        descriptor["outputSchema"] = served;
    }
    descriptor["annotations"] = json!({
        "title": tool.title,
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
        "openWorldHint": hints.open_world,
    });
    descriptor
}

/// How a client may call it, as ChatGPT reads it: it offers to link an account only for what says so.
fn security_schemes(tool: &ApprovedTool) -> Value {
    let signed_in = json!({ "type": "oauth2", "scopes": tool.scopes });
    if tool.is_open() { json!([{ "type": "noauth" }, signed_in]) } else { json!([signed_in]) }
}

/// The carrier that every client has (DESIGN section 6a).
fn add_confirmation(input: &mut Value) {
    let carrier = json!({
        "type": "string",
        "description": "Leave this out at first: the call then does nothing and answers with a preview of what it would do and a \
                        confirmation. Show the preview to the person. If they agree, repeat the call with the same arguments and \
                        the confirmation here.",
    });
    if !input["properties"].is_object() {
        input["properties"] = json!({});
    }
    input["properties"][ARGUMENT] = carrier;
}
