//! The forms of lists and of what only stands in lists.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    reader::{At, Form, Reader, Spot, found},
    value::form,
};
use crate::{Access, CapabilityName};

/// A list of at most 32.
#[derive(Debug, Default)]
pub(super) struct List<T>(pub(super) Vec<At<T>>);

const LONGEST_LIST: usize = 32;

impl<T: Form> Form for List<T> {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(list) = value.as_array() else {
            reader.refuse(spot, Refusal::Type { found: found(value), expected: Self::words() });
            return None;
        };
        if list.len() > LONGEST_LIST {
            reader.refuse(spot, Refusal::TooMany { found: list.len(), maximum: LONGEST_LIST });
            return None;
        }
        let elements = list.iter().enumerate();
        Some(Self(elements.filter_map(|(at, value)| reader.read(value, spot.element(at, value.span()))).collect()))
    }

    fn schema() -> Value {
        json!({ "type": "array", "maxItems": LONGEST_LIST, "uniqueItems": true, "items": T::schema() })
    }

    fn words() -> String {
        format!("a list, each element of which is {}", T::words())
    }
}

/// `notebook:write`. The name is resolved later, when all capabilities have been read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: CapabilityName,
    pub(super) access: Access,
}

impl Form for Entry {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(value, spot, Self::words())?;
        let entry = text.split_once(':').and_then(|(name, access)| {
            let access = [Access::Read, Access::Write].into_iter().find(|known| known.as_str() == access)?;
            Some(Self { name: name.parse().ok()?, access })
        });
        if entry.is_none() {
            reader.refuse(spot, form::<Self>(text));
        }
        entry
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[a-z][a-z0-9_-]{0,39}:(read|write)$" })
    }

    fn words() -> String {
        "the name of a capability, a colon and read or write, such as \"notebook:write\"".to_owned()
    }
}

/// A kind of question. This host can put none yet, so there is no value of this type.
#[derive(Debug)]
pub(super) enum Question {}

impl Form for Question {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(value, spot, Self::words())?;
        reader.refuse(spot, Refusal::NoQuestions(text.to_owned()));
        None
    }

    fn schema() -> Value {
        json!({ "not": {} })
    }

    fn words() -> String {
        "a kind of question, of which this host offers none in this version".to_owned()
    }
}
