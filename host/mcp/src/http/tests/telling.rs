//! What a call says while it runs, in both eras.

use super::{
    asking::{Client, Events, REVISIONS},
    *,
};
use crate::testing::{assert_valid, within_a_second};

/// A modern call that wants to be told.
fn telling(say: Value, token: Value, level: Option<&str>) -> Sent {
    Sent::call("telling", json!({ "say": say })).edit(|message| {
        let meta = &mut message["params"]["_meta"];
        if !token.is_null() {
            meta["progressToken"] = token;
        }
        if let Some(level) = level {
            meta["io.modelcontextprotocol/logLevel"] = level.into();
        }
    })
}

fn legacy_telling(say: Value, token: Value) -> Sent {
    let mut params = json!({ "name": "telling", "arguments": { "say": say } });
    if !token.is_null() {
        params["_meta"] = json!({ "progressToken": token });
    }
    Sent::legacy("tools/call", &params)
}

fn progress(token: Value, done: u64) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/progress",
        "params": { "progressToken": token, "progress": done, "total": 100 } })
}

fn line(level: &str, text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/message",
        "params": { "level": level, "logger": "telling", "data": text } })
}

#[tokio::test]
async fn a_modern_call_tells_what_its_client_asked_for_and_its_response_is_the_last_event() {
    let server = Server::start(Echo::new()).await;
    let say = json!([0, "began", null, 50, ["debug", "quiet"], 50, ["error", "loud"], 100]);
    let mut events = Events::open(&server, &telling(say, json!("t1"), Some("info"))).await;
    // Told while the call still waits.
    for expected in [progress(json!("t1"), 0), line("info", "began")] {
        assert_eq!(events.next().await, Some(expected));
    }
    server.backend.gate.add_permits(1);
    for expected in [progress(json!("t1"), 50), line("error", "loud"), progress(json!("t1"), 100)] {
        let definition =
            if expected["params"]["level"].is_null() { "ProgressNotification" } else { "LoggingMessageNotification" };
        assert_valid("2026-07-28", definition, &expected);
        assert_eq!(events.next().await, Some(expected));
    }
    let response = events.next().await.unwrap();
    assert_valid("2026-07-28", "CallToolResultResponse", &response);
    assert_eq!(response["result"]["resultType"], "complete");
    assert_eq!(events.next().await, None);
    assert!(!events.seen.contains("\nid:") && !events.seen.contains("retry:"), "{}", events.seen);
    assert_eq!(server.backend.rules(), []);
}

#[tokio::test]
async fn what_a_call_has_said_before_it_ended_at_once_is_told_too() {
    let server = Server::start(Echo::new()).await;
    let mut events = Events::open(&server, &telling(json!([1, 2]), json!(-7), None)).await;
    for done in [1, 2] {
        assert_eq!(events.next().await, Some(progress(json!(-7), done)));
    }
    assert_eq!(events.next().await.unwrap()["id"], 1);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_call_that_has_nothing_to_tell_is_plain_json_whatever_its_client_wants() {
    let server = Server::start(Echo::new()).await;
    for sent in [
        telling(json!([]), json!("t"), Some("debug")),
        telling(json!(["info", 5]), Value::Null, None),
        telling(json!(["info", 5]), json!("t"), Some("debug")).set("Accept", "application/json"),
        telling(json!([["notice", "quiet"]]), Value::Null, Some("warning")),
        legacy_telling(json!([["debug", "quiet"], 5]), Value::Null),
        legacy_telling(json!(["info", 5]), json!("t")).set("Accept", "application/json"),
    ] {
        let got = server.send(&sent).await;
        assert_eq!((got.status, &got.json()["result"]["content"][0]["text"]), (200, &json!("told")));
    }
    for (nth, request) in server.backend.requests.lock().unwrap().iter().enumerate() {
        assert_eq!(request.notices.is_some(), [0, 3, 4].contains(&nth), "{nth}");
    }
}

#[tokio::test]
async fn a_modern_client_that_leaves_cancels_its_call() {
    let server = Server::start(Echo::new()).await;
    let mut events = Events::open(&server, &telling(json!([1, null]), json!("t"), None)).await;
    events.next().await.unwrap();
    assert_eq!(server.backend.dropped(), 0);
    drop(events);
    assert!(within_a_second(|| server.backend.dropped() == 1).await);
}

#[tokio::test]
async fn a_refusal_after_the_stream_has_begun_is_its_last_event() {
    let server = Server::start(Echo::new()).await;
    for (then, code) in [("unknown", Some(-32602)), ("scope", None)] {
        let sent =
            telling(json!([1]), json!("t"), None).edit(|message| message["params"]["arguments"]["then"] = then.into());
        let mut events = Events::open(&server, &sent).await;
        events.next().await.unwrap();
        let last = events.next().await.unwrap();
        assert_eq!(last["error"]["code"].as_i64(), code, "{last}");
        // No status can challenge any more: the result does.
        assert_eq!(last["result"]["_meta"]["mcp/www_authenticate"].is_array(), code.is_none(), "{last}");
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test]
async fn a_legacy_client_is_told_lines_from_info_on_and_progress_if_it_gave_a_token() {
    for revision in REVISIONS {
        let server = Server::start(Echo::new()).await;
        let say = json!([10, ["debug", "quiet"], "said", ["alert", "loud"]]);
        let mut events = Events::open(&server, &legacy_telling(say.clone(), Value::Null)).await;
        for expected in [line("info", "said"), line("alert", "loud")] {
            assert_valid(revision, "LoggingMessageNotification", &expected);
            assert_eq!(events.next().await, Some(expected));
        }
        assert!(!events.seen.contains("id:"), "nothing can be resumed without a session: {}", events.seen);
        events.response(revision).await;
        let mut events = Events::open(&server, &legacy_telling(say, json!(4))).await;
        assert_valid(revision, "ProgressNotification", &progress(json!(4), 10));
        assert_eq!(events.next().await, Some(progress(json!(4), 10)));
    }
}

#[tokio::test]
async fn logging_set_level_counts_for_the_session_that_sent_it() {
    let server = Server::start(Echo::new()).await;
    let quiet = Client::begin(&server, "2025-11-25", None).await;
    let other = Client::begin(&server, "2025-11-25", None).await;
    let set = |level: Value| Sent::legacy("logging/setLevel", &json!({ "level": level }));
    assert_eq!(server.result(&quiet.sign(set(json!("error")))).await, json!({}));
    // Without a session there is nothing to keep it by.
    assert_eq!(server.result(&set(json!("emergency"))).await, json!({}));
    let said = |client: &Client| client.call("telling", json!({ "say": ["info", ["error", "loud"]] }));
    for (client, expected) in [(&quiet, vec!["loud"]), (&other, vec!["info", "loud"])] {
        let mut events = Events::open(&server, &said(client)).await;
        for text in expected {
            assert_eq!(events.next().await.unwrap()["params"]["data"], text);
        }
        events.response("2025-11-25").await;
    }
    let mut events = Events::open(&server, &legacy_telling(json!(["info"]), Value::Null)).await;
    assert_eq!(events.next().await, Some(line("info", "info")));
    for wrong in [json!("Error"), json!("warn"), json!(3), Value::Null] {
        server.refuses(&quiet.sign(set(wrong)), 200, -32602, RefusalRule::Params).await;
    }
    server
        .refuses(&Sent::modern("logging/setLevel", json!({ "level": "info" })), 404, -32601, RefusalRule::UnknownMethod)
        .await;
}
