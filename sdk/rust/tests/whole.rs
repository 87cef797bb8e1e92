//! A plugin that has everything: `plugin!` sends each call to its function, and says what it has when it lacks one.

use portcullis_plugin::{
    Answer, Contents, Context, NoArguments, Outcome, Part, ToolError,
    bindings::{exports::portcullis::plugin::tools::Guest as Tools, portcullis::plugin::types},
    completions::{Asked, Completion, wire as completions},
    plugin,
    prompts::{Prompt, wire as prompts},
    questions::{Form, Questions},
    resources::{Read, wire as resources},
};
use serde::Deserialize;

use completions::{Guest as _, Target};
use prompts::{Guest as _, Prompting};
use resources::{Guest as _, Reading};

plugin! {
    tools: { "greet" => greet },
    resources: { "page" => page, "two" => two, "asks" => asks },
    prompts: { "sum" => sum, "plain" => plain },
    completions: { prompt("sum", "a") => numbers, resource("page", "path") => paths },
}

#[derive(Deserialize)]
struct Page {
    path: String,
    part: Option<u32>,
}

#[derive(Deserialize)]
struct Sum {
    a: i64,
    b: i64,
}

fn greet(_: NoArguments, _: &Context) -> Result<Answer, ToolError> {
    Ok(Answer::text("Hello"))
}

fn page(read: Read<Page>, _: &Context) -> Result<Option<Contents>, ToolError> {
    let Page { path, part } = read.variables;
    match path.as_str() {
        "broken" => Err("It is torn.".into()),
        "a" => Ok(Some(Contents::text("text/plain", format!("{path} {part:?}")))),
        _ => Ok(None),
    }
}

fn two(_: Read<NoArguments>, _: &Context) -> Result<Vec<Contents>, ToolError> {
    Ok(vec![Contents::text("", "1"), Contents::bytes("image/png", *b"2").at("x://2")])
}

fn asks(_: Read<NoArguments>, _: &Context) -> Result<Contents, ToolError> {
    Err(Questions::new([Form::new("k", "Which?")]).into())
}

fn sum(args: Sum, _: &Context) -> Result<Prompt, ToolError> {
    let page = Contents::text("text/plain", "numbers").at("x://a");
    Ok(Prompt::new().description("A sum").user(format!("{}?", args.a + args.b)).assistant(Part::embedded(page)))
}

fn plain(_: NoArguments, _: &Context) -> Result<&'static str, ToolError> {
    Ok("Hello")
}

fn numbers(asked: Asked, _: &Context) -> Completion {
    Completion::starting_with(&asked.value, ["1", "12", "2"])
}

fn paths(asked: Asked, _: &Context) -> Vec<String> {
    vec![format!("{}{}", asked.argument("part").unwrap_or("-"), asked.value)]
}

fn given(pairs: &[(&str, &str)]) -> Vec<types::Argument> {
    pairs.iter().map(|(name, value)| types::Argument { name: name.to_string(), value: value.to_string() }).collect()
}

fn read(name: &str, variables: &[(&str, &str)]) -> Reading {
    PortcullisPlugin::read(name.into(), "x://here".into(), given(variables))
}

fn get(name: &str, arguments: &[(&str, &str)]) -> Prompting {
    PortcullisPlugin::get(name.into(), given(arguments))
}

#[test]
fn tools_are_called_by_name() {
    assert!(matches!(PortcullisPlugin::call("greet".into(), "{}".into()), Outcome::Done(_)));
    let Outcome::Failed(text) = PortcullisPlugin::call("x".into(), "{}".into()) else { panic!("done") };
    assert_eq!(text, "This plugin has no tool `x`; it has: greet");
}

#[test]
fn a_resource_is_read_with_its_variables_and_is_where_it_was_asked_for() {
    let Reading::Done(contents) = read("page", &[("path", "a"), ("part", "2")]) else { panic!("not done") };
    assert_eq!((contents[0].uri.as_str(), contents.len()), ("x://here", 1));
    assert!(matches!(&contents[0].body, types::Body::Text(text) if text == "a Some(2)"));
    let Reading::Done(contents) = read("two", &[]) else { panic!("not done") };
    assert_eq!((contents[0].uri.as_str(), contents[1].uri.as_str()), ("x://here", "x://2"));
}

#[test]
fn nothing_under_a_uri_is_told_apart_from_a_read_that_failed() {
    assert!(matches!(read("page", &[("path", "z")]), Reading::NotFound));
    // A part is a number: under another there is nothing.
    assert!(matches!(read("page", &[("path", "a"), ("part", "b")]), Reading::NotFound));
    assert!(matches!(read("page", &[("path", "broken")]), Reading::Failed(text) if text == "It is torn."));
    assert!(
        matches!(read("x", &[]), Reading::Failed(text) if text.ends_with("no resource `x`; it has: page, two, asks"))
    );
    assert!(matches!(read("asks", &[]), Reading::NeedsInput(asked) if asked.questions[0].key == "k"));
}

#[test]
fn a_prompt_reads_its_arguments_from_texts() {
    let Prompting::Done(prompt) = get("sum", &[("a", "1"), ("b", "-3")]) else { panic!("not done") };
    assert_eq!((prompt.description.as_deref(), prompt.messages.len()), (Some("A sum"), 2));
    assert!(matches!(&prompt.messages[0].content, types::Content::Text(text) if text == "-2?"));
    assert!(matches!(prompt.messages[1].role, types::Role::Assistant));
    assert!(matches!(&prompt.messages[1].content, types::Content::Embedded(page) if page.uri == "x://a"));
    assert!(matches!(get("plain", &[]), Prompting::Done(prompt) if prompt.messages.len() == 1));
    assert!(matches!(get("sum", &[("a", "x"), ("b", "1")]), Prompting::Failed(text) if text.contains("\"x\"")));
    assert!(matches!(get("x", &[]), Prompting::Failed(text) if text.ends_with("has: sum, plain")));
}

#[test]
fn each_argument_has_its_own_completion_and_others_have_none() {
    let complete = |target, argument: &str, value: &str| {
        PortcullisPlugin::complete(target, argument.into(), value.into(), given(&[("part", "7")]))
    };
    assert_eq!(complete(Target::Prompt("sum".into()), "a", "1").values, ["1", "12"]);
    assert_eq!(complete(Target::Resource("page".into()), "path", "x").values, ["7x"]);
    for (target, argument) in [
        (Target::Prompt("sum".into()), "b"),
        (Target::Resource("sum".into()), "a"),
        (Target::Prompt("page".into()), "path"),
    ] {
        assert!(complete(target, argument, "1").values.is_empty());
    }
}
