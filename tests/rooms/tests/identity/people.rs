//! Two people who have signed in: nothing that one of them was given is of use to the other (catalogue AU-08).

use portcullis_tests::{Era, Home, Setup, SignedIn, plugin};
use serde_json::{Value, json};

use super::{notes, result, titles};

const ALL: &str = "notes:read notes:write";

fn text(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().expect("a text")
}

fn created(host: &SignedIn, token: &str, title: &str) -> Value {
    let note = result(&host.call(token, "notes_create", json!({ "title": title, "body": "of one person" })));
    note["structuredContent"]["id"].clone()
}

#[test]
fn au_08_what_one_person_keeps_is_not_there_for_another() {
    let host = notes();
    let [alice, bob] = ["alice", "bob"].map(|user| host.token(user, ALL));
    let id = created(&host, &alice, "of Alice");
    created(&host, &bob, "of Bob");
    assert_eq!(titles(&host.call(&alice, "notes_search", json!({}))), ["of Alice"]);
    assert_eq!(titles(&host.call(&bob, "notes_search", json!({}))), ["of Bob"]);
    // Whoever has another's key has nothing: it is answered as one that never was.
    let answers =
        [id.clone(), json!(id.as_str().expect("text").replace(|c: char| c.is_ascii_digit(), "0"))].map(|id| {
            let answer = host.call(&bob, "notes_read", json!({ "id": id }));
            assert_eq!(answer.json()["result"]["isError"], true, "{}", answer.text());
            answer.text().replace(id.as_str().expect("text"), "ID")
        });
    assert_eq!(answers[0], answers[1]);
    // The same person with another client is the same person.
    let other = host.token("alice", "notes:read");
    assert_eq!(titles(&host.call(&other, "notes_search", json!({}))), ["of Alice"]);
}

#[test]
fn au_08_a_confirmation_of_one_person_confirms_nothing_for_another() {
    let host = notes();
    let [alice, bob] = ["alice", "bob"].map(|user| host.token(user, ALL));
    let id = created(&host, &alice, "of Alice");
    let offered = result(&host.call(&alice, "notes_delete", json!({ "id": id })));
    let confirmation = offered["structuredContent"]["confirmation"].clone();
    assert!(confirmation.is_string(), "{offered}");
    let arguments = json!({ "id": id, "confirmation": confirmation });
    let refused = host.call(&bob, "notes_delete", arguments.clone()).json()["result"].clone();
    assert_eq!(refused["isError"], true, "{refused}");
    assert!(text(&refused).contains("confirmation"), "{refused}");
    // It was not used up by that, and is still good for the one it is of.
    result(&host.call(&alice, "notes_delete", arguments));
    assert_eq!(titles(&host.call(&alice, "notes_search", json!({}))), [""; 0]);
}

/// A call that asks its person a question in the modern way, and goes on with an answer.
#[test]
fn au_08_a_sealed_state_of_one_person_is_none_for_another() {
    let host = notes();
    let [alice, bob] = ["alice", "bob"].map(|user| host.token(user, ALL));
    let id = created(&host, &alice, "of Alice");
    let asks = json!({ "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } } });
    let params = json!({ "name": "notes_delete", "arguments": { "id": id }, "_meta": asks });
    let asked = result(&host.answer(&alice, "tools/call", params.clone()));
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let question = asked["inputRequests"].as_object().and_then(|all| all.keys().next()).expect("a question").clone();
    let mut going_on = params;
    going_on["requestState"] = asked["requestState"].clone();
    going_on["inputResponses"] = json!({ question: { "action": "accept", "content": { "confirm": true } } });
    let refused = host.answer(&bob, "tools/call", going_on.clone()).json();
    assert!(refused["error"].is_object() || refused["result"]["isError"] == true, "{refused}");
    assert_eq!(titles(&host.call(&alice, "notes_search", json!({}))), ["of Alice"], "nothing was deleted");
    result(&host.answer(&alice, "tools/call", going_on));
    assert_eq!(titles(&host.call(&alice, "notes_search", json!({}))), [""; 0]);
}

#[test]
fn au_08_a_cursor_of_one_person_is_none_for_another() {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    let host = setup.section("[http]\npage_size = 2").serve();
    let [alice, bob] = ["alice", "bob"].map(|user| host.token(user, ALL));
    let cursor = result(&host.answer(&alice, "tools/list", json!({})))["nextCursor"].clone();
    assert!(cursor.is_string());
    let refused = host.answer(&bob, "tools/list", json!({ "cursor": cursor })).json();
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let next = result(&host.answer(&alice, "tools/list", json!({ "cursor": cursor })));
    assert_eq!(next["tools"].as_array().map(Vec::len), Some(2), "{next}");
}

/// The session of an older revision says what a client can do, never who it is.
#[test]
fn au_08_a_session_of_one_person_is_no_sign_in_for_another() {
    let host = notes();
    let [alice, bob] = ["alice", "bob"].map(|user| host.token(user, ALL));
    created(&host, &alice, "of Alice");
    let capabilities = json!({ "elicitation": {} });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "t", "version": "0" } });
    let begun = host.served.client(Era::Legacy).with_token(&alice).send("initialize", params).expect("it answers");
    let session = begun.header("mcp-session-id").map(str::to_owned).expect("a client that can be asked has a session");
    let search = json!({ "name": "notes_search", "arguments": {} });
    let with = |token: Option<&str>| {
        let client = host.served.client(Era::Legacy).with_header(format!("Mcp-Session-Id: {session}"));
        let mut client = match token {
            Some(token) => client.with_token(token),
            None => client,
        };
        client.send("tools/call", search.clone()).expect("it answers")
    };
    assert_eq!(titles(&with(Some(&alice))), ["of Alice"]);
    assert_eq!(with(None).status, 401, "a session is not authentication");
    let of_bob = with(Some(&bob));
    assert!(of_bob.status != 200 || titles(&of_bob).is_empty(), "{}", of_bob.text());
}

