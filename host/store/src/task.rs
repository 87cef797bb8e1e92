//! Calls that go on without their requests.

use crate::Unavailable;

/// Tasks of one principal that are kept at once, in whatever state.
pub const TASKS_PER_PRINCIPAL: u32 = 64;

/// Bytes that the tasks of one principal may take.
pub const TASK_BYTES_PER_PRINCIPAL: u64 = 32 << 20;

/// Tasks that are kept at once, of all principals.
pub const TASKS: u32 = 4096;

/// Bytes that all tasks together may take.
pub const TASK_BYTES: u64 = 256 << 20;

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskStatus {
    /// A process runs it.
    Working,
    /// It waits for somebody.
    Asking,
    /// It has an answer.
    Completed,
    /// It has none.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Working, Self::Asking, Self::Completed, Self::Failed, Self::Cancelled];

    /// The word stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Asking => "asking",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it stays so.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A task that begins: it is working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// Random; two of one id are refused.
    pub id: [u8; 16],
    /// Whose it is, as the caller names principals.
    pub principal: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// The fingerprint of its release.
    pub release: [u8; 32],
    /// Milliseconds since 1970.
    pub at: i64,
    /// Milliseconds since 1970: from then on it is as if it had never been.
    pub expires_at: i64,
    /// What it may come to take: counted until it has its answer.
    pub bytes: u64,
}

/// What a task becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskMove {
    /// How far it has come.
    pub status: TaskStatus,
    /// About it, for the person.
    pub message: Option<String>,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Milliseconds since 1970; never earlier than before.
    pub expires_at: i64,
    /// What goes with the status: what it asks, or what came of it.
    pub body: Vec<u8>,
}

/// A task as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEntry {
    /// Whose it is, as the caller names principals.
    pub principal: String,
    /// The tool's name on the wire.
    pub tool: String,
    /// The fingerprint of its release.
    pub release: Vec<u8>,
    /// Counts its changes: a change names the one that it comes after.
    pub revision: u64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// As it is now.
    pub now: TaskMove,
}

/// A task was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskRefused {
    /// Too many, or too large, of this principal.
    #[error(
        "as many tasks of yours are kept as one may have ({TASKS_PER_PRINCIPAL} in all, of {TASK_BYTES_PER_PRINCIPAL} bytes); each \
         is removed when its `ttlMs` is over"
    )]
    Principal,
    /// Too many, or too large, of all.
    #[error("this host keeps as many tasks as it may ({TASKS} in all, of {TASK_BYTES} bytes); each is removed in time")]
    Host,
    /// The store cannot write.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
