//! Addresses in a text, and whether the manifest declares where they lead.

use super::refusal::WidgetRefusal;
use crate::{
    Widget,
    http::{Origin, OriginPattern, Scheme},
};

/// Names that look like addresses and are never opened: namespaces of XML, names of schemas, and where a library says that its
/// errors are explained. Scheme and all, up to where the name ends.
const NAMES: [&str; 10] = [
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/1998/Math/MathML",
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
    "http://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft/2020-12/schema",
    "https://reactjs.org/docs/error-decoder.html",
    "https://react.dev/errors/",
];

/// What an address may hold in itself.
const DATA: [&str; 6] = ["image/", "font/", "audio/", "video/", "application/font", "application/x-font"];

/// What a browser opens an address for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To show it in the page.
    Load,
    /// To show it in a frame.
    Frame,
    /// To go there.
    Link,
}

/// What a page may name.
pub(super) struct Declared<'w> {
    load: &'w [OriginPattern],
    frame: &'w [OriginPattern],
    origins: Vec<&'w OriginPattern>,
    pub(super) connects: bool,
}

impl<'w> Declared<'w> {
    pub(super) fn of(widget: &'w Widget) -> Self {
        let lists = [&widget.connect, &widget.load, &widget.frame, &widget.redirect];
        let origins = lists.into_iter().flatten().chain(&widget.domain).collect();
        Self { load: &widget.load, frame: &widget.frame, origins, connects: !widget.connect.is_empty() }
    }

    /// Every address in `text` that leads where the manifest does not say, with its byte.
    pub(super) fn undeclared(&self, text: &str) -> Vec<(usize, WidgetRefusal)> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        for (at, end) in slashes(bytes) {
            let host = host_after(text, end);
            if host.is_empty() {
                // Put together by a script: where it leads is up to the page's policy.
                continue;
            }
            match scheme_before(bytes, at) {
                Some(scheme) => {
                    let begins = at - scheme.len() - 1;
                    found.extend(self.refusal(scheme, host, &text[end..], None).map(|why| (begins, why)));
                }
                // Without a scheme it is an address where a text begins with it; elsewhere it is a comment.
                None if host.contains('.') && matches!(bytes[..at].last(), Some(b'"' | b'\'' | b'`' | b'(' | b'=')) => {
                    found.extend(self.refusal("https", host, &text[end..], None).map(|why| (at, why)));
                }
                None => {}
            }
        }
        found
    }

    /// What is wrong with an address that a browser opens as `purpose`.
    pub(super) fn address(&self, text: &str, purpose: Purpose) -> Option<WidgetRefusal> {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        if text.contains(|c: char| c == '\\' || c.is_control()) {
            let what = "an address holds a backslash, a tab or a new line";
            return Some(WidgetRefusal::Unclear(what, "it on one line, with `/`"));
        }
        let (scheme, rest) = match scheme_of(text) {
            Some((scheme, rest)) => (scheme, rest),
            None if text.starts_with("//") => ("https".to_owned(), text),
            None => return Some(WidgetRefusal::Beside(text.chars().take(60).collect())),
        };
        match (scheme.as_str(), rest.strip_prefix("//"), purpose) {
            ("https" | "http", Some(rest), _) => {
                // A browser ends a host here and nowhere else.
                let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
                self.refusal(&scheme, host, rest, Some(purpose))
            }
            ("data", _, Purpose::Load) if DATA.iter().any(|kind| starts(rest, kind)) => None,
            ("mailto" | "tel", _, Purpose::Link) => None,
            ("javascript" | "vbscript", ..) => None,
            _ => Some(WidgetRefusal::Scheme(format!("{scheme}:"))),
        }
    }

    /// `rest` begins with `host`. Without a purpose it is only named.
    fn refusal(&self, scheme: &str, host: &str, rest: &str, purpose: Option<Purpose>) -> Option<WidgetRefusal> {
        let named = |name: &&str| {
            let name = name.strip_prefix(scheme).and_then(|name| name.strip_prefix("://"));
            name.is_some_and(|name| rest.starts_with(name) && (name.ends_with('/') || ends_after(rest, name.len())))
        };
        if purpose.is_none() && NAMES.iter().any(named) {
            return None;
        }
        // A web socket is declared as the origin that it begins with.
        let lower = match scheme {
            "wss" => "https",
            "ws" => "http",
            scheme => scheme,
        };
        let host = host.to_ascii_lowercase();
        match format!("{lower}://{host}").parse::<Origin>() {
            Ok(origin) if origin.scheme() != Scheme::Https => {
                Some(refused(scheme, &host, "whoever is on the way could change it"))
            }
            Ok(origin) => {
                let shown = format!("{scheme}://{host}");
                let holds = |list: &[OriginPattern]| list.iter().any(|declared| declared.matches(&origin));
                match purpose {
                    Some(Purpose::Load) if !holds(self.load) => Some(WidgetRefusal::Load(shown)),
                    Some(Purpose::Frame) if !holds(self.frame) => Some(WidgetRefusal::Frame(shown)),
                    _ if self.origins.iter().any(|declared| declared.matches(&origin)) => None,
                    _ => Some(WidgetRefusal::Origin(shown)),
                }
            }
            Err(why) => Some(refused(scheme, &host, &why.to_string())),
        }
    }
}

