//! From what a guest answered to what a client is told: parsed, checked against the output schema, and bounded.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_admission::ApprovedTool;
use portcullis_backend::ToolAnswer;
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
}

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
    let blocks = answer.content.iter().map(|block| match block {
        Content::Text(text) => text.len(),
        // As it will be sent: base64.
        Content::Image(data, kind) | Content::Audio(data, kind) => data.len().div_ceil(3) * 4 + kind.len(),
        Content::Link(uri, name, kind) => uri.len() + name.len() + kind.as_ref().map_or(0, String::len),
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
            let mut link = json!({ "type": "resource_link", "uri": uri, "name": clean::text(name) });
            if let Some(kind) = kind {
                link["mimeType"] = Value::String(kind);
            }
            link
        }
    })
}

/// A type of the kind that the block is of (RFC 6838): `image/svg+xml`.
fn is_media(kind: &str, given: &str) -> bool {
    let name = given.strip_prefix(kind).unwrap_or_default();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
    (1..=127).contains(&name.len()) && name.bytes().all(allowed)
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}
