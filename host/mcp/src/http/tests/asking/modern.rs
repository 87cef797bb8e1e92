//! A modern client is asked in the result of its call, and makes the call again.

use portcullis_backend::{Asking, Reply};

use super::*;

const REVISION: &str = "2026-07-28";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A request of a client that says `elicitation` of itself.
pub(super) fn can_be_asked(sent: Sent, elicitation: Value) -> Sent {
    sent.edit(|message| message["params"]["_meta"][CAPABILITIES] = json!({ "elicitation": elicitation }))
}

fn asking(arguments: Value) -> Sent {
    can_be_asked(Sent::call("asking", arguments), json!({}))
}

fn going_on(sent: &Sent, responses: impl Into<Option<Value>>, state: impl Into<Option<Value>>) -> Sent {
    sent.clone().edit(|message| {
        message["id"] = 2.into();
        if let Some(responses) = responses.into() {
            message["params"]["inputResponses"] = responses;
        }
        if let Some(state) = state.into() {
            message["params"]["requestState"] = state;
        }
    })
}

/// The result of a call, which asks.
async fn asked(server: &Server, sent: &Sent) -> Value {
    let got = server.send(sent).await.json();
    assert_valid(REVISION, "CallToolResultResponse", &got);
    assert_valid(REVISION, "InputRequiredResult", &got["result"]);
    assert_eq!(got["result"]["resultType"], "input_required", "{got}");
    for question in got["result"]["inputRequests"].as_object().unwrap().values() {
        assert_valid(REVISION, "ElicitRequest", question);
    }
    got["result"].clone()
}

#[tokio::test]
async fn mc_11_a_modern_call_asks_in_its_result_and_goes_on_with_the_replies() {
    let server = Server::start(Echo::new()).await;
    let first = asking(json!({ "questions": 2 }));
    let result = asked(&server, &first).await;
    let params = &result["inputRequests"]["q1"]["params"];
    assert_eq!(result["inputRequests"]["q1"]["method"], "elicitation/create");
    assert_eq!(params["message"], "Portcullis asks for q1\nand waits");
    assert_eq!(params["requestedSchema"]["required"], json!(["name"]));
    assert_eq!(result["requestState"], STATE);
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portcullis");

    let responses = json!({ "q0": accept(json!({ "name": "Ann" })), "q1": { "action": "decline" } });
    let second = going_on(&first, responses, result["requestState"].clone());
    let message: Value = serde_json::from_slice(&second.body).unwrap();
    assert_valid(REVISION, "CallToolRequest", &message);
    let result = server.result(&second).await;
    assert_eq!(result["structuredContent"], json!({ "q0": { "name": "Ann" }, "q1": "declined" }));
    assert_eq!(result["resultType"], "complete");

    let requests = server.backend.requests.lock().unwrap();
    assert_eq!((requests[0].asking, &requests[0].resume), (Asking::FORM, &None));
    let resume = requests[1].resume.as_ref().unwrap();
    assert_eq!((resume.state.as_str(), &resume.replies["q1"]), (STATE, &Reply::Declined));
    assert_ne!(requests[0].correlation, requests[1].correlation);
}

#[tokio::test]
async fn mc_11_only_a_client_that_says_so_is_asked() {
    let server = Server::start(Echo::new()).await;
    let call = |tool| Sent::call(tool, json!({}));
    for elicitation in
        [json!({}), json!({ "form": {} }), json!({ "form": { "x": 1 }, "url": {} }), json!({ "other": true })]
    {
        asked(&server, &can_be_asked(call("asking"), elicitation)).await;
    }
    let silent = |elicitation| can_be_asked(call("asking"), elicitation);
    for sent in [
        call("asking"),
        silent(json!({ "url": {} })),
        silent(json!({ "form": null })),
        silent(json!({ "form": true })),
        silent(json!(true)),
        silent(json!([])),
        silent(json!(null)),
    ] {
        assert_eq!(server.result(&sent).await["content"][0]["text"], "nobody can be asked");
        assert_eq!(server.backend.requests.lock().unwrap().last().unwrap().asking, Asking::NOTHING);
    }
    // What a legacy client has said counts for no modern request.
    let session = Client::begin(&server, "2025-11-25", None).await.session;
    let result = server.result(&call("asking").with("Mcp-Session-Id", &session)).await;
    assert_eq!(result["content"][0]["text"], "nobody can be asked");
    // A tool that asks in spite of that gets no question through.
    let result = server.result(&call("insisting")).await;
    assert_eq!((&result["resultType"], &result["isError"]), (&json!("complete"), &json!(true)));
}

