//! A whole run: servers started, watched idle, measured in turns, ended; then starts and probes, one at a time, when
//! nothing else runs.

use std::collections::BTreeMap;
use std::io;
use std::str::FromStr;

use thiserror::Error;

use crate::client::{Endpoint, EndpointError};
use crate::config::{Command, Config, ConfigError, LoadOptions, Server};
use crate::machine::Machine;
use crate::measure::{Target, measure};
use crate::process::{LaunchError, Running};
use crate::report::{Report, TargetFacts, summarise};
use crate::start::{Idle, probe, start};

/// `--target name=URL[,tool=NAME][,pid=PID]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetOption {
    name: String,
    endpoint: Endpoint,
    tool: String,
    pid: Option<u32>,
}

/// Why a `--target` was not taken.
#[derive(Debug, Error)]
pub(crate) enum TargetOptionError {
    #[error("a target is written name=URL, as in axum=http://127.0.0.1:8080/mcp")]
    Shape,
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("a target has tool=NAME and pid=PID, nothing else: `{0}`")]
    Unknown(String),
}

/// Why there is no report.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the bench does not find its own program, which is also its peers: {0}")]
    Own(#[from] io::Error),
}

/// A server of this run.
struct Serving {
    running: Running,
    target: Target,
    facts: TargetFacts,
}

impl FromStr for TargetOption {
    type Err = TargetOptionError;

    fn from_str(text: &str) -> Result<Self, TargetOptionError> {
        let mut parts = text.split(',');
        let (name, url) = parts.next().and_then(|first| first.split_once('=')).ok_or(TargetOptionError::Shape)?;
        let mut option = Self { name: name.to_owned(), endpoint: url.parse()?, tool: "echo".to_owned(), pid: None };
        for part in parts {
            match part.split_once('=') {
                Some(("tool", tool)) => option.tool = tool.to_owned(),
                Some(("pid", pid)) => {
                    let pid = pid.parse().map_err(|_| TargetOptionError::Unknown(part.to_owned()))?;
                    option.pid = Some(pid);
                }
                _ => return Err(TargetOptionError::Unknown(part.to_owned())),
            }
        }
        Ok(option)
    }
}

/// Measures servers that somebody else started.
pub(crate) async fn running(options: Vec<TargetOption>, load: LoadOptions) -> Result<Report, RunError> {
    let load = Config::default().load.with(load)?;
    let machine = Machine::look();
    let facts = |option: &TargetOption| TargetFacts {
        name: option.name.clone(),
        tool: option.tool.clone(),
        note: None,
        ready_ms: None,
        idle: None,
    };
    let target = |TargetOption { name, endpoint, tool, pid }: TargetOption| Target {
        name,
        endpoint,
        tool,
        headers: BTreeMap::new(),
        pid,
    };
    let facts = options.iter().map(facts).collect();
    let targets: Vec<_> = options.into_iter().map(target).collect();
    let cells = summarise(measure(&targets, &load).await);
    Ok(Report { report: 1, machine, load, targets: facts, cells, starts: vec![], probes: vec![], missing: vec![] })
}

/// Measures both peers and everything in `config`. What cannot be started is named in the report and left out.
pub(crate) async fn all(config: Config, load: LoadOptions) -> Result<Report, RunError> {
    let load = config.load.with(load)?;
    let machine = Machine::look();
    let mut missing = Vec::new();
    let mut serving = Vec::new();
    for server in peers()?.into_iter().chain(config.serve) {
        let name = server.name.clone();
        match serve(server).await {
            Ok(server) => serving.push(server),
            Err(error) => missing.push(format!("{name}: {error}")),
        }
    }
    let (mut targets, mut facts, mut processes) = (Vec::new(), Vec::new(), Vec::new());
    for server in serving {
        targets.push(server.target);
        facts.push(server.facts);
        processes.push(server.running);
    }
    let cells = summarise(measure(&targets, &load).await);
    for (process, target) in processes.into_iter().zip(&targets) {
        if let Err(error) = process.stop().await {
            missing.push(format!("the end of {}: {error}", target.name));
        }
    }
    let (mut starts, mut probes) = (Vec::new(), Vec::new());
    for wanted in &config.start {
        match start(wanted).await {
            Ok(started) => starts.push(started),
            Err(error) => missing.push(format!("start of {}: {error}", wanted.name)),
        }
    }
    for wanted in &config.probe {
        match probe(wanted).await {
            Ok(probed) => probes.push(probed),
            Err(error) => missing.push(format!("{}: {error}", wanted.name)),
        }
    }
    Ok(Report { report: 1, machine, load, targets: facts, cells, starts, probes, missing })
}

fn peers() -> io::Result<[Server; 2]> {
    let program = std::env::current_exe()?;
    let program = program.to_str().ok_or_else(|| io::Error::other("its path is not UTF-8"))?;
    let peer = |name: &str, subcommand: &str, note: &str| Server {
        name: name.to_owned(),
        note: Some(note.to_owned()),
        command: Command {
            argv: [program, subcommand, "--port", "0"].map(str::to_owned).to_vec(),
            env: BTreeMap::new(),
            directory: None,
            health: None,
            ready_seconds: 10.0,
        },
        mcp: None,
        tool: "echo".to_owned(),
        headers: BTreeMap::new(),
    };
    Ok([
        peer("axum", "peer-axum", "bare handler: parses the body with serde_json, echoes; no protocol, no sandbox"),
        peer("rmcp", "peer-rmcp", "rmcp 3.9 native tool, stateless, JSON answers, its router built once; no sandbox"),
    ])
}

async fn serve(server: Server) -> Result<Serving, LaunchError> {
    let running = Running::start(&server.command).await?;
    eprintln!("{} is ready after {:.1} ms", server.name, running.ready.as_secs_f64() * 1e3);
    let url = server.mcp.map(|url| running.fill(&url)).or_else(|| running.announced.clone()).unwrap_or_default();
    let endpoint = url.parse()?;
    let idle = Idle::watch(running.pid).await?;
    let Server { name, note, tool, headers, .. } = server;
    let facts = TargetFacts {
        name: name.clone(),
        tool: tool.clone(),
        note,
        ready_ms: Some(running.ready.as_secs_f64() * 1e3),
        idle: Some(idle),
    };
    let target = Target { name, endpoint, tool, headers, pid: Some(running.pid) };
    Ok(Serving { running, target, facts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_name_and_a_url_with_a_tool_and_a_pid_if_wanted() {
        let plain: TargetOption = "a=http://localhost:1/mcp".parse().unwrap();
        assert_eq!((plain.name.as_str(), plain.tool.as_str(), plain.pid), ("a", "echo", None));
        let full: TargetOption = "a=http://localhost:1/mcp?x=y,tool=echo_echo,pid=7".parse().unwrap();
        assert_eq!((full.tool.as_str(), full.pid), ("echo_echo", Some(7)));
    }

    #[test]
    fn anything_else_in_a_target_is_refused_with_what_is_allowed() {
        let why = |text: &str| text.parse::<TargetOption>().unwrap_err().to_string();
        assert!(why("http://localhost:1/mcp").contains("name=URL"));
        assert!(why("a=http://localhost:1/mcp,tol=x").contains("`tol=x`"));
        assert!(why("a=http://localhost:1/mcp,pid=-1").contains("`pid=-1`"));
        assert!(why("a=localhost:1").contains("plain HTTP"));
    }
}
