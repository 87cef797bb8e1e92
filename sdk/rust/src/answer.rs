//! How a call ends: with an answer, or with an error that the model can read.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde::Serialize;

use crate::{
    Contents, Outcome, Part,
    bindings::portcullis::plugin::types::{self, Content},
    kv,
    questions::Questions,
};

/// What a tool may give when it succeeds.
///
/// Anything that serde can serialise is one: an object becomes the structured answer, which must fit the tool's output
/// schema; anything else becomes text, as JSON. [`Answer`] says content and structure each by itself, and an
/// [`Outcome`] is passed on as it is.
pub trait IntoOutcome {
    /// How the call ended.
    fn into_outcome(self) -> Outcome;
}

/// An answer of which more is said than its structure: text for the model, images, links.
///
/// ```
/// # use portcullis_plugin::Answer;
/// # #[derive(serde::Serialize)] struct Note { id: u32 }
/// # let note = Note { id: 1 };
/// Answer::text("Saved the note.").structured(&note);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Answer {
    content: Vec<Content>,
    structured: Option<Json>,
    meta: Option<Json>,
}

/// JSON text, or why there is none. Kept until the call ends, so that building an answer needs no `?`.
type Json = Result<String, String>;

/// Why a tool could not do what was asked, in words that help the model to mend it: what was wrong, and what would be
/// right. The client gets it as a tool error; everything the call wrote is dropped.
///
/// A tool that has to ask the person ends with one too, which [`questions`](crate::questions) makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolError(Ending);

/// How a tool ends that has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    Failed(String),
    Asks(Questions),
}

impl Answer {
    /// An answer without content. If it stays so, the host puts the structured value there as text.
    pub fn new() -> Self {
        Self::default()
    }

    /// An answer that begins with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().and_text(text)
    }

    /// One more piece of text.
    pub fn and_text(self, text: impl Into<String>) -> Self {
        self.and(Part::text(text))
    }

    /// An image. The type is such as `image/png`.
    pub fn and_image(self, mime_type: impl Into<String>, data: Vec<u8>) -> Self {
        self.and(Part::image(mime_type, data))
    }

    /// A sound. The type is such as `audio/wav`.
    pub fn and_audio(self, mime_type: impl Into<String>, data: Vec<u8>) -> Self {
        self.and(Part::audio(mime_type, data))
    }

    /// A link that the client may follow: `https` or `http`.
    pub fn and_link(self, uri: impl Into<String>, name: impl Into<String>) -> Self {
        self.and(Part::link(uri, name))
    }

    /// A resource with what it holds. It needs a URI ([`Contents::at`]): one of the plugin's own resources, or of a scheme that
    /// nothing fetches.
    pub fn and_embedded(self, contents: Contents) -> Self {
        self.and(Part::embedded(contents))
    }

    /// One more piece.
    pub fn and(mut self, part: impl Into<Part>) -> Self {
        self.content.push(part.into().0);
        self
    }

    /// The structured answer: an object that fits the tool's output schema.
    pub fn structured(mut self, value: &impl Serialize) -> Self {
        self.structured = Some(json(value));
        self
    }

    /// `_meta`: an object for the client's programs, which the model is not shown.
    pub fn meta(mut self, value: &impl Serialize) -> Self {
        self.meta = Some(json(value));
        self
    }
}

impl ToolError {
    /// An error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Ending::Failed(text.into()))
    }

    /// What it asks, if it is no error but a question.
    #[must_use]
    pub fn questions(&self) -> Option<&Questions> {
        match &self.0 {
            Ending::Failed(_) => None,
            Ending::Asks(questions) => Some(questions),
        }
    }
}

impl ToolError {
    /// What kind of export it ends: each has an outcome of its own.
    pub(crate) fn end<T>(self, failed: impl FnOnce(String) -> T, asks: impl FnOnce(types::NeedsInput) -> T) -> T {
        match self.0 {
            Ending::Failed(text) => failed(text),
            Ending::Asks(questions) => asks(questions.into_wire()),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ending::Failed(text) => f.write_str(text),
            Ending::Asks(questions) => questions.fmt(f),
        }
    }
}

