//! The extension for tasks.

use RefusalRule as Rule;
use portcullis_backend::{Answer, Asking, Question, QuestionKind, Reply, TaskId, TaskState, ToolAnswer};

use super::{asking::Events, *};
use crate::testing::{assert_valid, task};

const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const EXTENSION: &str = "io.modelcontextprotocol/tasks";
const METHODS: [&str; 3] = ["tasks/get", "tasks/update", "tasks/cancel"];

/// A request of a client that takes tasks.
fn declares(sent: Sent) -> Sent {
    sent.edit(|message| message["params"]["_meta"][CAPABILITIES]["extensions"] = json!({ EXTENSION: {} }))
}

/// A good request about a task.
fn about(method: &str, id: &str) -> Sent {
    let sent = Sent::modern(method, json!({ "taskId": id, "inputResponses": {} }));
    declares(sent.with("Mcp-Name", id))
}

fn id(nth: u8) -> String {
    TaskId([nth; 16]).to_string()
}

fn completed(meta: Option<Value>) -> TaskState {
    let answer = ToolAnswer { structured: Some(json!({ "n": 1 })), meta, ..ToolAnswer::error("it\nfailed") };
    TaskState::Completed(Answer::Tool(answer))
}

fn asking() -> TaskState {
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    let form = QuestionKind::Form { message: "Who?".to_owned(), schema };
    let question = |key: &str, kind| Question { key: key.to_owned(), kind };
    TaskState::Asking(vec![question("1.name", form), question("1.roots", QuestionKind::Roots)])
}

#[tokio::test]
async fn a_call_becomes_a_task_for_a_client_that_says_with_this_request_that_it_takes_them() {
    let server = Server::start(Echo::new()).await;
    let result = server.result(&declares(Sent::call("tasking", json!({})))).await;
    assert_valid("tasks", "CreateTaskResult", &result);
    let expected = json!({ "resultType": "task", "taskId": id(1), "status": "working",
        "createdAt": "2026-11-22T23:59:59.000Z", "lastUpdatedAt": "2026-11-22T23:59:59.250Z", "ttlMs": 3_600_001,
        "pollIntervalMs": 1000, "_meta": result["_meta"] });
    assert_eq!(result, expected);
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portcullis");
    // Said in any other way, or before, it is not said.
    let call = Sent::call("tasking", json!({}));
    for capabilities in [
        json!({}),
        json!({ "tasks": {} }),
        json!({ EXTENSION: {} }),
        json!({ "extensions": {} }),
        json!({ "extensions": [EXTENSION] }),
        json!({ "extensions": { EXTENSION: true } }),
        json!({ "extensions": { EXTENSION: null } }),
        json!({ "extensions": { "io.modelcontextprotocol/ui": {} } }),
    ] {
        let sent = call.clone().edit(|message| message["params"]["_meta"][CAPABILITIES] = capabilities);
        let refused = server.refuses(&sent, 400, -32021, None).await;
        let needed = json!({ "extensions": { EXTENSION: {} } });
        assert_eq!(refused["error"]["data"]["requiredCapabilities"], needed);
        assert_valid("2026-07-28", "JSONRPCErrorResponse", &refused);
    }
    // A legacy client reads it as what the tool says.
    let sent = Sent::legacy("tools/call", &json!({ "name": "tasking", "arguments": {} }));
    let sent = sent.edit(|message| message["params"]["_meta"] = json!({ "progressToken": 1 }));
    let result = server.result(&sent).await;
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().unwrap().contains(EXTENSION), "{result}");
    assert!(server.backend.requests.lock().unwrap().iter().skip(1).all(|request| !request.tasks));
}

#[tokio::test]
async fn the_extension_is_offered_to_modern_clients_alone() {
    let server = Server::start(Echo::new()).await;
    let result = server.result(&Sent::modern("server/discover", json!({}))).await;
    assert_valid("2026-07-28", "DiscoverResult", &result);
    assert_eq!(result["capabilities"]["extensions"], json!({ EXTENSION: {} }));
    assert_eq!(result["capabilities"]["tasks"], Value::Null);
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" } });
    let result = server.result(&Sent::legacy("initialize", &hello)).await;
    assert_eq!(result["capabilities"].get("extensions"), None);
    for method in METHODS {
        let legacy = Sent::legacy(method, &json!({ "taskId": id(1), "inputResponses": {} }));
        server.refuses(&legacy, 200, -32601, Rule::UnknownMethod).await;
    }
    for method in ["tasks/list", "tasks/result"] {
        let sent = declares(Sent::modern(method, json!({ "taskId": id(1) })));
        server.refuses(&sent, 404, -32601, Rule::UnknownMethod).await;
    }
}

