//! What a tool may ask a person, and whether a reply is one. The host puts the question, so the host says what a question is
//! (catalogue MC-11): a flat form, as MCP elicitation has it, that never asks for a secret.

use portcullis_admission::{Answered, BadSchema, Schema};
use portcullis_backend::{Asking, Question, QuestionKind, Reply};
use portcullis_manifest::Limits;
use portcullis_sandbox::{NeedsInput, ToolQuestion};
use serde_json::{Map, Value};

use super::{sampling, secrets};
use crate::clean;

/// Longest message of a question, in bytes.
const MESSAGE: usize = 2_000;

/// Longest key of a question, in bytes.
const KEY: usize = 64;

/// Most bytes of a question's schema.
const SCHEMA: usize = 8 << 10;

/// A tool asks something that the host does not put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAsked {
    #[error("the tool ended with needs-input and without a question")]
    None,
    #[error("the tool asks {found} questions at once; `limits.questions` of its manifest allows {limit}")]
    TooMany { found: usize, limit: u64 },
    #[error("the tool keeps {found} bytes of state between rounds; `limits.state` of its manifest allows {limit}")]
    State { found: usize, limit: u64 },
    #[error("the key of a question is 1 to {KEY} letters, digits, `_` and `-`, and no two questions share one")]
    Key,
    #[error("the message of question `{0}` is empty, longer than {MESSAGE} bytes, or of more than one line")]
    Message(String),
    #[error("the schema of question `{key}` is not a flat form: {why}")]
    Schema { key: String, why: String },
    #[error(
        "question `{0}` has a field that is a list, and the revision of MCP that this client speaks has none (2025-11-25 does): say \
         what the tool needs in the arguments, if they take it, or use a newer client"
    )]
    Lists(String),
    #[error("what it wants a model to say (`{key}`) is not put to one: {why}")]
    Sampling { key: String, why: String },
    #[error("question `{key}` speaks of `{word}`: nothing secret is asked for through a form")]
    Sensitive { key: String, word: &'static str },
}

/// The questions that a tool asks, in the host's words.
pub(super) fn questions(who: &str, asked: NeedsInput, limits: &Limits) -> Result<(Vec<Question>, Vec<u8>), NotAsked> {
    let NeedsInput { questions, samplings, roots, state } = asked;
    let (found, limit) = (questions.len() + samplings.len() + roots.len(), limits.questions);
    if found == 0 {
        return Err(NotAsked::None);
    }
    if found as u64 > limit {
        return Err(NotAsked::TooMany { found, limit });
    }
    if state.len() as u64 > limits.state {
        return Err(NotAsked::State { found: state.len(), limit: limits.state });
    }
    let mut put: Vec<Question> = Vec::with_capacity(found);
    let forms = questions.into_iter().map(|question| one(who, question));
    let samplings = samplings.into_iter().map(|sampling| sampling::one(who, sampling));
    let roots = roots.into_iter().map(|key| Ok(Question { key: self::key(key)?, kind: QuestionKind::Roots }));
    for question in forms.chain(samplings).chain(roots) {
        let question = question?;
        if put.iter().any(|earlier| earlier.key == question.key) {
            return Err(NotAsked::Key);
        }
        put.push(question);
    }
    Ok((put, state))
}

/// Whether the client knows all that the forms hold.
pub(super) fn known_to(can: Asking, questions: &[Question]) -> Result<(), NotAsked> {
    let is_list = |property: &Value| property["type"] == "array";
    let has_list = |question: &&Question| match &question.kind {
        QuestionKind::Form { schema, .. } => {
            schema["properties"].as_object().is_some_and(|properties| properties.values().any(is_list))
        }
        QuestionKind::Sampling(_) | QuestionKind::Roots => false,
    };
    match questions.iter().find(has_list).filter(|_| !can.lists) {
        Some(question) => Err(NotAsked::Lists(question.key.clone())),
        None => Ok(()),
    }
}

/// The name under which a reply comes back.
pub(super) fn key(key: String) -> Result<String, NotAsked> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if key.is_empty() || key.len() > KEY || !key.bytes().all(plain) {
        return Err(NotAsked::Key);
    }
    Ok(key)
}

