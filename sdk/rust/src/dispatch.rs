//! From the one function that a component exports to the functions that an author wrote. Used by [`crate::plugin!`].

use alloc::{format, string::String};

use serde::Deserialize;

use crate::{IntoOutcome, Outcome, ToolError};

/// The arguments of a tool that takes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NoArguments {}

/// Makes a component of some functions.
///
/// ```text
/// portcullis_plugin::plugin! { tools: { "create" => create, "search" => search } }
/// ```
///
/// The names are those of the `[[tool]]` entries in `plugin.toml`, without the prefix that they have on the wire. Each
/// function takes its arguments (anything that implements [`serde::Deserialize`]; [`NoArguments`] for none) and a
/// [`Context`](crate::Context), and gives a `Result`: what implements [`IntoOutcome`], or what can be
/// made into a [`ToolError`]. Stands once, at the root of the crate.
#[macro_export]
macro_rules! plugin {
    (tools: { $($name:literal => $tool:path),+ $(,)? } $(,)?) => {
        /// This plugin, as the contract sees it.
        #[doc(hidden)]
        pub struct PortcullisPlugin;

        impl $crate::bindings::exports::portcullis::plugin::tools::Guest for PortcullisPlugin {
            fn call(
                tool: $crate::dispatch::Text,
                arguments: $crate::dispatch::Text,
            ) -> $crate::Outcome {
                let context = $crate::Context::of_this_call();
                match tool.as_str() {
                    $($name => $crate::dispatch::run(&arguments, |arguments| $tool(arguments, &context)),)+
                    other => $crate::dispatch::unknown(other, &[$($name),+]),
                }
            }
        }

        // Not for the machine that tests run on: the names that the canonical ABI exports mean something else there.
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_component!(PortcullisPlugin with_types_in $crate::bindings);
    };
}

/// What the contract calls `string`.
pub type Text = String;

/// Reads the arguments, runs the tool, and says how it ended.
pub fn run<'a, A, T, E>(arguments: &'a str, tool: impl FnOnce(A) -> Result<T, E>) -> Outcome
where
    A: Deserialize<'a>,
    T: IntoOutcome,
    E: Into<ToolError>,
{
    match serde_json::from_str(arguments) {
        Ok(arguments) => tool(arguments).map_or_else(|error| error.into().into_outcome(), T::into_outcome),
        // The host has held the arguments against the input schema: this is the schema and the type disagreeing.
        Err(error) => Outcome::Failed(format!("The arguments are not what this tool reads: {error}")),
    }
}

/// The manifest lists a tool that the code does not have.
#[cold]
pub fn unknown(tool: &str, known: &[&str]) -> Outcome {
    Outcome::Failed(format!("This plugin has no tool `{tool}`; it has: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use alloc::{borrow::Cow, string::ToString};

    use serde::Serialize;

    use super::*;

    #[derive(Deserialize, Serialize)]
    struct Echo<'a> {
        #[serde(borrow)]
        text: Cow<'a, str>,
    }

    fn failure(outcome: Outcome) -> String {
        match outcome {
            Outcome::Failed(text) => text,
            other => panic!("not a failure: {other:?}"),
        }
    }

    #[test]
    fn arguments_may_borrow_from_the_call() {
        let outcome = run(r#"{"text":"a"}"#, |args: Echo<'_>| {
            assert!(matches!(args.text, Cow::Borrowed("a")));
            Ok::<_, ToolError>(args)
        });
        let Outcome::Done(answer) = outcome else { panic!("not done: {outcome:?}") };
        assert_eq!(answer.structured.as_deref(), Some(r#"{"text":"a"}"#));
    }

    #[test]
    fn arguments_of_another_shape_are_a_failure_that_says_where() {
        let text = failure(run(r#"{"text":1}"#, |args: Echo<'_>| Ok::<_, ToolError>(args)));
        assert!(text.contains("invalid type: integer `1`"), "{text}");
    }

    #[test]
    fn a_tool_that_takes_nothing_accepts_an_empty_object() {
        let outcome = run("{}", |NoArguments {}| Ok::<_, ToolError>(crate::Answer::text("yes")));
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }

    #[test]
    fn an_unknown_tool_is_a_failure_that_names_the_known_ones() {
        assert_eq!(failure(unknown("x", &["a", "b"])), "This plugin has no tool `x`; it has: a, b".to_string());
    }
}
