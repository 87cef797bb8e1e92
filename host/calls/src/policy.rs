//! What the operator says of tools: what is inside, who sees what, and which calls have to be confirmed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use portcullis_manifest::{Confirm, PluginName, Tool, WireName, http::Boundary};

/// See the module. From the configuration; the same for as long as the host runs.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What is inside: `egress.read` goes nowhere else (DESIGN rule 5).
    pub boundary: Arc<Boundary>,
    /// Tools that need a preview and its confirmation, beside those whose manifest says so.
    pub preview: BTreeSet<WireName>,
    /// Tools that need a person who agrees.
    pub person: BTreeSet<WireName>,
    /// Plugins that only the members of one of these groups see and call (catalogue AU-06). One that is not listed is for
    /// everybody; one that is listed without a group is for nobody but the local principal.
    pub access: BTreeMap<PluginName, Vec<String>>,
    /// Whether callers sign in: authentication is configured.
    pub signs_in: bool,
    /// Where callers sign in: whether tools that an approver named may be called without.
    pub without_sign_in: bool,
}

impl Policy {
    /// What a call of `tool` needs: what its manifest and the operator ask for, whichever is stricter. A tool that can't write has
    /// nothing to confirm.
    pub(crate) fn confirm(&self, tool: &Tool, wire: &WireName) -> Confirm {
        if !tool.label.writes() {
            return Confirm::None;
        }
        let named = match () {
            () if self.person.contains(wire) => Confirm::Person,
            () if self.preview.contains(wire) => Confirm::Preview,
            () => Confirm::None,
        };
        tool.confirm().max(named)
    }

    /// Whether what an approver says of calls without sign-in has any effect for `plugin`. Whoever has not signed in is in no
    /// group.
    pub(crate) fn opens(&self, plugin: &PluginName) -> bool {
        self.signs_in && self.without_sign_in && !self.access.contains_key(plugin)
    }

    /// Whether another principal may get another list, or none: then no cache may give one's list to another (catalogue MC-13).
    pub(crate) fn lists_vary(&self) -> bool {
        !self.access.is_empty() || (self.signs_in && !self.without_sign_in)
    }
}
