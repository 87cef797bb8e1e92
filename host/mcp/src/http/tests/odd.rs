//! What hostile clients send to every method: each gets its exact answer, and the server lives.

use std::time::Duration;

use RefusalRule as Rule;
use portcullis_backend::{TaskId, TaskState};

use super::{
    asking::Client,
    resuming::{status, status_of},
    *,
};
use crate::testing::{task, within_a_second};

/// Every method of a client, with parameters that are good, as each era that has it sends it. `client` is the legacy one.
fn all(client: &Client) -> Vec<Sent> {
    let reference = json!({ "type": "ref/prompt", "name": "greeting" });
    let both = [
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": "echo" })),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "docs://a" })),
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "greeting" })),
        ("completion/complete", json!({ "ref": reference, "argument": { "name": "who", "value": "A" } })),
    ];
    let task = TaskId([0xab; 16]).to_string();
    let of_task = |method| {
        let sent = Sent::modern(method, json!({ "taskId": task, "inputResponses": {} })).with("Mcp-Name", &task);
        sent.edit(|message| {
            let capabilities = &mut message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
            capabilities["extensions"] = json!({ "io.modelcontextprotocol/tasks": {} });
        })
    };
    let modern = [
        Sent::modern("server/discover", json!({})),
        Sent::modern("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } })),
        of_task("tasks/get"),
        of_task("tasks/update"),
        of_task("tasks/cancel"),
    ];
    let begin =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let legacy = [
        ("initialize", begin),
        ("ping", json!({})),
        ("logging/setLevel", json!({ "level": "info" })),
        ("resources/subscribe", json!({ "uri": "docs://a" })),
        ("resources/unsubscribe", json!({ "uri": "docs://a" })),
    ];
    let in_both = both.iter().map(|(method, params)| Sent::modern(method, params.clone())).chain(modern);
    let legacy = both.iter().chain(&legacy).map(|(method, params)| client.sign(Sent::legacy(method, params)));
    in_both.chain(legacy).collect()
}

/// A server with the task of [`all`], and a legacy client.
async fn begin(configure: impl FnOnce(&mut HttpConfig)) -> (Server, Client) {
    let server = Server::with(Echo::new(), configure).await;
    server.backend.put_task(None, task(0xab, TaskState::Working));
    let client = Client::begin(&server, "2025-11-25", None).await;
    (server, client)
}

/// The request with `text` in place of the one string that `mark` is.
fn with_text(sent: &Sent, mark: &str, text: &str) -> Sent {
    let body = String::from_utf8(sent.body.clone()).unwrap();
    assert_eq!(body.matches(mark).count(), 1, "{body}");
    sent.clone().body(body.replace(mark, text))
}

