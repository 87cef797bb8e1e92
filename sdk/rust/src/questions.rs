//! Asking the person, and reading what was answered.
//!
//! A tool asks by ending: [`Ask::ask`] gives an error that holds the question, and `?` ends the tool with it. The host asks
//! the person and calls the tool again, from its start and with the same arguments; then the same `ask` gives the answer. So
//! a tool that asks reads like one that has to wait:
//!
//! ```
//! use portcullis_plugin::{Context, ToolError, questions::{Ask, Field, Form}};
//!
//! #[derive(serde::Deserialize)]
//! struct Urgency {
//!     priority: String,
//! }
//!
//! fn priority(given: Option<String>, person: &impl Ask) -> Result<String, ToolError> {
//!     if let Some(priority) = given {
//!         return Ok(priority);
//!     }
//!     let form = Form::new("urgency", "How urgent is it?").field(Field::choice("priority", ["low", "normal", "high"]));
//!     Ok(person.ask::<Urgency>(form)?.priority)
//! }
//!
//! fn tool(cx: &Context) -> Result<String, ToolError> {
//!     priority(None, cx)
//! }
//! ```
//!
//! The manifest has to allow it: `ask = ["form"]`. What the call wrote before it asked is dropped, and after a request that was
//! sent it is too late to ask, so ask first. Some clients can't ask; then the tool ends with an error that says so, and the
//! model gives what is missing in the arguments, if they have a place for it.

mod form;
mod memory;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Context, ToolError,
    bindings::portcullis::plugin::{questions as host, types},
};

pub use form::{Field, Form};
pub use memory::Memory;

/// What became of one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply<T> {
    /// The answer, which the question's form has accepted.
    Accepted(T),
    /// The person said no.
    Declined,
    /// The person closed the question without an answer.
    Cancelled,
}

/// One round of questions that was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The state that was given with the questions, unchanged.
    pub state: Vec<u8>,
    /// The keys of the questions, in their order, and what was replied: a JSON object.
    pub answers: Vec<(String, Reply<String>)>,
}

/// Questions of one round, and the state with which the tool goes on. Made into a [`ToolError`], it ends the tool.
///
/// [`Ask::ask`] is made of this and keeps earlier answers in the state; a tool that wants a state of its own, or several
/// questions at once, uses it and [`Ask::answered`] directly.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a tool asks by ending with this: `return Err(questions.into())`"]
pub struct Questions {
    forms: Vec<Form>,
    state: Vec<u8>,
}

/// Whoever can put a question to the person: the [`Context`], and [`Memory`] in tests.
pub trait Ask {
    /// The round that was answered before this run; none in the first.
    fn answered(&self) -> Option<Round>;

    /// The person's answer to `form`. As long as there is none, an error that asks; if the person does not want to answer,
    /// an error that says so. Several of these after each other are several rounds, and each form needs a key of its own.
    fn ask<T: DeserializeOwned>(&self, form: Form) -> Result<T, ToolError> {
        match self.ask_for_reply(form)? {
            Reply::Accepted(answer) => Ok(answer),
            Reply::Declined => Err("The person did not want to answer, and nothing was done.".into()),
            Reply::Cancelled => Err("The person closed the question, and nothing was done.".into()),
        }
    }

    /// As [`ask`](Self::ask), for a tool that can go on without an answer.
    fn ask_for_reply<T: DeserializeOwned>(&self, form: Form) -> Result<Reply<T>, ToolError> {
        let mut known: Vec<(String, Reply<String>)> = Vec::new();
        if let Some(Round { state, answers }) = self.answered() {
            // A state that is not of this function's making holds no earlier answers.
            known = serde_json::from_slice(&state).unwrap_or_default();
            known.extend(answers);
        }
        let Some((key, reply)) = known.iter().find(|(key, _)| *key == form.key) else {
            let state = serde_json::to_vec(&known).map_err(|error| ToolError::new(error.to_string()))?;
            return Err(Questions { forms: [form].into(), state }.into());
        };
        Ok(match reply {
            Reply::Accepted(json) => Reply::Accepted(serde_json::from_str(json).map_err(|error| {
                ToolError::new(format!("The answer to the question `{key}` is not what this tool reads: {error}"))
            })?),
            Reply::Declined => Reply::Declined,
            Reply::Cancelled => Reply::Cancelled,
        })
    }
}

