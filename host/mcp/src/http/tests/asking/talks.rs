//! A legacy client is asked while its call waits.

use portcullis_backend::{Asking, Reply};

use super::*;

#[tokio::test]
async fn every_client_gets_a_session_and_is_asked_what_it_said_it_can_do() {
    let server = Server::start(Echo::new()).await;
    for revision in REVISIONS {
        for (capabilities, asked) in [
            (json!({ "elicitation": {} }), true),
            (json!({ "elicitation": { "form": {}, "url": {} } }), true),
            (json!({}), false),
            (json!({ "elicitation": { "url": {} } }), false),
            (json!({ "elicitation": true }), false),
            (json!(3), false),
        ] {
            let got = server.send(&initialize(revision, capabilities)).await;
            let session = got.header("mcp-session-id").unwrap();
            assert!(session.bytes().all(|byte| byte.is_ascii_graphic()) && session.len() > 100, "{session}");
            assert_eq!(got.json()["result"]["protocolVersion"], revision);
            let client = Client { revision, session: session.to_owned(), bearer: None };
            if asked {
                client.ask(&server, 1).await;
            } else {
                client.is_not_asked(&server, &client.call("asking", json!({}))).await;
            }
        }
    }
}

#[tokio::test]
async fn mc_11_a_legacy_client_is_asked_on_the_stream_of_its_call() {
    for revision in REVISIONS {
        let server = Server::start(Echo::new()).await;
        let client = Client::begin(&server, revision, None).await;
        let (events, asked) = client.ask(&server, 2).await;
        assert_ne!(asked[0]["id"], asked[1]["id"]);
        assert_eq!(asked[1]["params"]["message"], "Portcullis asks for q1\nand waits");
        assert_eq!(asked[1]["params"]["requestedSchema"]["required"], json!(["name"]));
        // The other way round, and with a call between them.
        client.answers(&server, &asked[1], json!({ "action": "decline" })).await;
        let got = server.send(&client.call("echo", json!({ "a": 1 }))).await;
        assert_eq!(got.json()["result"]["structuredContent"], json!({ "a": 1 }));
        client.answers(&server, &asked[0], accept(json!({ "name": "Ann", "age": 5 }))).await;
        let response = events.response(revision).await;
        let told = json!({ "q0": { "name": "Ann", "age": 5 }, "q1": "declined" });
        assert_eq!(response["result"], json!({ "content": [], "structuredContent": told }));

        assert_eq!(server.backend.rules(), []);
        let requests = server.backend.requests.lock().unwrap();
        let (first, second) = (&requests[0], &requests[2]);
        let asking = Asking { lists: revision == "2025-11-25", ..Asking::FORM };
        assert_eq!((first.asking, &first.resume, second.asking), (asking, &None, asking));
        assert_eq!(&first.target, &second.target);
        let resume = second.resume.as_ref().unwrap();
        assert_eq!((resume.state.as_str(), resume.replies.get("q1")), (STATE, Some(&Reply::Declined)));
        assert_ne!(first.correlation, second.correlation);
    }
}

#[tokio::test]
async fn what_a_person_or_a_client_says_instead_of_an_answer_reaches_the_tool_or_ends_the_call() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    for (result, told) in [
        (json!({ "action": "cancel" }), json!("cancelled")),
        (json!({ "action": "decline", "content": { "name": "kept" } }), json!("declined")),
        (json!({ "action": "accept" }), json!({})),
    ] {
        let (events, asked) = client.ask(&server, 1).await;
        client.answers(&server, &asked[0], result).await;
        assert_eq!(events.response("2025-11-25").await["result"]["structuredContent"], json!({ "q0": told }));
    }
    // The client does not ask; what it has been asked beside that is taken back.
    let (mut events, asked) = client.ask(&server, 2).await;
    let error = json!({ "code": -32601, "message": "no" });
    let error = client.sign(Sent::message(&json!({ "jsonrpc": "2.0", "id": asked[1]["id"], "error": error })));
    assert_eq!(server.send(&error).await.status, 202);
    let withdrawal = events.next().await.unwrap();
    assert_valid("2025-11-25", "CancelledNotification", &withdrawal);
    assert_eq!(withdrawal["params"]["requestId"], asked[0]["id"]);
    let response = events.response("2025-11-25").await;
    assert_eq!(response["result"]["isError"], true);
    assert!(response["result"]["content"][0]["text"].as_str().unwrap().contains("did not ask it"), "{response}");
    assert_eq!(server.backend.rules(), []);
}

