//! Previews and confirmations through the whole host: what is shown is what is done, once, for whom it was shown (catalogue
//! WR-05). Real clients do the same in `clients`.

use portcullis_tests::{Era, Home, plugin};
use serde_json::{Value, json};

fn ids(found: &Value) -> Vec<String> {
    let notes = found["structuredContent"]["notes"].as_array().expect("notes are listed");
    notes.iter().map(|note| note["id"].as_str().expect("a note has an id").to_owned()).collect()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().expect("a text")
}

/// Fails without: `Effects::ask` answering `Record` in a preview.
#[test]
fn wr_05_a_preview_lists_what_a_call_would_do_and_leaves_nothing() {
    let home = Home::with([plugin("plugins/notes")]);
    let served = home.serve();
    for era in [Era::Modern, Era::Legacy] {
        let mut client = served.client(era);
        let arguments = json!({ "title": "Milk", "body": "two litres" });
        let result = client.preview("notes_create", arguments);
        assert!(result["isError"].is_null(), "{result}");
        let preview = &result["structuredContent"]["preview"];
        assert_eq!(preview["whole"], true);
        let effects = preview["effects"].as_array().unwrap();
        assert_eq!(effects.len(), 1, "{effects:?}");
        assert_eq!((&effects[0]["effect"], &effects[0]["capability"]), (&json!("kv.set"), &json!("notebook")));
        assert!(effects[0]["value"]["bytes"].as_u64().unwrap() > 10, "{effects:?}");
        assert!(text(&result).starts_with("Preview of `notes_create`: nothing was done."), "{result}");
        assert_eq!(ids(&client.call("notes_search", json!({}))), [""; 0]);
    }
    let classes: Vec<_> = home.ended_calls("notes_create").iter().map(|row| row["class"].clone()).collect();
    assert_eq!(classes, ["preview", "preview"]);
}

#[test]
fn wr_05_a_command_shows_a_preview_and_does_what_it_showed() {
    let home = Home::with([plugin("plugins/notes")]);
    let created: Value =
        serde_json::from_str(&home.must(["call", "notes_create", r#"{"title":"a","body":"b"}"#, "--json"])).unwrap();
    let id = json!({ "id": created["structured"]["id"] }).to_string();
    let shown: Value = serde_json::from_str(&home.must(["call", "notes_delete", &id, "--preview", "--json"])).unwrap();
    assert!(shown["structured"]["preview"].is_object() && shown["structured"]["confirmation"].is_null(), "{shown}");
    let offered: Value = serde_json::from_str(&home.must(["call", "notes_delete", &id, "--json"])).unwrap();
    let confirmation = offered["structured"]["confirmation"].as_str().expect("a confirmation").to_owned();
    let kept: Value = serde_json::from_str(&home.must(["call", "notes_search", "--json"])).unwrap();
    assert_eq!(kept["structured"]["notes"].as_array().unwrap().len(), 1, "nothing was done yet");
    let done: Value =
        serde_json::from_str(&home.must(["call", "notes_delete", &id, "--confirm", &confirmation, "--json"])).unwrap();
    assert_eq!(done["structured"]["id"], created["structured"]["id"]);
}

/// Fails without: `Store::confirm` deleting what it gives, and `Binding`.
#[test]
fn wr_05_a_confirmation_is_used_once_and_for_its_own_arguments() {
    let home = Home::with([plugin("plugins/notes")]);
    let served = home.serve();
    let mut client = served.client(Era::Modern);
    let note = |client: &mut portcullis_tests::Mcp, title: &str| {
        client.call("notes_create", json!({ "title": title, "body": "" }))["structuredContent"]["id"].clone()
    };
    let (one, other) = (note(&mut client, "one"), note(&mut client, "other"));
    let offered = client.call("notes_delete", json!({ "id": one }));
    let confirmation = offered["structuredContent"]["confirmation"].clone();
    // For something else it is refused, and not used up.
    let refused = client.call("notes_delete", json!({ "id": other, "confirmation": confirmation }));
    assert_eq!(refused["isError"], true);
    assert!(text(&refused).contains("for other arguments"), "{refused}");
    // Changed, it is none.
    let mut changed = confirmation.as_str().unwrap().to_owned().into_bytes();
    let last = changed.len() - 2;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let refused = client.call("notes_delete", json!({ "id": one, "confirmation": changed }));
    assert_eq!(refused["isError"], true);
    assert_eq!(ids(&client.call("notes_search", json!({}))).len(), 2, "nothing was done");
    let done = client.call("notes_delete", json!({ "id": one, "confirmation": confirmation }));
    assert!(done["isError"].is_null(), "{done}");
    let refused = client.call("notes_delete", json!({ "id": one, "confirmation": confirmation }));
    assert!(text(&refused).contains("used already"), "{refused}");
    assert_eq!(ids(&client.call("notes_search", json!({}))).len(), 1);
}

/// Fails without: the comparison in `Effects::ask` of a confirmed run.
#[test]
fn wr_05_a_call_that_would_do_something_else_by_now_is_shown_anew() {
    let home = Home::with([plugin("plugins/notes")]);
    let served = home.serve();
    let mut client = served.client(Era::Modern);
    let id = client.call("notes_create", json!({ "title": "a", "body": "" }))["structuredContent"]["id"].clone();
    let offered = client.call("notes_delete", json!({ "id": id }));
    let confirmation = offered["structuredContent"]["confirmation"].clone();
    // Somebody else deletes it meanwhile: then the call fails by itself, and does nothing.
    client.call_confirmed("notes_delete", json!({ "id": id }));
    let failed = client.call("notes_delete", json!({ "id": id, "confirmation": confirmation }));
    assert_eq!(failed["isError"], true, "{failed}");
}

#[test]
fn wr_05_of_many_who_confirm_at_once_one_is_heard() {
    let home = Home::with([plugin("plugins/notes")]);
    let served = home.serve();
    let mut client = served.client(Era::Modern);
    let id = client.call("notes_create", json!({ "title": "a", "body": "" }))["structuredContent"]["id"].clone();
    let offered = client.call("notes_delete", json!({ "id": id }));
    let confirmed = json!({ "id": id, "confirmation": offered["structuredContent"]["confirmation"] });
    let results: Vec<Value> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let (served, confirmed) = (&served, confirmed.clone());
                scope.spawn(move || served.client(Era::Legacy).call("notes_delete", confirmed))
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| result["isError"].is_null()).count(), 1, "{results:?}");
}

#[test]
fn wr_05_an_operator_can_have_any_tool_that_writes_confirmed_and_by_a_person() {
    let home = Home::with([plugin("plugins/notes")]);
    home.configure("[confirmation]\npreview = [\"notes_create\"]\nperson = [\"notes_delete\"]\n");
    let served = home.serve();
    let mut client = served.client(Era::Modern);
    let tools = client.tools();
    let schema = |name: &str| tools.iter().find(|tool| tool["name"] == name).unwrap()["inputSchema"].clone();
    assert!(schema("notes_create")["properties"]["confirmation"].is_object());
    assert!(schema("notes_delete")["properties"]["confirmation"].is_null(), "no argument stands for a person");
    assert!(schema("notes_read")["properties"]["confirmation"].is_null());
    let note = client.call_confirmed("notes_create", json!({ "title": "a", "body": "" }));
    let id = note["structuredContent"]["id"].clone();
    let refused = client.call("notes_delete", json!({ "id": id }));
    assert!(text(&refused).contains("only when a person has agreed"), "{refused}");
    assert_eq!(ids(&client.call("notes_search", json!({}))).len(), 1);
}
