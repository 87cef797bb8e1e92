//! Names of hosts and patterns over them. Addresses have no place here: a grant is for a name, and where the name leads is
//! decided when it is looked up.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::text::quoted;

/// Most characters of a name (RFC 1035 section 2.3.4, without the final dot).
const LONGEST: usize = 253;
/// Most characters of a label.
const LONGEST_LABEL: usize = 63;

/// A DNS name in the one form that is compared, resolved, written into `Host` and shown to TLS: lower-case ASCII labels of
/// letters, digits and inner hyphens, no final dot.
///
/// Its last label begins with a letter. Every reader of addresses, from the URL standard's to `inet_aton`, wants a digit
/// there (also for hexadecimal, `0x7f`) or a colon somewhere; so no name of this type is an address to any of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(Arc<str>);

/// Which hosts: one, or each that has one label more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// `api.example.com`: this one.
    Exact(HostName),
    /// `*.example.com`: `a.example.com`, but neither `example.com` nor `a.b.example.com`.
    OneLabelUnder(HostName),
}

/// Why a text is not a [`HostName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    /// Nothing.
    #[error("the host is empty; write a name such as `api.example.com`")]
    Empty,
    /// Over its length.
    #[error("the host has {0} characters and a DNS name has at most {LONGEST}")]
    TooLong(usize),
    /// `example.com.`: the same host in a second spelling.
    #[error("the host {} ends in a dot; write it without", quoted(.0))]
    FinalDot(String),
    /// Two spellings of one name would be two grants.
    #[error("the host {} has upper-case letters; write {}", quoted(.0), quoted(&.0.to_ascii_lowercase()))]
    UpperCase(String),
    /// Two people see two different names; the DNS sees neither.
    #[error("the host {} is not ASCII; write an international name in its `xn--` form", quoted(.0))]
    NotAscii(String),
    /// `a..b`.
    #[error("the host {} has an empty label; write names between the dots", quoted(.0))]
    EmptyLabel(String),
    /// Over its length.
    #[error("a label of the host {} has more than {LONGEST_LABEL} characters", quoted(.0))]
    LongLabel(String),
    /// Not a letter, a digit or a hyphen.
    #[error("the host {} holds {}; a name has letters, digits and hyphens between its dots", quoted(.0), quoted(&.1.to_string()))]
    Character(String, char),
    /// `-a` or `a-`.
    #[error("a label of the host {} begins or ends with a hyphen", quoted(.0))]
    Hyphen(String),
    /// `127.0.0.1`, `2130706433`, `0x7f.1` and names that some reader would take for one.
    #[error("the last label of the host {} begins with a digit, as in an address; grants are for names: write one", quoted(.0))]
    Address(String),
}

/// Why a text is not a [`HostPattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHostPattern {
    /// What is left without `*.` is no name.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// `*example.com`, `a.*.com`, `*`.
    #[error(
        "{} has a `*` that is not a whole first label; write a name, or `*.example.com` for each name with exactly one \
         label more",
        quoted(.0)
    )]
    Wildcard(String),
    /// `*.com`, `*.localhost`.
    #[error("{} is a wildcard over a single label; write the hosts one by one, or a wildcard under a name of your own", quoted(.0))]
    SingleLabel(String),
    /// `*.co.uk`, `*.github.io`: anyone can have a name there.
    #[error(
        "{} is a wildcard over a public suffix, where anybody can have a name; write the hosts one by one, or a wildcard \
         under a name of your own",
        quoted(.0)
    )]
    PublicSuffix(String),
}

impl HostName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let fault = |fault: fn(String) -> InvalidHost| Err(fault(text.to_owned()));
        if text.is_empty() {
            return Err(InvalidHost::Empty);
        }
        if text.len() > LONGEST {
            return Err(InvalidHost::TooLong(text.len()));
        }
        if !text.is_ascii() {
            return fault(InvalidHost::NotAscii);
        }
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return fault(InvalidHost::UpperCase);
        }
        if let Some(c) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.')) {
            return Err(InvalidHost::Character(text.to_owned(), c));
        }
        if text.len() > 1 && text.ends_with('.') && !text.ends_with("..") {
            return fault(InvalidHost::FinalDot);
        }
        for label in text.split('.') {
            if label.is_empty() {
                return fault(InvalidHost::EmptyLabel);
            }
            if label.len() > LONGEST_LABEL {
                return fault(InvalidHost::LongLabel);
            }
            if label.starts_with('-') || label.ends_with('-') {
                return fault(InvalidHost::Hyphen);
            }
        }
        let last = text.rsplit('.').next().unwrap_or_default();
        if !last.starts_with(|c: char| c.is_ascii_lowercase()) {
            return fault(InvalidHost::Address);
        }
        Ok(Self(text.into()))
    }
}

impl HostPattern {
    /// Whether the pattern is for `host`.
    #[must_use]
    pub fn matches(&self, host: &HostName) -> bool {
        match self {
            Self::Exact(name) => name == host,
            // Labels are compared, never the ends of texts: `evilexample.com` is not under `example.com`.
            Self::OneLabelUnder(base) => host.as_str().split_once('.').is_some_and(|(_, rest)| rest == base.as_str()),
        }
    }

    /// Whether it is for every host that `other` is for.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Exact(name) => self.matches(name),
            Self::OneLabelUnder(_) => self == other,
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        let Some(base) = text.strip_prefix("*.") else {
            if text.contains('*') {
                return Err(InvalidHostPattern::Wildcard(text.to_owned()));
            }
            return Ok(Self::Exact(text.parse()?));
        };
        if base.contains('*') {
            return Err(InvalidHostPattern::Wildcard(text.to_owned()));
        }
        let base: HostName = base.parse()?;
        // Nothing would have room for a label more.
        if text.len() > LONGEST {
            return Err(InvalidHost::TooLong(text.len()).into());
        }
        if !base.as_str().contains('.') {
            return Err(InvalidHostPattern::SingleLabel(text.to_owned()));
        }
        // Under rules such as `*.ck` it is not the base that is a suffix but each name below it.
        let below = format!("a.{base}");
        if [base.as_str(), &below].into_iter().any(|name| psl::domain(name.as_bytes()).is_none()) {
            return Err(InvalidHostPattern::PublicSuffix(text.to_owned()));
        }
        Ok(Self::OneLabelUnder(base))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => name.fmt(f),
            Self::OneLabelUnder(base) => write!(f, "*.{base}"),
        }
    }
}
