//! `progress`: what a call tells its client while it runs. Open to every plugin; has no effect, so that it works in a preview too.
//!
//! Nothing of it is kept. A client that has not asked for it gets none, and then these functions do nothing. When the client is
//! slow, the guest waits, within its own time; no thread waits with it. A message is untrusted text for a person: one line, of
//! bounded length, without characters that nobody sees.

use std::sync::Arc;

use portcullis_manifest::{HostFunction, Interface, NoticeLevel, hides_after};

use super::{CallState, function};
use crate::{
    contract::bindings::portcullis::plugin::progress::{Host, Level},
    run::{Listener, Notice},
};

const REPORT: &HostFunction = function(Interface::Progress, "report");
const NOTICE: &HostFunction = function(Interface::Progress, "notice");

/// Most bytes of what goes with a progress report.
const MESSAGE: usize = 512;

/// Most bytes of a line for the client's log.
const LINE: usize = 4 << 10;

/// What one call may still tell.
pub(crate) struct Notices {
    listener: Option<Arc<dyn Listener>>,
    left: u64,
    dropped: u64,
    /// The last number that was told.
    told: Option<f64>,
}

impl Notices {
    pub(crate) fn new(listener: Option<Arc<dyn Listener>>, limit: u64) -> Self {
        Self { listener, left: limit, dropped: 0, told: None }
    }

    /// How many were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether there is room for one more. What nobody wants takes none.
    fn room(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.dropped += 1;
                false
            }
        }
    }

    async fn report(&mut self, done: f64, total: Option<f64>, message: Option<String>) {
        let Some(listener) = self.listener.clone().filter(|listener| listener.wants_progress()) else { return };
        // JSON has no other numbers, and a client takes none that does not rise.
        if !done.is_finite() || self.told.is_some_and(|told| done <= told) || !self.room() {
            return;
        }
        self.told = Some(done);
        // Nor can all there is be less than what is done.
        let total = total.filter(|total| total.is_finite() && *total >= done);
        let message = message.map(|message| line(&message, MESSAGE)).filter(|message| !message.is_empty());
        listener.tell(Notice::Progress { done, total, message }).await;
    }

    async fn notice(&mut self, level: NoticeLevel, message: &str) {
        let Some(listener) = self.listener.clone().filter(|listener| listener.wants(level)) else { return };
        if !self.room() {
            return;
        }
        listener.tell(Notice::Line { level, text: line(message, LINE) }).await;
    }
}

/// `text` as one line of at most `most` bytes: line breaks and tabs become spaces, and what hides is left out.
fn line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most));
    let mut before = None;
    for c in text.chars() {
        let c = if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c };
        if hides_after(c, before) {
            continue;
        }
        if line.len() + c.len_utf8() > most {
            break;
        }
        line.push(c);
        before = Some(c);
    }
    line.trim().to_owned()
}

impl Host for CallState {
    async fn report(&mut self, done: f64, total: Option<f64>, message: Option<String>) -> wasmtime::Result<()> {
        self.enter(REPORT)?;
        self.notices.report(done, total, message).await;
        Ok(())
    }

    async fn notice(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.enter(NOTICE)?;
        let level = match level {
            Level::Debug => NoticeLevel::Debug,
            Level::Info => NoticeLevel::Info,
            Level::Notice => NoticeLevel::Notice,
            Level::Warning => NoticeLevel::Warning,
            Level::Error => NoticeLevel::Error,
            Level::Critical => NoticeLevel::Critical,
            Level::Alert => NoticeLevel::Alert,
            Level::Emergency => NoticeLevel::Emergency,
        };
        self.notices.notice(level, &message).await;
        Ok(())
    }
}
