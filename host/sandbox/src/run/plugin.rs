//! A release made ready to run: its component linked against what its grants open, once, so that a call only instantiates.

use std::sync::Arc;

use portcullis_manifest::{CONTRACT_VERSION, Digest, Interface, Limits};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use super::{engine::Engine, pace::Pace};
use crate::{
    ArtefactCache, ArtefactError, ExportsRefused, ImportsRefused, StructureRefused,
    capabilities::{CallState, link_base},
    check_exports, check_imports, check_structure,
    contract::{
        bindings::{self, PluginPre},
        other_than_the_contracts,
    },
};

/// See the module.
#[derive(Clone)]
pub struct Plugin(Arc<Linked>);

/// Shared, because each call holds on to it.
pub(super) struct Linked {
    pub(super) pre: PluginPre<CallState>,
    pub(super) engine: Arc<super::engine::Shared>,
    pub(super) pace: Pace,
}

impl Plugin {
    pub(super) fn linked(&self) -> &Arc<Linked> {
        &self.0
    }
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
    /// Its exports, or its memory.
    #[error(transparent)]
    Exports(#[from] ExportsRefused),
    /// Its export has another type.
    #[error(
        "the component does not fit the contract: `call` of `portcullis:plugin/tools@{CONTRACT_VERSION}` is of the type \
         {found}: build it for the world `plugin` of wit/"
    )]
    Export {
        /// The type that it has.
        found: String,
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
        check_exports(&checked, limits)?;
        // Loading holds the component's counts of instances, memories and tables against the pools too.
        let digest = Digest::of(component);
        let component = cache.load(engine.wasmtime(), digest)?.ok_or(LoadError::NotCompiled)?;
        if let Some(found) = other_than_the_contracts(engine.wasmtime(), &component) {
            return Err(LoadError::Export { found });
        }
        let pre = link(engine, &component, opened).map_err(|error| LoadError::Contract(format!("{error:#}")))?;
        Ok(Self(Arc::new(Linked { pre, engine: engine.shared().clone(), pace: Pace::default() })))
    }
}

fn link(engine: &Engine, component: &Component, opened: &[Interface]) -> wasmtime::Result<PluginPre<CallState>> {
    use bindings::portcullis::plugin::{caller, egress, files, kv, log, questions, secrets};
    let mut linker = Linker::<CallState>::new(engine.wasmtime());
    link_base(&mut linker)?;
    for interface in Interface::ALL {
        if !interface.is_open() && !opened.contains(&interface) {
            continue;
        }
        match interface {
            Interface::Egress => egress::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Secrets => secrets::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Files => files::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Questions => {
                questions::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?
            }
            Interface::Kv => kv::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Log => log::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Caller => caller::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
        }
    }
    let instance: InstancePre<CallState> = linker.instantiate_pre(component)?;
    PluginPre::new(instance)
}
