//! Over real connections: what is sent and compared here are the bytes that a client sends and gets.

mod asking;
mod calls;
mod checks;
mod guards;
mod listening;
mod lists;
mod lives;
mod metadata;
mod mirrored;
mod news;
mod odd;
mod random;
mod reads;
mod resuming;
mod signing_in;
mod tasks;
mod telling;
mod tokens;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use axum::serve::IncomingStream;
use tower_service::Service;

use portcullis_backend::RefusalRule;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{AllowedHosts, AllowedOrigins, DEFAULT_BODY_LIMIT, DEFAULT_BODY_MEMORY, Front, HttpConfig};
use crate::{CursorKey, ListenLimits, QuestionLimits, SessionKey, StreamLimits, testing::Echo};

/// A server on a port of its own.
struct Server {
    backend: Arc<Echo>,
    front: Front<Echo>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// Tells each connection where it comes from.
struct Connections(Front<Echo>);

impl Service<IncomingStream<'_, TcpListener>> for Connections {
    type Response = Front<Echo>;
    type Error = Infallible;
    type Future = Ready<Result<Front<Echo>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, TcpListener>) -> Self::Future {
        ready(Ok(self.0.for_peer(stream.remote_addr().ip())))
    }
}

/// A connection that is kept for more requests.
struct Kept {
    stream: TcpStream,
    address: SocketAddr,
}

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
struct Sent {
    method: &'static str,
    path: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer as it came over the wire.
#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Server {
    async fn start(backend: Echo) -> Self {
        Self::with(backend, |_| {}).await
    }

    async fn with(backend: Echo, configure: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::serve(Arc::new(backend), configure).await
    }

    /// Another process before the same store.
    async fn beside(&self, configure: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::serve(Arc::clone(&self.backend), configure).await
    }

    async fn serve(backend: Arc<Echo>, configure: impl FnOnce(&mut HttpConfig)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = HttpConfig {
            allowed_hosts: AllowedHosts::new(address, ["tools.example.com"]),
            allowed_origins: AllowedOrigins::new(address, ["https://chat.example.com"]),
            public_url: Some("https://tools.example.com/mcp".parse().unwrap()),
            trusted_proxies: Vec::new(),
            body_limit: DEFAULT_BODY_LIMIT,
            body_memory: DEFAULT_BODY_MEMORY,
            page_size: 4,
            cursor_key: CursorKey::new([7; 32]),
            session_key: SessionKey::new([8; 32]),
            questions: QuestionLimits::default(),
            streams: StreamLimits::default(),
            listening: ListenLimits::default(),
        };
        configure(&mut config);
        let beside = axum::Router::new().route("/beside", axum::routing::get(|| async { "{}" }));
        let front = Front::with(Arc::clone(&backend), config, beside);
        let connections = Connections(front.clone());
        let task = tokio::spawn(async move { axum::serve(listener, connections).await.unwrap() });
        Self { backend, front, address, task }
    }

    async fn keep(&self) -> Kept {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Kept { stream, address: self.address }
    }

    async fn send(&self, sent: &Sent) -> Got {
        self.send_bytes(&sent.bytes(self.address)).await
    }

    async fn send_bytes(&self, bytes: &[u8]) -> Got {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may answer, and close, before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        Got::read(&answer)
    }

    /// The result of a request that has one.
    async fn result(&self, sent: &Sent) -> Value {
        let mut got = self.send(sent).await.json();
        assert_eq!(got["error"], Value::Null);
        got["result"].take()
    }

    /// That a request is refused like this, and that the backend is told so.
    async fn refuses(&self, sent: &Sent, status: u16, code: i64, rule: impl Into<Option<RefusalRule>>) -> Value {
        let got = self.send(sent).await;
        let body = got.json();
        assert_eq!((got.status, &body["error"]["code"]), (status, &json!(code)), "{body}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        assert_eq!(self.backend.rules(), rule.into().as_slice(), "{body}");
        body
    }
}

impl Kept {
    async fn send(&mut self, sent: &Sent) -> Got {
        let bytes = String::from_utf8(sent.bytes(self.address)).unwrap().replace("Connection: close\r\n", "");
        // In two pieces, so that a body comes in more than one frame.
        let (first, second) = bytes.split_at(bytes.len() - 20);
        self.stream.write_all(first.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
        self.stream.write_all(second.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        loop {
            assert_ne!(self.stream.read_buf(&mut answer).await.unwrap(), 0, "the connection is kept");
            if answer.windows(4).any(|four| four == b"\r\n\r\n") {
                let got = Got::read(&answer);
                if got.header("content-length").map_or(0, |length| length.parse().unwrap()) == got.body.len() {
                    return got;
                }
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sent {
    /// A good request of revision 2026-07-28.
    fn modern(method: &str, mut params: Value) -> Self {
        params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} });
        let mut sent =
            Self::legacy(method, &params).with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", method);
        if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
            sent = sent.with("Mcp-Name", name);
        }
        sent
    }

    /// A good request of the revisions before.
    fn legacy(method: &str, params: &Value) -> Self {
        Self::message(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    }

    fn message(message: &Value) -> Self {
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { method: "POST", path: "/mcp", headers, body: message.to_string().into_bytes() }
    }

    /// Without a body.
    fn get(path: &'static str) -> Self {
        Self { method: "GET", path, headers: Vec::new(), body: Vec::new() }
    }

    fn call(tool: &str, arguments: Value) -> Self {
        Self::modern("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// One more header.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(named, _)| !named.eq_ignore_ascii_case(name));
        self
    }

    /// This value instead of what a header had.
    fn set(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    fn path(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    fn edit(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        let mut message: Value = serde_json::from_slice(&self.body).unwrap();
        edit(&mut message);
        self.body = message.to_string().into_bytes();
        self
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(named, _)| named.eq_ignore_ascii_case(name))
    }

    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        if !self.has("host") {
            head.push_str(&format!("Host: {address}\r\n"));
        }
        if !self.has("content-length") && !self.has("transfer-encoding") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

impl Got {
    fn read(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no HTTP answer: {:?}", String::from_utf8_lossy(answer)));
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: answer[end + 4..].to_vec() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(named, _)| named.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