fn one(who: &str, question: ToolQuestion) -> Result<Question, NotAsked> {
    let ToolQuestion { key, message, schema } = question;
    let key = self::key(key)?;
    let message = clean::text(message);
    // One line: what follows a line break would look like the host's own words.
    if message.trim().is_empty() || message.len() > MESSAGE || message.chars().any(char::is_control) {
        return Err(NotAsked::Message(key));
    }
    let wrong = |why: &str| NotAsked::Schema { key: key.clone(), why: why.to_owned() };
    if schema.len() > SCHEMA {
        return Err(wrong("it is longer than 8 KiB"));
    }
    let mut schema: Value =
        serde_json::from_str(&schema).map_err(|error| wrong(&format!("it is not JSON: {error}")))?;
    clean::value(&mut schema);
    flat(&schema).map_err(|why| wrong(&why))?;
    if let Some(word) = secrets::in_prose(&message).or_else(|| named_in(&schema)) {
        return Err(NotAsked::Sensitive { key, word });
    }
    compiled(&schema).map_err(|error| wrong(&error.to_string()))?;
    // Who asks is said by the host: a tool's message could name anybody.
    Ok(Question { key, kind: QuestionKind::Form { message: format!("The tool `{who}` asks: {message}"), schema } })
}

/// The form's schema as JSON Schema: `enumNames` is MCP's own (2025-06-18), and says nothing about values.
fn compiled(schema: &Value) -> Result<Schema, BadSchema> {
    let mut schema = schema.clone();
    let properties = schema["properties"].as_object_mut();
    for property in properties.into_iter().flat_map(Map::values_mut) {
        if let Some(property) = property.as_object_mut() {
            property.shift_remove("enumNames");
        }
    }
    Schema::compile(&schema)
}

/// The secret that a form asks for: by the names, titles and descriptions of what a person fills in. What they choose from is
/// often their own (the titles of notes), and nothing is typed there.
fn named_in(form: &Value) -> Option<&'static str> {
    let said =
        |part: &Value| ["title", "description"].iter().find_map(|key| part[*key].as_str().and_then(secrets::in_prose));
    let properties = form["properties"].as_object();
    said(form).or_else(|| {
        properties?.iter().find_map(|(name, property)| {
            // What is switched on or off is no secret.
            let typed = property["type"] != "boolean";
            typed
                .then(|| secrets::in_name(name).or_else(|| title(property).and_then(secrets::in_name)))
                .flatten()
                .or_else(|| said(property))
        })
    })
}

fn title(property: &Value) -> Option<&str> {
    property["title"].as_str()
}

const OBJECT: &[&str] = &["type", "properties", "required", "title", "description", "$schema", "additionalProperties"];
const STRING: &[&str] =
    &["type", "title", "description", "default", "minLength", "maxLength", "format", "enum", "enumNames", "oneOf"];
/// `format` of a text.
const FORMATS: &[&str] = &["email", "uri", "date", "date-time"];
const NUMBER: &[&str] = &["type", "title", "description", "default", "minimum", "maximum"];
const BOOLEAN: &[&str] = &["type", "title", "description", "default"];
const ARRAY: &[&str] = &["type", "title", "description", "default", "minItems", "maxItems", "items"];

/// `requestedSchema` of MCP (2025-11-25, 2026-07-28): an object of primitives and choices, one level deep.
fn flat(schema: &Value) -> Result<(), String> {
    let object = schema.as_object().ok_or("it is not an object")?;
    only(object, OBJECT)?;
    if object.get("type") != Some(&Value::from("object")) {
        return Err("its `type` is not \"object\"".to_owned());
    }
    let properties = object.get("properties").and_then(Value::as_object).ok_or("it has no `properties`")?;
    for (name, property) in properties {
        // Some clients show the name, and letters of other alphabets look like these.
        if name.is_empty() || name.len() > KEY || !name.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return Err(format!("a property's name is 1 to {KEY} ASCII characters: put other words into its `title`"));
        }
        property_is_flat(property).map_err(|why| format!("`{name}`: {why}"))?;
    }
    Ok(())
}

fn property_is_flat(property: &Value) -> Result<(), String> {
    let property = property.as_object().ok_or("it is not an object")?;
    match property.get("type").and_then(Value::as_str) {
        Some("string") => {
            only(property, STRING)?;
            if property.get("format").is_some_and(|format| !FORMATS.iter().any(|known| format == known)) {
                return Err("its `format` is none of email, uri, date, date-time".to_owned());
            }
            choices(property.get("oneOf"))
        }
        Some("number" | "integer") => only(property, NUMBER),
        Some("boolean") => only(property, BOOLEAN),
        Some("array") => {
            only(property, ARRAY)?;
            let items =
                property.get("items").and_then(Value::as_object).ok_or("an array needs `items` with its choices")?;
            only(items, &["type", "enum", "anyOf"])?;
            if !items.contains_key("enum") && !items.contains_key("anyOf") {
                return Err("an array needs `items` with `enum` or `anyOf`".to_owned());
            }
            choices(items.get("anyOf"))
        }
        _ => Err("its `type` is none of string, number, integer, boolean, array".to_owned()),
    }
}

fn choices(list: Option<&Value>) -> Result<(), String> {
    for choice in list.and_then(Value::as_array).into_iter().flatten() {
        only(choice.as_object().ok_or("a choice is not an object")?, &["const", "title"])?;
    }
    Ok(())
}

