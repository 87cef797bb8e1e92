//! From what a guest answered to what a client is told: parsed, checked against the output schema, and bounded.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_admission::ApprovedTool;
use portcullis_backend::ToolAnswer;
use portcullis_manifest::hides;
use portcullis_sandbox::{Answer, Content};
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
}

/// What stands around the texts of a content block when it is sent: its keys, its type, its quotes. A hundred thousand empty
/// blocks are megabytes.
const AROUND: usize = 64;

/// Makes the answer for the client.
pub(crate) fn render(tool: &ApprovedTool, answer: Answer) -> Result<ToolAnswer, Unfit> {
    let limit = tool.limits.result;
    let size = size(&answer);
    if size > limit {
        return Err(Unfit::Size { size, limit });
    }
    let mut structured = answer.structured.as_deref().map(|text| object("structured result", text)).transpose()?;
    let mut meta = answer.meta.as_deref().map(|text| object("`_meta`", text)).transpose()?;
    structured.iter_mut().for_each(clean::value);
    meta.iter_mut().for_each(clean::meta);
    match (&tool.output, &structured) {
        (Some(schema), Some(value)) => schema.check(value).map_err(|misfit| Unfit::Schema(misfit.to_string()))?,
        (Some(_), None) => return Err(Unfit::Missing),
        (None, _) => {}
    }
    let mut content = answer.content.into_iter().map(block).collect::<Result<Vec<_>, _>>()?;
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

fn size(answer: &Answer) -> u64 {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let blocks = answer.content.iter().map(|block| {
        AROUND
            + match block {
                Content::Text(text) => text.len(),
                // As it will be sent: base64.
                Content::Image(data, kind) | Content::Audio(data, kind) => data.len().div_ceil(3) * 4 + kind.len(),
                Content::Link(uri, name, kind) => uri.len() + name.len() + kind.as_ref().map_or(0, String::len),
            }
    });
    (blocks.sum::<usize>() + text(&answer.structured) + text(&answer.meta)) as u64
}

fn object(what: &'static str, text: &str) -> Result<Value, Unfit> {
    // serde_json refuses nesting beyond 128; duplicate keys cannot mislead anyone here, because what is checked is what is
    // sent on: this value, not the text.
    let value: Value = serde_json::from_str(text).map_err(|error| Unfit::Json { what, why: error.to_string() })?;
    if value.is_object() { Ok(value) } else { Err(Unfit::NotAnObject) }
}

fn block(block: Content) -> Result<Value, Unfit> {
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
    })
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
            release: Fingerprint([0; 32]),
            plugin: "notes".parse().unwrap(),
            plugin_scopes: std::sync::Arc::default(),
            name: "look".parse().unwrap(),
            wire: "notes_look".parse().unwrap(),
            label: Label::Read,
            grants: Vec::new(),
            confirm: portcullis_manifest::Confirm::None,
            partial: false,
            asks: false,
            scopes: Vec::new(),
            without_sign_in: false,
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
            let ToolAnswer { content, structured, meta, .. } = render(&tool(), given).unwrap();
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
            let refused = render(&tool(), link(uri, "x", None)).unwrap_err();
            assert!(matches!(&refused, Unfit::HiddenLink(_)), "{uri:?}: {refused}");
            let said = refused.to_string();
            assert!(said.contains("percent-encode") && !said.chars().any(hides), "{said}");
        }
        let sent = render(&tool(), link("https://example.com/K\u{f6}ln?a=%E2%80%AE", "K\u{f6}ln", None)).unwrap();
        assert_eq!(sent.content[0]["uri"], "https://example.com/K\u{f6}ln?a=%E2%80%AE");
    }

    #[test]
    fn mc_10_the_mime_type_of_a_link_is_one() {
        for kind in ["text/html", "text/html; charset=utf-8", "application/vnd.x+json;v=\"1\""] {
            let sent = render(&tool(), link("https://example.com/", "x", Some(kind))).unwrap();
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
            let refused = render(&tool(), link("https://example.com/", "x", Some(kind))).unwrap_err();
            assert!(matches!(&refused, Unfit::Media("a link", _)), "{kind:?}: {refused}");
            assert!(!refused.to_string().chars().any(hides), "{refused}");
        }
    }
}
