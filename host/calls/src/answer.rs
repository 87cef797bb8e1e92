//! From what a guest answered to what a client is told: parsed, checked against the output schema, and bounded.
//!
//! `own` says of a URI whether it is of the plugin's own resources: what a plugin holds out under a name is its own, or under a
//! name that nothing fetches.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_admission::ApprovedTool;
use portcullis_backend::{Completion, PromptAnswer, ToolAnswer};
use portcullis_manifest::hides;
use portcullis_sandbox::{Answer, Body, Completed, Content, Contents, Message, Prompted, Role};
use serde_json::{Value, json};

use crate::clean;

/// A result that is not passed on. The text is for the model and for the author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("the tool's result has {size} bytes; `limits.result` of its manifest allows {limit}")]
    Size { size: u64, limit: u64 },
    #[error("the tool's {what} is not JSON that this host takes: {why}")]
    Json { what: &'static str, why: String },
    #[error("the tool's structured result is not an object")]
    NotAnObject,
    #[error("the tool declares an output schema and answered without a structured result")]
    Missing,
    #[error("the tool's structured result does not fit its output schema: {0}")]
    Schema(String),
    #[error("the tool called the MIME type of {0} `{1}`")]
    Media(&'static str, String),
    #[error("the tool linked to `{0}`, which is neither http nor https")]
    Link(String),
    #[error(
        "the tool linked to `{0}`, which holds characters that nobody sees; percent-encode them, or leave them out"
    )]
    HiddenLink(String),
    #[error(
        "the tool holds out something under `{0}`: a URI has a scheme, and that of what is embedded is not http, https, file, \
         data, javascript, blob or ui, unless it is a resource of the plugin's own"
    )]
    Scheme(String),
    #[error(
        "the tool answered with what it calls `{0}`, which is no resource of its own: its manifest's `[[resource]]` says which are"
    )]
    Foreign(String),
    #[error("the resource was read and there is nothing of it")]
    NoContents,
}

/// Most values of a completion (MCP).
const VALUES: usize = 100;

/// Most bytes of one value of a completion.
const VALUE: usize = 1 << 10;

/// What clients fetch, run or show by themselves: a guest names nothing so that is not its own.
const FETCHED: [&str; 7] = ["http", "https", "file", "data", "javascript", "blob", "ui"];

/// What stands around the texts of a content block when it is sent: its keys, its type, its quotes. A hundred thousand empty
/// blocks are megabytes.
const AROUND: usize = 64;

/// Makes the answer of a tool.
pub(crate) fn render(tool: &ApprovedTool, answer: Answer, own: &dyn Fn(&str) -> bool) -> Result<ToolAnswer, Unfit> {
    within(tool, size(&answer))?;
    let mut structured = answer.structured.as_deref().map(|text| object("structured result", text)).transpose()?;
    let mut meta = answer.meta.as_deref().map(|text| object("`_meta`", text)).transpose()?;
    structured.iter_mut().for_each(clean::value);
    meta.iter_mut().for_each(clean::meta);
    match (&tool.output, &structured) {
        (Some(schema), Some(value)) => schema.check(value).map_err(|misfit| Unfit::Schema(misfit.to_string()))?,
        (Some(_), None) => return Err(Unfit::Missing),
        (None, _) => {}
    }
    let mut content = answer.content.into_iter().map(|content| block(content, own)).collect::<Result<Vec<_>, _>>()?;
    // Older clients read only content: MCP asks for the same JSON as text.
    if content.is_empty()
        && let Some(text) = answer.structured
    {
        // Printed again from the value, so that the text says nothing that the schema has not seen.
        let text = structured.as_ref().map_or(text, Value::to_string);
        content.push(json!({ "type": "text", "text": text }));
    }
    Ok(ToolAnswer { content, structured, is_error: false, meta })
}

/// Makes the answer of a resource: each part of it is one of the plugin's own.
pub(crate) fn contents(
    tool: &ApprovedTool,
    given: Vec<Contents>,
    own: &dyn Fn(&str) -> bool,
) -> Result<Vec<Value>, Unfit> {
    within(tool, given.iter().map(|contents| AROUND + contents_size(contents)).sum::<usize>() as u64)?;
    if given.is_empty() {
        return Err(Unfit::NoContents);
    }
    let one = |contents: Contents| {
        if !own(&contents.uri) {
            return Err(Unfit::Foreign(shown(&contents.uri)));
        }
        part(contents)
    };
    given.into_iter().map(one).collect()
}

