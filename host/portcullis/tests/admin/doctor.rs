//! `portcullis doctor`, and a host that serves.

use std::{net::TcpListener, process::Command};

use serde_json::{Value, json};

use crate::house::House;

fn checks(report: &Value, check: &str) -> Vec<String> {
    let all = report["checks"].as_array().unwrap().iter().filter(|it| it["check"] == check);
    all.map(|it| it["verdict"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_host_that_serves_is_what_it_looks_for() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://localhost:{port}/mcp");
    let house = House::at(&url, &format!("127.0.0.1:{port}"));
    let exception = |port: u16| format!("{{ host = \"localhost\", net = \"127.0.0.1/32\", port = {port} }}");
    // What its issuer has already, and the host itself: from outside nobody needs either.
    let (before, after) = (exception(house.issuer_port()), exception(port));
    let output = house.command((before.as_str(), &format!("{before}, {after}")), &["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!((&report["faults"], &report["url"]), (&json!(0), &json!(url)), "{report:#}");
    for check in ["reach", "challenge", "resource", "issuer", "pkce", "registration", "keys"] {
        let verdicts = checks(&report, check);
        assert!(!verdicts.is_empty() && verdicts.iter().all(|it| it == "ok" || it == "warning"), "{check}: {report:#}");
    }
    // It is for tests on one machine, and that is said.
    assert_eq!(checks(&report, "url"), ["warning"], "{report:#}");

    // Without the exception nobody outside could reach it.
    let output = house.command(("", ""), &["doctor"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("fault") && text.contains("can't reach 127.0.0.1"), "{text}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 fault found at"));
}

#[test]
fn there_has_to_be_a_url_to_look_at() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        program.arg("--data").arg(home.path().join("data")).args(arguments).output().unwrap()
    };
    for (arguments, words) in [
        (&["doctor"][..], "`public_url`"),
        (&["doctor", "--url", "tools.example.com"], "is no URL that clients can be given"),
    ] {
        let output = run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
        assert!(said.contains(words), "{said}");
    }
    assert!(!home.path().join("data").exists(), "it needs no data directory");
}
