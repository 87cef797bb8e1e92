//! JSON Schemas, compiled once. What they may cost was bounded when the release was published (catalogue MC-06, MC-07).

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// Most differences that an error lists: enough to mend a call with, too few to fill a context with.
const SHOWN: usize = 5;

/// Most characters of one difference.
const LONGEST: usize = 200;

/// Compiled size of one `pattern`, so that a short one can't become a large automaton.
const PATTERN_SIZE: usize = 1 << 20;

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
        jsonschema::draft202012::options()
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE))
            .build(schema)
            .map(Self)
            .map_err(|error| BadSchema(clip(&error.to_string())))
    }

    /// Checks `value`.
    ///
    /// # Errors
    /// Up to five differences, each with the place it is at.
    pub fn check(&self, value: &Value) -> Result<(), Misfit> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let mut errors = self.0.iter_errors(value);
        let mut lines: Vec<String> = errors
            .by_ref()
            .take(SHOWN)
            .map(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "the whole".to_owned() } else { place };
                clip(&format!("{place}: {error}"))
            })
            .collect();
        if errors.next().is_some() {
            lines.push("and more".to_owned());
        }
        Err(Misfit(lines.join("; ")))
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
        let error = schema.check(&json!({ "title": "abcd", "tags": ["a", 1] })).unwrap_err().to_string();
        assert!(error.contains("/title: ") && error.contains("/tags/1: "), "{error}");
        let error = schema.check(&json!({ "x": 1 })).unwrap_err().to_string();
        assert!(error.contains("\"title\" is a required property") && error.contains("'x'"), "{error}");
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
        assert!(error.len() < 5000, "{}", error.len());
        assert!(error.ends_with("; and more"), "{error}");
    }
}
