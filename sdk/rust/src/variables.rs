//! Names and values, as a URI's variables and a prompt's arguments come, read into a type of the author's. Every value is a
//! text; a field may be a text, a choice, or a number or truth value that the text spells.

use alloc::{string::String, vec::Vec};

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{Error, MapDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};

use crate::bindings::portcullis::plugin::types::Argument;

/// The values, as `V`.
pub(crate) fn read<V: DeserializeOwned>(given: Vec<Argument>) -> Result<V, Error> {
    let pairs = given.into_iter().map(|Argument { name, value }| (name, Value(value)));
    V::deserialize(MapDeserializer::new(pairs))
}

struct Value(String);

impl IntoDeserializer<'_, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// What is no number is given as the text, so that the error says what was found and what was wanted.
macro_rules! parsed {
    ($($method:ident $visit:ident),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_string(self.0),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    parsed! {
        deserialize_bool visit_bool,
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32, deserialize_i64 visit_i64,
        deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32, deserialize_u64 visit_u64,
        deserialize_f32 visit_f32, deserialize_f64 visit_f64,
    }

    // A name that was given has a value.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        StringDeserializer::<Error>::new(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Named(String);

    #[derive(Debug, PartialEq, Deserialize)]
    struct All {
        text: String,
        number: u8,
        ratio: f64,
        yes: bool,
        size: Size,
        named: Named,
        there: Option<i32>,
        missing: Option<String>,
    }

    fn given(pairs: &[(&str, &str)]) -> Vec<Argument> {
        pairs.iter().map(|(name, value)| Argument { name: name.to_string(), value: value.to_string() }).collect()
    }

    const ALL: [(&str, &str); 7] = [
        ("text", "7"),
        ("number", "7"),
        ("ratio", "0.5"),
        ("yes", "true"),
        ("size", "small"),
        ("named", "n"),
        ("there", "-3"),
    ];

    #[test]
    fn texts_become_what_the_fields_are() {
        let all = All {
            text: "7".into(),
            number: 7,
            ratio: 0.5,
            yes: true,
            size: Size::Small,
            named: Named("n".into()),
            there: Some(-3),
            missing: None,
        };
        assert_eq!(read(given(&ALL)), Ok(all));
    }

    #[test]
    fn a_text_that_is_not_what_the_field_is_says_both() {
        let mut pairs = ALL;
        pairs[1].1 = "256";
        let error = read::<All>(given(&pairs)).expect_err("no u8").to_string();
        assert!(error.contains("\"256\"") && error.contains("u8"), "{error}");
        pairs[1] = ("number", "1");
        pairs[4].1 = "huge";
        let error = read::<All>(given(&pairs)).expect_err("no size").to_string();
        assert!(error.contains("huge") && error.contains("small"), "{error}");
        assert!(read::<All>(given(&ALL[1..])).expect_err("no text").to_string().contains("missing field `text`"));
    }
}
