//! A host that lets some tools be called without sign-in: an approver said which, and the operator that it may be so.

use portcullis_tests::{Answer, Era, Home, Setup, SignedIn, plugin};
use serde_json::{Value, json};

use super::{challenge, parameter, parameters, result, titles};

const TABLE: &str = "a,b\n1,2\n3,4\n";

/// `tables_describe` may be called by everybody, where the operator lets it.
fn mixed(operator: bool) -> SignedIn {
    let home = Home::new();
    home.publish(&plugin("plugins/notes"));
    home.must(["publish".as_ref(), plugin("plugins/tables").as_os_str()]);
    home.must(["approve", "tables@0.1.0", "--without-sign-in", "tables_describe"]);
    let setup = Setup::new(home);
    let lines = if operator { "without_sign_in = true" } else { "" };
    setup.authentication(lines).serve()
}

fn anonymous(host: &SignedIn, params: Value) -> Answer {
    host.served.client(Era::Modern).send("tools/call", params).expect("it answers")
}

fn called(tool: &str) -> Value {
    let arguments = if tool.starts_with("tables_") { json!({ "csv": TABLE }) } else { json!({}) };
    json!({ "name": tool, "arguments": arguments })
}

#[test]
fn who_has_not_signed_in_calls_what_was_approved_for_that_and_nothing_else() {
    let host = mixed(true);
    for era in [Era::Modern, Era::Legacy] {
        let listed = host.served.client(era).tools();
        assert!(listed.len() >= 7, "what needs sign-in is listed, too: {listed:?}");
    }
    let described = result(&anonymous(&host, called("tables_describe")));
    assert!(described["structuredContent"].is_object());
    for tool in ["notes_search", "tables_filter", "notes_create"] {
        let answer = anonymous(&host, called(tool));
        assert_eq!(answer.status, 401, "{tool}: {}", answer.text());
        let found = challenge(&answer);
        assert!(parameter(&found, "resource_metadata").contains("oauth-protected-resource"), "{tool}");
    }
    assert_eq!(host.home.ended_calls("tables_filter"), Vec::<Value>::new());
    // Who signs in after that has everything.
    let token = host.token("alice", "notes:read");
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0]);
    // A token that is none is not nobody.
    super::refused(&host.call("not.a.token", "tables_describe", json!({ "csv": TABLE })));
}

/// ChatGPT links an account on a result that asks for it, and on nothing else.
#[test]
fn a_client_that_links_accounts_on_results_is_asked_by_one() {
    let host = mixed(true);
    let mut params = called("notes_search");
    params["_meta"] = json!({ "openai/userAgent": "ChatGPT", "openai/locale": "en" });
    let answer = anonymous(&host, params.clone());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let asked = answer.json()["result"].clone();
    assert_eq!(asked["isError"], true, "{asked}");
    let challenge = match &asked["_meta"]["mcp/www_authenticate"] {
        Value::Array(all) => all[0].clone(),
        one => one.clone(),
    };
    let found = parameters(challenge.as_str().unwrap_or_else(|| panic!("no challenge: {asked}")));
    assert_eq!(parameter(&found, "error"), "invalid_token");
    assert!(!parameter(&found, "error_description").is_empty());
    assert!(parameter(&found, "resource_metadata").contains("oauth-protected-resource"));
    // The same for scopes.
    params["name"] = "notes_create".into();
    params["arguments"] = json!({ "title": "a", "body": "" });
    let token = host.token("alice", "notes:read");
    let asked = host.answer(&token, "tools/call", params).json()["result"].clone();
    let challenge =
        asked["_meta"]["mcp/www_authenticate"][0].as_str().unwrap_or_else(|| panic!("no challenge: {asked}"));
    let found = parameters(challenge);
    assert_eq!((parameter(&found, "error"), parameter(&found, "scope")), ("insufficient_scope", "notes:write"));
}

#[test]
fn tools_say_how_they_may_be_called() {
    let host = mixed(true);
    let tools = host.served.client(Era::Modern).tools();
    let schemes = |name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(tool["securitySchemes"], tool["_meta"]["securitySchemes"], "{tool}");
        tool["securitySchemes"].clone()
    };
    let create = schemes("notes_create");
    assert_eq!(create, json!([{ "type": "oauth2", "scopes": ["notes:write"] }]));
    let kinds: Vec<_> = schemes("tables_describe").as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert!(kinds.contains(&json!("noauth")) && kinds.contains(&json!("oauth2")), "{kinds:?}");
}

#[test]
fn an_approval_without_sign_in_is_nothing_where_the_operator_does_not_let_it() {
    let host = mixed(false);
    let answer = anonymous(&host, called("tables_describe"));
    assert_eq!(answer.status, 401, "{}", answer.text());
    let token = host.token("alice", "notes:read");
    result(&host.call(&token, "tables_describe", json!({ "csv": TABLE })));
}

#[test]
fn nobody_approves_without_sign_in_what_keeps_something_for_a_person() {
    let home = Home::new();
    home.must(["publish".as_ref(), plugin("plugins/notes").as_os_str()]);
    for tool in ["notes_search", "notes_create", "search", "no_such_tool"] {
        let ran = home.run(["approve", "notes@0.1.0", "--without-sign-in", tool]);
        assert_ne!(ran.code, 0, "{tool}: {}", ran.stdout);
        assert!(ran.stderr.contains(tool.trim_start_matches("notes_")), "{}", ran.stderr);
    }
}
