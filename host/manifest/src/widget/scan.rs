//! A scanner of HTML that reads less than browsers do: what two readers could read in two ways it refuses.

use super::refusal::WidgetRefusal;

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
    pub(super) value: &'p str,
}

fn unclear(at: usize, what: &'static str, instead: &'static str) -> Piece<'static> {
    Piece::Wrong { at, refusal: WidgetRefusal::Unclear(what, instead) }
}

/// The pieces of a page. Looks at each byte a fixed number of times.
pub(super) fn scan(page: &str) -> Vec<Piece<'_>> {
    let mut scanner = Scanner { page, at: 0, pieces: Vec::new(), foreign: 0 };
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
    /// How deep in `<svg>` and `<math>`.
    foreign: usize,
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
        let Some(next) = self.rest().find('<') else { return false };
        self.at += next;
        let after = self.rest().as_bytes().get(1).copied();
        match after {
            Some(b'!') => self.declaration(),
            Some(b'?') => self.wrong("`<?` begins something that is no HTML", "`&lt;?`"),
            Some(b'/') => self.close(),
            Some(byte) if byte.is_ascii_alphabetic() => self.open(),
            _ => {
                self.at += 1;
                true
            }
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
        let doctype = rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
        match rest.find('>') {
            Some(end) if doctype => {
                self.at += end + 1;
                true
            }
            _ => self.wrong("`<!` begins something that is neither a comment nor a doctype", "`&lt;!`"),
        }
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
        if matches!(name.to_ascii_lowercase().as_str(), "svg" | "math") {
            self.foreign = self.foreign.saturating_sub(1);
        }
        self.at += end + 1;
        true
    }

    fn open(&mut self) -> bool {
        let start = self.at;
        let name = name_of(&self.rest()[1..]).to_ascii_lowercase();
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
        match name.as_str() {
            "svg" | "math" if !closes_itself => {
                self.foreign += 1;
                true
            }
            "script" | "style" | "title" | "textarea" if self.foreign > 0 => {
                // Readers leave the drawing, or read what is in it as elements.
                if name == "title" {
                    true
                } else {
                    self.wrong("a drawing holds a script, a style or a text area", "it outside")
                }
            }
            "script" | "style" | "title" | "textarea" => self.raw(&name),
            _ => true,
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
            return self.wrong("a script, style, title or text area does not end", "its closing tag");
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
            _ => {}
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
        self.at += name.len();
        let name = name.to_ascii_lowercase();
        self.blanks();
        if !self.rest().starts_with('=') {
            return Some(Attribute { at, name, value_at: at, value: "" });
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
        Some(Attribute { at, name, value_at, value })
    }
}

/// The name at the beginning of a tag.
fn name_of(text: &str) -> &str {
    let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/' | '<' | '"' | '\'' | '='));
    &text[..end.unwrap_or(text.len())]
}