/// Fails without `form::read` of what a client answers.
#[tokio::test]
async fn mc_09_an_answer_of_another_form_is_refused_and_ends_its_call() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    for wrong in
        [json!(5), json!({}), json!({ "action": "yes" }), accept(json!([])), accept(json!({ "a": { "b": 1 } }))]
    {
        let (events, asked) = client.ask(&server, 1).await;
        let message = json!({ "jsonrpc": "2.0", "id": asked[0]["id"], "result": wrong });
        server.refuses(&client.sign(Sent::message(&message)), 400, -32602, RefusalRule::Params).await;
        assert_eq!(events.response("2025-11-25").await["result"]["isError"], true, "{wrong}");
    }
}

#[tokio::test]
async fn a_round_after_the_answers_can_be_refused_and_ask_again() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-06-18", None).await;
    let mut events = Events::open(&server, &client.call("asking", json!({ "then": "busy" }))).await;
    let question = events.question("2025-06-18").await;
    client.answers(&server, &question, accept(json!({ "name": "x" }))).await;
    let response = events.response("2025-06-18").await;
    let correlation = server.backend.requests.lock().unwrap().last().unwrap().correlation;
    assert_eq!(response["error"]["code"], 50300);
    assert_eq!(response["error"]["data"], json!({ "correlation": correlation }));

    let mut events = Events::open(&server, &client.call("insisting", json!({ "rounds": 3 }))).await;
    for _ in 0..3 {
        let question = events.question("2025-06-18").await;
        client.answers(&server, &question, accept(json!({ "name": "x" }))).await;
    }
    assert_eq!(events.response("2025-06-18").await["result"]["structuredContent"], json!({ "q0": { "name": "x" } }));
}

#[tokio::test]
async fn a_tool_that_waits_and_asks_nothing_ends_with_an_error() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    let got = server.send(&client.call("mute", json!({}))).await.json();
    assert_eq!(got["result"]["isError"], true, "{got}");
    let modern = modern::can_be_asked(Sent::call("mute", json!({})), json!({}));
    assert_eq!(server.result(&modern).await["isError"], true);
}

#[tokio::test]
async fn a_call_that_asks_nothing_is_one_plain_answer_and_an_unknown_session_no_error() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    let stranger = Client { session: "nonsense".into(), ..client.clone() };
    for client in [client, stranger] {
        let got = server.send(&client.call("echo", json!({}))).await;
        assert_eq!((got.status, got.header("content-type")), (200, Some("application/json")));
        for method in ["ping", "tools/list"] {
            assert_eq!(server.send(&client.sign(Sent::legacy(method, &json!({})))).await.status, 200);
        }
    }
}

#[tokio::test]
async fn au_20_a_call_whose_answer_has_begun_is_challenged_in_its_result() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    for (then, error) in [("sign-in", "error=\"invalid_token\""), ("scope", "error=\"insufficient_scope\"")] {
        let mut events = Events::open(&server, &client.call("asking", json!({ "then": then }))).await;
        let question = events.question("2025-11-25").await;
        client.answers(&server, &question, accept(json!({ "name": "x" }))).await;
        let response = events.response("2025-11-25").await;
        assert_eq!(response["result"]["isError"], true);
        let challenges = response["result"]["_meta"]["mcp/www_authenticate"].as_array().unwrap();
        let challenge = challenges[0].as_str().unwrap();
        assert!(challenge.starts_with("Bearer resource_metadata=\"https://tools.example.com/"), "{challenge}");
        assert!(challenge.contains(error) && challenge.contains("scope=\"notes:read"), "{challenge}");
    }
    assert_eq!(server.backend.rules(), []);
}
