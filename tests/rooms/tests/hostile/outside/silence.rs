//! That nothing at all leaves the host, as the kernel sees it: behind the tripwire, whoever would have sent a packet is dead.

use std::fs;

use portcullis_tests::{Era, Folder, Home, Stdio, built, message, plugin, root};
use serde_json::{Value, json};

use super::{Vectors, secrets::MISPLACED, tripwire::tripwired, world::World};

fn lines(result: &Value) -> Vec<String> {
    let answers = result["structuredContent"]["answers"].as_array().unwrap_or_else(|| panic!("no answers: {result}"));
    answers.iter().map(|answer| answer.as_str().expect("a text").to_owned()).collect()
}

fn preview(stdio: &mut Stdio, tool: &str, arguments: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments, "_meta": { "portcullis/preview": true } });
    let answer = stdio.ask(&message(Era::Modern, "preview", "tools/call", params));
    assert!(answer["result"].is_object(), "{tool}: {answer}");
    answer["result"].clone()
}

fn granted() -> Value {
    json!({ "method": "GET", "urls": ["https://example.com/a/b"] })
}

/// What each kind of the vectors is to the guest.
fn verdict(kind: &str) -> &'static str {
    match kind {
        "origin" | "rule" => "not-granted: ",
        _ => "bad-request: ",
    }
}

/// Fails if any of the vectors is looked up, or connected to, before it is refused: through either function, by any method, with
/// a secret's placeholder in it, in a preview. That the wire works is its last step.
#[test]
fn eg_01_02_05_20_21_23_25_26_and_wr_05_nothing_leaves_for_a_request_that_is_refused_or_previewed() {
    let vectors = Vectors::read();
    let world = World::open();
    let home = world.home();
    let mut stdio = tripwired(|| home.stdio());
    for batch in vectors.refused.chunks(64) {
        let urls: Vec<&str> = batch.iter().map(|(_, url)| url.as_str()).collect();
        let sent = stdio.call("outside_urls", &json!({ "method": "GET", "urls": urls }));
        let read = stdio.call("outside_read_urls", &json!({ "method": "GET", "urls": urls }));
        for (((kind, url), sent), read) in batch.iter().zip(lines(&sent)).zip(lines(&read)) {
            assert!(sent.starts_with(verdict(kind)), "{kind}: {url:?}: {sent}");
            // What would be granted to `send` is outside the boundary to `read`.
            assert!(read.starts_with(verdict(kind)) || read.starts_with("refused: "), "{kind}: {url:?}: {read}");
        }
    }
    for batch in vectors.sent.chunks(64) {
        for read in lines(&stdio.call("outside_read_urls", &json!({ "method": "GET", "urls": batch }))) {
            assert!(read.starts_with("refused: ") && read.contains("[boundary]"), "{read}");
        }
    }
    let methods = [
        "HEAD",
        "POST",
        "PUT",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "get",
        "GET ",
        "GET / HTTP/1.1\r\nX:",
        "",
        "PRI",
    ];
    for method in methods {
        let [line] =
            &lines(&stdio.call("outside_urls", &json!({ "method": method, "urls": ["https://example.com/a/b"] })))[..]
        else {
            panic!("one line for one URL")
        };
        assert!(line.starts_with("not-granted: ") || line.starts_with("bad-request: "), "{method:?}: {line}");
    }
    let secret = "c0ffee".repeat(10);
    let parents = ["example.com", "evil.test", "x.tenant.test", "tenant.test.evil.test", "eviltenant.test", "com"];
    for line in lines(&stdio.call("outside_labels", &json!({ "secret": secret, "parents": parents }))) {
        assert!(line.contains(" not-granted: "), "{line}");
    }
    for (how, class) in MISPLACED {
        let [line] = &lines(&stdio.call("outside_misuse", &json!({ "how": how })))[..] else { panic!("one line") };
        assert!(line.starts_with(class), "{how}: {line}");
    }
    let borrowed = lines(&stdio.call("outside_borrow_secret", &json!({})));
    assert!(borrowed[0].starts_with("refused: ") && borrowed[1].starts_with("not-granted: "), "{borrowed:?}");

    let whole = preview(&mut stdio, "outside_urls", &granted());
    assert!(whole.to_string().contains("https://example.com"), "{whole}");
    let seek = json!({ "paths": ["/body", "/redirect"], "hidden": [] });
    let whole = preview(&mut stdio, "outside_seek_secret", &seek);
    assert!(
        whole.to_string().contains("https://crm.test:8443") && !whole.to_string().contains(&world.token),
        "{whole}"
    );
    assert_eq!((world.connections(), world.asked()), (0, Vec::new()), "and nobody outside has seen any of it");

    // The wire: a request that is granted ends the host, before its first packet.
    stdio.send(
        format!("{}\n", portcullis_tests::tool_request(Era::Modern, "last", "outside_urls", &granted())).as_bytes(),
    );
    let ended = stdio.wait();
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (-1, ""),
        "a host that asked for a network is killed: {}",
        ended.stderr
    );
    assert_eq!((world.connections(), world.asked()), (0, Vec::new()));
}

