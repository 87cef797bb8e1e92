//! What is refused before anybody is asked for anything, and that it is in the audit.

use serde_json::json;

use crate::{
    house::{Answer, House, MCP},
    roles::mcp,
};

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    // On refusals as on everything (catalogue AU-41).
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    assert!(!answer.head.contains("access-control-") && !answer.head.contains("set-cookie"), "{answer:?}");
    assert!(answer.message().len() > 10, "{answer:?}");
}

#[test]
fn mc_01_au_41_foreign_hosts_and_pages_are_refused_on_every_path_and_before_a_token_is_looked_at() {
    let house = House::new();
    let token = format!("Bearer {}", house.of("ann", &["everything"]));
    let own = house.admin.clone();
    for path in ["/v1/releases", "/v1/audit", "/", "/nothing"] {
        for host in ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", ""] {
            is(&house.send("GET", path, &[("host", host), ("authorization", &token)], None), 403, "host");
        }
        is(&house.send("GET", path, &[("host", &own), ("host", &own), ("authorization", &token)], None), 403, "host");
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1", ""] {
            is(&house.send("GET", path, &[("origin", origin), ("authorization", &token)], None), 403, "origin");
        }
    }
    // What a browser asks before a page may send: nothing allows it.
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    is(&house.send("OPTIONS", "/v1/releases", &preflight, None), 403, "origin");
    // One's own page may ask; cookies prove nobody.
    let page = format!("http://{own}");
    let answer = house.send("GET", "/v1/releases", &[("origin", &page), ("authorization", &token)], None);
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = [("cookie", "session=1"), ("origin", page.as_str())];
    is(&house.send("GET", "/v1/releases", &cookie, None), 401, "token-missing");
}

#[test]
fn every_refusal_teaches_and_is_in_the_audit() {
    let house = House::new();
    let good = house.of("ann", &["everything"]);
    let bearer = format!("Bearer {good}");
    let missing = house.send("GET", "/v1/releases", &[], None);
    is(&missing, 401, "token-missing");
    assert_eq!(missing.header("www-authenticate"), Some("bearer realm=\"portcullis admin\""));
    for (authorization, code) in [("Basic YTpi", "scheme"), ("Bearer x.y.z", "token-form"), ("Bearer", "scheme")] {
        let answer = house.send("GET", "/v1/releases", &[("authorization", authorization)], None);
        assert_eq!(answer.status, 401, "{code}: {answer:?}");
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"), "{answer:?}");
    }
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    is(&house.send("GET", "/v1/releases", &twice, None), 401, "authorization");
    is(&house.get(&good, "/v2/releases"), 404, "path");
    let deleted = house.send("DELETE", "/v1/releases", &[("authorization", &bearer)], None);
    is(&deleted, 405, "http-method");
    assert_eq!(deleted.header("allow"), Some("get, post"));
    is(&house.get(&good, &format!("/v1/audit?access_token={good}")), 400, "params");
    is(&house.get(&good, "/v1/audit?limit=0"), 400, "params");
    is(&house.post(&good, "/v1/releases/a%2Fb/approve", &json!({})), 400, "params");
    is(&house.post(&good, "/v1/releases", &json!({ "manifest": "" })), 400, "json");
    is(&house.post(&good, "/v1/denied", &json!({ "kind": "everybody", "value": "x" })), 400, "json");
    let double = r#"{"kind":"subject","kind":"client","value":"x"}"#;
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    is(&house.send("POST", "/v1/denied", &headers, Some(double)), 400, "json");
    let form = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    is(&house.send("POST", "/v1/denied", &form, Some("{}")), 415, "content-type");
    let long = format!("{{\"kind\":\"subject\",\"value\":\"{}\"}}", "x".repeat(70_000));
    is(&house.send("POST", "/v1/denied", &headers, Some(&long)), 413, "body-size");
    let base64 = json!({ "manifest": "", "component": "*" });
    is(&house.post(&good, "/v1/releases", &base64), 409, "refused");
    is(&house.post(&good, "/v1/releases/none@1.0.0/approve", &json!({})), 409, "refused");
    is(&house.send("GET", "/v1/audit", &[("host", "evil.example")], None), 403, "host");
    is(&house.send("GET", "/v1/audit", &[("origin", "null")], None), 403, "origin");
    is(&house.get(&house.of("bob", &[]), "/v1/audit"), 403, "role");

    let records = house.audit();
    for rule in [
        "token-missing",
        "scheme",
        "token-form",
        "authorization",
        "path",
        "http-method",
        "params",
        "json",
        "content-type",
        "body-size",
        "host",
        "origin",
        "role",
        "admin-refused",
    ] {
        assert!(records.iter().any(|row| row["class"] == rule), "no {rule}: {records:#?}");
    }
    let all = serde_json::to_string(&records).unwrap();
    assert!(!all.contains(&good) && !all.contains("evil.example") && !all.contains("YTpi"), "{all}");
}

/// Fails if what a plane refuses is not counted there, or is counted on the other.
#[test]
fn au_26_refused_tokens_are_counted_for_each_plane_and_an_operator_sees_how_many() {
    let house = House::new();
    let otto = house.of("otto", &["operators"]);
    let zero = house.get(&otto, "/v1/failures");
    let plane = |name: &str, refused: u64| json!({ "plane": name, "refused": refused, "client_over": 0, "unseen": 0, "alerts": 0, "webhooks": 0, "webhooks_lost": 0 });
    assert_eq!(
        (zero.status, &zero.body),
        (200, &json!({ "planes": [plane("mcp", 0), plane("admin", 0)] })),
        "{zero:?}"
    );
    let of_mcp = house.token("otto", json!(MCP), &["operators"]);
    for _ in 0..3 {
        is(&house.get(&of_mcp, "/v1/failures"), 401, "audience");
    }
    // Nobody's token was refused.
    is(&house.send("GET", "/v1/failures", &[], None), 401, "token-missing");
    assert!(mcp(&house, "/mcp", &otto).starts_with("HTTP/1.1 401"));
    let counted = json!([plane("mcp", 1), plane("admin", 3)]);
    assert_eq!(house.get(&otto, "/v1/failures").body["planes"], counted);
    let command = house.command(("", ""), &["failures", "--json"]);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&command.stdout).unwrap(), counted, "{command:?}");
    let command = house.command(("", ""), &["failures"]);
    assert!(String::from_utf8(command.stdout).unwrap().contains("admin  3 refused"));
}
