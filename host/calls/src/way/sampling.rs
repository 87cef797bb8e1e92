//! What a tool may have the client's own model say (MCP sampling), and whether a reply is one; and what a client says of its roots.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_admission::Answered;
use portcullis_backend::{Question, QuestionKind, Reply};
use portcullis_sandbox::{Content, ToolSampling};
use serde_json::{Map, Value, json};

use super::form::{NotAsked, key};
use crate::{
    answer::{self, Whose},
    clean,
};

/// Most bytes of what a model is given to answer, as it is sent: it travels with the client, in the sealed state, too.
const PARAMS: usize = 64 << 10;

/// Most sequences that a model stops at, and most bytes of each.
const STOPS: (usize, usize) = (16, 256);

/// Most tokens that a model is let say: none is shorter than a byte, and no reply is longer than [`REPLY`].
const TOKENS: u32 = 1 << 20;

/// The highest temperature that a model is known to take.
const HOTTEST: f64 = 2.0;

/// Most bytes of a reply. A guest that can't hold it ends at its own limit of memory.
const REPLY: usize = 1 << 20;

/// Most roots of a client.
const ROOTS: usize = 1_000;

/// Says in a request which tool it is from. A client shows the person who asks, and the system prompt is the plugin's own words.
const TOOL: &str = "portcullis/tool";

/// `params` of `sampling/createMessage`.
pub(super) fn one(who: &str, sampling: ToolSampling) -> Result<Question, NotAsked> {
    let ToolSampling { key: name, messages, system_prompt, max_tokens, temperature, stop_sequences } = sampling;
    let name = key(name)?;
    let wrong = |why: &str| NotAsked::Sampling { key: name.clone(), why: why.to_owned() };
    if messages.is_empty() {
        return Err(wrong("there is no message"));
    }
    if !(1..=TOKENS).contains(&max_tokens) {
        return Err(wrong("`max-tokens` is not from 1 to 1048576, and no reply is longer"));
    }
    if temperature.is_some_and(|temperature| !(0.0..=HOTTEST).contains(&temperature)) {
        return Err(wrong("`temperature` is no number from 0 to 2"));
    }
    if stop_sequences.len() > STOPS.0 || stop_sequences.iter().any(|stop| stop.is_empty() || stop.len() > STOPS.1) {
        return Err(wrong("at most 16 stop sequences of 1 to 256 bytes are passed on"));
    }
    // Before anything is copied or encoded.
    let size = messages.iter().map(|message| answer::block_size(&message.content)).sum::<usize>();
    if size + system_prompt.as_ref().map_or(0, String::len) > PARAMS {
        return Err(wrong("it is longer than 64 KiB"));
    }
    let linked = |content: &Content| matches!(content, Content::Link(..) | Content::Embedded(_));
    if messages.iter().any(|message| linked(&message.content)) {
        return Err(wrong("a model is given texts, images and sound, no links and no resources"));
    }
    let messages = messages.into_iter().map(|message| answer::message(message, &|_| Whose::Nobodys));
    let messages: Vec<Value> = messages.collect::<Result<_, _>>().map_err(|unfit| wrong(&unfit.to_string()))?;
    let mut params = json!({ "messages": messages, "maxTokens": max_tokens });
    if let Some(prompt) = system_prompt {
        params["systemPrompt"] = Value::String(clean::text(prompt));
    }
    if let Some(temperature) = temperature {
        params["temperature"] = json!(temperature);
    }
    if !stop_sequences.is_empty() {
        params["stopSequences"] = json!(stop_sequences.into_iter().map(clean::text).collect::<Vec<_>>());
    }
    params["_meta"] = json!({ TOOL: who });
    if params.to_string().len() > 2 * PARAMS {
        return Err(wrong("it is longer than 64 KiB"));
    }
    Ok(Question { key: name, kind: QuestionKind::Sampling(params) })
}

/// A `CreateMessageResult`, if the reply is one; none: ask again.
pub(super) fn said(reply: Option<&Reply>) -> Option<Answered> {
    result(reply, |result| {
        let role = matches!(result.get("role").and_then(Value::as_str), Some("user" | "assistant"));
        let model = result.get("model").is_some_and(Value::is_string);
        let stop = result.get("stopReason").is_none_or(Value::is_string);
        let content = match result.get("content") {
            Some(Value::Array(blocks)) => !blocks.is_empty() && blocks.iter().all(is_block),
            Some(block) => is_block(block),
            None => false,
        };
        (role && model && stop && content).then(|| picked(result, &["role", "content", "model", "stopReason"]))
    })
}

