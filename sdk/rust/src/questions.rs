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
//! In the same way a tool asks the client's own model ([`Ask::sample`]) and for the client's roots ([`Ask::roots`]).
//!
//! The manifest has to allow it: `ask = ["form"]`, and `sampling` and `roots`. What the call wrote before it asked is dropped, and after a request that was
//! sent it is too late to ask, so ask first. Some clients can't ask; then the tool ends with an error that says so, and the
//! model gives what is missing in the arguments, if they have a place for it.

mod form;
mod memory;
mod model;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Context, ToolError,
    bindings::portcullis::plugin::{questions as host, types},
};

pub use form::{Field, Form};
pub use memory::Memory;
pub use model::{Root, Sampled, Sampling};

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a tool asks by ending with this: `return Err(questions.into())`"]
pub struct Questions {
    forms: Vec<Form>,
    samplings: Vec<Sampling>,
    roots: Vec<String>,
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
        let key = form.key.clone();
        reply(self, &key, || Questions::new([form]))
    }

    /// What the client's own model says to `sampling`. As long as it has said nothing, an error that asks; if the client does not
    /// let it, an error that says so.
    fn sample(&self, sampling: Sampling) -> Result<Sampled, ToolError> {
        let key = sampling.key().to_string();
        match reply(self, &key, || Questions::default().sampling(sampling))? {
            Reply::Accepted(said) => Ok(said),
            Reply::Declined | Reply::Cancelled => Err("The client did not ask its model, and nothing was done.".into()),
        }
    }

    /// The folders and files that the client works on. The key is one of the tool's own choice, as with a form.
    fn roots(&self, key: &str) -> Result<Vec<Root>, ToolError> {
        match reply(self, key, || Questions::default().roots(key))? {
            Reply::Accepted(model::Roots { roots }) => Ok(roots),
            Reply::Declined | Reply::Cancelled => {
                Err("The client did not give its roots, and nothing was done.".into())
            }
        }
    }
}

/// What was replied under a key, or the error that asks, which keeps every earlier answer in its state.
fn reply<T: DeserializeOwned>(
    person: &(impl Ask + ?Sized),
    key: &str,
    ask: impl FnOnce() -> Questions,
) -> Result<Reply<T>, ToolError> {
    let mut known: Vec<(String, Reply<String>)> = Vec::new();
    if let Some(Round { state, answers }) = person.answered() {
        // A state that is not of this function's making holds no earlier answers.
        known = serde_json::from_slice(&state).unwrap_or_default();
        known.extend(answers);
    }
    match known.iter().find(|(known, _)| known == key) {
        Some((key, reply)) => reply.read(key),
        None => {
            let state = serde_json::to_vec(&known).map_err(|error| ToolError::new(error.to_string()))?;
            Err(ask().state(state).into())
        }
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
    /// The reply to the question of that key, read as `T`: a type of your own for a form, [`Sampled`] for a sampling.
    pub fn reply<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Reply<T>>, ToolError> {
        self.find(key).map(|reply| reply.read(key)).transpose()
    }

    /// The roots that came back under that key; none: they were not asked for, or not given.
    pub fn roots(&self, key: &str) -> Result<Option<Vec<Root>>, ToolError> {
        Ok(match self.reply(key)? {
            Some(Reply::Accepted(model::Roots { roots })) => Some(roots),
            _ => None,
        })
    }

    fn find(&self, key: &str) -> Option<&Reply<String>> {
        self.answers.iter().find(|(known, _)| known == key).map(|(_, reply)| reply)
    }
}

impl Reply<String> {
    fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Reply<T>, ToolError> {
        Ok(match self {
            Self::Accepted(json) => Reply::Accepted(serde_json::from_str(json).map_err(|error| {
                ToolError::new(format!("The answer to the question `{key}` is not what this tool reads: {error}"))
            })?),
            Self::Declined => Reply::Declined,
            Self::Cancelled => Reply::Cancelled,
        })
    }
}

impl Questions {
    /// These questions, put at once. No two may share a key, nor with a sampling or roots.
    pub fn new(forms: impl IntoIterator<Item = Form>) -> Self {
        Self { forms: forms.into_iter().collect(), ..Self::default() }
    }

    /// One more: something that the client's own model is to say.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.samplings.push(sampling);
        self
    }

    /// One more: the client's roots, under this key.
    pub fn roots(mut self, key: impl Into<String>) -> Self {
        self.roots.push(key.into());
        self
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

    /// The keys of everything that is asked: forms, then samplings, then roots.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let forms = self.forms.iter().map(Form::key);
        forms.chain(self.samplings.iter().map(Sampling::key)).chain(self.roots.iter().map(String::as_str))
    }

    pub(crate) fn into_wire(self) -> types::NeedsInput {
        let Self { forms, samplings, roots, state } = self;
        let questions = forms.into_iter().map(Form::into_wire).collect();
        let samplings = samplings.into_iter().map(Sampling::into_wire).collect();
        types::NeedsInput { questions, state, samplings, roots }
    }
}

