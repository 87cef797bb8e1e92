//! The program itself, as `cargo xtask bench` calls it, against its real peers.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

const BENCH: &str = env!("CARGO_BIN_EXE_portcullis-bench");
const SHORT: [&str; 8] = ["--connections", "1,3", "--seconds", "0.2", "--warmup-seconds", "0.1", "--rounds", "2"];

fn all(config: &Value) -> (Output, Value) {
    let folder = tempfile::tempdir().unwrap();
    let (config_file, json_file) = (folder.path().join("bench.json"), folder.path().join("out.json"));
    fs::write(&config_file, config.to_string()).unwrap();
    let mut command = Command::new(BENCH);
    command.arg("all").arg("--config").arg(&config_file).arg("--json").arg(&json_file).args(SHORT);
    let output = command.output().unwrap();
    let report = serde_json::from_slice(&fs::read(&json_file).unwrap_or_default()).unwrap_or_default();
    (output, report)
}

#[test]
fn both_peers_and_a_configured_server_are_measured_without_an_error() {
    let peer = json!({ "argv": [BENCH, "peer-axum", "--port", "{port}"] });
    let (output, report) = all(&json!({
        "serve": [{ "name": "third", "tool": "echo_echo", "command": peer, "headers": { "x-anything": "1" } }],
        "start": [{ "name": "third, alone", "command": peer, "times": 1 }],
        "probe": [{ "name": "instantiate", "command": { "argv": ["echo", r#"{"rust_us": 31}"#] } }],
    }));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((&report["missing"], &report["probes"][0]["figures"]["rust_us"]), (&json!([]), &json!(31)));
    assert!(report["starts"][0]["starts"][0]["ready_ms"].as_f64().unwrap() > 0.0);
    let cells = report["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 6);
    for cell in cells {
        assert_eq!(cell["rounds"].as_array().unwrap().len(), 2);
        assert_eq!(cell["median"]["errors"], 0, "{cell}");
        assert!(cell["median"]["calls"].as_u64().unwrap() > 0, "{cell}");
        assert!(cell["median"]["rss_mib"].as_f64().unwrap() > 0.5, "{cell}");
        assert!(table.contains(cell["target"].as_str().unwrap()));
    }
    assert!(cells[2]["relative_to"]["rmcp"]["calls_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_server_that_does_not_start_is_named_and_the_peers_are_measured_all_the_same() {
    let (output, report) = all(&json!({
        "serve": [{ "name": "gone", "tool": "echo", "command": { "argv": ["sh", "-c", "echo no key >&2; exit 2"] } }],
    }));
    assert!(!output.status.success());
    assert!(report["missing"][0].as_str().unwrap().contains("no key"), "{report}");
    assert_eq!(report["cells"].as_array().unwrap().len(), 4);
    assert!(String::from_utf8_lossy(&output.stdout).contains("NOT MEASURED: gone"));
}
