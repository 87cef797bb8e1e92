//! `initialize` and `ping`, which only legacy clients send.

use http::HeaderValue;
use portcullis_backend::{Asking, Backend, ServerInfo};
use portcullis_manifest::Principal;
use serde_json::{Value, json};

use super::capabilities;
use crate::{
    codec::{Field, Id, Params},
    era::Revision,
    fault::Fault,
    headers,
    protocol::{Protocol, Via},
    reply::{self, Reply},
};

impl<B: Backend> Protocol<B> {
    /// What a client can do is not kept for it: a stream remembers, and over HTTP the client brings it back as its session.
    /// Every client gets one, also one that can be asked nothing: it is what subscriptions, levels and streams belong to.
    pub(crate) fn initialize(
        &self,
        principal: &Principal,
        via: Via<'_>,
        id: &Id,
        params: &Params,
    ) -> Result<Reply, Fault> {
        let Field::Is(asked) = &params.protocol_version else {
            return Err(Fault::params("`params.protocolVersion` must be a string"));
        };
        let revision = Revision::negotiated(asked);
        let mut asking = match &params.capabilities {
            Field::Is(capabilities) => capabilities.asking,
            Field::Absent | Field::Wrong => Asking::NOTHING,
        };
        asking.lists &= revision.has_lists();
        let (named, rest) = (revision.as_str(), &self.texts.initialize_rest);
        let body = reply::rendered(id, format!(r#"{{"protocolVersion":"{named}",{rest}"#).as_bytes());
        let mut reply = Reply::result(body);
        match via {
            Via::Stream(peer) => peer.declare(asking),
            Via::Http { .. } => {
                let session = HeaderValue::try_from(self.sessions.begin(principal, revision, asking));
                reply.header = Some(Box::new((headers::SESSION, session.expect("a sealed value is visible ASCII"))));
            }
        }
        Ok(reply)
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
