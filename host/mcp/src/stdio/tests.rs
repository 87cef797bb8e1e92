mod asking;
mod listening;
mod telling;

use std::{sync::Arc, time::Duration};

use portcullis_backend::RefusalRule;
use portcullis_manifest::Principal;
use serde_json::{Value, json};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, duplex, split,
    },
    task::JoinHandle,
    time::timeout,
};

use super::{GRACE, serve, serve_stdio};
use crate::{
    DEFAULT_BODY_LIMIT, QuestionLimits,
    testing::{Echo, within_a_second},
};

struct Client {
    backend: Arc<Echo>,
    to: WriteHalf<DuplexStream>,
    from: Lines<BufReader<ReadHalf<DuplexStream>>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Client {
    fn start(backend: Echo) -> Self {
        Self::with(backend, QuestionLimits::default())
    }

    fn with(backend: Echo, questions: QuestionLimits) -> Self {
        let backend = Arc::new(backend);
        let (ours, theirs) = duplex(1024);
        let (reader, writer) = split(theirs);
        let (echo, reader) = (Arc::clone(&backend), BufReader::new(reader));
        let server = serve(echo, Principal::local(), reader, writer, GRACE, questions);
        let (from, to) = split(ours);
        Self { backend, to, from: BufReader::new(from).lines(), server: tokio::spawn(server) }
    }

    async fn send(&mut self, message: impl AsRef<str>) {
        self.to.write_all(message.as_ref().as_bytes()).await.unwrap();
        self.to.write_all(b"\n").await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let line = timeout(Duration::from_secs(5), self.from.next_line()).await.expect("an answer in time");
        serde_json::from_str(&line.unwrap().expect("the stream goes on")).unwrap()
    }

    async fn ask(&mut self, message: Value) -> Value {
        self.send(message.to_string()).await;
        self.next().await
    }

    /// Ends the client's side and returns what was still said.
    async fn end(mut self) -> Vec<String> {
        self.to.shutdown().await.unwrap();
        let mut rest = Vec::new();
        while let Some(line) = self.from.next_line().await.unwrap() {
            rest.push(line);
        }
        self.server.await.unwrap().unwrap();
        rest
    }
}

fn call(id: impl Into<Value>, tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": { "name": tool } })
}

fn cancel(id: impl Into<Value>) -> String {
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id.into() } }).to_string()
}

#[tokio::test]
async fn a_legacy_client_shakes_hands_lists_and_calls() {
    let mut client = Client::start(Echo::new());
    let answer = client
        .ask(json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } }))
        .await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let answer = client.ask(json!({ "jsonrpc": "2.0", "id": "l", "method": "tools/list" })).await;
    assert_eq!(answer["id"], "l");
    assert_eq!(answer["result"]["tools"].as_array().unwrap().len(), 10);
    let answer = client.ask(call(2, "echo")).await;
    assert_eq!(
        answer,
        json!({ "jsonrpc": "2.0", "id": 2,
        "result": { "content": [{ "type": "text", "text": "{}" }], "structuredContent": {} } })
    );
    assert_eq!(client.end().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_modern_client_needs_no_handshake_and_no_headers() {
    let mut client = Client::start(Echo::new());
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    let answer = client
        .ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": { "_meta": meta } }))
        .await;
    assert_eq!(answer["result"]["supportedVersions"][0], "2026-07-28");
    let params = json!({ "name": "echo", "arguments": { "a": 1 }, "_meta": meta });
    let answer = client.ask(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params })).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    let answer = client.ask(json!({ "jsonrpc": "2.0", "id": 3, "method": "server/discover" })).await;
    assert_eq!(answer["error"]["code"], -32602);
}