/// Makes the answer of a prompt.
pub(crate) fn prompt(tool: &ApprovedTool, given: Prompted, own: &dyn Fn(&str) -> bool) -> Result<PromptAnswer, Unfit> {
    let Prompted { description, messages } = given;
    let size = messages.iter().map(|message| AROUND + block_size(&message.content)).sum::<usize>();
    within(tool, (size + description.as_ref().map_or(0, String::len)) as u64)?;
    let messages = messages.into_iter().map(|message| self::message(message, own)).collect::<Result<_, _>>()?;
    Ok(PromptAnswer { description: description.map(clean::text), messages })
}

/// A part of a conversation.
pub(crate) fn message(given: Message, own: &dyn Fn(&str) -> bool) -> Result<Value, Unfit> {
    let role = match given.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Ok(json!({ "role": role, "content": block(given.content, own)? }))
}

/// Makes the answer of a completion. What is too much is left out, and said to be more.
pub(crate) fn completion(given: Completed) -> Completion {
    let Completed { values, total, has_more } = given;
    let found = values.len();
    let fits = |value: &String| value.len() <= VALUE;
    let values: Vec<String> = values.into_iter().filter(fits).take(VALUES).map(clean::text).collect();
    let left_out = found > values.len();
    let total = total.map(|total| u64::from(total).max(found as u64)).or(left_out.then_some(found as u64));
    Completion { values, total, has_more: has_more || left_out }
}

fn within(tool: &ApprovedTool, size: u64) -> Result<(), Unfit> {
    let limit = tool.limits.result;
    if size > limit { Err(Unfit::Size { size, limit }) } else { Ok(()) }
}

fn size(answer: &Answer) -> u64 {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let blocks = answer.content.iter().map(|block| AROUND + block_size(block));
    (blocks.sum::<usize>() + text(&answer.structured) + text(&answer.meta)) as u64
}

/// Of the texts of a block, as it will be sent.
pub(crate) fn block_size(block: &Content) -> usize {
    match block {
        Content::Text(text) => text.len(),
        Content::Image(data, kind) | Content::Audio(data, kind) => base64_size(data) + kind.len(),
        Content::Link(uri, name, kind) => uri.len() + name.len() + kind.as_ref().map_or(0, String::len),
        Content::Embedded(contents) => contents_size(contents),
    }
}

fn contents_size(Contents { uri, mime_type, body }: &Contents) -> usize {
    let body = match body {
        Body::Text(text) => text.len(),
        Body::Blob(bytes) => base64_size(bytes),
    };
    uri.len() + mime_type.len() + body
}

fn base64_size(data: &[u8]) -> usize {
    data.len().div_ceil(3) * 4
}

fn object(what: &'static str, text: &str) -> Result<Value, Unfit> {
    // serde_json refuses nesting beyond 128; duplicate keys cannot mislead anyone here, because what is checked is what is
    // sent on: this value, not the text.
    let value: Value = serde_json::from_str(text).map_err(|error| Unfit::Json { what, why: error.to_string() })?;
    if value.is_object() { Ok(value) } else { Err(Unfit::NotAnObject) }
}

fn block(block: Content, own: &dyn Fn(&str) -> bool) -> Result<Value, Unfit> {
    Ok(match block {
        Content::Text(text) => json!({ "type": "text", "text": clean::text(text) }),
        Content::Image(_, kind) if !is_media("image/", &kind) => return Err(Unfit::Media("an image", shown(&kind))),
        Content::Audio(_, kind) if !is_media("audio/", &kind) => return Err(Unfit::Media("sound", shown(&kind))),
        Content::Image(data, kind) => {
            json!({ "type": "image", "data": BASE64_STANDARD.encode(data), "mimeType": kind })
        }
        Content::Audio(data, kind) => {
            json!({ "type": "audio", "data": BASE64_STANDARD.encode(data), "mimeType": kind })
        }
        Content::Link(uri, name, kind) => {
            if !(uri.starts_with("https://") || uri.starts_with("http://")) {
                return Err(Unfit::Link(shown(&uri)));
            }
            // Not cleaned as a text is: an address with something taken out is another address.
            if uri.chars().any(hides) {
                return Err(Unfit::HiddenLink(shown(&uri)));
            }
            let mut link = json!({ "type": "resource_link", "uri": uri, "name": clean::text(name) });
            if let Some(kind) = kind {
                if !is_any_media(&kind) {
                    return Err(Unfit::Media("a link", shown(&kind)));
                }
                link["mimeType"] = Value::String(kind);
            }
            link
        }
        Content::Embedded(contents) => {
            if !may_be_named(&contents.uri, own) {
                return Err(Unfit::Scheme(shown(&contents.uri)));
            }
            json!({ "type": "resource", "resource": part(contents)? })
        }
    })
}

