//! What the operator says of tools: what is inside, and which calls have to be confirmed.

use std::{collections::BTreeSet, sync::Arc};

use portcullis_manifest::{Confirm, Tool, WireName, http::Boundary};

/// See the module. From the configuration; the same for as long as the host runs.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What is inside: `egress.read` goes nowhere else (DESIGN rule 5).
    pub boundary: Arc<Boundary>,
    /// Tools that need a preview and its confirmation, beside those whose manifest says so.
    pub preview: BTreeSet<WireName>,
    /// Tools that need a person who agrees.
    pub person: BTreeSet<WireName>,
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
}
