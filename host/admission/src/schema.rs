//! JSON Schemas, compiled once. What they may cost was bounded when the release was published (catalogue MC-06, MC-07).

use jsonschema::Validator;
use serde_json::Value;

/// Most characters of one difference.
const LONGEST: usize = 200;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema(Validator);

/// A schema that the validator does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSchema(String);

/// What is wrong with a value, in words that a model can mend it by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(String);

impl Schema {
    /// Compiles `schema` (JSON Schema 2020-12). Nothing is fetched, and patterns run in linear time.
    ///
    /// # Errors
    /// Says what is wrong with the schema.
    pub fn compile(schema: &Value) -> Result<Self, BadSchema> {
        let validator = portcullis_manifest::validator(schema);
        validator.map(Self).map_err(|error| BadSchema(clip(&error.to_string())))
    }

    /// Checks `value`.
    ///
    /// # Errors
    /// The first difference, with the place it is at. Not all of them: finding them all can cost a thousand times what
    /// finding one does, and who sends the value would choose that.
    pub fn check(&self, value: &Value) -> Result<(), Misfit> {
        self.0.validate(value).map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the whole" } else { &place };
            // Without the value: a long one would push the rule out of sight, and who sent it knows it.
            Misfit(clip(&format!("{place}: {}", error.masked())))
        })
    }
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mc_08_a_misfit_says_where_and_what() {
        let schema = Schema::compile(&json!({
            "type": "object", "additionalProperties": false, "required": ["title"],
            "properties": { "title": { "type": "string", "maxLength": 3 }, "tags": { "type": "array", "items": { "type": "string" } } }
        }))
        .unwrap();
        assert_eq!(schema.check(&json!({ "title": "abc" })), Ok(()));
        let error = schema.check(&json!({ "title": "abcd" })).unwrap_err().to_string();
        assert!(error.starts_with("/title: "), "{error}");
        let error = schema.check(&json!({ "title": "abc", "tags": ["a", 1] })).unwrap_err().to_string();
        assert!(error.starts_with("/tags/1: "), "{error}");
        let error = schema.check(&json!({})).unwrap_err().to_string();
        assert_eq!(error, "the whole: \"title\" is a required property");
    }

    #[test]
    fn mc_07_a_pattern_that_backtracks_is_refused() {
        for pattern in [r"^(a|a)*\1$", "(?=a)b", "(?:a{1,1000}){1,1000}"] {
            assert!(Schema::compile(&json!({ "type": "string", "pattern": pattern })).is_err(), "{pattern}");
        }
    }

    #[test]
    fn mc_06_nothing_is_fetched() {
        for reference in ["https://example.com/s.json", "file:///etc/passwd"] {
            assert!(Schema::compile(&json!({ "$ref": reference })).is_err(), "{reference}");
        }
    }

    #[test]
    fn an_error_stays_short_whatever_the_value() {
        let schema = Schema::compile(&json!({ "items": { "type": "string" } })).unwrap();
        let error = schema.check(&json!(vec![json!({ "k": "v".repeat(100_000) }); 100])).unwrap_err().to_string();
        assert!(error.len() < 1000 && !error.contains("vvv"), "{error}");
    }
}
