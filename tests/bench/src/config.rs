//! What `all` measures, as `cargo xtask bench` writes it: one JSON file. Unknown keys are refused, so that a
//! misspelt setting cannot quietly measure something else.
//!
//! `{port}` in an argument, an environment value or a URL of a command stands for a port that was free when the
//! command was started, the same one throughout that command.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The file given by `--config`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How long and how often; each value may be overridden on the command line.
    #[serde(default)]
    pub(crate) load: Load,
    /// Servers to call, beside the two peers, which are always measured.
    #[serde(default)]
    pub(crate) serve: Vec<Server>,
    /// Commands whose way from start to ready is timed.
    #[serde(default)]
    pub(crate) start: Vec<Start>,
    /// Commands that measure something themselves and print it.
    #[serde(default)]
    pub(crate) probe: Vec<Probe>,
}

/// The load of every cell.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Load {
    pub(crate) connections: Vec<usize>,
    pub(crate) seconds: f64,
    pub(crate) warmup_seconds: f64,
    pub(crate) rounds: usize,
}

/// One server that answers `tools/call`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// Printed under the table: what a reader must know of this target.
    #[serde(default)]
    pub(crate) note: Option<String>,
    pub(crate) command: Command,
    /// Where it takes calls; without it, the URL of its `ready URL` line.
    #[serde(default)]
    pub(crate) mcp: Option<String>,
    /// The name of its echo on the wire.
    pub(crate) tool: String,
    /// Further request headers, for instance `authorization`.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

/// One command that is started several times.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) note: Option<String>,
    pub(crate) command: Command,
    #[serde(default = "five")]
    pub(crate) times: usize,
}

/// One command that prints a JSON object as its last line and ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) note: Option<String>,
    pub(crate) command: Command,
}

/// How a process is started and how it is known to be ready. The environment is inherited.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Command {
    pub(crate) argv: Vec<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) directory: Option<PathBuf>,
    /// Ready when a GET of this URL is answered 200; without it, when a line `ready URL` appears on stdout.
    #[serde(default)]
    pub(crate) health: Option<String>,
    #[serde(default = "two_minutes")]
    pub(crate) ready_seconds: f64,
}

/// The command line's word on the load; it goes before the file's.
#[derive(Debug, Args)]
pub(crate) struct LoadOptions {
    /// Numbers of connections, one cell each
    #[arg(long, value_delimiter = ',')]
    connections: Option<Vec<usize>>,
    /// Length of one cell
    #[arg(long)]
    seconds: Option<f64>,
    /// Unmeasured calls before each cell
    #[arg(long)]
    warmup_seconds: Option<f64>,
    /// How often each cell is measured; the medians are reported
    #[arg(long)]
    rounds: Option<usize>,
}

