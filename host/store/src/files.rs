//! Whole named files that plugins keep.

use std::{collections::BTreeMap, sync::Arc};

/// Whose files: made by the host from a grant and a principal, never from a string that a guest passes (catalogue ST-01).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilesPartition {
    /// The plugin.
    pub plugin: String,
    /// The capability of its manifest.
    pub capability: String,
    /// A keyed pseudonym of the principal, in hexadecimal digits; empty for a shared capability.
    pub owner: String,
}

/// What a partition may hold, from the approved manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesLimits {
    /// Bytes of content.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesUsage {
    /// Bytes of content.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// What a call did to one file, as far as the outside is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWrite {
    /// The whole file afterwards; none removes it. Shared, so that a call's overlay and its commit need one copy.
    pub content: Option<Arc<Vec<u8>>>,
}

/// Writes by partition and name. A name is the text of a row and never part of a path.
pub type FileWrites = BTreeMap<FilesPartition, (FilesLimits, BTreeMap<String, FileWrite>)>;

/// What a listing says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// Entries in byte order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesPage {
    /// The entries.
    pub entries: Vec<FileEntry>,
    /// Whether there are more after the last one.
    pub more: bool,
}
