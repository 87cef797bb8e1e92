//! `server/discover`, `initialize` and the lists.

use RefusalRule as Rule;

use portcullis_backend::ListKind;

use super::*;
use crate::testing::assert_valid;

fn names(result: &Value) -> Vec<String> {
    let tools = result["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn page(cursor: &Value) -> Sent {
    match cursor {
        Value::Null => Sent::modern("tools/list", json!({})),
        cursor => Sent::modern("tools/list", json!({ "cursor": cursor })),
    }
}

#[tokio::test]
async fn discover_says_what_is_served_and_nothing_else() {
    let server = Server::start(Echo::new()).await;
    let result = server.result(&Sent::modern("server/discover", json!({}))).await;
    let expected = json!({
        "resultType": "complete",
        "supportedVersions": ["2026-07-28", "2025-11-25", "2025-06-18"],
        "capabilities": {
            "tools": { "listChanged": true },
            "resources": { "subscribe": true, "listChanged": true },
            "prompts": { "listChanged": true },
            "completions": {},
            "logging": {},
            "extensions": { "io.modelcontextprotocol/tasks": {} },
        },
        "instructions": "Use \"echo\" to echo.",
        "ttlMs": 300_000,
        "cacheScope": "private",
        "_meta": { "io.modelcontextprotocol/serverInfo":
            { "name": "portcullis", "title": "Portcullis", "version": "9.8.7" } },
    });
    assert_valid("2026-07-28", "DiscoverResult", &result);
    assert_eq!(result, expected);
}

#[tokio::test]
async fn initialize_offers_the_asked_revision_or_the_newest_legacy_one() {
    let server = Server::start(Echo::new()).await;
    let asked = [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
        ("nonsense", "2025-11-25"),
    ];
    for (asked, offered) in asked {
        let params =
            json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let sent = Sent::legacy("initialize", &params);
        let expected = json!({
            "protocolVersion": offered,
            "capabilities": {
                "tools": { "listChanged": true },
                "resources": { "subscribe": true, "listChanged": true },
                "prompts": { "listChanged": true },
                "completions": {},
                "logging": {},
            },
            "serverInfo": { "name": "portcullis", "title": "Portcullis", "version": "9.8.7" },
            "instructions": "Use \"echo\" to echo.",
        });
        assert_eq!(server.result(&sent).await, expected, "{asked}");
        // Whatever the header says: the version is negotiated in the body.
        assert_eq!(server.result(&sent.with("MCP-Protocol-Version", asked)).await, expected, "{asked}");
    }
    server.refuses(&Sent::legacy("initialize", &json!({})), 200, -32602, Rule::Params).await;
    server.refuses(&Sent::legacy("initialize", &json!({ "protocolVersion": 1 })), 200, -32602, Rule::Params).await;
}

#[tokio::test]
async fn notifications_are_accepted_without_a_body_and_answers_to_nothing_are_refused() {
    let server = Server::start(Echo::new()).await;
    let modern =
        Sent::modern("notifications/x", json!({})).edit(|message| drop(message.as_object_mut().unwrap().remove("id")));
    // A request without an id is a notification: nothing is run.
    let call = Sent::legacy("tools/call", &json!({ "name": "echo" }));
    let accepted = [
        Sent::message(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })),
        Sent::message(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } })),
        Sent::message(&json!({ "jsonrpc": "2.0", "error": { "code": 1, "message": "" } })),
        call.edit(|message| drop(message.as_object_mut().unwrap().remove("id"))),
        modern,
    ];
    for sent in accepted {
        let got = server.send(&sent).await;
        assert_eq!((got.status, got.body), (202, Vec::new()));
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
    let answer = Sent::message(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    server.refuses(&answer, 400, -32600, Rule::Message).await;
    server.refuses(&answer.with("MCP-Protocol-Version", "2026-07-28"), 400, -32600, Rule::Message).await;
}

#[tokio::test]
async fn mc_13_pages_hold_every_tool_once_and_in_order() {
    let all: Vec<String> = (0..10).map(|number| format!("tool_{number}")).collect();
    let server = Server::start(Echo::listing(3, all.clone())).await;
    let (mut cursor, mut seen, mut sizes) = (Value::Null, Vec::new(), Vec::new());
    loop {
        let mut result = server.result(&page(&cursor)).await;
        assert_eq!(result, server.result(&page(&cursor)).await, "the same question has the same answer");
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(60_000), &json!("private")));
        assert_eq!(result["resultType"], "complete");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portcullis");
        assert_eq!(result["tools"][0]["description"], "a tool\nfor tests");
        sizes.push(names(&result).len());
        seen.extend(names(&result));
        cursor = result["nextCursor"].take();
        if cursor.is_null() {
            assert_eq!(result.get("nextCursor").filter(|cursor| !cursor.is_null()), None);
            break;
        }
    }
    assert_eq!((seen, sizes), (all, vec![4, 4, 2]));
}

