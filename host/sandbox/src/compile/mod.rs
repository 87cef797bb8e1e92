//! From hostile bytes to an artefact, and never in the process that serves (catalogue WX-07).
//!
//! The server starts a helper before it locks itself down. For every component the helper starts a worker with an empty
//! environment; the worker takes rlimits upon itself before it reads the first byte, checks the structure, compiles, and
//! ends. The helper kills a worker that outlives its wall time. None of the three trusts the one below it with more than
//! bytes.

mod frame;
mod helper;
mod structure;
mod worker;

use std::{
    ffi::OsStr,
    io,
    process::{Child, Command, Stdio},
    time::Duration,
};

use parking_lot::Mutex;

pub use helper::helper_main;
pub use structure::{Checked, StructureRefused, check_structure};
pub use worker::worker_main;

/// What compiling one component may take. Honest JavaScript and Python components need up to a minute of CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Component, in bytes: 16 MiB would refuse honest Python components, which are about 18 MiB.
    pub size: u64,
    /// CPU time.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
    /// Address space, in bytes.
    pub memory: u64,
}

/// A component was not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileRefused {
    /// It is not of an allowed structure.
    #[error(transparent)]
    Structure(#[from] StructureRefused),
    /// The compiler does not take it.
    #[error("the component is not valid for this host: {0}")]
    Invalid(String),
    /// It took too much.
    #[error("compiling took more than {limit}: {value}; the operator sets `compile.{key}`")]
    Limit {
        /// In words.
        limit: &'static str,
        /// The limit.
        value: String,
        /// The configuration's key.
        key: &'static str,
    },
    /// The helper is gone.
    #[error("the compiling helper does not answer ({0}); restart the host")]
    Helper(String),
}

/// A running helper.
pub struct Compiler {
    child: Mutex<Child>,
    limits: CompileLimits,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { size: 32 << 20, cpu: Duration::from_secs(120), wall: Duration::from_secs(240), memory: 4 << 30 }
    }
}

impl Compiler {
    /// Starts `program` with `arguments`, which must call [`helper_main`]. It inherits nothing.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start<A: AsRef<OsStr>>(
        program: &OsStr,
        arguments: impl IntoIterator<Item = A>,
        limits: CompileLimits,
    ) -> io::Result<Self> {
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child: Mutex::new(child), limits })
    }

    /// Compiles one component. Blocks, for up to minutes.
    ///
    /// # Errors
    /// See [`CompileRefused`].
    pub fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompileRefused> {
        if component.len() as u64 > self.limits.size {
            let size = component.len() as u64;
            return Err(StructureRefused::TooMuch {
                what: "bytes (`compile.size` of the host's configuration)",
                found: size,
                limit: self.limits.size,
            }
            .into());
        }
        // Checked here too, before a process is spent on it; this parse allocates nothing that grows with the input.
        check_structure(component)?;
        let mut child = self.child.lock();
        let gone = |error: io::Error| CompileRefused::Helper(error.kind().to_string());
        let input = child.stdin.as_mut().expect("the helper was started with a pipe");
        frame::write_job(input, &self.limits, component).map_err(gone)?;
        let output = child.stdout.as_mut().expect("the helper was started with a pipe");
        frame::read_answer(output, &self.limits).map_err(gone)?
    }

    /// The limits it was started with.
    #[must_use]
    pub fn limits(&self) -> &CompileLimits {
        &self.limits
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        // Its input ends, so it ends; killing only makes sure that nothing waits for it.
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[cfg(test)]
mod tests;
