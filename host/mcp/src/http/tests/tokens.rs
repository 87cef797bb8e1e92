//! Each request proves by itself who makes it (catalogue AU-01), with a token in one place only (AU-21); where it came from
//! (AU-42) and how often it was refused (AU-26) is the backend's to weigh.

use std::{
    fmt::{Debug, Write as _},
    net::IpAddr,
    sync::Mutex,
};

use RefusalRule as Rule;
use portcullis_manifest::PrincipalKey;
use tokio::net::TcpSocket;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::*;

const METADATA: &str = "resource_metadata=\"https://tools.example.com/.well-known/oauth-protected-resource/mcp\"";

fn signed(sent: &Sent, token: &str) -> Sent {
    sent.clone().set("Authorization", &format!("Bearer {token}"))
}

fn everything() -> [Sent; 7] {
    [
        Sent::call("echo", json!({})),
        Sent::legacy("tools/call", &json!({ "name": "echo" })),
        Sent::modern("tools/list", json!({})),
        Sent::modern("server/discover", json!({})),
        Sent::legacy("initialize", &json!({ "protocolVersion": "2025-11-25", "capabilities": { "elicitation": {} } })),
        Sent::legacy("ping", &json!({})),
        Sent::message(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })),
    ]
}

#[tokio::test]
async fn au_01_each_request_on_a_connection_proves_by_itself_who_makes_it() {
    let server = Server::start(Echo::new().with_principal("a", "ann").with_principal("b", "bob")).await;
    let mut kept = server.keep().await;
    for sent in everything() {
        for (token, proven) in [("a", true), ("", false), ("b", true), ("bad", false), ("a", true)] {
            let sent = if token.is_empty() { sent.clone() } else { signed(&sent, token) };
            let got = kept.send(&sent).await;
            assert_eq!(matches!(got.status, 200 | 202), proven, "{token}: {got:?}");
            assert_eq!(got.status == 401, !proven, "{token}: {got:?}");
        }
    }
    let requests = server.backend.requests.lock().unwrap();
    let subject =
        |subject: &str| PrincipalKey::Subject { issuer: "https://issuer.example".into(), subject: subject.into() };
    let callers: Vec<_> = requests.iter().map(|request| request.principal.key().clone()).collect();
    assert_eq!(callers, [["ann", "bob", "ann"]; 2].concat().into_iter().map(subject).collect::<Vec<_>>());
    assert_eq!(server.backend.sources.lock().unwrap().len(), 35);
}

#[tokio::test]
async fn au_01_a_session_proves_nobody() {
    let server = Server::start(Echo::new().with_principal("a", "ann").with_principal("b", "bob")).await;
    let began = server.send(&signed(&everything()[4], "a")).await;
    let session = began.header("mcp-session-id").unwrap().to_owned();
    for sent in everything() {
        let sent = sent.with("Mcp-Session-Id", &session);
        server.refuses(&sent, 401, 40100, None).await;
        server.refuses(&signed(&sent, &session), 401, 40101, None).await;
    }
    // With another's token it is that other who calls.
    let sent = everything()[1].clone().with("Mcp-Session-Id", &session);
    assert_eq!(server.send(&signed(&sent, "b")).await.status, 200);
    let requests = server.backend.requests.lock().unwrap();
    assert_eq!(requests.last().unwrap().principal.key().to_string(), "subject:22:https://issuer.example:3:bob");
}

#[tokio::test]
async fn who_proves_nothing_is_challenged_before_the_body_is_read() {
    let server = Server::start(Echo::new().with_secret("good")).await;
    let refused = "error=\"invalid_token\", error_description=\"the token is 'not' good\"";
    let sent = Sent::call("echo", json!({})).body("not even JSON");
    let twice = sent.clone().with("Authorization", "Bearer good").with("Authorization", "Bearer good");
    let invalid = format!("Bearer {METADATA}, {refused}");
    for (sent, code, challenge) in [
        (sent.clone(), 40100, &format!("Bearer {METADATA}")),
        (signed(&sent, "bad"), 40101, &invalid),
        (sent.with("Authorization", "Basic Z29vZA=="), 40101, &invalid),
        (twice, 40101, &invalid),
    ] {
        let answer = server.refuses(&sent, 401, code, None).await;
        assert_eq!(answer.get("id"), None);
        let got = server.send(&sent).await;
        assert_eq!(got.header("www-authenticate"), Some(challenge.as_str()));
        assert_eq!(got.header("cache-control"), Some("no-store"));
    }
    assert_eq!(server.send(&signed(&Sent::call("echo", json!({})), "good")).await.status, 200);
}

#[tokio::test]
async fn au_26_who_was_refused_too_often_and_whom_nobody_can_verify_now_are_told_when_to_come_back() {
    let server = Server::start(Echo::new().with_secret("good")).await;
    for sent in everything() {
        for (token, status, code, after) in
            [("one too many", 429, 42900, "7"), ("of an issuer that is silent", 503, 50304, "1")]
        {
            let sent = signed(&sent, token);
            server.refuses(&sent, status, code, None).await;
            let got = server.send(&sent).await;
            assert_eq!((got.header("retry-after"), got.header("www-authenticate")), (Some(after), None));
        }
    }
}