#[tokio::test]
async fn a_legacy_list_has_no_modern_members() {
    let server = Server::start(Echo::listing(3, ["a".to_owned()])).await;
    let result = server.result(&Sent::legacy("tools/list", &json!({}))).await;
    assert_eq!(result.as_object().unwrap().keys().collect::<Vec<_>>(), ["tools"]);
    let without_params = Sent::message(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    assert_eq!(server.result(&without_params).await, result);
}

#[tokio::test]
async fn a_list_without_tools_is_one_empty_page() {
    let server = Server::start(Echo::listing(0, [])).await;
    assert_eq!(server.result(&page(&Value::Null)).await["tools"], json!([]));
}

#[tokio::test]
async fn a_full_last_page_has_no_cursor() {
    let server = Server::start(Echo::listing(0, (0..4).map(|number| format!("t{number}")))).await;
    let result = server.result(&page(&Value::Null)).await;
    assert_eq!((names(&result).len(), result.get("nextCursor")), (4, None));
}

#[tokio::test]
async fn mc_13_cursors_that_were_changed_or_made_elsewhere_are_refused() {
    let tools = || (0..10).map(|number| format!("tool_{number}"));
    let server = Server::start(Echo::listing(3, tools())).await;
    let cursor = server.result(&page(&Value::Null)).await["nextCursor"].as_str().unwrap().to_owned();
    let mut bad: Vec<Value> =
        vec![json!(""), json!("A"), json!("!"), json!("dG9vbF8x"), json!(format!("{cursor}A")), json!(7)];
    for at in 0..cursor.len() {
        let other = if cursor.as_bytes()[at] == b'A' { "B" } else { "A" };
        bad.push(json!(format!("{}{other}{}", &cursor[..at], &cursor[at + 1..])));
    }
    for cursor in bad {
        server.refuses(&page(&cursor), 200, -32602, Rule::Params).await;
        server.refuses(&Sent::legacy("tools/list", &json!({ "cursor": cursor })), 200, -32602, Rule::Params).await;
    }
    // The same tools in another generation; and another key.
    let newer = Server::start(Echo::listing(4, tools())).await;
    let answer = newer.refuses(&page(&json!(cursor)), 200, -32602, Rule::Params).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("changed"), "{answer}");
    let other_key = |config: &mut HttpConfig| config.cursor_key = CursorKey::random();
    let foreign = Server::with(Echo::listing(3, tools()), other_key).await;
    foreign.refuses(&page(&json!(cursor)), 200, -32602, Rule::Params).await;
    // A replica with the same key and generation takes it.
    let replica = Server::start(Echo::listing(3, tools())).await;
    assert_eq!(names(&replica.result(&page(&json!(cursor))).await)[0], "tool_4");
}

#[tokio::test]
async fn mc_13_a_cursor_goes_on_after_its_tool_even_for_who_sees_other_tools() {
    let all = |keep: fn(&usize) -> bool| (0..10).filter(keep).map(|number| format!("tool_{number}"));
    let many = Server::start(Echo::listing(3, all(|_| true))).await;
    let few = Server::start(Echo::listing(3, all(|number| number % 2 == 1))).await;
    let cursor = many.result(&page(&Value::Null)).await["nextCursor"].clone();
    assert_eq!(names(&few.result(&page(&cursor)).await), ["tool_5", "tool_7", "tool_9"]);
}

#[tokio::test]
async fn au_08_a_cursor_is_good_for_the_principal_whose_list_it_was() {
    let tools = (0..10).map(|number| format!("tool_{number}"));
    let echo = Echo::listing(3, tools).with_principal("a", "ann").with_principal("b", "bob").without_sign_in();
    let server = Server::start(echo).await;
    let signed = |sent: Sent, token: &str| match token {
        "" => sent,
        token => sent.with("Authorization", &format!("Bearer {token}")),
    };
    let mut cursors = Vec::new();
    for token in ["a", "b", ""] {
        let cursor = server.result(&signed(page(&Value::Null), token)).await["nextCursor"].clone();
        assert!(cursor.is_string() && !cursors.contains(&cursor), "{cursor}");
        cursors.push(cursor);
    }
    for (of, cursor) in ["a", "b", ""].iter().zip(&cursors) {
        for token in ["a", "b", ""] {
            for sent in [page(cursor), Sent::legacy("tools/list", &json!({ "cursor": cursor }))] {
                let sent = signed(sent, token);
                if token == *of {
                    assert_eq!(names(&server.result(&sent).await)[0], "tool_4");
                } else {
                    let answer = server.refuses(&sent, 200, -32602, Rule::Params).await;
                    assert!(answer["error"]["message"].as_str().unwrap().contains("did not make that cursor"));
                }
            }
        }
    }
}

