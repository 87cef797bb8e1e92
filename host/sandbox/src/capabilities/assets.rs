//! `assets`: the files of the release. Open to every plugin; has no effect.
//!
//! They are in the host's memory once for all calls, and can't change while the release is served. What a guest reads is copied
//! for it, into its own memory: it never has more of it than its own `limits.memory`, and a file that can't fit there is not even
//! copied.

use std::sync::Arc;

use portcullis_manifest::{HostFunction, Interface};

use super::{CallState, function};
use crate::{contract::bindings::portcullis::plugin::assets::Host, run::Stop};

const READ: &HostFunction = function(Interface::Assets, "read");
const READ_PART: &HostFunction = function(Interface::Assets, "read-part");
const LIST: &HostFunction = function(Interface::Assets, "list-names");

impl CallState {
    /// A copy for the guest, if its memory could hold it.
    fn copied(&self, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        let limit = self.permit.tool().limits.memory;
        if bytes.len() as u64 > limit { Err(Stop::Memory { limit }.into()) } else { Ok(bytes.to_vec()) }
    }
}

impl Host for CallState {
    fn read(&mut self, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.enter(READ)?;
        self.assets.get(&name).map(|bytes| self.copied(bytes)).transpose()
    }

    fn read_part(&mut self, name: String, offset: u64, length: u32) -> wasmtime::Result<Option<Vec<u8>>> {
        self.enter(READ_PART)?;
        let part = |bytes: &Arc<[u8]>| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
            self.copied(&bytes[start..end])
        };
        self.assets.get(&name).map(part).transpose()
    }

    fn list_names(&mut self, prefix: String) -> wasmtime::Result<Vec<String>> {
        self.enter(LIST)?;
        Ok(self.assets.names(&prefix, None).map(ToString::to_string).collect())
    }
}
