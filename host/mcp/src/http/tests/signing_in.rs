//! Tools that are called without sign-in beside tools that are not: what who has no token may do, and how each kind of
//! client is told that a call needs a token, or another one (facts B3).

use portcullis_manifest::PrincipalKey;

use super::*;
use crate::testing::assert_valid;

const METADATA: &str = "resource_metadata=\"https://tools.example.com/.well-known/oauth-protected-resource/mcp\"";

/// The tool, the status and code for clients that know HTTP's, and both challenges.
fn refused() -> [(&'static str, u16, i64, String, String); 2] {
    let signed_in = "error=\"invalid_token\", error_description=\"this tool is called by somebody who has signed in\"";
    let scopes = "error=\"insufficient_scope\", \
                  error_description=\"this call needs the scopes notes:read notes:write\", scope=\"notes:read notes:write\"";
    [
        (
            "private",
            401,
            40100,
            format!("Bearer {METADATA}, scope=\"notes:read\""),
            format!("Bearer {METADATA}, {signed_in}, scope=\"notes:read\""),
        ),
        ("scoped", 403, 40302, format!("Bearer {METADATA}, {scopes}"), format!("Bearer {METADATA}, {scopes}")),
    ]
}

fn mixed() -> Echo {
    Echo::new().with_secret("good").without_sign_in()
}

fn both(tool: &str) -> [(&'static str, Sent); 2] {
    let params = json!({ "name": tool, "arguments": {} });
    [("2026-07-28", Sent::modern("tools/call", params.clone())), ("2025-11-25", Sent::legacy("tools/call", &params))]
}

/// As ChatGPT sends it.
fn linking(sent: Sent, key: &str) -> Sent {
    sent.edit(|message| message["params"]["_meta"][key] = "x".into())
}

#[tokio::test]
async fn au_06_who_has_not_signed_in_may_look_around_and_call_what_is_open() {
    let server = Server::start(mixed()).await;
    for sent in [
        Sent::modern("server/discover", json!({})),
        Sent::legacy("initialize", &json!({ "protocolVersion": "2025-11-25" })),
        Sent::legacy("ping", &json!({})),
        Sent::modern("tools/list", json!({})),
        Sent::legacy("tools/list", &json!({})),
    ] {
        server.result(&sent).await;
    }
    for (_, sent) in both("echo") {
        server.result(&sent).await;
    }
    for request in server.backend.requests.lock().unwrap().iter() {
        assert_eq!(request.principal.key(), &PrincipalKey::Anonymous);
    }
    // A token that is refused doesn't make somebody nobody.
    let bad = Sent::call("echo", json!({})).with("Authorization", "Bearer bad");
    server.refuses(&bad, 401, 40101, None).await;
    let good = Sent::call("private", json!({})).with("Authorization", "Bearer good");
    assert_eq!(server.send(&good).await.status, 200);
}

#[tokio::test]
async fn au_20_a_client_that_knows_http_is_challenged_by_it() {
    let server = Server::start(mixed()).await;
    for (tool, status, code, challenge, _) in refused() {
        for (_, sent) in both(tool) {
            let answer = server.refuses(&sent, status, code, None).await;
            let correlation = server.backend.requests.lock().unwrap().last().unwrap().correlation;
            assert_eq!((&answer["id"], &answer["error"]["data"]), (&json!(1), &json!({ "correlation": correlation })));
            let got = server.send(&sent).await;
            assert_eq!(got.header("www-authenticate"), Some(challenge.as_str()));
            assert_eq!(got.header("cache-control"), Some("no-store"));
        }
    }
}

#[tokio::test]
async fn au_20_a_client_that_links_accounts_on_results_is_challenged_in_one() {
    let server = Server::start(mixed()).await;
    for (tool, _, _, _, challenge) in refused() {
        for (revision, sent) in both(tool) {
            for key in ["openai/userAgent", "openai/locale", "openai/"] {
                let got = server.send(&linking(sent.clone(), key)).await;
                assert_eq!((got.status, got.header("www-authenticate")), (200, None));
                let result = &got.json()["result"];
                assert_valid(revision, "CallToolResult", result);
                assert_eq!((&result["isError"], &got.json()["id"]), (&json!(true), &json!(1)));
                assert_eq!(result["_meta"]["mcp/www_authenticate"], json!([challenge]));
                let text = result["content"][0]["text"].as_str().unwrap();
                assert!(text.contains("notes:read") && text.contains("make the same call again"), "{text}");
            }
            // Keys that only look like its own.
            for key in ["openai", "x/openai/", "com.openai/x"] {
                assert_ne!(server.send(&linking(sent.clone(), key)).await.status, 200, "{key}");
            }
        }
    }
    assert_eq!(server.backend.rules(), []);
    // No token would help with these.
    for (tool, status, code) in [("busy", 503, 50300), ("no_such", 200, -32602)] {
        for (_, sent) in both(tool) {
            server.refuses(&linking(sent, "openai/userAgent"), status, code, None).await;
        }
    }
}

#[tokio::test]
async fn where_nothing_is_open_every_client_is_challenged_at_once() {
    let server = Server::start(Echo::new().with_secret("good")).await;
    for (_, sent) in both("private") {
        let sent = linking(sent, "openai/userAgent");
        server.refuses(&sent, 401, 40100, None).await;
        assert_eq!(server.send(&sent).await.header("www-authenticate"), Some(format!("Bearer {METADATA}").as_str()));
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
}
