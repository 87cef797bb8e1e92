//! Who calls.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::Scope;

/// Who calls: from the verified access token or from the transport, and from nowhere else (catalogue AU-08).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    key: PrincipalKey,
    held: Held,
    /// The OAuth client that the token was given to.
    client: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    /// Whoever started the process on this machine: there is no token that could hold less.
    Everything,
    Granted(Arc<Grants>),
}

/// What a verified token says that its subject holds. Compared by exact equality, never by prefix or case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// What the token may be used for.
    pub scopes: BTreeSet<Scope>,
    /// The groups that the issuer says the subject is in.
    pub groups: BTreeSet<String>,
    /// What the subject may do to this host. Only a token for the admin plane has any.
    pub roles: BTreeSet<Role>,
}

/// What somebody who runs the host may do. Roles do not contain each other: who is to do two things holds two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes releases in.
    Publisher,
    /// Decides on releases.
    Approver,
    /// Reads the audit.
    Auditor,
    /// Shuts subjects, clients and tokens out.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Publisher, Self::Approver, Self::Auditor, Self::Operator];

    /// The word in configurations, errors and the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

/// What tells two principals apart: an issuer and a subject, or `local`. Rows, audit records and pseudonyms are derived
/// from this, never from anything that a request says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKey {
    /// stdio, or HTTP on loopback without authentication: the person who runs the host (DESIGN section 6a).
    Local,
    /// Nobody in particular: a request without a token, where tools may be called without sign-in. It owns nothing: there
    /// is no user partition without a user.
    Anonymous,
    /// A subject of an issuer.
    Subject {
        /// `iss` of the token, exactly.
        issuer: Arc<str>,
        /// `sub` of the token, exactly.
        subject: Arc<str>,
    },
}

impl Principal {
    /// The person who runs the host, who holds everything because no token limits them.
    #[must_use]
    pub fn local() -> Self {
        Self { key: PrincipalKey::Local, held: Held::Everything, client: None }
    }

    /// Whoever calls without a token. Holds nothing.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { key: PrincipalKey::Anonymous, held: Held::Granted(Arc::default()), client: None }
    }

    /// A verified subject and what its token says of it.
    #[must_use]
    pub fn subject(issuer: &str, subject: &str, granted: Grants) -> Self {
        let key = PrincipalKey::Subject { issuer: issuer.into(), subject: subject.into() };
        Self { key, held: Held::Granted(Arc::new(granted)), client: None }
    }

    /// The same, through this OAuth client.
    #[must_use]
    pub fn through(self, client: &str) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// What tells this principal apart.
    #[must_use]
    pub fn key(&self) -> &PrincipalKey {
        &self.key
    }

    /// The OAuth client that the token was given to, where the token says so.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// What a verified token says that it holds; none, for whoever needs none. For a host that keeps what somebody has proven until
    /// another of its processes goes on with it.
    #[must_use]
    pub fn granted(&self) -> Option<&Grants> {
        match &self.held {
            Held::Everything => None,
            Held::Granted(held) => Some(held),
        }
    }

    /// Those of `needed` that this principal does not hold, by exact equality (catalogue AU-05).
    pub fn missing<'a>(&self, needed: &'a [Scope]) -> Vec<&'a Scope> {
        match &self.held {
            Held::Everything => Vec::new(),
            Held::Granted(held) => needed.iter().filter(|scope| !held.scopes.contains(*scope)).collect(),
        }
    }

    /// Those of `asked` that this principal holds, by exact equality.
    pub fn held<'a>(&self, asked: &'a [Scope]) -> Vec<&'a Scope> {
        match &self.held {
            Held::Everything => asked.iter().collect(),
            Held::Granted(held) => asked.iter().filter(|scope| held.scopes.contains(*scope)).collect(),
        }
    }

    /// Whether this principal is in one of `groups`.
    pub fn is_in_any<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> bool {
        match &self.held {
            Held::Everything => true,
            Held::Granted(held) => groups.into_iter().any(|group| held.groups.contains(group)),
        }
    }

    /// Whether this principal holds `role`.
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        match &self.held {
            Held::Everything => true,
            Held::Granted(held) => held.roles.contains(&role),
        }
    }
}

impl fmt::Display for PrincipalKey {
    /// Injective: a length stands before each part, so no two keys print alike.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Subject { issuer, subject } => {
                write!(f, "subject:{}:{issuer}:{}:{subject}", issuer.len(), subject.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Vec<Scope> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn ann() -> Principal {
        let granted = Grants {
            scopes: scopes(&["read", "write"]).into_iter().collect(),
            groups: ["staff".into()].into(),
            roles: [Role::Auditor].into(),
        };
        Principal::subject("https://id.example", "ann", granted)
    }

    #[test]
    fn au_05_a_scope_is_held_or_missing_by_its_exact_name() {
        let asked = scopes(&["read", "Read", "read:all", "rea", "write"]);
        let names = |found: Vec<&Scope>| found.iter().map(|scope| scope.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(ann().held(&asked)), ["read", "write"]);
        assert_eq!(names(ann().missing(&asked)), ["Read", "read:all", "rea"]);
        assert_eq!(names(Principal::anonymous().held(&asked)), [""; 0]);
        assert_eq!(Principal::anonymous().missing(&asked).len(), 5);
        assert_eq!(Principal::local().held(&asked).len(), 5);
        assert_eq!(names(Principal::local().missing(&asked)), [""; 0]);
    }

    #[test]
    fn au_05_groups_and_roles_are_the_tokens_and_the_person_who_runs_the_host_has_them_all() {
        assert!(ann().is_in_any(["admins", "staff"]));
        assert!(!ann().is_in_any(["admins", "Staff"]));
        assert!(!ann().is_in_any([]));
        assert!(!Principal::anonymous().is_in_any(["staff"]));
        assert!(Principal::local().is_in_any(["staff"]));
        for role in Role::ALL {
            assert_eq!(ann().has_role(role), role == Role::Auditor);
            assert!(!Principal::anonymous().has_role(role));
            assert!(Principal::local().has_role(role));
        }
        assert_eq!(Role::ALL.map(Role::as_str), ["publisher", "approver", "auditor", "operator"]);
    }

    #[test]
    fn a_client_is_told_only_where_a_token_names_it_and_what_is_granted_only_where_there_is_a_token() {
        assert_eq!(ann().client(), None);
        assert_eq!(ann().through("chat").client(), Some("chat"));
        assert_eq!(ann().through("chat").key(), ann().key());
        assert_eq!(Principal::local().granted(), None);
        assert_eq!(ann().granted().map(|granted| granted.scopes.len()), Some(2));
    }

    #[test]
    fn st_01_no_two_keys_print_alike() {
        let subject =
            |issuer: &str, subject: &str| Principal::subject(issuer, subject, Grants::default()).key().to_string();
        assert_eq!(subject("a:1", "b"), "subject:3:a:1:1:b");
        assert_ne!(subject("a:1:b", "c"), subject("a", "1:b:c"));
        let others = [Principal::local().key().to_string(), Principal::anonymous().key().to_string()];
        assert_eq!(others, ["local", "anonymous"]);
    }
}
