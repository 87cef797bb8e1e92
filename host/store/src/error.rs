//! One small error for each way a store can refuse. None names a path.

use portcullis_manifest::{ReleaseId, visible};

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
    /// Only an approval lets tools be called without sign-in, and only tools of its release that are labelled `read`.
    #[error(
        "`{name}` can't be called without sign-in: it is not a tool of this release that was published with the label `read` \
         and is approved now"
    )]
    WithoutSignIn {
        /// The name on the wire.
        name: String,
    },
    /// Two plugins would serve a tool under one name (catalogue MC-04).
    #[error(
        "tool name `{name}` is already served by {other}: withdraw that one, or raise `plugin.version` and publish with another \
         `--prefix` (the prefix is part of a release, so another prefix needs another version)"
    )]
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
    #[error("`{}` in `{capability}` was changed by another call meanwhile; call again", visible(key))]
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
        /// `bytes`, `keys` or `files`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mc_04_a_taken_name_says_both_ways_out() {
        let refused = StateRefused::NameTaken { name: "notes_create".into(), other: "notes@1.0.0".into() }.to_string();
        // With another prefix alone the version is taken: the prefix is part of the fingerprint.
        for part in ["`notes_create`", "notes@1.0.0", "withdraw", "`plugin.version`", "`--prefix`"] {
            assert!(refused.contains(part), "{part} in {refused}");
        }
    }

    #[test]
    fn mc_10_the_key_of_a_conflict_hides_nothing() {
        let refused = CommitRefused::Conflict { capability: "notebook".into(), key: "a\u{202e}b".into() };
        assert_eq!(
            refused.to_string(),
            r"`a\u{202e}b` in `notebook` was changed by another call meanwhile; call again"
        );
    }
}
