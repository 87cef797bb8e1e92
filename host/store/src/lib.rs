//! Durable state behind one trait: releases and approvals, what plugins keep, and the audit's records. SQLite is the store
//! of one host; PostgreSQL will share the trait. It must never decide who may do what, with one exception that has to
//! hold even against a bug above it: an approver who is the publisher is refused by a constraint of the database.

mod audit;
mod denied;
mod error;
mod files;
mod kv;
mod names;
mod preview;
mod question;
mod release;
pub mod sqlite;
mod stream;
mod task;

use std::{future::Future, pin::Pin, sync::Arc};

use portcullis_manifest::Fingerprint;

pub use audit::{AuditEntry, AuditFilter, AuditRow, RowKind};
pub use denied::{DENIED_ENTRIES, DENIED_TEXT, Denied, DeniedEntry, DeniedKind, DenyRefused};
pub use error::{CommitRefused, PublishRefused, StateRefused, Unavailable};
pub use files::{FileEntry, FileWrite, FileWrites, FilesLimits, FilesPage, FilesPartition, FilesUsage};
pub use kv::{Commit, KvPage, KvPartition, KvUsage, KvWrite, KvWrites, PartitionLimits};
pub use names::{NameOnce, RetiredCalls, Retirement};
pub use preview::{NewPreview, PREVIEW_BYTES, PREVIEW_BYTES_PER_PRINCIPAL, PREVIEWS_PER_PRINCIPAL, SPENT_VALUES};
pub use question::{
    ANSWER_BYTES, ANSWER_BYTES_PER_PRINCIPAL, ANSWERS_BYTES, NewQuestions, QuestionEntry, QuestionsRefused,
};
pub use release::{Approval, Decision, NewRelease, PublishOutcome, Release, ReleaseState, Served};
pub use stream::{BYTES_OF_STREAM, KeptEvents, NewEvents, STREAM_BYTES, STREAM_BYTES_PER_PRINCIPAL, STREAM_EVENTS};
pub use task::{
    NewTask, TASK_BYTES, TASK_BYTES_PER_PRINCIPAL, TASKS, TASKS_PER_PRINCIPAL, TaskEntry, TaskMove, TaskRefused,
    TaskStatus,
};

/// A boxed future: the trait has to be usable behind `dyn`, because which store it is comes from configuration.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is in the assets of a release, by name.
pub type AssetContents = Vec<(String, Vec<u8>)>;

