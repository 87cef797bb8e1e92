//! Questions to a person over a stream.

use portcullis_backend::Asking;

use super::*;
use crate::testing::{STATE, assert_valid};

const REVISIONS: [&str; 2] = ["2025-11-25", "2025-06-18"];

impl Client {
    async fn begin(revision: &str, capabilities: Value, questions: QuestionLimits) -> Self {
        let mut client = Self::with(Echo::new(), questions);
        let params = json!({ "protocolVersion": revision, "capabilities": capabilities,
            "clientInfo": { "name": "t", "version": "1" } });
        let answer = client.ask(json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })).await;
        assert_valid(revision, "InitializeResult", &answer["result"]);
        client
    }

    async fn that_can_be_asked(revision: &str) -> Self {
        Self::begin(revision, json!({ "elicitation": {} }), QuestionLimits::default()).await
    }

    /// Calls `asking` and returns its questions.
    async fn questions(&mut self, revision: &str, id: impl Into<Value>, many: usize) -> Vec<Value> {
        self.send(asking(id, many).to_string()).await;
        let mut questions = Vec::new();
        for _ in 0..many {
            let question = self.next().await;
            assert_valid(revision, "ElicitRequest", &question);
            questions.push(question);
        }
        questions
    }

    async fn answer(&mut self, question: &Value, result: Value) {
        self.send(json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }).to_string()).await;
    }
}

fn asking(id: impl Into<Value>, many: usize) -> Value {
    let mut call = call(id, "asking");
    call["params"]["arguments"] = json!({ "questions": many });
    call
}

fn cancelled() -> Value {
    json!({ "action": "cancel" })
}

#[tokio::test]
async fn mc_11_a_legacy_client_is_asked_while_its_call_waits_and_others_go_on() {
    for revision in REVISIONS {
        let mut client = Client::that_can_be_asked(revision).await;
        let asked = client.questions(revision, "waits", 2).await;
        assert_eq!(asked[0]["params"]["message"], "Portcullis asks for q0\nand waits");
        assert_eq!(client.ask(call("quick", "echo")).await["id"], "quick");
        client.answer(&asked[1], json!({ "action": "accept", "content": { "name": "Ann" } })).await;
        client.answer(&asked[0], json!({ "action": "decline" })).await;
        let response = client.next().await;
        assert_eq!(response["id"], "waits");
        assert_valid(revision, "CallToolResult", &response["result"]);
        let told = json!({ "q0": "declined", "q1": { "name": "Ann" } });
        assert_eq!(response["result"]["structuredContent"], told);
        // A form of 2025-06-18 has no lists.
        let asking = client.backend.requests.lock().unwrap()[0].asking;
        assert_eq!(asking, Asking { lists: revision == "2025-11-25", ..Asking::FORM });
        assert_eq!(client.backend.rules(), []);
        assert_eq!(client.end().await, Vec::<String>::new());
    }
}