/// Fails without what `methods/tasks.rs` writes for each state; a result that names a server fails without its filter.
#[tokio::test]
async fn mc_16_a_task_is_shown_whole_in_every_state_and_no_plugin_passes_for_the_server_in_it() {
    let server = Server::start(Echo::new()).await;
    let forged = json!({ "io.modelcontextprotocol/serverInfo": { "name": "evil" }, "own": 1 });
    for (state, status, member) in [
        (TaskState::Working, "working", None),
        (
            asking(),
            "input_required",
            Some((
                "inputRequests",
                json!({
                    "1.name": { "method": "elicitation/create", "params": { "message": "Who?",
                        "requestedSchema": { "type": "object", "properties": { "name": { "type": "string" } } } } },
                    "1.roots": { "method": "roots/list", "params": {} },
                }),
            )),
        ),
        (
            completed(Some(forged)),
            "completed",
            Some((
                "result",
                json!({ "resultType": "complete", "content": [{ "type": "text", "text": "it\nfailed" }],
                "structuredContent": { "n": 1 }, "isError": true, "_meta": { "own": 1 } }),
            )),
        ),
        (
            TaskState::Failed("no \"end\"".to_owned()),
            "failed",
            Some(("error", json!({ "code": -32603, "message": "no \"end\"" }))),
        ),
        (TaskState::Cancelled, "cancelled", None),
    ] {
        let message = matches!(state, TaskState::Failed(_)).then_some("it \"trapped\"\n");
        server.backend.put_task(None, task(3, state));
        let result = server.result(&about("tasks/get", &id(3))).await;
        assert_valid("tasks", "GetTaskResult", &result);
        assert_eq!((&result["resultType"], &result["status"]), (&json!("complete"), &json!(status)));
        assert_eq!(result.get("statusMessage").and_then(Value::as_str), message);
        for name in ["inputRequests", "result", "error"] {
            let expected = member.as_ref().filter(|(member, _)| *member == name).map(|(_, value)| value);
            assert_eq!(result.get(name), expected, "{result}");
        }
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portcullis");
    }
}

#[tokio::test]
async fn replies_and_an_end_are_taken_and_acknowledged_with_nothing() {
    let server = Server::start(Echo::new()).await;
    server.backend.put_task(None, task(2, asking()));
    let acknowledged = |result: &Value| {
        assert_valid("tasks", "TaskAcknowledgement", result);
        assert_eq!(result.as_object().unwrap().keys().collect::<Vec<_>>(), ["resultType", "_meta"]);
    };
    let responses = json!({ "1.name": { "action": "accept", "content": { "name": "Ann" } }, "1.roots": { "roots": [] },
        "odd": { "ignored": true } });
    let sent = about("tasks/update", &id(2)).edit(|message| {
        message["params"]["inputResponses"] = responses;
        message["params"]["_meta"][CAPABILITIES]["elicitation"] = json!({});
    });
    acknowledged(&server.result(&sent).await);
    let update = server.backend.tasks.updates.lock().unwrap().pop().unwrap();
    assert_eq!((update.id, update.asking), (TaskId([2; 16]), Asking::FORM));
    let name = Reply::Accepted(json!({ "name": "Ann" }).as_object().unwrap().clone());
    let roots = Reply::Accepted(json!({ "roots": [] }).as_object().unwrap().clone());
    assert_eq!(update.replies, [("1.name".to_owned(), name), ("1.roots".to_owned(), roots)].into());
    acknowledged(&server.result(&about("tasks/cancel", &id(2))).await);
    assert_eq!(*server.backend.tasks.cancelled.lock().unwrap(), [TaskId([2; 16])]);
    for wrong in [json!(null), json!([]), json!("x"), json!({ "1.name": 1 }), json!({ "1.name": { "action": "x" } })] {
        let sent = about("tasks/update", &id(2)).edit(|message| message["params"]["inputResponses"] = wrong);
        server.refuses(&sent, 200, -32602, Rule::Params).await;
    }
    let without = about("tasks/update", &id(2)).edit(|message| {
        message["params"].as_object_mut().unwrap().remove("inputResponses");
    });
    server.refuses(&without, 200, -32602, Rule::Params).await;
    assert!(server.backend.tasks.updates.lock().unwrap().is_empty());
}

#[tokio::test]
async fn au_06_a_task_of_somebody_else_is_as_one_that_is_not() {
    let server = Server::start(Echo::new().with_principal("a", "ann").with_principal("b", "bob")).await;
    server.backend.put_task(Some("ann"), task(4, TaskState::Working));
    let by = |sent: Sent, who: &str| sent.with("Authorization", &format!("Bearer {who}"));
    for method in METHODS {
        assert_eq!(server.result(&by(about(method, &id(4)), "a")).await["resultType"], "complete");
        let foreign = server.refuses(&by(about(method, &id(4)), "b"), 200, -32602, None).await;
        let unknown = server.refuses(&by(about(method, &id(5)), "b"), 200, -32602, None).await;
        assert_eq!(foreign, unknown);
        assert_valid("2026-07-28", "JSONRPCErrorResponse", &foreign);
        assert_eq!(foreign["error"].get("data"), None);
    }
    assert_eq!(server.backend.tasks.updates.lock().unwrap().len(), 1);
    assert_eq!(server.backend.tasks.cancelled.lock().unwrap().len(), 1);
}

