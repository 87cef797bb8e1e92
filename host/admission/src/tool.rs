//! A tool of an approved release, with everything a call needs made ready once.

use std::time::Duration;

use portcullis_manifest::{
    Access, CapabilityName, Confirm, Effect, Fingerprint, Grant, HostFunction, Label, Limits, PluginName, Scope,
    ToolName, WireName,
};

use crate::Schema;

/// See the module. Built when a catalogue is made, shared by all calls.
#[derive(Debug)]
pub struct ApprovedTool {
    /// The release's fingerprint.
    pub release: Fingerprint,
    /// The plugin.
    pub plugin: PluginName,
    /// The tool's name in its manifest: what the guest is told.
    pub name: ToolName,
    /// Its name on the wire: what clients and the audit say.
    pub wire: WireName,
    /// The label that was computed and approved.
    pub label: Label,
    /// What it holds, and nothing else.
    pub grants: Vec<Grant>,
    /// What has to be shown, or to whom, before it runs: what its manifest and the operator ask for, whichever is stricter.
    pub confirm: Confirm,
    /// A preview of it that stops at an answer from outside is enough to confirm (`preview = "partial"`).
    pub partial: bool,
    /// It may put questions to a person (`ask = ["form"]`).
    pub asks: bool,
    /// Scopes a principal needs, all of them.
    pub scopes: Vec<Scope>,
    /// What its arguments must be.
    pub input: Schema,
    /// What its structured content must be.
    pub output: Option<Schema>,
    /// The limits of its release.
    pub limits: Limits,
}

impl ApprovedTool {
    /// The grant that opens `function` on `capability`: of the function's own kind, and as far as its effect reaches
    /// (catalogue WX-04).
    ///
    /// # Errors
    /// Says which line of the manifest would grant it.
    pub fn grant(&self, function: &HostFunction, capability: &str) -> Result<&Grant, String> {
        let access = if function.effect == Effect::Write { Access::Write } else { Access::Read };
        let held = self.grants.iter().find(|grant| grant.name.as_str() == capability);
        match held {
            Some(grant) if grant.capability.interface() != function.interface => Err(format!(
                "`{capability}` is a capability of another kind than `{}` opens: name one whose `kind` in plugin.toml fits",
                function.interface.as_str(),
            )),
            Some(grant) if grant.access >= access => Ok(grant),
            _ => {
                let name = capability.parse::<CapabilityName>();
                let shown = name.as_ref().map_or("<name>", CapabilityName::as_str);
                Err(format!(
                    "tool `{}` does not hold `{shown}:{access}`: its `uses` in plugin.toml would have to list it, and the \
                     release would have to be approved again",
                    self.name,
                    access = access.as_str(),
                ))
            }
        }
    }

    /// The longest a call may take.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.limits.time
    }
}