/// Whether a guest may hold something out under this URI.
fn may_be_named(uri: &str, own: &dyn Fn(&str) -> bool) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // A page that a client shows comes from the host alone, whoever it belongs to.
    let shown = scheme.eq_ignore_ascii_case("ui");
    is_scheme && (!FETCHED.iter().any(|known| scheme.eq_ignore_ascii_case(known)) || (!shown && own(uri)))
}

/// Something under a URI, with what it holds.
fn part(contents: Contents) -> Result<Value, Unfit> {
    let Contents { uri, mime_type, body } = contents;
    if uri.is_empty() || uri.chars().any(hides) {
        return Err(Unfit::HiddenLink(shown(&uri)));
    }
    let mut value = json!({ "uri": uri });
    if !mime_type.is_empty() {
        if !is_any_media(&mime_type) {
            return Err(Unfit::Media("a resource", shown(&mime_type)));
        }
        value["mimeType"] = Value::String(mime_type);
    }
    match body {
        Body::Text(text) => value["text"] = Value::String(clean::text(text)),
        Body::Blob(bytes) => value["blob"] = Value::String(BASE64_STANDARD.encode(bytes)),
    }
    Ok(value)
}

/// A type of the kind that the block is of (RFC 6838): `image/svg+xml`.
fn is_media(kind: &str, given: &str) -> bool {
    is_media_name(given.strip_prefix(kind).unwrap_or_default())
}

/// Any type, with or without parameters: `text/html; charset=utf-8`.
fn is_any_media(given: &str) -> bool {
    let (essence, parameters) = given.split_once(';').unwrap_or((given, ""));
    let named = essence.split_once('/').is_some_and(|(kind, name)| is_media_name(kind) && is_media_name(name));
    named && parameters.len() <= 255 && parameters.bytes().all(|b| matches!(b, b' '..=b'~'))
}