impl core::error::Error for ToolError {}

impl From<Questions> for ToolError {
    fn from(questions: Questions) -> Self {
        Self(Ending::Asks(questions))
    }
}

impl From<String> for ToolError {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for ToolError {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<kv::Error> for ToolError {
    fn from(error: kv::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl IntoOutcome for ToolError {
    fn into_outcome(self) -> Outcome {
        self.end(Outcome::Failed, Outcome::NeedsInput)
    }
}

impl IntoOutcome for Answer {
    fn into_outcome(self) -> Outcome {
        let parts = self.structured.transpose().and_then(|structured| Ok((structured, self.meta.transpose()?)));
        match parts {
            Ok((structured, meta)) => Outcome::Done(types::Answer { content: self.content, structured, meta }),
            Err(reason) => Outcome::Failed(reason),
        }
    }
}

impl<T: Serialize> IntoOutcome for T {
    fn into_outcome(self) -> Outcome {
        match json(&self) {
            // Structured content is an object by the protocol; whatever else a tool gives, the model reads as text.
            Ok(object) if object.starts_with('{') => {
                Outcome::Done(types::Answer { content: Vec::new(), structured: Some(object), meta: None })
            }
            Ok(text) => Answer::text(text).into_outcome(),
            Err(reason) => Outcome::Failed(reason),
        }
    }
}

fn json(value: &impl Serialize) -> Json {
    serde_json::to_string(value).map_err(|error| format!("The plugin could not write its answer as JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, vec};

    use super::*;
    use crate::questions::Form;

    fn done(outcome: Outcome) -> types::Answer {
        match outcome {
            Outcome::Done(answer) => answer,
            other => panic!("not done: {other:?}"),
        }
    }

    #[test]
    fn an_object_is_the_structured_answer_and_leaves_the_text_to_the_host() {
        let answer = done(BTreeMap::from([("a", 1)]).into_outcome());
        assert_eq!(answer.structured.as_deref(), Some(r#"{"a":1}"#));
        assert!(answer.content.is_empty());
    }

    #[test]
    fn what_is_no_object_is_text() {
        let answer = done(vec![1, 2].into_outcome());
        assert!(answer.structured.is_none());
        assert!(matches!(&answer.content[..], [Content::Text(text)] if text == "[1,2]"));
    }

    #[test]
    fn an_answer_keeps_the_order_of_its_content() {
        let answer = Answer::text("a").and_image("image/png", vec![1]).and_link("https://x.example", "x").and_text("b");
        let content = done(answer.into_outcome()).content;
        assert!(
            matches!(&content[..], [Content::Text(_), Content::Image(_), Content::Link(_), Content::Text(b)] if b == "b")
        );
    }

    #[test]
    fn what_is_embedded_has_its_uri_and_its_body() {
        let page = Contents::text("text/markdown", "# A").at("docs://a");
        let content = done(Answer::new().and_embedded(page).into_outcome()).content;
        let [Content::Embedded(page)] = &content[..] else { panic!("not embedded: {content:?}") };
        assert_eq!((page.uri.as_str(), page.mime_type.as_str()), ("docs://a", "text/markdown"));
        assert!(matches!(&page.body, types::Body::Text(text) if text == "# A"));
    }

    #[test]
    fn a_question_ends_the_tool_as_one() {
        let asked = ToolError::from(Questions::new([Form::new("k", "What?")]).state(*b"s"));
        assert_eq!(asked.to_string(), "The person has to be asked first: What?");
        let Outcome::NeedsInput(types::NeedsInput { questions, state, .. }) = asked.into_outcome() else {
            panic!("asks")
        };
        assert_eq!(state, b"s");
        assert!(matches!(&questions[..], [question] if question.key == "k" && question.message == "What?"));
    }

    #[test]
    fn an_answer_that_is_no_json_fails_and_says_so() {
        let impossible = BTreeMap::from([(vec![1], 1)]);
        for outcome in [Answer::text("a").structured(&impossible).into_outcome(), impossible.into_outcome()] {
            assert!(matches!(&outcome, Outcome::Failed(text) if text.contains("key must be a string")), "{outcome:?}");
        }
    }
}
