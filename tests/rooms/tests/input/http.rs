//! Bytes on the HTTP listener.

use portcullis_tests::{Connection, Era, message, tool_request};
use serde_json::{Value, json};

use super::{Witness, each, says};

/// A request that is refused: what is wrong, method, path, header lines, body, status, words of the answer.
type Case = (&'static str, &'static str, &'static str, Vec<String>, Vec<u8>, u16, &'static str);

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The headers of a good legacy request, but for `without`, and with `more`.
fn headers(without: &str, more: &[&str]) -> Vec<String> {
    let good = Era::Legacy.headers("ping", None);
    good.into_iter().filter(|line| without.is_empty() || !line.starts_with(without)).chain(lines(more)).collect()
}

fn modern(without: &str, more: &[&str]) -> Vec<String> {
    let good = Era::Modern.headers("tools/call", Some("notes_search"));
    good.into_iter().filter(|line| without.is_empty() || !line.starts_with(without)).chain(lines(more)).collect()
}

fn cases() -> Vec<Case> {
    let ping = message(Era::Legacy, 1, "ping", json!({})).to_string().into_bytes();
    let call = tool_request(Era::Modern, 1, "notes_search", &json!({})).to_string().into_bytes();
    let batch = format!("[{}]", String::from_utf8_lossy(&ping)).into_bytes();
    let other_version = String::from_utf8_lossy(&call).replace("2026-07-28", "2031-01-01").into_bytes();
    let no_meta = message(Era::Legacy, 1, "tools/call", json!({ "name": "notes_search" })).to_string().into_bytes();
    let good = || headers("", &[]);
    vec![
        ("bad JSON", "POST", "/mcp", good(), b"{\"jsonrpc\"".to_vec(), 400, "not JSON"),
        ("no body", "POST", "/mcp", good(), vec![], 400, "not JSON"),
        ("bytes", "POST", "/mcp", good(), vec![0xff; 1000], 400, "not UTF-8"),
        ("a batch", "POST", "/mcp", good(), batch, 400, "batches are not part of MCP"),
        ("no message", "POST", "/mcp", good(), b"{}".to_vec(), 400, "not a JSON-RPC 2.0 message"),
        (
            "a form",
            "POST",
            "/mcp",
            headers("Content-Type", &["Content-Type: application/x-www-form-urlencoded"]),
            ping.clone(),
            415,
            "must be JSON",
        ),
        ("no type", "POST", "/mcp", headers("Content-Type", &[]), ping.clone(), 415, "must be JSON"),
        (
            "compressed",
            "POST",
            "/mcp",
            headers("", &["Content-Encoding: gzip"]),
            ping.clone(),
            415,
            "must not be compressed",
        ),
        (
            "an answer we lack",
            "POST",
            "/mcp",
            headers("Accept", &["Accept: text/html"]),
            ping.clone(),
            406,
            "answers are JSON",
        ),
        ("GET", "GET", "/mcp", good(), vec![], 405, "not served by that HTTP method"),
        ("DELETE", "DELETE", "/mcp", good(), vec![], 405, "not served by that HTTP method"),
        ("OPTIONS", "OPTIONS", "/mcp", good(), vec![], 405, "not served by that HTTP method"),
        ("no method of HTTP", "BREW", "/mcp", good(), ping.clone(), 405, "not served by that HTTP method"),
        ("another path", "POST", "/", good(), ping.clone(), 404, "the MCP endpoint is /mcp"),
        ("a path upwards", "POST", "/mcp/../../etc/passwd", good(), ping.clone(), 404, "the MCP endpoint is /mcp"),
        ("a huge body", "POST", "/mcp", good(), vec![b' '; (4 << 20) + 1], 413, "longer than 4194304 bytes"),
        (
            "a foreign host",
            "POST",
            "/mcp",
            headers("", &["Host: evil.example"]),
            ping.clone(),
            403,
            "not an allowed host",
        ),
        (
            "a foreign origin",
            "POST",
            "/mcp",
            headers("", &["Origin: https://evil.example"]),
            ping.clone(),
            403,
            "not an allowed origin",
        ),
        ("no origin", "POST", "/mcp", headers("", &["Origin: null"]), ping.clone(), 403, "not an allowed origin"),
        (
            "a version of nobody",
            "POST",
            "/mcp",
            headers("MCP-Protocol", &["MCP-Protocol-Version: 1999-01-01"]),
            ping.clone(),
            400,
            "does not speak that protocol version",
        ),
        (
            "a legacy method that differs",
            "POST",
            "/mcp",
            headers("", &["Mcp-Method: tools/list"]),
            ping,
            400,
            "`mcp-method` differs",
        ),
        (
            "a modern call without its version",
            "POST",
            "/mcp",
            modern("MCP-Protocol", &[]),
            call.clone(),
            400,
            "`mcp-protocol-version` is missing",
        ),
        (
            "a modern call without its method",
            "POST",
            "/mcp",
            modern("Mcp-Method", &[]),
            call.clone(),
            400,
            "`mcp-method` is missing",
        ),
        (
            "a modern call without its name",
            "POST",
            "/mcp",
            modern("Mcp-Name", &[]),
            call.clone(),
            400,
            "`mcp-name` is missing",
        ),
        (
            "a modern call with another name",
            "POST",
            "/mcp",
            modern("Mcp-Name", &["Mcp-Name: notes_read"]),
            call.clone(),
            400,
            "`mcp-name` differs",
        ),
        ("a name twice", "POST", "/mcp", modern("", &["Mcp-Name: notes_search"]), call, 400, "occurs more than once"),
        (
            "a modern call of another version",
            "POST",
            "/mcp",
            modern("MCP-Protocol", &["MCP-Protocol-Version: 2031-01-01"]),
            other_version,
            400,
            "does not speak that protocol version",
        ),
        (
            "a modern header and a legacy body",
            "POST",
            "/mcp",
            modern("", &[]),
            no_meta,
            400,
            "`params._meta` is missing",
        ),
    ]
}

