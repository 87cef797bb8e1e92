//! The way from nothing to a call: metadata, registration, authorization, a token for this host; and what the host says to
//! whoever does not have one.

use portcullis_tests::{Era, Home, Resource, Setup, plugin};
use serde_json::{Value, json};

use super::{challenge, notes, parameter, refused, result, titles};

/// The whole way, with what each side says checked at every step.
#[test]
fn au_20_from_a_401_to_the_metadata_to_a_token_to_a_call() {
    let host = notes();
    for era in [Era::Modern, Era::Legacy] {
        let answer = host.served.client(era).send("tools/list", json!({})).expect("it answers");
        assert_eq!(answer.status, 401, "{}", answer.text());
        let found = challenge(&answer);
        assert!(found.iter().all(|(name, _)| name != "error"), "nothing was sent that could be wrong: {found:?}");
        let place = parameter(&found, "resource_metadata").to_owned();
        assert_eq!(place, host.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"));
    }
    let metadata = metadata(&host);
    assert_eq!(metadata["resource"], host.url);
    assert_eq!(metadata["authorization_servers"], json!([host.provider.issuer()]));
    assert_eq!(metadata["scopes_supported"], json!(["notes:read", "notes:write"]));
    assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));

    let tokens = host.tokens("alice", "notes:read notes:write");
    assert_eq!(tokens.claims()["aud"], host.url.as_str());
    let note = result(&host.call(&tokens.access, "notes_create", json!({ "title": "Signed in", "body": "as Alice" })));
    assert_eq!(note["structuredContent"]["title"], "Signed in");
    let mut legacy = host.served.client(Era::Legacy).with_token(&tokens.access);
    assert_eq!(legacy.call("notes_search", json!({}))["structuredContent"]["notes"][0]["title"], "Signed in");

    let rows = host.home.ended_calls("notes_create");
    // A pseudonym of hers, and nothing that says who she is (catalogue AD-02).
    let who = rows[0]["principal"].as_str().expect("a call has a principal");
    assert_eq!(who.len(), 32, "{rows:?}");
    let calls = host.home.ended_calls("notes_search");
    assert_eq!(calls[0]["principal"], who, "the same person by another call");
    assert!(!format!("{rows:?}{calls:?}").contains("alice"));
}

fn metadata(host: &portcullis_tests::SignedIn) -> Value {
    let ways = ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"];
    let [one, other] = ways.map(|path| {
        let mut connection = host.served.connect();
        connection.request("GET", path, &[], b"").expect("it listens");
        let answer = connection.answer().expect("it answers");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        answer.json()
    });
    assert_eq!(one, other);
    one
}

/// Fails without: authentication of each request by itself.
#[test]
fn au_01_each_request_of_a_connection_is_authenticated_by_itself() {
    let host = notes();
    let token = host.token("alice", "notes:read");
    let mut connection = host.served.connect();
    let body = portcullis_tests::message(Era::Modern, 1, "tools/list", json!({})).to_string();
    let mut headers = Era::Modern.headers("tools/list", None);
    headers.push(format!("Authorization: Bearer {token}"));
    connection.request("POST", "/mcp", &headers, body.as_bytes()).expect("it listens");
    assert_eq!(connection.answer().expect("it answers").status, 200);
    headers.pop();
    connection.request("POST", "/mcp", &headers, body.as_bytes()).expect("the connection stays");
    assert_eq!(connection.answer().expect("it answers").status, 401, "the token before it does not count");
}

/// Fails without: the exact comparison of `aud`.
#[test]
fn au_03_a_real_token_for_something_else_is_none_here() {
    let host = notes();
    let elsewhere = host.url.replace("/mcp", "/admin");
    let slash = format!("{}/", host.url);
    for other in [elsewhere.as_str(), slash.as_str()] {
        host.provider.resource(Resource::new(other, &["notes:read"]));
        let tokens = host.provider.sign_in("alice", other, "notes:read");
        assert_eq!(tokens.claims()["aud"], other);
        refused(&host.call(&tokens.access, "notes_search", json!({})));
    }
    let tokens = host.tokens("alice", "notes:read");
    refused(&host.call(tokens.id.as_deref().expect("openid was asked for"), "notes_search", json!({})));
    refused(&host.call(tokens.refresh.as_deref().expect("it can be refreshed"), "notes_search", json!({})));
    assert_eq!(titles(&host.call(&tokens.access, "notes_search", json!({}))), [""; 0]);
}

