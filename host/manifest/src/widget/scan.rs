//! A scanner of HTML that reads less than browsers do: what two readers could read in two ways it refuses.

use std::borrow::Cow;

use super::{
    nest::{Inside, Nest},
    refusal::WidgetRefusal,
};

/// A piece of a page. Offsets are bytes of the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'p> {
    /// `<name …>`: the name in lower case.
    Open { at: usize, name: String, attributes: Vec<Attribute<'p>> },
    /// What stands in `<script>`.
    Script { at: usize, text: &'p str },
    /// What stands in `<style>`.
    Style { at: usize, text: &'p str },
    /// It can't be read further, or not safely.
    Wrong { at: usize, refusal: WidgetRefusal },
}

/// `name=value`, as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute<'p> {
    pub(super) at: usize,
    /// In lower case.
    pub(super) name: String,
    /// Where the value is.
    pub(super) value_at: usize,
    pub(super) value: Cow<'p, str>,
}

impl Attribute<'_> {
    /// Where a byte of the value is in the page; where the value begins, if it is not as it is written.
    pub(super) fn place(&self, offset: usize) -> usize {
        self.value_at + if matches!(self.value, Cow::Borrowed(_)) { offset } else { 0 }
    }
}

fn unclear(at: usize, what: &'static str, instead: &'static str) -> Piece<'static> {
    Piece::Wrong { at, refusal: WidgetRefusal::Unclear(what, instead) }
}

/// The pieces of a page. Looks at each byte a fixed number of times.
pub(super) fn scan(page: &str) -> Vec<Piece<'_>> {
    let mut scanner = Scanner { page, at: 0, pieces: Vec::new(), nest: Nest::default() };
    if page.starts_with('\u{feff}') {
        scanner.pieces.push(unclear(0, "a byte order mark begins the page", "the page without it"));
    }
    if let Some(at) = page.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        scanner.pieces.push(unclear(at, "a control character stands here", "the page without it"));
    }
    while scanner.step() {}
    scanner.pieces
}

struct Scanner<'p> {
    page: &'p str,
    at: usize,
    pieces: Vec<Piece<'p>>,
    nest: Nest,
}

