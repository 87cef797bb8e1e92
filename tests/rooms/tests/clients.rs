//! The clients that people use, each in each era and over each transport, against the real program with two real plugins:
//! one written in Rust that keeps data, one written in TypeScript that keeps none. What they check is in tests/clients.

use portcullis_tests::{Home, Transport, drive, node, plugin, python, revision};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    TypeScript,
    Python,
    Inspector,
}

/// What a client prints when everything is as expected; fewer checks than this, and the script has lost some.
const CHECKS: usize = 12;

/// Runs a client against a host of its own and reads what it says.
fn run(client: Client, era: &str, transport: Transport) {
    let home = Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]);
    let (runtime, script) = match client {
        Client::TypeScript => (node(), "ts-client.mjs"),
        Client::Python => (python(), "py_client.py"),
        Client::Inspector => (node(), "inspector.mjs"),
    };
    let said = drive(&runtime, script, &home, era, transport);
    let checks = said["checks"].as_array().expect("it lists its checks");
    assert_eq!(checks.len(), CHECKS, "{said}");
    // The Inspector does not say what it negotiated.
    if client != Client::Inspector {
        assert_eq!(said["revision"], revision(era), "{said}");
    }
    // It left nothing behind, and every call that it made is on record.
    let left = home.must(["call", "notes_search"]);
    assert!(left.contains("There are no notes"), "the client deleted its note: {left}");
    let rows = home.ended_calls("notes_delete");
    let mut classes: Vec<_> = rows.iter().filter_map(|row| row["class"].as_str()).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["ok", "preview"], "shown, and done, once");
}

/// One test for each, so that a failure names it.
macro_rules! clients {
    ($($client:ident { $($name:ident: $era:literal, $transport:ident;)+ })+) => {
        $($(#[test] fn $name() { run(Client::$client, $era, Transport::$transport); })+)+
    };
}

clients! {
    TypeScript {
        typescript_legacy_over_http: "legacy", Http;
        typescript_auto_over_http: "auto", Http;
        typescript_modern_over_http: "modern", Http;
        typescript_legacy_over_stdio: "legacy", Stdio;
        typescript_auto_over_stdio: "auto", Stdio;
        typescript_modern_over_stdio: "modern", Stdio;
    }
    Python {
        python_legacy_over_http: "legacy", Http;
        python_auto_over_http: "auto", Http;
        python_modern_over_http: "modern", Http;
        python_legacy_over_stdio: "legacy", Stdio;
        python_auto_over_stdio: "auto", Stdio;
        python_modern_over_stdio: "modern", Stdio;
    }
    Inspector {
        inspector_legacy_over_http: "legacy", Http;
        inspector_auto_over_http: "auto", Http;
        inspector_modern_over_http: "modern", Http;
        inspector_legacy_over_stdio: "legacy", Stdio;
        inspector_auto_over_stdio: "auto", Stdio;
        inspector_modern_over_stdio: "modern", Stdio;
    }
}
