//! The program `portcullis`: configuration, commands, wiring. Everything it does is done by the rooms below it; it must never
//! hold a rule of its own about who may do what.

mod admin;
mod cli;
mod commands;
mod config;
mod control;
mod doctor;
mod exit;
mod host;
mod lockdown;
mod logging;
mod serve;
mod sessions;

use std::process::ExitCode;

use clap::Parser as _;

/// Guests never allocate from it; the protocol and the store do, all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quiet_when_nobody_reads();
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// `portcullis audit | head` ends when `head` has seen enough. Rust's runtime ignores SIGPIPE and panics in `println!`; a
/// person who closed a pipe has asked for neither a message nor a backtrace.
fn quiet_when_nobody_reads() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|text| text.starts_with("failed printing to stdout: Broken pipe")) {
            std::process::exit(0);
        }
        say(panic);
    }));
}
