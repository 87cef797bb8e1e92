//! From what a manifest grants to what a tool can do, and to what a client is told of it. Pure functions of the manifest
//! and the operator's boundary, monotone in both: another grant never lowers an effect, and a wider boundary never raises
//! one (catalogue WX-03).

use std::{collections::BTreeSet, fmt};

use indexmap::IndexMap;

use crate::{
    Access, Capability, CapabilityName, Effect, Finding, Findings, HOST_FUNCTIONS, Hints, Interface, Label, Manifest,
    Scope, Tool, Use,
    http::{Boundary, OriginPattern},
    parse::FILE,
};

/// Every tool of a manifest that is more on this host than its label says.
pub type BoundaryErrors = Findings<OutsideBoundary>;

/// One tool that is.
pub type BoundaryError = Finding<OutsideBoundary>;

/// DESIGN rules 4 and 5: what is labelled as something that only reads would read outside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{origin}` is outside this host's [boundary], where every request is a write, and {}", self.instead())]
pub struct OutsideBoundary {
    /// The capability.
    pub capability: CapabilityName,
    /// Where it leads.
    pub origin: OriginPattern,
    /// What the manifest says of the tool. None: it is a prompt or a resource, which never write.
    pub label: Option<Label>,
}

impl OutsideBoundary {
    fn instead(&self) -> String {
        match self.label {
            Some(label) => format!(
                "the tool's label is `{}`; write `label = \"write\"` (or stricter) and `uses = [\"{}:write\"]`, or have the \
                 operator add the origin to [boundary]",
                label.as_str(),
                self.capability,
            ),
            None => {
                "prompts and resources only read; have a tool do it, or have the operator add the origin to [boundary]"
                    .to_owned()
            }
        }
    }
}

impl Capability {
    /// The interface of the contract that it opens.
    #[must_use]
    pub fn interface(&self) -> Interface {
        match self {
            Self::Kv(_) => Interface::Kv,
            Self::Http(_) => Interface::Egress,
            Self::Files(_) => Interface::Files,
        }
    }

    /// The highest effect that a tool has by holding it with `access`. Whatever leaves the boundary is a write, so that a
    /// capability that leads out of it writes even where it is held to read.
    #[must_use]
    pub fn effect(&self, access: Access, boundary: &Boundary) -> Effect {
        if self.leads_out(boundary) { Effect::Write } else { self.interface().effect_within(access.ceiling()) }
    }

    /// Whether it reaches anything outside.
    #[must_use]
    pub fn leads_out(&self, boundary: &Boundary) -> bool {
        match self {
            Self::Http(http) => !boundary.covers(http.origin()),
            Self::Kv(_) | Self::Files(_) => false,
        }
    }
}

impl Manifest {
    /// The highest effect that `tool` can reach through a host with that boundary.
    #[must_use]
    pub fn effect(&self, tool: &Tool, boundary: &Boundary) -> Effect {
        effect(&tool.uses, &self.capabilities, boundary)
    }

    /// The lowest label that is true of `tool` on a host with that boundary. Its own label is this one or a stricter one
    /// where everything is inside: parsing has seen to that. For the boundary that a host has, see
    /// [`check_boundary`](Self::check_boundary).
    #[must_use]
    pub fn computed_label(&self, tool: &Tool, boundary: &Boundary) -> Label {
        self.effect(tool, boundary).label()
    }

    /// What a client is told of `tool` on a host with that boundary. It is never less than what is true there.
    #[must_use]
    pub fn hints(&self, tool: &Tool, boundary: &Boundary) -> Hints {
        let label = tool.label.max(self.computed_label(tool, boundary));
        Hints::new(label, held(&tool.uses, &self.capabilities).any(|(_, capability)| capability.leads_out(boundary)))
    }