impl<'p> Scanner<'p> {
    fn rest(&self) -> &'p str {
        &self.page[self.at..]
    }

    /// The end is reached where nothing more can be read.
    fn wrong(&mut self, what: &'static str, instead: &'static str) -> bool {
        self.pieces.push(unclear(self.at, what, instead));
        false
    }

    fn step(&mut self) -> bool {
        let Some(next) = self.rest().find('<') else {
            self.at = self.page.len();
            return match self.nest.last() {
                Some(_) => self.wrong("an element does not end", "its closing tag"),
                None => false,
            };
        };
        self.at += next;
        let after = self.rest().as_bytes().get(1).copied();
        match after {
            Some(b'!') => self.declaration(),
            Some(b'?') => self.wrong("`<?` begins something that is no HTML", "`&lt;?`"),
            Some(b'/') => self.close(),
            Some(byte) if byte.is_ascii_alphabetic() => self.open(),
            _ => self.wrong("`<` begins no tag", "`&lt;`"),
        }
    }

    fn declaration(&mut self) -> bool {
        let rest = self.rest();
        if let Some(comment) = rest.strip_prefix("<!--") {
            let Some(end) = comment.find("-->") else {
                return self.wrong("a comment does not end", "`-->` where it ends");
            };
            let text = &comment[..end];
            if text.starts_with('>') || text.starts_with("->") || text.contains("--!>") || text.contains("<!--") {
                return self.wrong("a comment holds what may end it or begin another", "it without");
            }
            self.at += "<!--".len() + end + "-->".len();
            return true;
        }
        let doctype = doctype(self.page);
        if doctype > 0 && self.page[..self.at].trim().is_empty() {
            self.at = doctype;
            return true;
        }
        self.wrong("`<!` begins something that is neither a comment nor the page's doctype", "`<!doctype html>` first")
    }

    fn close(&mut self) -> bool {
        let rest = self.rest();
        let name = name_of(&rest[2..]);
        let Some(end) = rest.find('>').filter(|_| !name.is_empty()) else {
            return self.wrong("a closing tag has no name or does not end", "`</name>`");
        };
        if rest[2 + name.len()..end].contains(|c: char| !c.is_ascii_whitespace()) {
            return self.wrong("a closing tag holds more than its name", "`</name>`");
        }
        if let Err((what, instead)) = self.nest.close(&name.to_ascii_lowercase()) {
            return self.wrong(what, instead);
        }
        self.at += end + 1;
        true
    }

    fn open(&mut self) -> bool {
        let start = self.at;
        let name = name_of(&self.rest()[1..]).to_ascii_lowercase();
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return self.wrong("the name of an element has more than letters, digits and `-`", "another name");
        }
        self.at += 1 + name.len();
        let mut attributes: Vec<Attribute<'p>> = Vec::new();
        let closes_itself = loop {
            self.blanks();
            match self.rest().as_bytes().first() {
                Some(b'>') => break false,
                Some(b'/') if self.rest().starts_with("/>") => break true,
                Some(b'<' | b'"' | b'\'' | b'=' | b'`' | b'/') => {
                    return self
                        .wrong("a tag holds a character that names no attribute", "attributes as `name=\"value\"`");
                }
                Some(_) => match self.attribute() {
                    Some(attribute) if attributes.iter().any(|other| other.name == attribute.name) => {
                        self.at = attribute.at;
                        return self.wrong("an attribute is written twice", "it once");
                    }
                    // A tag that has more is not for people, and each is compared with all before it.
                    Some(_) if attributes.len() == 100 => {
                        return self.wrong("a tag has more than a hundred attributes", "fewer");
                    }
                    Some(attribute) => attributes.push(attribute),
                    None => return false,
                },
                None => return self.wrong("a tag does not end", "`>` where it ends"),
            }
        };
        self.at += if closes_itself { 2 } else { 1 };
        self.pieces.push(Piece::Open { at: start, name: name.clone(), attributes });
        match self.nest.open(&name, closes_itself) {
            Ok(Inside::Markup) => true,
            Ok(Inside::Text) => self.raw(&name),
            Err((what, instead)) => {
                self.at = start;
                self.wrong(what, instead)
            }
        }
    }

    /// Up to the closing tag, which is the first one that could be.
    fn raw(&mut self, name: &str) -> bool {
        let (start, rest) = (self.at, self.rest());
        let closing = |(at, _): &(usize, &str)| {
            let tag = &rest[at + 2..];
            tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
                && tag[name.len()..].starts_with(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/')
        };
        let Some((end, _)) = rest.match_indices("</").find(closing) else {
            return self
                .wrong("a script, style, title, text area, frame or description does not end", "its closing tag");
        };
        let text = &rest[..end];
        match name {
            "script" => {
                if let Some(at) = text.find("<!--") {
                    self.pieces.push(unclear(
                        start + at,
                        "a script holds `<!--`, after which it may not end where it seems to",
                        "`\\x3c!--` in texts",
                    ));
                }
                self.pieces.push(Piece::Script { at: start, text });
            }
            "style" => {
                if let Some(at) = text.find('<') {
                    self.pieces.push(unclear(start + at, "a style holds `<`", "`\\3c` in texts"));
                }
                self.pieces.push(Piece::Style { at: start, text });
            }
            // Some browsers leave out such an element where others don't; then what it holds is part of the page.
            _ => {
                if let Some(at) = text.find('<') {
                    self.pieces.push(unclear(
                        start + at,
                        "a title, text area, frame or description holds `<`",
                        "`&lt;`",
                    ));
                }
            }
        }
        self.at = start + end;
        true
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
    }

    fn attribute(&mut self) -> Option<Attribute<'p>> {
        let at = self.at;
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '"' | '\'' | '<' | '`');
        let name = &self.rest()[..self.rest().find(ends).unwrap_or(self.rest().len())];
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.bytes().all(plain) {
            self.wrong("the name of an attribute has more than letters, digits, `-`, `_`, `:` and `.`", "another name");
            return None;
        }
        self.at += name.len();
        let name = name.to_ascii_lowercase();
        self.blanks();
        if !self.rest().starts_with('=') {
            return Some(Attribute { at, name, value_at: at, value: Cow::Borrowed("") });
        }
        self.at += 1;
        self.blanks();
        let rest = self.rest();
        let (skip, value) = match rest.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => match rest[1..].find(char::from(*quote)) {
                Some(end) => (1, &rest[1..=end]),
                None => {
                    self.wrong("the value of an attribute does not end", "the quotation mark where it ends");
                    return None;
                }
            },
            _ => {
                let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len());
                if rest[..end].contains(['"', '\'', '<', '=', '`']) || end == 0 {
                    self.wrong("a value without quotation marks is empty or holds some", "it in quotation marks");
                    return None;
                }
                (0, &rest[..end])
            }
        };
        let value_at = self.at + skip;
        self.at += value.len() + 2 * skip;
        Some(Attribute { at, name, value_at, value: Cow::Borrowed(value) })
    }
}

