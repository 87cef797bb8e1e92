//! `Host` and `Origin` on every route (catalogue MC-01).

use RefusalRule as Rule;

use super::*;

fn everywhere() -> [Sent; 8] {
    let get = |path| Sent::call("echo", json!({})).method("GET").path(path).body("");
    [
        Sent::call("echo", json!({})),
        get("/mcp"),
        get("/health"),
        get("/beside"),
        get("/.well-known/oauth-protected-resource"),
        get("/.well-known/oauth-protected-resource/mcp"),
        get("/.well-known/oauth-protected-resource/mcp").method("OPTIONS"),
        get("/no/such/path"),
    ]
}

/// Fails without `guard::check` before the endpoint and before every other route.
#[tokio::test]
async fn mc_01_a_foreign_host_is_refused_on_every_route() {
    let server = Server::start(Echo::new().with_resource(&[])).await;
    let port = server.address.port();
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "localhost".to_owned(),
        "localhost:1".to_owned(),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.2:{port}"),
        format!("user@localhost:{port}"),
        format!("localhost:{port}, evil.example"),
        "tools.example.com:8443".to_owned(),
        "tools.example.com.".to_owned(),
        String::new(),
    ];
    for sent in everywhere() {
        for host in &foreign {
            let answer = server.refuses(&sent.clone().with("Host", host), 403, 40300, Rule::Host).await;
            assert_eq!((&answer["jsonrpc"], answer.get("id")), (&json!("2.0"), None));
        }
        let both = sent.clone().with("Host", "tools.example.com").with("Host", "tools.example.com");
        server.refuses(&both, 403, 40300, Rule::Host).await;
        let none = format!("{} {} HTTP/1.0\r\n\r\n", sent.method, sent.path);
        assert_eq!(server.send_bytes(none.as_bytes()).await.status, 403);
        let target = format!(
            "{} http://evil.example{} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n",
            sent.method, sent.path
        );
        assert_eq!(server.send_bytes(target.as_bytes()).await.status, 403);
        assert_eq!(server.backend.rules(), [Rule::Host, Rule::Host]);
    }
}

#[tokio::test]
async fn mc_01_own_hosts_are_answered() {
    let server = Server::start(Echo::new()).await;
    let port = server.address.port();
    let own =
        [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), "Tools.Example.COM".into()];
    for host in own {
        assert_eq!(server.send(&Sent::call("echo", json!({})).with("Host", &host)).await.status, 200, "{host}");
    }
}

/// Fails without the second half of `guard::check`.
#[tokio::test]
async fn mc_01_a_foreign_origin_is_refused_on_every_route() {
    let server = Server::start(Echo::new().with_resource(&[])).await;
    let port = server.address.port();
    let foreign = [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        String::new(),
        "http://localhost".to_owned(),
        "http://localhost:1".to_owned(),
        format!("https://localhost:{port}"),
        format!("http://localhost:{port}.evil.example"),
        "https://chat.example.com.evil.example".to_owned(),
        "http://chat.example.com".to_owned(),
        "https://chat.example.com:444".to_owned(),
        "*".to_owned(),
    ];
    for sent in everywhere() {
        for origin in &foreign {
            let answer = server.refuses(&sent.clone().with("Origin", origin), 403, 40301, Rule::Origin).await;
            assert_eq!((&answer["jsonrpc"], answer.get("id")), (&json!("2.0"), None));
        }
        let own = format!("http://localhost:{port}");
        server.refuses(&sent.clone().with("Origin", &own).with("Origin", &own), 403, 40301, Rule::Origin).await;
    }
}

#[tokio::test]
async fn mc_01_own_origins_are_answered_and_only_on_loopback() {
    let server = Server::start(Echo::new()).await;
    let port = server.address.port();
    let local = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("http://{name}:{port}"));
    for origin in local.iter().map(String::as_str).chain(["https://chat.example.com"]) {
        assert_eq!(server.send(&Sent::call("echo", json!({})).with("Origin", origin)).await.status, 200, "{origin}");
    }
    let public = |config: &mut HttpConfig| {
        config.allowed_origins = AllowedOrigins::new("0.0.0.0:80".parse().unwrap(), ["https://Chat.example.com/"]);
    };
    let server = Server::with(Echo::new(), public).await;
    let own = |origin: &str| Sent::call("echo", json!({})).with("Origin", origin);
    server.refuses(&own("http://localhost:80"), 403, 40301, Rule::Origin).await;
    server.refuses(&own("http://localhost"), 403, 40301, Rule::Origin).await;
    assert_eq!(server.send(&own("https://chat.example.com")).await.status, 200);
}

