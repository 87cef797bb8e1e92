//! Walks the tree that the TOML parser gives and keeps every refusal with its place, so that one run names them all.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Refusal, table::Row};
use crate::{
    Findings,
    finding::{Lines, Wrong, located, nearest},
    text::{self, quoted},
};

/// The name under which findings speak of the manifest, wherever the file really is.
pub(crate) const FILE: &str = "plugin.toml";

/// Where a value stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Spot {
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

/// A value and where it stands, so that relations between values can be refused with a place.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) spot: Spot,
    pub(super) value: T,
}

/// What a value of a manifest may look like: how it is read, and how the schema and the reference show it. Both in one
/// place, so that neither can say what the other does not.
pub(super) trait Form: Sized {
    /// Reads it, or refuses it and gives none.
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self>;
    /// Its JSON Schema.
    fn schema() -> serde_json::Value;
    /// What to write, in words: the end of `write …`.
    fn words() -> String;
    /// Its keys, if it is a table.
    fn rows() -> Vec<Row> {
        Vec::new()
    }
}

/// Collects refusals.
pub(super) struct Reader<'t> {
    lines: Lines<'t>,
    wrong: Vec<Wrong<Refusal>>,
    /// From this line on the text is not TOML: what was read of it may be anything, and what seems to be missing may be
    /// there.
    broken: Option<usize>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { lines: Lines::of(text), wrong: Vec::new(), broken: None }
    }

    pub(super) fn into_findings(self) -> Option<Findings<Refusal>> {
        let (findings, left_off) = located(FILE, &self.lines, self.wrong);
        Findings::of(findings, left_off)
    }

    pub(super) fn refuse(&mut self, spot: &Spot, refusal: Refusal) {
        self.refuse_at(spot.span.start, &spot.path, refusal);
    }

    pub(super) fn refuse_at(&mut self, offset: usize, path: &str, refusal: Refusal) {
        if self.broken.is_none_or(|broken| self.lines.line(offset) < broken) {
            self.wrong.push((offset, path.to_owned(), refusal));
        }
    }

    /// The text is not TOML here. Come first, so that what follows from it is not refused as well.
    pub(super) fn refuse_syntax(&mut self, offset: usize, path: &str, message: String, instead: String) {
        let line = self.lines.line(offset);
        self.broken = Some(self.broken.map_or(line, |broken| broken.min(line)));
        self.wrong.push((offset, path.to_owned(), Refusal::Syntax { message, instead }));
    }

    /// Whether something was refused at that key path or in it.
    pub(super) fn refused(&self, path: &str) -> bool {
        self.wrong.iter().any(|(_, at, _)| at.starts_with(path))
    }

    pub(super) fn line(&self, spot: &Spot) -> usize {
        self.lines.line(spot.span.start)
    }

    /// The key `key` of a table, whose own place stands in for one that is missing.
    pub(super) fn missing(&mut self, table: &Spot, key: &str, words: &str) {
        if self.broken.is_none() {
            let spot = table.child(key, table.span.clone());
            self.refuse(&spot, Refusal::Missing(words.to_owned()));
        }
    }

    pub(super) fn text<'v>(&mut self, value: &'v DeValue<'_>, spot: &Spot, words: String) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.refuse(spot, Refusal::Type { found: found(value), expected: words });
        }
        text
    }

    /// A text that people and models read.
    pub(super) fn linted(
        &mut self,
        value: &DeValue<'_>,
        spot: &Spot,
        form: text::Form,
        words: String,
    ) -> Option<String> {
        let text = self.text(value, spot, words)?;
        let faults = text::faults(text, form);
        for (at, fault) in &faults {
            let offset = match at.and_then(|at| text[at..].chars().next()) {
                Some(wrong) => spot.span.start + self.find(&spot.span, wrong),
                None => spot.span.start,
            };
            self.refuse_at(offset, &spot.path, Refusal::Text(fault.clone()));
        }
        faults.is_empty().then(|| text.to_owned())
    }

    /// Where the character `wrong` of a string's value stands in its source: as it is, or as an escape.
    fn find(&self, span: &Range<usize>, wrong: char) -> usize {
        let source = self.lines.text().get(span.clone()).unwrap_or_default();
        let code = u32::from(wrong);
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            let escaped = rest.strip_prefix('\\').filter(|_| source.starts_with('"')).and_then(|rest| {
                let (digits, short) = match rest.chars().next()? {
                    'u' => (4, None),
                    'U' => (8, None),
                    'x' => (2, None),
                    'b' => (0, Some(8)),
                    't' => (0, Some(9)),
                    'n' => (0, Some(10)),
                    'f' => (0, Some(12)),
                    'r' => (0, Some(13)),
                    'e' => (0, Some(27)),
                    _ => return None,
                };
                short.or_else(|| u32::from_str_radix(rest.get(1..=digits)?, 16).ok())
            });
            let at = source.len() - rest.len();
            // The quotation marks themselves are never what is wrong.
            if escaped == Some(code) || (c == wrong && at > 0) {
                return at;
            }
            rest = &rest[c.len_utf8()..];
            if c == '\\' && source.starts_with('"') {
                let skipped = rest.chars().next().map_or(0, char::len_utf8);
                rest = &rest[skipped..];
            }
        }
        0
    }

    pub(super) fn table<'v, 'i>(
        &mut self,
        value: &'v DeValue<'i>,
        spot: &Spot,
        words: String,
    ) -> Option<&'v DeTable<'i>> {
        let table = value.as_table();
        if table.is_none() {
            self.refuse(spot, Refusal::Type { found: found(value), expected: words });
        }
        table
    }

    /// Refuses every key of `table` that is not in `known`; gives those that seem to have been meant.
    pub(super) fn unknown_keys(
        &mut self,
        table: &DeTable<'_>,
        spot: &Spot,
        known: &[&'static str],
    ) -> Vec<&'static str> {
        let mut meant = Vec::new();
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let written = key.get_ref().to_string();
            let at = spot.child(&written, key.span());
            let refusal = match nearest(&written, known.iter().copied()) {
                Some(near) => {
                    meant.push(near);
                    Refusal::Misspelt { written, near }
                }
                None => Refusal::Unknown { written, offered: known.to_vec() },
            };
            self.refuse(&at, refusal);
        }
        meant
    }

    /// The value of one key, read.
    pub(super) fn key<F: Form>(
        &mut self,
        table: &DeTable<'_>,
        spot: &Spot,
        key: &'static str,
        needed: bool,
    ) -> Option<At<F>> {
        match table.get(key) {
            Some(value) => self.read(value, spot.child(key, value.span())),
            None if needed => {
                self.missing(spot, key, &format!("`{key}`: {}", F::words()));
                None
            }
            None => None,
        }
    }

    pub(super) fn read<F: Form>(&mut self, value: &Spanned<DeValue<'_>>, spot: Spot) -> Option<At<F>> {
        F::read(value.get_ref(), &spot, self).map(|value| At { spot, value })
    }
}

