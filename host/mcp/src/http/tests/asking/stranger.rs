//! Who is asked, and whose answers count.

use super::*;

fn both() -> Echo {
    Echo::new().with_principal("a", "ann").with_principal("b", "bob")
}

#[tokio::test]
async fn au_08_nobody_else_can_answer_and_no_other_session_can() {
    let server = Server::start(both()).await;
    let ann = Client::begin(&server, "2025-11-25", Some("a")).await;
    let elsewhere = Client::begin(&server, "2025-11-25", Some("a")).await;
    let bob = Client::begin(&server, "2025-11-25", Some("b")).await;
    let (events, asked) = ann.ask(&server, 1).await;
    let stolen = Client { session: ann.session.clone(), ..bob.clone() };
    let without = Client { session: String::new(), ..ann.clone() };
    let nonsense = Client { session: format!("{}A", ann.session), ..ann.clone() };
    for other in [&bob, &stolen, &elsewhere, &without, &nonsense] {
        let sent = other.answer(&asked[0], accept(json!({ "name": "evil" })));
        let answer = server.refuses(&sent, 400, -32600, RefusalRule::Message).await;
        assert_eq!(answer.get("id"), None);
    }
    let twice = ann.answer(&asked[0], json!({ "action": "cancel" })).with("Mcp-Session-Id", &ann.session);
    server.refuses(&twice, 400, -32600, RefusalRule::Message).await;
    let modern = ann.answer(&asked[0], json!({ "action": "cancel" })).set("MCP-Protocol-Version", "2026-07-28");
    server.refuses(&modern, 400, -32600, RefusalRule::Message).await;
    ann.answers(&server, &asked[0], accept(json!({ "name": "Ann" }))).await;
    let response = events.response("2025-11-25").await;
    assert_eq!(response["result"]["structuredContent"], json!({ "q0": { "name": "Ann" } }));
}

#[tokio::test]
async fn an_answer_to_nothing_a_second_answer_and_one_after_the_end_are_refused() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-06-18", None).await;
    let (events, asked) = client.ask(&server, 2).await;
    let cancel = json!({ "action": "cancel" });
    for id in [json!("no such"), json!(1), json!(""), json!("0".repeat(32))] {
        let sent = client.answer(&json!({ "id": id }), cancel.clone());
        server.refuses(&sent, 400, -32600, RefusalRule::Message).await;
    }
    client.answers(&server, &asked[0], cancel.clone()).await;
    let again = client.answer(&asked[0], accept(json!({ "name": "x" })));
    server.refuses(&again, 400, -32600, RefusalRule::Message).await;
    client.answers(&server, &asked[1], cancel.clone()).await;
    let response = events.response("2025-06-18").await;
    assert_eq!(response["result"]["structuredContent"], json!({ "q0": "cancelled", "q1": "cancelled" }));
    for question in &asked {
        let late = client.answer(question, cancel.clone());
        server.refuses(&late, 400, -32600, RefusalRule::Message).await;
    }
}

#[tokio::test]
async fn mc_11_who_can_t_be_asked_is_not_asked() {
    let server = Server::start(both()).await;
    let ann = Client::begin(&server, "2025-11-25", Some("a")).await;
    let bob = Client::begin(&server, "2025-11-25", Some("b")).await;
    let good = ann.call("asking", json!({}));
    let mut tampered = ann.session.clone().into_bytes();
    tampered[60] ^= 1;
    let tampered = String::from_utf8(tampered).unwrap();
    let elsewhere = Server::with(both(), |config| config.session_key = SessionKey::random()).await;
    let foreign = Client::begin(&elsewhere, "2025-11-25", Some("a")).await.session;
    for session in ["", "nonsense", &tampered, &foreign, &bob.session, &"x".repeat(20_000)] {
        ann.is_not_asked(&server, &good.clone().set("Mcp-Session-Id", session)).await;
    }
    ann.is_not_asked(&server, &good.clone().without("Mcp-Session-Id")).await;
    ann.is_not_asked(&server, &good.clone().with("Mcp-Session-Id", &ann.session)).await;
    for accept in ["application/json", "application/json, text/event-stream;q=0"] {
        ann.is_not_asked(&server, &good.clone().set("Accept", accept)).await;
    }
    ann.is_not_asked(&server, &good.clone().without("Accept")).await;
    // A tool that asks in spite of that gets no question through.
    let insisting = ann.call("insisting", json!({})).without("Mcp-Session-Id");
    let result = server.result(&insisting).await;
    assert_eq!(result["isError"], true, "{result}");
    assert!(result["content"][0]["text"].as_str().unwrap().contains("can be asked"), "{result}");
    for accept in ["application/json, text/event-stream", "*/*", "text/*"] {
        let mut events = Events::open(&server, &good.clone().set("Accept", accept)).await;
        events.question("2025-11-25").await;
    }
}

