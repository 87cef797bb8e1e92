//! A question and its reply as MCP writes them: `elicitation/create` in mode `form`, and `ElicitResult`; the mode is left
//! out, because it means the same, and revision 2025-06-18 has none. `sampling/createMessage` and `roots/list`, and their
//! results: only their shape is looked at here, what they hold is the backend's to check.

use std::collections::BTreeMap;

use portcullis_backend::{Question, QuestionKind, Reply, Resume};
use serde_json::{Map, Value};

use crate::{codec::Field, fault::Fault, reply::write};

/// A reply that is not of its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(&'static str);

/// What kind of question an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Form,
    Sampling,
    Roots,
}

/// The code with which a client says that its person does not want the model to be asked.
pub(super) const REJECTED: i64 = -1;

const RESPONSES: &str =
    "`params.inputResponses` must be an object: a reply to each of the questions, by its key in `inputRequests`";

/// The parameters of the request that a question is.
pub(crate) fn write_params(out: &mut Vec<u8>, question: &Question) {
    match &question.kind {
        QuestionKind::Form { message, schema } => {
            out.extend_from_slice(br#"{"message":"#);
            write(out, message);
            out.extend_from_slice(br#","requestedSchema":"#);
            write(out, schema);
            out.push(b'}');
        }
        QuestionKind::Sampling(params) => write(out, params),
        QuestionKind::Roots => out.extend_from_slice(b"{}"),
    }
}

/// `inputRequests`.
pub(crate) fn write_all(out: &mut Vec<u8>, questions: &[Question]) {
    out.push(b'{');
    for (at, question) in questions.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, &question.key);
        out.extend_from_slice(br#":{"method":""#);
        out.extend_from_slice(method(question).as_bytes());
        out.extend_from_slice(br#"","params":"#);
        write_params(out, question);
        out.push(b'}');
    }
    out.push(b'}');
}

/// The method of the request that a question is.
pub(crate) fn method(question: &Question) -> &'static str {
    match &question.kind {
        QuestionKind::Form { .. } => "elicitation/create",
        QuestionKind::Sampling(_) => "sampling/createMessage",
        QuestionKind::Roots => "roots/list",
    }
}

/// What makes a modern call go on. Replies without a state belong to no question, and the call begins anew.
pub(crate) fn resume(responses: Field<Map<String, Value>>, state: Field<String>) -> Result<Option<Resume>, Fault> {
    let replies = if responses == Field::Absent { BTreeMap::new() } else { replies(responses)? };
    match state {
        Field::Is(state) => Ok(Some(Resume { state, replies })),
        Field::Absent => Ok(None),
        Field::Wrong => Err(Fault::params("`params.requestState` must be the string that came with the questions")),
    }
}

/// The replies to questions, by their keys.
pub(crate) fn replies(responses: Field<Map<String, Value>>) -> Result<BTreeMap<String, Reply>, Fault> {
    match responses {
        Field::Is(responses) => read_all(responses).map_err(|malformed| Fault::params(malformed.0)),
        Field::Absent | Field::Wrong => Err(Fault::params(RESPONSES)),
    }
}

fn read_all(responses: Map<String, Value>) -> Result<BTreeMap<String, Reply>, Malformed> {
    let mut replies = BTreeMap::new();
    for (key, response) in responses {
        match response {
            Value::Object(members) if !members.contains_key("action") => {
                // What was asked under this key is sealed. What has the shape of no result at all was not asked.
                if is_message(&members) || is_roots(&members) {
                    replies.insert(key, Reply::Accepted(members));
                }
            }
            response => drop(replies.insert(key, read(Kind::Form, response)?)),
        }
    }
    Ok(replies)
}

/// The result of a question. Whether what it holds fits the question is the backend's to say.
pub(super) fn read(kind: Kind, result: Value) -> Result<Reply, Malformed> {
    match (kind, result) {
        (Kind::Form, result) => elicited(result),
        (Kind::Sampling, Value::Object(members)) if is_message(&members) => Ok(Reply::Accepted(members)),
        (Kind::Sampling, _) => Err(Malformed("a sampled message must have a `role`, `content` and a `model`")),
        (Kind::Roots, Value::Object(members)) if is_roots(&members) => Ok(Reply::Accepted(members)),
        (Kind::Roots, _) => Err(Malformed("`roots` must be a list of objects, each with a `uri`")),
    }
}

/// Whether it has the shape of a `CreateMessageResult`.
fn is_message(members: &Map<String, Value>) -> bool {
    matches!(members.get("role").and_then(Value::as_str), Some("user" | "assistant"))
        && matches!(members.get("content"), Some(Value::Object(_) | Value::Array(_)))
        && members.get("model").is_some_and(Value::is_string)
}

/// Whether it has the shape of a `ListRootsResult`.
fn is_roots(members: &Map<String, Value>) -> bool {
    let roots = members.get("roots").and_then(Value::as_array);
    roots.is_some_and(|roots| roots.iter().all(|root| root.get("uri").is_some_and(Value::is_string)))
}

/// An `ElicitResult`.
fn elicited(result: Value) -> Result<Reply, Malformed> {
    let Value::Object(mut members) = result else {
        return Err(Malformed("a reply to a question must be an object with an `action`"));
    };
    match members.get("action").and_then(Value::as_str) {
        Some("accept") => match members.remove("content") {
            // A form without anything to fill in.
            None => Ok(Reply::Accepted(Map::new())),
            Some(Value::Object(content)) if content.values().all(is_plain) => Ok(Reply::Accepted(content)),
            Some(_) => Err(Malformed(
                "`content` must be an object whose members are strings, numbers, booleans or lists of strings",
            )),
        },
        // What a form held that was not sent off is nobody's business.
        Some("decline") => Ok(Reply::Declined),
        Some("cancel") => Ok(Reply::Cancelled),
        _ => Err(Malformed("`action` must be \"accept\", \"decline\" or \"cancel\"")),
    }
}

impl Kind {
    pub(super) fn of(question: &Question) -> Self {
        match &question.kind {
            QuestionKind::Form { .. } => Self::Form,
            QuestionKind::Sampling(_) => Self::Sampling,
            QuestionKind::Roots => Self::Roots,
        }
    }

    /// As the store keeps it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Form, Self::Sampling, Self::Roots].into_iter().find(|kind| kind.name() == name)
    }
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
        Value::Array(items) => items.iter().all(Value::is_string),
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_action_is_its_reply_and_only_accept_has_content() {
        let held = json!({ "a": "b", "n": 1.5, "i": 3, "t": true, "l": ["x"] });
        let accepted = Reply::Accepted(held.as_object().unwrap().clone());
        assert_eq!(elicited(json!({ "action": "accept", "content": held, "_meta": {} })), Ok(accepted));
        assert_eq!(elicited(json!({ "action": "accept" })), Ok(Reply::Accepted(Map::new())));
        assert_eq!(elicited(json!({ "action": "decline", "content": held })), Ok(Reply::Declined));
        assert_eq!(elicited(json!({ "action": "cancel", "content": null })), Ok(Reply::Cancelled));
    }

    /// Fails without the checks of `elicited`.
    #[test]
    fn mc_09_a_reply_of_another_form_is_refused() {
        for wrong in [
            json!(12345),
            json!(null),
            json!([]),
            json!("accept"),
            json!({}),
            json!({ "action": "Accept" }),
            json!({ "action": ["accept"] }),
            json!({ "action": null, "content": {} }),
            json!({ "action": "accept", "content": [] }),
            json!({ "action": "accept", "content": null }),
            json!({ "action": "accept", "content": "x" }),
            json!({ "action": "accept", "content": { "a": null } }),
            json!({ "action": "accept", "content": { "a": { "b": 1 } } }),
            json!({ "action": "accept", "content": { "a": ["x", 1] } }),
        ] {
            assert!(elicited(wrong.clone()).is_err(), "{wrong}");
        }
    }

    /// Fails without the kind in `read`.
    #[test]
    fn mc_09_a_result_is_taken_for_the_kind_of_question_that_was_asked() {
        let message = json!({ "role": "assistant", "content": { "type": "text", "text": "x" }, "model": "m" });
        let several = json!({ "role": "assistant", "content": [], "model": "m", "stopReason": "toolUse" });
        let roots = json!({ "roots": [{ "uri": "file:///a", "name": "a" }] });
        let declined = json!({ "action": "decline" });
        for (kind, good) in
            [(Kind::Sampling, vec![&message, &several]), (Kind::Roots, vec![&roots]), (Kind::Form, vec![&declined])]
        {
            for result in [&message, &several, &roots, &declined] {
                let read = read(kind, result.clone());
                assert_eq!(read.is_ok(), good.contains(&result), "{kind:?}: {result}");
                if kind != Kind::Form
                    && let Ok(reply) = read
                {
                    assert_eq!(reply, Reply::Accepted(result.as_object().unwrap().clone()));
                }
            }
        }
        for wrong in [
            json!({ "role": "system", "content": {}, "model": "m" }),
            json!({ "role": "user", "content": "x", "model": "m" }),
            json!({ "role": "user", "content": {} }),
            json!({ "roots": {} }),
            json!({ "roots": ["file:///a"] }),
            json!({ "roots": [{ "uri": 3 }] }),
            json!([]),
            json!(null),
        ] {
            for kind in [Kind::Sampling, Kind::Roots, Kind::Form] {
                assert!(read(kind, wrong.clone()).is_err(), "{kind:?}: {wrong}");
            }
        }
    }

    #[test]
    fn modern_replies_are_read_by_their_shape_and_what_is_no_result_is_left_out() {
        let message = json!({ "role": "assistant", "content": { "type": "text", "text": "x" }, "model": "m" });
        let roots = json!({ "roots": [] });
        let responses = json!({ "name": { "action": "decline" }, "sampled": message, "roots": roots, "odd": {}, "more": { "a": 1 } });
        let Value::Object(responses) = responses else { unreachable!("it is written above") };
        let accepted = |value: Value| Reply::Accepted(value.as_object().unwrap().clone());
        let replies = read_all(responses).unwrap();
        let expected = [("name", Reply::Declined), ("sampled", accepted(message)), ("roots", accepted(roots))];
        assert_eq!(replies, BTreeMap::from(expected.map(|(key, reply)| (key.to_owned(), reply))));
    }
}
