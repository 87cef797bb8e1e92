//! What comes back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Rendered, Task};

/// What the server says of itself in `server/discover`, `initialize` and results.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// Machine-readable name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Version of the program.
    pub version: String,
    /// For the model: what the tools together are for. The essentials stand in the first 512 characters.
    pub instructions: Option<String>,
}

/// One tool, resource, template or prompt as clients see it.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// What it is found by: a tool's or a prompt's name on the wire, a resource's URI, a template's URI template.
    pub key: Arc<str>,
    /// The whole MCP object, rendered when the catalogue was made.
    pub json: Rendered,
}

/// What of one kind one principal may see.
#[derive(Clone, Debug)]
pub struct List {
    /// The catalogue's generation: a cursor made under another one is refused as stale.
    pub generation: u64,
    /// Whether another principal may see another list: then the answer is cached privately (SEP-2549).
    pub varies: bool,
    /// In the order of their keys.
    pub items: Arc<[Descriptor]>,
}

/// What a tool answered, checked against its output schema, within its size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolAnswer {
    /// MCP content blocks.
    pub content: Vec<Value>,
    /// `structuredContent`: an object, or absent.
    pub structured: Option<Value>,
    /// `isError`: the model should read the content and mend its call or give up.
    pub is_error: bool,
    /// `_meta`: for the client's user interface, not for the model.
    pub meta: Option<Value>,
}

/// What a call was made for.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of a tool.
    Tool(ToolAnswer),
    /// Of a resource.
    Resource(ResourceAnswer),
    /// Of a prompt.
    Prompt(PromptAnswer),
    /// Of a completion.
    Completion(Completion),
}

/// What a resource holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceAnswer {
    /// `contents`, at least one (SEP-2164).
    pub contents: Vec<Value>,
    /// Who answered.
    pub by: AnsweredBy,
}

/// Who answered for a resource, and so for how long, and for whom, what it said may be kept (SEP-2549).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The plugin, which alone knows whether it says the same to anybody else, or in a moment.
    Plugin,
    /// The host, with a file of the release, in which nothing changes.
    Release {
        /// Whether another principal may be refused it: then the answer is cached privately, as with [`List::varies`].
        varies: bool,
    },
}

/// A prompt, with its arguments filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptAnswer {
    /// `description`.
    pub description: Option<String>,
    /// `messages`: each has `role` and `content`.
    pub messages: Vec<Value>,
}

/// What could come next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// At most 100, the best first.
    pub values: Vec<String>,
    /// How many there are, if that is known.
    pub total: Option<u64>,
    /// There are more.
    pub has_more: bool,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAnswer {
    /// It has ended.
    Done(Answer),
    /// Something has to be asked first. Only given to a client that can be asked.
    Ask(Ask),
    /// It goes on without its request. Only given for a request that takes tasks.
    Task(Task),
}

/// Questions for the person, and what makes the call go on when they are answered. Each question is put in the way of the
/// client's protocol revision; then the same request is made again, with [`crate::Resume`].
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// At least one. Their keys differ.
    pub questions: Vec<Question>,
    /// Sealed: opaque to the client, and refused when it was changed.
    pub state: String,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The name under which its reply comes back.
    pub key: String,
    /// What is asked of whom.
    pub kind: QuestionKind,
}

/// What is asked of whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum QuestionKind {
    /// A person, by a form (MCP elicitation).
    Form {
        /// What is asked and who asks, for the person.
        message: String,
        /// `requestedSchema`: a flat object.
        schema: Value,
    },
    /// The client's model: the whole `params` of `sampling/createMessage`, checked and bounded.
    Sampling(Value),
    /// The client, for its roots: `roots/list`.
    Roots,
}

impl From<ToolAnswer> for CallAnswer {
    fn from(answer: ToolAnswer) -> Self {
        Self::Done(Answer::Tool(answer))
    }
}

impl ToolAnswer {
    /// An answer that says what went wrong.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        let block = serde_json::json!({ "type": "text", "text": text.into() });
        Self { content: vec![block], structured: None, is_error: true, meta: None }
    }
}
