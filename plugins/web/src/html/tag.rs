//! Tags, as browsers find them in tag soup: quotes count only around a value, and what is no tag is text.

use super::entity;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// In lower case.
    pub(super) name: String,
    pub(super) closing: bool,
    /// `<br/>`.
    pub(super) empty: bool,
    attributes: &'a str,
}

/// The text before the next tag, the tag, and what comes after it. Without a tag there was a comment, or the end.
pub(super) fn next_tag(html: &str) -> (&str, Option<Tag<'_>>, &str) {
    let mut from = 0;
    while let Some(at) = html[from..].find('<').map(|at| from + at) {
        let (text, inside) = (&html[..at], &html[at + 1..]);
        if let Some(comment) = inside.strip_prefix("!--") {
            // `<!-->` and `<!--->` are whole comments.
            let whole = comment.strip_prefix('>').or_else(|| comment.strip_prefix("->"));
            let after = whole.or_else(|| comment.split_once("-->").map(|(_, after)| after));
            return (text, None, after.unwrap_or_default());
        }
        if inside.starts_with(['!', '?']) {
            return (text, None, inside.split_once('>').map_or("", |(_, after)| after));
        }
        let name = inside.strip_prefix('/').unwrap_or(inside);
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let closing = name.len() < inside.len();
            let length = name.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(name.len());
            let rest = &name[length..];
            // A tag that does not end takes the rest with it, as in browsers.
            let end = end(rest).unwrap_or(rest.len());
            let attributes = &rest[..end];
            let tag = Tag {
                name: name[..length].to_ascii_lowercase(),
                closing,
                empty: attributes.ends_with('/'),
                attributes,
            };
            return (text, Some(tag), rest.get(end + 1..).unwrap_or_default());
        }
        if inside.starts_with('/') {
            // `</>` and `</ x>` are nothing.
            return (text, None, inside.split_once('>').map_or("", |(_, after)| after));
        }
        from = at + 1;
    }
    (html, None, "")
}

/// Where the `>` is that ends a tag.
fn end(attributes: &str) -> Option<usize> {
    let mut quote = None;
    let mut value = false;
    for (at, byte) in attributes.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') if value => (quote, value) = (Some(byte), false),
            (None, b'=') => value = true,
            (None, byte) if byte.is_ascii_whitespace() => {}
            (None, _) => value = false,
        }
    }
    None
}

impl Tag<'_> {
    /// The value of the first attribute of that name.
    pub(super) fn attribute(&self, wanted: &str) -> Option<String> {
        let blank = |c: char| c.is_ascii_whitespace() || c == '/';
        let mut rest = self.attributes.trim_start_matches(blank);
        while !rest.is_empty() {
            // A `=` in front is part of the name.
            let from = rest.chars().next().map_or(0, char::len_utf8);
            let stop = rest[from..].find(|c: char| blank(c) || c == '=').map_or(rest.len(), |at| from + at);
            let (name, after) = rest.split_at(stop);
            let spaced = after.trim_start_matches(|c: char| c.is_ascii_whitespace());
            let (value, after) = match spaced.strip_prefix('=') {
                None => ("", after),
                Some(value) => {
                    let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
                    match value.chars().next() {
                        Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                        _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
                    }
                }
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(entity::decoded(value).collect());
            }
            rest = after.trim_start_matches(blank);
        }
        None
    }
}
