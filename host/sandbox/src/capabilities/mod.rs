//! What a guest can reach: one file for each interface of the contract, and one for the base list. Every function of the
//! contract goes through [`CallState::enter`] first, so that no call is uncounted and no write is unproven.

mod assets;
mod caller;
mod effects;
mod egress;
mod files;
mod kv;
mod log;
mod progress;
mod questions;
mod secrets;
mod wasi;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_admission::{Permit, WriteProof};
use portcullis_audit::Pseudonyms;
use portcullis_egress::Egress;
use portcullis_manifest::{
    AssetFiles, CapabilityName, Effect, Grant, HostFunction, Interface, Partition, PrincipalKey, http::Boundary,
};
use portcullis_store::Store;

pub(crate) use effects::Effects;
pub(crate) use log::LogBuffer;
pub use log::{LogLevel, LogLine};
pub(crate) use progress::Notices;
pub(crate) use wasi::{Wasi, link_base};

use crate::run::{Limiter, Stop, Witness, Writes};

/// What host functions stand on; the same for every call.
pub struct Services {
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// What plugins and partitions call a principal.
    pub pseudonyms: Pseudonyms,
    /// The one way out.
    pub egress: Arc<Egress>,
    /// What the operator calls inside.
    pub boundary: Arc<Boundary>,
}

/// What a call stands on and has around it.
pub(crate) struct Around {
    pub(crate) services: Arc<Services>,
    pub(crate) assets: Arc<AssetFiles>,
    /// There for a tool that reaches outside, and for no other.
    pub(crate) witness: Option<Arc<dyn Witness>>,
    pub(crate) notices: Notices,
}

/// Everything that belongs to one call. Nothing of it outlives the call but what is taken out by its fields' names.
pub(crate) struct CallState {
    pub(crate) permit: Permit,
    pub(crate) services: Arc<Services>,
    pub(crate) assets: Arc<AssetFiles>,
    pub(crate) notices: Notices,
    pub(crate) limiter: Limiter,
    pub(crate) log: LogBuffer,
    pub(crate) kv: kv::Overlay,
    pub(crate) files: files::Overlay,
    pub(crate) requests: u64,
    pub(crate) effects: Effects,
    /// There for a tool that reaches outside, and for no other.
    pub(crate) witness: Option<Arc<dyn Witness>>,
    pub(crate) wasi: Option<Box<Wasi>>,
    pub(crate) effect: Effect,
    pub(crate) host_calls: u64,
    pub(crate) deadline: Instant,
    pub(crate) instantiate: Duration,
}

impl CallState {
    pub(crate) fn new(permit: Permit, around: Around, limiter: Limiter, deadline: Instant) -> Self {
        let Around { services, assets, witness, notices } = around;
        let effects = Effects::new(permit.mode());
        let log = LogBuffer::new(permit.tool().limits.log);
        Self {
            permit,
            services,
            assets,
            notices,
            limiter,
            log,
            kv: kv::Overlay::default(),
            files: files::Overlay::default(),
            requests: 0,
            effects,
            witness,
            wasi: None,
            effect: Effect::None,
            host_calls: 0,
            deadline,
            instantiate: Duration::ZERO,
        }
    }

    /// The first line of every host function that does not write: counts the call.
    fn enter(&mut self, function: &HostFunction) -> wasmtime::Result<()> {
        match function.effect {
            Effect::None | Effect::Read => self.count(),
            // The table says that it writes: then it has to come with its proof.
            Effect::Write => self.enter_write(function, "").map(drop),
        }
    }

    /// The first line of every write function: counts the call, and ends one that has no proof (catalogue WR-03).
    /// `capability` is what the guest calls it: the text is said again only if it could stand in a manifest.
    fn enter_write(&mut self, function: &HostFunction, capability: &str) -> wasmtime::Result<Proven> {
        self.count()?;
        if let Some(proof) = self.permit.write_proof() {
            return Ok(Proven::new(proof));
        }
        let capability =
            capability.parse::<CapabilityName>().map_or_else(|_| "<name>".to_owned(), |name| name.to_string());
        Err(Stop::WriteWithoutProof { function: full_name(function), capability }.into())
    }

    /// The grant that opens `function` on `capability`, and notes the effect. Without a grant there is none; with one it is
    /// noted whatever becomes of the request afterwards, so the audit may say more than was done and never less.
    fn open(&mut self, function: &HostFunction, capability: &str) -> Result<Grant, String> {
        let grant = self.permit.tool().grant(function, capability)?.clone();
        self.effect = self.effect.max(function.effect);
        Ok(grant)
    }

    /// Whose rows or files a partitioned capability opens, for an interface of the contract.
    fn owner(&self, partition: Partition, interface: Interface, capability: &str) -> Result<String, String> {
        owner(&self.services.pseudonyms, self.permit.principal().key(), partition, interface, capability)
    }

    /// Counts a host call of the contract. The base list is bounded by fuel, time and handles.
    fn count(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        let limit = self.permit.tool().limits.host_calls;
        if self.host_calls > limit { Err(Stop::HostCalls { limit }.into()) } else { Ok(()) }
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The call's writes, for its commit.
    pub(crate) fn take_writes(&mut self) -> Writes {
        Writes { kv: self.kv.take_writes(), files: self.files.take_writes() }
    }
}

/// Without a user there is no user partition (DESIGN section 6a), and never a shared one in its place: admission gives no
/// permit for such a call, and this holds without it.
fn owner(
    pseudonyms: &Pseudonyms,
    principal: &PrincipalKey,
    partition: Partition,
    interface: Interface,
    capability: &str,
) -> Result<String, String> {
    match (partition, principal) {
        (Partition::Shared, _) => Ok(String::new()),
        (Partition::User, PrincipalKey::Anonymous) => Err(format!(
            "`{capability}` belongs to each person separately (`partition = \"user\"` in plugin.toml), and nobody is signed in: \
             sign in and call again"
        )),
        (Partition::User, key @ (PrincipalKey::Local | PrincipalKey::Subject { .. })) => {
            Ok(pseudonyms.of(interface.as_str(), key))
        }
    }
}

/// Stands for a [`WriteProof`] that was seen while the permit was borrowed. What changes anything takes one by value: that it
/// is there is the point.
struct Proven(());

impl Proven {
    fn new(_proof: &WriteProof) -> Self {
        Self(())
    }
}

/// How a host function ends before its end.
enum Early<E> {
    /// With an error that the guest gets and can go on from.
    Guest(E),
    /// With the end of the call.
    Call(wasmtime::Error),
}

impl<E> From<E> for Early<E> {
    fn from(error: E) -> Self {
        Self::Guest(error)
    }
}

/// In the form that the engine's bindings want.
fn answer<T, E>(result: Result<T, Early<E>>) -> wasmtime::Result<Result<T, E>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Early::Guest(error)) => Ok(Err(error)),
        Err(Early::Call(error)) => Err(error),
    }
}

/// The entry of the host's table, found when the program is compiled: a function that is missing there does not build.
const fn function(interface: Interface, name: &str) -> &'static HostFunction {
    let mut at = 0;
    while at < portcullis_manifest::HOST_FUNCTIONS.len() {
        let function = &portcullis_manifest::HOST_FUNCTIONS[at];
        if function.interface as u8 == interface as u8 && same(function.name, name) {
            return function;
        }
        at += 1;
    }
    panic!("not in the host's table of functions")
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

fn full_name(function: &HostFunction) -> String {
    format!("{}.{}", function.interface.as_str(), function.name)
}

#[cfg(test)]
mod tests;
