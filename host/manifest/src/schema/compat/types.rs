//! The types of the values that a schema can take, and the values themselves where it lists them.

use serde_json::{Map, Value};

/// A set of types. A number is an integer or a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const OBJECT: Self = Self(4);
    pub(super) const ARRAY: Self = Self(8);
    pub(super) const STRING: Self = Self(16);
    pub(super) const INTEGER: Self = Self(32);
    pub(super) const NUMBER: Self = Self(32 | 64);
    pub(super) const ALL: Self = Self(127);

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Those that are left where all of these hold.
    pub(super) fn of(views: &[&Map<String, Value>]) -> Self {
        let each = views.iter().map(|view| {
            let said = view.get("type").map_or(Self::ALL, Self::said);
            let listed = listed(view).map_or(Self::ALL, |values| values.into_iter().fold(Self(0), Self::with));
            Self(said.0 & listed.0)
        });
        each.fold(Self::ALL, |all, types| Self(all.0 & types.0))
    }

    /// What the keyword `type` says.
    pub(super) fn said(value: &Value) -> Self {
        let word = |value: &Value| match value.as_str() {
            Some("null") => 1,
            Some("boolean") => 2,
            Some("object") => Self::OBJECT.0,
            Some("array") => Self::ARRAY.0,
            Some("string") => Self::STRING.0,
            Some("integer") => Self::INTEGER.0,
            Some("number") => Self::NUMBER.0,
            _ => 0,
        };
        match value {
            Value::Array(words) => Self(words.iter().fold(0, |all, value| all | word(value))),
            value => Self(word(value)),
        }
    }

    fn with(self, value: &Value) -> Self {
        Self(
            self.0
                | match value {
                    Value::Null => 1,
                    Value::Bool(_) => 2,
                    Value::Object(_) => Self::OBJECT.0,
                    Value::Array(_) => Self::ARRAY.0,
                    Value::String(_) => Self::STRING.0,
                    // 1.0 is an integer to JSON Schema: it counts as both, which is never too little.
                    Value::Number(number) if number.is_f64() => Self::NUMBER.0,
                    Value::Number(_) => Self::INTEGER.0,
                },
        )
    }
}

/// The only values that this takes, if it lists them.
fn listed(view: &Map<String, Value>) -> Option<Vec<&Value>> {
    if let Some(only) = view.get("const") {
        return Some(vec![only]);
    }
    Some(view.get("enum")?.as_array()?.iter().collect())
}

/// The only values that are taken where all of these hold, as the first that lists them says.
pub(super) fn values<'s>(views: &[&'s Map<String, Value>]) -> Option<Vec<&'s Value>> {
    views.iter().find_map(|view| listed(view))
}
