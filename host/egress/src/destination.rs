//! Where a request goes, read once.
//!
//! The reader is our own, because it must be narrower than any other, and it can be: there is no base URL, no
//! international name, no address, no escape to resolve. A reader made for browsers repairs what it reads (it drops tabs,
//! turns `\` into `/`, `0x7f.1` into `127.0.0.1`, and resolves dot segments), and one made for proxies keeps what it does
//! not understand; measured, they disagree on the very inputs that attacks are made of (catalogue section 5). Comparing
//! their output with the input afterwards would refuse the same and take more to prove. Here every byte belongs to exactly
//! one part, each part is a type with one spelling, and nothing is changed but three things that are the same to everybody:
//! the case of scheme and host, one final dot, and a port that is the scheme's own.

use std::{fmt, str::FromStr, sync::Arc};

use portcullis_manifest::http::{HostName, InvalidHost, InvalidPath, InvalidPort, Origin, RequestPath, Scheme};

/// Most characters of a URL, and of a `Location`.
pub const MAX_URL: usize = 8192;

/// Where a request goes: an origin and a target there, each exactly as it is used. No part of it is read again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    origin: Origin,
    path: RequestPath,
    query: Option<Arc<str>>,
}

/// Why a text is not a [`Destination`]. Its words repeat a host or a path, never what may be a password or a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// Nothing: as a `Location`, the same page once more.
    #[error("the URL is empty; write one such as `https://api.example.com/v1/contacts`")]
    Empty,
    /// Over its length.
    #[error("the URL has {0} characters and at most {MAX_URL} are allowed; send what is long in the body")]
    TooLong(usize),
    /// Readers fold letters that look alike, each in its own way.
    #[error(
        "the URL is not ASCII; write an international host in its `xn--` form, and other characters as percent-escapes"
    )]
    NotAscii,
    /// Some readers drop blanks and line breaks.
    #[error("the URL holds a blank or a control character; write it as a percent-escape in the query, or leave it out")]
    Blank,
    /// `/` to some readers.
    #[error("the URL holds a backslash, which some readers take for `/`; write `/`, or `%5C` in the query")]
    Backslash,
    /// Never sent; and some readers look for the host behind it.
    #[error("the URL holds a fragment (`#`), which is never sent; leave it out, or write `%23`")]
    Fragment,
    /// No scheme and `://`, or another scheme.
    #[error("the URL does not begin with `https://` or `http://`; write it whole")]
    Scheme,
    /// `user@`.
    #[error(
        "the URL holds a name or password before its host; leave it out, and use `secret` in the manifest for what signs in"
    )]
    UserInfo,
    /// `https:///`.
    #[error("the URL has no host; write one between `://` and the path")]
    NoHost,
    /// `[fe80::1%25eth0]`.
    #[error("the URL holds an address with a zone; hosts are asked for by the name that is granted")]
    Zone,
    /// `127.0.0.1` and every other way to write an address.
    #[error(
        "the URL holds an address, or a name that some readers take for one; hosts are asked for by the name that is granted"
    )]
    Address,
    /// `[example.com]`.
    #[error("the URL holds brackets around what is no address; write the host without")]
    Bracket,
    /// `exa%6dple.com`.
    #[error("the URL holds a percent-escape in its host; write the host as it is granted")]
    EscapedHost,
    /// Not a name.
    #[error(transparent)]
    Host(InvalidHost),
    /// Not a port.
    #[error(transparent)]
    Port(#[from] InvalidPort),
    /// Not a path.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// A character of the query.
    #[error("the query holds `{0}`, which a query can't; write it as a percent-escape")]
    Query(char),
    /// `%`, `%2`, `%zz`.
    #[error("the query has a `%` without two hexadecimal digits behind it; write a percent sign as `%25`")]
    QueryEscape,
}

impl InvalidDestination {
    /// The rule that refused, in one word: for the audit and for tests.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong(_) => "too-long",
            Self::NotAscii => "not-ascii",
            Self::Blank => "blank",
            Self::Backslash => "backslash",
            Self::Fragment => "fragment",
            Self::Scheme => "scheme",
            Self::UserInfo => "userinfo",
            Self::NoHost => "no-host",
            Self::Zone => "zone",
            Self::Address => "address",
            Self::Bracket => "bracket",
            Self::EscapedHost => "escaped-host",
            Self::Host(_) => "host",
            Self::Port(_) => "port",
            Self::Path(_) => "path",
            Self::Query(_) | Self::QueryEscape => "query",
        }
    }
}