/// Fails when the desk of a stream asks the store: its answers come on the stream alone, and nobody else could give them.
#[tokio::test]
async fn what_a_stream_is_asked_is_kept_for_no_other_process() {
    let mut client = Client::that_can_be_asked("2025-11-25").await;
    client.backend.asked.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let asked = client.questions("2025-11-25", 1, 2).await;
    assert_eq!(client.backend.asked.many(), 0);
    for question in &asked {
        client.answer(question, cancelled()).await;
    }
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test]
async fn a_modern_client_is_asked_in_the_result_of_its_call() {
    let mut client = Client::start(Echo::new());
    let mut call = asking(1, 1);
    call["params"]["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} }, "portcullis/preview": true });
    let answer = client.ask(call.clone()).await;
    assert_valid("2026-07-28", "InputRequiredResult", &answer["result"]);
    assert_eq!(answer["result"]["requestState"], STATE);
    call["params"]["requestState"] = answer["result"]["requestState"].clone();
    call["params"]["inputResponses"] = json!({ "q0": cancelled() });
    assert_eq!(client.ask(call.clone()).await["result"]["structuredContent"], json!({ "q0": "cancelled" }));
    assert!(client.backend.requests.lock().unwrap().iter().all(|request| request.preview));
    call["params"]["requestState"] = "tampered".into();
    assert_eq!(client.ask(call).await["error"]["code"], -32602);
    assert_eq!(client.backend.rules(), []);
}

#[tokio::test]
async fn mc_11_a_client_that_has_not_said_so_is_not_asked() {
    let limits = QuestionLimits::default();
    for capabilities in [json!({}), json!({ "elicitation": { "url": {} } }), json!({ "elicitation": 1 })] {
        let mut client = Client::begin("2025-11-25", capabilities, limits).await;
        let answer = client.ask(asking(1, 1)).await;
        assert_eq!(answer["result"]["content"][0]["text"], "nobody can be asked");
        assert_eq!(client.ask(call(2, "insisting")).await["result"]["isError"], true);
    }
    let mut client = Client::start(Echo::new());
    assert_eq!(client.ask(asking(1, 1)).await["result"]["content"][0]["text"], "nobody can be asked");
}

#[tokio::test]
async fn answers_to_nothing_are_told_to_the_audit_and_to_nobody_else() {
    let mut client = Client::that_can_be_asked("2025-11-25").await;
    let asked = client.questions("2025-11-25", 1, 1).await;
    for id in [json!("no such"), json!(1), json!("f".repeat(32))] {
        client.answer(&json!({ "id": id }), cancelled()).await;
    }
    client.answer(&asked[0], cancelled()).await;
    assert_eq!(client.next().await["result"]["structuredContent"], json!({ "q0": "cancelled" }));
    assert_eq!(client.backend.rules(), [RefusalRule::Message; 3]);
    // A second answer, after the end; what follows shows that it was read and nothing said.
    client.answer(&asked[0], cancelled()).await;
    client.send(r#"{"jsonrpc":"2.0","error":{"code":1,"message":"m"}}"#).await;
    assert_eq!(client.ask(call(2, "echo")).await["id"], 2);
    assert_eq!(client.backend.rules(), [RefusalRule::Message]);
}

/// Fails without `form::read` of what a client answers.
#[tokio::test]
async fn mc_09_an_answer_of_another_form_ends_its_call() {
    let mut client = Client::that_can_be_asked("2025-11-25").await;
    for wrong in [json!(null), json!({ "action": "x" }), json!({ "action": "accept", "content": { "a": {} } })] {
        let asked = client.questions("2025-11-25", 1, 1).await;
        client.answer(&asked[0], wrong).await;
        assert_eq!(client.next().await["result"]["isError"], true);
        assert_eq!(client.backend.rules(), [RefusalRule::Params]);
    }
    let asked = client.questions("2025-11-25", 1, 1).await;
    let error = json!({ "jsonrpc": "2.0", "id": asked[0]["id"], "error": { "code": -32601, "message": "no" } });
    assert_eq!(client.ask(error).await["result"]["isError"], true);
    assert_eq!(client.backend.rules(), []);
}

#[tokio::test]
async fn a_cancelled_call_that_waits_takes_its_question_back_and_gets_no_answer() {
    let limits = QuestionLimits { per_principal: 1, ..QuestionLimits::default() };
    let mut client = Client::begin("2025-11-25", json!({ "elicitation": {} }), limits).await;
    let asked = client.questions("2025-11-25", 1, 1).await;
    assert_eq!(client.ask(asking(2, 1)).await["error"]["code"], 50303);
    assert_eq!(client.backend.rules(), [RefusalRule::Message]);
    client.send(cancel(1)).await;
    let withdrawal = client.next().await;
    assert_valid("2025-11-25", "CancelledNotification", &withdrawal);
    assert_eq!(withdrawal["params"]["requestId"], asked[0]["id"]);
    // Its place is free again, and its question closed.
    let again = client.questions("2025-11-25", 3, 1).await;
    client.answer(&asked[0], cancelled()).await;
    client.answer(&again[0], cancelled()).await;
    assert_eq!(client.next().await["id"], 3);
    assert_eq!(client.backend.rules(), [RefusalRule::Message]);
    assert_eq!(client.end().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_question_that_nobody_answers_in_time_is_taken_back_before_its_call_ends() {
    let limits = QuestionLimits { time: Duration::from_millis(50), ..QuestionLimits::default() };
    let mut client = Client::begin("2025-06-18", json!({ "elicitation": {} }), limits).await;
    let asked = client.questions("2025-06-18", 1, 2).await;
    for question in &asked {
        let withdrawal = client.next().await;
        assert_valid("2025-06-18", "CancelledNotification", &withdrawal);
        assert_eq!(withdrawal["params"]["requestId"], question["id"]);
    }
    let response = client.next().await;
    assert_eq!((&response["id"], &response["result"]["isError"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn mc_12_no_question_has_a_line_break_in_it() {
    let mut client = Client::that_can_be_asked("2025-11-25").await;
    client.send(asking(1, 1).to_string()).await;
    let line = client.from.next_line().await.unwrap().unwrap();
    let question: Value = serde_json::from_str(&line).unwrap();
    assert!(question["params"]["message"].as_str().unwrap().contains('\n'));
}
