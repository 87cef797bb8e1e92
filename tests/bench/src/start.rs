//! From start to ready, and what is resident when nothing happens; and the figures that a command measures by itself.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::time::sleep;

use crate::config::{Probe, Start};
use crate::process::{LaunchError, Running, Usage, last_line};

/// After ready, until memory is read: what a server does behind its first answer is over by then.
const SETTLE: Duration = Duration::from_secs(1);
/// How long idling is watched.
const IDLE: Duration = Duration::from_secs(1);

/// The starts of one command.
#[derive(Debug, Serialize)]
pub(crate) struct Started {
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) starts: Vec<OneStart>,
}

/// One start.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OneStart {
    /// From just before the spawn to the first 200 of the health page, or to the ready line.
    pub(crate) ready_ms: f64,
    pub(crate) idle: Idle,
}

/// A process that nobody calls.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Idle {
    pub(crate) rss_mib: f64,
    pub(crate) peak_mib: f64,
    pub(crate) children_mib: f64,
    /// Processor time since its start, descendants included.
    pub(crate) cpu_since_start_ms: f64,
    /// Processor time per second of idling.
    pub(crate) cpu_ms_per_second: f64,
}

/// What a probe printed.
#[derive(Debug, Serialize)]
pub(crate) struct Probed {
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) figures: Map<String, Value>,
}

/// Why a probe has no figures.
#[derive(Debug, Error)]
pub(crate) enum ProbeError {
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error("its last line is not a JSON object ({error}): {line}")]
    NoObject { error: serde_json::Error, line: String },
}

impl Idle {
    /// Watches `pid` while nobody calls it.
    pub(crate) async fn watch(pid: u32) -> Result<Self, LaunchError> {
        sleep(SETTLE).await;
        let before = Usage::of(pid)?;
        sleep(IDLE).await;
        let after = Usage::of(pid)?;
        let mib = |kib: u64| kib as f64 / 1024.0;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        Ok(Self {
            rss_mib: mib(after.rss_kib),
            peak_mib: mib(after.peak_kib),
            children_mib: mib(after.children_kib),
            cpu_since_start_ms: millis(before.cpu),
            cpu_ms_per_second: millis(after.cpu.saturating_sub(before.cpu)) / IDLE.as_secs_f64(),
        })
    }
}

/// Starts the command of `start` as often as it says, one after the other.
pub(crate) async fn start(start: &Start) -> Result<Started, LaunchError> {
    let mut starts = Vec::with_capacity(start.times);
    for _ in 0..start.times {
        let running = Running::start(&start.command).await?;
        let ready_ms = running.ready.as_secs_f64() * 1e3;
        let idle = Idle::watch(running.pid).await?;
        eprintln!("start of {}: {ready_ms:.1} ms", start.name);
        starts.push(OneStart { ready_ms, idle });
        running.stop().await?;
    }
    Ok(Started { name: start.name.clone(), note: start.note.clone(), starts })
}

/// Runs a probe.
pub(crate) async fn probe(probe: &Probe) -> Result<Probed, ProbeError> {
    let line = last_line(&probe.command).await?;
    match serde_json::from_str(&line) {
        Ok(figures) => Ok(Probed { name: probe.name.clone(), note: probe.note.clone(), figures }),
        Err(error) => Err(ProbeError::NoObject { error, line }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Command;
    use std::collections::BTreeMap;

    fn shell(script: &str) -> Command {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        Command { argv, env: BTreeMap::new(), directory: None, health: None, ready_seconds: 10.0 }
    }

    #[tokio::test]
    async fn a_start_that_takes_a_while_is_seen_to_take_it() {
        let command = shell("sleep 0.2; echo ready x; cat");
        let started = start(&Start { name: "slow".to_owned(), note: None, command, times: 1 }).await.unwrap();
        assert!((200.0..5000.0).contains(&started.starts[0].ready_ms), "{started:?}");
        assert!(started.starts[0].idle.rss_mib > 0.0, "{started:?}");
    }

    #[tokio::test]
    async fn a_probe_answers_an_object_or_says_what_came_instead() {
        let run = async |script| probe(&Probe { name: "p".to_owned(), note: None, command: shell(script) }).await;
        assert_eq!(run(r#"echo '{"instantiate_us":31}'"#).await.unwrap().figures["instantiate_us"], 31);
        assert!(run("echo 31").await.unwrap_err().to_string().contains("31"));
    }
}
