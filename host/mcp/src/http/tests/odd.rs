//! What hostile clients send to every method: each gets its exact answer, and the server lives.

use std::time::Duration;

use RefusalRule as Rule;

use super::*;

/// Every method of a client, with parameters that are good.
fn methods() -> Vec<(&'static str, Value)> {
    let reference = json!({ "type": "ref/prompt", "name": "greeting" });
    vec![
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": "echo" })),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "docs://a" })),
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "greeting" })),
        ("completion/complete", json!({ "ref": reference, "argument": { "name": "who", "value": "A" } })),
    ]
}

fn both(method: &str, params: &Value) -> [Sent; 2] {
    [Sent::modern(method, params.clone()), Sent::legacy(method, params)]
}

/// The request with `text` in place of the one string that `mark` is.
fn with_text(sent: &Sent, mark: &str, text: &str) -> Sent {
    let body = String::from_utf8(sent.body.clone()).unwrap();
    assert_eq!(body.matches(mark).count(), 1, "{body}");
    sent.clone().body(body.replace(mark, text))
}

#[tokio::test]
async fn mc_09_bombs_and_duplicates_are_refused_wherever_they_stand_in_any_method() {
    let server = Server::start(Echo::new()).await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(65), "}".repeat(65));
    for (method, params) in methods() {
        for sent in both(method, &params) {
            for place in [
                "arguments",
                "cursor",
                "uri",
                "name",
                "ref",
                "argument",
                "context",
                "notifications",
                "odd",
                "inputResponses",
            ] {
                let marked = sent.clone().edit(|message| message["params"][place] = "\u{1}mark".into());
                for bomb in [deep.as_str(), &objects, r#"{"a":1,"a":2}"#, "1e999", "[1,]", r#""\ud800""#, "nul", "01"] {
                    let bad = with_text(&marked, r#""\u0001mark""#, bomb);
                    let answer = server.refuses(&bad, 400, -32700, Rule::Json).await;
                    assert_eq!(answer.get("id"), None);
                }
            }
            let twice = String::from_utf8(sent.body.clone()).unwrap().replacen('{', r#"{"method":"ping","#, 1);
            server.refuses(&sent.clone().body(twice), 400, -32700, Rule::Json).await;
        }
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn mc_09_odd_probes_have_the_same_answers_whatever_the_headers_promise() {
    let server = Server::start(Echo::new()).await;
    for (method, params) in methods() {
        for sent in both(method, &params) {
            for (body, code, rule) in [
                (String::new(), -32700, Rule::Json),
                ("{}".to_owned(), -32600, Rule::Message),
                ("[]".to_owned(), -32600, Rule::Message),
                ("[{}]".to_owned(), -32600, Rule::Message),
                ("null".to_owned(), -32600, Rule::Message),
                ("\u{feff}{}".to_owned(), -32700, Rule::Json),
                (format!("[{}]", String::from_utf8_lossy(&sent.body)), -32600, Rule::Message),
                (format!("{0}{0}", String::from_utf8_lossy(&sent.body)), -32700, Rule::Json),
                (format!("{}\0", String::from_utf8_lossy(&sent.body)), -32700, Rule::Json),
            ] {
                server.refuses(&sent.clone().body(body), 400, code, rule).await;
            }
            for wrong in [json!([]), json!(null), json!("x"), json!(1)] {
                let sent = sent.clone().edit(|message| message["params"] = wrong);
                server.refuses(&sent, 400, -32600, Rule::Message).await;
            }
            for id in [json!(null), json!(1.5), json!([]), json!({}), json!(true)] {
                let sent = sent.clone().edit(|message| message["id"] = id);
                server.refuses(&sent, 400, -32600, Rule::Message).await;
            }
            // Unknown members are nobody's business, here or there.
            let more = sent.edit(|message| {
                message["more"] = json!({ "a": [1] });
                message["params"]["more"] = json!([{}]);
            });
            assert_eq!(server.send(&more).await.status, 200);
        }
    }
}

#[tokio::test]
async fn mc_03_no_header_may_be_there_twice_or_lie_about_any_method() {
    let server = Server::start(Echo::new()).await;
    for (method, params) in methods() {
        let good = Sent::modern(method, params);
        for (name, lie) in [("Mcp-Method", "tools/run"), ("MCP-Protocol-Version", "2025-11-25")] {
            for bad in [
                good.clone().set(name, lie),
                good.clone().with(name, lie),
                good.clone().without(name),
                good.clone().set(name, ""),
            ] {
                server.refuses(&bad, 400, -32020, Rule::HeaderMismatch).await;
            }
            let value = good.headers.iter().find(|(named, _)| named == name).unwrap().1.clone();
            server.refuses(&good.clone().with(name, &value), 400, -32020, Rule::HeaderMismatch).await;
            server
                .refuses(
                    &good.clone().set(name, &value.to_uppercase().replace('-', "_")),
                    400,
                    -32020,
                    Rule::HeaderMismatch,
                )
                .await;
            assert_eq!(server.send(&good.clone().set(name, &format!("  {value}\t"))).await.status, 200, "{method}");
        }
    }
}

#[tokio::test]
async fn mc_40_clients_that_send_slowly_to_any_method_keep_nobody_else_waiting() {
    let server = Server::start(Echo::new()).await;
    let mut slow = Vec::new();
    for (method, params) in methods() {
        for sent in both(method, &params) {
            let bytes = sent.bytes(server.address);
            let (begun, rest) = bytes.split_at(bytes.len() - 3);
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(begun).await.unwrap();
            slow.push((stream, rest.to_vec()));
        }
    }
    let call = Sent::call("echo", json!({}));
    let quick = tokio::time::timeout(Duration::from_secs(5), server.send(&call));
    assert_eq!(quick.await.unwrap().status, 200);
    // And each of them is answered when it has said the rest, byte for byte.
    for (mut stream, rest) in slow {
        for byte in rest {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(Got::read(&answer).status, 200);
    }
}
