//! The forms of lists and of entries of `uses`.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    reader::{At, Form, Reader, Spot, found},
    value::form,
};
use crate::{Access, CapabilityName};

/// A list of at least `LEAST` and at most `MOST`.
#[derive(Debug)]
pub(super) struct List<T, const LEAST: usize = 0, const MOST: usize = 32>(pub(super) Vec<At<T>>);

impl<T: Form, const LEAST: usize, const MOST: usize> Form for List<T, LEAST, MOST> {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(list) = value.as_array() else {
            reader.refuse(spot, Refusal::Type { found: found(value), expected: Self::words() });
            return None;
        };
        if list.len() < LEAST {
            reader.refuse(spot, Refusal::Empty(T::words()));
            return None;
        }
        if list.len() > MOST {
            reader.refuse(spot, Refusal::TooMany { found: list.len(), maximum: MOST });
            return None;
        }
        let elements = list.iter().enumerate();
        Some(Self(elements.filter_map(|(at, value)| reader.read(value, spot.element(at, value.span()))).collect()))
    }

    fn schema() -> Value {
        json!({ "type": "array", "minItems": LEAST, "maxItems": MOST, "uniqueItems": true, "items": T::schema() })
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
