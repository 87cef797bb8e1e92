//! `kv`: keys and values.
//!
//! Life of a write: the function checks proof, grant, key, size and quota, and puts it into the call's overlay, which the
//! call itself reads through. When the call has succeeded, the overlay goes into one transaction with the audit's row, and
//! quota and compare-and-set are checked again against what is committed then. When it has not, the overlay is dropped.

mod overlay;

use portcullis_admission::WriteProof;
use portcullis_manifest::{Access, Capability, HostFunction, Interface, Partition};
use portcullis_store::{KvPartition, PartitionLimits};

use super::{CallState, function};
use crate::{
    contract::bindings::portcullis::plugin::kv::{Error, Host, Page},
    run::Stop,
};
pub(crate) use overlay::Overlay;

const GET: &HostFunction = function(Interface::Kv, "get");
const LIST: &HostFunction = function(Interface::Kv, "list-keys");
const SET: &HostFunction = function(Interface::Kv, "set");
const DELETE: &HostFunction = function(Interface::Kv, "delete");
const COMPARE_AND_SET: &HostFunction = function(Interface::Kv, "compare-and-set");

/// Longest key in bytes.
const KEY: usize = 512;

/// Most keys in one page.
const PAGE: u32 = 1000;

/// What a grant opens for this principal.
struct Opened {
    at: KvPartition,
    limits: PartitionLimits,
}

impl CallState {
    /// Checks the grant, and notes the effect. Without a grant there is none; with one it is noted whatever becomes of the
    /// request afterwards, so the audit may say more than was done and never less.
    fn open(&mut self, capability: &str, access: Access) -> Result<Opened, Error> {
        let tool = self.permit.tool();
        let grant = tool.grant(capability, access).map_err(Error::NotGranted)?;
        let Capability::Kv(kv) = &grant.capability;
        let owner = match kv.partition {
            Partition::Shared => String::new(),
            Partition::User => self.services.pseudonyms.of("kv", self.permit.principal().key()),
        };
        let at = KvPartition { plugin: tool.plugin.to_string(), capability: grant.name.to_string(), owner };
        let limits = PartitionLimits { bytes: kv.quota, keys: kv.keys };
        self.effect = self.effect.max(access.ceiling());
        Ok(Opened { at, limits })
    }

    /// The value as this call sees it.
    async fn read(&mut self, at: &KvPartition, key: &str) -> Result<Option<Vec<u8>>, Error> {
        if let Some(value) = self.overlay.get(at, key) {
            return Ok(value.cloned());
        }
        let found = self.services.store.kv_get(at.clone(), key.to_owned()).await;
        found.map_err(unavailable)
    }

    /// Puts a write into the overlay. The proof is not looked at: that it is there is the point.
    async fn write(
        &mut self,
        _proof: Proven,
        opened: Opened,
        key: String,
        before: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
        compared: bool,
    ) -> Result<(), Error> {
        let limits = &self.permit.tool().limits;
        let over = |text: String| Err(Error::OverQuota(text));
        if let Some(value) = &value
            && value.len() as u64 > limits.kv_value
        {
            let (found, limit) = (value.len(), limits.kv_value);
            return over(format!("the value has {found} bytes; `limits.kv_value` of plugin.toml allows {limit}"));
        }
        if !self.overlay.has(&opened.at, &key) && self.overlay.len() as u64 >= limits.kv_writes {
            let limit = limits.kv_writes;
            return over(format!("one call may write {limit} keys (`limits.kv_writes` of plugin.toml)"));
        }
        if self.overlay.usage(&opened.at).is_none() {
            let committed = self.services.store.kv_usage(opened.at.clone()).await.map_err(unavailable)?;
            self.overlay.open(opened.at.clone(), opened.limits, committed);
        }
        self.overlay.put(limits.kv_bytes, &opened.at, key, before, value, compared).map_err(Error::OverQuota)
    }

    /// The proof, as a value that a write function can hand on. [`CallState::enter`] has trapped a call that has none.
    fn proven(&self) -> wasmtime::Result<Proven> {
        match self.permit.write_proof() {
            Some(proof) => Ok(Proven::new(proof)),
            None => Err(Stop::WriteWithoutProof { function: "kv".to_owned() }.into()),
        }
    }
}

/// Stands for a [`WriteProof`] that was seen while the permit was borrowed.
struct Proven(());

impl Proven {
    fn new(_proof: &WriteProof) -> Self {
        Self(())
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    let wrong = if key.is_empty() {
        "is empty".to_owned()
    } else if key.len() > KEY {
        format!("has {} bytes; {KEY} are allowed", key.len())
    } else if key.chars().any(char::is_control) {
        "has a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::BadKey(format!("the key {wrong}")))
}

fn unavailable(error: portcullis_store::Unavailable) -> Error {
    tracing::error!(%error, "kv");
    Error::Unavailable("the host's store cannot answer now".to_owned())
}

impl Host for CallState {
    async fn get(&mut self, capability: String, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        self.enter(GET)?;
        Ok(async move {
            let opened = self.open(&capability, Access::Read)?;
            check_key(&key)?;
            self.read(&opened.at, &key).await
        }
        .await)
    }

    async fn list_keys(
        &mut self,
        capability: String,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Page, Error>> {
        self.enter(LIST)?;
        Ok(async move {
            let opened = self.open(&capability, Access::Read)?;
            let limit = limit.clamp(1, PAGE);
            // Keys that this call has removed take no place in the page, so ask for as many more.
            let asked = limit + self.overlay.removed(&opened.at);
            let listed = self.services.store.kv_list(opened.at.clone(), prefix.clone(), cursor.clone(), asked);
            let committed = listed.await.map_err(unavailable)?;
            let (keys, more) = self.overlay.list(&opened.at, &prefix, cursor.as_deref(), limit as usize, committed);
            let next = if more { keys.last().cloned() } else { None };
            Ok(Page { keys, next })
        }
        .await)
    }

    async fn set(&mut self, capability: String, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        self.enter(SET)?;
        let proof = self.proven()?;
        Ok(async move {
            let opened = self.open(&capability, Access::Write)?;
            check_key(&key)?;
            let before = self.read(&opened.at, &key).await?;
            self.write(proof, opened, key, before, Some(value), false).await
        }
        .await)
    }

    async fn delete(&mut self, capability: String, key: String) -> wasmtime::Result<Result<bool, Error>> {
        self.enter(DELETE)?;
        let proof = self.proven()?;
        Ok(async move {
            let opened = self.open(&capability, Access::Write)?;
            check_key(&key)?;
            let before = self.read(&opened.at, &key).await?;
            let there = before.is_some();
            if there {
                self.write(proof, opened, key, before, None, false).await?;
            }
            Ok(there)
        }
        .await)
    }

    async fn compare_and_set(
        &mut self,
        capability: String,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<bool, Error>> {
        self.enter(COMPARE_AND_SET)?;
        let proof = self.proven()?;
        Ok(async move {
            let opened = self.open(&capability, Access::Write)?;
            check_key(&key)?;
            let before = self.read(&opened.at, &key).await?;
            if before != expected {
                return Ok(false);
            }
            self.write(proof, opened, key, before, value, true).await?;
            Ok(true)
        }
        .await)
    }
}
