//! What plugins keep.

use std::collections::BTreeMap;

use crate::{AuditRow, FileWrites};

/// Whose rows: made by the host from a grant and a principal, never from a string that a guest passes (catalogue ST-01).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KvPartition {
    /// The plugin.
    pub plugin: String,
    /// The capability of its manifest.
    pub capability: String,
    /// A keyed pseudonym of the principal; empty for a shared capability.
    pub owner: String,
}

/// What a partition may hold, from the approved manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLimits {
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KvUsage {
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
}

/// What a call did to one key, as far as the outside is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvWrite {
    /// The value afterwards; none removes the key.
    pub value: Option<Vec<u8>>,
    /// Seconds from the commit after which a value that was put is as if it had been removed; none: it stays.
    pub expires_in: Option<u32>,
    /// What the key must still hold for the call to succeed, when it looked by compare-and-set before it wrote.
    pub expected: Option<Option<Vec<u8>>>,
}

/// Writes by partition and key.
pub type KvWrites = BTreeMap<KvPartition, (PartitionLimits, BTreeMap<String, KvWrite>)>;

/// Everything a successful call changes, in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// In byte order, so that two commits touch rows in the same order.
    pub writes: KvWrites,
    /// Files, in the same order.
    pub files: FileWrites,
    /// Intent and outcome of the call.
    pub audit: Vec<AuditRow>,
}

/// Keys in byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvPage {
    /// The keys.
    pub keys: Vec<String>,
    /// Whether there are more after the last one.
    pub more: bool,
}