/// Fails without `taskId` in `headers::agree`, and `declared` in `methods/tasks.rs`.
#[tokio::test]
async fn mc_03_the_header_names_the_task_that_the_body_names_and_the_extension_is_declared() {
    let server = Server::start(Echo::new()).await;
    server.backend.put_task(None, task(0xab, TaskState::Working));
    for method in METHODS {
        let good = about(method, &id(0xab));
        server.result(&good).await;
        for bad in [
            good.clone().set("Mcp-Name", &id(0xac)),
            good.clone().without("Mcp-Name"),
            good.clone().set("Mcp-Method", "tools/call"),
        ] {
            server.refuses(&bad, 400, -32020, Rule::HeaderMismatch).await;
        }
        let undeclared = good.clone().edit(|message| message["params"]["_meta"][CAPABILITIES] = json!({}));
        let refused = server.refuses(&undeclared, 400, -32021, Rule::Params).await;
        assert_eq!(refused["error"]["data"]["requiredCapabilities"], json!({ "extensions": { EXTENSION: {} } }));
        // What is no id names no task; what is no text is no name.
        for text in ["", "x", &id(0xab).to_uppercase(), "tasks-conformance-nonexistent-12345"] {
            server.refuses(&about(method, text), 200, -32602, Rule::Params).await;
        }
        for wrong in [json!(null), json!(6), json!({})] {
            let sent = good.clone().without("Mcp-Name").edit(|message| message["params"]["taskId"] = wrong);
            server.refuses(&sent, 200, -32602, Rule::Params).await;
        }
    }
}

/// A stream that listens to these tasks, and what it was granted.
async fn listening(server: &Server, ids: Value, who: &str) -> (Events, Value) {
    let sent = declares(Sent::modern("subscriptions/listen", json!({ "notifications": { "taskIds": ids } })));
    let sent = sent.with("Authorization", &format!("Bearer {who}"));
    let mut events = Events::open(server, &sent).await;
    let first = events.next().await.unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    (events, first["params"]["notifications"].clone())
}

async fn told(events: &mut Events) -> Value {
    let message = events.next().await.expect("the stream goes on");
    assert_valid("tasks", "TaskStatusNotification", &message);
    assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1, "{message}");
    message["params"].clone()
}

#[tokio::test]
async fn who_listens_to_tasks_is_told_how_they_are_and_what_becomes_of_them_and_of_nobody_elses() {
    let server = Server::start(Echo::new().with_principal("a", "ann").with_principal("b", "bob")).await;
    let backend = &server.backend;
    backend.put_task(Some("ann"), task(1, TaskState::Working));
    backend.put_task(Some("ann"), task(2, TaskState::Working));
    backend.put_task(Some("bob"), task(3, TaskState::Working));
    let (mut ann, granted) = listening(&server, json!([id(1), id(3), id(9), "x", id(1)]), "a").await;
    assert_eq!(granted, json!({ "taskIds": [id(1)] }));
    let (mut bob, granted) = listening(&server, json!([id(3)]), "b").await;
    assert_eq!(granted, json!({ "taskIds": [id(3)] }));
    let (_nothing, granted) = listening(&server, json!([id(1)]), "b").await;
    assert_eq!(granted, json!({}));
    // What it has become before anybody listened is not lost.
    assert_eq!(told(&mut ann).await["status"], "working");
    assert_eq!(told(&mut bob).await["status"], "working");
    backend.put_task(Some("ann"), task(2, completed(None)));
    backend.put_task(Some("ann"), task(1, asking()));
    let asked = told(&mut ann).await;
    assert_eq!((&asked["taskId"], &asked["status"]), (&json!(id(1)), &json!("input_required")));
    assert_eq!(asked["inputRequests"]["1.roots"]["method"], "roots/list");
    backend.put_task(Some("ann"), task(1, completed(None)));
    let done = told(&mut ann).await;
    assert_eq!((&done["status"], &done["result"]["isError"]), (&json!("completed"), &json!(true)));
    backend.put_task(Some("bob"), task(3, TaskState::Cancelled));
    assert_eq!(told(&mut bob).await["status"], "cancelled", "and nothing of ann's before it");
    server.front.close();
    for events in [&mut ann, &mut bob] {
        let last = events.next().await.unwrap();
        assert_valid("2026-07-28", "SubscriptionsListenResult", &last["result"]);
    }
}

#[tokio::test]
async fn tasks_are_listened_to_by_clients_that_declare_them_and_by_lists_of_bounded_length() {
    let server = Server::start(Echo::new()).await;
    let listen = |ids: Value| Sent::modern("subscriptions/listen", json!({ "notifications": { "taskIds": ids } }));
    server.refuses(&listen(json!([])), 400, -32021, Rule::Params).await;
    for wrong in [json!({}), json!("x"), json!([1]), json!(null)] {
        server.refuses(&declares(listen(wrong)), 200, -32602, Rule::Params).await;
    }
    let many: Vec<_> = (0..=crate::ListenLimits::default().uris).map(|_| id(1)).collect();
    server.refuses(&declares(listen(many.into())), 200, -32602, Rule::Params).await;
}
