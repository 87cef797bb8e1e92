//! From what a guest answered to what a client is told: parsed, checked against the output schema, and bounded.
//!
//! `whose` says of a URI whether it is of the plugin's own resources: what a plugin holds out under a name is its own, or under a
//! name that nothing fetches and that is nobody else's.

#[cfg(test)]
mod tests;

use std::io;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_admission::ApprovedTool;
use portcullis_backend::{Completion, PromptAnswer, ToolAnswer};
use portcullis_manifest::{hides, is_page};
use portcullis_sandbox::{Answer, Body, Completed, Content, Contents, Message, Prompted, Role};
use serde::Serialize;
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
        "the tool linked to `{0}`, which is no address that a person can read: it has a host and no name before it, and what no \
         URI holds (spaces, quotes, `<`, `>`, `\\`) is percent-encoded"
    )]
    Address(String),
    #[error(
        "the tool holds out something under `{0}`: a URI has a scheme, and that of what is embedded is neither one that \
         programs open (http, https, file, data, ui and their like) nor one of another plugin's resources, unless it is a \
         resource of the plugin's own"
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

/// Whose resource a URI is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The plugin's that answers.
    Own,
    /// It could be taken for another plugin's: that has resources of the same scheme.
    Others,
    /// No plugin has resources of its scheme, or only the one that answers has.
    Nobodys,
}

/// What clients, browsers and desktops fetch, run, show or hand on by themselves: a guest names nothing so that is not its own.
const FETCHED: [&str; 31] = [
    "http",
    "https",
    "file",
    "data",
    "javascript",
    "vbscript",
    "blob",
    "filesystem",
    "about",
    "ui",
    "ftp",
    "ftps",
    "sftp",
    "ssh",
    "smb",
    "ws",
    "wss",
    "view-source",
    "chrome",
    "chrome-extension",
    "moz-extension",
    "jar",
    "feed",
    "intent",
    "vscode",
    "vscode-insiders",
    "cursor",
    "mailto",
    "tel",
    "sms",
    "search-ms",
];

/// What stands around the texts of a content block when it is sent: its keys, its type, its quotes. A hundred thousand empty
/// blocks are megabytes.
const AROUND: usize = 64;

/// Makes the answer of a tool.
pub(crate) fn render(tool: &ApprovedTool, answer: Answer, whose: &dyn Fn(&str) -> Whose) -> Result<ToolAnswer, Unfit> {
    // Before anything is made of it.
    within(tool, size(&answer))?;
    let mut structured = answer.structured.as_deref().map(|text| object("structured result", text)).transpose()?;
    let mut meta = answer.meta.as_deref().map(|text| object("`_meta`", text)).transpose()?;
    structured.iter_mut().for_each(clean::value);
    meta.iter_mut().for_each(clean::meta);
    // Again, as it is sent: `1e15` is printed in eighteen bytes, and this text may be sent twice.
    let printed = structured.as_ref().map_or(0, printed) + meta.as_ref().map_or(0, printed);
    within(tool, printed)?;
    match (&tool.output, &structured) {
        (Some(schema), Some(value)) => schema.check(value).map_err(|misfit| Unfit::Schema(misfit.to_string()))?,
        (Some(_), None) => return Err(Unfit::Missing),
        (None, _) => {}
    }
    let mut content = answer.content.into_iter().map(|content| block(content, whose)).collect::<Result<Vec<_>, _>>()?;
    // Older clients read only content: MCP asks for the same JSON as text.
    if content.is_empty()
        && let Some(text) = answer.structured
    {
        // Printed again from the value, so that the text says nothing that the schema has not seen.
        let text = structured.as_ref().map_or(text, printed_text);
        content.push(json!({ "type": "text", "text": text }));
    }
    within(tool, printed + self::printed(&content))?;
    Ok(ToolAnswer { content, structured, is_error: false, meta })
}

