//! The connector of plugins/docs, as it is published: what it answers through the real program, and what its widget does in a real
//! browser, in the frame and under the policy that clients put it in.

#[path = "docs/pages.rs"]
mod pages;

use std::{fs, path::Path, process::Command};

use portcullis_tests::{Era, Home, Mcp, node, plugin, root};
use serde_json::{Value, json};

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];
const QUERY: &str = "How is a release approved?";

fn home() -> Home {
    Home::with([plugin("plugins/docs")])
}

fn result(client: &mut Mcp, method: &str, params: Value) -> Value {
    let answer = client.send(method, params).unwrap_or_else(|error| panic!("{method}: {error}")).json();
    assert!(answer["result"].is_object(), "{method}: {answer}");
    answer["result"].clone()
}

/// The structured answer, which is the same JSON as the one text.
fn both(answer: &Value) -> &Value {
    let content = answer["content"].as_array().expect("content");
    assert_eq!(content.len(), 1, "{answer}");
    let text: Value = serde_json::from_str(content[0]["text"].as_str().expect("a text")).expect("is JSON");
    assert_eq!(text, answer["structuredContent"]);
    &answer["structuredContent"]
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn search_and_fetch_have_the_shapes_that_clients_insist_on_in_both_eras() {
    let home = home();
    let served = home.serve();
    for era in ERAS {
        let mut client = served.client(era);
        let answer = client.call("docs_search", json!({ "query": QUERY }));
        let found = both(&answer);
        assert_eq!(keys(found), ["results"]);
        let results = found["results"].as_array().expect("a list");
        assert!(results[..3].iter().any(|hit| hit["id"].as_str().is_some_and(|id| id.starts_with("operating.md"))));
        for hit in results {
            assert_eq!(keys(hit), ["id", "title", "url"]);
            assert!(hit["url"].as_str().is_some_and(|url| url.starts_with("https://")), "{hit}");
        }
        let answer = client.call("docs_fetch", json!({ "id": results[0]["id"] }));
        let document = both(&answer);
        assert_eq!(keys(document), ["id", "title", "text", "url", "metadata"]);
        assert_eq!(
            [&document["id"], &document["title"], &document["url"]],
            ["id", "title", "url"].map(|key| &results[0][key])
        );
        let refused = client.call("docs_fetch", json!({ "id": "none.md" }));
        assert_eq!(refused["isError"], true, "{refused}");
    }
}

#[test]
fn both_tools_are_reads_that_reach_nothing_and_say_so() {
    let home = home();
    let served = home.serve();
    let tools = served.client(Era::Modern).tools();
    assert_eq!(tools.len(), 2);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["annotations"]["destructiveHint"], false, "{tool}");
        assert_eq!(tool["annotations"]["openWorldHint"], false, "{tool}");
    }
}

#[test]
fn every_page_is_a_resource_that_is_listed_read_and_completed() {
    let home = home();
    let served = home.serve();
    for era in ERAS {
        let mut client = served.client(era);
        let listed = result(&mut client, "resources/list", json!({}));
        let listed = listed["resources"].as_array().expect("a list");
        let page = listed.iter().find(|one| one["uri"] == "docs://pages/providers/okta.md").expect("is listed");
        assert_eq!(page["mimeType"], "text/markdown");
        let read = result(&mut client, "resources/read", json!({ "uri": "docs://pages/providers/okta.md" }));
        let text = fs::read_to_string(root().join("docs/providers/okta.md")).expect("is there");
        assert_eq!(read["contents"][0]["text"], text.as_str());
        let templates = result(&mut client, "resources/templates/list", json!({}));
        assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "docs://pages/{+path}", "{templates}");
        let asked = json!({
            "ref": { "type": "ref/resource", "uri": "docs://pages/{+path}" },
            "argument": { "name": "path", "value": "providers/o" },
        });
        let completed = result(&mut client, "completion/complete", asked);
        assert_eq!(completed["completion"]["values"], json!(["providers/oidc-provider.md", "providers/okta.md"]));
        let missing = client.send("resources/read", json!({ "uri": "docs://pages/none.md" })).expect("answers").json();
        let code = if era == Era::Legacy { -32002 } else { -32602 };
        assert_eq!(missing["error"]["code"], code, "{missing}");
    }
}

#[test]
fn the_prompt_brings_the_best_passages_and_the_question() {
    let home = home();
    let served = home.serve();
    for era in ERAS {
        let mut client = served.client(era);
        let asked = json!({ "name": "docs_answer", "arguments": { "question": QUERY } });
        let prompt = result(&mut client, "prompts/get", asked);
        let messages = prompt["messages"].as_array().expect("a list");
        let (last, passages) = messages.split_last().expect("not empty");
        assert!(!passages.is_empty());
        for passage in passages {
            let resource = &passage["content"]["resource"];
            assert!(resource["uri"].as_str().is_some_and(|uri| uri.starts_with("docs://pages/")), "{passage}");
            assert_eq!(resource["mimeType"], "text/markdown");
        }
        assert!(last["content"]["text"].as_str().is_some_and(|text| text.ends_with(QUERY)), "{last}");
        let asked = json!({
            "ref": { "type": "ref/prompt", "name": "docs_answer" },
            "argument": { "name": "question", "value": "start and" },
        });
        let completed = result(&mut client, "completion/complete", asked);
        assert_eq!(completed["completion"]["values"][0], "Start and stop", "{completed}");
    }
}