/// Why a configuration was not taken.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration: {0}")]
    Read(#[from] std::io::Error),
    #[error("the configuration is not understood: {0}")]
    Parse(#[from] serde_json::Error),
    #[error("two targets are called `{0}`; a name stands for one target, and `axum` and `rmcp` are the peers'")]
    Twice(String),
    #[error("`{0}` has an empty argv; give the program and its arguments")]
    NoProgram(String),
    #[error("`{0}` needs `command.health`: without it nobody can tell when it is ready")]
    NoHealth(String),
    #[error("a load needs at least one connection, one round and a time above zero: {0:?}")]
    Load(Load),
}

impl Default for Load {
    fn default() -> Self {
        Self { connections: vec![1, 16, 64], seconds: 3.0, warmup_seconds: 0.5, rounds: 3 }
    }
}

impl Load {
    /// This load with what the command line says put over it.
    pub(crate) fn with(mut self, options: LoadOptions) -> Result<Self, ConfigError> {
        self.connections = options.connections.unwrap_or(self.connections);
        self.seconds = options.seconds.unwrap_or(self.seconds);
        self.warmup_seconds = options.warmup_seconds.unwrap_or(self.warmup_seconds);
        self.rounds = options.rounds.unwrap_or(self.rounds);
        let calls = !self.connections.is_empty() && !self.connections.contains(&0) && self.rounds > 0;
        let times = self.seconds > 0.0 && self.seconds.is_finite() && (0.0..3600.0).contains(&self.warmup_seconds);
        if calls && times { Ok(self) } else { Err(ConfigError::Load(self)) }
    }
}

impl Config {
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_json::from_str(text)?;
        let mut names = vec!["axum", "rmcp"];
        for server in &config.serve {
            if names.contains(&server.name.as_str()) {
                return Err(ConfigError::Twice(server.name.clone()));
            }
            names.push(&server.name);
        }
        let serve = config.serve.iter().map(|server| (&server.name, &server.command));
        let start = config.start.iter().map(|start| (&start.name, &start.command));
        let probe = config.probe.iter().map(|probe| (&probe.name, &probe.command));
        for (name, command) in serve.chain(start).chain(probe) {
            if command.argv.is_empty() {
                return Err(ConfigError::NoProgram(name.clone()));
            }
        }
        if let Some(server) = config.serve.iter().find(|server| server.mcp.is_some() && server.command.health.is_none())
        {
            return Err(ConfigError::NoHealth(server.name.clone()));
        }
        Ok(config)
    }
}

fn five() -> usize {
    5
}

fn two_minutes() -> f64 {
    120.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_OPTIONS: LoadOptions =
        LoadOptions { connections: None, seconds: None, warmup_seconds: None, rounds: None };

    fn refusal(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_server_needs_only_a_name_a_command_and_a_tool() {
        let config =
            Config::parse(r#"{"serve":[{"name":"rust","tool":"echo_echo","command":{"argv":["host"]}}]}"#).unwrap();
        assert_eq!(config.serve[0].tool, "echo_echo");
        assert_eq!(config.load, Load { connections: vec![1, 16, 64], seconds: 3.0, warmup_seconds: 0.5, rounds: 3 });
    }

    #[test]
    fn a_misspelt_key_is_refused_by_name() {
        assert!(refusal(r#"{"load":{"second":1}}"#).contains("`second`"));
        assert!(refusal(r#"{"start":[{"name":"a","command":{"argv":["a"],"heath":"x"}}]}"#).contains("`heath`"));
    }

    #[test]
    fn a_name_that_a_peer_has_is_refused() {
        let text = r#"{"serve":[{"name":"axum","tool":"echo","command":{"argv":["host"]}}]}"#;
        assert!(refusal(text).contains("two targets are called `axum`"));
    }

    #[test]
    fn a_command_without_a_program_is_refused() {
        assert!(refusal(r#"{"probe":[{"name":"x","command":{"argv":[]}}]}"#).contains("`x` has an empty argv"));
    }

    #[test]
    fn a_server_that_cannot_say_when_it_is_ready_is_refused() {
        let text = r#"{"serve":[{"name":"a","tool":"t","mcp":"http://localhost:1/mcp","command":{"argv":["a"]}}]}"#;
        assert!(refusal(text).contains("`a` needs `command.health`"));
    }

    #[test]
    fn the_command_line_goes_before_the_file_and_zero_is_refused() {
        let file = Load { rounds: 9, ..Load::default() };
        let load = file.with(LoadOptions { seconds: Some(0.5), ..NO_OPTIONS }).unwrap();
        assert_eq!((load.rounds, load.seconds), (9, 0.5));
        assert!(load.clone().with(LoadOptions { rounds: Some(0), ..NO_OPTIONS }).is_err());
        assert!(load.clone().with(LoadOptions { connections: Some(vec![1, 0]), ..NO_OPTIONS }).is_err());
        assert!(load.with(LoadOptions { seconds: Some(f64::NAN), ..NO_OPTIONS }).is_err());
    }
}
