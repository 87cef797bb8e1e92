//! Durable state behind one trait: releases and approvals, what plugins keep, and the audit's records. SQLite is the store
//! of one host; PostgreSQL will share the trait. It must never decide who may do what, with one exception that has to
//! hold even against a bug above it: an approver who is the publisher is refused by a constraint of the database.

mod audit;
mod error;
mod kv;
mod release;
pub mod sqlite;

use std::{future::Future, pin::Pin, sync::Arc};

use portcullis_manifest::Fingerprint;

pub use audit::{AuditEntry, AuditFilter, AuditRow, RowKind};
pub use error::{CommitRefused, PublishRefused, StateRefused, Unavailable};
pub use kv::{Commit, KvPage, KvPartition, KvUsage, KvWrite, KvWrites, PartitionLimits};
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

    /// The committed value under a key.
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

    /// All of a call's writes and audit rows in one transaction, or nothing.
    fn commit(&self, commit: Commit) -> Answer<'_, Result<(), CommitRefused>>;

    /// Appends audit rows, durably. Shared, so that a caller that has to try again needs no copy.
    fn append(&self, rows: Arc<Vec<AuditRow>>) -> Answer<'_, Result<(), Unavailable>>;

    /// Audit records, newest first.
    fn audit(&self, filter: AuditFilter) -> Answer<'_, Result<Vec<AuditEntry>, Unavailable>>;
}