    /// Whether every tool's label is true on a host with that boundary, and whether prompts and resources reach nothing outside
    /// of it. Whoever publishes asks this, and whoever serves
    /// asks again: an operator may have made the boundary smaller.
    ///
    /// # Errors
    /// The tools whose label is too low, each with the capability that leads out and what would allow it.
    pub fn check_boundary(&self, boundary: &Boundary) -> Result<(), BoundaryErrors> {
        let leading_out = |uses: &[Use]| {
            held(uses, &self.capabilities).find_map(|(r#use, capability)| match capability {
                Capability::Http(http) if capability.leads_out(boundary) => {
                    Some((r#use.capability.clone(), http.origin().clone()))
                }
                _ => None,
            })
        };
        let finding = |path: String, uses: &[Use], label| {
            let (capability, origin) = leading_out(uses)?;
            let refusal = OutsideBoundary { capability, origin, label };
            Some(Finding { file: FILE.to_owned(), place: None, path, refusal })
        };
        let too_low = |tool: &&Tool| tool.label < self.computed_label(tool, boundary);
        let tools = self.tools.iter().filter(too_low);
        let tools = tools.filter_map(|tool| finding(format!("tool.{}.uses", tool.name), &tool.uses, Some(tool.label)));
        let prompts = self.prompts.iter();
        let prompts = prompts.filter_map(|prompt| finding(format!("prompt.{}.uses", prompt.name), &prompt.uses, None));
        let resources = self.resources.iter();
        let resources =
            resources.filter_map(|resource| finding(format!("resource.{}.uses", resource.name), &resource.uses, None));
        let findings: Vec<_> = tools.chain(prompts).chain(resources).collect();
        Findings::of(findings, 0).map_or(Ok(()), Err)
    }

    /// The interfaces a component of this plugin may import: those that are open to all, and those that its
    /// capabilities open (catalogue WX-01).
    #[must_use]
    pub fn interfaces(&self) -> BTreeSet<Interface> {
        let open = Interface::ALL.into_iter().filter(|interface| interface.is_open());
        open.chain(self.capabilities.values().map(Capability::interface)).collect()
    }

    /// Every scope that a tool, a prompt or a resource of this plugin needs.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<Scope> {
        let scopes = self.tools.iter().map(|tool| &tool.scopes);
        let scopes = scopes.chain(self.prompts.iter().map(|prompt| &prompt.scopes));
        scopes.chain(self.resources.iter().map(|resource| &resource.scopes)).flatten().cloned().collect()
    }
}

/// The entries of `uses` with what they name. Parsing has refused an entry that names nothing.
fn held<'a>(
    uses: &'a [Use],
    capabilities: &'a IndexMap<CapabilityName, Capability>,
) -> impl Iterator<Item = (&'a Use, &'a Capability)> {
    uses.iter().filter_map(|r#use| Some((r#use, capabilities.get(&r#use.capability)?)))
}

/// What the functions that are open to all reach; what `uses` opens comes on top.
pub(crate) fn effect(uses: &[Use], capabilities: &IndexMap<CapabilityName, Capability>, boundary: &Boundary) -> Effect {
    let open = HOST_FUNCTIONS.iter().filter(|function| function.interface.is_open()).map(|function| function.effect);
    let granted = held(uses, capabilities).map(|(r#use, capability)| capability.effect(r#use.access, boundary));
    open.chain(granted).max().unwrap_or(Effect::None)
}

/// The first entry that makes a tool one that writes, wherever the boundary is.
pub(crate) fn writing_use<'a>(
    uses: &'a [Use],
    capabilities: &'a IndexMap<CapabilityName, Capability>,
) -> Option<&'a Use> {
    let everything = Boundary::everything();
    held(uses, capabilities)
        .find(|(r#use, capability)| capability.effect(r#use.access, &everything) == Effect::Write)
        .map(|(r#use, _)| r#use)
}

/// Whether a tool can send requests whose answers its later effects may depend on.
pub(crate) fn sends(uses: &[Use], capabilities: &IndexMap<CapabilityName, Capability>) -> bool {
    held(uses, capabilities)
        .any(|(r#use, capability)| matches!(capability, Capability::Http(_)) && r#use.access == Access::Write)
}

impl Hints {
    /// Of a tool that writes nothing is known about calling it twice, so it is not called idempotent.
    #[must_use]
    pub fn new(label: Label, open_world: bool) -> Self {
        Self {
            read_only: label == Label::Read,
            destructive: label == Label::Destructive,
            idempotent: label == Label::Read,
            open_world,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.capability, self.access.as_str())
    }
}
