//! JSON Schemas, compiled once. What they may cost for one part of a value was bounded when the release was published; what
//! they cost for the whole of a value is counted before it is checked (catalogue MC-06, MC-07).

use std::sync::Arc;

use jsonschema::Validator;
use portcullis_manifest::{MAX_STEPS, Meter};
use serde_json::Value;

/// Most characters of one difference.
const LONGEST: usize = 200;

/// The most steps for collecting what is wrong with the branches of one `anyOf` or `oneOf`: each may allocate an error, and
/// takes about 300 ns.
const MAX_EXPLAINING: u64 = 50_000;

/// A compiled schema. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Schema(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    validator: Validator,
    meter: Meter,
}

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
        let validator = portcullis_manifest::validator(schema).map_err(|error| BadSchema(clip(&error.to_string())))?;
        let meter = Meter::of(schema).map_err(|refusal| BadSchema(refusal.to_string()))?;
        Ok(Self(Arc::new(Compiled { validator, meter })))
    }

    /// Checks `value`.
    ///
    /// # Errors
    /// The first difference, with the place it is at. Not all of them: finding them all can cost a thousand times what
    /// finding one does, and who sends the value would choose that. Or that the value takes too many steps to check.
    pub fn check(&self, value: &Value) -> Result<(), Misfit> {
        let Compiled { validator, meter } = &*self.0;
        let Some(reading) = meter.read(value) else {
            return Err(Misfit(format!(
                "the whole: its {} parts take more than {MAX_STEPS} steps to check, the most that this host spends on one \
                 value: send less at once, or the author of the tool writes a simpler schema (\"Schema files\" in the manifest \
                 reference says what a step is)",
                Meter::parts(value)
            )));
        };
        if validator.is_valid(value) {
            return Ok(());
        }
        if reading.explaining > MAX_EXPLAINING {
            return Err(Misfit(format!(
                "somewhere in it: to say where would take {} steps through the branches of `anyOf` or `oneOf`, and at most \
                 {MAX_EXPLAINING} are spent on that: send less at once to learn it",
                reading.explaining
            )));
        }
        match validator.validate(value) {
            // The two never differ; if they did, the stricter would count.
            Ok(()) => Err(Misfit("the whole".to_owned())),
            Err(error) => {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "the whole" } else { &place };
                // Without the value: a long one would push the rule out of sight, and who sent it knows it.
                Err(Misfit(clip(&format!("{place}: {}", error.masked()))))
            }
        }
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

    #[test]
    fn mc_06_a_value_that_takes_too_many_steps_is_refused_before_it_is_checked() {
        let schema = json!({
            "type": "object", "properties": { "a": { "type": "array", "items": { "anyOf": [{ "type": "string" }, { "minimum": 1 }] } } }
        });
        let schema = Schema::compile(&schema).unwrap();
        assert_eq!(schema.check(&json!({ "a": vec![1; 600_000] })), Ok(()));
        let error = schema.check(&json!({ "a": vec![1; 700_000] })).unwrap_err().to_string();
        assert!(error.contains("its 700002 parts take more than 2000000 steps"), "{error}");
    }

    #[test]
    fn mc_06_the_mistakes_of_branches_are_collected_only_where_they_are_few() {
        let items = json!({ "oneOf": [{ "type": "object" }, { "type": "array", "items": { "type": "string" } }] });
        let schema = Schema::compile(&json!({ "type": "object", "properties": { "a": items } })).unwrap();
        let error = schema.check(&json!({ "a": [1, 2] })).unwrap_err().to_string();
        assert!(error.starts_with("/a: "), "{error}");
        let error = schema.check(&json!({ "a": vec![1; 100_000] })).unwrap_err().to_string();
        assert!(error.contains("send less at once to learn it"), "{error}");
    }

    #[test]
    fn mc_06_fifty_thousand_steps_are_spent_on_saying_where_and_no_more() {
        let list = json!({ "type": "array", "items": { "type": "string" } });
        let schema = json!({ "anyOf": [list, { "type": "object" }] });
        let (meter, compiled) = (Meter::of(&schema).unwrap(), Schema::compile(&schema).unwrap());
        let explaining = |items: usize| meter.read(&json!(vec![1; items])).unwrap().explaining;
        let most = (49_000..50_001).find(|items| explaining(*items) == MAX_EXPLAINING).unwrap();
        assert_eq!(explaining(most + 1), MAX_EXPLAINING + 1);
        let said = |items: usize| compiled.check(&json!(vec![1; items])).unwrap_err().to_string();
        assert!(said(most).starts_with("the whole: "), "{}", said(most));
        assert!(said(most + 1).starts_with("somewhere in it: "), "{}", said(most + 1));
    }

    #[test]
    fn a_clone_is_the_same_schema() {
        let schema = Schema::compile(&json!({ "type": "object" })).unwrap();
        assert!(Arc::ptr_eq(&schema.0, &schema.clone().0));
    }
}
