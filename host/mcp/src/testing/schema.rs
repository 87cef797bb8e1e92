//! The official schemas.

use serde_json::{Value, json};

/// That `message` is a `definition` of the official schema of `revision`: the one that the conformance suite judges by.
pub(crate) fn assert_valid(revision: &str, definition: &str, message: &Value) {
    let text = match revision {
        "2026-07-28" | "tasks" => include_str!("../../../../tests/conformance/schema/2026-07-28.json"),
        "2025-11-25" => include_str!("../../../../tests/conformance/schema/2025-11-25.json"),
        "2025-06-18" => include_str!("../../../../tests/conformance/schema/2025-06-18.json"),
        other => panic!("there is no schema of {other}"),
    };
    let mut schema: Value = serde_json::from_str(text).unwrap();
    if revision == "tasks" {
        // The extension's own, beside what it refers to.
        let mut own: Value =
            serde_json::from_str(include_str!("../../../../tests/conformance/schema/tasks.json")).unwrap();
        let own = std::mem::take(own["$defs"].as_object_mut().unwrap());
        schema["$defs"].as_object_mut().unwrap().extend(own);
    }
    let definitions = if schema["$defs"].is_object() { "$defs" } else { "definitions" };
    assert!(schema[definitions][definition].is_object(), "{revision} has no {definition}");
    schema["allOf"] = json!([{ "$ref": format!("#/{definitions}/{definition}") }]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(message).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{definition} of {revision}: {errors:?}: {message}");
}
