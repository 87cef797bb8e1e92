//! From hostile bytes to an artefact, and never in the process that serves (catalogue WX-07).
//!
//! The server starts a spawner before it locks itself down, because then it can start no program any more. The spawner
//! starts a helper and hands the stream to it over. For every component the helper starts a worker with an empty
//! environment; the worker takes rlimits upon itself before it reads the first byte, checks the structure, compiles, and
//! ends. The helper kills a worker that outlives its wall time. None of them trusts the one below it with more than
//! bytes. A helper that breaks off an answer, or answers for another component, is killed: what it may still have written
//! must not become the next one's artefact. The next component has a fresh helper.

mod frame;
mod helper;
mod spawner;
mod structure;
mod worker;

use std::{
    ffi::OsStr,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use parking_lot::Mutex;
use portcullis_manifest::Digest;
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};

use spawner::Spawner;

pub use helper::helper_main;
pub use spawner::spawner_main;
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
    limits: CompileLimits,
    helpers: Mutex<Helpers>,
    /// None in tests, whose spawner is a thread. Behind the streams: they have to end first.
    _process: Option<Process>,
}

struct Helpers {
    /// None after one has failed, until the next job.
    running: Option<UnixStream>,
    spawner: Spawner,
}

/// The spawner's process, which ends when its stream does.
struct Process(Child);

impl Default for CompileLimits {
    fn default() -> Self {
        Self { size: 32 << 20, cpu: Duration::from_secs(120), wall: Duration::from_secs(240), memory: 4 << 30 }
    }
}

impl Compiler {
    /// Starts `program` with `arguments`, which must call [`spawner_main`]. It inherits nothing. Nothing needs to be started
    /// after this.
    ///
    /// # Errors
    /// When it, or the helper that it has to start, can't be started.
    pub fn start<A: AsRef<OsStr>>(
        program: &OsStr,
        arguments: impl IntoIterator<Item = A>,
        limits: CompileLimits,
    ) -> io::Result<Self> {
        let (ours, its) = UnixStream::pair()?;
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(its)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Self::over(ours, Some(Process(child)), limits)
    }

    fn over(control: UnixStream, process: Option<Process>, limits: CompileLimits) -> io::Result<Self> {
        let mut spawner = Spawner::over(control);
        let running = Some(spawner.start()?);
        Ok(Self { limits, helpers: Mutex::new(Helpers { running, spawner }), _process: process })
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
        let mut helpers = self.helpers.lock();
        let Helpers { running, spawner } = &mut *helpers;
        // One that has ended since, because somebody killed it, costs nobody a job.
        let mut helper = match running.take().filter(is_running) {
            Some(helper) => helper,
            None => spawner.start().map_err(|error| {
                CompileRefused::Helper(format!("cannot be started again ({}); restart the host", error.kind()))
            })?,
        };
        let answer = ask(&mut helper, &self.limits, component).map_err(|error| {
            // What it may still be writing ends here, and with its stream.
            let _ = spawner.end();
            let text = "has not given an answer that can be used";
            CompileRefused::Helper(format!(
                "{text} ({}), and was ended; try again: a fresh one is started",
                error.kind()
            ))
        })?;
        *running = Some(helper);
        answer
    }

    /// The limits it was started with.
    #[must_use]
    pub fn limits(&self) -> &CompileLimits {
        &self.limits
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.wait();
    }
}

/// After an error nobody knows where in its answer the helper is: it must not be asked again.
fn ask(
    helper: &mut UnixStream,
    limits: &CompileLimits,
    component: &[u8],
) -> io::Result<Result<Vec<u8>, CompileRefused>> {
    let digest = Digest::of(component);
    frame::write_job(helper, limits, digest, component)?;
    frame::read_answer(helper, limits, digest)
}

/// Between two jobs: it has nothing to say, and has not ended.
fn is_running(helper: &UnixStream) -> bool {
    recv(helper, &mut [0_u8; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT) == Err(Errno::AGAIN)
}

#[cfg(test)]
mod tests;
