//! The one reader of JSON from outside (catalogue MC-09). It refuses everything on which two JSON parsers may disagree:
//! duplicate keys, numbers without an exact form, lone surrogates, deep nesting, bytes after the value. It reads into
//! typed forms straight from the bytes, so that nothing is parsed twice.

mod number;
mod string;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::HashSet};

use serde_json::{Map, Value, map::Entry};

pub(crate) use number::exact as exact_number;

/// The deepest nesting of objects and arrays that is read. Catalogue MC-09.
pub(crate) const DEPTH: u8 = 64;

/// How many keys of one object are compared one by one before a set is made: most objects are small, and a hostile one
/// must not cost quadratic time.
const FEW_KEYS: usize = 16;

/// JSON that this server does not read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} (byte {at})")]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) fault: JsonFault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonFault {
    #[error("the text is not UTF-8")]
    Utf8,
    #[error("the text ends too early")]
    End,
    #[error("expected {0}")]
    Expected(&'static str),
    #[error("nested deeper than {DEPTH} levels")]
    Depth,
    #[error("the key `{0}` occurs twice in one object")]
    DuplicateKey(String),
    #[error("the number has no exact form here: integers must fit 64 bits, other numbers a double")]
    Number,
    #[error("a lone surrogate in a \\u escape is no character")]
    Surrogate,
    #[error("a control character stands unescaped in a string")]
    Control,
    #[error("an unknown escape in a string")]
    Escape,
    #[error("something follows the value")]
    Trailing,
}

/// Reads one JSON text from front to back.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0, depth: 0 }),
            Err(error) => Err(JsonError { at: error.valid_up_to(), fault: JsonFault::Utf8 }),
        }
    }

    /// The first byte of the next token, which stays unread.
    pub(crate) fn peek(&mut self) -> Result<u8, JsonError> {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(self.fault(JsonFault::End))
    }

    /// That nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => Err(self.fault(JsonFault::Trailing)),
        }
    }

    /// Any value.
    pub(crate) fn value(&mut self) -> Result<Value, JsonError> {
        match self.peek()? {
            b'"' => Ok(Value::String(self.string()?.into_owned())),
            b'{' => self.map().map(Value::Object),
            b'[' => self.array().map(Value::Array),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number().map(Value::Number),
            _ => Err(self.fault(JsonFault::Expected("a JSON value"))),
        }
    }

    /// An object, as it is.
    pub(crate) fn map(&mut self) -> Result<Map<String, Value>, JsonError> {
        let mut map = Map::new();
        self.members(|reader, at, key| {
            let value = reader.value()?;
            match map.entry(key) {
                Entry::Occupied(taken) => return Err(duplicate(at, taken.key())),
                Entry::Vacant(free) => free.insert(value),
            };
            Ok(())
        })?;
        Ok(map)
    }

    /// An object whose members go to `member`, which has to read the value, wanted or not.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        let mut seen = Keys::default();
        self.members(|reader, at, key| {
            member(reader, &key)?;
            seen.add(key, at)
        })
    }

    fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, usize, Cow<'a, str>) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.enter()?;
        if self.peek()? != b'}' {
            loop {
                if self.peek()? != b'"' {
                    return Err(self.fault(JsonFault::Expected("a key in double quotes")));
                }
                let at = self.at;
                let key = self.string()?;
                if self.peek()? != b':' {
                    return Err(self.fault(JsonFault::Expected("`:` after the key")));
                }
                self.at += 1;
                member(self, at, key)?;
                match self.peek()? {
                    b',' => self.at += 1,
                    b'}' => break,
                    _ => return Err(self.fault(JsonFault::Expected("`,` or `}`"))),
                }
            }
        }
        self.leave();
        Ok(())
    }

    fn array(&mut self) -> Result<Vec<Value>, JsonError> {
        self.enter()?;
        let mut items = Vec::new();
        if self.peek()? != b']' {
            loop {
                items.push(self.value()?);
                match self.peek()? {
                    b',' => self.at += 1,
                    b']' => break,
                    _ => return Err(self.fault(JsonFault::Expected("`,` or `]`"))),
                }
            }
        }
        self.leave();
        Ok(items)
    }

    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth == DEPTH {
            return Err(self.fault(JsonFault::Depth));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn word<T>(&mut self, word: &'static str, meaning: T) -> Result<T, JsonError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault(JsonFault::Expected("a JSON value")));
        }
        self.at += word.len();
        Ok(meaning)
    }

    fn fault(&self, fault: JsonFault) -> JsonError {
        JsonError { at: self.at, fault }
    }
}

/// The keys of one object so far.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    fn add(&mut self, key: Cow<'a, str>, at: usize) -> Result<(), JsonError> {
        if self.few.contains(&key) || self.many.contains(&key) {
            return Err(duplicate(at, &key));
        }
        if self.few.len() < FEW_KEYS {
            if self.few.is_empty() {
                self.few.reserve_exact(8);
            }
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
        Ok(())
    }
}

fn duplicate(at: usize, key: &str) -> JsonError {
    // A hostile key may be long; the error has to stay readable.
    JsonError { at, fault: JsonFault::DuplicateKey(key.chars().take(40).collect()) }
}
