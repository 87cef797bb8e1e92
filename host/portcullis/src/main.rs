//! The program `portcullis`: configuration, commands, wiring. Everything it does is done by the rooms below it; it must never
//! hold a rule of its own about who may do what.

mod cli;
mod commands;
mod config;
mod control;
mod exit;
mod host;
mod logging;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

/// Guests never allocate from it; the protocol and the store do, all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
