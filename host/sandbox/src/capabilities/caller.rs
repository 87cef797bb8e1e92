//! `caller`: facts about the call. Open to every plugin; has no effect.
//!
//! The subject is a pseudonym of this plugin's own: two plugins that compare notes can't tell that they serve one person. Of the
//! token's scopes a plugin is told those that its own manifest names. The token itself, the client that holds it, groups and
//! roles stay above (catalogue EG-09): a principal has no token in it, and nothing here reads the rest.

use portcullis_manifest::{HostFunction, Interface, PrincipalKey, Scope};

use super::{CallState, function};
use crate::contract::bindings::portcullis::plugin::caller::{Hint, Host, Info};

const GET: &HostFunction = function(Interface::Caller, "get");
const HINTS: &HostFunction = function(Interface::Caller, "hints");

impl Host for CallState {
    fn get(&mut self) -> wasmtime::Result<Info> {
        self.enter(GET)?;
        let tool = self.permit.tool();
        let subject = match self.permit.principal().key() {
            PrincipalKey::Anonymous => None,
            key @ (PrincipalKey::Local | PrincipalKey::Subject { .. }) => {
                Some(self.services.pseudonyms.of(&format!("plugin {}", tool.plugin), key))
            }
        };
        Ok(Info {
            subject,
            locale: self.permit.locale().map(str::to_owned),
            correlation_id: self
                .permit
                .mode()
                .fixed()
                .map_or(self.permit.correlation(), |fixed| fixed.call)
                .to_string(),
            scopes: self.permit.scopes().map(Scope::to_string).collect(),
            time_left_ms: u64::try_from(self.time_left().as_millis()).unwrap_or(u64::MAX),
            preview: self.permit.mode().is_preview(),
        })
    }

    fn hints(&mut self) -> wasmtime::Result<Vec<Hint>> {
        self.enter(HINTS)?;
        let hints = self.permit.hints().iter();
        Ok(hints.map(|(hint, value)| Hint { name: hint.as_str().to_owned(), value: value.to_string() }).collect())
    }
}
