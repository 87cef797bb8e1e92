//! What a guest can reach: one file for each interface of the contract, and one for the base list. Every function of the
//! contract goes through [`CallState::enter`] first, so that no call is uncounted and no write is unproven.

mod caller;
mod kv;
mod log;
mod wasi;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_admission::Permit;
use portcullis_audit::Pseudonyms;
use portcullis_manifest::{Effect, HostFunction, Interface};
use portcullis_store::{KvWrites, Store};

pub(crate) use kv::Overlay;
pub(crate) use log::LogBuffer;
pub use log::{LogLevel, LogLine};
pub(crate) use wasi::{Wasi, link_base};

use crate::run::{Limiter, Stop};

/// What host functions stand on; the same for every call.
pub(crate) struct Services {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) pseudonyms: Pseudonyms,
}

/// Everything that belongs to one call. Nothing of it outlives the call but what is taken out by its fields' names.
pub(crate) struct CallState {
    pub(crate) permit: Permit,
    pub(crate) services: Arc<Services>,
    pub(crate) limiter: Limiter,
    pub(crate) log: LogBuffer,
    pub(crate) overlay: Overlay,
    pub(crate) wasi: Option<Box<Wasi>>,
    pub(crate) effect: Effect,
    pub(crate) host_calls: u64,
    pub(crate) deadline: Instant,
    pub(crate) instantiate: Duration,
}

impl CallState {
    pub(crate) fn new(permit: Permit, services: Arc<Services>, limiter: Limiter, deadline: Instant) -> Self {
        let log = LogBuffer::new(permit.tool().limits.log);
        Self {
            permit,
            services,
            limiter,
            log,
            overlay: Overlay::default(),
            wasi: None,
            effect: Effect::None,
            host_calls: 0,
            deadline,
            instantiate: Duration::ZERO,
        }
    }

    /// The first line of every host function: counts the call, and refuses a write function to a call without a proof.
    fn enter(&mut self, function: &HostFunction) -> wasmtime::Result<()> {
        self.count()?;
        if function.effect == Effect::Write && self.permit.write_proof().is_none() {
            return Err(Stop::WriteWithoutProof { function: full_name(function) }.into());
        }
        Ok(())
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
    pub(crate) fn take_writes(&mut self) -> KvWrites {
        self.overlay.take_writes()
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