/// What the provider's own key signs, and is none of our tokens all the same.
#[test]
fn au_02_tokens_that_no_provider_would_sign_are_refused_though_the_signature_is_good() {
    let host = notes();
    let good = |claims: Value| {
        let mut all = json!({ "aud": host.url, "scope": "notes:read" });
        claims.as_object().expect("claims").iter().for_each(|(name, value)| all[name] = value.clone());
        all
    };
    let token = host.provider.sign(json!({}), good(json!({})));
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0], "the others differ from this one");
    for (header, claims) in [
        (json!({ "typ": "JWT" }), json!({})),
        (json!({ "crit": ["exp"] }), json!({})),
        (json!({ "kid": "another" }), json!({})),
        (json!({ "alg": "none" }), json!({})),
        (json!({ "alg": "HS256" }), json!({})),
        (json!({}), json!({ "iss": "http://localhost:1" })),
        (json!({}), json!({ "exp": 1_000_000_000 })),
        (json!({}), json!({ "iat": 4_000_000_000_u64, "exp": 4_000_000_100_u64 })),
        (json!({}), json!({ "exp": 4_000_000_000_u64 })),
        (json!({}), json!({ "sub": null })),
        (json!({}), json!({ "aud": [host.url, "https://other.example"] })),
        (json!({}), json!({ "cnf": { "jkt": "x" } })),
    ] {
        let token = host.provider.sign(header.clone(), good(claims.clone()));
        let answer = host.call(&token, "notes_search", json!({}));
        assert_eq!(answer.status, 401, "{header} {claims}: {}", answer.text());
        refused(&answer);
    }
}

/// Fails without: the check of scopes after the tool is resolved.
#[test]
fn au_05_a_call_beyond_the_scopes_is_told_all_that_it_needs() {
    let host = notes();
    let token = host.token("alice", "notes:read");
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0]);
    let answer = host.call(&token, "notes_create", json!({ "title": "a", "body": "" }));
    assert_eq!(answer.status, 403, "{}", answer.text());
    let found = challenge(&answer);
    assert_eq!(parameter(&found, "error"), "insufficient_scope");
    assert_eq!(parameter(&found, "scope"), "notes:write");
    assert!(parameter(&found, "resource_metadata").starts_with("http://127."));
    assert!(!parameter(&found, "error_description").is_empty());
    assert_eq!(host.home.ended_calls("notes_create"), Vec::<Value>::new());
}

/// Fails without: looking for tokens in the header `Authorization` alone.
#[test]
fn au_21_a_token_in_the_query_is_none_and_is_in_no_log() {
    let host = notes();
    let token = host.token("alice", "notes:read");
    let body = portcullis_tests::message(Era::Modern, 1, "tools/list", json!({})).to_string();
    let mut connection = host.served.connect();
    let path = format!("/mcp?access_token={token}");
    connection.request("POST", &path, &Era::Modern.headers("tools/list", None), body.as_bytes()).expect("it listens");
    let answer = connection.answer().expect("it answers");
    assert!([400, 401].contains(&answer.status), "{answer:?}");
    assert!(!answer.text().contains(&token));
    let printed = host.home.must(["audit", "--json", "--limit", "1000"]);
    let signature = token.rsplit('.').next().expect("a JWT has three parts");
    assert!(!printed.contains(signature) && !host.served.log().contains(signature));
}

/// A provider that signs with another family of keys.
#[test]
fn au_02_tokens_of_each_algorithm_of_the_provider_are_good() {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    let url = setup.url();
    let host = setup.serve();
    for algorithm in ["RS256", "ES256"] {
        host.provider.resource(Resource { algorithm, ..Resource::new(&url, &["notes:read"]) });
        let token = host.token("alice", "notes:read");
        assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0], "{algorithm}");
    }
}

#[test]
fn a_refreshed_token_goes_on_with_what_the_first_one_began() {
    let host = notes();
    let first = host.tokens("alice", "notes:read notes:write");
    result(&host.call(&first.access, "notes_create", json!({ "title": "Mine", "body": "" })));
    let second = host.provider.refresh(&first, &host.url).expect("it can be refreshed");
    assert_ne!(second.access, first.access);
    assert_eq!(titles(&host.call(&second.access, "notes_search", json!({}))), ["Mine"]);
    let again = host.provider.refresh(&first, &host.url);
    assert!(again.is_err_and(|said| said.contains("invalid_grant")), "a refresh token is used once");
}

/// Fails without: a record of each refused token.
#[test]
fn each_refused_token_is_on_record_and_nothing_of_it() {
    let host = notes();
    let token = host.token("alice", "notes:read");
    let spoiled = format!("{}AAAAAAAA", &token[..token.len() - 8]);
    for token in [spoiled.as_str(), "not.a.token", "opaque"] {
        refused(&host.call(token, "notes_search", json!({})));
    }
    let answer = host.served.client(Era::Modern).send("tools/list", json!({})).expect("it answers");
    assert_eq!(answer.status, 401);
    let printed = host.home.must(["audit", "--json", "--limit", "1000"]);
    let rows: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let rules: Vec<&str> =
        rows.iter().filter(|row| row["kind"] == "refused").filter_map(|row| row["class"].as_str()).collect();
    for rule in ["token-missing", "token-form", "signature"] {
        assert!(rules.contains(&rule), "no {rule} in {rules:?}");
    }
    let body = token.split('.').nth(1).expect("a JWT has three parts");
    assert!(!printed.contains(body) && !host.served.log().contains(body));
}