/// What clients are told of the widget, and the page with its policy.
fn widget(client: &mut Mcp) -> Value {
    let tools = client.tools();
    let search = tools.iter().find(|tool| tool["name"] == "docs_search").expect("is listed");
    let uri = search["_meta"]["ui"]["resourceUri"].as_str().unwrap_or_else(|| panic!("no widget: {search}"));
    assert_eq!(search["_meta"]["openai/outputTemplate"], uri);
    let read = result(client, "resources/read", json!({ "uri": uri }));
    let contents = read["contents"][0].clone();
    assert_eq!([&contents["uri"], &contents["mimeType"]], [uri, "text/html;profile=mcp-app"]);
    contents
}

#[test]
fn the_widget_is_the_file_that_was_published_and_may_reach_nothing() {
    let home = home();
    let served = home.serve();
    let contents = widget(&mut served.client(Era::Modern));
    let file = fs::read_to_string(root().join("plugins/docs/widget/results.html")).expect("is there");
    let policy = contents["text"].as_str().expect("a text").strip_prefix("<!doctype html>").expect("begins with it");
    let (policy, page) = policy.split_once('>').expect("an element");
    assert!(
        policy.starts_with("<meta http-equiv=\"Content-Security-Policy\" content=\"form-action 'none'"),
        "{policy}"
    );
    assert_eq!(format!("<!doctype html>{page}"), file, "nothing else is in it");
    let csp = contents["_meta"]["ui"]["csp"].as_object().cloned().unwrap_or_default();
    assert!(csp.values().all(|origins| origins.as_array().is_some_and(Vec::is_empty)), "{csp:?}");
}

/// Without the policy the same page reaches the other origin in each of four ways, so it is the policy that stops it.
#[test]
fn in_a_real_browser_the_widget_draws_its_results_and_what_reaches_for_an_undeclared_origin_is_blocked() {
    let home = home();
    let served = home.serve();
    let mut client = served.client(Era::Modern);
    let contents = widget(&mut client);
    let found = client.call("docs_search", json!({ "query": QUERY }));
    let report = render(&json!({ "contents": contents, "input": { "query": QUERY }, "result": found }));

    let results = found["structuredContent"]["results"].as_array().expect("a list");
    let excerpts = &found["_meta"]["portcullis.docs/excerpts"];
    for theme in ["light", "dark"] {
        let seen = &report[theme];
        println!("what it looks like: {}", seen["picture"].as_str().expect("a file"));
        assert_eq!([&seen["origin"], &seen["theme"], &seen["role"]], ["null", theme, "status"], "{seen}");
        assert_eq!(seen["problems"], json!([]), "the browser has nothing to say against it");
        assert_eq!(seen["status"], format!("{} results", results.len()));
        let drawn = seen["results"].as_array().expect("a list");
        assert_eq!(drawn.len(), results.len());
        for (drawn, hit) in drawn.iter().zip(results) {
            assert_eq!([&drawn["title"], &drawn["url"]], [&hit["title"], &hit["url"]]);
            let id = hit["id"].as_str().expect("a text");
            assert_eq!(drawn["lines"], json!([id, excerpts[id]]));
            assert!(drawn["height"].as_f64().is_some_and(|height| height > 40.0), "it can be seen: {drawn}");
        }
        let heard = seen["heard"].as_array().expect("a list");
        let of =
            |method: &str| heard.iter().rfind(|message| message["method"] == method).map(|message| &message["params"]);
        assert_eq!(of("ui/initialize").map(|params| &params["protocolVersion"]), Some(&json!("2026-01-26")));
        assert_eq!(of("ui/open-link"), Some(&json!({ "url": results[0]["url"] })), "with nothing but keys");
        let height = of("ui/notifications/size-changed").and_then(|params| params["height"].as_f64());
        assert!(height.is_some_and(|height| height > 40.0 * results.len() as f64), "{height:?}");
    }
    assert_ne!(report["light"]["ground"], report["dark"]["ground"]);

    let elsewhere = report["elsewhere"].as_str().expect("an origin");
    let (bound, unbound) = (&report["bound"], &report["unbound"]);
    assert_eq!(bound["requests"], json!([]), "nothing has left: {bound}");
    let mut blocked: Vec<(&str, &str)> = bound["violations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["effectiveDirective"].as_str().expect("a text"), one["blockedURI"].as_str().expect("a text")))
        .collect();
    blocked.sort_unstable();
    let ways =
        [("connect-src", "fetch"), ("img-src", "img"), ("script-src-elem", "script"), ("style-src-elem", "style")];
    let addresses = ways.map(|(directive, way)| (directive, format!("{elsewhere}/{way}")));
    assert_eq!(blocked, addresses.each_ref().map(|(directive, address)| (*directive, address.as_str())));
    let mut reached: Vec<&str> =
        unbound["requests"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    reached.sort_unstable();
    assert_eq!(reached, ["/fetch", "/img", "/script", "/style"], "the other origin can be reached");
}

/// What tests/browser says of a widget.
fn render(given: &Value) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let input = folder.path().join("input.json");
    fs::write(&input, given.to_string()).expect("can be written");
    browser("widget.mjs", &input, Some("--out"))
}

/// What a script of tests/browser says of an input; `out` names where it puts what it makes.
fn browser(script: &str, input: &Path, out: Option<&str>) -> Value {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let mut command = Command::new(node());
    command.arg(root().join("tests/browser").join(script)).arg("--input").arg(input).arg("--cache").arg(&kept);
    if let Some(out) = out {
        command.arg(out).arg(&kept);
    }
    let output = command.output().expect("Node.js can be started");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "tests/browser: {}\n{stdout}\n{stderr}", output.status);
    serde_json::from_str(stdout.trim()).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}
