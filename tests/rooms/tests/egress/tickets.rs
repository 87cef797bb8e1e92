//! plugins/tickets does what it is for, and what it did is on record.

use std::fs;

use portcullis_tests::{Home, TicketServer, plugin, root};
use serde_json::json;

use crate::{World, call, client, text};

#[test]
fn tickets_are_found_read_created_and_commented() {
    let world = World::open();
    let found = world.structured("tickets_search", json!({ "query": "LIFT" }));
    assert_eq!((found["total"].as_u64(), found["tickets"][0]["id"].as_u64()), (Some(1), Some(1)), "{found}");

    let new =
        json!({ "title": "No light", "body": "In the cellar & the attic", "priority": "low", "labels": ["house"] });
    let created = world.structured("tickets_create", new);
    assert_eq!(created, json!({ "id": 3, "title": "No light", "priority": "low" }));
    world.served.call("tickets_comment", json!({ "id": 3, "body": "Since Monday: 100 % dark" }));

    let read = world.structured("tickets_read", json!({ "id": 3 }));
    assert_eq!((&read["body"], &read["state"]), (&json!("In the cellar & the attic"), &json!("open")));
    assert_eq!(read["comments"][0]["body"], "Since Monday: 100 % dark");
    assert_eq!(world.structured("tickets_search", json!({ "query": "a & b?" }))["total"], 0);
    assert!(world.failed("tickets_read", json!({ "id": 99 })).contains("There is no ticket 99"));
}

/// Fails if an attempt is not told to the audit, or told with its query; or if a write is sent before its intent is kept.
#[test]
fn eg_34_every_request_stands_in_the_audit_under_its_call() {
    let world = World::open();
    world.structured("tickets_search", json!({ "query": "nobody else needs to know this" }));
    world.structured("tickets_create", json!({ "title": "No light", "body": "nor this", "priority": "low" }));
    let rows = world.audit();
    let egress: Vec<_> = rows.iter().filter(|row| row["kind"] == "egress").collect();
    let [search, create] = &egress[..] else { panic!("{egress:#?}") };
    for (row, tool, effect, request) in [
        (search, "tickets_search", "read", "GET https://tickets.test:8443/v1/tickets at 127."),
        (create, "tickets_create", "write", "POST https://tickets.test:8443/v1/tickets at 127."),
    ] {
        assert_eq!((&row["tool"], &row["class"], &row["effect"]), (&json!(tool), &json!("answered"), &json!(effect)));
        let detail = row["detail"].as_str().expect("a detail is text");
        assert!(detail.starts_with(request) && detail.contains(" bytes out, "), "{detail}");
        let of_call = rows.iter().filter(|other| other["correlation"] == row["correlation"]);
        assert!(of_call.clone().any(|row| row["kind"] != "egress" && row["class"] == "ok"), "{rows:#?}");
    }
    // A write's intent is durable before anything leaves; and neither query nor body is written down.
    let intent = rows.iter().find(|row| row["kind"] == "intent" && row["correlation"] == create["correlation"]);
    let before = intent.and_then(|row| row["seq"].as_i64()).expect("a write has an intent");
    assert!(before < create["seq"].as_i64().expect("a row has a number"));
    let all = world.home.must(["audit", "--json", "--limit", "10000"]);
    assert!(!all.contains("nobody else") && !all.contains("nor this") && !all.contains("query="), "{all}");
}

#[test]
fn what_the_plugin_needs_to_know_is_asked_of_the_person() {
    let world = World::open();
    let mut client = client(&world);
    let arguments = json!({ "title": "No light", "body": "In the cellar" });
    let meta = json!({ "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} } });
    let asked = call(&mut client, "tickets_create", &arguments, json!({ "_meta": meta }));
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let question = &asked["inputRequests"]["urgency"]["params"];
    assert!(question["message"].as_str().is_some_and(|text| text.contains("tickets_create")), "{asked}");
    assert_eq!(question["requestedSchema"]["properties"]["priority"]["enum"], json!(["low", "normal", "high"]));
    assert_eq!(world.outside.connections(), 0, "nothing is sent before the answer");

    let answered = json!({ "urgency": { "action": "accept", "content": { "priority": "high" } } });
    let more = json!({ "_meta": meta, "inputResponses": answered, "requestState": asked["requestState"] });
    let created = call(&mut client, "tickets_create", &arguments, more.clone());
    assert_eq!(created["structuredContent"], json!({ "id": 3, "title": "No light", "priority": "high" }), "{created}");

    // Once: who sends the same answer again creates nothing.
    let params = json!({ "name": "tickets_create", "arguments": arguments, "_meta": meta,
        "inputResponses": more["inputResponses"], "requestState": more["requestState"] });
    let again = client.send("tools/call", params).expect("an answer").json();
    assert!(again["error"].is_object() || again["result"]["isError"] == true, "{again}");
    assert_eq!(world.outside.heard().len(), 1);
}

#[test]
fn who_can_not_be_asked_is_told_what_to_give() {
    let world = World::open();
    let failed = world.failed("tickets_create", json!({ "title": "No light", "body": "In the cellar" }));
    assert!(failed.contains("arguments"), "{failed}");
    assert_eq!(world.outside.connections(), 0);
}

/// Fails if publishing holds labels against what the manifest says, and not against the operator's boundary.
#[test]
fn wx_03_a_tool_that_reads_outside_the_boundary_is_not_published_as_one_that_reads() {
    let outside = TicketServer::start();
    let without = outside.configuration().replace("inside = [\"https://tickets.test:8443\"]", "inside = []");
    let home = Home::configured(format!("four_eyes = false\n\n{without}"));
    let ran = home.run(["publish".into(), "--approve".into(), plugin("plugins/tickets").into_os_string()]);
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stderr.contains("[boundary]") && ran.stderr.contains("https://tickets.test:8443"), "{}", ran.stderr);
}

/// Fails without the check of resolved addresses, which here come from the configuration itself.
#[test]
fn eg_03_an_address_that_is_not_public_is_reached_only_where_the_operator_lists_it() {
    let outside = TicketServer::start();
    let configuration = outside.configuration();
    let (before, after) = configuration.split_once("[[egress.private]]").expect("the configuration has the section");
    let (_, secrets) = after.split_once("[secrets]").expect("the configuration has the section");
    let home = Home::configured(format!("four_eyes = false\n\n{before}[secrets]{secrets}"));
    home.publish(&plugin("plugins/tickets"));
    let served = home.serve();
    let result = served.call("tickets_search", json!({}));
    assert!(result["isError"] == true && text(&result).contains("not public"), "{result}");
    assert!(!text(&result).contains("127."), "the operator's addresses are not the model's business: {result}");
    assert_eq!(outside.connections(), 0);
}

#[test]
fn the_configuration_of_the_example_is_one_that_works() {
    let outside = TicketServer::start();
    let example = fs::read_to_string(root().join("examples/tickets/portcullis.toml")).expect("the example is there");
    assert!(example.contains("\"127.0.0.1\"") && example.contains("\"127.0.0.1/32\""), "{example}");
    let home = Home::configured(example.replace("127.0.0.1", &outside.address().ip().to_string()));
    // The host is started in the folder of its configuration, as the example says.
    let here = home.config();
    let here = here.parent().expect("a file is in a folder");
    for file in ["authority.pem", "tickets.token"] {
        fs::copy(outside.folder().join(file), here.join(file)).expect("a file can be copied");
    }
    home.publish(&plugin("plugins/tickets"));
    let found = home.serve().call("tickets_search", json!({ "query": "lift" }));
    assert_eq!(found["structuredContent"]["total"], 1, "{found}");
}
