//! What a style names. Read as browsers read it as far as comments, texts and `url()` go; what hides behind escapes is refused.

use std::borrow::Cow;

use super::nest::Wrong;

/// Something that a style names, with its byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named<'s> {
    /// In `url()`.
    Address(usize, Cow<'s, str>),
    /// In quotation marks elsewhere: an address where it looks like one.
    Text(usize, Cow<'s, str>),
    /// `@import`.
    Import(usize),
    /// It can't be read safely.
    Unclear(usize, Wrong),
}

/// Everything that a style names. Looks at each byte a fixed number of times.
pub(super) fn read(style: &str) -> Vec<Named<'_>> {
    let bytes = style.as_bytes();
    let (mut at, mut found, mut address) = (0, Vec::new(), false);
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let Some(end) = style[at + 2..].find("*/") else {
                    found.push(Named::Unclear(at, ("a comment of a style does not end", "`*/` where it ends")));
                    return found;
                };
                at += end + 4;
                continue;
            }
            quote @ (b'"' | b'\'') => {
                let Some(end) = text_ends(bytes, at + 1, quote) else {
                    found
                        .push(Named::Unclear(at, ("a text of a style does not end on its line", "its quotation mark")));
                    return found;
                };
                let text = unescaped(&style[at + 1..end]);
                found.push(if address { Named::Address(at + 1, text) } else { Named::Text(at + 1, text) });
                at = end + 1;
            }
            b'\\' => {
                let (hidden, length) = escape(&style[at + 1..]);
                if hidden.is_none_or(|hidden| hidden.is_ascii_alphabetic()) {
                    found.push(Named::Unclear(at, ("a style hides a letter behind `\\`", "the letter itself")));
                }
                at += 1 + length;
            }
            b'@' if starts(&style[at + 1..], "import") => {
                found.push(Named::Import(at));
                at += 1;
            }
            b'u' | b'U' if starts(&style[at..], "url(") && !(at > 0 && is_name(bytes[at - 1])) => {
                at += "url(".len();
                at += style[at..].len() - style[at..].trim_ascii_start().len();
                if matches!(bytes.get(at), Some(b'"' | b'\'')) {
                    address = true;
                    continue;
                }
                let Some(end) = style[at..].find(')') else {
                    found.push(Named::Unclear(start, ("`url(` does not end", "`)` where it ends")));
                    return found;
                };
                let text = style[at..at + end].trim_ascii_end();
                if text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | '\\')) {
                    let why = ("`url()` holds a blank, a quotation mark, a bracket or `\\`", "it in quotation marks");
                    found.push(Named::Unclear(start, why));
                }
                found.push(Named::Address(at, Cow::Borrowed(text)));
                at += end + 1;
            }
            _ => at += 1,
        }
        address = false;
    }
    found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii()
}

