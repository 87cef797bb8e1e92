//! `log`: lines for the people who run the host. Open to every plugin; has no effect.
//!
//! A line is untrusted text: control characters are escaped, so that it can neither forge a line of the host's log nor
//! speak to a terminal (catalogue WX-25). Lines are kept until the call has ended, within `limits.log`.

use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_manifest::{HostFunction, Interface};

use super::{CallState, function};
use crate::contract::bindings::portcullis::plugin::log::{Host, Level};

const WRITE: &HostFunction = function(Interface::Log, "write");

/// What a line costs beside its text, so that empty lines are not free.
const LINE: u64 = 16;

/// How much a line matters, in the plugin's opinion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
    /// Written to stdout or stderr.
    Output,
}

/// One line, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The text.
    pub text: String,
}

/// The lines of one call. Shared with the streams that stand for stdout and stderr.
#[derive(Clone)]
pub(crate) struct LogBuffer(Arc<Mutex<Lines>>);

struct Lines {
    kept: Vec<LogLine>,
    left: u64,
    dropped: u64,
}

impl LogBuffer {
    pub(crate) fn new(limit: u64) -> Self {
        Self(Arc::new(Mutex::new(Lines { kept: Vec::new(), left: limit, dropped: 0 })))
    }

    pub(crate) fn write(&self, level: LogLevel, text: &str) {
        let mut lines = self.0.lock();
        let cost = text.len() as u64 + LINE;
        if cost > lines.left {
            // Once over, all over: a short line after a dropped long one would make the log read as if nothing was missing.
            lines.left = 0;
            lines.dropped += 1;
            return;
        }
        lines.left -= cost;
        let text = escape(text);
        lines.kept.push(LogLine { level, text });
    }

    /// The lines, and how many were dropped.
    pub(crate) fn take(&self) -> (Vec<LogLine>, u64) {
        let mut lines = self.0.lock();
        (std::mem::take(&mut lines.kept), std::mem::take(&mut lines.dropped))
    }
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        // Besides C0 and C1: characters that reorder or hide what stands around them.
        let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || matches!(c, '\u{e0000}'..='\u{e007f}');
        if c.is_control() || hides { line.extend(c.escape_unicode()) } else { line.push(c) }
        line
    })
}

impl Host for CallState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.enter(WRITE)?;
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.log.write(level, &message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wx_25_a_line_cannot_forge_another_line_or_speak_to_a_terminal() {
        let log = LogBuffer::new(1000);
        log.write(LogLevel::Info, "a\nINFO b\u{1b}[2J\r\u{202e}c\u{e0041}");
        let (lines, dropped) = log.take();
        assert_eq!(lines[0].text, r"a\u{a}INFO b\u{1b}[2J\u{d}\u{202e}c\u{e0041}");
        assert_eq!(dropped, 0);
    }

    #[test]
    fn wx_25_what_goes_over_the_limit_is_dropped_and_counted() {
        let log = LogBuffer::new(3 * (LINE + 1));
        for _ in 0..3 {
            log.write(LogLevel::Info, "x");
        }
        for _ in 0..1000 {
            log.write(LogLevel::Info, "");
        }
        let (lines, dropped) = log.take();
        assert_eq!((lines.len(), dropped), (3, 1000));
    }
}
