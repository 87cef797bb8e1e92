//! What goes through the pipes between server and helper: lengths, bytes, and in both directions the digest of the component,
//! so that no answer is ever taken for another component's.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use portcullis_manifest::Digest;

use super::{CompileLimits, CompileRefused};

/// Longest answer that is believed. The largest honest artefacts are about five times their component.
const LONGEST: u64 = 512 << 20;

const ARTEFACT: u8 = 0;
const INVALID: u8 = 1;
const OVER_CPU: u8 = 2;
const OVER_WALL: u8 = 3;
const OVER_MEMORY: u8 = 4;

/// How a worker ended, before the limits' values are put into words.
pub(super) enum Ended {
    Artefact(Vec<u8>),
    Invalid(String),
    Cpu,
    Wall,
    Memory,
}

/// What the helper is asked to do. The digest is that of the component's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) limits: CompileLimits,
    pub(super) digest: Digest,
    pub(super) component: Vec<u8>,
}

pub(super) fn write_job(
    to: &mut impl Write,
    limits: &CompileLimits,
    digest: Digest,
    component: &[u8],
) -> io::Result<()> {
    for number in [limits.size, millis(limits.cpu), millis(limits.wall), limits.memory] {
        to.write_all(&number.to_le_bytes())?;
    }
    to.write_all(&digest.0)?;
    to.write_all(&(component.len() as u64).to_le_bytes())?;
    to.write_all(component)?;
    to.flush()
}

/// The next job, or none when the pipe has ended between two jobs.
pub(super) fn read_job(from: &mut impl Read) -> io::Result<Option<Job>> {
    let mut first = [0; 8];
    match from.read(&mut first)? {
        0 => return Ok(None),
        read => from.read_exact(&mut first[read..])?,
    }
    let size = u64::from_le_bytes(first);
    let cpu = Duration::from_millis(number(from)?);
    let wall = Duration::from_millis(number(from)?);
    let memory = number(from)?;
    let digest = read_digest(from)?;
    let component = bytes(from, size)?;
    if Digest::of(&component) != digest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(Job { limits: CompileLimits { size, cpu, wall, memory }, digest, component }))
}

pub(super) fn write_answer(to: &mut impl Write, digest: Digest, ended: &Ended) -> io::Result<()> {
    let (kind, payload): (u8, &[u8]) = match ended {
        Ended::Artefact(artefact) => (ARTEFACT, artefact),
        Ended::Invalid(why) => (INVALID, why.as_bytes()),
        Ended::Cpu => (OVER_CPU, &[]),
        Ended::Wall => (OVER_WALL, &[]),
        Ended::Memory => (OVER_MEMORY, &[]),
    };
    to.write_all(&[kind])?;
    to.write_all(&digest.0)?;
    to.write_all(&(payload.len() as u64).to_le_bytes())?;
    to.write_all(payload)?;
    to.flush()
}

/// The answer to the job with this digest. After an error the pipe is not at the beginning of an answer any more.
pub(super) fn read_answer(
    from: &mut impl Read,
    limits: &CompileLimits,
    digest: Digest,
) -> io::Result<Result<Vec<u8>, CompileRefused>> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    if read_digest(from)? != digest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let payload = bytes(from, LONGEST)?;
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    Ok(Err(match kind[0] {
        ARTEFACT => return Ok(Ok(payload)),
        INVALID => CompileRefused::Invalid(String::from_utf8_lossy(&payload).into_owned()),
        OVER_CPU => CompileRefused::Limit { limit: "its CPU time", value: seconds(limits.cpu), key: "cpu" },
        OVER_WALL => CompileRefused::Limit { limit: "its wall time", value: seconds(limits.wall), key: "wall" },
        OVER_MEMORY => {
            let value = format!("{} MiB", limits.memory >> 20);
            CompileRefused::Limit { limit: "its memory, or crashed the compiler", value, key: "memory" }
        }
        _ => return Err(io::ErrorKind::InvalidData.into()),
    }))
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut number = [0; 8];
    from.read_exact(&mut number)?;
    Ok(u64::from_le_bytes(number))
}

fn read_digest(from: &mut impl Read) -> io::Result<Digest> {
    let mut digest = Digest([0; 32]);
    from.read_exact(&mut digest.0)?;
    Ok(digest)
}

fn bytes(from: &mut impl Read, longest: u64) -> io::Result<Vec<u8>> {
    let length = number(from)?;
    if length > longest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
