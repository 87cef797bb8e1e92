//! How the program ends. The codes are part of `--help`.

use std::{fmt::Display, process::ExitCode};

use crate::commands::terminal;

/// A command that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
}

/// Refused or failed; stderr says why.
const REFUSED: u8 = 1;
/// Usage or configuration. clap ends with the same code.
const USAGE: u8 = 2;
/// The data directory or the store can't be used.
const DATA: u8 = 3;
/// `call`: the tool answered with an error.
const TOOL: u8 = 4;

impl Failure {
    pub(crate) fn refused(text: impl Display) -> Self {
        Self { code: REFUSED, text: text.to_string() }
    }

    pub(crate) fn usage(text: impl Display) -> Self {
        Self { code: USAGE, text: text.to_string() }
    }

    pub(crate) fn data(text: impl Display) -> Self {
        Self { code: DATA, text: text.to_string() }
    }

    /// The tool's own words have been printed already.
    pub(crate) fn tool() -> Self {
        Self { code: TOOL, text: String::new() }
    }

    pub(crate) fn report(self) -> ExitCode {
        if !self.text.is_empty() {
            // Reasons quote plugins.
            eprintln!("portcullis: {}", terminal::lines(&self.text));
        }
        ExitCode::from(self.code)
    }
}
