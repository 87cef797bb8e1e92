//! Texts that a person picks to begin a conversation with: the `[[prompt]]` entries of the manifest.
//!
//! ```
//! use portcullis_plugin::{Context, ToolError, plugin, prompts::Prompt};
//! use serde::Deserialize;
//!
//! plugin! { tools: {}, prompts: { "summary" => summary } }
//!
//! #[derive(Deserialize)]
//! struct Summary {
//!     topic: String,
//!     length: Option<u32>,
//! }
//!
//! fn summary(args: Summary, _cx: &Context) -> Result<Prompt, ToolError> {
//!     let words = args.length.unwrap_or(100);
//!     Ok(Prompt::new().user(format!("Sum up what my notes say of {} in {words} words.", args.topic)))
//! }
//! # fn main() {}
//! ```

use alloc::{format, string::String, vec::Vec};

use serde::de::DeserializeOwned;

use crate::{
    Part, ToolError,
    bindings::{portcullis::plugin::types, prompts::exports::portcullis::plugin::prompts as host},
    content::{self, Role},
    variables,
};

#[doc(hidden)]
pub use crate::bindings::prompts::exports::portcullis::plugin::prompts as wire;

/// What becomes of the conversation: messages, in their order.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Prompt {
    description: Option<String>,
    messages: Vec<types::Message>,
}

impl Prompt {
    /// No messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more message of the person.
    pub fn user(mut self, part: impl Into<Part>) -> Self {
        self.messages.push(content::message(Role::User, part));
        self
    }

    /// One more message of the model.
    pub fn assistant(mut self, part: impl Into<Part>) -> Self {
        self.messages.push(content::message(Role::Assistant, part));
        self
    }

    /// What the client may say of it.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::new().user(text)
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::new().user(text)
    }
}

/// Used by [`crate::plugin!`].
#[doc(hidden)]
pub fn run<A, T, E>(given: Vec<types::Argument>, prompt: impl FnOnce(A) -> Result<T, E>) -> host::Prompting
where
    A: DeserializeOwned,
    T: Into<Prompt>,
    E: Into<ToolError>,
{
    let arguments = match variables::read(given) {
        Ok(arguments) => arguments,
        Err(error) => return host::Prompting::Failed(format!("The arguments are not what this prompt reads: {error}")),
    };
    match prompt(arguments) {
        Ok(prompt) => {
            let Prompt { description, messages } = prompt.into();
            host::Prompting::Done(host::Prompt { description, messages })
        }
        Err(error) => error.into().end(host::Prompting::Failed, host::Prompting::NeedsInput),
    }
}
