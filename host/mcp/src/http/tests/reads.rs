//! `resources/read`, `prompts/get` and `completion/complete`: what the backend gets, and what becomes of its answers.

use portcullis_backend::{Asking, Hints, Reference, Target, Trace};

use RefusalRule as Rule;

use super::{
    asking::{Client, Events, accept},
    *,
};
use crate::testing::{STATE, assert_valid};

const REVISION: &str = "2026-07-28";

/// Both eras' requests of the same kind.
fn both(method: &str, params: Value) -> [Sent; 2] {
    [Sent::modern(method, params.clone()), Sent::legacy(method, &params)]
}

/// The request, as a tool's call, a resource's, a prompt's.
fn calls(name: &str) -> [(&'static str, Value); 3] {
    [
        ("tools/call", json!({ "name": name })),
        ("resources/read", json!({ "uri": format!("docs://{name}") })),
        ("prompts/get", json!({ "name": name })),
    ]
}

fn completes(reference: Value, context: Value) -> Value {
    json!({ "ref": reference, "argument": { "name": "who", "value": "A" }, "context": context })
}

/// The results of both eras; the modern one has to be the legacy one and what `more` says.
async fn results(server: &Server, method: &str, definition: &str, params: Value, more: Value) -> Value {
    let [modern, legacy] = both(method, params);
    let legacy = server.result(&legacy).await;
    for revision in ["2025-11-25", "2025-06-18"] {
        assert_valid(revision, definition, &legacy);
    }
    let mut expected = legacy.clone();
    expected["resultType"] = "complete".into();
    expected["_meta"] = json!({ "io.modelcontextprotocol/serverInfo":
        { "name": "portcullis", "title": "Portcullis", "version": "9.8.7" } });
    expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let modern = server.result(&modern).await;
    assert_valid(REVISION, definition, &modern);
    assert_eq!(modern, expected);
    legacy
}

#[tokio::test]
async fn a_resource_is_read_in_each_era_s_form() {
    let server = Server::start(Echo::new()).await;
    let fresh = json!({ "ttlMs": 0, "cacheScope": "private" });
    let result = results(&server, "resources/read", "ReadResourceResult", json!({ "uri": "docs://a" }), fresh).await;
    let contents = json!([{ "uri": "docs://a", "mimeType": "text/plain", "text": "{}" }]);
    assert_eq!(result, json!({ "contents": contents }));
    let requests = server.backend.requests.lock().unwrap();
    assert_eq!(requests[0].target, Target::Resource { uri: "docs://a".to_owned() });
    assert_eq!((requests[0].preview, requests[0].asking), (false, Asking::NOTHING));
}

#[tokio::test]
async fn what_stands_in_a_release_may_be_kept_as_long_as_a_list_and_what_a_plugin_says_may_not() {
    let server = Server::start(Echo::new()).await;
    for (uri, ttl, scope) in [
        ("docs://a", 0, "private"),
        ("docs://a?held=varies", 60_000, "private"),
        ("docs://a?held=no", 60_000, "public"),
    ] {
        let kept = json!({ "ttlMs": ttl, "cacheScope": scope });
        results(&server, "resources/read", "ReadResourceResult", json!({ "uri": uri }), kept).await;
    }
}

#[tokio::test]
async fn a_prompt_is_given_in_each_era_s_form_with_and_without_arguments() {
    let server = Server::start(Echo::new()).await;
    let message = |text: &str| json!([{ "role": "user", "content": { "type": "text", "text": text } }]);
    let get = |params: Value| results(&server, "prompts/get", "GetPromptResult", params, json!({}));
    let result = get(json!({ "name": "greeting" })).await;
    assert_eq!(result, json!({ "messages": message("{}") }));
    let result = get(json!({ "name": "greeting", "arguments": { "who": "Ann\n" } })).await;
    assert_eq!(result, json!({ "messages": message(r#"{"who":"Ann\n"}"#), "description": "with\narguments" }));
    for wrong in [json!([]), json!(null), json!("x"), json!({ "who": 1 }), json!({ "who": null }), json!({ "a": {} })] {
        for sent in both("prompts/get", json!({ "name": "greeting", "arguments": wrong })) {
            server.refuses(&sent, 200, -32602, Rule::Params).await;
        }
    }
    assert_eq!(server.backend.requests.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_completion_says_what_could_come_next() {
    let server = Server::start(Echo::new()).await;
    let complete = |params: Value| results(&server, "completion/complete", "CompleteResult", params, json!({}));
    let prompt = json!({ "type": "ref/prompt", "name": "greeting", "title": "is passed over" });
    let result = complete(json!({ "ref": prompt, "argument": { "name": "who", "value": "A" } })).await;
    assert_eq!(result, json!({ "completion": { "values": ["A"], "hasMore": false } }));
    let resource = json!({ "type": "ref/resource", "uri": "docs://{+path}" });
    let context = json!({ "arguments": { "path": "b" }, "more": 1 });
    let result = complete(completes(resource, context)).await;
    assert_eq!(result, json!({ "completion": { "values": ["b", "A"], "total": 9, "hasMore": true } }));
    let requests = server.backend.requests.lock().unwrap();
    let expected = Target::Completion {
        reference: Reference::Resource("docs://{+path}".to_owned()),
        argument: "who".to_owned(),
        value: "A".to_owned(),
        context: [("path".to_owned(), "b".to_owned())].into(),
    };
    assert_eq!(requests[3].target, expected);
}

/// Fails without the checks of `ref`, `argument` and `context` in `methods/target.rs`.
#[tokio::test]
async fn mc_09_a_completion_of_another_form_is_refused_before_anything_runs() {
    let server = Server::start(Echo::new()).await;
    let good = || completes(json!({ "type": "ref/prompt", "name": "greeting" }), json!({}));
    for (member, wrong) in [
        ("ref", json!(null)),
        ("ref", json!("greeting")),
        ("ref", json!([])),
        ("ref", json!({})),
        ("ref", json!({ "name": "greeting" })),
        ("ref", json!({ "type": "ref/prompt" })),
        ("ref", json!({ "type": "ref/prompt", "uri": "docs://a" })),
        ("ref", json!({ "type": "ref/prompt", "name": 1 })),
        ("ref", json!({ "type": "ref/tool", "name": "echo" })),
        ("ref", json!({ "type": "ref/resource", "name": "a" })),
        ("argument", json!(null)),
        ("argument", json!({ "name": "who" })),
        ("argument", json!({ "value": "A" })),
        ("argument", json!({ "name": "who", "value": 1 })),
        ("argument", json!([{ "name": "who", "value": "A" }])),
        ("context", json!([])),
        ("context", json!(null)),
        ("context", json!({ "arguments": [] })),
        ("context", json!({ "arguments": null })),
        ("context", json!({ "arguments": { "a": 1 } })),
    ] {
        let mut params = good();
        params[member] = wrong.clone();
        for sent in both("completion/complete", params) {
            let answer = server.refuses(&sent, 200, -32602, Rule::Params).await;
            assert!(answer["error"]["message"].as_str().unwrap().contains(&format!("params.{member}")), "{answer}");
        }
    }
    for member in ["ref", "argument"] {
        let mut params = good();
        params.as_object_mut().unwrap().remove(member);
        for sent in both("completion/complete", params) {
            server.refuses(&sent, 200, -32602, Rule::Params).await;
        }
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_refused_as_each_era_has_it() {
    let server = Server::start(Echo::new()).await;
    let uri = "docs://no\u{202e}where";
    let [modern, legacy] = both("resources/read", json!({ "uri": uri }));
    let modern = modern.set("Mcp-Name", "=?base64?ZG9jczovL25v4oCud2hlcmU=?=");
    for (sent, code) in [(modern, -32602), (legacy, -32002)] {
        let answer = server.refuses(&sent, 200, code, None).await;
        assert_eq!(answer["error"]["data"]["uri"], uri, "{answer}");
        assert!(answer["error"]["data"]["correlation"].is_string());
        assert!(!answer["error"]["message"].as_str().unwrap().contains('\u{202e}'), "{answer}");
    }
    for sent in both("prompts/get", json!({ "name": "nobody" })) {
        let answer = server.refuses(&sent, 200, -32602, None).await;
        assert!(answer["error"]["message"].as_str().unwrap().contains("unknown prompt `nobody`"), "{answer}");
    }
    let nobody = json!({ "type": "ref/prompt", "name": "nobody" });
    for sent in both("completion/complete", completes(nobody, json!({}))) {
        server.refuses(&sent, 200, -32602, None).await;
    }
    for (method, member) in [("resources/read", "uri"), ("prompts/get", "name")] {
        for wrong in [json!({}), json!({ member: 1 }), json!({ member: null }), json!({ member: ["docs://a"] })] {
            for sent in both(method, wrong) {
                server.refuses(&sent, 200, -32602, Rule::Params).await;
            }
        }
    }
}

#[tokio::test]
async fn what_a_tool_says_in_its_result_anything_else_says_in_an_error() {
    let server = Server::start(Echo::new()).await;
    for (name, status, code) in [
        ("failing", 200, -32603),
        ("busy", 503, 50300),
        ("unavailable", 503, 50301),
        ("private", 401, 40100),
        ("scoped", 403, 40302),
        ("needing", 400, -32021),
    ] {
        for (method, params) in &calls(name)[1..] {
            for sent in both(method, params.clone()) {
                let answer = server.refuses(&sent, status, code, None).await;
                assert!(answer["error"]["data"]["correlation"].is_string(), "{answer}");
                if name == "failing" {
                    assert_eq!(answer["error"]["message"], "it failed");
                }
                if name == "needing" {
                    let needed = json!({ "sampling": {}, "roots": {} });
                    assert_eq!(answer["error"]["data"]["requiredCapabilities"], needed);
                }
            }
        }
    }
    // A client that links accounts does so on the result of a tool; of anything else it gets the challenge.
    for (method, params) in calls("private") {
        let sent = Sent::modern(method, params);
        let sent = sent.edit(|message| message["params"]["_meta"]["openai/locale"] = "de".into());
        let got = server.send(&sent).await;
        assert_eq!(got.status, if method == "tools/call" { 200 } else { 401 }, "{method}");
        assert_eq!(got.header("www-authenticate").is_some(), method != "tools/call");
    }
}

/// Fails without: the arm for older clients in `Protocol::round`.
#[tokio::test]
async fn what_a_tool_would_ask_of_an_older_client_that_has_not_declared_it_its_model_reads() {
    let server = Server::start(Echo::new()).await;
    let [modern, legacy] = both("tools/call", json!({ "name": "needing" }));
    let answer = server.refuses(&modern, 400, -32021, None).await;
    assert_eq!(answer["error"]["data"]["requiredCapabilities"], json!({ "sampling": {}, "roots": {} }));
    let result = server.result(&legacy).await;
    assert_eq!(result["isError"], true);
    let said = result["content"][0]["text"].as_str().unwrap();
    assert!(said.contains("has not declared: sampling, roots"), "{said}");
}

/// Fails without `Mcp-Name` in `headers::agree`.
#[tokio::test]
async fn mc_03_the_header_that_names_what_is_called_has_to_agree_with_the_body() {
    let server = Server::start(Echo::new()).await;
    for (method, params, other) in [
        ("resources/read", json!({ "uri": "docs://a" }), "docs://b"),
        ("resources/read", json!({ "uri": "docs://a" }), "docs://A"),
        ("resources/read", json!({ "uri": "docs://a" }), "=?base64?ZG9jczovL2I=?="),
        ("resources/read", json!({ "uri": "docs://a" }), "=?base64?ZG9jczovL2E?="),
        ("prompts/get", json!({ "name": "greeting" }), "Greeting"),
        ("prompts/get", json!({ "name": "greeting" }), "asking"),
    ] {
        let [modern, legacy] = both(method, params);
        server.refuses(&modern.clone().set("Mcp-Name", other), 400, -32020, Rule::HeaderMismatch).await;
        server.refuses(&modern.clone().with("Mcp-Name", other), 400, -32020, Rule::HeaderMismatch).await;
        server.refuses(&modern.clone().without("Mcp-Name"), 400, -32020, Rule::HeaderMismatch).await;
        server.refuses(&modern.set("Mcp-Method", "tools/call"), 400, -32020, Rule::HeaderMismatch).await;
        server.refuses(&legacy.with("Mcp-Name", other), 400, -32020, Rule::HeaderMismatch).await;
    }
    let encoded = Sent::modern("resources/read", json!({ "uri": "docs://a" }));
    assert_eq!(server.send(&encoded.set("Mcp-Name", "=?base64?ZG9jczovL2E=?=")).await.status, 200);
    assert_eq!(server.backend.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn hints_and_the_trace_reach_the_backend_and_odd_ones_do_not() {
    let server = Server::start(Echo::new()).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let other = "00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let trace = |id: &str| Some(Trace { id: id.to_owned(), parent: "00f067aa0ba902b7".to_owned() });
    let meta = json!({
        "openai/locale": "de-CH", "openai/userAgent": "ua", "openai/userLocation": { "city": "Bern" },
        "openai/subject": "v1/s", "openai/session": "v1/c", "openai/organization": "o", "traceparent": parent,
    });
    let hints = Hints {
        locale: Some("de-CH".into()),
        user_agent: Some("ua".into()),
        location: meta["openai/userLocation"].as_object().cloned(),
        subject: Some("v1/s".into()),
        session: Some("v1/c".into()),
        organization: Some("o".into()),
    };
    let said = |sent: Sent, meta: &Value| {
        sent.edit(|message| {
            let members = message["params"].as_object_mut().unwrap().entry("_meta").or_insert(json!({}));
            members.as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
        })
    };
    for (method, params) in calls("echo") {
        for sent in both(method, params) {
            // What the message says counts for more than what a proxy may have put before it.
            server.send(&said(sent.clone(), &meta).with("traceparent", other)).await;
            let request = server.backend.requests.lock().unwrap().pop().unwrap();
            assert_eq!((request.hints, request.trace), (hints.clone(), trace(&parent[3..35])), "{method}");
            server.send(&sent.clone().with("traceparent", other)).await;
            let request = server.backend.requests.lock().unwrap().pop().unwrap();
            assert_eq!((request.hints, request.trace), (Hints::default(), trace(&other[3..35])), "{method}");
            let odd = json!({ "openai/locale": 1, "openai/userLocation": [], "traceparent": "x", "openai/x": {} });
            server.send(&said(sent, &odd)).await;
            let request = server.backend.requests.lock().unwrap().pop().unwrap();
            assert_eq!((request.hints, request.trace), (Hints::default(), None), "{method}");
        }
    }
}

#[tokio::test]
async fn mc_11_whatever_is_called_a_modern_client_is_asked_in_the_result() {
    let server = Server::start(Echo::new()).await;
    for (method, params) in calls("asking") {
        let sent = Sent::modern(method, params).edit(|message| {
            message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": {} });
        });
        let asked = server.result(&sent).await;
        assert_valid(REVISION, "InputRequiredResult", &asked);
        assert_eq!(asked["requestState"], STATE, "{method}: {asked}");
        assert_eq!(asked["inputRequests"]["q0"]["method"], "elicitation/create");
        let again = sent.edit(|message| {
            message["id"] = 2.into();
            message["params"]["inputResponses"] = json!({ "q0": accept(json!({ "name": "Ann" })) });
            message["params"]["requestState"] = asked["requestState"].clone();
        });
        let result = server.result(&again).await;
        assert_eq!(result["resultType"], "complete");
        let text = match method {
            "tools/call" => result["structuredContent"].to_string(),
            "resources/read" => result["contents"][0]["text"].as_str().unwrap().to_owned(),
            _ => result["messages"][0]["content"]["text"].as_str().unwrap().to_owned(),
        };
        assert_eq!(text, r#"{"q0":{"name":"Ann"}}"#);
        let other = again.edit(|message| message["params"]["requestState"] = "another".into());
        server.refuses(&other, 200, -32602, None).await;
    }
}

#[tokio::test]
async fn mc_11_whatever_is_called_a_legacy_client_is_asked_on_the_way() {
    let server = Server::start(Echo::new()).await;
    for revision in ["2025-11-25", "2025-06-18"] {
        let client = Client::begin(&server, revision, None).await;
        for (method, params) in calls("asking") {
            let mut events = Events::open(&server, &client.sign(Sent::legacy(method, &params))).await;
            let question = events.question(revision).await;
            client.answers(&server, &question, accept(json!({ "name": "Ann" }))).await;
            let answer = events.next().await.unwrap();
            let definition = match method {
                "tools/call" => "CallToolResult",
                "resources/read" => "ReadResourceResult",
                _ => "GetPromptResult",
            };
            assert_valid(revision, definition, &answer["result"]);
            assert!(answer["result"].to_string().contains("Ann"), "{answer}");
            assert_eq!(events.next().await, None);
            // Who does not ask gets no result, and only a tool's can say so.
            let mut events = Events::open(&server, &client.sign(Sent::legacy(method, &params))).await;
            let question = events.question(revision).await;
            let refused = json!({ "jsonrpc": "2.0", "id": question["id"], "error": { "code": -1, "message": "no" } });
            assert_eq!(server.send(&client.sign(Sent::message(&refused))).await.status, 202);
            let answer = events.next().await.unwrap();
            assert_eq!(answer["result"]["isError"] == true, method == "tools/call", "{answer}");
            assert_eq!(answer["error"]["code"] == -32603, method != "tools/call", "{answer}");
        }
    }
}

#[tokio::test]
async fn what_insists_on_asking_whom_nobody_can_ask_or_asks_nothing_fails() {
    let server = Server::start(Echo::new()).await;
    for name in ["insisting", "mute"] {
        for (method, params) in calls(name) {
            for sent in both(method, params) {
                let answer = server.send(&sent).await.json();
                assert_eq!(answer["result"]["isError"] == true, method == "tools/call", "{answer}");
                assert_eq!(answer["error"]["code"] == -32603, method != "tools/call", "{answer}");
            }
        }
    }
    // A completion is never asked anything, whatever its client can do.
    let sent =
        Sent::modern("completion/complete", completes(json!({ "type": "ref/prompt", "name": "insisting" }), json!({})));
    let sent = sent.edit(|message| {
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": {} });
        message["params"]["requestState"] = STATE.into();
    });
    server.refuses(&sent, 200, -32603, None).await;
    let request = server.backend.requests.lock().unwrap().pop().unwrap();
    assert_eq!((request.asking, request.resume), (Asking::NOTHING, None));
}

#[tokio::test]
async fn wx_29_a_resource_and_a_prompt_end_with_the_connection_that_wanted_them() {
    let server = Server::start(Echo::new()).await;
    for (nth, (method, params)) in calls("slow").into_iter().enumerate() {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&Sent::modern(method, params).bytes(server.address)).await.unwrap();
        let began = || server.backend.began.load(std::sync::atomic::Ordering::SeqCst) == nth + 1;
        assert!(crate::testing::within_a_second(began).await, "{method}");
        drop(stream);
        assert!(crate::testing::within_a_second(|| server.backend.dropped() == nth + 1).await, "{method}");
    }
}
