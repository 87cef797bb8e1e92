//! What headers and body say twice (catalogue MC-03).

use RefusalRule as Rule;

use super::*;

/// Fails without `headers::agree` and the strict base64 of its values.
#[tokio::test]
async fn mc_03_headers_have_to_repeat_the_body() {
    let server = Server::start(Echo::new()).await;
    let good = Sent::call("echo", json!({}));
    let bad = [
        good.clone().without("MCP-Protocol-Version"),
        good.clone().edit(|message| {
            message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "v999.0.0".into();
        }),
        good.clone().set("MCP-Protocol-Version", "2025-11-25"),
        good.clone().set("MCP-Protocol-Version", "2099-01-01"),
        good.clone().with("MCP-Protocol-Version", "2026-07-28"),
        good.clone().with("mcp-protocol-version", "2025-11-25"),
        good.clone().set("MCP-Protocol-Version", "2026-07-28\u{e9}"),
        good.clone().without("Mcp-Method"),
        good.clone().set("Mcp-Method", "tools/list"),
        good.clone().set("Mcp-Method", "Tools/Call"),
        good.clone().set("Mcp-Method", ""),
        good.clone().with("MCP-METHOD", "tools/call"),
        good.clone().set("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?="),
        good.clone().without("Mcp-Name"),
        good.clone().set("Mcp-Name", "Echo"),
        good.clone().set("Mcp-Name", ""),
        good.clone().with("Mcp-Name", "echo"),
        good.clone().set("Mcp-Name", "ech\u{f6}"),
        good.clone().set("Mcp-Name", "=?base64?ZWNobw?="),
        good.clone().set("Mcp-Name", "=?base64?ZWNob===?="),
        good.clone().set("Mcp-Name", "=?base64?ZW Nobw==?="),
        good.clone().set("Mcp-Name", "=?base64?ZWNobx==?="),
        good.clone().set("Mcp-Name", "=?base64?_w==?="),
        good.clone().set("Mcp-Name", "=?base64?/w==?="),
        good.clone().set("Mcp-Name", "=?BASE64?ZWNobw==?="),
        good.clone().set("Mcp-Name", "=?base64?ZWNobw==?"),
        good.clone().edit(|message| drop(message["params"].as_object_mut().unwrap().remove("name"))),
        good.clone().edit(|message| message["params"]["name"] = 5.into()),
        Sent::modern("prompts/get", json!({ "name": "p" })).without("Mcp-Name"),
        Sent::modern("resources/read", json!({ "uri": "x://y" })).set("Mcp-Name", "x://z"),
    ];
    for sent in bad {
        let answer = server.refuses(&sent, 400, -32020, Rule::HeaderMismatch).await;
        assert_eq!(answer["id"], 1);
    }
    let spelt = [
        good.clone().set("mCP-nAME", " \t echo \t "),
        good.clone().set("Mcp-Name", "=?base64?ZWNobw==?="),
        good.clone().set("MCP-protocol-VERSION", "2026-07-28"),
        good.set("Mcp-Session-Id", "ignored").with("Last-Event-ID", "5"),
    ];
    for sent in spelt {
        assert_eq!(server.send(&sent).await.status, 200);
    }
    assert_eq!(server.backend.rules(), []);
}

/// Fails without `headers::do_not_contradict`.
#[tokio::test]
async fn mc_03_a_legacy_request_may_lack_these_headers_but_not_lie_in_them() {
    let server = Server::start(Echo::new()).await;
    let good = Sent::legacy("tools/call", &json!({ "name": "echo" }));
    assert_eq!(server.send(&good.clone().with("Mcp-Method", "tools/call")).await.status, 200);
    for right in ["echo", "=?base64?ZWNobw==?="] {
        assert_eq!(server.send(&good.clone().with("Mcp-Name", right)).await.status, 200, "{right}");
    }
    let uri = Sent::legacy("resources/read", &json!({ "uri": "x://y" }));
    for sent in [
        good.clone().with("Mcp-Method", "tools/list"),
        good.clone().with("Mcp-Name", "other"),
        good.clone().with("Mcp-Name", ""),
        good.clone().with("Mcp-Name", "=?base64?ZWNobw?="),
        good.clone().with("Mcp-Name", "echo").with("Mcp-Name", "echo"),
        uri.with("Mcp-Name", "x://z"),
    ] {
        server.refuses(&sent, 400, -32020, Rule::HeaderMismatch).await;
    }
    assert_eq!(server.backend.requests.lock().unwrap().len(), 3);
    let twice = Sent::legacy("ping", &json!({})).with("MCP-Protocol-Version", "2025-11-25");
    server.refuses(&twice.with("MCP-Protocol-Version", "2025-11-25"), 400, -32020, Rule::HeaderMismatch).await;
}

/// Fails without `Mirrors::agree` before a tool is called.
#[tokio::test]
async fn mc_03_parameters_that_are_repeated_in_headers_have_to_agree() {
    let server = Server::start(Echo::new()).await;
    let call = |arguments| Sent::call("placed", arguments);
    let full = || call(json!({ "region": "Genève", "size": { "count": 42 }, "dry": true }));
    let encoded = "=?base64?R2Vuw6h2ZQ==?=";
    let headers = |sent: Sent| {
        sent.with("Mcp-Param-Region", encoded).with("mcp-param-count", "42").with("Mcp-Param-Dry-Run", "true")
    };
    let good = [
        headers(full()),
        headers(full()).set("Mcp-Param-Count", "42.0").with("Mcp-Param-Other", "of nobody"),
        call(json!({})),
        call(json!({ "region": null, "size": { "count": null } })),
        call(json!({ "size": 5 })),
        // No header can hold it; the tool's schema says no.
        call(json!({ "region": ["a"] })),
    ];
    for sent in good {
        assert_eq!(server.send(&sent).await.status, 200);
    }
    let bad = [
        full(),
        headers(full()).without("Mcp-Param-Count"),
        headers(full()).set("Mcp-Param-Region", "Geneva"),
        headers(full()).set("Mcp-Param-Region", "=?base64?R2Vuw6h2ZQ?="),
        headers(full()).set("Mcp-Param-Count", "43"),
        headers(full()).set("Mcp-Param-Count", "0x2a"),
        headers(full()).set("Mcp-Param-Dry-Run", "True"),
        headers(full()).with("Mcp-Param-Count", "42"),
        call(json!({})).with("Mcp-Param-Region", "anywhere"),
        call(json!({ "region": null })).with("Mcp-Param-Region", "null"),
        call(json!({ "region": ["a"] })).with("Mcp-Param-Region", "a"),
    ];
    for sent in bad {
        server.refuses(&sent, 400, -32020, Rule::HeaderMismatch).await;
    }
    // Legacy clients know nothing of these headers.
    let legacy = Sent::legacy("tools/call", &json!({ "name": "placed", "arguments": { "region": "x" } }));
    assert_eq!(server.send(&legacy).await.status, 200);
    assert_eq!(server.send(&legacy.clone().with("Mcp-Param-Region", "x")).await.status, 200);
    for sent in [
        legacy.clone().with("Mcp-Param-Region", "y"),
        legacy.clone().with("Mcp-Param-Region", "x").with("Mcp-Param-Region", "x"),
        legacy.with("Mcp-Param-Count", "1"),
    ] {
        server.refuses(&sent, 400, -32020, Rule::HeaderMismatch).await;
    }
}
