//! `tools/call`: what the backend gets, and what becomes of its answers and refusals.

use portcullis_backend::{Hints, Target};
use serde_json::Map;

use super::*;

fn server_info() -> Value {
    json!({ "name": "portcullis", "title": "Portcullis", "version": "9.8.7" })
}

#[tokio::test]
async fn the_backend_gets_what_the_client_sent() {
    let server = Server::start(Echo::new().with_secret("good")).await;
    let arguments = json!({ "z": 1, "a": [null, { "k": -0.5 }], "ü": "\u{1f600}" });
    let sent = Sent::call("echo", arguments.clone()).with("Authorization", "Bearer good");
    let sent = sent.edit(|message| message["params"]["_meta"]["openai/locale"] = "de-CH".into());
    server.result(&sent).await;
    server.result(&Sent::legacy("tools/call", &json!({ "name": "echo" })).with("Authorization", "Bearer good")).await;
    let requests = server.backend.requests.lock().unwrap();
    let Target::Tool { name, arguments: given } = requests[0].target.clone() else { panic!("a tool") };
    assert_eq!(Value::Object(given.clone()), arguments);
    assert_eq!(given.keys().collect::<Vec<_>>(), ["z", "a", "ü"]);
    assert_eq!((name.as_str(), requests[0].hints.locale.as_deref()), ("echo", Some("de-CH")));
    assert_eq!(requests[0].principal.key().to_string(), "subject:22:https://issuer.example:3:ann");
    assert_eq!(requests[0].correlation.get_version_num(), 7);
    assert_eq!(requests[1].target, Target::Tool { name: "echo".to_owned(), arguments: Map::new() });
    assert_eq!(requests[1].hints, Hints::default());
    assert_ne!(requests[0].correlation, requests[1].correlation);
}

#[tokio::test]
async fn a_locale_that_is_none_is_left_out() {
    let server = Server::start(Echo::new()).await;
    for locale in [json!("x".repeat(36)), json!("de CH"), json!(5), json!(""), json!("d\u{e9}")] {
        let sent =
            Sent::call("echo", json!({})).edit(|message| message["params"]["_meta"]["openai/locale"] = locale.clone());
        server.result(&sent).await;
        assert_eq!(server.backend.requests.lock().unwrap().pop().unwrap().hints.locale, None, "{locale}");
    }
}

#[tokio::test]
async fn answers_of_a_tool_are_given_in_each_era_s_form() {
    let server = Server::start(Echo::new()).await;
    let text = |text: &str| json!([{ "type": "text", "text": text }]);
    let meta = json!({ "io.modelcontextprotocol/serverInfo": server_info() });
    let both = |tool: &str| {
        let params = json!({ "name": tool, "arguments": { "a": 1 } });
        (Sent::modern("tools/call", params.clone()), Sent::legacy("tools/call", &params))
    };
    let (modern, legacy) = both("echo");
    let expected = json!({ "content": text("{\"a\":1}"), "structuredContent": { "a": 1 } });
    assert_eq!(server.result(&legacy).await, expected);
    let mut expected = expected;
    expected["resultType"] = "complete".into();
    expected["_meta"] = meta.clone();
    assert_eq!(server.result(&modern).await, expected);

    let (modern, legacy) = both("bare");
    assert_eq!(server.result(&legacy).await, json!({ "content": [] }));
    assert_eq!(server.result(&modern).await, json!({ "content": [], "resultType": "complete", "_meta": meta }));

    let (modern, legacy) = both("failing");
    assert_eq!(server.result(&legacy).await, json!({ "content": text("it failed"), "isError": true }));
    assert_eq!(server.result(&modern).await["isError"], true);
}

/// Fails without the filter of `SERVER_INFO` in what a plugin puts into `_meta`.
#[tokio::test]
async fn mc_16_a_plugin_cannot_pass_for_the_server() {
    let server = Server::start(Echo::new()).await;
    let result = server.result(&Sent::call("forging", json!({}))).await;
    assert_eq!(result["_meta"], json!({ "own": 1, "io.modelcontextprotocol/serverInfo": server_info() }));
    let result = server.result(&Sent::legacy("tools/call", &json!({ "name": "forging" }))).await;
    assert_eq!(result["_meta"], json!({ "own": 1 }));
}

