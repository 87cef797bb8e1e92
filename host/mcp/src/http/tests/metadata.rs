//! Protected resource metadata (catalogue AU-20) and whence it comes (AU-42).

use RefusalRule as Rule;

use super::*;

const ROOT: &str = "/.well-known/oauth-protected-resource";
const OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";
const SLASHED: [&str; 4] =
    [ROOT, "/.well-known/oauth-protected-resource/", OF_MCP, "/.well-known/oauth-protected-resource/mcp/"];

fn published() -> Echo {
    Echo::new().with_secret("good").with_resource(&["notes:read", "notes:write", "offline_access"])
}

fn document() -> Value {
    json!({
        "resource": "https://tools.example.com/mcp",
        "authorization_servers": ["https://login.example.com/t"],
        "scopes_supported": ["notes:read", "notes:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Portcullis",
    })
}

#[tokio::test]
async fn au_20_metadata_is_served_at_both_paths_without_a_token_to_be_cached_for_a_short_time() {
    let server = Server::start(published()).await;
    for path in SLASHED {
        let got = server.send(&Sent::get(path).with("Origin", "https://chat.example.com")).await;
        assert_eq!((got.status, got.json()), (200, document()), "{path}");
        assert_eq!(got.header("cache-control"), Some("public, max-age=60"));
        // No page may read it that is not this server's own.
        assert!(!got.head.to_ascii_lowercase().contains("access-control-"), "{}", got.head);
        let got = server.send(&Sent::get(path).method("HEAD")).await;
        assert_eq!((got.status, got.body.len()), (200, 0));
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let sent = Sent::get(path).method(method);
            assert_eq!(server.send(&sent).await.header("allow"), Some("GET, HEAD"));
            server.backend.rules();
            server.refuses(&sent, 405, 40500, Rule::Method).await;
        }
    }
    assert_eq!(*server.backend.sources.lock().unwrap(), [], "nobody was asked for a token");
}

/// Fails when the document or a challenge is made of anything but the configured URL.
#[tokio::test]
async fn au_20_the_resource_is_the_configured_string_and_challenges_name_its_document() {
    for (public, paths, nowhere) in [
        ("https://tools.example.com/mcp", &SLASHED[..], "/.well-known/oauth-protected-resource/other"),
        ("https://tools.example.com/mcp/", &SLASHED[..], "/.well-known/oauth-protected-resource/mcp/x"),
        ("https://tools.example.com/", &SLASHED[..2], OF_MCP),
        ("https://tools.example.com/a:b/*c", &["/.well-known/oauth-protected-resource/a:b/*c", ROOT][..], OF_MCP),
        ("http://127.0.0.1:8080/mcp", &SLASHED[..], "/.well-known/oauth-protected-resourcemcp"),
    ] {
        let server = Server::with(published(), |config| config.public_url = Some(public.parse().unwrap())).await;
        for path in paths {
            assert_eq!(server.send(&Sent::get(path)).await.json()["resource"], public, "{path}");
        }
        assert_eq!(server.send(&Sent::get(nowhere)).await.status, 404, "{public} {nowhere}");
        let got = server.send(&Sent::call("echo", json!({}))).await;
        let challenge = got.header("www-authenticate").unwrap();
        let url = challenge.strip_prefix("Bearer resource_metadata=\"").unwrap().strip_suffix('"').unwrap();
        let origin = public.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let path: &'static str = url.strip_prefix(&origin).unwrap().to_owned().leak();
        assert_eq!(server.send(&Sent::get(path)).await.json()["resource"], public, "{url}");
    }
}

#[tokio::test]
async fn au_20_where_no_tokens_are_taken_there_is_no_metadata() {
    let hidden = Server::with(published(), |config| config.public_url = None).await;
    let open = Server::start(Echo::new()).await;
    for server in [hidden, open] {
        for path in SLASHED {
            let got = server.send(&Sent::get(path)).await;
            assert_eq!(got.status, 404);
            assert!(got.json()["error"].is_string());
            assert_eq!(server.backend.rules(), [Rule::Path]);
        }
    }
}

#[tokio::test]
async fn a_list_of_no_scopes_is_left_out() {
    for scopes in [&[][..], &["offline_access"]] {
        let server = Server::start(Echo::new().with_resource(scopes)).await;
        let mut expected = document();
        expected.as_object_mut().unwrap().remove("scopes_supported");
        assert_eq!(server.send(&Sent::get(ROOT)).await.json(), expected);
    }
}

#[tokio::test]
async fn au_42_nothing_of_a_request_gets_into_the_metadata_or_a_challenge() {
    let trusted = |config: &mut HttpConfig| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::with(published(), trusted).await;
    let port = server.address.port();
    let metadata = "Bearer resource_metadata=\"https://tools.example.com/.well-known/oauth-protected-resource/mcp\"";
    for (name, value) in [
        ("Host", "tools.example.com".to_owned()),
        ("Host", format!("localhost:{port}")),
        ("X-Forwarded-Host", "evil.example".to_owned()),
        ("X-Forwarded-Proto", "http".to_owned()),
        ("X-Forwarded-Prefix", "/evil".to_owned()),
        ("X-Original-URL", "/evil".to_owned()),
        ("Forwarded", "host=evil.example;proto=http;for=203.0.113.9".to_owned()),
        ("X-Forwarded-For", "203.0.113.9".to_owned()),
    ] {
        for path in SLASHED {
            let got = server.send(&Sent::get(path).with(name, &value)).await;
            assert_eq!((got.status, got.json()), (200, document()), "{name}: {value}");
        }
        let got = server.send(&Sent::call("echo", json!({})).with(name, &value)).await;
        assert_eq!((got.status, got.header("www-authenticate")), (401, Some(metadata)), "{name}: {value}");
    }
    assert_eq!(server.backend.rules(), []);
    for path in SLASHED {
        for host in ["evil.example", "tools.example.com.evil.example", "tools.example.com@evil.example"] {
            server.refuses(&Sent::get(path).with("Host", host), 403, 40300, Rule::Host).await;
        }
        let target =
            format!("GET http://evil.example{path} HTTP/1.1\r\nHost: tools.example.com\r\nConnection: close\r\n\r\n");
        assert_eq!(server.send_bytes(target.as_bytes()).await.status, 403);
        server.backend.rules();
    }
}