fn starts(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// The quotation mark that ends a text. None: another thing ends it.
fn text_ends(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    loop {
        match *bytes.get(at)? {
            byte if byte == quote => return Some(at),
            b'\n' | b'\r' => return None,
            // A line that is escaped goes on.
            b'\\' => at += if bytes.get(at + 1..at + 3) == Some(b"\r\n") { 3 } else { 2 },
            _ => at += 1,
        }
    }
}

/// What stands after `\`, and its bytes. None: nothing, for a text that goes on in the next line.
fn escape(rest: &str) -> (Option<char>, usize) {
    let digits = rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
    if digits > 0 {
        let hidden = u32::from_str_radix(&rest[..digits], 16).ok().and_then(char::from_u32);
        let blank = match &rest.as_bytes()[digits..] {
            [b'\r', b'\n', ..] => 2,
            [byte, ..] if byte.is_ascii_whitespace() => 1,
            _ => 0,
        };
        return (Some(hidden.unwrap_or(char::REPLACEMENT_CHARACTER)), digits + blank);
    }
    match rest.chars().next() {
        Some('\r') if rest[1..].starts_with('\n') => (None, 2),
        Some('\n' | '\r') => (None, 1),
        Some(other) => (Some(other), other.len_utf8()),
        None => (None, 0),
    }
}

fn unescaped(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('\\') else { return Cow::Borrowed(text) };
    let mut plain = text[..first].to_owned();
    let mut rest = &text[first..];
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let (hidden, length) = escape(&rest[at + 1..]);
        plain.extend(hidden);
        rest = &rest[at + 1 + length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `style` names, each with its byte.
    #[track_caller]
    fn names(style: &str, expected: &[&str]) {
        let found: Vec<String> = read(style)
            .into_iter()
            .map(|named| match named {
                Named::Address(at, address) => format!("{at} address {address}"),
                Named::Text(at, text) => format!("{at} text {text}"),
                Named::Import(at) => format!("{at} import"),
                Named::Unclear(at, _) => format!("{at} unclear"),
            })
            .collect();
        assert_eq!(found, expected, "{style}");
    }

    #[test]
    fn addresses_are_what_stands_in_url_and_texts_what_stands_elsewhere() {
        names("a{b:url(x.png)}", &["8 address x.png"]);
        names("url( x )url(y)URL(z)", &["5 address x", "12 address y", "18 address z"]);
        names("url('a') 'b' url( \"c\" )\"d\"", &["5 address a", "10 text b", "19 address c", "24 text d"]);
        names("'a''b'", &["1 text a", "4 text b"]);
        names("@import 'a';@IMPORT url(b)", &["0 import", "9 text a", "12 import", "24 address b"]);
        // Another name that only ends so.
        for name in ["my", "my-", "my_", "é", "1"] {
            names(&format!("{name}url(x)"), &[]);
        }
        names(" url(x)", &["5 address x"]);
        names("curl('x')", &["6 text x"]);
    }

    #[test]
    fn comments_name_nothing_and_have_an_end() {
        names("/* url(x) 'y' */ url(z)", &["21 address z"]);
        names("/*/ url(x) */ url(y)", &["18 address y"]);
        names("/**/url(y)", &["8 address y"]);
        names("a /* b", &["2 unclear"]);
        names("a / b * c", &[]);
    }

    #[test]
    fn what_does_not_end_is_not_clear_and_neither_is_what_holds_more_than_an_address() {
        names("url(a", &["0 unclear"]);
        names("'a\nb' url(x)", &["0 unclear"]);
        names("'a\rb'", &["0 unclear"]);
        names("'a", &["0 unclear"]);
        for inside in ["a b", "a(b", "a'b", "a\"b", "a\\b"] {
            names(&format!("url({inside})"), &["0 unclear", &format!("4 address {inside}")]);
        }
    }

    #[test]
    fn a_text_is_what_a_browser_reads_of_it() {
        names(r"'a\'b' 'c'", &["1 text a'b", "8 text c"]);
        names("'a\\\nb' 'c'", &["1 text ab", "8 text c"]);
        names("'a\\\r\nb' 'c'", &["1 text ab", "9 text c"]);
        names("'a\\\rbc' 'd'", &["1 text abc", "9 text d"]);
        names(r"'\68 ttp://x'", &["1 text http://x"]);
        names(r"'\000068ttp' '\68\74 tp'", &["1 text http", "14 text http"]);
        names(r"'\zx' '\é'", &["1 text zx", "7 text é"]);
        names(r"'\110000 \0'", &["1 text \u{fffd}\0"]);
    }

    #[test]
    fn a_letter_behind_a_backslash_is_not_clear() {
        names(r"\75rl(x)", &["0 unclear"]);
        names(r"\u", &["0 unclear"]);
        names("a\\\nb", &["1 unclear"]);
        names(r"\31 'a'", &["5 text a"]);
        names(r"a\:b\2f url(x)", &["12 address x"]);
    }
}