impl fmt::Display for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.forms.is_empty() {
            f.write_str("The person has to be asked first:")?;
            self.forms.iter().try_for_each(|form| write!(f, " {}", form.message()))?;
        }
        let before = |first| if first { "" } else { " " };
        if !self.samplings.is_empty() {
            write!(f, "{}The client's model has to be asked first.", before(self.forms.is_empty()))?;
        }
        if !self.roots.is_empty() {
            let first = self.forms.is_empty() && self.samplings.is_empty();
            write!(f, "{}The client has to give its roots first.", before(first))?;
        }
        Ok(())
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

    fn all_three(client: &impl Ask) -> Result<String, ToolError> {
        let Named { name } = client.ask(form("name"))?;
        let said = client.sample(Sampling::new("greeting", 50).user("Greet somebody."))?;
        let roots = client.roots("roots")?;
        Ok(format!("{} {name}, {}", said.text(), roots[0].uri))
    }

    #[test]
    fn the_model_and_the_roots_are_asked_for_as_the_person_is() {
        let client = Memory::new();
        for (key, answer) in [
            ("name", r#"{"name":"a"}"#),
            ("greeting", r#"{"role":"assistant","model":"m","content":{"type":"text","text":"Hi"}}"#),
            ("roots", r#"{"roots":[{"uri":"file:///b"}]}"#),
        ] {
            let asked = all_three(&client).expect_err("asks");
            assert_eq!(asked.questions().map(|asked| asked.keys().collect()), Some(Vec::from([key])));
            client.accept(asked, [(key, answer)]);
        }
        assert_eq!(all_three(&client).as_deref(), Ok("Hi a, file:///b"));
    }

    #[test]
    fn a_client_that_does_not_ask_its_model_ends_the_tool() {
        let client = Memory::replied("greeting", Reply::Declined);
        let error = client.sample(Sampling::new("greeting", 50)).expect_err("declined");
        assert!(error.questions().is_none() && error.to_string().contains("its model"), "{error}");
    }

    #[test]
    fn everything_can_be_asked_at_once() {
        let asked = Questions::new([form("a")]).sampling(Sampling::new("b", 1)).roots("c").state(*b"s");
        let text = ToolError::from(asked.clone()).to_string();
        assert!(["What is it called?", "model", "roots"].iter().all(|part| text.contains(part)), "{text}");
        let types::NeedsInput { questions, state, samplings, roots } = asked.clone().into_wire();
        assert_eq!(
            (questions.len(), samplings[0].key.as_str(), roots, state.as_slice()),
            (1, "b", Vec::from(["c".to_string()]), &b"s"[..])
        );
        let client = Memory::new();
        client.accept(asked.into(), [("b", r#"{"model":"m","content":[]}"#), ("c", r#"{"roots":[]}"#)]);
        let round = client.answered().expect("answered");
        assert_eq!(round.reply::<Named>("a"), Ok(Some(Reply::Declined)));
        assert!(matches!(round.reply::<Sampled>("b"), Ok(Some(Reply::Accepted(said))) if said.model == "m"));
        assert_eq!((round.roots("c"), round.roots("d")), (Ok(Some(Vec::new())), Ok(None)));
    }
}