#[test]
fn a_bad_request_is_answered_with_its_status_and_words() {
    let mut witness = Witness::new();
    let refused = |(what, method, path, headers, body, status, words): &Case| {
        let mut connection = witness.served.connect();
        // A host may refuse before it has read everything; then the rest can't be sent.
        let _ = connection.request(method, path, headers, body);
        let answer = connection.answer().unwrap_or_else(|error| panic!("{what}: {error}"));
        witness.is_unharmed_by(what);
        assert_eq!(answer.status, *status, "{what}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
        let answer = answer.json();
        let said =
            answer["error"]["message"].as_str().or(answer["error"].as_str()).unwrap_or_else(|| panic!("{answer}"));
        says(said, &[words], what);
    };
    each(cases(), refused, |(what, ..)| (*what).to_owned());
}

/// Bytes that hyper itself refuses, or that are no HTTP at all.
#[test]
fn what_is_no_http_ends_its_own_connection_only() {
    let mut witness = Witness::new();
    let address = witness.served.address;
    let post = |headers: &str| {
        format!("POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{headers}\r\n")
    };
    let cases: [(&str, Vec<u8>, Option<u16>); 12] = [
        ("garbage", vec![0xff; 100], Some(400)),
        ("words", b"hello\r\n\r\n".to_vec(), Some(400)),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), Some(400)),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), None),
        ("no version", b"GET /mcp\r\n\r\n".to_vec(), Some(400)),
        ("a header without a colon", post("nonsense\r\n").into_bytes(), Some(400)),
        ("a folded header", post("X-A: b\r\n c\r\n").into_bytes(), Some(400)),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n").into_bytes(), Some(400)),
        ("a length that is none", post("Content-Length: -1\r\n").into_bytes(), Some(400)),
        ("a length beyond numbers", post("Content-Length: 99999999999999999999999\r\n").into_bytes(), Some(400)),
        ("a chunk that is none", post("Transfer-Encoding: chunked\r\n").into_bytes(), None),
        ("a head without an end", [post("").trim_end().as_bytes(), b"\r\nX: ", &[b'a'; 2 << 20]].concat(), Some(431)),
    ];
    let refused = |(what, bytes, status): &(&str, Vec<u8>, Option<u16>)| {
        let mut connection = witness.served.connect();
        let _ = connection.send(bytes);
        if *what == "a chunk that is none" {
            let _ = connection.send(b"zz\r\n{}\r\n0\r\n\r\n");
        }
        let _ = connection.end();
        match status {
            Some(status) => {
                let answer = connection.answer().unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(answer.status, *status, "{what}");
                let rest = connection.rest().unwrap_or_else(|error| panic!("{what}: not closed: {error}"));
                assert_eq!(String::from_utf8_lossy(&rest), "", "{what}");
            }
            // Refused in whichever way, as long as it is closed.
            None => {
                let said = connection.rest().unwrap_or_else(|error| panic!("{what}: not closed: {error}"));
                assert!(!said.starts_with(b"HTTP/1.1 200"), "{what}: {}", String::from_utf8_lossy(&said));
            }
        }
        witness.is_unharmed_by(what);
    };
    each(cases, refused, |(what, ..)| (*what).to_owned());
}

