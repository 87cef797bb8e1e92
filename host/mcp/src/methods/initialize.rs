//! `initialize` and `ping`, which only legacy clients send.

use portcullis_backend::{Backend, ServerInfo};
use serde_json::{Value, json};

use super::capabilities;
use crate::{
    codec::{Field, Id, Params},
    era::Revision,
    fault::Fault,
    protocol::Protocol,
    reply,
};

impl<B: Backend> Protocol<B> {
    pub(crate) fn initialize(&self, id: &Id, params: &Params) -> Result<Vec<u8>, Fault> {
        let Field::Is(asked) = &params.protocol_version else {
            return Err(Fault::params("`params.protocolVersion` must be a string"));
        };
        let revision = Revision::negotiated(asked).as_str();
        let rest = &self.texts.initialize_rest;
        Ok(reply::rendered(id, format!(r#"{{"protocolVersion":"{revision}",{rest}"#).as_bytes()))
    }

    pub(crate) fn ping(&self, id: &Id) -> Vec<u8> {
        reply::rendered(id, b"{}")
    }
}

/// Everything after the protocol version, and the closing brace.
pub(super) fn render_rest(server: &ServerInfo, info: &Value) -> String {
    let mut rest = json!({ "capabilities": capabilities(), "serverInfo": info });
    if let Some(instructions) = &server.instructions {
        rest["instructions"] = instructions.as_str().into();
    }
    rest.to_string().split_off(1)
}
