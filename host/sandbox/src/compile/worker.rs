//! The worker: one component, under rlimits and behind a wall of its own, then gone.

use std::io::{self, Read, Write};

use portcullis_lockdown::{Kernel, Plan};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{CompileLimits, check_structure};
use crate::EngineProfile;

/// Exit code: the component was refused; the reason is on stdout.
pub(super) const INVALID: i32 = 3;

pub(super) fn arguments(limits: &CompileLimits) -> [String; 3] {
    [limits.cpu.as_secs().max(1).to_string(), limits.memory.to_string(), limits.size.to_string()]
}

/// Reads a component from stdin and writes its artefact to stdout. `arguments` are CPU seconds, bytes of address space and
/// bytes of component, as the helper gives them. Gives the exit code.
///
/// # Errors
/// When the arguments are not numbers, or limits can't be taken: then nothing is read.
pub fn worker_main(arguments: &[String]) -> io::Result<u8> {
    let number = |at: usize| -> io::Result<u64> {
        arguments.get(at).and_then(|text| text.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    };
    let (cpu, memory, size) = (number(0)?, number(1)?, number(2)?);
    confine(cpu, memory)?;
    let mut component = Vec::new();
    io::stdin().lock().take(size + 1).read_to_end(&mut component)?;
    let refused = match compile(&component) {
        Ok(artefact) => {
            io::stdout().lock().write_all(&artefact)?;
            return Ok(0);
        }
        Err(refused) => refused,
    };
    io::stdout().lock().write_all(refused.as_bytes())?;
    Ok(u8::try_from(INVALID).expect("a small number"))
}

fn confine(cpu: u64, memory: u64) -> io::Result<()> {
    let limit = |resource, value| setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) });
    // One second more until SIGKILL, in case something blocks SIGXCPU.
    setrlimit(Resource::Cpu, Rlimit { current: Some(cpu), maximum: Some(cpu + 1) })?;
    limit(Resource::As, memory)?;
    limit(Resource::Core, 0)?;
    // It may write to its pipe and to no file.
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, 16)?;
    // It reads one pipe and writes another. Whoever takes the compiler over has those, and no file, socket or program. Where
    // the kernel lacks a measure, the serving process says so, or does not start.
    let _ = Plan::to_compute(Kernel::running()).apply();
    Ok(())
}

/// Checks and compiles, in this process. Only a worker and tests call it.
pub(super) fn compile(component: &[u8]) -> Result<Vec<u8>, String> {
    check_structure(component).map_err(|error| error.to_string())?;
    // A validation of our own first: it holds guests to the allow-list, which is shorter than what the engine takes.
    crate::proposals::guest_validator().validate_all(component).map_err(|error| error.to_string())?;
    let engine = wasmtime::Engine::new(&EngineProfile::current().compiling()).map_err(|error| error.to_string())?;
    // A panic of the compiler ends the worker, which the helper tells as a refusal; nothing else is lost.
    // `{:#}` is the whole chain of reasons; it speaks of offsets in the component, never of this host.
    engine.precompile_component(component).map_err(|error| format!("{error:#}"))
}
