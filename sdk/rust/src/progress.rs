//! What a call tells the client while it runs: how far it has come, and lines for the client's log. A client that has not
//! asked gets nothing, and nothing of it is kept; lines for whoever runs the host are [`log`](crate::log).
//!
//! ```
//! use portcullis_plugin::{Answer, Context, NoArguments, ToolError, progress::{Level, Tell}};
//!
//! fn index(_: NoArguments, cx: &Context) -> Result<Answer, ToolError> {
//!     for page in 0..20 {
//!         cx.report(f64::from(page), Some(20.0), Some("indexing"));
//!     }
//!     cx.notice(Level::Info, "20 pages are indexed");
//!     Ok(Answer::text("Done."))
//! }
//! ```
//!
//! One call may send `limits.notices` of both together; what goes over that is dropped and counted.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::cell::RefCell;

pub use crate::bindings::portcullis::plugin::progress::Level;
use crate::{Context, bindings::portcullis::plugin::progress as host};

/// Whoever passes on what a call tells while it runs: the [`Context`], and [`Memory`] in tests.
pub trait Tell {
    /// How far the call has come, on a scale of the tool's own: `done` of `total`. A number that is not above the one before is
    /// passed over. The message is one line for the person.
    fn report(&self, done: f64, total: Option<f64>, message: Option<&str>);

    /// A line for the client's log, which the person may read.
    fn notice(&self, level: Level, message: &str);
}

/// What a test was told.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    told: RefCell<Vec<Told>>,
}

/// One thing that was told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// How far the call had come.
    Report {
        /// So much was done.
        done: f64,
        /// Of so much.
        total: Option<f64>,
        /// What the person reads.
        message: Option<String>,
    },
    /// A line for the client's log.
    Notice {
        /// How much it matters.
        level: Level,
        /// The line.
        message: String,
    },
}

impl Tell for Context {
    fn report(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        host::report(done, total, message);
    }

    fn notice(&self, level: Level, message: &str) {
        host::notice(level, message);
    }
}

impl Memory {
    /// Nothing was told yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was told, in its order.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.told.borrow().clone()
    }
}

impl Tell for Memory {
    fn report(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        let mut told = self.told.borrow_mut();
        // As the host does it.
        let last =
            told.iter().rev().find_map(|told| if let Told::Report { done, .. } = told { Some(*done) } else { None });
        if last.is_none_or(|last| done > last) {
            told.push(Told::Report { done, total, message: message.map(ToString::to_string) });
        }
    }

    fn notice(&self, level: Level, message: &str) {
        self.told.borrow_mut().push(Told::Notice { level, message: message.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_only_goes_forward() {
        let client = Memory::new();
        for done in [0.0, 2.0, 1.0, 2.0, 3.0] {
            client.report(done, Some(3.0), None);
            client.notice(Level::Debug, "step");
        }
        let told = client.told();
        let done = told.iter().filter_map(|told| if let Told::Report { done, .. } = told { Some(*done) } else { None });
        assert_eq!(done.collect::<Vec<f64>>(), [0.0, 2.0, 3.0]);
        assert_eq!(told.len(), 8);
    }
}
