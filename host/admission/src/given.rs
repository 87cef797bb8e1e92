//! What a plugin can be called for, and what comes with such a call.

use portcullis_manifest::visible;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ApprovedTool;

/// The kinds of what a plugin can be called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Callable {
    /// A `[[tool]]`.
    Tool,
    /// A `[[resource]]`.
    Resource,
    /// A `[[prompt]]`.
    Prompt,
    /// What a prompt's argument, or a variable of a resource's URI, could be.
    Completion,
}

/// What a completion completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completes {
    /// An argument of a prompt.
    Prompt,
    /// A variable of a resource's URI.
    Resource,
}

/// An argument of a prompt, or a variable of a resource's URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// It has to be there.
    pub required: bool,
    /// The plugin completes it.
    pub complete: bool,
}

/// What comes with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A tool's arguments.
    Tool(Map<String, Value>),
    /// What is read.
    Resource {
        /// As the client sent it.
        uri: String,
        /// The values of the entry's template, decoded, in its order.
        variables: Vec<(String, String)>,
    },
    /// A prompt's arguments.
    Prompt(Vec<(String, String)>),
    /// What is completed.
    Completion {
        /// Of what.
        of: Completes,
        /// The argument's name.
        argument: String,
        /// How it begins.
        value: String,
        /// The arguments that are there already.
        context: Vec<(String, String)>,
    },
}

/// What came with a call is not what it takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGiven {
    /// A fault of the host's.
    #[error("it is not called in that way")]
    Kind,
    /// Something is missing.
    #[error("the argument `{0}` is required")]
    Missing(String),
    /// Something is there that nobody knows.
    #[error("there is no argument `{}`; there are: {known}", shown(name))]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
}

/// Most characters of a name that is said back.
const NAME: usize = 64;

fn shown(name: &str) -> String {
    visible(&name.chars().take(NAME).collect::<String>())
}

impl Given {
    /// What kind of call it comes with.
    #[must_use]
    pub fn kind(&self) -> Callable {
        match self {
            Self::Tool(_) => Callable::Tool,
            Self::Resource { .. } => Callable::Resource,
            Self::Prompt(_) => Callable::Prompt,
            Self::Completion { .. } => Callable::Completion,
        }
    }

    /// All of it. Two that differ have another form, so that what is bound to one is bound to no other.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Tool(arguments) => Value::Object(arguments.clone()),
            Self::Resource { uri, variables } => json!({ "uri": uri, "variables": variables }),
            Self::Prompt(arguments) => json!({ "arguments": arguments }),
            Self::Completion { of, argument, value, context } => {
                let of = match of {
                    Completes::Prompt => "prompt",
                    Completes::Resource => "resource",
                };
                json!({ "of": of, "argument": argument, "value": value, "context": context })
            }
        }
    }

    /// Looks at [`Given::json`]. Costs no copy of a tool's arguments.
    pub(crate) fn looked_at<T>(self, look: impl FnOnce(&Value) -> T) -> (Self, T) {
        match self {
            Self::Tool(arguments) => {
                let value = Value::Object(arguments);
                let found = look(&value);
                let Value::Object(arguments) = value else { unreachable!("it was made above") };
                (Self::Tool(arguments), found)
            }
            given => {
                let found = look(&given.json());
                (given, found)
            }
        }
    }

    /// Whether `tool` takes it. A tool's arguments are its schema's business.
    pub(crate) fn fits(&self, tool: &ApprovedTool) -> Result<(), NotGiven> {
        if self.kind() != tool.kind {
            return Err(NotGiven::Kind);
        }
        match self {
            Self::Tool(_) | Self::Resource { .. } => Ok(()),
            Self::Prompt(arguments) => {
                known(tool, arguments.iter().map(|(name, _)| name))?;
                let given = |name: &String| arguments.iter().any(|(given, _)| given == name);
                match tool.parameters.iter().find(|parameter| parameter.required && !given(&parameter.name)) {
                    Some(missing) => Err(NotGiven::Missing(missing.name.clone())),
                    None => Ok(()),
                }
            }
            Self::Completion { argument, context, .. } => {
                known(tool, std::iter::once(argument).chain(context.iter().map(|(name, _)| name)))
            }
        }
    }
}

