//! Reads JSON text strictly and keeps where everything stands. `serde_json` takes the last of two members of one name
//! (catalogue section 5b); a schema that an admin reads one way and a validator another would be worth nothing.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::SchemaRefusal;

/// A value and the byte where it begins.
#[derive(Debug)]
pub(super) struct Json {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<Member>),
}

/// A member of an object and the byte where its name begins.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) value: Json,
}

/// Something that is not strict JSON, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) refusal: SchemaRefusal,
}

/// The deepest nesting (catalogue MC-06, MC-09).
pub(super) const DEEPEST: usize = 64;

/// The value of `text`, or the first thing in it that is not strict JSON.
pub(super) fn parse(text: &str) -> Result<Json, Wrong> {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.wrong("text after the end of the value"));
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &'static str) -> Wrong {
        Wrong { at: self.at, refusal: SchemaRefusal::NotJson(what) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8, what: &'static str) -> Result<(), Wrong> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(what));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Json, Wrong> {
        let at = self.at;
        if depth >= DEEPEST && matches!(self.peek(), Some(b'{' | b'[')) {
            return Err(Wrong { at, refusal: SchemaRefusal::TooDeep });
        }
        let kind = match self.peek() {
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'[') => Kind::Array(self.array(depth)?),
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Kind::Number(self.number()?),
            _ => self.word()?,
        };
        Ok(Json { at, kind })
    }

    fn word(&mut self) -> Result<Kind, Wrong> {
        let words = [("null", Kind::Null), ("true", Kind::Bool(true)), ("false", Kind::Bool(false))];
        for (word, kind) in words {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err(self.wrong("no value here"))
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member>, Wrong> {
        self.at += 1;
        self.space();
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        loop {
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("no member name in quotation marks here"));
            }
            let name = self.string()?;
            if !names.insert(name.clone()) {
                return Err(Wrong { at, refusal: SchemaRefusal::Duplicate(name) });
            }
            self.space();
            self.take(b':', "no colon here")?;
            self.space();
            let value = self.value(depth + 1)?;
            members.push(Member { at, name, value });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break self.at += 1,
                _ => return Err(self.wrong("neither a comma nor the end of the object here")),
            }
            self.space();
        }
        Ok(members)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json>, Wrong> {
        self.at += 1;
        self.space();
        let mut elements = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(elements);
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break self.at += 1,
                _ => return Err(self.wrong("neither a comma nor the end of the list here")),
            }
            self.space();
        }
        Ok(elements)
    }

    /// Finds the end of the string; what is between is `serde_json`'s to decode: escapes, surrogates, controls.
    fn string(&mut self) -> Result<String, Wrong> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(self.wrong("a string without an end")),
            }
        }
        self.at = end + 1;
        let not =
            Wrong { at: start, refusal: SchemaRefusal::NotJson("no JSON string: an escape or control character") };
        self.text.get(start..=end).and_then(|text| serde_json::from_str(text).ok()).ok_or(not)
    }

    /// Numbers that a 64-bit integer or a double can't hold would be another number to another reader.
    fn number(&mut self) -> Result<Number, Wrong> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(rest.len());
        let not = self.wrong("no JSON number, or one that is too large");
        let number: Number = serde_json::from_str(&rest[..length]).map_err(|_| not)?;
        let whole = !rest[..length].contains(['.', 'e', 'E']);
        if whole && number.is_f64() && &rest[..length] != "-0" {
            return Err(self.wrong("a whole number that 64 bits cannot hold"));
        }
        self.at += length;
        Ok(number)
    }
}

impl Json {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Object(members) => members.iter().find(|member| member.name == name).map(|member| &member.value),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The byte where the value begins that a JSON Pointer names.
    pub(super) fn find(&self, pointer: &str) -> usize {
        let mut value = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &value.kind {
                Kind::Array(elements) => part.parse().ok().and_then(|at: usize| elements.get(at)),
                _ => value.get(&part),
            };
            let Some(next) = next else { break };
            value = next;
        }
        value.at
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match &json.kind {
            Kind::Null => Self::Null,
            Kind::Bool(value) => Self::Bool(*value),
            Kind::Number(number) => Self::Number(number.clone()),
            Kind::String(text) => Self::String(text.clone()),
            Kind::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            Kind::Object(members) => {
                let members = members.iter().map(|member| (member.name.clone(), Self::from(&member.value)));
                Self::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> (usize, String) {
        let wrong = parse(text).unwrap_err();
        (wrong.at, wrong.refusal.to_string())
    }

    #[test]
    fn mc_06_a_duplicate_member_is_refused_where_it_stands() {
        let (at, text) = error(r#"{"a": 1, "\u0061": 2}"#);
        assert_eq!((at, text.as_str()), (9, "the member `a` is written twice; write it once"));
    }

    #[test]
    fn mc_06_nesting_is_bounded() {
        assert!(parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_ok());
        let (at, text) = error(&"[".repeat(60_000));
        assert_eq!((at, text.as_str()), (64, "it is nested more than 64 deep; write it flatter"));
        assert!(parse(&"{\"a\":".repeat(60_000)).is_err());
    }

    #[test]
    fn numbers_that_another_reader_would_round_are_refused() {
        assert!(parse("18446744073709551615").is_ok());
        assert!(parse("-9223372036854775808").is_ok());
        assert!(parse("1e10").is_ok());
        assert!(parse("-0").is_ok());
        for wrong in ["18446744073709551616", "-9223372036854775809", "1e400", "01", "+1", ".5", "1.", "0x1", "NaN"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((".{0,6}", inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_reads_back_the_same(value in value(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert_eq!(Value::from(&parse(&text).unwrap()), serde_json::from_str::<Value>(&text).unwrap());
        }

        #[test]
        fn nothing_is_accepted_that_serde_json_refuses(text in r#"[\[\]{}:,"\\a0-9eE.+ tfn-]{0,24}"#) {
            if let Ok(json) = parse(&text) {
                prop_assert_eq!(Value::from(&json), serde_json::from_str::<Value>(&text).unwrap());
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
