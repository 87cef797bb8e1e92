//! What a task may take, and why: who starts tasks has left, and nothing of theirs may stay for ever. How many tasks are kept, and
//! how many bytes, the store holds to what it has room for (`portcullis_store::TASKS` and its neighbours).

use std::time::Duration;

/// How long a call of an `optional` tool is waited for before it is a task. A client that could have had its answer in one request
/// makes two, and a row is written for it: short calls are not worth that.
pub(crate) const GRACE: Duration = Duration::from_millis(250);

/// How long a task is kept, counted from its last change. Clients that never come back would fill the store.
pub(super) const LIFE: Duration = Duration::from_secs(60 * 60);

/// How often a client should ask. One that asks all the time keeps the store busy.
pub(super) const POLL: Duration = Duration::from_secs(1);

/// How often it is looked whether the caller of a task that runs was shut out (catalogue AU-25). Nobody proves anything while it
/// runs: without this a denial would wait for the task's end.
pub(super) const WATCH: Duration = Duration::from_secs(2);

/// Tasks of one signed-in principal that run at once: fewer than the calls that one may have under way, so that some are left. A
/// client that only starts tasks would keep every place of its principal.
pub(super) const RUNNING: u32 = 4;

/// How often a round is tried again that the host has no room for. Its replies are not lost by that; and a host that stays busy does
/// not try for ever.
pub(super) const TRIES: u32 = 30;

/// What a row takes beside its body. Many small tasks would cost the store more than their bodies say.
pub(super) const ROW: u64 = 1024;

/// Who makes a task go on, or ends it, takes turns with whoever does so to another: enough turns that hardly two tasks share one.
pub(super) const TURNS: usize = 64;
