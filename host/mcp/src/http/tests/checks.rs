//! Every check of facts A3, A4 and A5: status, code, id and the rule that the backend is told.

use std::sync::atomic::Ordering;

use RefusalRule as Rule;

use super::*;
use crate::testing::within_a_second;

#[tokio::test]
async fn good_requests_of_both_eras_are_answered() {
    let server = Server::start(Echo::new()).await;
    assert_eq!(server.send(&Sent::call("echo", json!({}))).await.status, 200);
    for revision in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let sent = Sent::legacy("tools/call", &json!({ "name": "echo" })).with("MCP-Protocol-Version", revision);
        assert_eq!(server.send(&sent).await.status, 200, "{revision}");
    }
    assert_eq!(
        server.send(&Sent::legacy("ping", &json!({}))).await.json(),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} })
    );
    assert_eq!(server.backend.rules(), []);
}

#[tokio::test]
async fn only_post_is_served_at_the_endpoint() {
    let server = Server::start(Echo::new()).await;
    for method in ["GET", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let sent = Sent::call("echo", json!({})).method(method);
        let body = server.refuses(&sent, 405, 40500, Rule::Method).await;
        assert_eq!(body.get("id"), None);
        assert_eq!(server.send(&sent).await.header("allow"), Some("POST"));
        server.backend.rules();
    }
    let got = server.send(&Sent::call("echo", json!({})).method("HEAD")).await;
    assert_eq!((got.status, got.header("allow"), got.body.len()), (405, Some("POST"), 0));
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_declared_or_not() {
    let server = Server::with(Echo::new(), |config| config.body_limit = 1000).await;
    let fits = |length: usize| {
        let sent = Sent::call("echo", json!({ "pad": "" }));
        let pad = "p".repeat(length - sent.body.len());
        sent.edit(|message| message["params"]["arguments"]["pad"] = pad.into())
    };
    assert_eq!(server.send(&fits(1000)).await.status, 200);
    server.refuses(&fits(1001), 413, 41300, Rule::BodySize).await;
    // Only declared; nothing is ever sent.
    let declared = fits(1000).with("Content-Length", "99999999999999999999999").body("");
    assert!(server.send(&declared).await.status >= 400);
    let declared = fits(1000).with("Content-Length", "4000000000").body("");
    server.refuses(&declared, 413, 41300, Rule::BodySize).await;
    // Not declared.
    let chunked = |length: usize| {
        let body = fits(length).body;
        let chunks =
            body.chunks(100).map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)));
        fits(length).with("Transfer-Encoding", "chunked").body(chunks.collect::<String>() + "0\r\n\r\n")
    };
    assert_eq!(server.send(&chunked(1000)).await.status, 200);
    server.refuses(&chunked(1001), 413, 41300, Rule::BodySize).await;
}

#[tokio::test]
async fn only_plain_json_is_taken() {
    let server = Server::start(Echo::new()).await;
    let good = Sent::call("echo", json!({}));
    for content in ["application/json", "application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"; x=y"] {
        assert_eq!(server.send(&good.clone().set("Content-Type", content)).await.status, 200, "{content}");
    }
    for content in ["text/plain", "application/jsonx", "application/json; charset=utf-16", "", "json"] {
        server.refuses(&good.clone().set("Content-Type", content), 415, 41500, Rule::ContentType).await;
    }
    server.refuses(&good.clone().without("Content-Type"), 415, 41500, Rule::ContentType).await;
    server.refuses(&good.clone().with("Content-Type", "application/json"), 415, 41500, Rule::ContentType).await;
    server.refuses(&good.clone().with("Content-Encoding", "gzip"), 415, 41500, Rule::ContentType).await;
    assert_eq!(server.send(&good.with("Content-Encoding", "identity")).await.status, 200);
}

