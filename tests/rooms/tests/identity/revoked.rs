//! Tokens that are good by themselves and must not be taken any more.

use std::time::{Duration, Instant};

use portcullis_tests::{Home, Resource, Setup, SignedIn, plugin};
use serde_json::json;

use super::{notes, refused, titles};

/// How soon an entry of the deny list holds everywhere (catalogue AU-25).
const IN_FORCE: Duration = Duration::from_secs(5);

fn is_refused(host: &SignedIn, token: &str) -> bool {
    host.call(token, "notes_search", json!({})).status == 401
}

/// Asks until the token is refused, which it has to be in time.
fn soon_refused(host: &SignedIn, token: &str) {
    let begun = Instant::now();
    while !is_refused(host, token) {
        assert!(begun.elapsed() < IN_FORCE, "it is still taken");
    }
    refused(&host.call(token, "notes_search", json!({})));
}

#[test]
fn au_25_a_token_that_is_denied_is_refused_and_others_go_on() {
    let host = notes();
    let [one, other] = [host.tokens("alice", "notes:read"), host.tokens("alice", "notes:read")];
    for tokens in [&one, &other] {
        assert_eq!(titles(&host.call(&tokens.access, "notes_search", json!({}))), [""; 0]);
    }
    let id = one.claims()["jti"].as_str().expect("it has a name").to_owned();
    host.home.must(["deny", "--token", &id]);
    soon_refused(&host, &one.access);
    assert!(!is_refused(&host, &other.access), "the same person with another token");
    assert!(host.home.must(["denied"]).contains(&id));
    // It outlives the process.
    let host = host.restarted();
    assert!(is_refused(&host, &one.access));
    host.home.must(["allow", "--token", &id]);
    let begun = Instant::now();
    while is_refused(&host, &one.access) {
        assert!(begun.elapsed() < IN_FORCE, "it is still refused");
    }
}

#[test]
fn au_25_a_person_a_client_and_a_time_can_be_denied() {
    let host = notes();
    let people = ["alice", "bob", "carol"].map(|user| host.tokens(user, "notes:read"));
    let [alice, bob, carol] = &people;
    assert!(people.iter().all(|tokens| !is_refused(&host, &tokens.access)));
    host.home.must(["deny", "--subject", "alice"]);
    soon_refused(&host, &alice.access);
    // Another client of hers is no way round it.
    let again = host.tokens("alice", "notes:read");
    assert!(is_refused(&host, &again.access));
    host.home.must(["deny", "--client", &bob.client]);
    soon_refused(&host, &bob.access);
    let refreshed = host.provider.refresh(bob, &host.url).expect("the provider knows nothing of it");
    assert!(is_refused(&host, &refreshed.access), "it is of the same client");
    assert!(!is_refused(&host, &carol.access));
}

/// Fails without a second look at who calls after a body that took its time. What is waited for is that time itself.
#[test]
fn au_25_a_body_that_comes_slowly_carries_nobody_past_a_denial() {
    let host = notes();
    let token = host.token("alice", "notes:read notes:write");
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "notes_create", "arguments": { "title": "Late", "body": "and still there" } } });
    let body = call.to_string().into_bytes();
    let (begin, end) = body.split_at(body.len() / 2);
    for denied in [false, true] {
        let mut connection = host.served.connect();
        let headers = [
            format!("Authorization: Bearer {token}"),
            "Content-Type: application/json".to_owned(),
            "Accept: application/json, text/event-stream".to_owned(),
            "MCP-Protocol-Version: 2025-11-25".to_owned(),
            format!("Content-Length: {}", body.len()),
        ];
        connection.request("POST", "/mcp", &headers, begin).expect("it listens");
        if denied {
            host.home.must(["deny", "--subject", "alice"]);
        }
        std::thread::sleep(Duration::from_millis(1500));
        connection.send(end).expect("it listens");
        assert_eq!(connection.answer().expect("it answers").status, if denied { 401 } else { 200 });
    }
    assert_eq!(host.home.ended_calls("notes_create").len(), 1);
}

/// The provider takes back what it only remembers; the host asks it.
#[test]
fn au_24_a_revoked_opaque_token_is_refused() {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    let url = setup.url();
    setup.provider().resource(Resource { opaque: true, ..Resource::new(&url, &["notes:read", "notes:write"]) });
    let asking = setup.provider().introspection();
    let host = setup.section(&asking).serve();
    let tokens = host.tokens("alice", "notes:read");
    assert!(!tokens.access.contains('.'), "it is opaque");
    for _ in 0..3 {
        assert_eq!(titles(&host.call(&tokens.access, "notes_search", json!({}))), [""; 0]);
    }
    assert_eq!(host.provider.count("/token/introspection"), 1, "it is asked about once, and remembered for a while");
    refused(&host.call("never-was-one", "notes_search", json!({})));
    let answer = host.call(&tokens.access, "notes_create", json!({ "title": "a", "body": "" }));
    assert_eq!(answer.status, 403, "{}", answer.text());

    host.provider.revoke(&tokens.client, &tokens.access);
    // A host that has not asked yet refuses it at once, and one that has, when somebody says so.
    host.home.must(["deny", "--client", &tokens.client]);
    soon_refused(&host, &tokens.access);
    host.home.must(["allow", "--client", &tokens.client]);
    let host = host.restarted();
    refused(&host.call(&tokens.access, "notes_search", json!({})));
}

/// Nothing is known of an opaque token while nobody can be asked.
#[test]
fn au_24_an_opaque_token_is_not_taken_while_the_provider_is_down() {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    let url = setup.url();
    setup.provider().resource(Resource { opaque: true, ..Resource::new(&url, &["notes:read"]) });
    let asking = setup.provider().introspection();
    let host = setup.section(&asking).serve();
    let token = host.token("alice", "notes:read");
    host.provider.down();
    let answer = host.call(&token, "notes_search", json!({}));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    host.provider.up();
    let begun = Instant::now();
    while host.call(&token, "notes_search", json!({})).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the provider is back and is not asked");
    }
}
