//! Runs plugins: checks and compiles components, keeps the compiled artefacts, links what was granted, and runs one call
//! of one permit in a fresh, metered instance. It must never start a guest without a permit, never give a guest anything
//! that its tool's grants do not open, and never decide whether a call is allowed.

mod artefact;
mod capabilities;
mod compile;
mod contract;
mod profile;
mod proposals;
mod run;

pub use artefact::{ArtefactCache, ArtefactError, HostKey};
pub use capabilities::{LogLevel, LogLine, Services};
pub use compile::{
    Checked, CompileLimits, CompileRefused, Compiler, StructureRefused, check_structure, helper_main, spawner_main,
    worker_main,
};
pub use contract::{BASE, ExportsRefused, ImportsRefused, check_exports, check_imports};
pub use profile::{EngineProfile, PoolLimits, TargetUnsupported};
pub use proposals::ProposalEnabled;
pub use run::{
    Answer, Body, Completed, Content, Contents, Ending, Engine, EngineError, Keep, Kept, Listener, LoadError, Lost,
    Message, NeedsInput, Notice, Plugin, Prompted, Ran, Role, Stop, ToolQuestion, ToolSampling, Unfinished, Usage,
    Witness, Writes,
};