#[tokio::test]
async fn a_client_that_takes_nothing_we_have_is_refused() {
    let server = Server::start(Echo::new()).await;
    let good = Sent::call("echo", json!({}));
    let accepted =
        ["*/*", "application/*", "text/html, application/json;q=0.1", "text/event-stream", "APPLICATION/JSON"];
    for accept in accepted {
        assert_eq!(server.send(&good.clone().set("Accept", accept)).await.status, 200, "{accept}");
    }
    assert_eq!(server.send(&good.clone().without("Accept")).await.status, 200);
    assert_eq!(server.send(&good.clone().set("Accept", "text/html").with("Accept", "*/*")).await.status, 200);
    for accept in ["text/html", "application/json;q=0", "*/*; q=0.000", "image/png, application/xml", ""] {
        server.refuses(&good.clone().set("Accept", accept), 406, 40600, Rule::Accept).await;
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_as_json_rpc_says() {
    let server = Server::start(Echo::new()).await;
    let good = Sent::call("echo", json!({}));
    let cases: [(&[u8], i64, Rule); 16] = [
        (b"", -32700, Rule::Json),
        (b"{", -32700, Rule::Json),
        (b"nonsense", -32700, Rule::Json),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} {}", -32700, Rule::Json),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}", -32700, Rule::Json),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700, Rule::Json),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1e999,\"method\":\"ping\"}", -32700, Rule::Json),
        (b"[]", -32600, Rule::Message),
        (b" [{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600, Rule::Message),
        (b"{}", -32600, Rule::Message),
        (b"null", -32600, Rule::Message),
        (b"\"ping\"", -32600, Rule::Message),
        (b"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", -32600, Rule::Message),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"ping\"}", -32600, Rule::Message),
        (b"{\"jsonrpc\":\"2.0\",\"id\":-0,\"method\":\"ping\"}", -32600, Rule::Message),
        (b"{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"ping\"}", -32600, Rule::Message),
    ];
    for (body, code, rule) in cases {
        let answer = server.refuses(&good.clone().body(body), 400, code, rule).await;
        assert_eq!(answer.get("id"), None, "{answer}");
    }
    let cases = [
        r#"{"id":"x","method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#,
        r#"{"jsonrpc":2.0,"id":"x","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":"x"}"#,
        r#"{"jsonrpc":"2.0","id":"x","method":5}"#,
        r#"{"jsonrpc":"2.0","id":"x","method":"ping","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":"x","method":"ping","params":null}"#,
    ];
    for body in cases {
        let answer = server.refuses(&good.clone().body(body), 400, -32600, Rule::Message).await;
        assert_eq!(answer["id"], "x", "{body}");
    }
}

