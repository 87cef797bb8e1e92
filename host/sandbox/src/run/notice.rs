//! What a call tells its client while it runs.

use std::{future::Future, pin::Pin};

use portcullis_manifest::NoticeLevel;

/// Who is told.
pub trait Listener: Send + Sync {
    /// Whether it wants to know how far the call has come.
    fn wants_progress(&self) -> bool;

    /// Whether it wants lines that matter so much.
    fn wants(&self, level: NoticeLevel) -> bool;

    /// Tells. Answers when there was room for it, or nobody is there any longer.
    fn tell(&self, notice: Notice) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Something to tell: one line each, cleaned and bounded.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// How far the call has come. Numbers rise within one call.
    Progress {
        /// So far.
        done: f64,
        /// Of so much.
        total: Option<f64>,
        /// For the person.
        message: Option<String>,
    },
    /// A line for the client's log.
    Line {
        /// How much it matters.
        level: NoticeLevel,
        /// The text.
        text: String,
    },
}