fn refused(scheme: &str, host: &str, why: &str) -> WidgetRefusal {
    WidgetRefusal::BadOrigin(format!("{scheme}://{host}"), why.to_owned())
}

fn ends_after(rest: &str, at: usize) -> bool {
    rest[at..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '.' && c != '-' && c != '@')
}

/// Each `//` that is not part of another, and where it ends. In a script it may be written `\/\/`.
fn slashes(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let first = at + bytes.get(at..)?.iter().position(|byte| *byte == b'/')?;
            let escaped = usize::from(bytes.get(first + 1) == Some(&b'\\'));
            at = first + 1;
            if bytes.get(at + escaped) == Some(&b'/') {
                at += escaped + 1;
                let begins = first - usize::from(escaped == 1 && first > 0 && bytes[first - 1] == b'\\');
                return Some((begins, at));
            }
        }
    })
}

/// `scheme:` and the rest, as browsers read it: letters, digits, `+`, `-` and `.`.
pub(super) fn scheme_of(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(plain);
    named.then(|| (scheme.to_ascii_lowercase(), rest))
}

fn starts(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// The word before `://`, without its colon.
fn scheme_before(bytes: &[u8], slashes: usize) -> Option<&'static str> {
    let before = bytes[..slashes].strip_suffix(b":")?;
    // The longest first: `https` ends in no other of them, `wss` neither.
    ["https", "http", "wss", "ws", "ftp"].into_iter().find(|scheme| {
        before.len() >= scheme.len()
            && before[before.len() - scheme.len()..].eq_ignore_ascii_case(scheme.as_bytes())
            && before[..before.len() - scheme.len()].last().is_none_or(|byte| !byte.is_ascii_alphanumeric())
    })
}

/// Host, port and whatever else stands before the path: what is no origin is refused as none.
fn host_after(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-._:@[]*%".contains(c) || !c.is_ascii()));
    rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_slashes_are_found_however_they_are_written() {
        for (text, expected) in [
            ("a//b", &[(1, 3)][..]),
            ("//", &[(0, 2)]),
            ("///", &[(0, 2)]),
            ("////", &[(0, 2), (2, 4)]),
            ("/", &[]),
            ("", &[]),
            ("/a/", &[]),
            ("/ /", &[]),
            (r"a\/\/b", &[(1, 5)]),
            (r"/\/", &[(0, 3)]),
            (r"x/\/", &[(1, 4)]),
            (r"\//", &[(1, 3)]),
            (r"\/\/", &[(0, 4)]),
            (r"/\a/", &[]),
            (r"/\", &[]),
        ] {
            assert_eq!(slashes(text.as_bytes()).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_scheme_is_a_letter_and_then_letters_digits_and_three_signs() {
        for (text, scheme) in [("a:b", "a"), ("A1+b-.c:x:y", "a1+b-.c"), ("https://x", "https"), ("a:", "a")] {
            assert_eq!(scheme_of(text).map(|(scheme, _)| scheme).as_deref(), Some(scheme), "{text}");
        }
        for text in ["1a:b", "a b:c", ":x", "a_b:c", "é:x", "ab", "+a:b", ""] {
            assert_eq!(scheme_of(text), None, "{text}");
        }
        assert_eq!(scheme_of("a:b:c").map(|(_, rest)| rest), Some("b:c"));
    }
}
