//! Measures what a call costs, side by side in one run: a bare axum answer, an rmcp native tool, and whatever other
//! servers it is told of. Every server is a process of its own, so that the kernel attributes processor time and
//! memory. It reports; it never asserts, and it fails only if something could not be measured at all.

mod client;
mod config;
mod histogram;
mod machine;
mod measure;
mod peers;
mod process;
mod report;
mod run;
mod start;
mod table;

use std::error::Error;
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::config::{Config, LoadOptions};
use crate::run::TargetOption;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures MCP servers side by side.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the bare axum answer until stdin closes
    PeerAxum {
        /// Port on loopback; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Serve the rmcp native tool until stdin closes
    PeerRmcp {
        /// Port on loopback; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Measure servers that are already running
    Run {
        /// name=URL, and after commas tool=NAME (default: echo) and pid=PID (for processor time and memory)
        #[arg(long = "target", required = true)]
        targets: Vec<TargetOption>,
        #[command(flatten)]
        load: LoadOptions,
        /// Where to write the JSON
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Start both peers and the configured servers, measure all, end them
    All {
        /// The JSON file that names servers, starts and probes; without it, only the peers are measured
        #[arg(long)]
        config: Option<PathBuf>,
        #[command(flatten)]
        load: LoadOptions,
        /// Where to write the JSON
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match command(Options::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("portcullis-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    let (report, json) = match command {
        Command::PeerAxum { port } => return serve(peers::axum::serve(port)),
        Command::PeerRmcp { port } => return serve(peers::rmcp::serve(port)),
        Command::Run { targets, load, json } => (client(run::running(targets, load))??, json),
        Command::All { config, load, json } => {
            let config = config.map(|path| Config::read(&path)).transpose()?.unwrap_or_default();
            (client(run::all(config, load))??, json)
        }
    };
    println!("{report}");
    if let Some(path) = json {
        std::fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A peer runs on tokio's defaults, as `#[tokio::main]` would give them. Its blocking read of stdin does not hold it up.
fn serve(peer: impl Future<Output = std::io::Result<()>>) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(peer)?;
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// The client has one thread: more would take the server's processors from it.
fn client<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(Builder::new_current_thread().enable_all().build()?.block_on(work))
}
