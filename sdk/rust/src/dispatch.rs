//! From the few functions that a component exports to the functions that an author wrote. Used by [`crate::plugin!`].

use alloc::{format, string::String, vec::Vec};

use serde::Deserialize;

use crate::{IntoOutcome, Outcome, ToolError};

/// The arguments of a tool that takes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NoArguments {}

/// Makes a component of some functions.
///
/// ```text
/// portcullis_plugin::plugin! {
///     tools: { "create" => create, "search" => search },
///     resources: { "page" => page },
///     prompts: { "summary" => summary },
///     completions: { prompt("summary", "topic") => topics, resource("page", "path") => paths },
/// }
/// ```
///
/// The names are those of the `[[tool]]`, `[[resource]]` and `[[prompt]]` entries in `plugin.toml`, without the prefix that
/// they have on the wire; `prompt` and `resource` also name the argument or variable that is completed. Only `tools` has to
/// be there, and may be empty; the others are exported only if they stand here. The order is this one.
///
/// Each tool takes its arguments (anything that implements [`serde::Deserialize`]; [`NoArguments`] for none) and a
/// [`Context`](crate::Context), and gives a `Result`: what implements [`IntoOutcome`], or what can be
/// made into a [`ToolError`]. [`resources`](crate::resources), [`prompts`](crate::prompts) and
/// [`completions`](crate::completions) say what the other functions are. Stands once, at the root of the crate.
#[macro_export]
macro_rules! plugin {
    (
        tools: { $($tool:literal => $call:path),* $(,)? }
        $(, resources: { $($resource:literal => $read:path),* $(,)? })?
        $(, prompts: { $($prompt:literal => $get:path),* $(,)? })?
        $(, completions: { $($target:ident($of:literal, $argument:literal) => $complete:path),* $(,)? })?
        $(,)?
    ) => {
        /// This plugin, as the contract sees it.
        #[doc(hidden)]
        pub struct PortcullisPlugin;

        impl $crate::bindings::exports::portcullis::plugin::tools::Guest for PortcullisPlugin {
            fn call(
                tool: $crate::dispatch::Text,
                arguments: $crate::dispatch::Text,
            ) -> $crate::Outcome {
                let context = $crate::Context::of_this_call();
                let _ = (&arguments, &context);
                match tool.as_str() {
                    $($tool => $crate::dispatch::run(&arguments, |arguments| $call(arguments, &context)),)*
                    other => $crate::Outcome::Failed($crate::dispatch::unknown("tool", other, &[$($tool),*])),
                }
            }
        }

        $(impl $crate::resources::wire::Guest for PortcullisPlugin {
            fn read(
                name: $crate::dispatch::Text,
                uri: $crate::dispatch::Text,
                variables: $crate::dispatch::Arguments,
            ) -> $crate::resources::wire::Reading {
                let context = $crate::Context::of_this_call();
                let _ = (&uri, &variables, &context);
                match name.as_str() {
                    $($resource => $crate::resources::run(uri, variables, |read| $read(read, &context)),)*
                    other => $crate::resources::wire::Reading::Failed($crate::dispatch::unknown(
                        "resource",
                        other,
                        &[$($resource),*],
                    )),
                }
            }
        })?

        $(impl $crate::prompts::wire::Guest for PortcullisPlugin {
            fn get(
                name: $crate::dispatch::Text,
                arguments: $crate::dispatch::Arguments,
            ) -> $crate::prompts::wire::Prompting {
                let context = $crate::Context::of_this_call();
                let _ = (&arguments, &context);
                match name.as_str() {
                    $($prompt => $crate::prompts::run(arguments, |arguments| $get(arguments, &context)),)*
                    other => $crate::prompts::wire::Prompting::Failed($crate::dispatch::unknown(
                        "prompt",
                        other,
                        &[$($prompt),*],
                    )),
                }
            }
        })?

        $(impl $crate::completions::wire::Guest for PortcullisPlugin {
            fn complete(
                target: $crate::completions::wire::Target,
                argument: $crate::dispatch::Text,
                value: $crate::dispatch::Text,
                written: $crate::dispatch::Arguments,
            ) -> $crate::completions::wire::Completion {
                let context = $crate::Context::of_this_call();
                let target = $crate::completions::name_of(&target);
                $(if target == ($crate::plugin!(@target $target), $of) && argument == $argument {
                    return $crate::completions::run(value, written, |asked| $complete(asked, &context));
                })*
                let _ = (value, written, &context);
                $crate::completions::none()
            }
        })?

        // Not for the machine that tests run on: the names that the canonical ABI exports mean something else there.
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_component!(PortcullisPlugin with_types_in $crate::bindings);
        $($crate::plugin!(@export export_resources resources $($resource)*);)?
        $($crate::plugin!(@export export_prompts prompts $($prompt)*);)?
        $($crate::plugin!(@export export_completions completions $($of)*);)?
    };
    (@target prompt) => { "prompt" };
    (@target resource) => { "resource" };
    (@export $macro:ident $interface:ident $($of:literal)*) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::$interface::$macro!(PortcullisPlugin with_types_in $crate::bindings::$interface);
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

/// What the contract calls `list<argument>`.
pub type Arguments = Vec<crate::bindings::portcullis::plugin::types::Argument>;

/// The manifest lists a tool, resource or prompt that the code does not have.
#[cold]
#[must_use]
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    format!("This plugin has no {kind} `{name}`; it has: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;

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
        assert_eq!(unknown("tool", "x", &["a", "b"]), "This plugin has no tool `x`; it has: a, b");
    }
}
