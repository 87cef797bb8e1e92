//! What others may find changed when a call has written: the resources of the same plugin that read what was written.

use std::{collections::BTreeSet, fmt, sync::Arc};

use portcullis_backend::{Change, Touched};
use portcullis_manifest::{Principal, PrincipalKey};
use portcullis_sandbox::Writes;

use super::Call;
use crate::{catalogue::Catalogue, host::Host};

/// One call's writes, by capability.
struct Written {
    catalogue: Arc<Catalogue>,
    plugin: portcullis_manifest::PluginName,
    /// Everybody reads these.
    shared: BTreeSet<String>,
    /// The part of one principal.
    own: BTreeSet<String>,
    by: PrincipalKey,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, shared, own, .. } = self;
        f.debug_struct("Written").field("plugin", plugin).field("shared", shared).field("own", own).finish()
    }
}

impl Touched for Written {
    fn covers(&self, principal: &Principal, uri: &str) -> bool {
        let Some((served, _)) = self.catalogue.find_resource(uri, principal) else { return false };
        let written = |capability: &str| {
            self.shared.contains(capability) || (*principal.key() == self.by && self.own.contains(capability))
        };
        served.tool.plugin == self.plugin && served.tool.grants.iter().any(|grant| written(grant.name.as_str()))
    }
}

impl Host {
    /// What is to be told once these writes are durable. Nothing, where nobody wants to know.
    pub(super) fn touched(&self, call: &Call, writes: &Writes) -> Option<Change> {
        if writes.is_empty() || self.changes.receiver_count() == 0 {
            return None;
        }
        let kv = writes.kv.keys().map(|at| (&at.capability, at.owner.is_empty()));
        let files = writes.files.keys().map(|at| (&at.capability, at.owner.is_empty()));
        let (mut shared, mut own) = (BTreeSet::new(), BTreeSet::new());
        for (capability, is_shared) in kv.chain(files) {
            if is_shared { &mut shared } else { &mut own }.insert(capability.clone());
        }
        let (catalogue, by) = (call.catalogue.clone(), call.caller.clone());
        let plugin = call.tool().plugin.clone();
        Some(Change::Resources(Arc::new(Written { catalogue, plugin, shared, own, by })))
    }
}
