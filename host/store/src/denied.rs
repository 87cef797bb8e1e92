//! Whom an operator shuts out (catalogue AU-25).

use crate::Unavailable;

/// Entries that are kept at most: every host holds all of them in memory.
pub const DENIED_ENTRIES: u32 = 10_000;

/// Longest issuer and longest value of an entry, in bytes: longer ones stand in no token that is accepted.
pub const DENIED_TEXT: usize = 2048;

/// What an entry shuts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeniedKind {
    /// Every token of a subject.
    Subject,
    /// Every token that was given to a client.
    Client,
    /// One token, by its `jti`.
    Token,
    /// Every token that was issued before a time, in seconds since 1970.
    Issued,
}

impl DeniedKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Client, Self::Token, Self::Issued];

    /// The word shown and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Client => "client",
            Self::Token => "token",
            Self::Issued => "issued",
        }
    }
}

/// What is shut out: the same twice is one entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Denied {
    /// What `value` is.
    pub kind: DeniedKind,
    /// Of this issuer; empty for any.
    pub issuer: String,
    /// The subject, the client, the `jti` or the time.
    pub value: String,
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeniedEntry {
    /// What is shut out.
    pub denied: Denied,
    /// Who did it.
    pub by: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// Nobody was shut out, and nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenyRefused {
    /// Too many entries.
    #[error(
        "{DENIED_ENTRIES} are shut out already, and no more are kept: take back what has no use any longer (`portcullis denied` \
         lists, `portcullis allow` takes back), or shut out every token that was issued before now at once (`--issued-before now`)"
    )]
    Full,
    /// The store cannot write.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
