//! The token is in one header of the requests it is for, and nowhere else, in whatever spelling.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose};
use portcullis_tests::{Era, Folder, plugin, tool_request};
use serde_json::json;

use crate::World;

/// A secret as it might be found, each with a name for who reads the failure.
fn spellings(secret: &str) -> Vec<(String, String)> {
    let bytes = secret.as_bytes();
    let each = |format: fn(u8) -> String| bytes.iter().map(|byte| format(*byte)).collect::<String>();
    let reversed: String = secret.chars().rev().collect();
    let mut found = vec![
        ("raw".to_owned(), secret.to_owned()),
        ("upper case".to_owned(), secret.to_uppercase()),
        ("reversed".to_owned(), reversed),
        ("hexadecimal".to_owned(), each(|byte| format!("{byte:02x}"))),
        ("upper-case hexadecimal".to_owned(), each(|byte| format!("{byte:02X}"))),
        ("percent-escaped".to_owned(), each(|byte| format!("%{byte:02X}"))),
        ("percent-escaped in lower case".to_owned(), each(|byte| format!("%{byte:02x}"))),
    ];
    // Base64 has three spellings of a text inside a longer one. What depends on its neighbours is cut off.
    for shift in 0..3 {
        let padded = [&b"xx"[..shift], bytes].concat();
        for (name, engine) in
            [("base64", &general_purpose::STANDARD_NO_PAD), ("base64url", &general_purpose::URL_SAFE_NO_PAD)]
        {
            let text = engine.encode(&padded);
            let inner = &text[(shift * 4).div_ceil(3)..text.len() - 2];
            found.push((format!("{name} at {shift}"), inner.to_owned()));
        }
    }
    found
}

/// Fails if `secret` stands in `bytes`.
fn is_not_in(place: &str, bytes: &[u8], secret: &str) {
    for (spelling, text) in spellings(secret) {
        let text = text.as_bytes();
        assert!(!bytes.windows(text.len()).any(|window| window == text), "the secret is in {place}, {spelling}");
    }
}

/// Every file below `folder`.
fn files(folder: &Path, look: &mut dyn FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).expect("the data directory can be read") {
        let path = entry.expect("the data directory can be read").path();
        // A file of SQLite may go while it is looked for; a socket has no contents.
        match path.is_dir() {
            true => files(&path, look),
            false => drop(fs::read(&path).map(|bytes| look(&path, &bytes))),
        }
    }
}

/// Everything that the host gives or keeps.
fn nowhere_in_the_host(world: World, answers: &str) {
    let token = world.outside.token().to_owned();
    is_not_in("an answer", answers.as_bytes(), &token);
    let audit = world.home.must(["audit", "--json", "--limit", "10000"]);
    assert!(audit.contains("\"egress\""), "there is something to look through: {audit}");
    is_not_in("the audit", audit.as_bytes(), &token);
    // The plugin's log is part of the host's.
    let ran = world.served.stop();
    is_not_in("the host's log", ran.stderr.as_bytes(), &token);
    is_not_in("the host's output", ran.stdout.as_bytes(), &token);
    let mut looked = 0;
    files(&world.home.data(), &mut |path, bytes| {
        looked += 1;
        is_not_in(&path.display().to_string(), bytes, &token);
    });
    assert!(looked > 1, "the data directory has files");
}

/// Fails if the token is put in twice, or is kept or told anywhere by the host.
#[test]
fn eg_07_the_token_is_in_one_header_of_each_request_and_nowhere_in_the_host() {
    let world = World::open();
    let mut answers = String::new();
    for (tool, arguments) in [
        ("tickets_search", json!({ "query": "lift" })),
        ("tickets_create", json!({ "title": "No light", "body": "x", "priority": "low" })),
        ("tickets_comment", json!({ "id": 1, "body": "y" })),
        ("tickets_read", json!({ "id": 1 })),
        ("tickets_read", json!({ "id": 99 })),
        ("tickets_close", json!({ "id": 1 })),
    ] {
        answers += &world.served.call(tool, arguments).to_string();
    }
    let token = world.outside.token().to_owned();
    let heard = world.outside.heard();
    assert_eq!(heard.len(), 5, "all but the preview: {heard:#?}");
    for request in &heard {
        let values: Vec<&str> = request.header("authorization").collect();
        assert_eq!(values, [format!("Bearer {token}")]);
        let elsewhere = request.headers.iter().filter(|(name, _)| name != "authorization");
        elsewhere.for_each(|(name, value)| is_not_in(name, value.as_bytes(), &token));
        is_not_in("a path", request.path.as_bytes(), &token);
        is_not_in("a body", &request.body, &token);
    }
    nowhere_in_the_host(world, &answers);
}

/// Fails without the scrubbing of responses, in headers and in bodies.
#[test]
fn eg_08_a_server_that_says_back_what_it_heard_does_not_give_the_token_to_the_plugin() {
    let slot = "secret = { name = \"tickets_token\", header = \"authorization\", value = \"Bearer {}\" }";
    let web = Folder::copy(&plugin("plugins/web"))
        .edit("https://example.com", "https://tickets.test:8443")
        .edit("redirects = 3\n\n[capability.site_2]", &format!("{slot}\n\n[capability.site_2]"));
    let world = World::with([web.path()]);
    let url = "https://tickets.test:8443/echo";
    let echoed = world.structured("web_json", json!({ "url": url }));
    let names = echoed["value"]["headers"].as_array().expect("headers came back");
    assert!(names.iter().any(|header| header[0] == "authorization"), "{echoed}");
    let page = world.served.call("web_fetch", json!({ "url": url }));
    let token = world.outside.token();
    for heard in world.outside.heard() {
        assert_eq!(heard.header("authorization").collect::<Vec<_>>(), [format!("Bearer {token}")]);
    }
    assert_eq!(world.outside.heard().len(), 2);
    nowhere_in_the_host(world, &format!("{echoed}{page}"));
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let secret = "0123456789abcdef0123456789abcdef";
    for text in [
        format!("x{secret}y"),
        general_purpose::STANDARD.encode(format!("Bearer {secret} and more")),
        general_purpose::URL_SAFE_NO_PAD.encode(format!("B{secret}")),
        general_purpose::STANDARD.encode(secret),
        secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ] {
        let found = std::panic::catch_unwind(|| is_not_in("a text", text.as_bytes(), secret));
        assert!(found.is_err(), "{text}");
    }
    is_not_in("another text", b"0123456789abcdef", secret);
}

/// Fails if anything hands a client's header on: to the guest's requests, the answer, the audit or the log.
#[test]
fn eg_09_what_a_client_sends_in_its_headers_reaches_nobody() {
    const CANARY: &str = "canary-of-the-client-4711";
    let world = World::open();
    let mut headers = Era::Modern.headers("tools/call", Some("tickets_search"));
    headers.extend(["Authorization: Bearer", "Cookie: session=", "X-Api-Key:"].map(|line| format!("{line} {CANARY}")));
    let message = tool_request(Era::Modern, 1, "tickets_search", &json!({}));
    let mut connection = world.served.connect();
    connection.request("POST", "/mcp", &headers, message.to_string().as_bytes()).expect("it is sent");
    let answer = connection.answer().expect("it is answered").json();
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    let heard = world.outside.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    is_not_in("the request", format!("{heard:?}").as_bytes(), CANARY);
    is_not_in("the answer", answer.to_string().as_bytes(), CANARY);
    is_not_in("the audit", world.home.must(["audit", "--json"]).as_bytes(), CANARY);
    is_not_in("the log", world.served.log().as_bytes(), CANARY);
}
