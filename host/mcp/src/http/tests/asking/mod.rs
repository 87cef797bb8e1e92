//! Questions to a person, in both eras.

mod elsewhere;
mod kinds;
mod limits;
mod modern;
mod stranger;
mod talks;

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    time::timeout,
};

use super::*;
use crate::testing::{STATE, assert_valid};

pub(super) const REVISIONS: [&str; 2] = ["2025-11-25", "2025-06-18"];

/// A legacy client that can be asked.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) revision: &'static str,
    pub(super) session: String,
    pub(super) bearer: Option<&'static str>,
}

impl Client {
    pub(super) async fn begin(server: &Server, revision: &'static str, bearer: Option<&'static str>) -> Self {
        Self::that_can(server, revision, bearer, json!({ "elicitation": {} })).await
    }

    pub(super) async fn that_can(
        server: &Server,
        revision: &'static str,
        bearer: Option<&'static str>,
        capabilities: Value,
    ) -> Self {
        let mut client = Self { revision, session: String::new(), bearer };
        let got = server.send(&client.sign(initialize(revision, capabilities))).await;
        assert_valid(revision, "InitializeResult", &got.json()["result"]);
        client.session = got.header("mcp-session-id").expect("a session").to_owned();
        client
    }

    pub(super) fn sign(&self, mut sent: Sent) -> Sent {
        if !self.session.is_empty() {
            sent = sent.with("Mcp-Session-Id", &self.session).with("MCP-Protocol-Version", self.revision);
        }
        match self.bearer {
            Some(bearer) => sent.with("Authorization", &format!("Bearer {bearer}")),
            None => sent,
        }
    }

    pub(super) fn call(&self, tool: &str, arguments: Value) -> Sent {
        self.sign(Sent::legacy("tools/call", &json!({ "name": tool, "arguments": arguments })))
    }

    fn answer(&self, question: &Value, result: Value) -> Sent {
        assert_valid(self.revision, "ElicitResult", &result);
        self.sign(Sent::message(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result })))
    }

    /// Calls `asking`, which asks for `questions` things.
    async fn ask(&self, server: &Server, questions: u64) -> (Events, Vec<Value>) {
        let mut events = Events::open(server, &self.call("asking", json!({ "questions": questions }))).await;
        let mut asked = Vec::new();
        for _ in 0..questions {
            asked.push(events.question(self.revision).await);
        }
        (events, asked)
    }

    /// That the server takes an answer.
    pub(super) async fn answers(&self, server: &Server, question: &Value, result: Value) {
        let got = server.send(&self.answer(question, result)).await;
        assert_eq!((got.status, got.body.len()), (202, 0), "{got:?}");
    }

    /// That a call is answered at once, as for a client that can't be asked.
    async fn is_not_asked(&self, server: &Server, sent: &Sent) {
        let result = server.result(sent).await;
        assert_eq!(result["content"][0]["text"], "nobody can be asked", "{result}");
        assert_eq!(server.backend.rules(), []);
    }
}

fn initialize(revision: &str, capabilities: Value) -> Sent {
    let client = json!({ "name": "t", "version": "1" });
    let params = json!({ "protocolVersion": revision, "capabilities": capabilities, "clientInfo": client });
    Sent::legacy("initialize", &params)
}

pub(super) fn accept(content: Value) -> Value {
    json!({ "action": "accept", "content": content })
}

/// An answer that comes in events.
pub(super) struct Events {
    stream: BufReader<TcpStream>,
    head: String,
    /// What was read of the body and is not an event yet.
    rest: String,
    /// The id of the last event.
    pub(in crate::http) last: Option<String>,
    /// All of the body that came.
    pub(super) seen: String,
}

impl Events {
    pub(super) async fn open(server: &Server, sent: &Sent) -> Self {
        let mut stream = BufReader::new(TcpStream::connect(server.address).await.unwrap());
        stream.write_all(&sent.bytes(server.address)).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        let lower = head.to_ascii_lowercase();
        for part in [
            "http/1.1 200",
            "\r\ncontent-type: text/event-stream\r\n",
            "\r\ncache-control: no-store\r\n",
            "\r\nx-accel-buffering: no\r\n",
            "\r\ntransfer-encoding: chunked\r\n",
        ] {
            assert!(lower.contains(part), "{part}: {head}");
        }
        Self { stream, head, rest: String::new(), last: None, seen: String::new() }
    }

    /// The next message; nothing at the orderly end of the stream.
    pub(super) async fn next(&mut self) -> Option<Value> {
        loop {
            let event = timeout(Duration::from_secs(10), self.event()).await.expect("an event in time")?;
            if event.starts_with(':') {
                continue;
            }
            let (mut data, mut named) = ("", false);
            for line in event.lines() {
                match line.split_once(':').unwrap_or_else(|| panic!("{event:?}")) {
                    ("id", id) => self.last = Some(id.trim().to_owned()),
                    ("retry", retry) => drop(retry.trim().parse::<u64>().unwrap()),
                    ("event", name) => named = name == " message",
                    ("data", text) => data = text.trim(),
                    _ => panic!("{event:?}"),
                }
            }
            assert_eq!(named, !data.is_empty(), "{event:?}");
            if named {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The next event or comment, as it came.
    pub(super) async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.rest = rest;
                return Some(event);
            }
            let mut line = String::new();
            self.stream.read_line(&mut line).await.unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap_or_else(|_| panic!("{line:?}: {}", self.head));
            let mut chunk = vec![0; length + 2];
            self.stream.read_exact(&mut chunk).await.unwrap();
            if length == 0 {
                assert_eq!(self.rest, "");
                return None;
            }
            let text = std::str::from_utf8(&chunk[..length]).unwrap();
            self.rest.push_str(text);
            self.seen.push_str(text);
        }
    }

    /// The next message, which is a question.
    pub(super) async fn question(&mut self, revision: &str) -> Value {
        let question = self.next().await.unwrap();
        assert_valid(revision, "ElicitRequest", &question);
        assert_eq!((&question["jsonrpc"], &question["method"]), (&json!("2.0"), &json!("elicitation/create")));
        question
    }

    /// The response, which is the last message.
    pub(super) async fn response(mut self, revision: &str) -> Value {
        let response = self.next().await.unwrap();
        let form = match (revision, response["result"].is_object()) {
            ("2025-06-18", true) => "JSONRPCResponse",
            ("2025-06-18", false) => "JSONRPCError",
            (_, true) => "JSONRPCResultResponse",
            (_, false) => "JSONRPCErrorResponse",
        };
        assert_valid(revision, form, &response);
        if response["result"].is_object() {
            assert_valid(revision, "CallToolResult", &response["result"]);
        }
        assert_eq!(response["id"], 1);
        assert_eq!(self.next().await, None);
        response
    }
}
