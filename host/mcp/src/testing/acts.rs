//! What the tools of the backend for tests do, and what it comes to when they are called as something else.

use std::{collections::BTreeMap, time::Duration};

use portcullis_backend::{
    Answer, AnsweredBy, Ask, Asking, CallAnswer, CallRefused, CallRequest, Completion, PromptAnswer, Question,
    QuestionKind, Reference, Reply, ResourceAnswer, Target, ToolAnswer,
};
use serde_json::{Map, Value, json};

use super::scopes;

/// Prompts and completions have strings for numbers.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

/// What is called, as the name of a tool and its arguments: `docs://asking?questions=2` is `asking`.
pub(super) fn named(target: &Target) -> (String, Map<String, Value>) {
    let strings = |all: &BTreeMap<String, String>| {
        all.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>()
    };
    match target {
        Target::Tool { name, arguments } => (name.clone(), arguments.clone()),
        Target::Prompt { name, arguments } => {
            (if name == "greeting" { "echo".to_owned() } else { name.clone() }, strings(arguments))
        }
        Target::Resource { uri } => {
            let path = uri.strip_prefix("docs://").unwrap_or("unknown");
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let query = query.split('&').filter_map(|pair| pair.split_once('='));
            let name = if matches!(path, "a" | "b") { "echo" } else { path };
            (name.to_owned(), query.map(|(key, value)| (key.to_owned(), Value::from(value))).collect())
        }
        Target::Completion { reference, argument, value, context } => {
            let (Reference::Prompt(name) | Reference::Resource(name)) = reference;
            let mut arguments = strings(context);
            arguments.insert(argument.clone(), value.as_str().into());
            let name = match name.as_str() {
                "greeting" | "docs://{+path}" => "echo",
                name => name,
            };
            (name.to_owned(), arguments)
        }
    }
}

/// A tool's answer as one of what was called.
pub(super) fn made(target: Target, answer: ToolAnswer) -> Result<CallAnswer, CallRefused> {
    let text = match &answer.structured {
        Some(structured) => structured.to_string(),
        None => answer.content.first().map_or("", |block| block["text"].as_str().unwrap()).to_owned(),
    };
    if answer.is_error && !matches!(target, Target::Tool { .. }) {
        return Err(CallRefused::Failed(text));
    }
    let of =
        |arguments: &Map<String, Value>| arguments.values().map(|value| value.as_str().unwrap().to_owned()).collect();
    Ok(CallAnswer::Done(match target {
        Target::Tool { .. } => Answer::Tool(answer),
        Target::Resource { uri } => {
            let by = match uri.split_once("?held=") {
                Some((_, varies)) => AnsweredBy::Release { varies: varies == "varies" },
                None => AnsweredBy::Plugin,
            };
            let contents = vec![json!({ "uri": uri, "mimeType": "text/plain", "text": text })];
            Answer::Resource(ResourceAnswer { contents, by })
        }
        Target::Prompt { arguments, .. } => Answer::Prompt(PromptAnswer {
            description: (!arguments.is_empty()).then(|| "with\narguments".to_owned()),
            messages: vec![json!({ "role": "user", "content": { "type": "text", "text": text } })],
        }),
        // Everything that was said.
        Target::Completion { .. } => {
            let values: Vec<String> = answer.structured.as_ref().and_then(Value::as_object).map(of).unwrap_or_default();
            let many = values.len() as u64;
            Answer::Completion(Completion { has_more: many > 1, total: (many > 1).then_some(many + 7), values })
        }
    }))
}

/// What is not known is of its own kind.
pub(super) fn of_kind(target: &Target, refused: CallRefused) -> CallRefused {
    match (target, refused) {
        (Target::Resource { uri }, CallRefused::UnknownTool { .. }) => {
            CallRefused::UnknownResource { uri: uri.clone() }
        }
        (Target::Prompt { name, .. }, CallRefused::UnknownTool { .. }) => {
            CallRefused::UnknownPrompt { name: name.clone() }
        }
        (Target::Completion { .. }, CallRefused::UnknownTool { .. }) => {
            CallRefused::Params("nothing completes that".to_owned())
        }
        (_, refused) => refused,
    }
}

/// What seals the state of [`asks`] here.
pub(crate) const STATE: &str = "state\n\"1\"";

/// Asks for `questions` things by the keys `q0`, `q1` and so on, in so many `rounds`, those again that have no reply, and
/// `then` fails or tells what was replied. `insisting` asks also whom nobody can ask; `mute` asks for nothing.
pub(super) fn asks(
    request: CallRequest,
    tool: &str,
    arguments: &Map<String, Value>,
) -> Result<CallAnswer, CallRefused> {
    let questions = arguments.get("questions").map_or(1, number);
    let mut keys: Vec<String> = (0..questions).map(|nth| format!("q{nth}")).collect();
    let rounds = arguments.get("rounds").map_or(1, number);
    let state = |round: u64| if round == 1 { STATE.to_owned() } else { format!("{STATE}{round}") };
    let (round, replies) = match request.resume {
        Some(resume) => match (1..=rounds).find(|round| state(*round) == resume.state) {
            Some(round) => (round, resume.replies),
            None => return Err(CallRefused::State { why: "it is another one" }),
        },
        None => (0, Default::default()),
    };
    if round == 0 || round >= rounds {
        keys.retain(|key| !replies.contains_key(key));
    }
    if tool == "asking" && request.asking == Asking::NOTHING {
        return Ok(ToolAnswer::error("nobody can be asked").into());
    }
    if keys.is_empty() && tool != "mute" {
        return match arguments.get("then").and_then(Value::as_str) {
            Some("busy") => Err(CallRefused::Busy { limit: "guest memory", retry_after: Duration::from_secs(1) }),
            Some("sign-in") => Err(CallRefused::SignIn { needed: scopes(&["notes:read"]) }),
            Some("scope") => Err(CallRefused::InsufficientScope { needed: scopes(&["notes:read", "notes:write"]) }),
            _ => {
                let told = replies.into_iter().map(|(key, reply)| {
                    let told = match reply {
                        Reply::Accepted(content) => Value::Object(content),
                        Reply::Declined => "declined".into(),
                        Reply::Cancelled => "cancelled".into(),
                    };
                    (key, told)
                });
                let structured = Some(Value::Object(told.collect()));
                Ok(ToolAnswer { content: Vec::new(), structured, is_error: false, meta: None }.into())
            }
        };
    }
    let schema = json!({ "type": "object", "required": ["name"], "properties": {
        "name": { "type": "string", "title": "Your\nname" }, "age": { "type": "integer" } } });
    let keys = if tool == "mute" { Vec::new() } else { keys };
    let questions = keys.into_iter().map(|key| {
        let message = format!("Portcullis asks for {key}\nand waits");
        let nth = key[1..].parse::<usize>().unwrap();
        let kind = match arguments.get("kinds").and_then(|kinds| kinds[nth].as_str()) {
            Some("sampling") => QuestionKind::Sampling(json!({ "messages": [
                { "role": "user", "content": { "type": "text", "text": message } }], "maxTokens": 100 })),
            Some("roots") => QuestionKind::Roots,
            _ => QuestionKind::Form { message, schema: schema.clone() },
        };
        Question { key, kind }
    });
    Ok(CallAnswer::Ask(Ask { questions: questions.collect(), state: state(rounds.min(round + 1)) }))
}