/// Fails if any tool without a capability of kind `http` reaches a network, whatever it does. (That a wire was there is shown by the
/// test above, which ends with one.)
#[test]
fn wx_02_no_tool_of_the_zoo_makes_the_host_ask_for_a_network() {
    let _ = built("tests/hostile/zoo/zoo.wasm");
    let zoo = root().join("tests/hostile/zoo");
    // With little time and much fuel: what never ends does so after a second.
    let home = Home::with([plugin("plugins/notes"), zoo.join("plugin-time.toml")]);
    let mut stdio = tripwired(|| home.stdio());
    let listed = stdio.ask(&message(Era::Modern, "tools", "tools/list", json!({})));
    let mut names: Vec<String> = listed["result"]["tools"]
        .as_array()
        .expect("there are tools")
        .iter()
        .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
        .filter(|name| name.starts_with("zoo_"))
        .collect();
    assert!(names.len() > 50, "{names:?}");
    names.sort();
    for name in &names {
        for arguments in [json!({}), json!({ "key": "k" }), json!({ "key": "k", "value": "v" })] {
            // One of them fits.
            let answer = stdio.ask(&portcullis_tests::tool_request(Era::Modern, name.as_str(), name, &arguments));
            assert_eq!(answer["id"], name.as_str(), "{answer}");
            if home_ran(&answer) {
                break;
            }
        }
        assert_eq!(home.ended_calls(name).len(), 1, "{name} ran once, and is in the audit");
    }
    let found = stdio.call("notes_search", &json!({}));
    assert!(found["isError"].is_null(), "{found}");
    assert_eq!(stdio.end().code, 0, "no thread of it has asked for a network");
}

/// Whether the arguments were such as the tool takes.
fn home_ran(answer: &Value) -> bool {
    let text = answer.to_string();
    !text.contains("input schema") && !text.contains("arguments")
}

/// Fails if what refuses an import, or what reads a component, ever reaches outside: also in the process that compiles.
#[test]
fn wx_01_and_eg_01_publishing_what_is_refused_asks_for_no_network() {
    let home = Home::new();
    let mut tried = 0;
    for entry in fs::read_dir(root().join("tests/hostile/refused")).expect("tests/hostile/refused") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        if !name.starts_with("import_") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text");
        let component = wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let folder = Folder::copy(&plugin("plugins/notes")).write("notes.wasm", component);
        let ran = tripwired(|| home.run(["publish".into(), "--approve".into(), folder.path().to_owned()]));
        assert_eq!(ran.code, 1, "{name}: {}", ran.stderr);
        tried += 1;
    }
    assert!(tried >= 10, "{tried} components");
    // Nor is what is taken.
    let taken = plugin("tests/hostile/outside");
    let ran = tripwired(|| home.run(["publish".into(), "--approve".into(), taken.into_os_string()]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}