#[tokio::test]
async fn who_is_refused_is_told_which_setting_would_allow_it() {
    let server = Server::start(Echo::new()).await;
    let said = async |sent: Sent| {
        let got = server.send(&sent).await;
        assert_eq!(got.status, 403);
        got.json()["error"]["message"].as_str().unwrap().to_owned()
    };
    let host = async |host: &str| said(Sent::call("echo", json!({})).with("Host", host)).await;
    let tunnel = host("abc.ngrok.app:8443").await;
    for part in ["`abc.ngrok.app:8443`", "`allowed_hosts`", "`public_url`"] {
        assert!(tunnel.contains(part), "{tunnel}");
    }
    // What is no name is not repeated.
    for odd in ["a b", "", "\u{e4}", "a, b", &"a".repeat(200)] {
        let said = host(odd).await;
        assert!(said.contains("`allowed_hosts`") && !said.contains("``") && said.len() < 250, "{said}");
        assert!(odd.is_empty() || !said.contains(&format!("`{odd}`")), "{said}");
    }
    let origin = async |origin: &str| said(Sent::call("echo", json!({})).with("Origin", origin)).await;
    let page = origin("https://Chat.example").await;
    assert!(page.contains("`https://Chat.example`") && page.contains("`allowed_origins`"), "{page}");
    for odd in ["null", "https://a/b", "x"] {
        let said = origin(odd).await;
        assert!(said.contains("`allowed_origins`") && !said.contains(&format!("`{odd}`")), "{said}");
    }
}

#[tokio::test]
async fn the_default_port_may_be_left_out() {
    let bound: SocketAddr = "127.0.0.1:80".parse().unwrap();
    let configure = |config: &mut HttpConfig| config.allowed_hosts = AllowedHosts::new::<&str>(bound, []);
    let server = Server::with(Echo::new(), configure).await;
    for host in ["localhost", "localhost:80", "[::1]"] {
        assert_eq!(server.send(&Sent::call("echo", json!({})).with("Host", host)).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn other_paths_are_answered_in_json_too() {
    let server = Server::start(Echo::new()).await;
    let get = |path| Sent::call("echo", json!({})).method("GET").path(path).body("");
    let got = server.send(&get("/health")).await;
    assert_eq!((got.status, got.json()), (200, json!({ "status": "ok" })));
    let got = server.send(&get("/no/such/path")).await;
    assert_eq!(got.status, 404);
    assert!(got.json()["error"].is_string());
    assert_eq!(server.backend.rules(), [Rule::Path]);
    assert_eq!(server.send(&get("/beside")).await.status, 200);
    server.refuses(&get("/health").method("POST"), 405, 40500, Rule::Method).await;
    assert_eq!(server.send(&get("/health").method("HEAD")).await.status, 200);
}

#[tokio::test]
async fn lo_01_who_is_not_known_learns_no_version() {
    let server = Server::start(Echo::new().with_secret("good").with_resource(&[])).await;
    for sent in everywhere().into_iter().chain([
        Sent::modern("server/discover", json!({})),
        Sent::legacy("initialize", &json!({ "protocolVersion": "2025-11-25" })),
        Sent::call("echo", json!({})).with("Host", "evil.example"),
    ]) {
        let got = server.send(&sent).await;
        let all = format!("{} {}", got.head, String::from_utf8_lossy(&got.body));
        assert!(!all.contains("9.8.7"), "{all}");
        // The operator's name for it, which the person who signs in has to know.
        let named = all.replace("\"resource_name\":\"Portcullis\"", "");
        assert!(!named.to_ascii_lowercase().contains("portcullis"), "{all}");
        assert_eq!(got.header("server"), None);
    }
}

#[tokio::test]
async fn a_refusal_names_the_principal_where_one_is_known() {
    let server = Server::start(Echo::new()).await;
    server.send(&Sent::call("echo", json!({})).with("Origin", "null")).await;
    server.send(&Sent::call("echo", json!({})).set("Mcp-Name", "other")).await;
    let told: Vec<_> = server.backend.told.lock().unwrap().drain(..).collect();
    let local = portcullis_manifest::PrincipalKey::Local;
    assert_eq!(told.iter().map(|refusal| refusal.principal.clone()).collect::<Vec<_>>(), [None, Some(local)]);
}
