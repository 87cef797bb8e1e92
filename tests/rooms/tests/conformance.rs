//! The official conformance suites against the real program: every scenario that counts and every one that does not. No check may
//! fail; one warning stands and three checks are skipped, each named with its reason in `portcullis_tests::conformance`. And everything that the host says in them is held against the protocol's own schemas.

use portcullis_tests::Suite;

const ONE_PERSON: &str = "four_eyes = false\n";

#[test]
fn revision_2026_07_28_conforms() {
    let wanted = Suite::Current.lists(&["--server", "--requirements", "2026-07-28"]);
    assert!(wanted.len() >= 50, "37 scenarios count and 13 more are run: {wanted:?}");
    Suite::Current.run(ONE_PERSON, &["--requirements", "2026-07-28"]).assert(&wanted);
}

#[test]
fn revision_2025_11_25_conforms() {
    let wanted = Suite::Current.lists(&["--server", "--requirements", "2025-11-25"]);
    assert!(wanted.len() >= 33, "30 scenarios count and 3 more are run: {wanted:?}");
    Suite::Current.run(ONE_PERSON, &["--requirements", "2025-11-25"]).assert(&wanted);
}

#[test]
fn the_suite_before_this_one_passes_whole() {
    let wanted = Suite::Before.lists(&["--server"]);
    assert!(wanted.len() >= 32, "{wanted:?}");
    Suite::Before.run(ONE_PERSON, &["--suite", "all"]).assert(&wanted);
}

#[test]
fn a_stream_that_the_host_closes_is_read_on_after_its_last_event() {
    const SCENARIO: &str = "server-sse-polling";
    let configuration = "four_eyes = false\n[http]\nclose_streams = true\n";
    let found = Suite::Current.run(configuration, &["--scenario", SCENARIO, "--spec-version", "2025-11-25"]);
    found.assert(&[SCENARIO.to_owned()].into());
    let checks = &found.scenarios[SCENARIO];
    for id in ["server-sse-priming-event", "server-sse-retry-field", "server-sse-disconnect-resume"] {
        assert!(checks.iter().any(|check| check.id == id && check.status == "SUCCESS"), "{id}: {checks:?}");
    }
}
