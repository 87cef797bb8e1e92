//! Durable state behind one trait: releases and approvals, what plugins keep, and the audit's records. SQLite is the store
//! of one host; PostgreSQL will share the trait. It must never decide who may do what, with one exception that has to
//! hold even against a bug above it: an approver who is the publisher is refused by a constraint of the database.

mod audit;
mod denied;
mod error;
mod files;
mod kv;
mod preview;
mod release;
pub mod sqlite;

use std::{future::Future, pin::Pin, sync::Arc};

use portcullis_manifest::Fingerprint;

pub use audit::{AuditEntry, AuditFilter, AuditRow, RowKind};
pub use denied::{DENIED_ENTRIES, DENIED_TEXT, Denied, DeniedEntry, DeniedKind, DenyRefused};
pub use error::{CommitRefused, PublishRefused, StateRefused, Unavailable};
pub use files::{FileEntry, FileWrite, FileWrites, FilesLimits, FilesPage, FilesPartition, FilesUsage};
pub use kv::{Commit, KvPage, KvPartition, KvUsage, KvWrite, KvWrites, PartitionLimits};
pub use preview::{NewPreview, PREVIEW_BYTES, PREVIEW_BYTES_PER_PRINCIPAL, PREVIEWS_PER_PRINCIPAL, SPENT_VALUES};
pub use release::{Approval, Decision, NewRelease, PublishOutcome, Release, ReleaseState, Served};

/// A boxed future: the trait has to be usable behind `dyn`, because which store it is comes from configuration.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

    /// A release's component, as it was published.
    fn component(&self, fingerprint: Fingerprint) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>>;

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
