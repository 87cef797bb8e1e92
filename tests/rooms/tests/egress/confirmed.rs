//! Previews do nothing, and a confirmation is for one call, once.

use serde_json::{Value, json};

use crate::{World, call, client, text};

fn closes(world: &World) -> usize {
    world.outside.heard().iter().filter(|heard| heard.path.ends_with("/close")).count()
}

/// Fails if a preview resolves, connects or sends, or leaves out what it would have sent.
#[test]
fn wr_05_a_preview_connects_to_nothing_and_lists_what_it_would_do() {
    let world = World::open();
    let mut client = client(&world);
    let preview = json!({ "_meta": { "portcullis/preview": true } });
    let arguments = json!({ "title": "No light", "body": "x", "priority": "low" });
    let result = call(&mut client, "tickets_create", &arguments, preview.clone());
    let told = &result["structuredContent"]["preview"];
    assert_eq!(told["whole"], true, "{result}");
    let [effect] = &told["effects"].as_array().expect("effects are listed")[..] else { panic!("{told}") };
    assert_eq!(effect["effect"], "egress.send");
    assert_eq!((&effect["method"], &effect["path"]), (&json!("POST"), &json!("/v1/tickets")));
    assert_eq!(effect["origin"], "https://tickets.test:8443");
    assert!(text(&result).contains(r#"POST to https://tickets.test:8443, path "/v1/tickets""#), "{result}");
    assert!(result["structuredContent"]["confirmation"].is_null(), "nothing is to be confirmed: {result}");

    assert_eq!(world.outside.connections(), 0);
    assert!(world.egress_rows().is_empty(), "no attempt was made");
    assert_eq!(world.home.ended_calls("tickets_create")[0]["class"], "preview");

    // One that can't write is its own preview.
    let result = call(&mut client, "tickets_search", &json!({}), preview);
    assert_eq!(result["structuredContent"]["total"], 2, "{result}");
}

/// Fails if the confirmation is not bound to tool and arguments, or is not used up.
#[test]
fn wr_05_what_is_destructive_is_previewed_confirmed_and_done_once() {
    let world = World::open();
    let seven = json!({ "id": 1, "reason": "It runs again" });
    let preview = world.structured("tickets_close", seven.clone());
    assert_eq!(preview["preview"]["effects"][0]["path"], "/v1/tickets/1/close", "{preview}");
    assert_eq!(world.outside.connections(), 0);
    let confirmation = preview["confirmation"].as_str().expect("there is something to confirm with").to_owned();
    let with = |mut arguments: Value| {
        arguments["confirmation"] = json!(confirmation);
        arguments
    };

    // Other arguments, or another tool: nothing is done, and the confirmation is not used up by the attempt.
    for arguments in [json!({ "id": 2, "reason": "It runs again" }), json!({ "id": 1 })] {
        let refused = world.served.call("tickets_close", with(arguments));
        assert!(refused["structuredContent"]["state"].is_null(), "{refused}");
        assert_eq!(world.outside.connections(), 0, "{refused}");
    }
    let closed = world.structured("tickets_close", with(seven.clone()));
    assert_eq!(closed, json!({ "id": 1, "state": "closed" }));
    assert_eq!(closes(&world), 1);
    let [heard] = &world.outside.heard()[..] else { panic!("{:?}", world.outside.heard()) };
    assert_eq!(heard.body, br#"{"reason":"It runs again"}"#);

    // A second use does nothing.
    let again = world.served.call("tickets_close", with(seven));
    assert!(again["structuredContent"]["state"].is_null(), "{again}");
    assert_eq!(closes(&world), 1);
    assert_eq!(world.structured("tickets_read", json!({ "id": 1 }))["state"], "closed");
}

/// Fails without the seal.
#[test]
fn wr_05_a_confirmation_that_was_changed_is_none() {
    let world = World::open();
    let preview = world.structured("tickets_close", json!({ "id": 1 }));
    let confirmation = preview["confirmation"].as_str().expect("there is something to confirm with");
    let (head, last) = confirmation.split_at(confirmation.len() - 1);
    let changed = format!("{head}{}", if last == "A" { "B" } else { "A" });
    for wrong in [json!(changed), json!(""), json!("x".repeat(5000)), json!(1), json!(null)] {
        let refused = world.served.call("tickets_close", json!({ "id": 1, "confirmation": wrong }));
        assert!(refused["structuredContent"]["state"].is_null(), "{wrong}: {refused}");
    }
    assert_eq!(world.outside.connections(), 0);
}

/// Fails if any answer but a yes counts as one.
#[test]
fn wr_05_a_person_who_can_be_asked_confirms_and_one_who_declines_is_believed() {
    let world = World::open();
    let mut client = client(&world);
    let meta = json!({ "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} } });
    for (answer, closed) in [
        (json!({ "action": "decline" }), 0),
        (json!({ "action": "accept", "content": { "confirm": false } }), 0),
        (json!({ "action": "accept", "content": { "confirm": true } }), 1),
    ] {
        let asked = call(&mut client, "tickets_close", &json!({ "id": 2 }), json!({ "_meta": meta }));
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let message = asked["inputRequests"]["confirm"]["params"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(r#"POST to https://tickets.test:8443, path "/v1/tickets/2/close""#), "{asked}");
        let more =
            json!({ "_meta": meta, "inputResponses": { "confirm": answer }, "requestState": asked["requestState"] });
        call(&mut client, "tickets_close", &json!({ "id": 2 }), more);
        assert_eq!(closes(&world), closed, "{answer}");
    }
}
