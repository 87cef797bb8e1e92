//! What a guest says at the end of its call, as it said it: within its limits, and otherwise unchecked.

use super::ending::Ending;
use crate::contract::bindings::{
    exports::portcullis::plugin::{completions, prompts, resources},
    portcullis::plugin::types as wit,
};

/// What a tool asks, as it said it: unchecked.
#[derive(Debug, Default)]
pub struct NeedsInput {
    /// The questions to the person.
    pub questions: Vec<ToolQuestion>,
    /// What the client's model is to say.
    pub samplings: Vec<ToolSampling>,
    /// The names under which the client's roots come back.
    pub roots: Vec<String>,
    /// What the tool wants back with the answers.
    pub state: Vec<u8>,
}

/// One question of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolQuestion {
    /// The name under which the answer comes back.
    pub key: String,
    /// What is asked.
    pub message: String,
    /// What the answer may be: JSON Schema as text.
    pub schema: String,
}

/// Something that a tool wants the client's model to say.
#[derive(Debug)]
pub struct ToolSampling {
    /// The name under which it comes back.
    pub key: String,
    /// What was said before.
    pub messages: Vec<Message>,
    /// What the model is told of its part.
    pub system_prompt: Option<String>,
    /// At most so many.
    pub max_tokens: u32,
    /// How freely.
    pub temperature: Option<f64>,
    /// Where it ends.
    pub stop_sequences: Vec<String>,
}

/// A part of a conversation.
#[derive(Debug)]
pub struct Message {
    /// Whose words they are.
    pub role: Role,
    /// The words.
    pub content: Content,
}

/// Whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person's.
    User,
    /// The model's.
    Assistant,
}

/// A prompt, with its arguments filled in: unchecked.
#[derive(Debug)]
pub struct Prompted {
    /// What it is.
    pub description: Option<String>,
    /// What becomes of the conversation.
    pub messages: Vec<Message>,
}

/// What an argument could be: unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The best first.
    pub values: Vec<String>,
    /// How many there are.
    pub total: Option<u32>,
    /// There are more.
    pub has_more: bool,
}

/// What the tool answered, within its limits and otherwise unchecked.
#[derive(Debug)]
pub struct Answer {
    /// Content blocks.
    pub content: Vec<Content>,
    /// Structured content, as JSON text.
    pub structured: Option<String>,
    /// For the client's user interface, as JSON text.
    pub meta: Option<String>,
}

/// One content block.
#[derive(Debug)]
pub enum Content {
    /// Text.
    Text(String),
    /// An image: bytes and MIME type.
    Image(Vec<u8>, String),
    /// Sound: bytes and MIME type.
    Audio(Vec<u8>, String),
    /// A link: URI, name, MIME type.
    Link(String, String, Option<String>),
    /// A resource with what it holds.
    Embedded(Contents),
}

/// A resource, or a part of one, with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// What it is called.
    pub uri: String,
    /// Such as `text/markdown`; empty: not said.
    pub mime_type: String,
    /// What it holds.
    pub body: Body,
}

/// What a resource holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl From<wit::Answer> for Answer {
    fn from(answer: wit::Answer) -> Self {
        let wit::Answer { content, structured, meta } = answer;
        Self { content: content.into_iter().map(Content::from).collect(), structured, meta }
    }
}

impl From<wit::Content> for Content {
    fn from(content: wit::Content) -> Self {
        match content {
            wit::Content::Text(text) => Self::Text(text),
            wit::Content::Image(wit::Media { data, mime_type }) => Self::Image(data, mime_type),
            wit::Content::Audio(wit::Media { data, mime_type }) => Self::Audio(data, mime_type),
            wit::Content::Link(wit::Link { uri, name, mime_type }) => Self::Link(uri, name, mime_type),
            wit::Content::Embedded(contents) => Self::Embedded(contents.into()),
        }
    }
}

impl From<wit::Message> for Message {
    fn from(message: wit::Message) -> Self {
        let wit::Message { role, content } = message;
        let role = match role {
            wit::Role::User => Role::User,
            wit::Role::Assistant => Role::Assistant,
        };
        Self { role, content: content.into() }
    }
}

impl From<wit::NeedsInput> for NeedsInput {
    fn from(needs: wit::NeedsInput) -> Self {
        let wit::NeedsInput { questions, state, samplings, roots } = needs;
        let question = |wit::Question { key, message, schema }| ToolQuestion { key, message, schema };
        let sampling = |sampling: wit::Sampling| {
            let wit::Sampling { key, messages, system_prompt, max_tokens, temperature, stop_sequences } = sampling;
            let messages = messages.into_iter().map(Message::from).collect();
            ToolSampling { key, messages, system_prompt, max_tokens, temperature, stop_sequences }
        };
        Self {
            questions: questions.into_iter().map(question).collect(),
            samplings: samplings.into_iter().map(sampling).collect(),
            roots,
            state,
        }
    }
}

impl From<wit::Contents> for Contents {
    fn from(contents: wit::Contents) -> Self {
        let wit::Contents { uri, mime_type, body } = contents;
        let body = match body {
            wit::Body::Text(text) => Body::Text(text),
            wit::Body::Blob(bytes) => Body::Blob(bytes),
        };
        Self { uri, mime_type, body }
    }
}

impl From<wit::Outcome> for Ending {
    fn from(outcome: wit::Outcome) -> Self {
        match outcome {
            wit::Outcome::Done(answer) => Self::Done(answer.into()),
            wit::Outcome::Failed(text) => Self::Failed(text),
            wit::Outcome::NeedsInput(needs) => Self::NeedsInput(needs.into()),
        }
    }
}

impl From<resources::Reading> for Ending {
    fn from(reading: resources::Reading) -> Self {
        match reading {
            resources::Reading::Done(contents) => Self::Read(contents.into_iter().map(Contents::from).collect()),
            resources::Reading::NotFound => Self::NotFound,
            resources::Reading::Failed(text) => Self::Failed(text),
            resources::Reading::NeedsInput(needs) => Self::NeedsInput(needs.into()),
        }
    }
}

impl From<prompts::Prompting> for Ending {
    fn from(prompting: prompts::Prompting) -> Self {
        match prompting {
            prompts::Prompting::Done(prompts::Prompt { description, messages }) => {
                let messages = messages.into_iter().map(Message::from).collect();
                Self::Prompted(Prompted { description, messages })
            }
            prompts::Prompting::Failed(text) => Self::Failed(text),
            prompts::Prompting::NeedsInput(needs) => Self::NeedsInput(needs.into()),
        }
    }
}

impl From<completions::Completion> for Ending {
    fn from(completion: completions::Completion) -> Self {
        let completions::Completion { values, total, has_more } = completion;
        Self::Completed(Completed { values, total, has_more })
    }
}