/// A `ListRootsResult`, if the reply is one; none: ask again.
pub(super) fn roots(reply: Option<&Reply>) -> Option<Answered> {
    result(reply, |result| {
        let roots = result.get("roots")?.as_array()?;
        if roots.len() > ROOTS {
            return None;
        }
        let root = |root: &Value| {
            let root = root.as_object()?;
            let named = root.get("name").is_none_or(Value::is_string);
            (root.get("uri")?.is_string() && named).then(|| picked(root, &["uri", "name"]))
        };
        let roots: Vec<Value> = roots.iter().map(root).collect::<Option<_>>()?;
        Some(json!({ "roots": roots }))
    })
}

fn result(reply: Option<&Reply>, read: impl FnOnce(&Map<String, Value>) -> Option<Value>) -> Option<Answered> {
    match reply? {
        Reply::Declined => Some(Answered::Declined),
        Reply::Cancelled => Some(Answered::Cancelled),
        Reply::Accepted(result) => {
            let text = read(result)?.to_string();
            (text.len() <= REPLY).then_some(Answered::Accepted(text))
        }
    }
}

fn is_block(block: &Value) -> bool {
    let text = |name: &str| block.get(name).and_then(Value::as_str);
    let media = |kind: &str| {
        text("mimeType").is_some_and(|given| answer::is_media(kind, given))
            && text("data").is_some_and(|data| BASE64_STANDARD.decode(data).is_ok())
    };
    match text("type") {
        Some("text") => text("text").is_some(),
        Some("image") => media("image/"),
        Some("audio") => media("audio/"),
        _ => false,
    }
}

/// What is known of an object: the rest was not asked for.
fn picked(object: &Map<String, Value>, names: &[&str]) -> Value {
    let known = names.iter().filter_map(|name| Some(((*name).to_owned(), object.get(*name)?.clone())));
    Value::Object(known.collect())
}

#[cfg(test)]
mod tests {
    use portcullis_manifest::Limits;
    use portcullis_sandbox::{Message, NeedsInput, Role, ToolQuestion};

    use super::*;
    use crate::way::form::questions;

    fn text(text: &str) -> Content {
        Content::Text(text.to_owned())
    }

    fn sampling(key: &str, content: Content) -> ToolSampling {
        ToolSampling {
            key: key.to_owned(),
            messages: vec![Message { role: Role::User, content }],
            system_prompt: Some("Be\u{202e} brief".to_owned()),
            max_tokens: 100,
            temperature: Some(0.5),
            stop_sequences: vec!["END".to_owned()],
        }
    }

