//! Origins: scheme, host and port, always all three.

use std::{fmt, num::NonZeroU16, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{HostName, HostPattern, InvalidHost, InvalidHostPattern};
use crate::text::quoted;

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// In the clear: never with a secret (catalogue EG-11).
    Http,
    /// Over TLS.
    Https,
}

/// A TCP port that can be connected to: 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Port(NonZeroU16);

/// One place to send requests to. Written with the port left out where it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    scheme: Scheme,
    host: HostName,
    port: Port,
}

/// Which origins: those of one scheme and one port whose hosts match. A port that is not written is the scheme's own, never
/// any port (catalogue EG-25).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginPattern {
    scheme: Scheme,
    host: HostPattern,
    port: Port,
}

/// Why a text is not a [`Scheme`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a scheme that requests are sent by; write `https` or `http`", quoted(.0))]
pub struct InvalidScheme(String);

/// Why a text is not a [`Port`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the port {} is not 1 to 65535 in plain digits; write it so, or leave out `:` for the scheme's own port", quoted(.0))]
pub struct InvalidPort(String);

/// Why a text is not an [`Origin`] or an [`OriginPattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// No `://`.
    #[error("{} has no scheme; write an origin such as `https://api.example.com`", quoted(.0))]
    NoScheme(String),
    /// Another scheme.
    #[error(transparent)]
    Scheme(#[from] InvalidScheme),
    /// Path, query or fragment.
    #[error("{} goes on after its host; an origin ends there: take the rest away (an http capability has paths in `allow`)", quoted(.0))]
    Rest(String),
    /// `user@`.
    #[error("{} holds a name or password before its host; write it without, and use `secret` for what signs in", quoted(.0))]
    UserInfo(String),
    /// `[::1]`.
    #[error("{} holds an address in brackets; grants are for names: write one", quoted(.0))]
    Bracket(String),
    /// Its host.
    #[error(transparent)]
    Host(InvalidHostPattern),
    /// Its port.
    #[error(transparent)]
    Port(#[from] InvalidPort),
}

impl Scheme {
    /// The word in front of `://`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of an origin that names none.
    #[must_use]
    pub fn default_port(self) -> Port {
        let port = match self {
            Self::Http => const { NonZeroU16::new(80).expect("80 is not 0") },
            Self::Https => const { NonZeroU16::new(443).expect("443 is not 0") },
        };
        Port(port)
    }
}

impl Port {
    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl From<NonZeroU16> for Port {
    fn from(port: NonZeroU16) -> Self {
        Self(port)
    }
}

impl Origin {
    /// The origin of these three.
    #[must_use]
    pub fn new(scheme: Scheme, host: HostName, port: Port) -> Self {
        Self { scheme, host, port }
    }

    /// How requests travel there.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name that is resolved, written into `Host` and shown to TLS.
    #[must_use]
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// The port that is connected to.
    #[must_use]
    pub fn port(&self) -> Port {
        self.port
    }
}

impl OriginPattern {
    /// The pattern of these three.
    #[must_use]
    pub fn new(scheme: Scheme, host: HostPattern, port: Port) -> Self {
        Self { scheme, host, port }
    }

    /// Only this scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// These hosts.
    #[must_use]
    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    /// Only this port.
    #[must_use]
    pub fn port(&self) -> Port {
        self.port
    }

    /// Whether the pattern is for `origin`.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        self.scheme == origin.scheme && self.port == origin.port && self.host.matches(&origin.host)
    }

    /// Whether it is for every origin that `other` is for.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.port == other.port && self.host.covers(&other.host)
    }
}

impl From<Origin> for OriginPattern {
    fn from(origin: Origin) -> Self {
        Self { scheme: origin.scheme, host: HostPattern::Exact(origin.host), port: origin.port }
    }
}

impl FromStr for Scheme {
    type Err = InvalidScheme;

    fn from_str(text: &str) -> Result<Self, InvalidScheme> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err(InvalidScheme(text.to_owned())),
        }
    }
}

impl FromStr for Port {
    type Err = InvalidPort;

    /// Plain digits without leading zeros: no sign, no second spelling.
    fn from_str(text: &str) -> Result<Self, InvalidPort> {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let port = plain.then(|| text.parse().ok()).flatten();
        port.map(Self).ok_or_else(|| InvalidPort(text.to_owned()))
    }
}

/// Scheme, host and port of an origin as written.
fn parts(text: &str) -> Result<(Scheme, &str, Port), InvalidOrigin> {
    let (scheme, authority) = text.split_once("://").ok_or_else(|| InvalidOrigin::NoScheme(text.to_owned()))?;
    let scheme: Scheme = scheme.parse()?;
    if authority.contains(['/', '?', '#', '\\']) {
        return Err(InvalidOrigin::Rest(text.to_owned()));
    }
    if authority.contains('@') {
        return Err(InvalidOrigin::UserInfo(text.to_owned()));
    }
    if authority.contains(['[', ']']) {
        return Err(InvalidOrigin::Bracket(text.to_owned()));
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((scheme, host, port.parse()?)),
        None => Ok((scheme, authority, scheme.default_port())),
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, host, port) = parts(text)?;
        let host = host.parse().map_err(|fault: InvalidHost| InvalidOrigin::Host(fault.into()))?;
        Ok(Self { scheme, host, port })
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, host, port) = parts(text)?;
        let host = host.parse().map_err(InvalidOrigin::Host)?;
        Ok(Self { scheme, host, port })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn written(f: &mut fmt::Formatter<'_>, scheme: Scheme, host: &dyn fmt::Display, port: Port) -> fmt::Result {
    write!(f, "{scheme}://{host}")?;
    if port == scheme.default_port() { Ok(()) } else { write!(f, ":{port}") }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        written(f, self.scheme, &self.host, self.port)
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        written(f, self.scheme, &self.host, self.port)
    }
}
