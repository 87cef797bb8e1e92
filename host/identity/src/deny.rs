//! Whom the operator shuts out: subjects, clients, single tokens, and whatever was issued before a time. Asked for every
//! request, with remembered tokens too, so that an entry is in force as soon as it is in the list (catalogue AU-25). It must
//! never answer from anything but the list as it was read last.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use tokio::sync::watch;

/// What a verified token says of itself, as far as it can be shut out by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenFacts<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `client_id` or `azp`.
    pub client: Option<&'a str>,
    /// `jti`.
    pub jti: Option<&'a str>,
    /// `iat`, in seconds since 1970.
    pub issued_at: u64,
}

/// One entry of the list. Without an issuer it is for the tokens of every issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Whose tokens; any issuer's, if it is none.
    pub issuer: Option<String>,
    /// Which of them.
    pub what: DeniedWhat,
}

/// What an entry shuts out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeniedWhat {
    /// Every token of this subject.
    Subject(String),
    /// Every token that was given to this client.
    Client(String),
    /// The token with this `jti`.
    Token(String),
    /// Every token that was issued before this time, in seconds since 1970. One that was issued in that second is good.
    IssuedBefore(u64),
}

/// Which entry refuses a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeniedBy {
    /// Its subject.
    Subject,
    /// Its client.
    Client,
    /// The token itself.
    Token,
    /// When it was issued.
    Issued,
}

impl fmt::Display for DeniedBy {
    /// Whoever presents the token is not told more than that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "the operator has shut its subject out",
            Self::Client => "the operator has shut its client out",
            Self::Token => "the operator has shut this token out",
            Self::Issued => "it was issued before a time that the operator has set; get a new one",
        })
    }
}

/// A list as it was read: never changed, only replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenyList {
    anybodys: Shut,
    of: HashMap<String, Shut>,
}

/// What is shut out of one issuer's tokens, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shut {
    subjects: HashSet<String>,
    clients: HashSet<String>,
    tokens: HashSet<String>,
    issued_before: Option<u64>,
}

impl DenyList {
    /// A few lookups, however many entries there are.
    #[must_use]
    pub fn refuses(&self, token: &TokenFacts<'_>) -> Option<DeniedBy> {
        let refuses = |list: &Shut| list.refuses(token);
        refuses(&self.anybodys).or_else(|| self.of.get(token.issuer).and_then(refuses))
    }
}

impl Shut {
    fn refuses(&self, token: &TokenFacts<'_>) -> Option<DeniedBy> {
        let holds = |set: &HashSet<String>, value: Option<&str>| value.is_some_and(|value| set.contains(value));
        match () {
            () if holds(&self.subjects, Some(token.subject)) => Some(DeniedBy::Subject),
            () if holds(&self.clients, token.client) => Some(DeniedBy::Client),
            () if holds(&self.tokens, token.jti) => Some(DeniedBy::Token),
            () if self.issued_before.is_some_and(|before| token.issued_at < before) => Some(DeniedBy::Issued),
            () => None,
        }
    }
}

impl FromIterator<Denial> for DenyList {
    fn from_iter<I: IntoIterator<Item = Denial>>(entries: I) -> Self {
        let mut list = Self::default();
        for Denial { issuer, what } in entries {
            let of = match issuer {
                None => &mut list.anybodys,
                Some(issuer) => list.of.entry(issuer).or_default(),
            };
            match what {
                DeniedWhat::Subject(subject) => drop(of.subjects.insert(subject)),
                DeniedWhat::Client(client) => drop(of.clients.insert(client)),
                DeniedWhat::Token(token) => drop(of.tokens.insert(token)),
                // Of two times, the later one shuts out what the earlier one does.
                DeniedWhat::IssuedBefore(before) => of.issued_before = of.issued_before.max(Some(before)),
            }
        }
        list
    }
}

/// The list that is in force: one value, shared by everybody who verifies tokens.
#[derive(Clone)]
pub struct Denials(Arc<watch::Sender<Arc<DenyList>>>);

impl Default for Denials {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Arc::default())))
    }
}

impl fmt::Debug for Denials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Denials")
    }
}

impl Denials {
    /// See [`DenyList::refuses`].
    #[must_use]
    pub fn refuses(&self, token: &TokenFacts<'_>) -> Option<DeniedBy> {
        self.0.borrow().refuses(token)
    }

    /// Puts `list` into force: whoever asks from here on is answered from it.
    pub fn replace(&self, list: DenyList) {
        self.0.send_if_modified(|now| {
            let changed = **now != list;
            if changed {
                *now = Arc::new(list);
            }
            changed
        });
    }

    /// Tells when the list is another: for what was begun with a token that was good, and goes on.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<DenyList>> {
        self.0.subscribe()
    }
}