/// Makes the answer of a resource: each part of it is one of the plugin's own.
pub(crate) fn contents(
    tool: &ApprovedTool,
    given: Vec<Contents>,
    whose: &dyn Fn(&str) -> Whose,
) -> Result<Vec<Value>, Unfit> {
    within(tool, given.iter().map(|contents| AROUND + contents_size(contents)).sum::<usize>() as u64)?;
    if given.is_empty() {
        return Err(Unfit::NoContents);
    }
    let one = |contents: Contents| {
        if whose(&contents.uri) != Whose::Own {
            return Err(Unfit::Foreign(shown(&contents.uri)));
        }
        part(contents)
    };
    let parts = given.into_iter().map(one).collect::<Result<Vec<_>, _>>()?;
    within(tool, printed(&parts))?;
    Ok(parts)
}

/// Makes the answer of a prompt.
pub(crate) fn prompt(
    tool: &ApprovedTool,
    given: Prompted,
    whose: &dyn Fn(&str) -> Whose,
) -> Result<PromptAnswer, Unfit> {
    let Prompted { description, messages } = given;
    let size = messages.iter().map(|message| AROUND + block_size(&message.content)).sum::<usize>();
    within(tool, (size + description.as_ref().map_or(0, String::len)) as u64)?;
    let messages = messages.into_iter().map(|message| self::message(message, whose)).collect::<Result<Vec<_>, _>>()?;
    let description = description.map(clean::text);
    within(tool, printed(&messages) + description.as_ref().map_or(0, printed))?;
    Ok(PromptAnswer { description, messages })
}

/// A part of a conversation.
pub(crate) fn message(given: Message, whose: &dyn Fn(&str) -> Whose) -> Result<Value, Unfit> {
    let role = match given.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Ok(json!({ "role": role, "content": block(given.content, whose)? }))
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

/// Bytes of the JSON text that `sent` becomes, which is made for nothing else.
fn printed(sent: &impl Serialize) -> u64 {
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0 += text.len() as u64;
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Neither counting nor a value of JSON fails; one that did would be too long for every limit.
    serde_json::to_writer(&mut count, sent).map_or(u64::MAX / 4, |()| count.0)
}

/// As JSON text.
fn printed_text(value: &Value) -> String {
    // A value of JSON can always be printed. `Value::to_string` is slower: it goes through a formatter.
    serde_json::to_string(value).unwrap_or_else(|_| value.to_string())
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

fn block(block: Content, whose: &dyn Fn(&str) -> Whose) -> Result<Value, Unfit> {
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
            if !is_address(&uri) {
                return Err(Unfit::Address(shown(&uri)));
            }
            // One line: clients show it beside their own words.
            let name = clean::text(name).replace(['\n', '\t'], " ");
            let mut link = json!({ "type": "resource_link", "uri": uri, "name": name });
            if let Some(kind) = kind {
                if !is_any_media(&kind) {
                    return Err(Unfit::Media("a link", shown(&kind)));
                }
                link["mimeType"] = Value::String(kind);
            }
            link
        }
        Content::Embedded(contents) => {
            if !may_be_named(&contents.uri, whose) {
                return Err(Unfit::Scheme(shown(&contents.uri)));
            }
            json!({ "type": "resource", "resource": part(contents)? })
        }
    })
}

/// Whether a guest may hold something out under this URI.
fn may_be_named(uri: &str, whose: &dyn Fn(&str) -> Whose) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // A page that a client shows comes from the host alone, whoever it belongs to.
    let shown = scheme.eq_ignore_ascii_case("ui");
    // `ms-word:`, `ms-settings:` and so on: programs of a desktop.
    let opened = scheme.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("ms-"));
    let fetched = opened || FETCHED.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    is_scheme
        && match whose(uri) {
            Whose::Own => !shown,
            Whose::Others => false,
            Whose::Nobodys => !fetched,
        }
}

/// Whether a person who reads it sees where it leads: a host stands right after the scheme, and nothing is in it that ends a URI
/// for one program and not for another.
fn is_address(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let named = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.chars().all(named) && host.chars().any(char::is_alphanumeric),
    };
    let in_none = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    is_host && port.bytes().all(|b| b.is_ascii_digit()) && !uri.chars().any(in_none)
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
pub(crate) fn is_media(kind: &str, given: &str) -> bool {
    is_media_name(given.strip_prefix(kind).unwrap_or_default())
}

/// Any type, with or without parameters: `text/html; charset=utf-8`.
fn is_any_media(given: &str) -> bool {
    // Pages that clients show are widgets, which are read before.
    if is_page(given) {
        return false;
    }
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
