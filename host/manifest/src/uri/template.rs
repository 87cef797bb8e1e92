//! Templates of URIs: reading them, writing a URI, reading a URI.

use std::{fmt, fmt::Write as _, str::FromStr, sync::Arc};

use super::{
    Expansion, InvalidTemplate, MAX_URI, Variables, is_value,
    parts::{Part, parts},
};

/// Schemes that a client opens itself, or that a page does: a resource under one of them would be taken for something else.
const OTHERS: [&str; 14] = [
    "http",
    "https",
    "file",
    "data",
    "javascript",
    "vbscript",
    "blob",
    "about",
    "ws",
    "wss",
    "ftp",
    "mailto",
    "view-source",
    "filesystem",
];

/// A URI with variables in it, or without any: then it is the URI of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UriTemplate {
    text: Arc<str>,
    parts: Vec<Part>,
}

/// A variable of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'t> {
    /// Its name.
    pub name: &'t str,
    /// How its value is written.
    pub expansion: Expansion,
}

impl UriTemplate {
    /// As it is written in the manifest and on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The place of a widget, whose scheme no manifest may use.
    pub(crate) fn exact(uri: &str) -> Self {
        Self { text: uri.into(), parts: vec![Part::Text(uri.to_owned())] }
    }

    /// Its variables, in their order.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'_>> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Variable(name, expansion) => Some(Variable { name, expansion: *expansion }),
        })
    }

    /// Whether it has none: it is the URI of one resource.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.variables().next().is_none()
    }

    /// What every URI of it begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// The URI with these values. None: one is missing, or is none that this template can have.
    #[must_use]
    pub fn expand(&self, values: &Variables) -> Option<String> {
        let mut uri = String::with_capacity(self.text.len());
        for part in &self.parts {
            match part {
                Part::Text(text) => uri.push_str(text),
                Part::Variable(name, expansion) => {
                    let value = values.get(name).filter(|value| is_value(value, *expansion))?;
                    encode(value, *expansion, &mut uri);
                }
            }
        }
        (uri.len() <= MAX_URI).then_some(uri)
    }

    /// The values with which this is `uri`. What is written with percent signs and need not be is read all the same: clients
    /// differ in it. Never takes more than one look at each byte.
    #[must_use]
    pub fn matches(&self, uri: &str) -> Option<Variables> {
        if uri.len() > MAX_URI {
            return None;
        }
        let reserved = |part: &Part| matches!(part, Part::Variable(_, Expansion::Reserved));
        let middle = self.parts.iter().position(reserved);
        let (left, right) = self.parts.split_at(middle.unwrap_or(self.parts.len()));
        let (mut rest, mut values) = (uri, Variables::new());
        for part in left {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Variable(name, expansion) => {
                    let (value, after) = rest.split_at(rest.find(|c| !is_simple(c)).unwrap_or(rest.len()));
                    values.insert(name.clone(), decode(value, *expansion)?);
                    rest = after;
                }
            }
        }
        for part in right.iter().skip(1).rev() {
            match part {
                Part::Text(text) => rest = rest.strip_suffix(text.as_str())?,
                Part::Variable(name, expansion) => {
                    let start = rest.rfind(|c| !is_simple(c)).map_or(0, |at| at + 1);
                    let (before, value) = rest.split_at_checked(start)?;
                    values.insert(name.clone(), decode(value, *expansion)?);
                    rest = before;
                }
            }
        }
        match right.first() {
            Some(Part::Variable(name, expansion)) => {
                values.insert(name.clone(), decode(rest, *expansion)?);
                Some(values)
            }
            _ => rest.is_empty().then_some(values),
        }
    }
}