#[tokio::test]
async fn a_reply_that_is_missing_is_asked_for_again_and_one_too_many_is_left_to_the_tool() {
    let server = Server::start(Echo::new()).await;
    let first = asking(json!({ "questions": 2 }));
    let one = accept(json!({ "name": "Ann" }));
    let result = asked(&server, &going_on(&first, json!({ "q1": one }), json!(STATE))).await;
    assert_eq!(result["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["q0"]);
    assert_eq!(
        asked(&server, &going_on(&first, None, json!(STATE))).await["inputRequests"].as_object().unwrap().len(),
        2
    );
    assert_eq!(server.backend.requests.lock().unwrap().pop().unwrap().resume.unwrap().replies.len(), 0);

    let model = json!({ "role": "assistant", "content": { "type": "text", "text": "x" }, "model": "m" });
    let responses =
        json!({ "q0": one, "q1": one, "other": { "action": "cancel" }, "sampled": model, "roots": { "roots": [] } });
    let result = server.result(&going_on(&first, responses, json!(STATE))).await;
    assert_eq!(result["structuredContent"]["q1"], json!({ "name": "Ann" }));
    let replies = server.backend.requests.lock().unwrap().pop().unwrap().resume.unwrap().replies;
    assert_eq!(replies.keys().collect::<Vec<_>>(), ["other", "q0", "q1", "roots", "sampled"]);

    // Replies that come without a state answer nothing that was asked: the call begins anew.
    asked(&server, &going_on(&first, json!({ "q0": one, "q1": one }), None)).await;
    assert_eq!(server.backend.requests.lock().unwrap().pop().unwrap().resume, None);
}

/// Fails without the code of `CallRefused::State`.
#[tokio::test]
async fn mc_14_a_state_that_the_backend_refuses_is_an_error() {
    let server = Server::start(Echo::new()).await;
    let first = asking(json!({}));
    for state in ["", "x", "state\n\"1\"-TAMPERED"] {
        let sent = going_on(&first, json!({ "q0": { "action": "cancel" } }), json!(state));
        let answer = server.refuses(&sent, 200, -32602, None).await;
        let correlation = server.backend.requests.lock().unwrap().last().unwrap().correlation;
        assert_eq!((&answer["id"], &answer["error"]["data"]), (&json!(2), &json!({ "correlation": correlation })));
        assert!(answer["error"]["message"].as_str().unwrap().contains("`requestState`"), "{answer}");
    }
}

/// Fails without `form::replies` before the call.
#[tokio::test]
async fn mc_09_replies_of_another_form_are_refused_with_and_without_a_state() {
    let server = Server::start(Echo::new()).await;
    let first = asking(json!({}));
    for state in [None, Some(json!(STATE))] {
        for wrong in [
            json!(null),
            json!([]),
            json!("x"),
            json!({ "q0": 12345 }),
            json!({ "q0": null }),
            json!({ "q0": { "action": "sure" } }),
            json!({ "q0": { "action": "accept", "content": [] } }),
            json!({ "q0": { "action": "accept", "content": { "a": { "b": 1 } } } }),
            json!({ "unknown": { "action": 5 } }),
        ] {
            server.refuses(&going_on(&first, wrong, state.clone()), 200, -32602, RefusalRule::Params).await;
        }
    }
    for wrong in [json!(null), json!(5), json!({}), json!(["x"])] {
        server.refuses(&going_on(&first, json!({}), wrong), 200, -32602, RefusalRule::Params).await;
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
    // A legacy client knows nothing of either, and means nothing by them.
    let params = json!({ "name": "asking", "inputResponses": 5, "requestState": 5 });
    server.result(&Sent::legacy("tools/call", &params)).await;
    assert_eq!(server.backend.requests.lock().unwrap().pop().unwrap().resume, None);
}

#[tokio::test]
async fn a_preview_is_asked_for_with_true_in_both_eras() {
    let server = Server::start(Echo::new()).await;
    let legacy = Sent::legacy("tools/call", &json!({ "name": "echo", "_meta": {} }));
    for (sent, status) in [(Sent::call("echo", json!({})), 400), (legacy, 200)] {
        let with =
            |preview: Value| sent.clone().edit(|message| message["params"]["_meta"]["portcullis/preview"] = preview);
        for (sent, preview) in [(sent.clone(), false), (with(json!(false)), false), (with(json!(true)), true)] {
            server.result(&sent).await;
            assert_eq!(server.backend.requests.lock().unwrap().pop().unwrap().preview, preview);
        }
        for wrong in [json!(null), json!("true"), json!(1), json!({}), json!([true])] {
            let answer = server.refuses(&with(wrong), status, -32602, RefusalRule::Params).await;
            assert!(answer["error"]["message"].as_str().unwrap().contains("portcullis/preview"), "{answer}");
        }
        assert!(server.backend.requests.lock().unwrap().is_empty());
    }
}