impl Ask for Context {
    fn answered(&self) -> Option<Round> {
        let host::Round { state, answers } = host::answered()?;
        let answer = |host::Answer { key, reply }| {
            let reply = match reply {
                host::Reply::Accepted(json) => Reply::Accepted(json),
                host::Reply::Declined => Reply::Declined,
                host::Reply::Cancelled => Reply::Cancelled,
            };
            (key, reply)
        };
        Some(Round { state, answers: answers.into_iter().map(answer).collect() })
    }
}

impl Round {
    /// The reply to the question of that key, read as `T`.
    pub fn reply<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Reply<T>>, ToolError> {
        let Some((_, reply)) = self.answers.iter().find(|(known, _)| known == key) else { return Ok(None) };
        Ok(Some(match reply {
            Reply::Accepted(json) => Reply::Accepted(serde_json::from_str(json).map_err(|error| {
                ToolError::new(format!("The answer to the question `{key}` is not what this tool reads: {error}"))
            })?),
            Reply::Declined => Reply::Declined,
            Reply::Cancelled => Reply::Cancelled,
        }))
    }
}

impl Questions {
    /// These questions, put at once. No two may share a key.
    pub fn new(forms: impl IntoIterator<Item = Form>) -> Self {
        Self { forms: forms.into_iter().collect(), state: Vec::new() }
    }

    /// What the tool needs to go on with. It comes back unchanged with the answers; nobody else can read it.
    pub fn state(mut self, state: impl Into<Vec<u8>>) -> Self {
        self.state = state.into();
        self
    }

    /// The forms.
    pub fn forms(&self) -> &[Form] {
        &self.forms
    }

    pub(crate) fn into_wire(self) -> types::NeedsInput {
        types::NeedsInput { questions: self.forms.into_iter().map(Form::into_wire).collect(), state: self.state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Named {
        name: String,
    }

    fn form(key: &str) -> Form {
        Form::new(key, "What is it called?").field(Field::text("name"))
    }

    fn two(person: &Memory) -> Result<[String; 2], ToolError> {
        let first: Named = person.ask(form("first"))?;
        let second: Named = person.ask(form("second"))?;
        Ok([first.name, second.name])
    }

    #[test]
    fn each_round_asks_the_next_question_and_keeps_the_answers_before() {
        let person = Memory::new();
        let asked = two(&person).expect_err("asks");
        assert_eq!(asked.questions().map(|asked| asked.forms()[0].key.as_str()), Some("first"));
        person.accept(asked, [("first", r#"{"name":"a"}"#)]);
        let asked = two(&person).expect_err("asks");
        assert_eq!(asked.questions().map(|asked| asked.forms()[0].key.as_str()), Some("second"));
        person.accept(asked, [("second", r#"{"name":"b"}"#)]);
        assert_eq!(two(&person), Ok(["a".to_string(), "b".to_string()]));
    }

    #[test]
    fn who_does_not_answer_ends_the_tool_unless_it_asks_for_that() {
        for (reply, says) in [(Reply::Declined, "did not want"), (Reply::Cancelled, "closed")] {
            let person = Memory::replied("first", reply);
            let error = person.ask::<Named>(form("first")).expect_err("no answer");
            assert!(error.questions().is_none() && error.to_string().contains(says), "{error}");
            assert!(!matches!(person.ask_for_reply::<Named>(form("first")), Ok(Reply::Accepted(_)) | Err(_)));
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error_that_names_its_question() {
        let person = Memory::replied("first", Reply::Accepted("{}".into()));
        let error = person.ask::<Named>(form("first")).expect_err("no name").to_string();
        assert!(error.contains("`first`") && error.contains("missing field `name`"), "{error}");
    }

    #[test]
    fn a_state_of_the_tools_own_comes_back() {
        let person = Memory::new();
        let asked = Questions::new([form("a"), form("b")]).state(*b"\x00mine");
        person.accept(asked.into(), [("a", r#"{"name":"x"}"#)]);
        let round = person.answered().expect("answered");
        assert_eq!(round.state, b"\x00mine");
        assert_eq!(round.reply::<Named>("a"), Ok(Some(Reply::Accepted(Named { name: "x".into() }))));
        assert_eq!(round.reply::<Named>("b"), Ok(Some(Reply::Declined)));
        assert_eq!(round.reply::<Named>("c"), Ok(None));
        // Nor does it stand in the way of another question.
        assert!(person.ask::<Named>(form("d")).expect_err("asks").questions().is_some());
    }
}
