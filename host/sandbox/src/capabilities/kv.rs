//! `kv`: keys and values.
//!
//! Life of a write: the function checks proof, grant, key, size and quota, and puts it into the call's overlay, which the
//! call itself reads through. When the call has succeeded, the overlay goes into one transaction with the audit's row, and
//! quota and compare-and-set are checked again against what is committed then. When it has not, the overlay is dropped.

mod overlay;

use portcullis_admission::{Content, Intended};
use portcullis_manifest::{Capability, HostFunction, Interface};
use portcullis_store::{KvPartition, PartitionLimits};

use super::{CallState, Early, Proven, answer, function};
use crate::contract::bindings::portcullis::plugin::kv::{Error, Host, Page};
pub(crate) use overlay::Overlay;
use overlay::Wanted;

const GET: &HostFunction = function(Interface::Kv, "get");
const LIST: &HostFunction = function(Interface::Kv, "list-keys");
const SET: &HostFunction = function(Interface::Kv, "set");
const SET_EXPIRING: &HostFunction = function(Interface::Kv, "set-expiring");
const DELETE: &HostFunction = function(Interface::Kv, "delete");
const COMPARE_AND_SET: &HostFunction = function(Interface::Kv, "compare-and-set");

/// Longest key in bytes.
const KEY: usize = 512;

/// Most keys in one page.
const PAGE: u32 = 1000;

/// The longest a value can be kept that expires: ten years. Whatever is to be kept longer is to be kept.
const LONGEST: u32 = 10 * 365 * 24 * 60 * 60;

/// What a grant opens for this principal.
struct Opened {
    at: KvPartition,
    limits: PartitionLimits,
}

impl CallState {
    fn open_kv(&mut self, function: &HostFunction, capability: &str) -> Result<Opened, Error> {
        let grant = self.open(function, capability).map_err(Error::NotGranted)?;
        let Capability::Kv(kv) = grant.capability else {
            return Err(Error::NotGranted("not a kv capability".to_owned()));
        };
        let owner = self.owner(kv.partition, Interface::Kv, capability).map_err(Error::NeedsUser)?;
        let at =
            KvPartition { plugin: self.permit.tool().plugin.to_string(), capability: grant.name.to_string(), owner };
        Ok(Opened { at, limits: PartitionLimits { bytes: kv.quota, keys: kv.keys } })
    }

    /// The value as this call sees it.
    async fn read_kv(&mut self, at: &KvPartition, key: &str) -> Result<Option<Vec<u8>>, Error> {
        if let Some(value) = self.kv.get(at, key) {
            return Ok(value.cloned());
        }
        let found = self.services.store.kv_get(at.clone(), key.to_owned()).await;
        found.map_err(unavailable)
    }

    /// Puts a write into the overlay, if the call may do it.
    async fn write_kv(&mut self, _proof: Proven, opened: Opened, wanted: Wanted) -> Result<(), Early<Error>> {
        let limits = &self.permit.tool().limits;
        let over = |text: String| Err(Error::OverQuota(text).into());
        if let Some(value) = &wanted.value
            && value.len() as u64 > limits.kv_value
        {
            let (found, limit) = (value.len(), limits.kv_value);
            return over(format!("the value has {found} bytes; `limits.kv_value` of plugin.toml allows {limit}"));
        }
        if !self.kv.has(&opened.at, &wanted.key) && self.kv.len() as u64 >= limits.kv_writes {
            let limit = limits.kv_writes;
            return over(format!("one call may write {limit} keys (`limits.kv_writes` of plugin.toml)"));
        }
        let (room, seconds) = (limits.kv_bytes, wanted.seconds);
        if self.kv.usage(&opened.at).is_none() {
            let committed = self.services.store.kv_usage(opened.at.clone()).await.map_err(unavailable)?;
            self.kv.open(opened.at.clone(), opened.limits, committed);
        }
        let key = wanted.key.clone();
        self.kv.put(room, &opened.at, wanted).map_err(Error::OverQuota)?;
        // Last, so that what was refused is no effect. A preview reads its own writes like any other run, and a run that may not
        // do this ends here: in both the overlay is dropped.
        let (kv, capability) = (&self.kv, &opened.at.capability);
        let intended = || match kv.get(&opened.at, &key) {
            Some(Some(value)) => {
                Intended::KvSet { capability: capability.clone(), key: key.clone(), value: Content::of(value), seconds }
            }
            _ => Intended::KvDelete { capability: capability.clone(), key: key.clone() },
        };
        self.effects.ask(intended).map_err(Early::Call)?;
        Ok(())
    }

    async fn put_kv(
        &mut self,
        function: &HostFunction,
        capability: &str,
        key: String,
        value: Vec<u8>,
        seconds: Option<u32>,
    ) -> Result<(), Early<Error>> {
        let proof = self.enter_write(function, capability).map_err(Early::Call)?;
        let opened = self.open_kv(function, capability)?;
        check_key(&key)?;
        let before = self.read_kv(&opened.at, &key).await?;
        self.write_kv(proof, opened, Wanted { key, before, value: Some(value), seconds, compared: false }).await
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
            let opened = self.open_kv(GET, &capability)?;
            check_key(&key)?;
            self.read_kv(&opened.at, &key).await
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
            let opened = self.open_kv(LIST, &capability)?;
            let limit = limit.clamp(1, PAGE);
            // Keys that this call has removed take no place in the page, so ask for as many more.
            let asked = limit + self.kv.removed(&opened.at);
            let listed = self.services.store.kv_list(opened.at.clone(), prefix.clone(), cursor.clone(), asked);
            let committed = listed.await.map_err(unavailable)?;
            let (keys, more) = self.kv.list(&opened.at, &prefix, cursor.as_deref(), limit as usize, committed);
            let next = if more { keys.last().cloned() } else { None };
            Ok(Page { keys, next })
        }
        .await)
    }

    async fn set(&mut self, capability: String, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        answer(self.put_kv(SET, &capability, key, value, None).await)
    }

    async fn set_expiring(
        &mut self,
        capability: String,
        key: String,
        value: Vec<u8>,
        seconds: u32,
    ) -> wasmtime::Result<Result<(), Error>> {
        // Nothing and for ever are other functions.
        let seconds = Some(seconds.clamp(1, LONGEST));
        answer(self.put_kv(SET_EXPIRING, &capability, key, value, seconds).await)
    }

    async fn delete(&mut self, capability: String, key: String) -> wasmtime::Result<Result<bool, Error>> {
        let proof = self.enter_write(DELETE, &capability)?;
        answer(
            async move {
                let opened = self.open_kv(DELETE, &capability)?;
                check_key(&key)?;
                let before = self.read_kv(&opened.at, &key).await?;
                let there = before.is_some();
                if there {
                    let wanted = Wanted { key, before, value: None, seconds: None, compared: false };
                    self.write_kv(proof, opened, wanted).await?;
                }
                Ok(there)
            }
            .await,
        )
    }

    async fn compare_and_set(
        &mut self,
        capability: String,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let proof = self.enter_write(COMPARE_AND_SET, &capability)?;
        answer(
            async move {
                let opened = self.open_kv(COMPARE_AND_SET, &capability)?;
                check_key(&key)?;
                let before = self.read_kv(&opened.at, &key).await?;
                if before != expected {
                    return Ok(false);
                }
                self.write_kv(proof, opened, Wanted { key, before, value, seconds: None, compared: true }).await?;
                Ok(true)
            }
            .await,
        )
    }
}
