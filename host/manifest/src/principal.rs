//! Who calls.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::Scope;

/// Who calls: from the verified access token or from the transport, and from nowhere else (catalogue AU-08).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    key: PrincipalKey,
    scopes: Scopes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scopes {
    /// Whoever started the process on this machine: there is no token that could hold less.
    Every,
    Granted(Arc<BTreeSet<Scope>>),
}

/// What tells two principals apart: an issuer and a subject, or `local`. Rows, audit records and pseudonyms are derived
/// from this, never from anything that a request says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKey {
    /// stdio, or HTTP on loopback without authentication: the person who runs the host (DESIGN section 6a).
    Local,
    /// A subject of an issuer.
    Subject {
        /// `iss` of the token, exactly.
        issuer: Arc<str>,
        /// `sub` of the token, exactly.
        subject: Arc<str>,
    },
}

impl Principal {
    /// The person who runs the host, who holds every scope because no token limits them.
    #[must_use]
    pub fn local() -> Self {
        Self { key: PrincipalKey::Local, scopes: Scopes::Every }
    }

    /// A verified subject and the scopes that its token carries.
    #[must_use]
    pub fn subject(issuer: &str, subject: &str, scopes: BTreeSet<Scope>) -> Self {
        let key = PrincipalKey::Subject { issuer: issuer.into(), subject: subject.into() };
        Self { key, scopes: Scopes::Granted(Arc::new(scopes)) }
    }

    /// What tells this principal apart.
    #[must_use]
    pub fn key(&self) -> &PrincipalKey {
        &self.key
    }

    /// Those of `needed` that this principal does not hold, by exact equality (catalogue AU-05).
    pub fn missing<'a>(&self, needed: &'a [Scope]) -> Vec<&'a Scope> {
        match &self.scopes {
            Scopes::Every => Vec::new(),
            Scopes::Granted(held) => needed.iter().filter(|scope| !held.contains(*scope)).collect(),
        }
    }
}

impl fmt::Display for PrincipalKey {
    /// Injective: a length stands before each part, so no two keys print alike.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Subject { issuer, subject } => {
                write!(f, "subject:{}:{issuer}:{}:{subject}", issuer.len(), subject.len())
            }
        }
    }
}