#[tokio::test]
async fn ids_come_back_as_they_were() {
    let server = Server::start(Echo::new()).await;
    for id in [
        json!(0),
        json!(-5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("openai-mcp-discover"),
        json!("\"\n😀"),
    ] {
        let sent = Sent::legacy("ping", &json!({})).edit(|message| message["id"] = id.clone());
        assert_eq!(server.send(&sent).await.json()["id"], id);
        let sent = Sent::legacy("no/such", &json!({})).edit(|message| message["id"] = id.clone());
        assert_eq!(server.send(&sent).await.json()["id"], id);
    }
}

#[tokio::test]
async fn modern_metadata_is_demanded() {
    let server = Server::start(Echo::new()).await;
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let level = "io.modelcontextprotocol/logLevel";
    let client = "io.modelcontextprotocol/clientInfo";
    let edits: [(&str, Value); 18] = [
        ("", json!([])),
        ("", json!(null)),
        (client, json!("a client")),
        (client, json!({})),
        (client, json!({ "name": "a client" })),
        (client, json!({ "name": "a client", "version": 1 })),
        (client, json!({ "name": [], "version": "1" })),
        ("progressToken", json!({ "a": 1 })),
        ("progressToken", json!(null)),
        ("progressToken", json!(1.5)),
        ("", json!({})),
        ("", json!("x")),
        ("", json!({ capabilities: {} })),
        ("", json!({ version: "2026-07-28" })),
        (version, json!(20260728)),
        (capabilities, json!([])),
        (level, json!("loud")),
        (level, json!(3)),
    ];
    for (key, value) in edits {
        for method in ["tools/list", "server/discover", "no/such"] {
            let sent = Sent::modern(method, json!({})).edit(|message| match key {
                "" => message["params"]["_meta"] = value.clone(),
                key => message["params"]["_meta"][key] = value.clone(),
            });
            let answer = server.refuses(&sent, 400, -32602, Rule::Params).await;
            assert_eq!(answer["id"], 1);
        }
    }
    let sent =
        Sent::modern("tools/list", json!({})).edit(|message| drop(message.as_object_mut().unwrap().remove("params")));
    server.refuses(&sent, 400, -32602, Rule::Params).await;
    // Discover belongs to the modern era even when nothing else says so: a probe must not be taken for something else.
    server.refuses(&Sent::legacy("server/discover", &json!({})), 400, -32602, Rule::Params).await;
    let sent = Sent::modern("tools/list", json!({})).edit(|message| {
        message["params"]["_meta"][level] = "debug".into();
        message["params"]["_meta"]["io.modelcontextprotocol/clientInfo"] =
            json!({ "name": "a client", "version": "1", "title": "more" });
        message["params"]["_meta"]["progressToken"] = "p".into();
    });
    assert_eq!(server.send(&sent).await.status, 200);
}

#[tokio::test]
async fn legacy_metadata_is_read_where_it_is_there() {
    let server = Server::start(Echo::new()).await;
    for method in ["ping", "tools/list", "tools/call", "initialize"] {
        let sent = |meta: Value| {
            Sent::legacy(method, &json!({ "name": "echo", "protocolVersion": "2025-11-25", "_meta": meta }))
        };
        for meta in [json!(5), json!([1]), json!(null), json!("x"), json!({ "progressToken": { "a": 1 } })] {
            server.refuses(&sent(meta), 200, -32602, Rule::Params).await;
        }
        for meta in [json!({}), json!({ "progressToken": 7 }), json!({ "progressToken": "t", "other/key": [] })] {
            let got = server.send(&sent(meta)).await.json();
            assert!(got["result"].is_object(), "{got}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_a_request_and_an_answer_is_neither() {
    let server = Server::start(Echo::new()).await;
    let good = Sent::call("echo", json!({}));
    for body in [
        r#"{"jsonrpc":"2.0","id":"x","method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"},"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":"x","result":{},"method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":"x","method":5,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"x","result":{},"error":{"code":1,"message":"m"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized","result":{}}"#,
        r#"{"jsonrpc":"2.0","result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","result":5}"#,
    ] {
        for sent in [good.clone().body(body), Sent::legacy("ping", &json!({})).body(body)] {
            let answer = server.refuses(&sent, 400, -32600, Rule::Message).await;
            assert_eq!(answer.get("id").is_some(), body.contains("\"id\""), "{body}");
        }
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
    // A legacy client may say that it could not read, but not answer what nobody asked.
    let unread = r#"{"jsonrpc":"2.0","error":{"code":1,"message":"m"}}"#;
    assert_eq!(server.send(&Sent::legacy("ping", &json!({})).body(unread)).await.status, 202);
    for body in
        [r#"{"jsonrpc":"2.0","id":"x","result":{}}"#, r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}}"#]
    {
        server.refuses(&Sent::legacy("ping", &json!({})).body(body), 400, -32600, Rule::Message).await;
    }
}

#[tokio::test]
async fn a_body_is_framed_by_its_length_or_in_chunks_and_in_no_other_way() {
    let server = Server::start(Echo::new()).await;
    let good = Sent::call("echo", json!({}));
    let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", good.body.len(), String::from_utf8_lossy(&good.body));
    let chunked = |coding: &str| good.clone().body(&body).with("Transfer-Encoding", coding);
    for coding in ["chunked", "Chunked"] {
        assert_eq!(server.send(&chunked(coding)).await.status, 200, "{coding}");
    }
    for sent in [
        chunked("gzip, chunked"),
        chunked("identity, chunked"),
        chunked("chunked, chunked"),
        chunked("chunked").with("Transfer-Encoding", "chunked"),
        chunked("gzip").with("Transfer-Encoding", "chunked"),
    ] {
        server.refuses(&sent, 501, 50100, Rule::ContentType).await;
    }
    assert_eq!(server.backend.requests.lock().unwrap().len(), 2);
}

/// Fails without the budget of all bodies, held until the answer.
#[tokio::test]
async fn mc_09_bodies_beyond_the_budget_of_all_are_refused_and_short_ones_are_answered() {
    let server = Server::with(Echo::new(), |config| config.body_memory = 100_000).await;
    let long = |tool| Sent::call(tool, json!({ "pad": "p".repeat(80_000) }));
    assert_eq!(server.send(&long("echo")).await.status, 200);
    // What it holds is given back when its client is gone, not before.
    let mut stuck = TcpStream::connect(server.address).await.unwrap();
    stuck.write_all(&long("slow").bytes(server.address)).await.unwrap();
    let backend = Arc::clone(&server.backend);
    assert!(within_a_second(|| backend.began.load(Ordering::SeqCst) == 1).await);
    let answer = server.refuses(&long("echo"), 503, 50300, Rule::BodySize).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("100000 bytes"), "{answer}");
    assert_eq!(server.send(&long("echo")).await.header("retry-after"), Some("1"));
    assert_eq!(server.send(&Sent::call("echo", json!({}))).await.status, 200);
    drop(stuck);
    assert!(within_a_second(|| backend.dropped() == 1).await);
    assert_eq!(server.send(&long("echo")).await.status, 200);
}

/// Fails without the check of the version in `modern` and `legacy` of `protocol.rs`.
#[tokio::test]
async fn mc_42_unknown_versions_are_told_the_known_ones() {
    let server = Server::start(Echo::new()).await;
    for asked in ["1900-01-01", "2099-01-01", "2025-11-25", "", "draft"] {
        let sent = Sent::modern("tools/list", json!({})).set("MCP-Protocol-Version", asked).edit(|message| {
            message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = asked.into();
        });
        let answer = server.refuses(&sent, 400, -32022, Rule::Version).await;
        let data = json!({ "supported": ["2026-07-28", "2025-11-25", "2025-06-18"], "requested": asked });
        assert_eq!((&answer["error"]["data"], &answer["id"]), (&data, &json!(1)));
    }
    for asked in ["1900-01-01", "2024-11-05", "2026-01-01", "draft", ""] {
        for method in ["ping", "notifications/initialized"] {
            let sent = Sent::legacy(method, &json!({})).with("MCP-Protocol-Version", asked);
            let sent = match method {
                "ping" => sent,
                _ => sent.edit(|message| drop(message.as_object_mut().unwrap().remove("id"))),
            };
            server.refuses(&sent, 400, -32022, Rule::Version).await;
        }
    }
}

/// Fails without the status that `Fault::unknown_method` has for each era.
#[tokio::test]
async fn mc_42_unknown_methods_are_refused_as_each_era_says() {
    let server = Server::start(Echo::new()).await;
    for method in ["no/such", "ping", "initialize", "logging/setLevel", "resources/subscribe", "notifications/x"] {
        let answer = server.refuses(&Sent::modern(method, json!({})), 404, -32601, Rule::UnknownMethod).await;
        assert_eq!(answer["id"], 1);
    }
    for method in ["no/such", "subscriptions/listen", "notifications/initialized"] {
        server.refuses(&Sent::legacy(method, &json!({})), 200, -32601, Rule::UnknownMethod).await;
    }
}

#[tokio::test]
async fn the_checks_come_in_their_order() {
    let server = Server::start(Echo::new().with_secret("good")).await;
    // Everything is wrong with it; each step repairs what was refused.
    let mut sent = Sent::call("echo", json!({})).method("PUT").with("Origin", "null").with("Host", "evil.example");
    sent = sent.set("Content-Type", "text/plain").with("Content-Length", "99999999").set("Accept", "image/png");
    sent = sent.set("MCP-Protocol-Version", "1999-01-01").set("Mcp-Method", "other").body("[");
    server.refuses(&sent, 403, 40300, Rule::Host).await;
    sent = sent.set("Host", "tools.example.com");
    server.refuses(&sent, 403, 40301, Rule::Origin).await;
    sent = sent.without("Origin");
    server.refuses(&sent, 405, 40500, Rule::Method).await;
    sent = sent.method("POST");
    server.refuses(&sent, 413, 41300, Rule::BodySize).await;
    sent = sent.without("Content-Length");
    server.refuses(&sent, 415, 41500, Rule::ContentType).await;
    sent = sent.set("Content-Type", "application/json");
    server.refuses(&sent, 401, 40100, None).await;
    sent = sent.with("Authorization", "Bearer good");
    server.refuses(&sent, 406, 40600, Rule::Accept).await;
    sent = sent.without("Accept");
    server.refuses(&sent, 400, -32600, Rule::Message).await;
    sent = sent.body(Sent::modern("no/such", json!({})).body).edit(|message| drop(message["params"].take()));
    server.refuses(&sent, 400, -32600, Rule::Message).await;
    sent = sent.edit(|message| {
        message["params"] = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "1999-01-01" } })
    });
    server.refuses(&sent, 400, -32602, Rule::Params).await;
    sent = sent.edit(|message| message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({}));
    server.refuses(&sent, 400, -32022, Rule::Version).await;
    sent = sent
        .edit(|message| message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into());
    server.refuses(&sent, 400, -32020, Rule::HeaderMismatch).await;
    sent = sent.set("MCP-Protocol-Version", "2026-07-28").set("Mcp-Method", "no/such");
    server.refuses(&sent, 404, -32601, Rule::UnknownMethod).await;
}
