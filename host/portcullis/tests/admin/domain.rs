//! What shows an app directory whose domain this is.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::house::{CHALLENGE, House};

const PATH: &str = "/.well-known/openai-apps-challenge";

/// The whole answer.
fn asked(address: &str, method: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Fails if anything but the token is in the body, if it takes a sign-in, or if it is anywhere else.
#[test]
fn the_domain_of_the_server_is_proven_by_the_token_alone_also_where_callers_sign_in() {
    let house = House::new();
    let answer = asked(&house.mcp, "GET", PATH, &house.mcp);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && body == CHALLENGE, "{answer:?}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: text/plain\r\n") && head.contains("cache-control: no-store"), "{head}");
    // Clients were given this host; the others get nothing, here as everywhere.
    assert!(asked(&house.mcp, "GET", PATH, "tools.example.com").ends_with(CHALLENGE));
    assert!(asked(&house.mcp, "GET", PATH, "evil.example").starts_with("HTTP/1.1 403"));
    let posted = asked(&house.mcp, "POST", PATH, &house.mcp);
    assert!(posted.starts_with("HTTP/1.1 405") && posted.to_ascii_lowercase().contains("allow: get,head"), "{posted}");
    assert!(asked(&house.mcp, "GET", &format!("{PATH}/"), &house.mcp).starts_with("HTTP/1.1 404"));
    assert!(!asked(&house.admin, "GET", PATH, &house.admin).contains(CHALLENGE));
}
