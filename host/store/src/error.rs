//! One small error for each way a store can refuse. None names a path.

use portcullis_manifest::ReleaseId;

/// The store cannot answer or cannot write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store is unavailable: {reason}")]
pub struct Unavailable {
    /// For the operator.
    pub reason: String,
}

/// A release was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishRefused {
    /// A version is immutable.
    #[error(
        "{release} exists already with other contents ({existing}); a version is immutable: raise `plugin.version` in plugin.toml"
    )]
    VersionTaken {
        /// Which.
        release: ReleaseId,
        /// Its fingerprint.
        existing: String,
    },
    /// The store cannot write.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A decision was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateRefused {
    /// No such release.
    #[error("no release with the fingerprint {fingerprint}: `portcullis releases` lists them")]
    Unknown {
        /// What was asked for.
        fingerprint: String,
    },
    /// Four eyes (catalogue AU-07).
    #[error(
        "{approver} published this release, and four eyes are asked for: another person must approve it, or the operator \
         sets `four_eyes = false` in the configuration"
    )]
    FourEyes {
        /// Who tried.
        approver: String,
    },
    /// Two plugins would serve a tool under one name (catalogue MC-04).
    #[error("tool name `{name}` is already served by {other}: publish with another `--prefix`")]
    NameTaken {
        /// The name on the wire.
        name: String,
        /// Who has it.
        other: String,
    },
    /// The store cannot write.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A call's writes were not done; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitRefused {
    /// A compare-and-set found something else than when the call looked.
    #[error("`{key}` in `{capability}` was changed by another call meanwhile; call again")]
    Conflict {
        /// The capability's name.
        capability: String,
        /// The key.
        key: String,
    },
    /// The partition would hold too much.
    #[error(
        "`{capability}` would hold {wanted} {what}, its limit is {limit} (`capability.{capability}.{manifest_key}`)"
    )]
    OverQuota {
        /// The capability's name.
        capability: String,
        /// `bytes` or `keys`.
        what: &'static str,
        /// What it would hold.
        wanted: u64,
        /// What it may hold.
        limit: u64,
        /// The manifest's key that sets the limit.
        manifest_key: &'static str,
    },
    /// The store cannot write. The outcome is known: nothing was changed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
