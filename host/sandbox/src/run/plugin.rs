//! A release made ready to run: its component linked against what its grants open, once, so that a call only instantiates.

use std::sync::Arc;

use portcullis_manifest::{CONTRACT_VERSION, Digest, Interface, Limits};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use super::engine::Engine;
use crate::{
    ArtefactCache, ArtefactError, ImportsRefused, PoolLimits, StructureRefused,
    capabilities::{CallState, link_base},
    check_imports, check_structure,
    contract::bindings::{self, PluginPre},
};

/// See the module.
#[derive(Clone)]
pub struct Plugin {
    pub(super) pre: PluginPre<CallState>,
    pub(super) engine: Arc<super::engine::Shared>,
}

/// A release can't be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its structure.
    #[error(transparent)]
    Structure(#[from] StructureRefused),
    /// Its imports.
    #[error(transparent)]
    Imports(#[from] ImportsRefused),
    /// Its exports.
    #[error(
        "the component does not export `portcullis:plugin/tools@{CONTRACT_VERSION}`, which is what a plugin is for: build it \
         for the world `plugin` of wit/"
    )]
    NoTools,
    /// It needs more than the pools hold.
    #[error(
        "the component needs {needed} {what}; this host has room for {limit} in each call (`pool.{key}` in its configuration)"
    )]
    Pool {
        /// What of.
        what: &'static str,
        /// How many it needs.
        needed: u64,
        /// How many there are.
        limit: u64,
        /// The configuration's key.
        key: &'static str,
    },
    /// Its smallest memory is above its limit.
    #[error("the component starts with {needed} bytes of memory; `limits.memory` of plugin.toml allows {limit}")]
    Memory {
        /// Bytes.
        needed: u64,
        /// Bytes.
        limit: u64,
    },
    /// Its types.
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
    /// Its artefact.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// There is no artefact.
    #[error("the component has not been compiled for this host yet")]
    NotCompiled,
}

impl Plugin {
    /// Checks `component` against what its manifest opens, loads its artefact and links it.
    ///
    /// # Errors
    /// See [`LoadError`]. [`LoadError::NotCompiled`] and [`LoadError::Artefact`] are mended by compiling.
    pub fn load(
        engine: &Engine,
        cache: &ArtefactCache,
        component: &[u8],
        opened: &[Interface],
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        let checked = check_structure(component)?;
        check_imports(&checked.imports, opened)?;
        let tools = format!("portcullis:plugin/tools@{CONTRACT_VERSION}");
        if !checked.exports.contains(&tools) {
            return Err(LoadError::NoTools);
        }
        let digest = Digest::of(component);
        let component = cache.load(engine.wasmtime(), digest)?.ok_or(LoadError::NotCompiled)?;
        fits(&component, engine.pool(), limits)?;
        let pre = link(engine, &component, opened).map_err(|error| LoadError::Contract(format!("{error:#}")))?;
        Ok(Self { pre, engine: engine.shared().clone() })
    }
}

fn fits(component: &Component, pool: PoolLimits, limits: &Limits) -> Result<(), LoadError> {
    // None: it imports or exports core modules, whose needs can't be known; the structure check lets none through that matter.
    let Some(needs) = component.resources_required() else { return Ok(()) };
    for (what, key, needed, limit) in [
        ("memories", "memories", needs.num_memories, pool.memories),
        ("tables", "tables", needs.num_tables, pool.tables),
    ] {
        if needed > limit {
            return Err(LoadError::Pool { what, needed: needed.into(), limit: limit.into(), key });
        }
    }
    let largest = needs.max_initial_memory_size.unwrap_or(0);
    if largest > limits.memory {
        return Err(LoadError::Memory { needed: largest, limit: limits.memory });
    }
    Ok(())
}

fn link(engine: &Engine, component: &Component, opened: &[Interface]) -> wasmtime::Result<PluginPre<CallState>> {
    use bindings::portcullis::plugin::{caller, kv, log};
    let mut linker = Linker::<CallState>::new(engine.wasmtime());
    link_base(&mut linker)?;
    for interface in Interface::ALL {
        if !interface.is_open() && !opened.contains(&interface) {
            continue;
        }
        match interface {
            Interface::Kv => kv::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Log => log::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Caller => caller::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
        }
    }
    let instance: InstancePre<CallState> = linker.instantiate_pre(component)?;
    PluginPre::new(instance)
}