#[tokio::test]
async fn parameters_of_the_wrong_form_are_refused() {
    let server = Server::start(Echo::new()).await;
    for params in [
        json!({}),
        json!({ "name": 5 }),
        json!({ "name": "echo", "arguments": [] }),
        json!({ "name": "echo", "arguments": null }),
    ] {
        server.refuses(&Sent::legacy("tools/call", &params), 200, -32602, RefusalRule::Params).await;
        server.refuses(&Sent::modern("tools/call", params), 200, -32602, RefusalRule::Params).await;
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn au_05_refusals_by_the_backend_have_their_status_code_and_header() {
    let server = Server::start(Echo::new()).await;
    let metadata = "resource_metadata=\"https://tools.example.com/.well-known/oauth-protected-resource/mcp\"";
    let scopes = format!(
        "Bearer {metadata}, error=\"insufficient_scope\", \
         error_description=\"this call needs the scopes notes:read notes:write\", scope=\"notes:read notes:write\""
    );
    for (tool, status, code, header, value) in [
        ("scoped", 403, 40302, "www-authenticate", scopes),
        ("busy", 503, 50300, "retry-after", "2".to_owned()),
        ("unavailable", 503, 50301, "retry-after", "5".to_owned()),
    ] {
        for sent in [Sent::call(tool, json!({})), Sent::legacy("tools/call", &json!({ "name": tool }))] {
            let answer = server.refuses(&sent, status, code, None).await;
            assert_eq!(answer["id"], 1);
            let correlation = server.backend.requests.lock().unwrap().last().unwrap().correlation;
            assert_eq!(answer["error"]["data"], json!({ "correlation": correlation }));
            assert_eq!(server.send(&sent).await.header(header), Some(value.as_str()), "{tool}");
        }
    }
    for sent in [Sent::call("no_such", json!({})), Sent::legacy("tools/call", &json!({ "name": "no_such" }))] {
        let answer = server.refuses(&sent, 200, -32602, None).await;
        let correlation = server.backend.requests.lock().unwrap().last().unwrap().correlation;
        assert_eq!((&answer["id"], &answer["error"]["data"]), (&json!(1), &json!({ "correlation": correlation })));
    }
}

#[tokio::test]
async fn wx_25_a_client_s_own_text_comes_back_short_and_with_nothing_hidden_in_it() {
    let server = Server::start(Echo::new()).await;
    let hostile = "a\u{0}\n\u{1b}[2J\u{9b}1m\u{202e}b\u{e0041}\u{200b}";
    let long = format!("{hostile}{}", "c".repeat(10_000));
    let shown = "a\\u{0}\\u{a}\\u{1b}[2J\\u{9b}1m\\u{202e}b\\u{e0041}\\u{200b}c";
    let version = |text: &str| {
        let key = "io.modelcontextprotocol/protocolVersion";
        let sent = Sent::modern("tools/list", json!({})).without("MCP-Protocol-Version");
        let text = text.to_owned();
        sent.edit(|message| message["params"]["_meta"][key] = text.into())
    };
    let twice = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let key = serde_json::to_string(&long).unwrap();
    let twice = twice.replacen('{', &format!("{{{key}:1,{key}:2,"), 1);
    for sent in [
        Sent::legacy(&long, &json!({})),
        Sent::legacy("tools/call", &json!({ "name": long })),
        version(&long),
        Sent::legacy("ping", &json!({})).body(twice),
    ] {
        let got = server.send(&sent).await;
        let said = got.json()["error"].to_string();
        let said = said.replace("\\\\", "\\");
        assert!(said.contains(shown), "{said}");
        assert!(said.len() < 1000 && !said.chars().any(portcullis_manifest::hides), "{said}");
    }
}