#[tokio::test]
async fn every_refusal_has_its_line_and_the_stream_goes_on() {
    let mut client = Client::start(Echo::new());
    for (line, code, id, rule) in [
        ("{", -32700, Value::Null, RefusalRule::Json),
        ("\u{1}", -32700, Value::Null, RefusalRule::Json),
        ("[]", -32600, Value::Null, RefusalRule::Message),
        (r#"{"jsonrpc":"2.0","id":4}"#, -32600, json!(4), RefusalRule::Message),
        (r#"{"jsonrpc":"2.0","id":5,"method":"x"}"#, -32601, json!(5), RefusalRule::UnknownMethod),
        (r#"{"jsonrpc":"2.0","id":6,"method":"tools/call"}"#, -32602, json!(6), RefusalRule::Params),
    ] {
        client.send(line).await;
        let answer = client.next().await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "{line}");
        assert_eq!(client.backend.rules(), [rule], "{line}");
    }
    assert!(client.ask(call(7, "echo")).await["result"].is_object());
}

#[tokio::test]
async fn refusals_by_the_backend_keep_their_codes() {
    let mut client = Client::start(Echo::new());
    for (tool, code) in
        [("busy", 50300), ("unavailable", 50301), ("private", 40100), ("scoped", 40302), ("no_such", -32602)]
    {
        let mut call = call(tool, tool);
        assert_eq!(client.ask(call.clone()).await["error"]["code"], code, "{tool}");
        // There is nowhere to sign in on a stream, whatever the client can do elsewhere.
        call["params"]["_meta"] = json!({ "openai/userAgent": "x" });
        let answer = client.ask(call).await;
        assert_eq!((&answer["error"]["code"], answer.get("result")), (&json!(code), None), "{tool}");
    }
    assert_eq!(client.backend.rules(), []);
}

/// Fails where an answer is written otherwise than as JSON on one line. What a guest prints goes to a sink of the sandbox and
/// reaches no transport: `wx_25_a_line_of_a_plugin_is_one_escaped_line_of_the_log_and_none_of_stdout`, in `tests/rooms`, calls one
/// that prints messages.
#[tokio::test]
async fn mc_12_no_answer_has_a_line_break_in_it() {
    let mut client = Client::start(Echo::new());
    client.send(json!({ "jsonrpc": "2.0", "id": "a\nb", "method": "tools/list" }).to_string()).await;
    let params = json!({ "name": "echo", "arguments": { "text": "one\ntwo\r\n{\"jsonrpc\":\"2.0\"}" } });
    client.send(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params }).to_string()).await;
    client.send(r#"{"jsonrpc":"2.0","id":3,"method":"no\nsuch\u2028method"}"#).await;
    let lines = client.end().await;
    assert_eq!(lines.len(), 3);
    for line in lines {
        assert!(serde_json::from_str::<Value>(&line).unwrap().is_object(), "{line}");
        assert!(!line.contains('\r'));
    }
}

#[tokio::test]
async fn an_oversized_line_is_refused_and_the_stream_goes_on() {
    let mut client = Client::start(Echo::new());
    let piece = "x".repeat(64 << 10);
    for _ in 0..=DEFAULT_BODY_LIMIT / piece.len() {
        client.to.write_all(piece.as_bytes()).await.unwrap();
    }
    client.send("").await;
    let answer = client.next().await;
    assert_eq!(answer["error"]["code"], 41300);
    assert_eq!(answer.get("id"), None);
    assert_eq!(client.backend.rules(), [RefusalRule::BodySize]);
    assert!(client.ask(call(1, "echo")).await["result"].is_object());
}

#[tokio::test]
async fn requests_run_side_by_side() {
    let mut client = Client::start(Echo::new());
    client.send(call("stuck", "slow").to_string()).await;
    assert_eq!(client.ask(call("quick", "echo")).await["id"], "quick");
    assert_eq!(client.backend.dropped(), 0);
}

#[tokio::test]
async fn wx_29_a_cancelled_request_is_dropped_and_gets_no_answer() {
    let mut client = Client::start(Echo::new());
    client.send(call("stuck", "slow").to_string()).await;
    client.send(call(1, "slow").to_string()).await;
    assert!(client.ask(call("quick", "echo")).await["result"].is_object());
    client.send(cancel("no such request")).await;
    // The same id, spelt otherwise.
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\u0073tuck"}}"#).await;
    let backend = Arc::clone(&client.backend);
    assert!(within_a_second(|| backend.dropped() == 1).await);
    client.send(cancel(1)).await;
    assert!(within_a_second(|| backend.dropped() == 2).await);
    assert_eq!(client.end().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_id_in_use_is_refused_and_free_again_afterwards() {
    let mut client = Client::start(Echo::new());
    client.send(call(1, "slow").to_string()).await;
    let answer = client.ask(call(1, "echo")).await;
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &json!(1)));
    client.send(cancel(1)).await;
    let backend = Arc::clone(&client.backend);
    assert!(within_a_second(|| backend.dropped() == 1).await);
    assert!(client.ask(call(1, "echo")).await["result"].is_object());
}

#[tokio::test]
async fn a_stream_has_a_bounded_number_of_open_requests() {
    let mut client = Client::start(Echo::new());
    for id in 0..super::AT_ONCE {
        client.send(call(id, "slow").to_string()).await;
    }
    let answer = client.ask(call("one more", "echo")).await;
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(50302), &json!("one more")));
    client.send(cancel(0)).await;
    let backend = Arc::clone(&client.backend);
    assert!(within_a_second(|| backend.dropped() == 1).await);
    assert!(client.ask(call("another", "echo")).await["result"].is_object());
}

