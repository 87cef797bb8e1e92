//! `server/discover`.

use portcullis_backend::{Backend, ServerInfo};
use serde_json::{Value, json};

use super::{EXTENSION, SERVER_INFO, capabilities};
use crate::{
    codec::Id,
    era::{Revision, SUPPORTED},
    protocol::Protocol,
    reply,
};

/// It changes only with the operator's configuration, which needs a restart.
const TTL_MS: u32 = 300_000;

impl<B: Backend> Protocol<B> {
    pub(crate) fn discover(&self, id: &Id) -> Vec<u8> {
        reply::rendered(id, self.texts.discover.as_bytes())
    }
}

pub(super) fn render(server: &ServerInfo, info: &Value) -> String {
    let mut result = json!({
        "resultType": "complete",
        "supportedVersions": SUPPORTED.map(Revision::as_str),
        "capabilities": capabilities(),
        "ttlMs": TTL_MS,
        // The same for everyone who may ask; a shared cache would tell it to those who may not (catalogue LO-01).
        "cacheScope": "private",
        "_meta": { SERVER_INFO: info },
    });
    result["capabilities"]["extensions"] = json!({ EXTENSION: {} });
    if let Some(instructions) = &server.instructions {
        result["instructions"] = instructions.as_str().into();
    }
    result.to_string()
}
