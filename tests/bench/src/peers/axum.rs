//! The floor: axum reads the body, serde_json parses it into exactly the fields an echo needs, and the answer is
//! written in a fixed shape. No header is looked at, no name is resolved, nothing is checked.

use std::borrow::Cow;
use std::io;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    arguments: Arguments<'a>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    result: Outcome<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    result_type: &'static str,
    content: [Block<'a>; 1],
    is_error: bool,
}

#[derive(Serialize)]
struct Block<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// Serves the peer until stdin closes.
pub(crate) async fn serve(port: u16) -> io::Result<()> {
    super::serve(Router::new().route("/mcp", post(echo)), port).await
}

async fn echo(body: Bytes) -> Response {
    match answer(&body) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn answer(body: &[u8]) -> serde_json::Result<Vec<u8>> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    let content = [Block { r#type: "text", text: &request.params.arguments.text }];
    let result = Outcome { result_type: "complete", content, is_error: false };
    serde_json::to_vec(&Answer { jsonrpc: "2.0", id: request.id, result })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_repeats_the_id_as_written_and_the_text() {
        let body = br#"{"jsonrpc":"2.0","id":1.50,"method":"tools/call","params":{"arguments":{"text":"a\"b"}}}"#;
        let expected = concat!(
            r#"{"jsonrpc":"2.0","id":1.50,"result":{"resultType":"complete","#,
            r#""content":[{"type":"text","text":"a\"b"}],"isError":false}}"#
        );
        assert_eq!(answer(body).unwrap(), expected.as_bytes());
    }

    #[test]
    fn a_body_without_arguments_is_an_error() {
        assert!(answer(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).is_err());
    }
}
