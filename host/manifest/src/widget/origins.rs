//! Addresses in a text, and whether the manifest declares where they lead.

use super::refusal::WidgetRefusal;
use crate::{
    Widget,
    http::{Origin, OriginPattern, Scheme},
};

/// Names that look like addresses and are never opened: namespaces of XML.
const NAMESPACES: [&str; 6] = [
    "www.w3.org/1999/xhtml",
    "www.w3.org/2000/svg",
    "www.w3.org/1999/xlink",
    "www.w3.org/1998/Math/MathML",
    "www.w3.org/XML/1998/namespace",
    "www.w3.org/2000/xmlns/",
];

/// What a page may name.
pub(super) struct Declared<'w> {
    origins: Vec<&'w OriginPattern>,
    pub(super) connects: bool,
    pub(super) frames: bool,
}

impl<'w> Declared<'w> {
    pub(super) fn of(widget: &'w Widget) -> Self {
        let lists = [&widget.connect, &widget.load, &widget.frame, &widget.redirect];
        let origins = lists.into_iter().flatten().chain(&widget.domain).collect();
        Self { origins, connects: !widget.connect.is_empty(), frames: !widget.frame.is_empty() }
    }

    /// Every address in `text` that leads where the manifest does not say, with its byte. `alone`: the text may be one address.
    pub(super) fn undeclared(&self, text: &str, alone: bool) -> Vec<(usize, WidgetRefusal)> {
        let bytes = text.as_bytes();
        let blanks = text.len() - text.trim_start().len();
        let mut found = Vec::new();
        for (at, _) in text.match_indices("//") {
            let scheme = scheme_before(bytes, at);
            // Without a scheme it is an address where a text or an attribute begins with it; elsewhere it is a comment.
            let begins = alone && at == blanks || at > 0 && matches!(bytes[at - 1], b'"' | b'\'' | b'`' | b'(' | b'=');
            let host = host_after(text, at + 2);
            match scheme {
                // Put together by a script: nobody can say where it leads.
                Some(scheme @ ("http" | "https" | "ws" | "wss")) if host.is_empty() && !is_quiet(text, at + 2) => {
                    found.push((at - scheme.len() - 1, refused(scheme, "", "its host is not written out")));
                }
                Some(_) if host.is_empty() => {}
                Some(scheme) => {
                    found.extend(self.refusal(scheme, host, &text[at + 2..]).map(|why| (at - scheme.len() - 1, why)))
                }
                None if begins && host.contains('.') => {
                    found.extend(self.refusal("https", host, &text[at + 2..]).map(|why| (at, why)));
                }
                None => {}
            }
        }
        found
    }

    fn refusal(&self, scheme: &str, host: &str, rest: &str) -> Option<WidgetRefusal> {
        if scheme == "http" && NAMESPACES.iter().any(|name| rest.starts_with(name) && ends_after(rest, name.len())) {
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
            Ok(origin) if self.origins.iter().any(|declared| declared.matches(&origin)) => None,
            Ok(_) => Some(WidgetRefusal::Origin(format!("{scheme}://{host}"))),
            Err(why) => Some(refused(scheme, &host, &why.to_string())),
        }
    }
}

fn refused(scheme: &str, host: &str, why: &str) -> WidgetRefusal {
    WidgetRefusal::BadOrigin(format!("{scheme}://{host}"), why.to_owned())
}

/// A template such as `https://` that is only compared with, in quotes of its own.
fn is_quiet(text: &str, at: usize) -> bool {
    text[at..].starts_with(['"', '\'', '`'])
}

fn ends_after(rest: &str, at: usize) -> bool {
    rest[at..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '.' && c != '-' && c != '@')
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
