//! That what does not fit is found, and what fits is counted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Verdict, judge::Judge, record::Exchange};

/// One POST of revision `revision`, and its answer.
fn posted(revision: &str, request: &Value, answer: &Value) -> Exchange {
    let mut asked_with = BTreeMap::new();
    asked_with.insert("mcp-protocol-version".to_owned(), revision.to_owned());
    Exchange {
        method: "POST".to_owned(),
        asked_with,
        request: request.to_string().into_bytes(),
        status: Some(200),
        kind: "application/json".to_owned(),
        answer: answer.to_string().into_bytes(),
    }
}

fn streamed(exchange: Exchange, events: &[Value]) -> Exchange {
    let answer: String = events.iter().map(|event| format!("id: x\ndata: {event}\n\n")).collect();
    Exchange { kind: "text/event-stream".to_owned(), answer: answer.into_bytes(), ..exchange }
}

fn judged(exchanges: &[Exchange]) -> Verdict {
    let mut judge = Judge::new();
    judge.exchanges(exchanges);
    judge.verdict()
}

fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

fn result(result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "result": result })
}

fn tasked(status: &str) -> Value {
    json!({ "resultType": "complete", "taskId": "a", "status": status, "createdAt": "2026-11-22T18:00:00Z",
        "lastUpdatedAt": "2026-11-22T18:00:00.5Z", "ttlMs": null })
}

#[test]
fn what_fits_is_counted_by_its_kind() {
    let called = modern("tools/call", json!({ "name": "a" }));
    let text = json!([{ "type": "text", "text": "x" }]);
    let error = json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32601, "message": "no" } });
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1, "progress": 1 } });
    let complete = result(&json!({ "resultType": "complete", "content": text }));
    let mut completed = tasked("completed");
    completed["result"] = json!({ "resultType": "complete", "content": text });
    let legacy = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let verdict = judged(&[
        posted("2026-07-28", &called, &complete),
        streamed(posted("2026-07-28", &called, &complete), &[progress, complete.clone()]),
        posted("2026-07-28", &called, &error),
        posted("2026-07-28", &modern("tasks/get", json!({ "taskId": "a" })), &result(&completed)),
        posted("2025-11-25", &legacy, &result(&json!({}))),
    ]);
    assert_eq!(verdict.faults, Vec::<String>::new());
    let seen: Vec<(&str, usize)> = verdict.seen.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    let wanted = [
        ("2025-11-25 result of ping (EmptyResult)", 1),
        ("2026-07-28 error -32601 to tools/call", 1),
        ("2026-07-28 notifications/progress", 1),
        ("2026-07-28 result of tasks/get (GetTaskResult)", 1),
        ("2026-07-28 result of tools/call (CallToolResult)", 2),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(verdict.messages(), 6);
}

#[test]
fn each_thing_that_does_not_fit_is_found() {
    let list = modern("tools/list", json!({}));
    let called = modern("tools/call", json!({ "name": "a" }));
    let tasks = modern("tasks/get", json!({ "taskId": "a" }));
    let old = |method: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": method });
    let asked = json!({ "jsonrpc": "2.0", "id": 9, "method": "roots/list" });
    let cases = [
        (
            "a cacheable result without `ttlMs`",
            posted("2026-07-28", &list, &result(&json!({ "resultType": "complete", "tools": [] }))),
        ),
        ("no `resultType`", posted("2026-07-28", &called, &result(&json!({ "content": [] })))),
        (
            "questions to what can't ask",
            posted("2026-07-28", &list, &result(&json!({ "resultType": "input_required" }))),
        ),
        (
            "a block of no kind",
            posted("2025-11-25", &old("tools/call"), &result(&json!({ "content": [{ "type": "x" }] }))),
        ),
        ("a ping that says something", posted("2025-11-25", &old("ping"), &result(&json!({ "pong": true })))),
        ("a method of another revision", posted("2025-11-25", &old("server/discover"), &result(&json!({})))),
        (
            "an error without a message",
            posted("2025-11-25", &old("ping"), &json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1 } })),
        ),
        ("another id", posted("2025-11-25", &old("ping"), &json!({ "jsonrpc": "2.0", "id": 2, "result": {} }))),
        ("a request of a modern server", streamed(posted("2026-07-28", &called, &json!({})), &[asked])),
        (
            "a notification that nobody knows",
            streamed(
                posted("2025-11-25", &old("tools/call"), &json!({})),
                &[json!({ "jsonrpc": "2.0", "method": "notifications/x" })],
            ),
        ),
        (
            "an answer that is a text",
            Exchange { answer: b"gone".to_vec(), ..posted("2025-11-25", &old("ping"), &json!({})) },
        ),
        ("a task that has completed and has no result", posted("2026-07-28", &tasks, &result(&tasked("completed")))),
        (
            "a task with a state",
            posted(
                "2026-07-28",
                &tasks,
                &result(&{
                    let mut task = tasked("working");
                    task["requestState"] = json!("x");
                    task
                }),
            ),
        ),
        (
            "capabilities that are missing without a word which",
            posted(
                "2026-07-28",
                &called,
                &json!({
                    "jsonrpc": "2.0", "id": 1, "error": { "code": -32021, "message": "no", "data": { "requiredCapabilities": ["sampling"] } }
                }),
            ),
        ),
    ];
    for (what, exchange) in cases {
        assert!(!judged(&[exchange]).faults.is_empty(), "{what}");
    }
}

#[test]
fn what_is_replayed_on_another_stream_is_known_by_its_session() {
    let session = |mut exchange: Exchange, id: &str| {
        exchange.asked_with.insert("mcp-session-id".to_owned(), id.to_owned());
        exchange
    };
    let post = posted("2025-11-25", &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call" }), &json!({}));
    let post = session(Exchange { answer: Vec::new(), ..post }, "one");
    let get = |id: &str| {
        let replayed = streamed(posted("2025-11-25", &json!({}), &json!({})), &[result(&json!({ "content": [] }))]);
        session(Exchange { method: "GET".to_owned(), request: Vec::new(), ..replayed }, id)
    };
    assert_eq!(judged(&[post.clone(), get("one")]).faults, Vec::<String>::new());
    assert_eq!(judged(&[post, get("another")]).faults.len(), 1);
}

#[test]
fn lines_are_known_by_their_ids_and_their_era() {
    let told = |message: Value| vec![Ok(message)];
    let judged = |stdin: Vec<Result<Value, String>>, stdout: Vec<Result<Value, String>>| {
        let mut judge = Judge::new();
        judge.lines(&stdin, &stdout);
        judge.verdict()
    };
    let discovered =
        result(&json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {},
        "ttlMs": 0, "cacheScope": "private" }));
    assert_eq!(
        judged(told(modern("server/discover", json!({}))), told(discovered.clone())).faults,
        Vec::<String>::new()
    );
    assert_eq!(judged(Vec::new(), told(discovered)).faults.len(), 1);
    assert_eq!(judged(Vec::new(), vec![Err("no JSON".to_owned())]).faults.len(), 1);
}

#[test]
#[should_panic(expected = "no message of the host was recorded")]
fn nothing_recorded_is_a_fault() {
    judged(&[]).assert();
}
