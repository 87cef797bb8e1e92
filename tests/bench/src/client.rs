//! The smallest HTTP/1.1 client that still checks its answers. It shares the machine with the server it measures, so
//! a call is one write of a ready-made request, one read in most cases, and no allocation; but an answer counts only
//! if its status is 200 and its body holds this call's id, a result and the echoed text.

use std::collections::BTreeMap;
use std::io;
use std::str::FromStr;

use serde_json::{Value, json};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What every call asks to be echoed.
const TEXT: &str = "hello";
/// Ids have ten digits each, so that the next one overwrites the last in place.
const FIRST_ID: u64 = 1_000_000_000;
/// An answer beyond this is not an echo of five letters.
const LARGEST_ANSWER: usize = 1 << 20;

/// An `http://` URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Host and port, as the `Host` header has them.
    authority: String,
    path: String,
}

/// A ready-made request whose id can be changed in place.
pub(crate) struct Call {
    bytes: Vec<u8>,
    id_at: usize,
}

/// One kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Whether an answer on this connection was parsed in whole; the later ones are only searched.
    parsed: bool,
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body begins.
    length: usize,
    body: usize,
}

/// Why a URL was not taken.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not taken: this client speaks plain HTTP to a written-out port, as in http://127.0.0.1:8080/mcp")]
pub(crate) struct EndpointError(String);

/// Why a call does not count.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    #[error("the server closed the connection before its answer was whole")]
    Closed,
    #[error("the answer is not understood: {0}")]
    Malformed(&'static str),
    #[error("status {status} instead of 200: {body}")]
    Status { status: u16, body: String },
    #[error("the answer is not the echo of this call: {0}")]
    Wrong(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(url: &str) -> Result<Self, EndpointError> {
        let refused = || EndpointError(url.to_owned());
        let rest = url.strip_prefix("http://").ok_or_else(refused)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority.rsplit_once(':').ok_or_else(refused)?;
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if host.is_empty() || port.parse::<u16>().is_err() || !plain {
            return Err(refused());
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { authority: authority.to_owned(), path: path.to_owned() })
    }
}

impl Endpoint {
    /// A connection to the endpoint's host, without Nagle's delay.
    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(16 * 1024), parsed: false })
    }

    /// The status of one GET, on a connection of its own.
    pub(crate) async fn get(&self) -> Result<u16, CallError> {
        let mut connection = self.connect().await?;
        let Self { authority, path } = self;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
        connection.stream.write_all(request.as_bytes()).await?;
        loop {
            // A health page may be framed in any way; its status is all that counts.
            let line = connection.buffer.split(|&byte| byte == b'\n').next().unwrap_or_default();
            if line.len() < connection.buffer.len() {
                return status(line);
            }
            connection.read_more().await?;
        }
    }
}

impl Call {
    /// A modern (2026-07-28) `tools/call` of `tool`, complete with the headers that repeat its body.
    pub(crate) fn new(endpoint: &Endpoint, tool: &str, headers: &BTreeMap<String, String>) -> Self {
        let body = json!({
            "jsonrpc": "2.0",
            "id": FIRST_ID,
            "method": "tools/call",
            "params": {
                "name": tool,
                "arguments": { "text": TEXT },
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        })
        .to_string();
        let Endpoint { authority, path } = endpoint;
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
             mcp-method: tools/call\r\nmcp-name: {tool}\r\ncontent-length: {}\r\n",
            body.len(),
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let in_body = body.find(&FIRST_ID.to_string()).expect("the id was just written into the body");
        let id_at = request.len() + in_body;
        request.push_str(&body);
        Self { bytes: request.into_bytes(), id_at }
    }

    /// Gives the next call its id, the `number`th of its run.
    pub(crate) fn renumber(&mut self, number: u64) {
        let mut id = FIRST_ID + number % (9 * FIRST_ID);
        for digit in self.bytes[self.id_at..self.id_at + 10].iter_mut().rev() {
            *digit = b'0' + (id % 10) as u8;
            id /= 10;
        }
    }

    fn id(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.id_at..self.id_at + 10]).expect("ten digits are UTF-8")
    }
}