#[tokio::test]
async fn what_came_before_the_end_is_answered_even_without_a_line_feed() {
    let mut client = Client::start(Echo::new());
    client.send(call(1, "echo").to_string()).await;
    client.to.write_all(call(2, "echo").to_string().as_bytes()).await.unwrap();
    assert_eq!(client.end().await.len(), 2);
}

#[tokio::test]
async fn what_never_ends_is_cancelled_some_time_after_the_end() {
    let backend = Arc::new(Echo::new());
    let requests = format!("{}\n{}\n", call(1, "slow"), call(2, "echo"));
    let mut answers = Vec::new();
    let grace = Duration::from_millis(50);
    let start = std::time::Instant::now();
    let questions = QuestionLimits::default();
    serve(Arc::clone(&backend), Principal::local(), requests.as_bytes(), &mut answers, grace, questions).await.unwrap();
    assert!(start.elapsed() >= grace);
    assert_eq!(backend.dropped(), 1);
    assert_eq!(serde_json::from_slice::<Value>(&answers).unwrap()["id"], 2);
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_not_heard_but_loses_none() {
    let client = Client::start(Echo::new());
    let text = "y".repeat(100_000);
    let asked: usize = 40;
    let mut requests = String::new();
    for id in 0..asked {
        let params = json!({ "name": "echo", "arguments": { "text": text } });
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        requests.push_str(&format!("{request}\n"));
    }
    let (mut to, mut from) = (client.to, client.from);
    let sending = tokio::spawn(async move {
        to.write_all(requests.as_bytes()).await.unwrap();
        to.shutdown().await.unwrap();
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!sending.is_finished(), "the server read everything and kept the answers");
    let mut answers = 0;
    while let Some(line) = from.next_line().await.unwrap() {
        assert!(line.len() > 100_000);
        answers += 1;
    }
    assert_eq!(answers, asked);
    client.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_what_it_asked_for() {
    let backend = Arc::new(Echo::new());
    let (ours, theirs) = duplex(64 << 10);
    let (reader, writer) = split(theirs);
    let (_from, mut to) = split(ours);
    to.write_all(format!("{}\n{}\n", call(1, "slow"), call(2, "echo")).as_bytes()).await.unwrap();
    drop((_from, to));
    let served = serve_stdio(Arc::clone(&backend), Principal::local(), BufReader::new(reader), writer).await;
    assert!(served.is_err(), "nobody can read the answer");
    assert_eq!(backend.dropped(), 1);
}