fn is_media_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
    (1..=127).contains(&name.len()) && name.bytes().all(allowed)
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use portcullis_admission::Schema;
    use portcullis_manifest::{Fingerprint, Label, Limits};

    use super::*;

    fn tool() -> ApprovedTool {
        ApprovedTool {
            kind: portcullis_admission::Callable::Tool,
            release: Fingerprint([0; 32]),
            plugin: "notes".parse().unwrap(),
            plugin_scopes: std::sync::Arc::default(),
            name: "look".parse().unwrap(),
            wire: "notes_look".parse().unwrap(),
            label: Label::Read,
            grants: Vec::new(),
            confirm: portcullis_manifest::Confirm::None,
            partial: false,
            ask: Vec::new(),
            hints: Vec::new(),
            parameters: Vec::new(),
            scopes: Vec::new(),
            without_sign_in: false,
            task: portcullis_manifest::TaskSupport::Never,
            input: Schema::compile(&json!({ "type": "object" })).unwrap(),
            output: Some(Schema::compile(&json!({ "type": "object", "required": ["a"] })).unwrap()),
            limits: Limits::default(),
        }
    }

    fn answer(content: Vec<Content>) -> Answer {
        Answer { content, structured: Some(r#"{ "a": 1 }"#.to_owned()), meta: None }
    }

    fn link(uri: &str, name: &str, kind: Option<&str>) -> Answer {
        answer(vec![Content::Link(uri.to_owned(), name.to_owned(), kind.map(str::to_owned))])
    }

    #[test]
    fn wx_22_empty_blocks_count_too() {
        let mut empty = answer((0..1000).map(|_| Content::Text(String::new())).collect());
        empty.structured = None;
        assert_eq!(size(&empty), 64_000);
    }

    /// Every string and every key of `value`.
    fn words<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(items) => items.iter().for_each(|item| words(item, found)),
            Value::Object(members) => members.iter().for_each(|(key, member)| {
                found.push(key);
                words(member, found);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    #[test]
    fn mc_10_nothing_of_an_answer_hides_anything() {
        const HIDDEN: &str = "\u{202e}\u{200b}\u{e0041}\u{180e}\u{3164}\u{fe01}\u{2028}\u{ad}\u{9b}";
        let json =
            json!({ format!("{HIDDEN}a"): [format!("b{HIDDEN}"), { format!("c{HIDDEN}"): HIDDEN }] }).to_string();
        let content = vec![
            Content::Text(format!("d{HIDDEN}")),
            Content::Link("https://example.com/".to_owned(), format!("{HIDDEN}e"), Some("text/plain".to_owned())),
        ];
        for content in [content, Vec::new()] {
            let given = Answer { content, structured: Some(json.clone()), meta: Some(json.clone()) };
            let ToolAnswer { content, structured, meta, .. } = render(&tool(), given, &nobodys).unwrap();
            // The schema asks for the key as it is sent.
            assert_eq!(structured, Some(json!({ "a": ["b", { "c": "" }] })));
            assert_eq!(meta, structured);
            let sent = json!([content, structured, meta]);
            let mut found = Vec::new();
            words(&sent, &mut found);
            assert!(found.len() > 8, "{found:?}");
            for text in found {
                assert!(!text.chars().any(hides), "{text:?}");
                // The text of a client that reads no structured content is JSON in a string.
                assert!(!text.contains("\\u"), "{text:?}");
            }
        }
    }

    #[test]
    fn mc_10_a_link_is_one_that_a_person_can_read() {
        for uri in [
            "https://exa\u{200b}mple.com",
            "https://example.com/\u{202e}gpj",
            "http://e.example/\r\nx: y",
            "https://e\t",
        ] {
            let refused = render(&tool(), link(uri, "x", None), &nobodys).unwrap_err();
            assert!(matches!(&refused, Unfit::HiddenLink(_)), "{uri:?}: {refused}");
            let said = refused.to_string();
            assert!(said.contains("percent-encode") && !said.chars().any(hides), "{said}");
        }
        let sent =
            render(&tool(), link("https://example.com/K\u{f6}ln?a=%E2%80%AE", "K\u{f6}ln", None), &nobodys).unwrap();
        assert_eq!(sent.content[0]["uri"], "https://example.com/K\u{f6}ln?a=%E2%80%AE");
    }

    #[test]
    fn mc_10_the_mime_type_of_a_link_is_one() {
        for kind in ["text/html", "text/html; charset=utf-8", "application/vnd.x+json;v=\"1\""] {
            let sent = render(&tool(), link("https://example.com/", "x", Some(kind)), &nobodys).unwrap();
            assert_eq!(sent.content[0]["mimeType"], kind);
        }
        let long = format!("text/{}", "x".repeat(300));
        for kind in [
            "",
            "html",
            "text/",
            "/html",
            "text/h\u{200b}tml",
            "text/html\r\nx: y",
            "text/html;a=\u{202e}",
            "text/\u{f6}",
            &long,
        ] {
            let refused = render(&tool(), link("https://example.com/", "x", Some(kind)), &nobodys).unwrap_err();
            assert!(matches!(&refused, Unfit::Media("a link", _)), "{kind:?}: {refused}");
            assert!(!refused.to_string().chars().any(hides), "{refused}");
        }
    }

    /// No URI is the plugin's own.
    fn nobodys(_uri: &str) -> bool {
        false
    }

    fn own(uri: &str) -> bool {
        uri.starts_with("docs://") || uri.starts_with("https://docs.example/") || uri.starts_with("ui:")
    }

    fn under(uri: &str) -> Contents {
        Contents { uri: uri.to_owned(), mime_type: "text/plain".to_owned(), body: Body::Text("x\u{202e}".to_owned()) }
    }

    fn says(content: Content) -> Prompted {
        let message = Message { role: Role::Assistant, content };
        Prompted { description: Some("A\u{200b}".to_owned()), messages: vec![message] }
    }

    #[test]
    fn mc_10_what_is_embedded_has_a_name_that_nothing_fetches_or_is_the_plugins_own() {
        let embedded = |uri: &str| prompt(&tool(), says(Content::Embedded(under(uri))), &own);
        for uri in ["docs://a", "note:1", "x-y.z+1:a", "https://docs.example/a"] {
            let sent = embedded(uri).unwrap();
            let expected = json!({ "uri": uri, "mimeType": "text/plain", "text": "x" });
            assert_eq!(
                sent.messages[0],
                json!({ "role": "assistant", "content": { "type": "resource", "resource": expected } })
            );
        }
        for uri in [
            "https://evil.example/",
            "HTTP://evil.example/",
            "file:///etc/passwd",
            "data:text/html,x",
            "JavaScript:alert(1)",
            "blob:x",
            "ui://docs/page.html",
            "no scheme",
            "",
            ":x",
            "1a:x",
            "a b:x",
        ] {
            let refused = embedded(uri).unwrap_err();
            assert!(matches!(&refused, Unfit::Scheme(_)), "{uri}: {refused}");
        }
        assert!(matches!(embedded("docs://a\u{202e}"), Err(Unfit::HiddenLink(_))));
        let block = Answer { structured: None, ..answer(vec![Content::Embedded(under("docs://a"))]) };
        let plain = ApprovedTool { output: None, ..tool() };
        assert_eq!(render(&plain, block, &nobodys).unwrap().content[0]["resource"]["uri"], "docs://a");
    }

    #[test]
    fn mc_10_a_resource_is_answered_with_the_plugins_own_and_with_something() {
        let sent = contents(&tool(), vec![under("docs://a"), under("docs://b")], &own).unwrap();
        assert_eq!(sent[1], json!({ "uri": "docs://b", "mimeType": "text/plain", "text": "x" }));
        let bytes = Contents { mime_type: String::new(), body: Body::Blob(vec![0xff]), ..under("docs://a") };
        assert_eq!(contents(&tool(), vec![bytes], &own).unwrap(), [json!({ "uri": "docs://a", "blob": "/w==" })]);
        let both = contents(&tool(), vec![under("docs://a"), under("other://b")], &own);
        assert_eq!(both, Err(Unfit::Foreign("other://b".to_owned())));
        assert_eq!(contents(&tool(), Vec::new(), &own), Err(Unfit::NoContents));
        let wrong = Contents { mime_type: "html".to_owned(), ..under("docs://a") };
        assert!(matches!(contents(&tool(), vec![wrong], &own), Err(Unfit::Media("a resource", _))));
    }

    #[test]
    fn wx_22_resources_and_prompts_are_no_longer_than_a_result_may_be() {
        let most = usize::try_from(tool().limits.result).unwrap();
        let long = |size| Contents { body: Body::Text("x".repeat(size)), ..under("docs://a") };
        let around = AROUND + "docs://a".len() + "text/plain".len();
        assert!(contents(&tool(), vec![long(most - around)], &own).is_ok());
        assert!(matches!(contents(&tool(), vec![long(most - around + 1)], &own), Err(Unfit::Size { .. })));
        let text = |size| says(Content::Text("x".repeat(size)));
        let around = AROUND + "A\u{200b}".len();
        assert!(prompt(&tool(), text(most - around), &own).is_ok());
        assert!(matches!(prompt(&tool(), text(most - around + 1), &own), Err(Unfit::Size { .. })));
        let sent = prompt(&tool(), text(1), &own).unwrap();
        assert_eq!(sent.description.as_deref(), Some("A"));
    }

    #[test]
    fn mc_10_a_completion_is_at_most_a_hundred_clean_values_and_says_when_there_are_more() {
        let given = |values: Vec<String>, total| completion(Completed { values, total, has_more: false });
        let few = given(vec!["a\u{202e}b".to_owned()], Some(1));
        assert_eq!(few, Completion { values: vec!["ab".to_owned()], total: Some(1), has_more: false });
        let many = given((0..150).map(|n| n.to_string()).collect(), None);
        assert_eq!((many.values.len(), many.total, many.has_more), (100, Some(150), true));
        assert_eq!(many.values[99], "99");
        let long = given(vec!["x".repeat(VALUE + 1), "y".to_owned()], Some(0));
        assert_eq!(long, Completion { values: vec!["y".to_owned()], total: Some(2), has_more: true });
    }
}
