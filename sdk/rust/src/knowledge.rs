//! The two tools by which clients search a body of documents and cite it: `search` takes a `query` and gives results, `fetch`
//! takes the `id` of one and gives the document. Clients that know this pair (ChatGPT's company knowledge and deep research)
//! insist on the names and on the exact shape of the answers; these types have it.
//!
//! ```
//! use portcullis_plugin::{Context, ToolError, knowledge::{Document, Fetch, Hit, Results, Search}, plugin};
//!
//! plugin! { tools: { "search" => search, "fetch" => fetch } }
//!
//! fn search(args: Search, _cx: &Context) -> Result<Results, ToolError> {
//!     let hits = (args.query == "gate").then(|| Hit::new("1", "The gate", "https://docs.example/gate"));
//!     Ok(Results::new(hits))
//! }
//!
//! fn fetch(args: Fetch, _cx: &Context) -> Result<Document, ToolError> {
//!     match args.id.as_str() {
//!         "1" => Ok(Document::new("1", "The gate", "It is made of iron.", "https://docs.example/gate")),
//!         other => Err(format!("There is no document `{other}`. Take an id that `search` gave.").into()),
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! Each is the structured answer, and the same JSON in exactly one block of text.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{Answer, IntoOutcome, Outcome};

/// What `search` takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Search {
    /// What the person or the model looks for.
    pub query: String,
}

/// What `fetch` takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fetch {
    /// An id that `search` gave.
    pub id: String,
}

/// What `search` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Results {
    hits: Vec<Hit>,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// What `fetch` takes. It has to stay good: a client may come back with it much later.
    pub id: String,
    /// What the person reads.
    pub title: String,
    /// Where a person can read it; it is cited.
    pub url: String,
}

/// What `fetch` gives.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Document(Fields);

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Fields {
    id: String,
    title: String,
    text: String,
    url: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, serde_json::Value>,
}

impl Hit {
    /// One result.
    pub fn new(id: impl Into<String>, title: impl Into<String>, url: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), url: url.into() }
    }
}

impl Results {
    /// These, the best first.
    pub fn new(hits: impl IntoIterator<Item = Hit>) -> Self {
        Self { hits: hits.into_iter().collect() }
    }

    /// As an answer, to which `_meta` can be added. Nothing else should be.
    pub fn into_answer(self) -> Answer {
        #[derive(Serialize)]
        struct Fields {
            results: Vec<Hit>,
        }
        answer(&Fields { results: self.hits })
    }
}

impl Document {
    /// A document. `text` is all of it.
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        text: impl Into<String>,
        url: impl Into<String>,
    ) -> Self {
        let (id, title, text, url) = (id.into(), title.into(), text.into(), url.into());
        Self(Fields { id, title, text, url, metadata: BTreeMap::new() })
    }

    /// One more thing that is known of it, which the model reads too.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.0.metadata.insert(name.into(), value.into());
        self
    }

    /// As an answer, to which `_meta` can be added. Nothing else should be.
    pub fn into_answer(self) -> Answer {
        answer(&self.0)
    }
}

impl IntoOutcome for Results {
    fn into_outcome(self) -> Outcome {
        self.into_answer().into_outcome()
    }
}

impl IntoOutcome for Document {
    fn into_outcome(self) -> Outcome {
        self.into_answer().into_outcome()
    }
}

fn answer(value: &impl Serialize) -> Answer {
    // Written twice by the same writer, so the two are the same; what can't be written fails as the structured answer does.
    let answer = Answer::new().structured(value);
    match serde_json::to_string(value) {
        Ok(text) => answer.and_text(text),
        Err(_) => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::portcullis::plugin::types::Content;

    fn one_text_that_is_the_structure(outcome: Outcome) -> String {
        let Outcome::Done(answer) = outcome else { panic!("not done: {outcome:?}") };
        let [Content::Text(text)] = &answer.content[..] else { panic!("not one text: {answer:?}") };
        assert_eq!(answer.structured.as_ref(), Some(text));
        text.clone()
    }

    #[test]
    fn results_have_the_shape_that_clients_insist_on() {
        let results = Results::new([Hit::new("a", "A \"b\"", "https://x.example/a")]);
        let expected = r#"{"results":[{"id":"a","title":"A \"b\"","url":"https://x.example/a"}]}"#;
        assert_eq!(one_text_that_is_the_structure(results.into_outcome()), expected);
        assert_eq!(one_text_that_is_the_structure(Results::default().into_outcome()), r#"{"results":[]}"#);
    }

    #[test]
    fn a_document_has_metadata_only_if_some_was_given() {
        let document = Document::new("a", "A", "text", "https://x.example/a");
        let plain = r#"{"id":"a","title":"A","text":"text","url":"https://x.example/a"}"#;
        assert_eq!(one_text_that_is_the_structure(document.clone().into_outcome()), plain);
        let more = one_text_that_is_the_structure(document.metadata("z", 1).metadata("b", "c").into_outcome());
        assert!(more.ends_with(r#","metadata":{"b":"c","z":1}}"#), "{more}");
    }
}