#[tokio::test]
async fn au_08_a_page_with_a_cursor_in_it_is_for_nobody_else() {
    for (tools, varies, scope) in [(3, false, "public"), (3, true, "private"), (5, false, "private")] {
        let echo = Echo::listing(3, (0..tools).map(|number| format!("tool_{number}")));
        let server = Server::start(if varies { echo } else { echo.the_same_for_all() }).await;
        let mut result = server.result(&page(&Value::Null)).await;
        assert_eq!(result["cacheScope"], scope);
        if tools > 4 {
            result = server.result(&page(&result["nextCursor"])).await;
            assert_eq!(result["cacheScope"], scope);
        }
    }
}

const LISTS: [(ListKind, &str, &str, &str, &str); 4] = [
    (ListKind::Tools, "tools/list", "tools", "name", "ListToolsResult"),
    (ListKind::Resources, "resources/list", "resources", "uri", "ListResourcesResult"),
    (
        ListKind::Templates,
        "resources/templates/list",
        "resourceTemplates",
        "uriTemplate",
        "ListResourceTemplatesResult",
    ),
    (ListKind::Prompts, "prompts/list", "prompts", "name", "ListPromptsResult"),
];

#[tokio::test]
async fn mc_13_every_list_comes_in_pages_whose_cursors_are_its_own() {
    let names: Vec<String> = (0..10).map(|number| format!("docs://tool_{number}")).collect();
    let server = Server::start(Echo::new()).await;
    for (kind, ..) in LISTS {
        server.backend.lists(kind, &names.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let mut cursors = Vec::new();
    for (_, method, member, key, definition) in LISTS {
        for revision in ["2026-07-28", "2025-11-25", "2025-06-18"] {
            let (mut seen, mut cursor) = (Vec::new(), Value::Null);
            loop {
                let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
                let modern = revision == "2026-07-28";
                let sent = if modern { Sent::modern(method, params) } else { Sent::legacy(method, &params) };
                let mut result = server.result(&sent).await;
                assert_valid(revision, definition, &result);
                assert_eq!(modern, result["ttlMs"] == 60_000 && result["cacheScope"] == "private", "{result}");
                let page = result[member].as_array().unwrap();
                seen.extend(page.iter().map(|item| item[key].as_str().unwrap().to_owned()));
                cursor = result["nextCursor"].take();
                match cursor.as_str() {
                    Some(cursor) => cursors.push((method, cursor.to_owned())),
                    None => break,
                }
            }
            assert_eq!(seen, names, "{method} {revision}");
        }
    }
    for (of, cursor) in &cursors {
        for (_, method, ..) in LISTS {
            let sent = Sent::modern(method, json!({ "cursor": cursor }));
            if method == *of {
                server.result(&sent).await;
            } else {
                server.refuses(&sent, 200, -32602, Rule::Params).await;
            }
        }
    }
    for (_, method, ..) in LISTS {
        for wrong in [json!(7), json!(null), json!({}), json!("")] {
            server.refuses(&Sent::modern(method, json!({ "cursor": wrong })), 200, -32602, Rule::Params).await;
        }
    }
}

#[tokio::test]
async fn a_list_is_never_an_answer_that_asks() {
    let server = Server::start(Echo::new()).await;
    for (_, method, member, ..) in LISTS {
        let sent = Sent::modern(method, json!({ "inputResponses": {}, "requestState": crate::testing::STATE }));
        let result = server.result(&sent).await;
        assert_eq!((&result["resultType"], result[member].is_array()), (&json!("complete"), true), "{result}");
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn two_lists_that_are_the_same_value_are_not_taken_for_one_another() {
    let server = Server::start(Echo::new()).await;
    for (kind, ..) in LISTS {
        server.backend.lists_as(kind, ListKind::Resources);
    }
    for (_, method, member, ..) in LISTS {
        let result = server.result(&Sent::modern(method, json!({}))).await;
        assert_eq!(result[member].as_array().map(Vec::len), Some(2), "{result}");
    }
}

/// Fails without the era in the table of methods in `Protocol::answer`.
#[tokio::test]
async fn mc_42_a_method_of_the_other_era_is_not_there_however_well_it_is_called() {
    let server = Server::start(Echo::new()).await;
    let uri = json!({ "uri": "docs://a" });
    for (method, params) in [
        ("ping", json!({})),
        ("logging/setLevel", json!({ "level": "info" })),
        ("resources/subscribe", uri.clone()),
        ("resources/unsubscribe", uri),
        ("initialize", json!({ "protocolVersion": "2025-11-25" })),
        ("resources/templates/read", json!({})),
        ("prompts/set", json!({})),
        ("completion/list", json!({})),
        ("subscriptions/list", json!({})),
        ("Resources/list", json!({})),
    ] {
        let answer = server.refuses(&Sent::modern(method, params), 404, -32601, Rule::UnknownMethod).await;
        assert_eq!(answer["id"], 1);
    }
    for method in ["subscriptions/listen", "resources/update", "prompts/lists"] {
        let sent = Sent::legacy(method, &json!({ "notifications": {} }));
        server.refuses(&sent, 200, -32601, Rule::UnknownMethod).await;
    }
}