/// Fails without the limits of depth and length, and the refusal of duplicates, in `json`.
#[tokio::test]
async fn mc_09_bombs_and_duplicates_are_refused_wherever_they_stand_in_any_method() {
    let (server, client) = begin(|_| {}).await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(65), "}".repeat(65));
    for sent in all(&client) {
        for place in [
            "arguments",
            "cursor",
            "uri",
            "name",
            "ref",
            "argument",
            "context",
            "notifications",
            "odd",
            "inputResponses",
            "taskId",
            "level",
            "protocolVersion",
            "capabilities",
            "clientInfo",
        ] {
            let marked = sent.clone().edit(|message| message["params"][place] = "\u{1}mark".into());
            for bomb in [deep.as_str(), &objects, r#"{"a":1,"a":2}"#, "1e999", "[1,]", r#""\ud800""#, "nul", "01"] {
                let bad = with_text(&marked, r#""\u0001mark""#, bomb);
                let answer = server.refuses(&bad, 400, -32700, Rule::Json).await;
                assert_eq!(answer.get("id"), None);
            }
        }
        let twice = String::from_utf8(sent.body.clone()).unwrap().replacen('{', r#"{"method":"ping","#, 1);
        server.refuses(&sent.clone().body(twice), 400, -32700, Rule::Json).await;
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
}

/// Fails without the checks of a message's form in `codec`.
#[tokio::test]
async fn mc_09_odd_probes_have_the_same_answers_whatever_the_headers_promise() {
    let (server, client) = begin(|_| {}).await;
    for sent in all(&client) {
        for (body, code, rule) in [
            (String::new(), -32700, Rule::Json),
            ("{}".to_owned(), -32600, Rule::Message),
            ("[]".to_owned(), -32600, Rule::Message),
            ("[{}]".to_owned(), -32600, Rule::Message),
            ("null".to_owned(), -32600, Rule::Message),
            ("\u{feff}{}".to_owned(), -32700, Rule::Json),
            (format!("[{}]", String::from_utf8_lossy(&sent.body)), -32600, Rule::Message),
            (format!("{0}{0}", String::from_utf8_lossy(&sent.body)), -32700, Rule::Json),
            (format!("{}\0", String::from_utf8_lossy(&sent.body)), -32700, Rule::Json),
        ] {
            server.refuses(&sent.clone().body(body), 400, code, rule).await;
        }
        for wrong in [json!([]), json!(null), json!("x"), json!(1)] {
            let sent = sent.clone().edit(|message| message["params"] = wrong);
            server.refuses(&sent, 400, -32600, Rule::Message).await;
        }
        for id in [json!(null), json!(1.5), json!([]), json!({}), json!(true)] {
            let sent = sent.clone().edit(|message| message["id"] = id);
            server.refuses(&sent, 400, -32600, Rule::Message).await;
        }
        // Unknown members are nobody's business, here or there.
        let more = sent.edit(|message| {
            message["more"] = json!({ "a": [1] });
            message["params"]["more"] = json!([{}]);
        });
        assert_eq!((status(&server, &more).await, server.backend.rules()), (200, vec![]));
    }
}

/// Fails without `headers::agree` and the comparison of versions before any method.
#[tokio::test]
async fn mc_03_no_header_may_be_there_twice_or_lie_about_any_method() {
    let (server, client) = begin(|_| {}).await;
    for good in all(&client).into_iter().filter(|sent| sent.has("mcp-method")) {
        let header = |name: &str| good.headers.iter().find(|(named, _)| named == name).map(|(_, value)| value.clone());
        let lies = [("Mcp-Method", "tools/run"), ("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Name", "another")];
        for (name, lie) in lies {
            let Some(value) = header(name) else { continue };
            for bad in [
                good.clone().set(name, lie),
                good.clone().with(name, lie),
                good.clone().without(name),
                good.clone().set(name, ""),
                good.clone().with(name, &value),
                good.clone().set(name, &value.to_uppercase().replace(['-', ':'], "_")),
            ] {
                server.refuses(&bad, 400, -32020, Rule::HeaderMismatch).await;
            }
            let spaced = good.clone().set(name, &format!("  {value}\t"));
            assert_eq!(status(&server, &spaced).await, 200, "{spaced:?}");
        }
    }
}

/// Fails without the budget of all bodies, which is taken as they arrive: the third long one would be read, too.
#[tokio::test]
async fn mc_40_clients_that_send_slowly_hold_so_much_and_no_more_and_keep_nobody_else_waiting() {
    let (server, client) = begin(|config| config.body_memory = 200_000).await;
    let budget = Arc::clone(&server.front.endpoint.bodies);
    let mut slow = Vec::new();
    for sent in all(&client) {
        let bytes = sent.bytes(server.address);
        let (begun, rest) = bytes.split_at(bytes.len() - 3);
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        slow.push((stream, rest.to_vec()));
    }
    let long = Sent::call("echo", json!({ "pad": "p".repeat(90_000) }));
    for nth in 1..=2 {
        let bytes = long.bytes(server.address);
        let (begun, rest) = bytes.split_at(bytes.len() - 3);
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        assert!(within_a_second(|| budget.free() < 200_000 - nth * 70_000).await, "{}", budget.free());
        slow.push((stream, rest.to_vec()));
    }
    server.refuses(&long, 503, 50300, Rule::BodySize).await;
    let call = Sent::call("echo", json!({}));
    let quick = tokio::time::timeout(Duration::from_secs(5), server.send(&call));
    assert_eq!(quick.await.unwrap().status, 200);
    // And each of them is answered when it has said the rest, byte for byte.
    for (mut stream, rest) in slow {
        for byte in rest {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(status_of(&mut stream).await, 200);
    }
    assert!(within_a_second(|| budget.free() == 200_000).await, "{}", budget.free());
}
