//! From HTML to text that can be read: one pass over the bytes, no tree, no recursion. Whatever comes in, the time is
//! linear in its length and the output is not much longer than it. What is no text (scripts, styles, comments) is left out.

mod entity;
mod tag;

use std::collections::BTreeMap;

use crate::address::resolve;
use tag::{Tag, next_tag};

/// Most links that get a number; the others are text only.
const MOST_LINKS: usize = 500;
/// Most characters of a title.
const TITLE: usize = 300;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) title: String,
    /// With `[n]` behind each link: its place in `links`, counted from 1.
    pub(crate) text: String,
    pub(crate) links: Vec<String>,
}

/// Reads `html`, in which links are relative to `url`.
pub(crate) fn read(html: &str, url: &str) -> Page {
    let mut reader = Reader { base: url.to_owned(), ..Reader::default() };
    let mut rest = html;
    while !rest.is_empty() {
        let (text, tag, after) = next_tag(rest);
        reader.text(text);
        rest = match tag {
            Some(tag) => reader.tag(tag, after),
            None => after,
        };
    }
    reader.page.text.truncate(reader.page.text.trim_end().len());
    reader.page
}

#[derive(Default)]
struct Reader {
    page: Page,
    base: String,
    /// Line breaks and blanks that come before the next text, if there is any.
    breaks: usize,
    blank: bool,
    /// Elements of that name that are open, of which nothing is shown.
    hidden: Option<(String, usize)>,
    preformatted: usize,
    /// The number of each link.
    numbers: BTreeMap<String, usize>,
    /// The address of the open link, and where its text began.
    link: Option<(String, usize)>,
}

impl Reader {
    fn text(&mut self, raw: &str) {
        if raw.is_empty() || self.hidden.is_some() {
            return;
        }
        for c in entity::decoded(raw) {
            if self.preformatted > 0 && c == '\n' {
                self.breaks += 1;
                self.breaks = self.breaks.min(2);
                // Lines of code stay lines: what comes next begins where it stood.
                self.blank = false;
            } else if self.preformatted > 0 && c == ' ' && (self.breaks > 0 || self.page.text.ends_with(' ')) {
                self.flush();
                self.page.text.push(' ');
            } else if c.is_whitespace() || c == '\u{a0}' {
                self.blank = true;
            } else if !c.is_control() {
                self.flush();
                self.page.text.push(c);
            }
        }
    }

    /// Writes the breaks and the blank that wait.
    fn flush(&mut self) {
        let text = &mut self.page.text;
        if text.is_empty() {
            // Nothing comes before the first word.
        } else if self.breaks > 0 {
            text.extend(std::iter::repeat_n('\n', self.breaks));
        } else if self.blank && !text.ends_with([' ', '\n']) {
            text.push(' ');
        }
        (self.breaks, self.blank) = (0, false);
    }

    fn at_least(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
    }

    /// Does what a tag means; gives where to read on.
    fn tag<'a>(&mut self, tag: Tag<'_>, after: &'a str) -> &'a str {
        if let Some((name, depth)) = &mut self.hidden {
            if *name == tag.name && !tag.empty {
                *depth = if tag.closing { *depth - 1 } else { *depth + 1 };
                if *depth == 0 {
                    self.hidden = None;
                }
            }
            return if tag.closing { after } else { raw_text(&tag.name, after).map_or(after, |(_, after)| after) };
        }
        match (tag.name.as_str(), tag.closing) {
            ("title", false) => {
                let (title, after) = raw_text("title", after).unwrap_or(("", after));
                if self.page.title.is_empty() {
                    let words: String =
                        entity::decoded(title).filter(|c| !c.is_control() || c.is_whitespace()).collect();
                    self.page.title =
                        words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TITLE).collect();
                }
                return after;
            }
            ("svg" | "math" | "template" | "object" | "select", false) if !tag.empty => {
                self.hidden = Some((tag.name, 1));
            }
            ("a", false) => {
                self.end_link();
                if self.page.links.len() < MOST_LINKS
                    && let Some(url) = tag.attribute("href").and_then(|target| resolve(&self.base, &target))
                {
                    self.link = Some((url, self.page.text.len()));
                }
            }
            ("a", true) => self.end_link(),
            ("base", false) => {
                if let Some(base) = tag.attribute("href").and_then(|target| resolve(&self.base, &target)) {
                    self.base = base;
                }
            }
            ("br", _) => self.at_least(1),
            ("hr", _) => {
                self.at_least(1);
                self.text("---");
                self.at_least(1);
            }
            ("img", false) => {
                if let Some(words) = tag.attribute("alt").filter(|words| !words.trim().is_empty()) {
                    self.blank = true;
                    self.text(&format!("({})", words.trim()));
                    self.blank = true;
                }
            }
            ("li", false) => {
                self.at_least(1);
                self.text("-");
                self.blank = true;
            }
            ("td" | "th", false) => {
                if !self.page.text.is_empty() && self.breaks == 0 {
                    self.blank = true;
                    self.text("|");
                }
                self.blank = true;
            }
            (name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6"), false) => {
                self.at_least(2);
                self.text(&"######"[..usize::from(name.as_bytes()[1] - b'0')]);
                self.blank = true;
            }
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "p" | "table" | "blockquote" | "ul" | "ol" | "dl", _) => {
                self.at_least(2);
            }
            ("pre", closing) => {
                self.at_least(2);
                self.preformatted = if closing { self.preformatted.saturating_sub(1) } else { self.preformatted + 1 };
            }
            (
                "div" | "section" | "article" | "header" | "footer" | "main" | "nav" | "aside" | "tr" | "dt" | "dd"
                | "form" | "figure" | "figcaption" | "address" | "details" | "summary" | "body" | "head",
                _,
            ) => self.at_least(1),
            (name, false) => return raw_text(name, after).map_or(after, |(_, after)| after),
            _ => {}
        }
        after
    }

    /// Puts the number of the open link behind its text. A link without text has none.
    fn end_link(&mut self) {
        let Some((url, start)) = self.link.take() else { return };
        if self.page.text.len() <= start {
            return;
        }
        let next = self.page.links.len() + 1;
        let number = *self.numbers.entry(url.clone()).or_insert(next);
        if number == next {
            self.page.links.push(url);
        }
        self.page.text.push_str(&format!(" [{number}]"));
    }
}

/// What stands up to the end of an element in which no tag is one, and what comes after; none for every other element.
fn raw_text<'a>(name: &str, html: &'a str) -> Option<(&'a str, &'a str)> {
    if !matches!(name, "script" | "style" | "iframe" | "noembed" | "noframes" | "xmp" | "title" | "textarea") {
        return None;
    }
    let mut from = 0;
    while let Some(at) = html[from..].find("</").map(|at| from + at) {
        let end = at + 2 + name.len();
        let ends = html.get(at + 2..end).is_some_and(|word| word.eq_ignore_ascii_case(name));
        if ends && html[end..].chars().next().is_none_or(|c| c.is_ascii_whitespace() || c == '/' || c == '>') {
            let after = html[end..].find('>').map_or("", |close| &html[end + close + 1..]);
            return Some((&html[..at], after));
        }
        from = at + 2;
    }
    Some((html, ""))
}

#[cfg(test)]
mod tests;
