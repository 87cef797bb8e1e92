//! A release made ready to run: its component linked against what its grants open, once, so that a call only instantiates.

use std::sync::Arc;

use portcullis_admission::Callable;
use portcullis_manifest::{AssetFiles, Digest, Interface, Limits};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use super::{engine::Engine, pace::Pace};
use crate::{
    ArtefactCache, ArtefactError, ExportsRefused, ImportsRefused, StructureRefused,
    capabilities::{CallState, link_base},
    check_exports, check_imports, check_structure,
    contract::{
        Other,
        bindings::{
            self,
            exports::portcullis::plugin::{completions, prompts, resources, tools},
        },
        exported, other_than_the_contracts,
    },
};

/// See the module.
#[derive(Clone)]
pub struct Plugin(Arc<Linked>);

/// Shared, because each call holds on to it.
pub(super) struct Linked {
    pub(super) pre: InstancePre<CallState>,
    pub(super) exports: Exports,
    pub(super) assets: Arc<AssetFiles>,
    pub(super) engine: Arc<super::engine::Shared>,
    pub(super) pace: Pace,
}

/// Where a component's functions are, as far as it has them.
pub(super) struct Exports {
    pub(super) tools: Option<tools::GuestIndices>,
    pub(super) resources: Option<resources::GuestIndices>,
    pub(super) prompts: Option<prompts::GuestIndices>,
    pub(super) completions: Option<completions::GuestIndices>,
}

impl Exports {
    /// Of those that are there.
    fn of(pre: &InstancePre<CallState>, there: &[String]) -> wasmtime::Result<Self> {
        let has = |kind| there.contains(&exported(kind));
        Ok(Self {
            tools: has(Callable::Tool).then(|| tools::GuestIndices::new(pre)).transpose()?,
            resources: has(Callable::Resource).then(|| resources::GuestIndices::new(pre)).transpose()?,
            prompts: has(Callable::Prompt).then(|| prompts::GuestIndices::new(pre)).transpose()?,
            completions: has(Callable::Completion).then(|| completions::GuestIndices::new(pre)).transpose()?,
        })
    }
}

impl Plugin {
    /// The files of its release.
    #[must_use]
    pub fn assets(&self) -> &Arc<AssetFiles> {
        &self.0.assets
    }

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
    /// One of its exports has another type.
    #[error(
        "the component does not fit the contract: {function} is of the type {found}: build it for the world `plugin` or \
         `plugin-complete` of wit/"
    )]
    Export {
        /// Which.
        function: String,
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
    /// Checks `component` against what its manifest opens and against what it lists (`needed`), loads its artefact and links it.
    ///
    /// # Errors
    /// See [`LoadError`]. [`LoadError::NotCompiled`] and [`LoadError::Artefact`] are mended by compiling.
    pub fn load(
        engine: &Engine,
        cache: &ArtefactCache,
        component: &[u8],
        opened: &[Interface],
        needed: &[Callable],
        assets: Arc<AssetFiles>,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        let checked = check_structure(component)?;
        check_imports(&checked.imports, opened)?;
        check_exports(&checked, needed, limits)?;
        // Loading holds the component's counts of instances, memories and tables against the pools too.
        let digest = Digest::of(component);
        let component = cache.load(engine.wasmtime(), digest)?.ok_or(LoadError::NotCompiled)?;
        if let Some(Other { function, found }) = other_than_the_contracts(engine.wasmtime(), &component) {
            return Err(LoadError::Export { function, found });
        }
        let contract = |error: wasmtime::Error| LoadError::Contract(format!("{error:#}"));
        let pre = link(engine, &component, opened).map_err(contract)?;
        let exports = Exports::of(&pre, &checked.exports).map_err(contract)?;
        let engine = engine.shared().clone();
        Ok(Self(Arc::new(Linked { pre, exports, assets, engine, pace: Pace::default() })))
    }
}

fn link(engine: &Engine, component: &Component, opened: &[Interface]) -> wasmtime::Result<InstancePre<CallState>> {
    use bindings::portcullis::plugin::{assets, caller, egress, files, kv, log, progress, questions, secrets};
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
            Interface::Progress => {
                progress::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?
            }
            Interface::Assets => assets::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
            Interface::Caller => caller::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?,
        }
    }
    linker.instantiate_pre(component)
}
