//! Names on the wire that were ever served (catalogue WR-04): a client may hold the list of any day.

use portcullis_manifest::{PluginName, ReleaseId};

/// A name on the wire that an approved release of a plugin has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameOnce {
    /// Of which plugin.
    pub plugin: PluginName,
    /// On the wire.
    pub name: String,
    /// The loosest label that it was served with.
    pub label: String,
    /// The release that serves it, or served it last.
    pub release: ReleaseId,
    /// Since when it is not served any more, and why.
    pub retired: Option<Retirement>,
}

/// The end of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The release that took the place of the one that served it; none: that one was withdrawn.
    pub by: Option<ReleaseId>,
    /// How often it was called since then.
    pub calls: u64,
    /// When it was called last, in milliseconds since 1970.
    pub last_call: Option<i64>,
}

/// Calls to a name that is not served any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredCalls {
    /// Whose name it was.
    pub plugin: PluginName,
    /// On the wire.
    pub name: String,
    /// How many more.
    pub calls: u64,
    /// The last of them, in milliseconds since 1970.
    pub last: i64,
}
