//! Releases and the decisions on them.

use std::sync::Arc;

use portcullis_manifest::{Digest, Fingerprint, ReleaseId};

/// A release to take in. Immutable afterwards.
#[derive(Clone, Debug)]
pub struct NewRelease {
    /// Plugin and version.
    pub id: ReleaseId,
    /// What an approval binds.
    pub fingerprint: Fingerprint,
    /// The manifest's text.
    pub manifest: String,
    /// Schema files by name, as JSON text of one object.
    pub files: String,
    /// Its assets: name, digest, content. In the order of their names.
    pub assets: Vec<(String, Digest, Arc<[u8]>)>,
    /// The component.
    pub component: Vec<u8>,
    /// Its digest.
    pub digest: Digest,
    /// What stands before a tool's name on the wire.
    pub prefix: String,
    /// Names on the wire, each with its computed label: what the approver sees.
    pub labels: Vec<(String, String)>,
    /// Who published.
    pub published_by: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// What publishing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishOutcome {
    /// It is pending now.
    New,
    /// This very release was there.
    Known(ReleaseState),
}

/// Where a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleaseState {
    /// Waits for a decision.
    Pending,
    /// Approved and served.
    Served,
    /// It was served, and another release of its plugin was approved since; or it was withdrawn, perhaps before anybody
    /// had approved it.
    Retired,
}

impl ReleaseState {
    /// The word shown and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Served => "served",
            Self::Retired => "retired",
        }
    }
}

/// A decision on exactly one release.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Which.
    pub fingerprint: Fingerprint,
    /// Serve it, or serve it no longer.
    pub approve: bool,
    /// Tools of it that may be called without sign-in, by their names on the wire. Only with an approval, and only tools
    /// that are labelled `read`: the store refuses every other.
    pub without_sign_in: Vec<String>,
    /// Who decided.
    pub by: String,
    /// Whether the approver must be another person than the publisher.
    pub four_eyes: bool,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// An approval as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// Whether four eyes were asked for.
    pub four_eyes: bool,
    /// Tools that may be called without sign-in, by their names on the wire, sorted.
    pub without_sign_in: Vec<String>,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// A release as it is kept, without its component and what is in its assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Plugin and version.
    pub id: ReleaseId,
    /// What an approval binds.
    pub fingerprint: Fingerprint,
    /// The manifest's text.
    pub manifest: String,
    /// Schema files, as JSON text of one object.
    pub files: String,
    /// Its assets, by name, with the digest that each had when it was published.
    pub assets: Vec<(String, Digest)>,
    /// The component's digest.
    pub digest: Digest,
    /// The component's length in bytes.
    pub size: u64,
    /// What stands before a tool's name on the wire.
    pub prefix: String,
    /// Names on the wire, each with the label that was computed at publish.
    pub labels: Vec<(String, String)>,
    /// Who published.
    pub published_by: String,
    /// When, in milliseconds since 1970.
    pub published_at: i64,
    /// Where it stands.
    pub state: ReleaseState,
    /// The newest approval, if there is one.
    pub approval: Option<Approval>,
}

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Grows with every decision.
    pub generation: u64,
    /// In the order of their plugins' names.
    pub releases: Vec<Release>,
}
