//! The program's log, to stderr: stdout belongs to commands and to the protocol (catalogue MC-12).

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

use crate::{
    config::{Log, LogFormat},
    exit::Failure,
};

pub(crate) fn start(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| Failure::usage(format_args!("configuration: `log.filter`: {error}")))?;
    // A line that can't be written, for want of room or of a reader, is lost. Saying so on stderr, as is the default, panics:
    // it would end the thread that had something to say.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .log_internal_errors(false);
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