impl Destination {
    /// Scheme, host and port: what is looked up, connected to, written into `Host` and shown to TLS.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path of the request line: what was decided on.
    #[must_use]
    pub fn path(&self) -> &RequestPath {
        &self.path
    }

    /// The query of the request line, without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The target of the request line: path and query as they are sent.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_string(),
        }
    }

    /// Where a `Location` that came from here leads. One that names no host keeps this origin, whatever else it holds.
    ///
    /// # Errors
    /// [`InvalidDestination`] for everything that is refused in a URL; a relative path with dot segments too, for they are
    /// resolved differently by different readers.
    pub fn join(&self, location: &str) -> Result<Self, InvalidDestination> {
        characters(location)?;
        if location.starts_with("//") {
            return format!("{}:{location}", self.origin.scheme()).parse();
        }
        let target = location.find(['/', '?']).map_or(location, |at| &location[..at]);
        if target.contains(':') {
            return location.parse();
        }
        let path = self.path.as_str();
        let joined = match location.chars().next() {
            Some('/') => location.to_owned(),
            Some('?') => format!("{path}{location}"),
            _ => format!("{}{location}", &path[..=path.rfind('/').unwrap_or(0)]),
        };
        let (path, query) = target_parts(&joined)?;
        Ok(Self { origin: self.origin.clone(), path, query })
    }
}

/// What holds for every character, before anything is told apart.
fn characters(text: &str) -> Result<(), InvalidDestination> {
    if text.is_empty() {
        return Err(InvalidDestination::Empty);
    }
    if text.len() > MAX_URL {
        return Err(InvalidDestination::TooLong(text.len()));
    }
    for byte in text.bytes() {
        match byte {
            0x80.. => return Err(InvalidDestination::NotAscii),
            0..=b' ' | 0x7f => return Err(InvalidDestination::Blank),
            b'\\' => return Err(InvalidDestination::Backslash),
            b'#' => return Err(InvalidDestination::Fragment),
            _ => {}
        }
    }
    Ok(())
}

fn origin(scheme: Scheme, authority: &str) -> Result<Origin, InvalidDestination> {
    if authority.contains('@') {
        return Err(InvalidDestination::UserInfo);
    }
    if authority.contains(['[', ']']) {
        let inside = authority.strip_prefix('[').unwrap_or(authority).split(']').next().unwrap_or_default();
        return Err(match inside {
            zoned if zoned.contains('%') => InvalidDestination::Zone,
            address if address.parse::<std::net::IpAddr>().is_ok() => InvalidDestination::Address,
            _ => InvalidDestination::Bracket,
        });
    }
    if authority.contains('%') {
        return Err(InvalidDestination::EscapedHost);
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse()?),
        None => (authority, scheme.default_port()),
    };
    // The root's final dot: the same host to the DNS, but not to those who compare texts.
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let host: HostName = host.parse().map_err(|fault| match fault {
        InvalidHost::Empty => InvalidDestination::NoHost,
        InvalidHost::Address(_) => InvalidDestination::Address,
        fault => InvalidDestination::Host(fault),
    })?;
    Ok(Origin::new(scheme, host, port))
}

/// Path and query of a target whose characters are checked. Without a path it is `/`: a request line has no empty one.
fn target_parts(target: &str) -> Result<(RequestPath, Option<Arc<str>>), InvalidDestination> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let path = if path.is_empty() { "/" } else { path }.parse()?;
    query.map_or(Ok(()), check_query)?;
    Ok((path, query.map(Into::into)))
}

/// Nothing decides on a query, so its escapes may say what they like; but it must arrive as it is.
fn check_query(query: &str) -> Result<(), InvalidDestination> {
    if let Some(c) = query.chars().find(|c| matches!(c, '"' | '<' | '>')) {
        return Err(InvalidDestination::Query(c));
    }
    let escaped = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if query.split('%').skip(1).all(escaped) { Ok(()) } else { Err(InvalidDestination::QueryEscape) }
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        characters(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(InvalidDestination::Scheme)?;
        let scheme = scheme.to_ascii_lowercase().parse().map_err(|_| InvalidDestination::Scheme)?;
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let origin = origin(scheme, authority)?;
        let (path, query) = target_parts(target)?;
        Ok(Self { origin, path, query })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)?;
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}
