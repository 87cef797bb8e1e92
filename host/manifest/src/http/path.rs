//! Paths of requests and patterns over them. What two readers could read as two different paths is refused, not normalised
//! (catalogue EG-26): the path that was decided on is sent byte for byte.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::text::quoted;

/// Most characters of a path.
pub const MAX_PATH: usize = 4096;
/// Most segments of a path or of a pattern over paths.
const MAX_SEGMENTS: usize = 128;

/// The path of a request, exactly as it is sent: `/`, or segments with a `/` before each; one more `/` may follow the last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestPath(Arc<str>);

/// Which paths: `/v1/contacts/*`. A segment `*` is for exactly one segment, a last segment `**` for one or more; everything
/// else is for itself, byte for byte. A final `/` is for a final `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(Arc<str>);

/// Why a text is not a [`RequestPath`] or a [`PathPattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// No `/` in front.
    #[error("the path {} does not begin with `/`", quoted(.0))]
    Relative(String),
    /// Over its length.
    #[error("the path has {0} characters and at most {MAX_PATH} are allowed")]
    TooLong(usize),
    /// Over its number.
    #[error("the path has {0} segments and at most {MAX_SEGMENTS} are allowed")]
    Segments(usize),
    /// `//`.
    #[error("the path {} has an empty segment, which some servers drop; write each `/` once", quoted(.0))]
    EmptySegment(String),
    /// `.`, `..`, however written.
    #[error("the path {} has a dot segment, which some servers resolve; write the path it leads to", quoted(.0))]
    DotSegment(String),
    /// `;` begins parameters that some servers cut off.
    #[error("the path {} holds `;`, from which some servers cut a segment; write it without", quoted(.0))]
    Semicolon(String),
    /// Not a character of a path.
    #[error("the path {} holds {}, which a path can't; write it as a percent-escape of its UTF-8 bytes", quoted(.0), quoted(&.1.to_string()))]
    Character(String, char),
    /// `%`, `%2`, `%zz`.
    #[error("the path {} has a `%` without two hexadecimal digits behind it", quoted(.0))]
    Escape(String),
    /// An escape of what has a meaning in a path.
    #[error("the path {} escapes {}, which some servers read as if it were not escaped; write it without", quoted(.0), quoted(&.1.to_string()))]
    Escaped(String, char),
    /// `%c0%af`.
    #[error("the path {} has escapes that are not UTF-8, which servers read differently", quoted(.0))]
    NotUtf8(String),
    /// `/a*`, `/**/b`.
    #[error("the path {} has a `*` that is not a whole segment, or a `**` that is not the last; write `/a/*` for one segment and `/a/**` for one or more", quoted(.0))]
    Wildcard(String),
}

impl RequestPath {
    /// The path as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PathPattern {
    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern is for `path`.
    #[must_use]
    pub fn matches(&self, path: &RequestPath) -> bool {
        let (wanted, wanted_slash) = split(&self.0);
        let (given, given_slash) = split(&path.0);
        if wanted_slash != given_slash {
            return false;
        }
        let (mut wanted, mut given) = (segments(wanted), segments(given));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                // It is the last, and what is given has no empty segment to match.
                (Some("**"), Some(_)) => return true,
                (Some("*"), Some(_)) => {}
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return false,
            }
        }
    }
}

/// A checked path without its final `/`, and whether it had one. `/` alone has no segments and no final one.
fn split(path: &str) -> (&str, bool) {
    if path == "/" {
        return ("", false);
    }
    path.strip_suffix('/').map_or((path, false), |path| (path, true))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

/// Holds `path` against what paths and patterns share, and each segment against `segment`.
fn check(path: &str, segment: fn(&str, &str) -> Result<(), InvalidPath>) -> Result<(), InvalidPath> {
    if !path.starts_with('/') {
        return Err(InvalidPath::Relative(path.to_owned()));
    }
    if path.len() > MAX_PATH {
        return Err(InvalidPath::TooLong(path.len()));
    }
    let (body, _) = split(path);
    let count = segments(body).count();
    if count > MAX_SEGMENTS {
        return Err(InvalidPath::Segments(count));
    }
    segments(body).try_for_each(|part| segment(path, part))
}

/// One segment that is for itself.
fn literal(path: &str, segment: &str) -> Result<(), InvalidPath> {
    let fault = |fault: fn(String) -> InvalidPath| Err(fault(path.to_owned()));
    if segment.is_empty() {
        return fault(InvalidPath::EmptySegment);
    }
    if segment == "." || segment == ".." {
        return fault(InvalidPath::DotSegment);
    }
    if segment.contains(';') {
        return fault(InvalidPath::Semicolon);
    }
    if let Some(c) = segment.chars().find(|c| !is_path_character(*c)) {
        return Err(InvalidPath::Character(path.to_owned(), c));
    }
    let Some(decoded) = decoded(segment) else { return fault(InvalidPath::Escape) };
    let Ok(decoded) = String::from_utf8(decoded) else { return fault(InvalidPath::NotUtf8) };
    // Some servers fold what looks alike before they read a path: a full-width solidus becomes a solidus.
    if decoded != segment {
        let dots = decoded.matches('.').count();
        let escaped = |c: &char| match c {
            '/' | '\\' | ';' | '%' => true,
            '.' => dots != segment.matches('.').count(),
            c => c.is_control(),
        };
        if let Some(c) = decoded.chars().find(escaped) {
            return Err(InvalidPath::Escaped(path.to_owned(), c));
        }
        let folded: String = decoded.nfkc().collect();
        if let Some(c) = folded.chars().find(|c| matches!(c, '/' | '\\' | ';' | '%')) {
            return Err(InvalidPath::Escaped(path.to_owned(), c));
        }
        if folded == "." || folded == ".." {
            return fault(InvalidPath::DotSegment);
        }
    }
    Ok(())
}

/// `pchar` of RFC 3986 section 3.3, with `%` for an escape and without `;`.
fn is_path_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@%".contains(c)
}

/// `text` with its escapes read, once.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

impl FromStr for RequestPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        check(text, literal)?;
        Ok(Self(text.into()))
    }
}

impl FromStr for PathPattern {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        check(text, |path, segment| match segment {
            "*" | "**" => Ok(()),
            segment if segment.contains('*') => Err(InvalidPath::Wildcard(path.to_owned())),
            segment => literal(path, segment),
        })?;
        let (body, _) = split(text);
        let last = segments(body).count();
        if segments(body).position(|segment| segment == "**").is_some_and(|at| at + 1 != last) {
            return Err(InvalidPath::Wildcard(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
