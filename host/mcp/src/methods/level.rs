//! `logging/setLevel`, which only legacy clients send: modern ones say it with each request.

use portcullis_backend::Backend;
use portcullis_manifest::Principal;

use crate::{
    codec::{Field, Id, Params},
    fault::Fault,
    protocol::{Protocol, Via},
    reply,
};

impl<B: Backend> Protocol<B> {
    /// A stream remembers it, and for a session this process does. A client that does not send back the session that it was
    /// given is served all the same, with the level that this server chooses: there is nothing to keep another one by.
    pub(crate) fn set_level(
        &self,
        principal: &Principal,
        via: Via<'_>,
        id: &Id,
        params: &Params,
    ) -> Result<Vec<u8>, Fault> {
        let Field::Is(level) = params.level else {
            return Err(Fault::params(
                "`params.level` must be one of debug, info, notice, warning, error, critical, alert, emergency",
            ));
        };
        match via {
            Via::Stream(peer) => peer.set_level(level),
            Via::Http { .. } => {
                if let Some(session) = self.session(principal, via) {
                    self.levels.set(&session.holder, level);
                }
            }
        }
        Ok(reply::rendered(id, b"{}"))
    }
}
