//! A question and its reply as MCP writes them: `elicitation/create` in mode `form`, and `ElicitResult`. The mode is left
//! out: it means the same, and revision 2025-06-18 has none.

use std::collections::BTreeMap;

use portcullis_backend::{Question, Reply, Resume};
use serde_json::{Map, Value};

use crate::{codec::Field, fault::Fault, reply::write};

/// A reply that is not of its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(&'static str);

const RESPONSES: &str =
    "`params.inputResponses` must be an object: a reply to each of the questions, by its key in `inputRequests`";

/// The parameters of `elicitation/create`.
pub(crate) fn write_params(out: &mut Vec<u8>, question: &Question) {
    out.extend_from_slice(br#"{"message":"#);
    write(out, &question.message);
    out.extend_from_slice(br#","requestedSchema":"#);
    write(out, &question.schema);
    out.push(b'}');
}

/// What makes a modern call go on. Replies without a state belong to no question, and the call begins anew.
pub(crate) fn resume(responses: Field<Map<String, Value>>, state: Field<String>) -> Result<Option<Resume>, Fault> {
    let replies = match responses {
        Field::Is(responses) => read_all(responses).map_err(|malformed| Fault::params(malformed.0))?,
        Field::Absent => BTreeMap::new(),
        Field::Wrong => return Err(Fault::params(RESPONSES)),
    };
    match state {
        Field::Is(state) => Ok(Some(Resume { state, replies })),
        Field::Absent => Ok(None),
        Field::Wrong => Err(Fault::params("`params.requestState` must be the string that came with the questions")),
    }
}

fn read_all(responses: Map<String, Value>) -> Result<BTreeMap<String, Reply>, Malformed> {
    let mut replies = BTreeMap::new();
    for (key, response) in responses {
        match response {
            // The result of another kind of request, which is never made here: nothing that was asked.
            Value::Object(members) if !members.contains_key("action") => {}
            response => drop(replies.insert(key, read(response)?)),
        }
    }
    Ok(replies)
}

/// An `ElicitResult`. Whether what a form holds fits the form is the backend's to say.
pub(super) fn read(result: Value) -> Result<Reply, Malformed> {
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
        assert_eq!(read(json!({ "action": "accept", "content": held, "_meta": {} })), Ok(accepted));
        assert_eq!(read(json!({ "action": "accept" })), Ok(Reply::Accepted(Map::new())));
        assert_eq!(read(json!({ "action": "decline", "content": held })), Ok(Reply::Declined));
        assert_eq!(read(json!({ "action": "cancel", "content": null })), Ok(Reply::Cancelled));
    }

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
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn replies_to_what_is_never_asked_are_left_out() {
        let responses = json!({
            "name": { "action": "decline" },
            "sampled": { "role": "assistant", "content": { "type": "text", "text": "x" }, "model": "m" },
            "roots": { "roots": [] },
        });
        let Value::Object(responses) = responses else { unreachable!("it is written above") };
        let replies = read_all(responses).unwrap();
        assert_eq!(replies, BTreeMap::from([("name".to_owned(), Reply::Declined)]));
    }
}
