//! What is asked of the client itself: its model, and its roots.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Deserializer};

use crate::{
    Part,
    bindings::portcullis::plugin::types,
    content::{self, Role},
};

/// What the client's own model is asked to say. The client decides whether and how, and may show it to the person before and
/// after. The manifest has to allow it: `ask = ["sampling"]`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Sampling {
    wire: types::Sampling,
}

/// What the client's model said.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Sampled {
    /// The name of the model, as the client gives it.
    #[serde(default)]
    pub model: String,
    /// Why it ended, such as `endTurn` or `maxTokens`.
    #[serde(default, rename = "stopReason")]
    pub stop_reason: Option<String>,
    /// Blocks of content, as MCP has them.
    #[serde(deserialize_with = "one_or_many")]
    pub content: Vec<serde_json::Value>,
}

/// A folder or file that the client works on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Root {
    /// Such as `file:///projects/a`.
    pub uri: String,
    /// What the person calls it.
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Roots {
    pub(super) roots: Vec<Root>,
}

impl Sampling {
    /// Asks for at most so many tokens. The key names the answer.
    pub fn new(key: impl Into<String>, max_tokens: u32) -> Self {
        let (system_prompt, temperature) = (None, None);
        let (messages, stop_sequences) = (Vec::new(), Vec::new());
        let key = key.into();
        Self { wire: types::Sampling { key, messages, system_prompt, max_tokens, temperature, stop_sequences } }
    }

    /// One more message to the model.
    pub fn user(mut self, part: impl Into<Part>) -> Self {
        self.wire.messages.push(content::message(Role::User, part));
        self
    }

    /// One more message as if of the model.
    pub fn assistant(mut self, part: impl Into<Part>) -> Self {
        self.wire.messages.push(content::message(Role::Assistant, part));
        self
    }

    /// What the model is told before all messages.
    pub fn system_prompt(mut self, text: impl Into<String>) -> Self {
        self.wire.system_prompt = Some(text.into());
        self
    }

    /// How freely the model chooses.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.wire.temperature = Some(temperature);
        self
    }

    /// One more text at which the model stops.
    pub fn stop_at(mut self, text: impl Into<String>) -> Self {
        self.wire.stop_sequences.push(text.into());
        self
    }

    /// The name under which the answer comes back.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.wire.key
    }

    pub(super) fn into_wire(self) -> types::Sampling {
        self.wire
    }
}

// `f64` has no equality that is one, and the bindings derive none. Two that are written the same ask the same.
impl PartialEq for Sampling {
    fn eq(&self, other: &Self) -> bool {
        alloc::format!("{self:?}") == alloc::format!("{other:?}")
    }
}

impl Eq for Sampling {}

impl Sampled {
    /// All of its text.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter(|block| block["type"] == "text");
        texts.filter_map(|block| block["text"].as_str()).collect()
    }
}

/// Revisions of MCP differ in whether a message has one block or several.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<serde_json::Value>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Array(blocks) => blocks,
        block => Vec::from([block]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_said_is_one_block_or_several() {
        let one = r#"{"role":"assistant","model":"m","content":{"type":"text","text":"a"}}"#;
        let several = r#"{"role":"assistant","model":"m","stopReason":"endTurn",
            "content":[{"type":"text","text":"a"},{"type":"image","data":"","mimeType":"image/png"},{"type":"text","text":"b"}]}"#;
        let read = |json| serde_json::from_str::<Sampled>(json).expect("is one");
        assert_eq!((read(one).text().as_str(), read(one).stop_reason), ("a", None));
        assert_eq!((read(several).text().as_str(), read(several).content.len()), ("ab", 3));
    }
}