fn known<'a>(tool: &ApprovedTool, mut names: impl Iterator<Item = &'a String>) -> Result<(), NotGiven> {
    let stranger = names.find(|name| !tool.parameters.iter().any(|parameter| parameter.name == **name));
    match stranger {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = tool.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(NotGiven::Unknown { name: name.clone(), known })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use portcullis_manifest::{AskKind, Confirm, Fingerprint, Label, Limits, Principal};
    use uuid::Uuid;

    use super::*;
    use crate::{Asked, Binding, Decision, Mismatch, Permit, Refused, Schema, decide};

    fn callable(kind: Callable) -> ApprovedTool {
        let parameter = |name: &str, required| Parameter { name: name.to_owned(), required, complete: true };
        ApprovedTool {
            kind,
            release: Fingerprint([0; 32]),
            plugin: "docs".parse().unwrap(),
            plugin_scopes: Arc::default(),
            name: "page".parse().unwrap(),
            wire: "docs_page".parse().unwrap(),
            label: Label::Destructive,
            grants: Vec::new(),
            confirm: Confirm::Person,
            partial: false,
            ask: vec![AskKind::Form],
            hints: Vec::new(),
            parameters: vec![parameter("topic", true), parameter("tone", false)],
            scopes: Vec::new(),
            without_sign_in: false,
            task: portcullis_manifest::TaskSupport::Never,
            input: Schema::compile(&json!({ "type": "object" })).unwrap(),
            output: None,
            limits: Limits { arguments: 200, ..Limits::default() },
        }
    }

    fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn read(uri: &str, variables: &[(&str, &str)]) -> Given {
        Given::Resource { uri: uri.to_owned(), variables: pairs(variables) }
    }

    fn complete(of: Completes, argument: &str, value: &str, context: &[(&str, &str)]) -> Given {
        Given::Completion { of, argument: argument.to_owned(), value: value.to_owned(), context: pairs(context) }
    }

    fn ask(kind: Callable, given: Given) -> Result<Permit, Refused> {
        let asked = Asked {
            principal: Principal::local(),
            tool: Arc::new(callable(kind)),
            given,
            correlation: Uuid::nil(),
            hints: BTreeMap::new(),
            preview: true,
            person: false,
            answered: None,
            confirmation: None,
        };
        match decide(asked, || panic!("nothing to preview")) {
            Decision::Permit(permit) => Ok(permit),
            Decision::Refuse(refused) => Err(refused),
            other => panic!("{other:?}"),
        }
    }

    /// Fails without: the kind in `ApprovedTool::writes`, or the one in the choice of `confirm`.
    #[test]
    fn wr_03_a_prompt_a_resource_and_a_completion_never_hold_a_write_proof_whatever_their_label_says() {
        for (kind, given) in [
            (Callable::Prompt, Given::Prompt(pairs(&[("topic", "x")]))),
            (Callable::Resource, read("docs://a", &[])),
            (Callable::Completion, complete(Completes::Prompt, "topic", "", &[])),
        ] {
            let permit = ask(kind, given.clone()).unwrap();
            assert!(permit.write_proof().is_none() && !permit.mode().is_preview(), "{kind:?}");
            assert_eq!(permit.given(), &given);
        }
    }

    #[test]
    fn what_comes_with_a_call_is_of_its_kind() {
        let kinds = [Callable::Tool, Callable::Resource, Callable::Prompt, Callable::Completion];
        let all = [
            Given::Tool(Map::new()),
            read("docs://a", &[]),
            Given::Prompt(pairs(&[("topic", "x")])),
            complete(Completes::Prompt, "topic", "", &[]),
        ];
        for kind in kinds {
            for given in &all {
                assert_eq!(
                    given.fits(&callable(kind)) == Err(NotGiven::Kind),
                    given.kind() != kind,
                    "{kind:?} {given:?}"
                );
            }
        }
    }

    #[test]
    fn mc_08_a_prompt_has_its_required_arguments_and_none_that_it_does_not_list() {
        let fits = |given: &[(&str, &str)]| Given::Prompt(pairs(given)).fits(&callable(Callable::Prompt));
        assert_eq!(fits(&[("topic", "x")]), Ok(()));
        assert_eq!(fits(&[("tone", "y"), ("topic", "")]), Ok(()));
        assert_eq!(fits(&[("tone", "y")]), Err(NotGiven::Missing("topic".to_owned())));
        let refused = fits(&[("topic", "x"), ("t\u{202e}opic", "y")]).unwrap_err().to_string();
        assert_eq!(refused, r"there is no argument `t\u{202e}opic`; there are: topic, tone");
        let refused = ask(Callable::Prompt, Given::Prompt(pairs(&[("topic", &"x".repeat(200))]))).unwrap_err();
        assert!(matches!(refused, Refused::Size { limit: 200, .. }), "{refused}");
    }

    #[test]
    fn a_completion_is_of_an_argument_that_there_is() {
        let fits = |argument, context| {
            complete(Completes::Resource, argument, "x", context).fits(&callable(Callable::Completion))
        };
        assert_eq!(fits("tone", &[("topic", "y")]), Ok(()));
        assert!(matches!(fits("other", &[]), Err(NotGiven::Unknown { .. })));
        assert!(matches!(fits("tone", &[("other", "y")]), Err(NotGiven::Unknown { .. })));
    }

    /// Fails without: the kind in `Binding`, or anything of the request in `Given::json`.
    #[test]
    fn mc_14_what_is_bound_to_one_request_is_bound_to_no_other() {
        let here = Principal::local();
        let of = |kind, given: Given| Binding::of_call(&here, &callable(kind), &given);
        let all = [
            of(Callable::Resource, read("docs://a", &[("path", "a")])),
            of(Callable::Resource, read("docs://b", &[("path", "a")])),
            of(Callable::Resource, read("docs://a", &[("path", "b")])),
            of(Callable::Prompt, Given::Prompt(pairs(&[("topic", "x")]))),
            of(Callable::Prompt, Given::Prompt(pairs(&[("topic", "y")]))),
            of(Callable::Completion, complete(Completes::Prompt, "topic", "x", &[])),
            of(Callable::Completion, complete(Completes::Resource, "topic", "x", &[])),
            of(Callable::Completion, complete(Completes::Prompt, "tone", "x", &[])),
            of(Callable::Completion, complete(Completes::Prompt, "topic", "y", &[])),
            of(Callable::Completion, complete(Completes::Prompt, "topic", "x", &[("tone", "z")])),
        ];
        for (at, one) in all.iter().enumerate() {
            for (other, another) in all.iter().enumerate() {
                assert_eq!(one.matches(another).is_ok(), at == other, "{one:?} {another:?}");
            }
        }
        // The same words, as a tool's arguments.
        let Value::Object(words) = read("docs://a", &[("path", "a")]).json() else { panic!("an object") };
        assert_eq!(all[0].matches(&of(Callable::Tool, Given::Tool(words))), Err(Mismatch::Tool));
    }

    #[test]
    fn the_completion_of_a_prompt_holds_what_the_prompt_holds_and_asks_nothing() {
        let completion = callable(Callable::Prompt).completion();
        assert_eq!((completion.kind, completion.ask.len()), (Callable::Completion, 0));
        assert_eq!(completion.parameters, callable(Callable::Prompt).parameters);
    }
}