impl Connection {
    /// Sends `call` and waits for its answer, which is checked.
    pub(crate) async fn call(&mut self, call: &Call) -> Result<(), CallError> {
        self.buffer.clear();
        self.stream.write_all(&call.bytes).await?;
        let head = loop {
            self.read_more().await?;
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
        };
        if head.body > LARGEST_ANSWER {
            return Err(CallError::Malformed("its content-length is beyond one MiB"));
        }
        let end = head.length + head.body;
        while self.buffer.len() < end {
            self.read_more().await?;
        }
        if self.buffer.len() > end {
            return Err(CallError::Malformed("more bytes came than its content-length announced"));
        }
        check(head.status, &self.buffer[head.length..], call.id(), self.parsed)?;
        self.parsed = true;
        Ok(())
    }

    async fn read_more(&mut self) -> Result<(), CallError> {
        if self.buffer.len() > LARGEST_ANSWER + 64 * 1024 {
            return Err(CallError::Malformed("it has no end"));
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(CallError::Closed),
            _ => Ok(()),
        }
    }
}

/// The head at the beginning of `bytes`, or nothing if it is not whole yet.
fn head(bytes: &[u8]) -> Result<Option<Head>, CallError> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let mut lines = bytes[..end].split(|&byte| byte == b'\n');
    let status = status(lines.next().unwrap_or_default())?;
    let mut body = None;
    for line in lines {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            return Err(CallError::Malformed("a header line has no colon"));
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            body = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        }
    }
    let body = body.ok_or(CallError::Malformed("it has no content-length; a stream is not a plain JSON answer"))?;
    Ok(Some(Head { status, length: end + 4, body }))
}

fn status(line: &[u8]) -> Result<u16, CallError> {
    let code =
        line.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| str::from_utf8(code).ok());
    code.and_then(|code| code.parse().ok()).ok_or(CallError::Malformed("it does not begin with an HTTP/1.1 status"))
}

fn check(status: u16, body: &[u8], id: &str, parsed_before: bool) -> Result<(), CallError> {
    let text = || String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
    if status != 200 {
        return Err(CallError::Status { status, body: text() });
    }
    let right = if parsed_before { holds_echo(body, id) } else { is_echo(body, id) };
    if right { Ok(()) } else { Err(CallError::Wrong(text())) }
}

/// The whole check: JSON-RPC, this id, a result without an error flag, and the text as a value of its own inside it.
fn is_echo(body: &[u8], id: &str) -> bool {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return false };
    let result = &answer["result"];
    answer["jsonrpc"] == "2.0"
        && id.parse::<u64>().is_ok_and(|id| answer["id"] == id)
        && result["isError"] != true
        && result["content"].as_array().is_some_and(|blocks| blocks.iter().any(says_text))
}

/// A tool with an output schema may repeat its structured content in a text block, as the protocol advises.
fn says_text(block: &Value) -> bool {
    let text = block["text"].as_str().unwrap_or_default();
    text == TEXT || serde_json::from_str::<Value>(text).is_ok_and(|value| value["text"] == TEXT)
}