/// Durable state. What is acknowledged survives `kill -9` and, as far as the disk keeps its promises, loss of power
/// (catalogue ST-02).
pub trait Store: Send + Sync + 'static {
    /// Takes a release in as pending, and its audit row in the same transaction. The same fingerprint twice is not an error:
    /// only the row is added.
    fn publish(&self, release: NewRelease, audit: AuditRow) -> Answer<'_, Result<PublishOutcome, PublishRefused>>;

    /// Writes a decision on exactly one fingerprint, and its audit row in the same transaction. An approved release replaces
    /// the one its plugin served before.
    fn decide(&self, decision: Decision, audit: AuditRow) -> Answer<'_, Result<(), StateRefused>>;

    /// Every release, newest first, without its component.
    fn releases(&self) -> Answer<'_, Result<Vec<Release>, Unavailable>>;

    /// The approved releases to serve, in the order of their plugins' names, and the generation.
    fn served(&self) -> Answer<'_, Result<Served, Unavailable>>;

    /// Every name on the wire that was ever served, in the order of names.
    fn names(&self) -> Answer<'_, Result<Vec<NameOnce>, Unavailable>>;

    /// Adds to the numbers of calls to names that are not served any more. What is served, or never was, is left out.
    fn count_retired(&self, calls: Vec<RetiredCalls>) -> Answer<'_, Result<(), Unavailable>>;

    /// A release's component, as it was published.
    fn component(&self, fingerprint: Fingerprint) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>>;

    /// What is in a release's assets, as they were published, in the order of their names.
    fn assets(&self, fingerprint: Fingerprint) -> Answer<'_, Result<AssetContents, Unavailable>>;

    /// The committed value under a key. A key that has expired is as if it had been removed, here and everywhere.
    fn kv_get(&self, partition: KvPartition, key: String) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>>;

    /// Committed keys that start with `prefix` and come after `after`, in byte order, at most `limit`.
    fn kv_list(
        &self,
        partition: KvPartition,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<KvPage, Unavailable>>;

    /// Committed bytes and keys of a partition.
    fn kv_usage(&self, partition: KvPartition) -> Answer<'_, Result<KvUsage, Unavailable>>;

    /// A committed file, whole, as it was written: a content of another size or digest is [`Unavailable`] and an alert.
    fn file_read(&self, partition: FilesPartition, name: String) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>>;

    /// Committed files whose names start with `prefix` and come after `after`, in byte order, at most `limit`.
    fn files_list(
        &self,
        partition: FilesPartition,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<FilesPage, Unavailable>>;

    /// Committed bytes and files of a partition.
    fn files_usage(&self, partition: FilesPartition) -> Answer<'_, Result<FilesUsage, Unavailable>>;

    /// All of a call's writes, to keys and files, and its audit rows in one transaction, or nothing.
    fn commit(&self, commit: Commit) -> Answer<'_, Result<(), CommitRefused>>;

    /// Keeps a preview, durably. Of one principal at most [`PREVIEWS_PER_PRINCIPAL`] wait: the oldest go first. When all
    /// together would pass [`PREVIEW_BYTES`], it is refused.
    fn preview_put(&self, preview: NewPreview) -> Answer<'_, Result<(), Unavailable>>;

    /// Takes a preview out and appends `audit`, in one durable transaction, and gives its body. None, and no row, when it is not
    /// there, was taken, or expires at `now` (milliseconds since 1970) or before. Of any number of callers one gets it.
    fn confirm(&self, id: [u8; 16], audit: Vec<AuditRow>, now: i64)
    -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>>;

    /// Whether this is the first time that `nonce` is spent, which is durable then. False too when it expires at `now`
    /// (milliseconds since 1970) or before. At most [`SPENT_VALUES`] are remembered, each for a day longer than it is valid.
    fn spend(&self, nonce: [u8; 16], expires_at: i64, now: i64) -> Answer<'_, Result<bool, Unavailable>>;

    /// Takes a task in, durably, as working. Bounded by [`TASKS_PER_PRINCIPAL`] and its companions: no other is removed for it,
    /// but what has expired.
    fn task_put(&self, task: NewTask) -> Answer<'_, Result<(), TaskRefused>>;

    /// A task that has not expired at `now` (milliseconds since 1970).
    fn task(&self, id: [u8; 16], now: i64) -> Answer<'_, Result<Option<TaskEntry>, Unavailable>>;

    /// Changes a task, durably, if `revision` is still its last and it has not ended. False, and nothing is changed, otherwise: of
    /// any number of callers one succeeds.
    fn task_step(&self, id: [u8; 16], revision: u64, to: TaskMove) -> Answer<'_, Result<bool, Unavailable>>;

    /// Gives every task that is working this end: nobody works on any. For a host that begins.
    fn tasks_abandon(&self, end: TaskMove) -> Answer<'_, Result<usize, Unavailable>>;

    /// Keeps events of a stream. Of one stream at most [`STREAM_EVENTS`] and [`BYTES_OF_STREAM`] stay, the newest. When those of one
    /// principal would pass [`STREAM_BYTES_PER_PRINCIPAL`], streams of theirs that have ended go; then, and when all together would
    /// pass [`STREAM_BYTES`], the events are refused. A number that the stream has already is refused, as is another holder.
    fn stream_put(&self, events: NewEvents) -> Answer<'_, Result<(), Unavailable>>;

    /// What is kept of a stream after the event `after`. None, when it has expired, never was, or is another holder's.
    fn stream_after(
        &self,
        stream: [u8; 16],
        holder: String,
        after: u64,
    ) -> Answer<'_, Result<Option<KeptEvents>, Unavailable>>;

    /// Opens the questions of one round, all or none, within the numbers that come with them.
    fn questions_put(&self, questions: NewQuestions) -> Answer<'_, Result<(), QuestionsRefused>>;

    /// Those of these questions that have not expired and are not removed.
    fn questions(&self, ids: Vec<[u8; 16]>) -> Answer<'_, Result<Vec<QuestionEntry>, Unavailable>>;

    /// Keeps an answer for the call that waits for it, durably. False, and nothing is changed, when the question is not open, or not to
    /// this holder: of any number of answers one is taken. Bounded by [`ANSWER_BYTES`] and its companions.
    fn question_answer(&self, holder: String, id: [u8; 16], answer: Vec<u8>) -> Answer<'_, Result<bool, Unavailable>>;

    /// Removes a question that nobody has answered, for whoever has its answer and the call that waits for it. False as with
    /// [`Store::question_answer`]: of both of them, and of any number, one succeeds.
    fn question_claim(&self, holder: String, id: [u8; 16]) -> Answer<'_, Result<bool, Unavailable>>;

    /// The holder has given a call up: its open questions have an empty answer.
    fn questions_cancel(
        &self,
        principal: String,
        holder: String,
        request: [u8; 32],
    ) -> Answer<'_, Result<(), Unavailable>>;

    /// Removes questions with their answers: the call has taken them, or waits no more.
    fn questions_remove(&self, ids: Vec<[u8; 16]>) -> Answer<'_, Result<(), Unavailable>>;

    /// Shuts out, and writes its audit row in the same transaction. What was shut out already stays so, and both rows say who
    /// did it last.
    fn deny(&self, entry: DeniedEntry, audit: AuditRow) -> Answer<'_, Result<(), DenyRefused>>;

    /// Takes an entry back, and writes its audit row in the same transaction. False, and no row, when there is no such entry.
    fn allow(&self, denied: Denied, audit: AuditRow) -> Answer<'_, Result<bool, Unavailable>>;

    /// Everything that is shut out, newest first.
    fn denied(&self) -> Answer<'_, Result<Vec<DeniedEntry>, Unavailable>>;

    /// Appends audit rows, durably. Shared, so that a caller that has to try again needs no copy.
    fn append(&self, rows: Arc<Vec<AuditRow>>) -> Answer<'_, Result<(), Unavailable>>;

    /// Audit records, newest first.
    fn audit(&self, filter: AuditFilter) -> Answer<'_, Result<Vec<AuditEntry>, Unavailable>>;
}
