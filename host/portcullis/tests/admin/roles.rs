//! Which token does what, and that one for MCP does nothing here.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::house::{ADMIN, Answer, House, MCP};

/// Every action, with the role that it takes, and what somebody who holds it is told of a release that there is not.
const ACTIONS: [(&str, &str, &str); 8] = [
    ("POST", "/v1/releases", "publishers"),
    ("POST", "/v1/releases/none@1.0.0/approve", "approvers"),
    ("POST", "/v1/releases/none@1.0.0/withdraw", "approvers"),
    ("GET", "/v1/audit", "auditors"),
    ("GET", "/v1/denied", "operators"),
    ("POST", "/v1/denied", "operators"),
    ("POST", "/v1/denied/allow", "operators"),
    ("GET", "/v1/failures", "operators"),
];

fn act(house: &House, token: &str, method: &str, path: &str) -> Answer {
    match method {
        "GET" => house.get(token, path),
        _ => house.post(token, path, &json!({})),
    }
}

#[test]
fn au_07_each_role_does_its_own_and_nothing_else() {
    let house = House::new();
    for group in ["publishers", "approvers", "auditors", "operators", "Publishers", "publisher", "staff"] {
        let token = house.of("pat", &[group]);
        for (method, path, role) in ACTIONS {
            let answer = act(&house, &token, method, path);
            if group == role {
                assert!(![401, 403].contains(&answer.status), "{group} {path}: {answer:?}");
                continue;
            }
            assert_eq!((answer.status, answer.code()), (403, "role"), "{group} {path}: {answer:?}");
            let needed = role.strip_suffix('s').unwrap();
            assert!(answer.message().contains(&format!("`admin.roles.{needed}`")), "{answer:?}");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains(needed), "{challenge}");
        }
        let known = ["publishers", "approvers", "auditors", "operators"].contains(&group);
        let releases = house.get(&token, "/v1/releases");
        assert_eq!(releases.status, if known { 200 } else { 403 }, "{group}: {releases:?}");
    }
    let records = house.audit();
    let refused: Vec<_> = records.iter().filter(|row| row["class"] == "role").collect();
    // Above a rate they are counted and not listed.
    assert!(refused.iter().all(|row| row["principal"] == house.name("pat") || row["principal"] == ""), "{refused:#?}");
    assert!(refused.iter().any(|row| row["principal"] == house.name("pat")), "{refused:#?}");
    let refused: i64 = refused.iter().map(|row| row["count"].as_i64().unwrap()).sum();
    // Seven groups, eight actions, eight of them with their role; and three groups without any.
    assert_eq!(refused, 56 - 8 + 3);
}

#[test]
fn au_07_a_token_for_one_plane_is_none_for_the_other() {
    let house = House::new();
    for (audience, code) in [
        (json!(MCP), "audience"),
        (json!([ADMIN, MCP]), "audience-extra"),
        (json!("https://tools.example.com/admin/"), "audience"),
    ] {
        let token = house.token("ann", audience.clone(), &["everything"]);
        let answer = house.get(&token, "/v1/releases");
        assert_eq!((answer.status, answer.code()), (401, code), "{audience}: {answer:?}");
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{answer:?}");
    }
    // The same the other way round: on MCP, with whatever roles.
    for (audience, status) in [(json!(MCP), "200"), (json!(ADMIN), "401"), (json!([ADMIN, MCP]), "401")] {
        let token = house.token("ann", audience.clone(), &["everything"]);
        let answer = mcp(&house, "/mcp", &token);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{audience}: {answer}");
    }
}

#[test]
fn au_07_nothing_of_the_admin_plane_is_on_the_listener_of_mcp_and_nothing_of_mcp_is_here() {
    let house = House::new();
    for audience in [MCP, ADMIN] {
        let token = house.token("ann", json!(audience), &["everything"]);
        for path in ["/v1/releases", "/v1/audit", "/v1/denied", "/admin", "/admin/v1/releases"] {
            let answer = mcp(&house, path, &token);
            assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        }
    }
    let token = house.of("ann", &["everything"]);
    for path in ["/mcp", "/health", "/.well-known/oauth-protected-resource", "/"] {
        let answer = house.post(&token, path, &json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
        assert_eq!((answer.status, answer.code()), (404, "path"), "{path}: {answer:?}");
    }
}

pub(crate) fn mcp(house: &House, path: &str, token: &str) -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let mut stream = TcpStream::connect(&house.mcp).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        house.mcp,
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn au_01_every_request_is_asked_who_it_is_on_one_connection_too() {
    let house = House::new();
    let token = house.of("ann", &["auditors"]);
    let mut stream = TcpStream::connect(&house.admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let with = format!("GET /v1/releases HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n", house.admin);
    let without = format!("GET /v1/releases HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", house.admin);
    stream.write_all((with + &without).as_bytes()).unwrap();
    let mut both = String::new();
    stream.read_to_string(&mut both).unwrap();
    // Bodies end without a line break.
    let statuses: Vec<&str> =
        both.match_indices("HTTP/1.1 ").map(|(at, start)| &both[at + start.len()..][..3]).collect();
    assert_eq!(statuses, ["200", "401"], "{both}");
}

#[test]
fn a_whole_answer_is_what_the_page_says() {
    let house = House::new();
    let token = house.of("ann", &["auditors"]);
    assert_eq!(house.get(&token, "/v1/releases").body, json!({ "releases": [] }));
    let records = house.get(&token, "/v1/audit?limit=1").body["records"].clone();
    let Value::Array(records) = records else { panic!("{records}") };
    assert_eq!(records.len(), 1);
}
