//! Other things that a legacy client can be asked than forms: to sample, and for its roots.

use portcullis_backend::{Asking, Reply};

use super::*;

const EVERYTHING: fn() -> Value = || json!({ "elicitation": {}, "sampling": {}, "roots": { "listChanged": true } });

fn message() -> Value {
    json!({ "role": "assistant", "content": { "type": "text", "text": "Bern" }, "model": "m", "stopReason": "endTurn" })
}

fn result(client: &Client, question: &Value, result: &Value) -> Sent {
    client.sign(Sent::message(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result })))
}

#[tokio::test]
async fn a_legacy_client_samples_and_tells_its_roots_on_the_stream_of_its_call() {
    for revision in REVISIONS {
        let server = Server::start(Echo::new()).await;
        let client = Client::that_can(&server, revision, None, EVERYTHING()).await;
        let call = client.call("asking", json!({ "questions": 3, "kinds": ["sampling", "roots", "form"] }));
        let mut events = Events::open(&server, &call).await;
        let mut asked = Vec::new();
        for definition in ["CreateMessageRequest", "ListRootsRequest", "ElicitRequest"] {
            let question = events.next().await.unwrap();
            assert_valid(revision, definition, &question);
            asked.push(question);
        }
        assert_eq!(asked[0]["method"], "sampling/createMessage");
        assert_eq!(asked[0]["params"]["maxTokens"], 100);
        assert_eq!(asked[1]["method"], "roots/list");
        let roots = json!({ "roots": [{ "uri": "file:///notes/ann", "name": "Ann's" }] });
        assert_valid(revision, "CreateMessageResult", &message());
        assert_valid(revision, "ListRootsResult", &roots);
        for (nth, given) in [(1, roots.clone()), (0, message()), (2, json!({ "action": "decline" }))] {
            assert_eq!(server.send(&result(&client, &asked[nth], &given)).await.status, 202);
        }
        let response = events.response(revision).await;
        let told = json!({ "q0": message(), "q1": roots, "q2": "declined" });
        assert_eq!(response["result"]["structuredContent"], told);
        let requests = server.backend.requests.lock().unwrap();
        assert_eq!(
            requests[0].asking,
            Asking { form: true, lists: revision == "2025-11-25", sampling: true, roots: true }
        );
        let replies = &requests[1].resume.as_ref().unwrap().replies;
        assert_eq!(replies["q0"], Reply::Accepted(message().as_object().unwrap().clone()));
    }
}

#[tokio::test]
async fn a_client_can_be_asked_what_it_declared_and_nothing_else() {
    let server = Server::start(Echo::new()).await;
    for (declared, asking) in [
        (json!({ "sampling": {} }), Asking { sampling: true, ..Asking::NOTHING }),
        (json!({ "roots": {} }), Asking { roots: true, ..Asking::NOTHING }),
        (json!({ "sampling": { "tools": {} }, "elicitation": {} }), Asking { sampling: true, ..Asking::FORM }),
        (json!({ "sampling": true, "roots": [], "elicitation": {} }), Asking::FORM),
    ] {
        let client = Client::that_can(&server, "2025-11-25", None, declared.clone()).await;
        server.send(&client.call("echo", json!({}))).await;
        let modern = Sent::call("echo", json!({})).edit(|message| {
            message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = declared.clone();
        });
        server.send(&modern).await;
        for request in server.backend.requests.lock().unwrap().drain(..) {
            assert_eq!(request.asking, asking, "{declared}");
        }
    }
}

/// Fails without the kind that is kept with an open question.
#[tokio::test]
async fn mc_09_a_result_of_another_kind_is_refused_and_ends_its_call() {
    let server = Server::start(Echo::new()).await;
    let client = Client::that_can(&server, "2025-11-25", None, EVERYTHING()).await;
    for (kind, wrong) in [
        ("sampling", json!({ "action": "accept" })),
        ("sampling", json!({ "role": "assistant", "content": "Bern", "model": "m" })),
        ("roots", message()),
        ("roots", json!({ "roots": [{}] })),
        ("form", message()),
    ] {
        let mut events = Events::open(&server, &client.call("asking", json!({ "kinds": [kind] }))).await;
        let question = events.next().await.unwrap();
        server.refuses(&result(&client, &question, &wrong), 400, -32602, RefusalRule::Params).await;
        assert_eq!(events.response("2025-11-25").await["result"]["isError"], true, "{kind}: {wrong}");
    }
}

#[tokio::test]
async fn a_person_who_does_not_want_the_model_asked_has_declined() {
    let server = Server::start(Echo::new()).await;
    let client = Client::that_can(&server, "2025-11-25", None, EVERYTHING()).await;
    for (kind, code, told) in [
        ("sampling", -1, json!({ "q0": "declined" })),
        ("sampling", -32603, Value::Null),
        ("roots", -1, Value::Null),
        ("form", -1, Value::Null),
    ] {
        let mut events = Events::open(&server, &client.call("asking", json!({ "kinds": [kind] }))).await;
        let question = events.next().await.unwrap();
        let error = json!({ "code": code, "message": "User rejected sampling request" });
        let error = client.sign(Sent::message(&json!({ "jsonrpc": "2.0", "id": question["id"], "error": error })));
        assert_eq!(server.send(&error).await.status, 202);
        let response = events.response("2025-11-25").await;
        assert_eq!(response["result"]["structuredContent"], told, "{kind} {code}");
        assert_eq!(response["result"]["isError"] == true, told.is_null());
    }
}

#[tokio::test]
async fn results_of_every_kind_of_modern_question_reach_the_call() {
    let server = Server::start(Echo::new()).await;
    let sent = Sent::call("asking", json!({ "questions": 3, "kinds": ["sampling", "roots", "form"] }));
    let sent = sent.edit(|message| {
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = EVERYTHING();
    });
    let asked = server.result(&sent).await;
    assert_valid("2026-07-28", "InputRequiredResult", &asked);
    assert_eq!(asked["inputRequests"]["q0"]["method"], "sampling/createMessage");
    let roots = json!({ "roots": [{ "uri": "file:///a" }] });
    let again = sent.edit(|sent| {
        sent["params"]["requestState"] = asked["requestState"].clone();
        sent["params"]["inputResponses"] =
            json!({ "q0": message(), "q1": roots, "q2": accept(json!({ "name": "Ann" })) });
    });
    let told = json!({ "q0": message(), "q1": roots, "q2": { "name": "Ann" } });
    assert_eq!(server.result(&again).await["structuredContent"], told);
}

#[tokio::test]
async fn a_call_tells_and_asks_on_one_stream_and_its_progress_rises_over_all_rounds() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    let call = client.call("asking", json!({ "say": [10, "said", 20] }));
    let call = call.edit(|message| message["params"]["_meta"] = json!({ "progressToken": "p" }));
    let mut events = Events::open(&server, &call).await;
    for progress in [Some(10), None, Some(20)] {
        let told = events.next().await.unwrap();
        assert_eq!(told["params"]["progress"].as_i64(), progress, "{told}");
    }
    let question = events.question("2025-11-25").await;
    client.answers(&server, &question, accept(json!({ "name": "Ann" }))).await;
    // The second round begins again at 10, which it has been told already.
    assert_eq!(events.next().await.unwrap()["params"]["data"], "said");
    let response = events.response("2025-11-25").await;
    assert_eq!(response["result"]["structuredContent"], json!({ "q0": { "name": "Ann" } }));
}
