//! What a transport hands over of who is asking, and why it may prove nobody.

use std::{net::IpAddr, time::Duration};

/// What a transport has read of who is asking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'a> {
    /// The header `Authorization`.
    pub authorization: Authorization<'a>,
    /// The address that the request came from, where the transport has addresses.
    pub source: Option<IpAddr>,
}

/// What stands in the header `Authorization`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// There is none.
    #[default]
    Absent,
    /// Its one value.
    Value(&'a str),
    /// There are several, or one that is no text.
    Unreadable,
}

/// Why what was presented proves nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// Nothing was presented, and nobody is served without.
    #[error("there is no access token")]
    Missing,
    /// It is refused.
    #[error("{reason}")]
    Invalid {
        /// What is wrong, without any part of it.
        reason: String,
        /// The rule that refused, one of [`RULES`].
        rule: &'static str,
    },
    /// Too many were refused.
    #[error("too many access tokens were refused; try again in {} s", retry_after.as_secs().max(1))]
    TooMany {
        /// When one will be looked at again.
        retry_after: Duration,
    },
    /// Nobody can say now.
    #[error("{reason}")]
    Unavailable {
        /// What is missing, without addresses.
        reason: &'static str,
        /// When it may be worth trying again.
        retry_after: Duration,
    },
}

/// The words of [`NotProven::rule`]. A closed list: nobody who presents tokens can make the audit's vocabulary grow.
pub const RULES: [&str; 29] = [
    "token-missing",
    "too-many-refused",
    "issuer-unavailable",
    "authorization",
    "scheme",
    "token-length",
    "token-form",
    "token-header",
    "algorithm",
    "token-type",
    "critical",
    "embedded-key",
    "key-id",
    "key",
    "signature",
    "claims",
    "claim-missing",
    "claim-form",
    "issuer",
    "audience",
    "audience-extra",
    "expired",
    "not-yet",
    "lifetime",
    "bound",
    "token-use",
    "inactive",
    "denied",
    "denied-issued-before",
];

impl NotProven {
    /// The rule that refused, in one word: for the audit and for tests. One of [`RULES`].
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Invalid { rule, .. } => rule,
            Self::TooMany { .. } => "too-many-refused",
            Self::Unavailable { .. } => "issuer-unavailable",
        }
    }
}