fn only(object: &Map<String, Value>, allowed: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => Err(format!("`{}` is not of a form", key.chars().take(40).collect::<String>())),
        None => Ok(()),
    }
}

/// The reply to one question, if it is one; none: ask again.
pub(super) fn reply(schema: &Value, reply: Option<&Reply>) -> Option<Answered> {
    match reply? {
        Reply::Declined => Some(Answered::Declined),
        Reply::Cancelled => Some(Answered::Cancelled),
        Reply::Accepted(content) => {
            // What was not asked for is no part of the answer.
            let asked = schema["properties"].as_object()?;
            let content: Map<String, Value> = content
                .iter()
                .filter(|(name, _)| asked.contains_key(*name))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
            let content = Value::Object(content);
            compiled(schema).ok()?.check(&content).ok()?;
            Some(Answered::Accepted(content.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(schema: Value) -> Result<(Vec<Question>, Vec<u8>), NotAsked> {
        let question = ToolQuestion { key: "k".to_owned(), message: "What?".to_owned(), schema: schema.to_string() };
        questions(
            "notes_create",
            NeedsInput { questions: vec![question], state: vec![1], ..NeedsInput::default() },
            &Limits::default(),
        )
    }

    #[test]
    fn mc_11_a_question_says_which_tool_asks() {
        let (asked, state) = ask(json!({ "type": "object", "properties": { "name": { "type": "string" } } })).unwrap();
        let QuestionKind::Form { message, .. } = &asked[0].kind else { panic!("a form") };
        assert_eq!(message, "The tool `notes_create` asks: What?");
        assert_eq!(state, [1]);
    }

    #[test]
    fn mc_11_every_property_that_elicitation_has_is_a_form() {
        let titled = json!([{ "const": "a", "title": "A" }]);
        ask(json!({ "type": "object", "required": ["a"], "properties": {
            "a": { "type": "string", "format": "email", "minLength": 1, "default": "x" },
            "b": { "type": "string", "enum": ["x"], "enumNames": ["X"] },
            "c": { "type": "string", "oneOf": titled },
            "d": { "type": "integer", "minimum": 1, "maximum": 2 },
            "e": { "type": "boolean", "default": true },
            "f": { "type": "array", "items": { "type": "string", "enum": ["x"] }, "maxItems": 2 },
            "g": { "type": "array", "items": { "anyOf": titled } },
        } }))
        .unwrap();
    }

    /// Fails without [`known_to`]: such a field is no `PrimitiveSchemaDefinition` of 2025-06-18.
    #[test]
    fn mc_11_a_list_is_put_to_a_client_whose_revision_has_lists() {
        let list = json!({ "type": "array", "items": { "type": "string", "enum": ["x"] } });
        let put = |property: Value| ask(json!({ "type": "object", "properties": { "a": property } })).unwrap().0;
        let (plain, lists) = (put(json!({ "type": "string" })), put(list));
        let older = Asking { lists: false, ..Asking::FORM };
        assert_eq!(known_to(Asking::FORM, &lists), Ok(()));
        assert_eq!(known_to(older, &plain), Ok(()));
        assert_eq!(known_to(older, &lists), Err(NotAsked::Lists("k".to_owned())));
    }

    #[test]
    fn mc_11_what_is_not_a_flat_form_is_not_asked() {
        for schema in [
            json!({ "type": "string" }),
            json!({ "type": "object" }),
            json!({ "type": "object", "properties": { "a": { "type": "object", "properties": {} } } }),
            json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "a*" } } }),
            json!({ "type": "object", "properties": { "a": { "type": "array", "items": { "type": "string" } } } }),
            json!({ "type": "object", "properties": { "a": { "$ref": "#" } } }),
            json!({ "type": "object", "properties": {}, "allOf": [] }),
            json!({ "type": "object", "properties": { "a": { "type": "string", "format": "ipv4" } } }),
            json!({ "type": "object", "properties": { "a": { "type": "string", "format": 1 } } }),
            json!({ "type": "object", "properties": { "stra\u{df}e": { "type": "string" } } }),
            json!({ "type": "object", "properties": { "p\u{430}ssword": { "type": "string" } } }),
            json!({ "type": "object", "properties": { "": { "type": "string" } } }),
            json!({ "type": "object", "properties": { "x".repeat(65): { "type": "string" } } }),
        ] {
            assert!(matches!(ask(schema.clone()), Err(NotAsked::Schema { .. })), "{schema}");
        }
    }

    #[test]
    fn mc_11_nothing_secret_is_asked_for() {
        for name in [
            "password",
            "Pass-Word",
            "api_key",
            "apiKey",
            "accessToken",
            "userPassword",
            "new-password",
            "PIN",
            "credit card",
        ] {
            let asked = ask(json!({ "type": "object", "properties": { name: { "type": "string" } } }));
            assert!(matches!(asked, Err(NotAsked::Sensitive { .. })), "{name}");
        }
        for name in ["pinboard", "title", "tokenizer", "secretary", "tokens_left"] {
            assert!(ask(json!({ "type": "object", "properties": { name: { "type": "string" } } })).is_ok(), "{name}");
        }
    }

    /// Fails without [`named_in`], or with one that reads less than a person does.
    #[test]
    fn mc_11_nothing_secret_is_asked_for_anywhere_in_a_form() {
        let form = |property: Value| json!({ "type": "object", "properties": { "a": property } });
        let said = "Your passwords";
        for schema in [
            json!({ "type": "object", "properties": {}, "title": said }),
            json!({ "type": "object", "properties": {}, "description": said }),
            form(json!({ "type": "string", "title": said })),
            form(json!({ "type": "string", "description": said })),
        ] {
            let refused = ask(schema.clone()).unwrap_err();
            assert_eq!(refused, NotAsked::Sensitive { key: "k".to_owned(), word: "password" }, "{schema}");
            assert!(refused.to_string().contains("`password`"), "{refused}");
        }
        // What a person chooses from may be titles of their own.
        for schema in [
            form(json!({ "type": "string", "default": said })),
            form(json!({ "type": "string", "enum": ["a", said] })),
            form(json!({ "type": "string", "enum": ["a"], "enumNames": [said] })),
            form(json!({ "type": "string", "oneOf": [{ "const": "a", "title": said }] })),
            form(json!({ "type": "array", "items": { "anyOf": [{ "const": "a", "title": said }] } })),
            form(json!({ "type": "boolean", "title": "Pin" })),
        ] {
            assert!(ask(schema.clone()).is_ok(), "{schema}");
        }
        // `password` is no format of a text, whatever a client would make of it.
        assert!(matches!(ask(form(json!({ "type": "string", "format": "password" }))), Err(NotAsked::Schema { .. })));
    }

    /// Fails without the look at the message.
    #[test]
    fn mc_11_a_message_asks_for_nothing_secret() {
        let say = |message: &str| {
            let schema = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#.to_owned();
            let question = ToolQuestion { key: "k".to_owned(), message: message.to_owned(), schema };
            questions("t", NeedsInput { questions: vec![question], ..NeedsInput::default() }, &Limits::default())
        };
        for message in ["Session expired. Type your password.", "Your one-time PIN?", "P\u{430}ssword, please"] {
            assert!(matches!(say(message), Err(NotAsked::Sensitive { .. })), "{message}");
        }
        assert!(say("Which of the two pinned notes is meant?").is_ok());
    }

    #[test]
    fn mc_11_numbers_are_bounded_at_their_edge() {
        let limits = Limits::default();
        let question = |n: u64| ToolQuestion {
            key: format!("k{n}"),
            message: "What?".to_owned(),
            schema: json!({ "type": "object", "properties": {} }).to_string(),
        };
        let many = |n: u64| NeedsInput { questions: (0..n).map(question).collect(), ..NeedsInput::default() };
        assert!(questions("t", many(limits.questions), &limits).is_ok());
        assert!(matches!(questions("t", many(limits.questions + 1), &limits), Err(NotAsked::TooMany { .. })));
        assert_eq!(questions("t", many(0), &limits), Err(NotAsked::None));
        let state = |size: u64| NeedsInput {
            questions: vec![question(0)],
            state: vec![0; usize::try_from(size).unwrap()],
            ..NeedsInput::default()
        };
        assert!(questions("t", state(limits.state), &limits).is_ok());
        assert!(matches!(questions("t", state(limits.state + 1), &limits), Err(NotAsked::State { .. })));
        let twice = NeedsInput { questions: vec![question(0), question(0)], ..NeedsInput::default() };
        assert_eq!(questions("t", twice, &limits), Err(NotAsked::Key));
    }

    #[test]
    fn a_reply_is_checked_and_what_was_not_asked_for_is_left_out() {
        let schema = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
        let accepted = |value: Value| {
            let Value::Object(content) = value else { panic!("an object") };
            reply(&schema, Some(&Reply::Accepted(content)))
        };
        assert_eq!(accepted(json!({ "n": 1, "x": 2 })), Some(Answered::Accepted(r#"{"n":1}"#.to_owned())));
        assert_eq!(accepted(json!({ "n": "1" })), None);
        assert_eq!(accepted(json!({})), None);
        assert_eq!(reply(&schema, None), None);
        assert_eq!(reply(&schema, Some(&Reply::Declined)), Some(Answered::Declined));
    }
}
