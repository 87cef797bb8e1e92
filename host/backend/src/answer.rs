//! What comes back.

use std::sync::Arc;

use portcullis_manifest::WireName;
use serde_json::Value;

use crate::Rendered;

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

/// One tool as clients see it.
#[derive(Clone, Debug)]
pub struct ToolDescriptor {
    /// Its name on the wire.
    pub name: WireName,
    /// The whole MCP `Tool` object, rendered when the catalogue was made.
    pub json: Rendered,
}

/// The tools that one principal may see.
#[derive(Clone, Debug)]
pub struct ToolList {
    /// The catalogue's generation: a cursor made under another one is refused as stale.
    pub generation: u64,
    /// Whether another principal may see another list: then the answer is cached privately (SEP-2549).
    pub varies: bool,
    /// In the order of their names.
    pub tools: Arc<[ToolDescriptor]>,
}

/// What a tool answered, checked against its output schema, within its size.
#[derive(Clone, Debug, PartialEq)]
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

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAnswer {
    /// It has ended.
    Done(ToolAnswer),
    /// The person has to be asked first. Only given to a client that can be asked.
    Ask(Ask),
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

/// One question, in the form of MCP's elicitation.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The name under which its reply comes back.
    pub key: String,
    /// What is asked and who asks, for the person.
    pub message: String,
    /// `requestedSchema`: a flat object.
    pub schema: Value,
}

impl From<ToolAnswer> for CallAnswer {
    fn from(answer: ToolAnswer) -> Self {
        Self::Done(answer)
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
