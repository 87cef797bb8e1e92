//! A question: a flat form, as MCP elicitation has it.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write as _;

use serde::Serialize;

use crate::bindings::portcullis::plugin::types;

/// A question: a message, and the fields that the person fills in. Their order is the order of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Form {
    pub(super) key: String,
    message: String,
    /// Members of the schema's `properties`, as JSON: a map would not keep their order.
    properties: String,
    /// Elements of the schema's `required`.
    required: String,
}

/// A field of a [`Form`]. It has to be filled in unless it is [`optional`](Self::optional).
///
/// Never ask for a password, a key or a card: the host refuses fields that are named so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Field {
    name: String,
    optional: bool,
    /// Members of its schema, as JSON.
    schema: String,
}

impl Form {
    /// A question without fields. The key names the answer; the host says who is asking.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into(), properties: String::new(), required: String::new() }
    }

    /// One more field.
    pub fn field(mut self, field: Field) -> Self {
        let name = json(&field.name);
        push(&mut self.properties, format_args!("{name}:{{{}}}", field.schema));
        if !field.optional {
            push(&mut self.required, format_args!("{name}"));
        }
        self
    }

    /// The name under which the answer comes back.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is asked.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The schema of the answer, as JSON.
    #[must_use]
    pub fn schema(&self) -> String {
        let (properties, required) = (&self.properties, &self.required);
        alloc::format!(r#"{{"type":"object","properties":{{{properties}}},"required":[{required}]}}"#)
    }

    pub(super) fn into_wire(self) -> types::Question {
        types::Question { schema: self.schema(), key: self.key, message: self.message }
    }
}

impl Field {
    fn new(name: impl Into<String>, kind: &str) -> Self {
        Self { name: name.into(), optional: false, schema: String::new() }.with("type", &kind)
    }

    /// A text.
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, "string")
    }

    /// One of some texts.
    pub fn choice<'a>(name: impl Into<String>, choices: impl IntoIterator<Item = &'a str>) -> Self {
        let choices: Vec<&str> = choices.into_iter().collect();
        Self::new(name, "string").with("enum", &choices)
    }

    /// One of some texts, each with what the person reads in its place.
    pub fn titled_choice<'a>(name: impl Into<String>, choices: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::new(name, "string").with("oneOf", &titled(choices))
    }

    /// Any of some texts: a list.
    pub fn choices<'a>(name: impl Into<String>, choices: impl IntoIterator<Item = &'a str>) -> Self {
        let choices: Vec<&str> = choices.into_iter().collect();
        Self::new(name, "array").with("items", &serde_json::json!({ "type": "string", "enum": choices }))
    }

    /// Any of some texts, each with what the person reads in its place: a list.
    pub fn titled_choices<'a>(name: impl Into<String>, choices: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::new(name, "array").with("items", &serde_json::json!({ "anyOf": titled(choices) }))
    }

    /// What no other function here makes: the name of its type, and [`with`](Self::with) for the rest of its schema.
    pub fn of_type(name: impl Into<String>, kind: &str) -> Self {
        Self::new(name, kind)
    }

    /// Yes or no.
    pub fn yes_no(name: impl Into<String>) -> Self {
        Self::new(name, "boolean")
    }

    /// A whole number.
    pub fn integer(name: impl Into<String>) -> Self {
        Self::new(name, "integer")
    }

    /// A number.
    pub fn number(name: impl Into<String>) -> Self {
        Self::new(name, "number")
    }

    /// It may be left out.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// What stands before it.
    pub fn title(self, title: &str) -> Self {
        self.with("title", &title)
    }

    /// What is said of it.
    pub fn describe(self, text: &str) -> Self {
        self.with("description", &text)
    }

    /// What is filled in before the person does anything.
    pub fn default_value(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.with("default", value)
    }

    /// Of a text: the fewest and the most characters.
    pub fn length(self, least: u32, most: u32) -> Self {
        self.with("minLength", &least).with("maxLength", &most)
    }

    /// Of a number: the least and the greatest.
    pub fn range(self, least: i64, greatest: i64) -> Self {
        self.with("minimum", &least).with("maximum", &greatest)
    }

    /// Of a text: `email`, `uri`, `date` or `date-time`.
    pub fn format(self, format: &str) -> Self {
        self.with("format", &format)
    }

    /// One more keyword of its JSON Schema. The host refuses what MCP elicitation does not have.
    pub fn with(mut self, keyword: &str, value: &(impl Serialize + ?Sized)) -> Self {
        push(&mut self.schema, format_args!("\"{keyword}\":{}", json(value)));
        self
    }
}

fn titled<'a>(choices: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<serde_json::Value> {
    let choice = |(value, title): (&str, &str)| serde_json::json!({ "const": value, "title": title });
    choices.into_iter().map(choice).collect()
}

fn push(list: &mut String, item: core::fmt::Arguments<'_>) {
    let comma = if list.is_empty() { "" } else { "," };
    // Writing into a text can't fail.
    let _ = write!(list, "{comma}{item}");
}

/// What has no JSON form becomes `null`, which the host refuses with the question's name.
fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_a_flat_schema_in_the_order_of_its_fields() {
        let form = Form::new("k", "What?")
            .field(Field::text("title").title("A \"title\"").length(1, 80))
            .field(Field::choice("a", ["x", "y"]).describe("which").default_value("x"))
            .field(Field::integer("n").range(-1, 5).optional())
            .field(Field::yes_no("sure"));
        let schema = concat!(
            r#"{"type":"object","properties":{"title":{"type":"string","title":"A \"title\"","minLength":1,"maxLength":80},"#,
            r#""a":{"type":"string","enum":["x","y"],"description":"which","default":"x"},"#,
            r#""n":{"type":"integer","minimum":-1,"maximum":5},"sure":{"type":"boolean"}},"required":["title","a","sure"]}"#
        );
        assert_eq!(form.schema(), schema);
        assert!(serde_json::from_str::<serde_json::Value>(&form.schema()).is_ok());
        assert_eq!((form.key(), form.message()), ("k", "What?"));
    }

    #[test]
    fn choices_may_have_titles_and_be_several() {
        let form = Form::new("k", "Which?")
            .field(Field::titled_choice("one", [("a", "A"), ("b", "B")]).default_value("a"))
            .field(Field::choices("some", ["a", "b"]))
            .field(Field::titled_choices("titled", [("a", "A")]))
            .field(Field::of_type("old", "string").with("enum", &["a"]).with("enumNames", &["A"]))
            .field(Field::text("when").format("date"));
        let properties = serde_json::json!({
            "one": { "type": "string", "oneOf": [{ "const": "a", "title": "A" }, { "const": "b", "title": "B" }], "default": "a" },
            "some": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } },
            "titled": { "type": "array", "items": { "anyOf": [{ "const": "a", "title": "A" }] } },
            "old": { "type": "string", "enum": ["a"], "enumNames": ["A"] },
            "when": { "type": "string", "format": "date" },
        });
        let schema: serde_json::Value = serde_json::from_str(&form.schema()).expect("is JSON");
        assert_eq!(schema["properties"], properties);
    }

    #[test]
    fn a_form_without_fields_is_one() {
        assert_eq!(Form::new("k", "Go on?").schema(), r#"{"type":"object","properties":{},"required":[]}"#);
    }
}