/// The cheap check: a server that answered this connection rightly once is only asked for the parts that can change.
fn holds_echo(body: &[u8], id: &str) -> bool {
    str::from_utf8(body).is_ok_and(|body| {
        body.contains(id) && body.contains(TEXT) && body.contains("\"result\"") && !body.contains("\"isError\":true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"jsonrpc":"2.0","id":1000000007,"result":{"content":[{"type":"text","text":"hello"}]}}"#;

    #[test]
    fn a_url_is_taken_apart_and_anything_but_plain_http_with_a_port_is_refused() {
        let whole: Endpoint = "http://127.0.0.1:80/a?b".parse().unwrap();
        assert_eq!((whole.authority.as_str(), whole.path.as_str()), ("127.0.0.1:80", "/a?b"));
        assert_eq!("http://[::1]:80".parse::<Endpoint>().unwrap().path, "/");
        for url in
            ["https://a:1/", "http://a/", "http://:1/", "http://a:99999/", "http://a:1/ b", "http://a:1/\r\nb", "a"]
        {
            assert_eq!(url.parse::<Endpoint>(), Err(EndpointError(url.to_owned())));
        }
    }

    #[test]
    fn a_renumbered_request_keeps_its_length_and_carries_the_id_in_its_body() {
        let endpoint = "http://localhost:1/mcp".parse().unwrap();
        let mut call = Call::new(&endpoint, "echo", &BTreeMap::from([("x-one".to_owned(), "1".to_owned())]));
        let before = call.bytes.len();
        call.renumber(42);
        let text = String::from_utf8(call.bytes.clone()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let body_value: Value = serde_json::from_str(body).unwrap();
        assert_eq!((call.bytes.len(), call.id()), (before, "1000000042"));
        assert_eq!(body_value["id"], 1_000_000_042);
        assert_eq!(body_value["params"]["arguments"], json!({ "text": "hello" }));
        assert!(head.contains(&format!("content-length: {}", body.len())));
        assert!(head.contains("mcp-name: echo\r\n") && head.contains("x-one: 1"));
    }

    #[test]
    fn ids_never_lose_a_digit() {
        let mut call = Call::new(&"http://localhost:1/".parse().unwrap(), "echo", &BTreeMap::new());
        for number in [0, 8_999_999_999, 9_000_000_000, u64::MAX] {
            call.renumber(number);
            assert_ne!(call.id().as_bytes()[0], b'0', "{number}");
        }
    }

    #[test]
    fn a_head_is_found_once_it_is_whole_whatever_the_case_of_its_names() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-LENGTH:  12 \r\n\r\n{";
        assert_eq!(head(bytes).unwrap(), Some(Head { status: 200, length: bytes.len() - 1, body: 12 }));
        for cut in 0..bytes.len() - 1 {
            assert_eq!(head(&bytes[..cut]).unwrap(), None, "cut at {cut}");
        }
    }

    #[test]
    fn heads_that_cannot_be_measured_say_why() {
        let why = |bytes: &[u8]| head(bytes).unwrap_err().to_string();
        assert!(why(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").contains("no content-length"));
        assert!(why(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n").contains("no content-length"));
        assert!(why(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n").contains("colon"));
        assert!(why(b"ICY 200\r\n\r\n").contains("status"));
    }

    #[test]
    fn an_answer_counts_only_with_status_id_result_and_text() {
        let id = "1000000007";
        let refused = [
            GOOD.replace("1000000007", "1000000008"),
            GOOD.replace("hello", "hullo"),
            GOOD.replace("\"result\":{", "\"result\":{\"isError\":true,"),
            GOOD.replace("result", "error"),
        ];
        for parsed_before in [false, true] {
            assert!(check(200, GOOD.as_bytes(), id, parsed_before).is_ok());
            assert!(check(500, GOOD.as_bytes(), id, parsed_before).is_err());
            for body in &refused {
                assert!(check(200, body.as_bytes(), id, parsed_before).is_err(), "{body}");
            }
        }
    }

    #[test]
    fn structured_content_repeated_as_text_is_an_echo_too() {
        assert!(is_echo(GOOD.replace("\"hello\"", r#""{\"text\":\"hello\"}""#).as_bytes(), "1000000007"));
    }

    #[tokio::test]
    async fn a_server_that_closes_in_the_middle_is_an_error_and_not_a_wait() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint: Endpoint = format!("http://{}/mcp", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
        });
        let call = Call::new(&endpoint, "echo", &BTreeMap::new());
        let outcome = endpoint.connect().await.unwrap().call(&call).await;
        assert!(matches!(outcome, Err(CallError::Closed)), "{outcome:?}");
        server.await.unwrap();
    }
}
