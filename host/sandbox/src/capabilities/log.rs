//! `log`: lines for the people who run the host. Open to every plugin; has no effect.
//!
//! A line is untrusted text: control characters and others that hide are escaped, so that it can neither forge a line of
//! the host's log nor speak to a terminal (catalogue WX-25). Lines are kept until the call has ended, within `limits.log`.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use parking_lot::Mutex;
use portcullis_manifest::{HostFunction, Interface, visible};

use super::{CallState, function};
use crate::contract::bindings::portcullis::plugin::log::{Host, Level};

const WRITE: &HostFunction = function(Interface::Log, "write");

/// What a line costs beside its text: the time, the target, the tool and the correlation id that the host's log writes with
/// each. Without it, empty lines would be free, and 1 MiB of them eight times as much on stderr.
const LINE: u64 = 150;

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
        // A text is never longer than what is written of it, so one that does not fit need not be read.
        let fitting = (text.len() as u64 + LINE <= lines.left).then(|| visible(text));
        let fitting = fitting.map(|text| (written(&text) + LINE, text)).filter(|(cost, _)| *cost <= lines.left);
        let Some((cost, text)) = fitting else {
            // Once over, all over: a short line after a dropped long one would make the log read as if nothing was missing.
            lines.left = 0;
            lines.dropped += 1;
            return;
        };
        lines.left -= cost;
        lines.kept.push(LogLine { level, text });
    }

    /// The lines, and how many were dropped.
    pub(crate) fn take(&self) -> (Vec<LogLine>, u64) {
        let mut lines = self.0.lock();
        (std::mem::take(&mut lines.kept), std::mem::take(&mut lines.dropped))
    }
}

/// How many bytes of the host's log a text becomes: quoted and escaped, and in the format `json` the quotes and backslashes of
/// that are escaped once more. One byte of a plugin can be nine there.
fn written(text: &str) -> u64 {
    struct Bytes(u64);

    impl fmt::Write for Bytes {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let twice = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
            self.0 += (text.len() + twice) as u64;
            Ok(())
        }
    }

    let mut bytes = Bytes(0);
    // Counting cannot fail.
    let _ = write!(bytes, "{text:?}");
    bytes.0
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
        log.write(LogLevel::Info, "a\nINFO b\u{1b}[2J\r\u{202e}c\u{e0041}\u{61c}\u{ad}\u{3164}d\u{fe01}");
        let (lines, dropped) = log.take();
        assert_eq!(lines[0].text, r"a\u{a}INFO b\u{1b}[2J\u{d}\u{202e}c\u{e0041}\u{61c}\u{ad}\u{3164}d\u{fe01}");
        assert_eq!(dropped, 0);
    }

    #[test]
    fn wx_25_what_goes_over_the_limit_is_dropped_and_counted() {
        let log = LogBuffer::new(3 * (LINE + written("x")));
        for _ in 0..3 {
            log.write(LogLevel::Info, "x");
        }
        for _ in 0..1000 {
            log.write(LogLevel::Info, "");
        }
        let (lines, dropped) = log.take();
        assert_eq!((lines.len(), dropped), (3, 1000));
    }

    #[test]
    fn wx_25_what_stderr_gets_of_a_call_is_no_more_than_its_limit() {
        const LIMIT: u64 = 1 << 20;
        for text in ["", "x", "\u{1b}", "\"\"\"\"", "\\", "\u{301}\u{378}", "\u{e0041}", &"\n".repeat(4000)] {
            let log = LogBuffer::new(LIMIT);
            for _ in 0..(LIMIT / 16) {
                log.write(LogLevel::Debug, text);
            }
            let (lines, dropped) = log.take();
            // `LINE` stands for the rest of a line, with a tool's name of usual length.
            let rest = r#"2026-11-22T09:00:01.123456Z  INFO portcullis::plugin:  tool=notes_create correlation=01a201fb-a83e-7439-990e-9659ad0a59aa level="debug""#;
            let quoted = lines.iter().map(|line| format!("{rest}{:?}\n", line.text).len() as u64).sum::<u64>();
            let json = |line: &LogLine| serde_json::to_string(&format!("{:?}", line.text)).unwrap().len() as u64;
            let json = lines.iter().map(|line| json(line) + LINE).sum::<u64>();
            assert!(quoted <= LIMIT && json <= LIMIT + 2 * lines.len() as u64, "{text:?}: {quoted}, {json}");
            assert!(json + LINE + 33_000 > LIMIT, "{text:?}: it is used up, not cut short: {json}");
            assert_eq!(lines.len() as u64 + dropped, LIMIT / 16);
        }
    }
}
