//! The clients that people use, each in each era and over each transport, against the real program with two real plugins:
//! one written in Rust that keeps data, one written in TypeScript that keeps none. What they check is in tests/clients.

use std::process::Command;

use portcullis_tests::{Home, node, plugin, python, root};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    TypeScript,
    Python,
    Inspector,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Http,
    Stdio,
}

/// What a client prints when everything is as expected; fewer checks than this, and the script has lost some.
const CHECKS: usize = 11;

fn script(client: Client) -> Command {
    let folder = root().join("tests/clients");
    let (runtime, script) = match client {
        Client::TypeScript => (node(), "ts-client.mjs"),
        Client::Python => (python(), "py_client.py"),
        Client::Inspector => (node(), "inspector.mjs"),
    };
    if client != Client::Python {
        let modules = folder.join("node_modules/@modelcontextprotocol/client");
        assert!(modules.is_dir(), "{} is missing; build it first: cargo xtask test", modules.display());
    }
    let mut command = Command::new(runtime);
    // Python must not leave its cache in the repository.
    command.arg(folder.join(script)).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder);
    command
}

/// Runs a client against a host of its own and reads what it says.
fn run(client: Client, era: &str, transport: Transport) {
    let home = Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]);
    let mut command = script(client);
    command.args(["--era", era]);
    let served = (transport == Transport::Http).then(|| home.serve());
    match &served {
        Some(served) => command.args(["--url", &served.url]),
        None => {
            let line = home.command_line(["stdio"]);
            let line: Vec<&str> = line.iter().map(|word| word.to_str().expect("temporary paths are UTF-8")).collect();
            command.args(["--stdio", &Value::from(line).to_string()])
        }
    };
    let output = command.output().expect("the client can be started");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{client:?} {era} {transport:?}: {}\n{stdout}\n{stderr}", output.status);
    let said: Value = serde_json::from_str(stdout.trim()).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    let checks = said["checks"].as_array().expect("it lists its checks");
    assert_eq!(checks.len(), CHECKS, "{said}");
    // The Inspector does not say what it negotiated.
    if client != Client::Inspector {
        let revision = if era == "legacy" { "2025-11-25" } else { "2026-07-28" };
        assert_eq!(said["revision"], revision, "{said}");
    }
    // It left nothing behind, and every call that it made is on record.
    drop(served);
    let left = home.must(["call", "notes_search"]);
    assert!(left.contains("There are no notes"), "the client deleted its note: {left}");
    let deleted = home.ended_calls("notes_delete");
    assert_eq!(deleted.len(), 1, "{deleted:?}");
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
