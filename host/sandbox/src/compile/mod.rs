//! From hostile bytes to an artefact, and never in the process that serves (catalogue WX-07).
//!
//! The server starts a helper before it locks itself down. For every component the helper starts a worker with an empty
//! environment; the worker takes rlimits upon itself before it reads the first byte, checks the structure, compiles, and
//! ends. The helper kills a worker that outlives its wall time. None of the three trusts the one below it with more than
//! bytes. A helper that breaks off an answer, or answers for another component, is killed: what it may still have written
//! must not become the next one's artefact. The next component has a fresh helper.

mod frame;
mod helper;
mod structure;
mod worker;

use std::{
    ffi::{OsStr, OsString},
    io,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use parking_lot::Mutex;
use portcullis_manifest::Digest;

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
    /// The helper has not answered, or there is none.
    #[error("the compiling helper {0}")]
    Helper(String),
}

/// A helper, and what it takes to start another.
pub struct Compiler {
    program: OsString,
    arguments: Vec<OsString>,
    limits: CompileLimits,
    /// None after one has failed, until the next job.
    helper: Mutex<Option<Helper>>,
}

/// A running helper, between two jobs.
struct Helper {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
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
        let program = program.to_owned();
        let arguments: Vec<_> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let helper = Mutex::new(Some(Helper::start(&program, &arguments)?));
        Ok(Self { program, arguments, limits, helper })
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
        let mut place = self.helper.lock();
        // One that has ended since, because somebody killed it, costs nobody a job.
        let running = place.take().and_then(|mut helper| helper.is_running().then_some(helper));
        let mut helper = match running {
            Some(helper) => helper,
            None => Helper::start(&self.program, &self.arguments).map_err(|error| {
                CompileRefused::Helper(format!("cannot be started again ({}); restart the host", error.kind()))
            })?,
        };
        // On an error the helper is dropped here, and so killed.
        let answer = helper.ask(&self.limits, component).map_err(|error| {
            let text = "has not given an answer that can be used";
            CompileRefused::Helper(format!(
                "{text} ({}), and was ended; try again: a fresh one is started",
                error.kind()
            ))
        })?;
        *place = Some(helper);
        answer
    }

    /// The limits it was started with.
    #[must_use]
    pub fn limits(&self) -> &CompileLimits {
        &self.limits
    }
}

impl Helper {
    fn start(program: &OsStr, arguments: &[OsString]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().expect("piped");
        let output = child.stdout.take().expect("piped");
        Ok(Self { child, input, output })
    }

    /// After an error nobody knows where in its answer the helper is: it must not be asked again.
    fn ask(&mut self, limits: &CompileLimits, component: &[u8]) -> io::Result<Result<Vec<u8>, CompileRefused>> {
        let digest = Digest::of(component);
        frame::write_job(&mut self.input, limits, digest, component)?;
        frame::read_answer(&mut self.output, limits, digest)
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests;
