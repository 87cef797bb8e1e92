//! The protocol's own JSON Schemas, each compiled part by part as it is asked for.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fs,
    rc::Rc,
};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::place::root;

/// The revisions that a server of today speaks, the oldest first.
pub(super) const REVISIONS: [&str; 3] = ["2025-06-18", "2025-11-25", "2026-07-28"];

/// The revision since which there are no sessions.
pub(super) const MODERN: &str = "2026-07-28";

/// The schema of one revision.
pub(super) struct Schema {
    /// `$defs` or `definitions`.
    key: &'static str,
    whole: Value,
    /// The definition of a request or a notification, by its method.
    methods: BTreeMap<String, String>,
    /// The definition of an error, by its code.
    errors: BTreeMap<i64, String>,
    compiled: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Schema {
    /// Reads the schema of a revision.
    pub(super) fn of(revision: &str) -> Self {
        let mut whole = read(revision);
        let key = if whole["$defs"].is_object() { "$defs" } else { "definitions" };
        if revision == MODERN {
            let Value::Object(more) = read("tasks")["$defs"].take() else { panic!("tasks.json has no $defs") };
            for (name, definition) in more {
                let earlier = whole[key].as_object_mut().expect("a schema has definitions").insert(name, definition);
                assert!(earlier.is_none(), "tasks.json defines what {revision}.json has");
            }
        }
        let (mut methods, mut errors) = (BTreeMap::new(), BTreeMap::new());
        for (name, definition) in whole[key].as_object().expect("a schema has definitions") {
            let properties = &definition["properties"];
            if let Some(method) = properties["method"]["const"].as_str() {
                methods.insert(method.to_owned(), name.clone());
            }
            for part in properties["error"]["allOf"].as_array().into_iter().flatten() {
                if let Some(code) = part["properties"]["code"]["const"].as_i64() {
                    errors.insert(code, name.clone());
                }
            }
        }
        Self { key, whole, methods, errors, compiled: RefCell::default() }
    }

    /// The definition of what has that method.
    pub(super) fn method(&self, method: &str) -> Option<&str> {
        self.methods.get(method).map(String::as_str)
    }

    /// The definition of an error of that code.
    pub(super) fn error(&self, code: i64) -> &str {
        let general = if self.has("JSONRPCErrorResponse") { "JSONRPCErrorResponse" } else { "JSONRPCError" };
        self.errors.get(&code).map_or(general, String::as_str)
    }

    /// The definition of what a result is wrapped in.
    pub(super) fn response(&self) -> &'static str {
        if self.has("JSONRPCResultResponse") { "JSONRPCResultResponse" } else { "JSONRPCResponse" }
    }

    /// The definition of that name, as long as the schema lives.
    pub(super) fn name(&self, definition: &str) -> &str {
        let definitions = self.whole[self.key].as_object().expect("a schema has definitions");
        definitions.get_key_value(definition).map_or("", |(name, _)| name)
    }

    pub(super) fn has(&self, definition: &str) -> bool {
        self.whole[self.key][definition].is_object()
    }

    /// What is wrong with a value that should be what `definition` says; nothing, if it is.
    pub(super) fn faults(&self, definition: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(definition);
        validator.iter_errors(value).map(|error| format!("{definition}{}: {error}", error.instance_path())).collect()
    }

    fn validator(&self, definition: &str) -> Rc<Validator> {
        if let Some(validator) = self.compiled.borrow().get(definition) {
            return Rc::clone(validator);
        }
        assert!(self.has(definition), "there is no {definition}");
        let mut schema = self.whole.clone();
        schema["allOf"] = json!([{ "$ref": format!("#/{}/{definition}", self.key) }]);
        let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{definition}: {error}"));
        let validator = Rc::new(validator);
        self.compiled.borrow_mut().insert(definition.to_owned(), Rc::clone(&validator));
        validator
    }
}

fn read(name: &str) -> Value {
    let path = root().join("tests/conformance/schema").join(name).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
