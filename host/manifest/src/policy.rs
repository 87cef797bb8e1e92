//! From what a manifest grants to what a tool can do, and to what a client is told of it. Pure functions of the manifest,
//! monotone: another grant never lowers an effect (catalogue WX-03).

use std::{collections::BTreeSet, fmt};

use indexmap::IndexMap;

use crate::{Access, Capability, CapabilityName, Effect, HOST_FUNCTIONS, Hints, Interface, Label, Manifest, Tool, Use};

impl Capability {
    /// The interface of the contract that it opens.
    #[must_use]
    pub fn interface(&self) -> Interface {
        match self {
            Self::Kv(_) => Interface::Kv,
        }
    }

    /// The highest effect of a host function that it opens to a tool that holds it with `access`.
    #[must_use]
    pub fn effect(&self, access: Access) -> Effect {
        self.interface().effect_within(access.ceiling())
    }
}

impl Manifest {
    /// The highest effect that `tool` can reach through the host.
    #[must_use]
    pub fn effect(&self, tool: &Tool) -> Effect {
        effect(&tool.uses, &self.capabilities)
    }

    /// The lowest label that is true of `tool`. Its own label is this one or a stricter one: parsing has seen to that.
    #[must_use]
    pub fn computed_label(&self, tool: &Tool) -> Label {
        self.effect(tool).label()
    }

    /// The interfaces a component of this plugin may import: those that are open to all, and those that its
    /// capabilities open (catalogue WX-01).
    #[must_use]
    pub fn interfaces(&self) -> BTreeSet<Interface> {
        let open = Interface::ALL.into_iter().filter(|interface| interface.is_open());
        open.chain(self.capabilities.values().map(Capability::interface)).collect()
    }
}

/// What the functions that are open to all reach; what `uses` opens comes on top.
pub(crate) fn effect(uses: &[Use], capabilities: &IndexMap<CapabilityName, Capability>) -> Effect {
    let open = HOST_FUNCTIONS.iter().filter(|function| function.interface.is_open()).map(|function| function.effect);
    let granted = uses.iter().filter_map(|r#use| Some(capabilities.get(&r#use.capability)?.effect(r#use.access)));
    open.chain(granted).max().unwrap_or(Effect::None)
}

/// The first entry that makes a tool one that writes.
pub(crate) fn writing_use<'a>(uses: &'a [Use], capabilities: &IndexMap<CapabilityName, Capability>) -> Option<&'a Use> {
    uses.iter().find(|r#use| {
        capabilities.get(&r#use.capability).is_some_and(|capability| capability.effect(r#use.access) == Effect::Write)
    })
}

impl Tool {
    /// What a client is told of it.
    #[must_use]
    pub fn hints(&self) -> Hints {
        self.label.into()
    }
}

impl From<Label> for Hints {
    /// Of a tool that writes nothing is known about calling it twice, so it is not called idempotent. No capability of
    /// this version reaches outside the boundary, so nothing is open-world.
    fn from(label: Label) -> Self {
        Self {
            read_only: label == Label::Read,
            destructive: label == Label::Destructive,
            idempotent: label == Label::Read,
            open_world: false,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.capability, self.access.as_str())
    }
}