/// The name at the beginning of a tag.
fn name_of(text: &str) -> &str {
    let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/' | '<' | '"' | '\'' | '='));
    &text[..end.unwrap_or(text.len())]
}

/// Where the doctype ends that begins the page; 0 if there is none.
pub(super) fn doctype(page: &str) -> usize {
    let rest = page.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let Some(inside) = rest.get(..9).filter(|start| start.eq_ignore_ascii_case("<!doctype")).and(rest.get(9..)) else {
        return 0;
    };
    let name = inside.split('>').next().unwrap_or_default();
    if name.len() == inside.len() || !name.starts_with(' ') || !name.trim().eq_ignore_ascii_case("html") {
        return 0;
    }
    page.len() - inside.len() + name.len() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(at: usize, name: &str) -> Piece<'static> {
        Piece::Open { at, name: name.to_owned(), attributes: Vec::new() }
    }

    /// Where something is refused.
    fn wrong(page: &str) -> Vec<usize> {
        let at = |piece| if let Piece::Wrong { at, .. } = piece { Some(at) } else { None };
        scan(page).into_iter().filter_map(at).collect()
    }

    #[test]
    fn pieces_are_where_they_begin_and_texts_are_whole() {
        assert_eq!(scan("<b>x</b><br/>"), [open(0, "b"), open(8, "br")]);
        assert_eq!(scan("<script>x</script>"), [open(0, "script"), Piece::Script { at: 8, text: "x" }]);
        assert_eq!(scan(" <style>y</STYLE\n>"), [open(1, "style"), Piece::Style { at: 8, text: "y" }]);
        let script = Piece::Script { at: 8, text: "a</scriptx></ script>b" };
        assert_eq!(scan("<script>a</scriptx></ script>b</script>"), [open(0, "script"), script]);
        let attribute = |at, name: &str, value_at, value| Attribute {
            at,
            name: name.to_owned(),
            value_at,
            value: Cow::Borrowed(value),
        };
        assert_eq!(
            scan("<p A='b'  c= d e></p>")[0],
            Piece::Open {
                at: 0,
                name: "p".to_owned(),
                attributes: vec![attribute(3, "a", 6, "b"), attribute(10, "c", 13, "d"), attribute(15, "e", 15, ""),]
            }
        );
    }

    #[test]
    fn what_is_wrong_in_a_text_is_told_where_it_stands() {
        assert_eq!(wrong("<script>ab<!--</script>"), [10]);
        assert_eq!(wrong("<style>ab<c</style>"), [9]);
        assert_eq!(wrong("<title>ab<c</title>"), [9]);
        assert_eq!(wrong("ab\u{1}"), [2]);
        assert_eq!(wrong("<p>x</p>a <"), [10]);
    }
}