#[tokio::test]
async fn au_42_without_a_public_url_a_challenge_names_no_metadata() {
    let server = Server::with(Echo::new().with_secret("good"), |config| config.public_url = None).await;
    let sent = Sent::call("echo", json!({})).set("Host", "tools.example.com").with("X-Forwarded-Host", "evil.example");
    assert_eq!(server.send(&sent).await.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn au_42_a_proxy_s_word_for_where_a_request_came_from_counts_only_if_it_is_trusted() {
    let trusted = |config: &mut HttpConfig| config.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()];
    let server = Server::with(Echo::new().with_secret("good"), trusted).await;
    let sent = signed(&Sent::call("echo", json!({})), "good").with("X-Forwarded-For", "192.0.2.66, 203.0.113.1");
    let legacy = signed(&Sent::legacy("tools/call", &json!({ "name": "echo" })), "good");
    let mut expected = Vec::new();
    for (peer, sent, source) in [
        ("127.0.0.1", &sent, "127.0.0.1"),
        ("127.0.0.2", &sent, "203.0.113.1"),
        ("127.0.0.2", &sent.clone().with("X-Forwarded-For", "127.0.0.2"), "203.0.113.1"),
        ("127.0.0.2", &sent.clone().set("X-Forwarded-For", "_hidden"), "127.0.0.2"),
        ("127.0.0.2", &legacy.clone().with("Forwarded", "for=203.0.113.1"), "127.0.0.2"),
        ("127.0.0.3", &legacy.with("X-Forwarded-For", "127.0.0.2"), "127.0.0.3"),
    ] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{peer}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(server.address).await.unwrap();
        let got = Kept { stream, address: server.address }.send(sent).await;
        assert_eq!(got.status, 200, "{got:?}");
        expected.push(Some(source.parse::<IpAddr>().unwrap()));
    }
    assert_eq!(*server.backend.sources.lock().unwrap(), expected);
    let requests = server.backend.requests.lock().unwrap();
    assert_eq!(requests.iter().map(|request| request.source).collect::<Vec<_>>(), expected);
}

/// A token that is good, and that nobody may ever read again.
const CANARY: &str = "canary-5c1f0e7a";

/// Everything that is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Fields<'a>(&'a Mutex<String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0.lock().unwrap(), "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Fields(&self.0));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields(&self.0));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&self.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn au_21_a_token_anywhere_but_in_its_header_is_not_taken_and_comes_back_nowhere() {
    let log = Log::default();
    let _logged = tracing::subscriber::set_default(log.clone());
    let server = Server::start(Echo::new().with_secret(CANARY)).await;
    let call = Sent::call("echo", json!({}));
    let mut all = String::new();
    let mut refuses = async |sent: &Sent, status: u16, code: i64, rule: Option<Rule>| {
        server.refuses(sent, status, code, rule).await;
        let got = server.send(sent).await;
        server.backend.rules();
        write!(all, "{} {}", got.head, String::from_utf8_lossy(&got.body)).unwrap();
        got
    };
    let why = "an access token is taken from the header Authorization alone, never from the URL";
    let challenge = format!("Bearer {METADATA}, error=\"invalid_request\", error_description=\"{why}\"");
    for path in [
        "/mcp?access_token=canary-5c1f0e7a",
        "/mcp?a=b&access_token=canary-5c1f0e7a&c",
        "/mcp?Access_Token=canary-5c1f0e7a",
        "/mcp?access_token",
    ] {
        // With a good one in the header as well: nobody can say which of them is meant.
        for sent in [call.clone().path(path), signed(&call, CANARY).path(path)] {
            let got = refuses(&sent, 400, 40000, Some(Rule::QueryToken)).await;
            assert_eq!(got.header("www-authenticate"), Some(challenge.as_str()));
            assert_eq!(got.header("cache-control"), Some("no-store"));
        }
    }
    let form = call.clone().body(format!("access_token={CANARY}"));
    refuses(
        &form.clone().set("Content-Type", "application/x-www-form-urlencoded"),
        415,
        41500,
        Some(Rule::ContentType),
    )
    .await;
    refuses(&form, 401, 40100, None).await;
    refuses(&signed(&form, CANARY), 400, -32700, Some(Rule::Json)).await;
    let member = call.clone().edit(|message| message["params"]["_meta"]["access_token"] = CANARY.into());
    refuses(&member.edit(|message| message["access_token"] = CANARY.into()), 401, 40100, None).await;
    for (name, value) in [
        ("Cookie", format!("access_token={CANARY}")),
        ("X-Access-Token", CANARY.to_owned()),
        ("Proxy-Authorization", format!("Bearer {CANARY}")),
        ("Mcp-Session-Id", CANARY.to_owned()),
    ] {
        refuses(&call.clone().with(name, &value), 401, 40100, None).await;
    }
    refuses(&signed(&call, &format!("not-{CANARY}")), 401, 40101, None).await;
    assert!(server.backend.requests.lock().unwrap().is_empty());
    assert!(!all.contains("canary"), "{all}");
    assert_eq!(server.send(&signed(&call, CANARY).path("/mcp?x=access_token")).await.status, 200);
    let log = log.0.lock().unwrap();
    assert!(log.contains("query-token") && !log.contains("canary"), "{log}");
}
