//! `secrets`: placeholders. Open to every plugin, because a placeholder is worth nothing: the value is put into a request by
//! `host/egress`, after the destination was decided, and never enters a sandbox (catalogue EG-07).
//!
//! A placeholder is another one in every call, so that a text that once held one is no trap for a later call; and the same one
//! in a preview and the run that is confirmed after it.

use portcullis_manifest::{Capability, Digest, HostFunction, Interface};

use super::{CallState, function};
use crate::contract::bindings::portcullis::plugin::secrets::Host;

const PLACEHOLDER: &HostFunction = function(Interface::Secrets, "placeholder");

impl CallState {
    /// The placeholder for the secret of a capability of this call.
    pub(super) fn placeholder(&self, capability: &str) -> String {
        let mut bytes = b"portcullis placeholder\0".to_vec();
        match self.permit.mode().fixed() {
            Some(fixed) => bytes.extend_from_slice(&fixed.seed),
            None => bytes.extend_from_slice(self.permit.correlation().as_bytes()),
        }
        bytes.extend_from_slice(capability.as_bytes());
        let hex: String = Digest::of(&bytes).0[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("portcullis-placeholder-{hex}")
    }
}

impl Host for CallState {
    fn placeholder(&mut self, capability: String) -> wasmtime::Result<Result<String, String>> {
        self.enter(PLACEHOLDER)?;
        let held = self.permit.tool().grants.iter().find(|grant| grant.name.as_str() == capability);
        Ok(match held.map(|grant| &grant.capability) {
            Some(Capability::Http(http)) if http.secret().is_some() => Ok(CallState::placeholder(self, &capability)),
            Some(_) => Err(format!("`{capability}` has no `secret` in plugin.toml")),
            None => Err("this tool's `uses` in plugin.toml lists no capability of that name".to_owned()),
        })
    }
}
