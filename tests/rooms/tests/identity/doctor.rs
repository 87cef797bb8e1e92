//! `portcullis doctor` looks at a real set-up, from outside.

use portcullis_tests::{Home, Setup, plugin};
use serde_json::Value;

/// What is not as it should be, as `check: verdict`.
fn found(report: &Value, verdict: &str) -> Vec<String> {
    let checks = report["checks"].as_array().expect("it lists what it looked at");
    let matching = checks.iter().filter(|check| check["verdict"] == verdict);
    matching.map(|check| check["check"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_real_provider_and_host_lack_nothing_but_tls() {
    let setup = Setup::new(Home::copied([plugin("plugins/notes")])).on_localhost();
    let host = setup.serve();
    let ran = host.home.run(["doctor", "--json"]);
    let report: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr));
    assert_eq!(report["url"], host.url);
    let good = found(&report, "ok");
    for check in
        ["challenge", "resource", "scopes", "issuer", "pkce", "registration", "response-issuer", "keys", "clock"]
    {
        assert!(good.iter().any(|name| name == check), "{check}: {report:#}");
    }
    // Without TLS, on a machine that nobody else reaches: that is said, and nothing else is wrong.
    let faults = found(&report, "fault");
    assert!(
        faults
            .iter()
            .all(|name| ["url", "tls", "endpoints", "authorization-servers", "chatgpt"].contains(&name.as_str())),
        "{report:#}"
    );
    assert_eq!(ran.code == 0, faults.is_empty());
}

#[test]
fn a_provider_that_is_not_there_is_named() {
    let host = Setup::new(Home::copied([plugin("plugins/notes")])).on_localhost().serve();
    host.provider.down();
    let ran = host.home.run(["doctor", "--json"]);
    assert_ne!(ran.code, 0);
    let report: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr));
    assert_eq!(found(&report, "fault"), ["reach"], "{report:#}");
    let text = host.home.run(["doctor"]).stdout;
    assert!(text.contains("change: ") && text.contains(host.provider.issuer()), "{text}");
}