impl FromStr for UriTemplate {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let parts = parts(text)?;
        let first = match parts.first() {
            Some(Part::Text(text)) => text.as_str(),
            _ => "",
        };
        check_scheme(text, first)?;
        for part in &parts {
            if let Part::Text(text) = part {
                check_text(text)?;
            }
        }
        // The names of variables are no dots, so that one that is a whole part does not count as one.
        if text.split(['/', '?', '#']).any(|part| part == "." || part == "..") {
            return Err(InvalidTemplate::Dots);
        }
        check_order(&parts)?;
        Ok(Self { text: text.into(), parts })
    }
}

impl fmt::Display for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A scheme in lower case, a colon, and something after it.
fn check_scheme(text: &str, first: &str) -> Result<(), InvalidTemplate> {
    let lower = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b))
    };
    match first.split_once(':') {
        Some((scheme, _)) if OTHERS.contains(&scheme) => Err(InvalidTemplate::Scheme(scheme.to_owned())),
        Some(("ui", _)) => Err(InvalidTemplate::Widget),
        Some((scheme, _)) if lower(scheme) && text.len() > scheme.len() + 1 => Ok(()),
        _ => Err(InvalidTemplate::NoScheme(text.to_owned())),
    }
}

fn check_text(text: &str) -> Result<(), InvalidTemplate> {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '%' {
            if !rest.by_ref().take(2).filter(char::is_ascii_hexdigit).count().eq(&2) {
                return Err(InvalidTemplate::Percent);
            }
        } else if !is_unreserved(c) && !is_reserved(c) {
            return Err(InvalidTemplate::Character(c));
        }
    }
    Ok(())
}

/// What makes a URI readable in one way only: up to `{+name}` from the left, where the text after each variable ends it, and
/// from there on from the right, where the text before it does.
fn check_order(parts: &[Part]) -> Result<(), InvalidTemplate> {
    let mut middle: Option<&str> = None;
    for (at, part) in parts.iter().enumerate() {
        let Part::Variable(name, expansion) = part else { continue };
        let text = |at: Option<usize>| match at.and_then(|at| parts.get(at)) {
            Some(Part::Text(text)) => Some(text),
            _ => None,
        };
        match (middle, expansion) {
            (Some(other), Expansion::Reserved) => {
                return Err(InvalidTemplate::Reserved(other.to_owned(), name.clone()));
            }
            (None, Expansion::Reserved) => middle = Some(name),
            (None, Expansion::Simple) if text(Some(at + 1)).is_some_and(|text| text.starts_with(is_simple)) => {
                return Err(InvalidTemplate::After(name.clone()));
            }
            (Some(other), Expansion::Simple)
                if text(at.checked_sub(1)).is_none_or(|text| text.ends_with(is_simple)) =>
            {
                return Err(InvalidTemplate::Before(name.clone(), other.to_owned()));
            }
            (_, Expansion::Simple) => {}
        }
    }
    Ok(())
}

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

fn is_reserved(c: char) -> bool {
    matches!(
        c,
        ':' | '/' | '?' | '#' | '[' | ']' | '@' | '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '='
    )
}

/// What the value of a simple variable is written with.
fn is_simple(c: char) -> bool {
    is_unreserved(c) || c == '%'
}

/// Percent signs are always written as `%25`, in `{+name}` too, where the RFC lets a triplet pass: else a value that holds
/// one would be read as another value.
fn encode(value: &str, expansion: Expansion, uri: &mut String) {
    for c in value.chars() {
        if is_unreserved(c) || (expansion == Expansion::Reserved && is_reserved(c)) {
            uri.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
}

/// The value, unless it is written in a way that no URI is, or is one that no variable may have.
fn decode(written: &str, expansion: Expansion) -> Option<String> {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.bytes();
    while let Some(byte) = rest.next() {
        let value = match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte if is_unreserved(char::from(byte)) => byte,
            byte if expansion == Expansion::Reserved && is_reserved(char::from(byte)) => byte,
            _ => return None,
        };
        bytes.push(value);
    }
    String::from_utf8(bytes).ok().filter(|value| is_value(value, expansion))
}
