//! Refused tokens, many of them: slowed down, counted, told to the operator once, and never shown.

use portcullis_tests::{Era, Home, Setup, SignedIn, plugin};
use serde_json::{Value, json};

use super::{refused, titles};

fn with_failures(failures: &str) -> SignedIn {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    setup.authentication(&format!("failures = {failures}")).serve()
}

/// The alerts in the log, of a kind.
fn alerts(host: &SignedIn) -> Vec<String> {
    host.served.log().lines().filter(|line| line.contains("portcullis::alert")).map(str::to_owned).collect()
}

/// Fails without: the window in which one alert is raised.
#[test]
fn au_26_a_thousand_bad_tokens_raise_one_alert_that_has_nothing_of_them() {
    let host = with_failures("{ per_source = 0, per_client = 0, alert = 100 }");
    let token = host.token("alice", "notes:read");
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0]);
    let (head, signature) = token.rsplit_once('.').expect("a JWT has three parts");
    let mut client = host.served.client(Era::Modern);
    for number in 0..1000_u32 {
        let spoiled = format!("{head}.{number:08}{}", &signature[8..]);
        client = client.with_token(&spoiled);
        refused(&client.send("tools/list", json!({})).expect("it answers"));
    }
    let alerts = alerts(&host);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(alerts[0].contains("authentication-failures"), "{alerts:?}");
    let log = host.served.log();
    let audit = host.home.must(["audit", "--json", "--limit", "10000"]);
    for secret in [&signature[8..], head.rsplit('.').next().expect("two parts are left")] {
        assert!(!log.contains(secret) && !audit.contains(secret), "a part of a token is shown");
    }
    // All of them are counted, whichever way they are written.
    let counted: u64 = audit
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|row| row["kind"] == "refused" && row["class"] == "token-signature")
        .map(|row| row["count"].as_u64().unwrap_or(1))
        .sum();
    assert!(counted <= 1000, "{counted}");
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0]);
}

#[test]
fn au_26_a_source_of_bad_tokens_is_slowed_down_and_whoever_is_known_is_not() {
    let host = with_failures("{ per_source = 10, per_client = 0, alert = 0 }");
    let token = host.token("alice", "notes:read");
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0]);
    for _ in 0..10 {
        refused(&host.call("not.a.token", "notes_search", json!({})));
    }
    let answer = host.call("not.a.token", "notes_search", json!({}));
    assert_eq!(answer.status, 429, "{}", answer.text());
    let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{answer:?}");
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0], "a token that is known goes on");
}

/// Where a request came from is a proxy's word only where the operator trusts the proxy.
#[test]
fn au_42_a_client_is_not_another_source_because_it_says_so() {
    let host = with_failures("{ per_source = 5, per_client = 0, alert = 0 }");
    let sent = |number: u32| {
        let client = host.client("not.a.token").with_header(format!("X-Forwarded-For: 203.0.113.{number}"));
        client
            .with_header(format!("Forwarded: for=203.0.113.{number}"))
            .send("tools/list", json!({}))
            .expect("it answers")
    };
    let statuses: Vec<u16> = (0..7).map(|number| sent(number).status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
}

#[test]
fn au_42_behind_a_trusted_proxy_each_client_is_a_source_of_its_own() {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    let setup = setup.top("trusted_proxies = [\"127.0.0.0/8\"]");
    let host = setup.authentication("failures = { per_source = 2, per_client = 0, alert = 0 }").serve();
    let sent = |address: &str| {
        let mut client = host.client("not.a.token").with_header(format!("X-Forwarded-For: 198.51.100.9, {address}"));
        client.send("tools/list", json!({})).expect("it answers").status
    };
    // What stands left of the proxy's own word is the client's, and is not believed.
    assert_eq!(["203.0.113.1", "203.0.113.1", "203.0.113.1"].map(sent), [401, 401, 429]);
    assert_eq!(["203.0.113.2", "203.0.113.2", "203.0.113.2"].map(sent), [401, 401, 429]);
    // No header ever changes where clients are sent to.
    let mut connection = host.served.connect();
    let headers =
        ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "Forwarded: host=evil.example;proto=https"];
    let path = "/.well-known/oauth-protected-resource";
    connection.request("GET", path, &headers.map(str::to_owned), b"").expect("it listens");
    let answer = connection.answer().expect("it answers");
    assert_eq!(answer.json()["resource"], host.url);
    assert!(!answer.text().contains("evil.example"));
}