#[test]
fn au_08_nothing_in_a_request_says_who_calls_but_the_token() {
    let host = notes();
    let [alice, bob] = ["alice", "bob"].map(|user| host.token(user, ALL));
    created(&host, &alice, "of Alice");
    let issuer = host.provider.issuer();
    for line in [
        "X-Forwarded-User: alice".to_owned(),
        "X-User: alice".to_owned(),
        format!("X-Forwarded-Access-Token: {alice}"),
        format!("Cookie: access_token={alice}"),
        format!("Forwarded: for=\"{issuer}#alice\""),
    ] {
        let answer =
            host.client(&bob).with_header(&line).send("tools/call", json!({ "name": "notes_search", "arguments": {} }));
        assert_eq!(titles(&answer.expect("it answers")), [""; 0], "{line}");
    }
    let meta = json!({ "sub": "alice", "openai/subject": "alice", "portcullis/principal": "alice" });
    let answer = host.answer(&bob, "tools/call", json!({ "name": "notes_search", "arguments": {}, "_meta": meta }));
    assert_eq!(titles(&answer), [""; 0]);
}

/// Fails without: `access`.
#[test]
fn au_06_a_tool_of_another_group_is_not_there() {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    setup.provider().account("alice", &["analysts", "staff"]);
    setup.provider().account("bob", &["staff", "analyst"]);
    let host = setup.section("[access]\ntables = [\"analysts\"]").serve();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|user| host.token(user, ALL));
    let listed = |token: &str| {
        let tools = host.client(token).tools();
        tools.iter().filter(|tool| tool["name"].as_str().is_some_and(|name| name.starts_with("tables_"))).count()
    };
    assert_eq!([&alice, &bob, &carol].map(|token| listed(token)), [3, 0, 0]);
    let arguments = json!({ "csv": "a,b\n1,2\n" });
    result(&host.call(&alice, "tables_describe", arguments.clone()));
    for token in [&bob, &carol] {
        // The same bytes but for the name: nobody finds out what there is.
        let [hidden, unknown] = ["tables_describe", "tables_describf"].map(|name| {
            let answer = host.call(token, name, arguments.clone());
            let mut headers = answer.headers.clone();
            headers.retain(|(name, _)| name != "date");
            let mut said: Value = serde_json::from_str(&answer.text().replace(name, "NAME")).expect("JSON");
            // Each call has an id of its own.
            said["error"]["data"]["correlation"].take();
            (answer.status, headers, said)
        });
        assert_eq!(hidden, unknown);
    }
    assert_eq!(host.home.ended_calls("tables_describe").len(), 1);
}

#[test]
fn au_08_a_confirmation_from_before_a_restart_is_still_of_one_person() {
    let host = notes();
    let [alice, bob] = ["alice", "bob"].map(|user| host.token(user, ALL));
    let id = created(&host, &alice, "of Alice");
    let offered = result(&host.call(&alice, "notes_delete", json!({ "id": id })));
    let arguments = json!({ "id": id, "confirmation": offered["structuredContent"]["confirmation"] });
    let host = host.restarted();
    let refused = host.call(&bob, "notes_delete", arguments.clone()).json();
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    result(&host.call(&alice, "notes_delete", arguments));
}
