//! What could come next while a person writes an argument of a prompt or a variable of a resource's URI, where the manifest
//! says `complete`.
//!
//! ```
//! use portcullis_plugin::{Context, completions::{Asked, Completion}, plugin};
//! # use portcullis_plugin::{NoArguments, ToolError, prompts::Prompt};
//!
//! plugin! {
//!     tools: {},
//!     prompts: { "summary" => summary },
//!     completions: { prompt("summary", "topic") => topics },
//! }
//! # fn summary(_: NoArguments, _: &Context) -> Result<Prompt, ToolError> { Ok("".into()) }
//!
//! fn topics(asked: Asked, _cx: &Context) -> Completion {
//!     Completion::starting_with(&asked.value, ["garden", "garage", "kitchen"])
//! }
//! # fn main() {}
//! ```

use alloc::{string::String, vec::Vec};

use crate::bindings::{completions::exports::portcullis::plugin::completions as host, portcullis::plugin::types};

#[doc(hidden)]
pub use crate::bindings::completions::exports::portcullis::plugin::completions as wire;

/// The most values that are sent.
pub const MOST: usize = 100;

/// What is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What is there so far.
    pub value: String,
    /// Arguments that are written already: names and values.
    pub context: Vec<(String, String)>,
}

/// What it could be, the best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Completion {
    values: Vec<String>,
    total: Option<u32>,
    has_more: bool,
}

impl Asked {
    /// An argument that is written already.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.context.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Completion {
    /// All of these, in their order. The first hundred are sent, and how many there are.
    pub fn of<S: Into<String>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut values: Vec<String> = values.into_iter().map(Into::into).collect();
        let total = u32::try_from(values.len()).ok();
        let has_more = values.len() > MOST;
        values.truncate(MOST);
        Self { values, total, has_more }
    }

    /// Those of these that start with what is written, whatever the case of its letters.
    pub fn starting_with<S: Into<String> + AsRef<str>>(written: &str, values: impl IntoIterator<Item = S>) -> Self {
        let written = written.to_lowercase();
        Self::of(values.into_iter().filter(|value| value.as_ref().to_lowercase().starts_with(&written)))
    }

    /// There are more than these, and nobody knows how many.
    pub fn and_more(mut self) -> Self {
        (self.total, self.has_more) = (None, true);
        self
    }

    /// The values that are sent.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }
}

impl<S: Into<String>> From<Vec<S>> for Completion {
    fn from(values: Vec<S>) -> Self {
        Self::of(values)
    }
}

/// Used by [`crate::plugin!`].
#[doc(hidden)]
pub fn run<T: Into<Completion>>(
    value: String,
    context: Vec<types::Argument>,
    complete: impl FnOnce(Asked) -> T,
) -> host::Completion {
    let context = context.into_iter().map(|types::Argument { name, value }| (name, value)).collect();
    let Completion { values, total, has_more } = complete(Asked { value, context }).into();
    host::Completion { values, total, has_more }
}

/// Whose argument it is, as [`crate::plugin!`] writes it.
#[doc(hidden)]
#[must_use]
pub fn name_of(target: &host::Target) -> (&str, &str) {
    match target {
        host::Target::Prompt(name) => ("prompt", name),
        host::Target::Resource(name) => ("resource", name),
    }
}

/// The manifest says `complete` where the code has nothing: then nothing is offered. Used by [`crate::plugin!`].
#[doc(hidden)]
#[must_use]
pub fn none() -> host::Completion {
    host::Completion { values: Vec::new(), total: Some(0), has_more: false }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_hundred_are_sent_and_all_are_counted() {
        for (there, sent, more) in [(0, 0, false), (100, 100, false), (101, 100, true)] {
            let completion = Completion::of((0..there).map(|n| format!("{n:03}")));
            assert_eq!((completion.values.len(), completion.total, completion.has_more), (sent, Some(there), more));
        }
    }

    #[test]
    fn the_case_of_letters_does_not_matter() {
        let completion = Completion::starting_with("gÄ", ["Gärten", "Garage", "gäste"]);
        assert_eq!(completion.values(), ["Gärten", "gäste"]);
    }

    #[test]
    fn what_is_written_already_can_be_asked_for() {
        let asked = Asked { value: "g".into(), context: [("a".into(), "1".into())].into() };
        let completion = run("g".into(), [types::Argument { name: "a".into(), value: "1".into() }].into(), |given| {
            assert_eq!((given.argument("a"), given.argument("b")), (Some("1"), None));
            assert_eq!(given, asked);
            alloc::vec!["garden"]
        });
        assert_eq!(completion.values, ["garden"]);
    }
}