/// Fails without the 128 random bits of a question's id.
#[tokio::test]
async fn mc_14_questions_have_ids_that_nobody_guesses() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    let (_events, asked) = client.ask(&server, 16).await;
    let ids: std::collections::HashSet<&str> = asked.iter().map(|asked| asked["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 16);
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())), "{ids:?}");
}

#[tokio::test]
async fn a_cancelled_call_that_waits_ends_without_an_answer_and_only_its_client_can_cancel_it() {
    let server = Server::start(both()).await;
    let ann = Client::begin(&server, "2025-11-25", Some("a")).await;
    let bob = Client::begin(&server, "2025-11-25", Some("b")).await;
    let stolen = Client { session: ann.session.clone(), ..bob.clone() };
    let cancel = |client: &Client, id: Value| {
        let params = json!({ "requestId": id, "reason": "enough" });
        let method = "notifications/cancelled";
        client.sign(Sent::message(&json!({ "jsonrpc": "2.0", "method": method, "params": params })))
    };
    let (mut events, asked) = ann.ask(&server, 2).await;
    for sent in [
        cancel(&bob, json!(1)),
        cancel(&stolen, json!(1)),
        cancel(&ann, json!(2)),
        cancel(&ann, json!("1")),
        cancel(&ann, asked[0]["id"].clone()),
    ] {
        assert_eq!(server.send(&sent).await.status, 202);
    }
    ann.answers(&server, &asked[0], json!({ "action": "cancel" })).await;
    assert_eq!(server.send(&cancel(&ann, json!(1))).await.status, 202);
    assert_eq!(events.next().await, None);
    assert_eq!(server.backend.rules(), []);
    let late = ann.answer(&asked[1], json!({ "action": "cancel" }));
    server.refuses(&late, 400, -32600, RefusalRule::Message).await;
    assert_eq!(server.backend.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn au_08_who_has_not_signed_in_is_told_apart_by_the_session_and_from_everybody_who_has() {
    let server = Server::start(both().without_sign_in()).await;
    let ann = Client::begin(&server, "2025-11-25", Some("a")).await;
    let nobody = Client::begin(&server, "2025-11-25", None).await;
    let other = Client::begin(&server, "2025-11-25", None).await;
    let (of_ann, asked_ann) = ann.ask(&server, 1).await;
    let (of_nobody, asked_nobody) = nobody.ask(&server, 1).await;
    let with = |client: &Client, session: &str| Client { session: session.to_owned(), ..client.clone() };
    for (client, question) in [
        (with(&nobody, &ann.session), &asked_ann[0]),
        (nobody.clone(), &asked_ann[0]),
        (with(&ann, &nobody.session), &asked_nobody[0]),
        (ann.clone(), &asked_nobody[0]),
        (other, &asked_nobody[0]),
        (with(&nobody, ""), &asked_nobody[0]),
    ] {
        let sent = client.answer(question, accept(json!({ "name": "evil" })));
        server.refuses(&sent, 400, -32600, RefusalRule::Message).await;
    }
    ann.answers(&server, &asked_ann[0], accept(json!({ "name": "Ann" }))).await;
    nobody.answers(&server, &asked_nobody[0], accept(json!({ "name": "No" }))).await;
    let told = async |events: Events| events.response("2025-11-25").await["result"]["structuredContent"].clone();
    assert_eq!(told(of_ann).await, json!({ "q0": { "name": "Ann" } }));
    assert_eq!(told(of_nobody).await, json!({ "q0": { "name": "No" } }));
    // Whoever signs in after the handshake is asked as who they then are.
    let signed_in = Client { bearer: Some("a"), ..nobody };
    let (events, asked) = signed_in.ask(&server, 1).await;
    let before = Client { bearer: None, ..signed_in.clone() };
    let sent = before.answer(&asked[0], accept(json!({ "name": "evil" })));
    server.refuses(&sent, 400, -32600, RefusalRule::Message).await;
    signed_in.answers(&server, &asked[0], accept(json!({ "name": "Ann" }))).await;
    assert_eq!(told(events).await, json!({ "q0": { "name": "Ann" } }));
}

#[tokio::test]
async fn au_01_a_call_goes_on_with_what_whoever_answered_has_proven() {
    let server = Server::start(Echo::new().with_principal("old", "ann").with_principal("new", "ann")).await;
    let old = Client::begin(&server, "2025-11-25", Some("old")).await;
    let new = Client { bearer: Some("new"), ..old.clone() };
    let mut events = Events::open(&server, &old.call("asking", json!({ "rounds": 3 }))).await;
    for client in [&old, &new, &old] {
        let question = events.question("2025-11-25").await;
        client.answers(&server, &question, accept(json!({ "name": "Ann" }))).await;
    }
    events.response("2025-11-25").await;
    let requests = server.backend.requests.lock().unwrap();
    // Each round holds what the token of that answer holds: no more, and no longer what the one before held.
    for (request, token) in requests.iter().zip(["old", "old", "new", "old"]) {
        for group in ["old", "new"] {
            assert_eq!(request.principal.is_in_any([group]), group == token);
        }
    }
    assert_eq!(requests.len(), 4);
}