impl Spot {
    pub(super) fn child(&self, key: &str, span: Range<usize>) -> Self {
        let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        let key = if bare { key.to_owned() } else { format!("\"{}\"", text::visible(key)) };
        let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
        Self { span, path }
    }

    /// The element of a list, counted from 1 as lines are.
    pub(super) fn element(&self, index: usize, span: Range<usize>) -> Self {
        Self { span, path: format!("{}[{}]", self.path, index + 1) }
    }
}

/// What stands there, in words.
pub(super) fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What the TOML parser found and what to write. Its words for a text without quotation marks speak of numbers.
pub(super) fn syntax(message: &str, source: &str) -> (String, String) {
    let bare = source.starts_with(|c: char| c.is_alphabetic());
    if bare && (message.contains("float") || message.contains("string values must be quoted")) {
        let message = format!("{} is neither a number nor quoted text", quoted(source));
        return (message, "text between quotation marks".to_owned());
    }
    if is_depth(message) {
        return (
            "it is nested too deep".to_owned(),
            "it flatter; no key of a manifest is deeper than three".to_owned(),
        );
    }
    match message.split_once(", expected ") {
        Some((message, expected)) => (message.to_owned(), format!("{expected} here")),
        None => (message.to_owned(), "what TOML 1.0 allows here".to_owned()),
    }
}

/// Whether the TOML parser stopped because of depth; what it says after that is about brackets it did not look for.
pub(super) fn is_depth(message: &str) -> bool {
    message.starts_with("recursion limit") || message.starts_with("cannot recurse")
}
