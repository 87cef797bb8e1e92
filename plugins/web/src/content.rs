//! What a site answered with, as text or as JSON.

use portcullis_plugin::{ToolError, egress::Response};
use serde_json::Value;

use crate::html::{self, Page};

/// Most bytes of a JSON value that is given.
const MOST_JSON: usize = 100_000;
/// Deepest nesting of it.
const DEEPEST: usize = 32;
/// Most names that an error lists.
const NAMES: usize = 30;

/// A page, or a text without markup.
pub(crate) fn page(response: &Response, url: &str) -> Result<Page, ToolError> {
    let (kind, charset) = kind(response);
    let text = text(response.bytes(), &charset);
    match kind.as_str() {
        "text/html" | "application/xhtml+xml" => Ok(html::read(&text, url)),
        "" if text.trim_start().starts_with('<') => Ok(html::read(&text, url)),
        kind if is_text(kind) => Ok(Page { text: visible(&text), ..Page::default() }),
        kind => Err(format!(
            "That is {kind} with {} bytes, and this tool reads pages and texts only. Look for a page that describes it.",
            response.bytes().len()
        )
        .into()),
    }
}

fn is_text(kind: &str) -> bool {
    let json_or_xml = kind.ends_with("json") || kind.ends_with("xml");
    kind.is_empty() || kind.starts_with("text/") || json_or_xml || kind == "application/javascript"
}

/// The type without its parameters, and the charset, both in lower case.
fn kind(response: &Response) -> (String, String) {
    let header = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let mut parts = header.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).unwrap_or_default();
    (kind, charset.trim_matches('"').to_owned())
}

fn text(bytes: &[u8], charset: &str) -> String {
    match charset {
        "iso-8859-1" | "latin1" | "windows-1252" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        // What is not UTF-8 in it is shown as such, and the rest is read.
        _ => String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned(),
    }
}

/// Without what nobody sees.
fn visible(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    shown.trim_end().to_owned()
}

/// The value that `pointer` (RFC 6901) names in a JSON text.
pub(crate) fn json(response: &Response, pointer: &str) -> Result<Value, ToolError> {
    let mut value: Value = response.json()?;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(
            format!("\"{pointer}\" is no JSON pointer. Write one such as /items/0/name, or leave it out.").into()
        );
    }
    let whole = shape(&value);
    let Some(found) = value.pointer_mut(pointer).map(Value::take) else {
        return Err(format!("There is nothing at {pointer}. The whole is {whole}.").into());
    };
    let (size, deep) = (found.to_string().len(), is_deeper(&found, DEEPEST));
    if size > MOST_JSON || deep {
        let why = if deep { "is nested too deep".to_owned() } else { format!("has {size} bytes") };
        return Err(format!(
            "The value {why} to be given whole. It is {}. Give a pointer to a part of it.",
            shape(&found)
        )
        .into());
    }
    Ok(found)
}

/// What a value is, in words that help to find a part of it.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<String> =
                members.keys().take(NAMES).map(|name| name.chars().take(40).collect::<String>()).collect();
            if members.len() > NAMES {
                names.push(format!("and {} more", members.len() - NAMES));
            }
            format!("an object with {}", names.join(", "))
        }
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::String(_) => "a text".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Null => "null".to_owned(),
    }
}

/// The reader of JSON bounds the nesting, so that this recursion is bounded too.
fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(members) => levels == 0 || members.values().any(|value| is_deeper(value, levels - 1)),
        Value::Array(items) => levels == 0 || items.iter().any(|value| is_deeper(value, levels - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(kind: &str, body: impl Into<Vec<u8>>) -> Response {
        Response::new(200).with_header("content-type", kind).with_body(body)
    }

    fn text_of(kind: &str, body: &[u8]) -> String {
        page(&answer(kind, body), "https://x.example/").expect("text").text
    }

    #[test]
    fn pages_are_read_and_texts_stay_as_they_are() {
        assert_eq!(text_of("text/html; charset=utf-8", "<p>é</p>".as_bytes()), "é");
        assert_eq!(text_of("text/plain", b"\xef\xbb\xbf<p>\x1b[0m\x00 \n"), "<p>[0m");
        assert_eq!(text_of("application/activity+json", b"{}"), "{}");
        assert_eq!(text_of("", b" <b>x</b>"), "x");
        assert_eq!(text_of("TEXT/HTML;Charset=\"ISO-8859-1\"", b"\xe9"), "é");
        assert_eq!(text_of("text/html", b"\xe9x"), "\u{fffd}x");
    }

    #[test]
    fn what_is_no_text_is_refused_with_what_it_is() {
        let error = page(&answer("image/png", *b"\x89PNG"), "https://x.example/").expect_err("a picture").to_string();
        assert!(error.contains("image/png with 4 bytes"), "{error}");
    }

    #[test]
    fn a_pointer_finds_a_part() {
        let body = r#"{"a":[{"b/c":1}],"n":null}"#;
        let part = |pointer: &str| json(&answer("application/json", body), pointer);
        assert_eq!(part("/a/0/b~1c"), Ok(json!(1)));
        assert_eq!(part(""), Ok(json!({ "a": [{ "b/c": 1 }], "n": null })));
        assert_eq!(part("/n"), Ok(Value::Null));
        assert!(part("/a/1").expect_err("nothing").to_string().contains("an object with a, n"));
        assert!(part("a").expect_err("no pointer").to_string().contains("/items/0/name"));
    }

    #[test]
    fn what_is_too_much_is_refused_with_what_it_is_made_of() {
        let body = json!({ "large": "x".repeat(MOST_JSON), "small": 1 }).to_string();
        let answer_of = |pointer: &str| json(&answer("application/json", body.clone()), pointer);
        let error = answer_of("").expect_err("too large").to_string();
        assert!(error.contains("an object with large, small") && error.contains("pointer"), "{error}");
        assert_eq!(answer_of("/small"), Ok(json!(1)));

        let deep = |levels: usize| json(&answer("application/json", "[".repeat(levels) + &"]".repeat(levels)), "");
        assert!(deep(DEEPEST).is_ok());
        assert!(deep(DEEPEST + 1).expect_err("too deep").to_string().contains("nested"));
        assert!(deep(100_000).is_err());
    }
}