    fn params(sampling: ToolSampling) -> Result<Value, NotAsked> {
        match one("docs_ask", sampling)?.kind {
            QuestionKind::Sampling(params) => Ok(params),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mc_11_what_a_model_is_to_say_is_passed_on_cleaned_and_names_the_tool() {
        let expected = json!({
            "messages": [{ "role": "user", "content": { "type": "text", "text": "Hi" } }],
            "maxTokens": 100,
            "systemPrompt": "Be brief",
            "temperature": 0.5,
            "stopSequences": ["END"],
            "_meta": { "portcullis/tool": "docs_ask" },
        });
        assert_eq!(params(sampling("k", text("H\u{200b}i"))).unwrap(), expected);
    }

    #[test]
    fn mc_11_what_is_too_much_or_no_conversation_is_not_put_to_a_model() {
        let good = || sampling("k", text("x"));
        let link = Content::Link("https://a.example".to_owned(), "a".to_owned(), None);
        for wrong in [
            ToolSampling { messages: Vec::new(), ..good() },
            ToolSampling { max_tokens: 0, ..good() },
            ToolSampling { temperature: Some(f64::NAN), ..good() },
            ToolSampling { temperature: Some(-0.1), ..good() },
            ToolSampling { temperature: Some(2.1), ..good() },
            ToolSampling { temperature: Some(1e300), ..good() },
            ToolSampling { max_tokens: TOKENS + 1, ..good() },
            ToolSampling { max_tokens: u32::MAX, ..good() },
            ToolSampling { stop_sequences: vec!["x".to_owned(); 17], ..good() },
            ToolSampling { stop_sequences: vec![String::new()], ..good() },
            ToolSampling { system_prompt: Some("x".repeat(PARAMS)), ..good() },
            sampling("k", text(&"x".repeat(PARAMS))),
            sampling("k", Content::Image(vec![0; PARAMS], "image/png".to_owned())),
            sampling("k", Content::Image(Vec::new(), "text/html".to_owned())),
            sampling("k", link),
        ] {
            let refused = params(wrong).unwrap_err();
            assert!(matches!(&refused, NotAsked::Sampling { key, .. } if key == "k"), "{refused}");
        }
        let most = ToolSampling { max_tokens: TOKENS, temperature: Some(HOTTEST), ..good() };
        assert!(params(most).is_ok());
        assert!(params(ToolSampling { system_prompt: None, ..sampling("k", text(&"x".repeat(PARAMS))) }).is_ok());
        assert_eq!(params(sampling("no key", text("x"))), Err(NotAsked::Key));
    }

    #[test]
    fn mc_11_keys_are_unique_and_counted_over_all_kinds() {
        let limits = Limits { questions: 3, ..Limits::default() };
        let form = |key: &str| ToolQuestion {
            key: key.to_owned(),
            message: "What?".to_owned(),
            schema: json!({ "type": "object", "properties": {} }).to_string(),
        };
        let needs = |form_key: &str, sampling_key: &str, roots: &[&str]| NeedsInput {
            questions: vec![form(form_key)],
            samplings: vec![sampling(sampling_key, text("x"))],
            roots: roots.iter().map(|key| (*key).to_owned()).collect(),
            state: vec![7],
        };
        let (put, state) = questions("t", needs("a", "b", &["c"]), &limits).unwrap();
        let kinds: Vec<_> =
            put.iter().map(|question| (question.key.as_str(), std::mem::discriminant(&question.kind))).collect();
        assert_eq!(kinds.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(kinds.windows(2).all(|pair| pair[0].1 != pair[1].1) && state == [7]);
        for (form, sampling, roots) in [("a", "a", "c"), ("a", "b", "a"), ("a", "b", "b"), ("a", "b", "c c")] {
            assert_eq!(questions("t", needs(form, sampling, &[roots]), &limits), Err(NotAsked::Key));
        }
        let refused = questions("t", needs("a", "b", &["c", "d"]), &limits);
        assert_eq!(refused, Err(NotAsked::TooMany { found: 4, limit: 3 }));
    }

    fn accepted(value: Value) -> Option<Reply> {
        let Value::Object(result) = value else { panic!("an object") };
        Some(Reply::Accepted(result))
    }

    #[test]
    fn a_models_words_are_of_their_form_or_are_asked_for_again() {
        let good = json!({ "role": "assistant", "model": "m", "content": { "type": "text", "text": "Paris" }, "x": 1 });
        let said_of = |value: Value| said(accepted(value).as_ref());
        let Some(Answered::Accepted(kept)) = said_of(good.clone()) else { panic!("it is one") };
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept["content"], json!({ "type": "text", "text": "Paris" }));
        assert_eq!(kept.get("x"), None, "what was not asked for is left out");
        for (kind, media) in [("image", "image/png"), ("audio", "audio/wav")] {
            let content = json!([{ "type": kind, "mimeType": media, "data": "AQID" }]);
            assert!(said_of(json!({ "role": "assistant", "model": "m", "content": content })).is_some(), "{kind}");
        }
        for (name, value) in [
            ("role", json!("system")),
            ("model", json!(1)),
            ("content", json!("Paris")),
            ("content", json!([])),
            ("content", json!({ "type": "tool_use", "name": "x" })),
            ("content", json!({ "type": "text" })),
            ("content", json!({ "type": "text", "text": "x".repeat(REPLY) })),
            ("content", json!({ "type": "image", "mimeType": "image/png", "data": "!!" })),
            ("content", json!({ "type": "image", "mimeType": "image/png", "data": "AA" })),
            ("content", json!({ "type": "image", "mimeType": "text/html", "data": "AAAA" })),
            ("content", json!({ "type": "audio", "mimeType": "image/png", "data": "AAAA" })),
            (
                "content",
                json!([{ "type": "text", "text": "x" }, { "type": "audio", "mimeType": "audio/wav", "data": "-_==" }]),
            ),
            ("stopReason", json!({})),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert_eq!(said_of(bad.clone()), None, "{name}");
        }
        for missing in ["role", "model", "content"] {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(missing);
            assert_eq!(said_of(bad), None, "{missing}");
        }
        assert_eq!(said(Some(&Reply::Declined)), Some(Answered::Declined));
        assert_eq!(said(None), None);
    }

    #[test]
    fn roots_are_of_their_form_or_are_asked_for_again() {
        let roots_of = |value: Value| roots(accepted(value).as_ref());
        let good = json!({ "roots": [{ "uri": "file:///a", "name": "A", "more": 1 }, { "uri": "file:///b" }], "x": 1 });
        let kept = r#"{"roots":[{"uri":"file:///a","name":"A"},{"uri":"file:///b"}]}"#;
        assert_eq!(roots_of(good), Some(Answered::Accepted(kept.to_owned())));
        assert!(roots_of(json!({ "roots": [] })).is_some());
        for bad in [
            json!({}),
            json!({ "roots": {} }),
            json!({ "roots": [{}] }),
            json!({ "roots": [{ "uri": 1 }] }),
            json!({ "roots": [{ "uri": "file:///a", "name": 1 }] }),
            json!({ "roots": vec![json!({ "uri": "file:///a" }); ROOTS + 1] }),
        ] {
            assert_eq!(roots_of(bad.clone()), None, "{bad}");
        }
        assert_eq!(roots(Some(&Reply::Cancelled)), Some(Answered::Cancelled));
    }
}