#[test]
fn who_leaves_in_the_middle_leaves_nothing_behind() {
    let mut witness = Witness::new();
    let body = tool_request(Era::Legacy, 1, "notes_create", &json!({ "title": "half", "body": "" })).to_string();
    let address = witness.served.address;
    let whole = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Everything but the last byte, in all lengths that matter, and gone.
    for length in [1, 10, whole.len() / 3, whole.len() / 2, whole.len() - body.len(), whole.len() - 1] {
        let mut connection = witness.served.connect();
        connection.send(&whole.as_bytes()[..length]).unwrap();
        drop(connection);
    }
    // Ended on one side only: what was sent is no message, and says so where an answer is still possible.
    let mut connection = witness.served.connect();
    connection.send(&whole.as_bytes()[..whole.len() - 1]).unwrap();
    connection.end().unwrap();
    let rest = connection.rest().unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("\"result\""), "{}", String::from_utf8_lossy(&rest));
    // Many that never go on, held open: others are served beside them.
    let held: Vec<Connection> = (0..100)
        .map(|nth| {
            let mut connection = witness.served.connect();
            connection.send(&whole.as_bytes()[..nth % whole.len()]).unwrap();
            connection
        })
        .collect();
    witness.is_unharmed_by("a hundred that do not go on");
    drop(held);
    let kept = witness.served.call("notes_search", json!({}));
    assert_eq!(kept["structuredContent"]["notes"].as_array().unwrap().len(), 1, "nothing ran: {kept}");
}

#[test]
fn a_client_that_does_not_wait_for_its_answer_has_still_written() {
    // The call was whole when the client went away: it may be done or not, but never half.
    let mut witness = Witness::new();
    for nth in 0..20 {
        let title = format!("gone {nth}");
        let body = tool_request(Era::Legacy, 1, "notes_create", &json!({ "title": title, "body": title })).to_string();
        let mut connection = witness.served.connect();
        connection.request("POST", "/mcp", &Era::Legacy.headers("tools/call", None), body.as_bytes()).unwrap();
        drop(connection);
    }
    witness.is_unharmed_by("clients that went away");
    witness.served.stop().is(0, &[]);
    let found: Value =
        serde_json::from_str(&witness.home.must(["call", "notes_search", r#"{"limit":50}"#, "--json"])).unwrap();
    let kept = found["structured"]["notes"].as_array().unwrap().len() - 1;
    let done = witness.home.ended_calls("notes_create").iter().filter(|row| row["class"] == "ok").count() - 1;
    assert_eq!(kept, done, "what is kept and what is on record");
}

#[test]
fn pipelined_requests_are_answered_in_order_up_to_the_first_that_is_no_http() {
    let mut witness = Witness::new();
    let mut connection = witness.served.connect();
    for id in 0..50 {
        let ping = message(Era::Legacy, id, "ping", json!({})).to_string();
        connection.request("POST", "/mcp", &Era::Legacy.headers("ping", None), ping.as_bytes()).unwrap();
    }
    connection.send(b"\x00\x01\x02 garbage\r\n\r\n").unwrap();
    for id in 0..50 {
        assert_eq!(connection.answer().unwrap().json(), json!({ "jsonrpc": "2.0", "id": id, "result": {} }));
    }
    assert_eq!(connection.answer().unwrap().status, 400);
    assert_eq!(connection.rest().unwrap(), b"");
    witness.is_unharmed_by("pipelined garbage");
}

#[test]
fn a_request_smuggled_behind_another_is_not_run() {
    let mut witness = Witness::new();
    let hidden = tool_request(Era::Legacy, 1, "notes_delete", &json!({ "id": witness.note["id"] })).to_string();
    let address = witness.served.address;
    let hidden = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    // Two ways to say where the body ends: one that believes the other sees a second request.
    let lines =
        format!("Content-Type: application/json\r\nContent-Length: {}\r\nTransfer-Encoding: chunked", hidden.len() + 5);
    let mut connection = witness.served.connect();
    let head = format!("POST /mcp HTTP/1.1\r\nHost: {address}\r\n{lines}\r\n\r\n0\r\n\r\n{hidden}");
    let _ = connection.send(head.as_bytes());
    assert_eq!(connection.answer().unwrap().status, 400);
    drop(connection);
    witness.is_unharmed_by("a smuggled request");
}

#[test]
fn a_huge_body_is_refused_before_it_is_sent() {
    let mut witness = Witness::new();
    let mut connection = witness.served.connect();
    let declared = headers("", &["Content-Length: 1000000000000"]);
    connection.request("POST", "/mcp", &declared, b"").unwrap();
    let answer = connection.answer().unwrap();
    assert_eq!(answer.status, 413);
    says(&answer.text(), &["longer than 4194304 bytes"], "declared");
    // Undeclared, in chunks, for as long as it is read.
    let mut connection = witness.served.connect();
    connection.request("POST", "/mcp", &headers("", &["Transfer-Encoding: chunked"]), b"").unwrap();
    let chunk = [b"100000\r\n", &vec![b' '; 1 << 20][..], b"\r\n"].concat();
    let sent = (0..64).take_while(|_| connection.send(&chunk).is_ok()).count();
    assert!(sent < 64, "it read {sent} MiB");
    witness.is_unharmed_by("huge bodies");
}
