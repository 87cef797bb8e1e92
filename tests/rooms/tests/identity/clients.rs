//! The official TypeScript client, which is given a URL and nothing else: `tests/identity/ts-sign-in.mjs`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::Stdio,
};

use portcullis_tests::{Home, Resource, Setup, identity_script, plugin};
use serde_json::Value;

/// The checks that the script makes; with a pause one more.
const CHECKS: usize = 4;

/// Runs it to its end. With `pause` the provider gives less than the client asks for, until the client has called something.
fn run(era: &str, pause: bool) {
    let setup = Setup::new(Home::copied([plugin("plugins/notes"), plugin("plugins/tables")]));
    let url = setup.url();
    if pause {
        setup.provider().resource(Resource::new(&url, &["notes:read"]));
    }
    let host = setup.serve();
    let mut command = identity_script("ts-sign-in.mjs");
    command.args(["--url", &url, "--era", era]).args(pause.then_some("--pause"));
    let mut child = command.stdin(Stdio::piped()).spawn().expect("Node.js can be started");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    let mut said = String::new();
    stdout.read_line(&mut said).expect("stdout is text");
    if pause && said == "paused\n" {
        host.provider.resource(Resource::new(&url, &["notes:read", "notes:write"]));
        child.stdin.take().expect("stdin is a pipe").write_all(b"go on\n").expect("it waits");
        said.clear();
        stdout.read_line(&mut said).expect("stdout is text");
    }
    let mut errors = String::new();
    child.stderr.take().expect("stderr is a pipe").read_to_string(&mut errors).expect("stderr is text");
    assert!(child.wait().expect("it ends").success(), "{era}: {said}{errors}");
    let said: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{errors}"));
    assert_eq!(said["checks"].as_array().map(Vec::len), Some(CHECKS + usize::from(pause)), "{said}");
    assert_eq!(said["revision"], portcullis_tests::revision(era), "{said}");
}

/// One test for each, so that a failure names it.
macro_rules! clients {
    ($($name:ident: $era:literal, $pause:literal;)+) => {
        $(#[test] fn $name() { run($era, $pause); })+
    };
}

clients! {
    typescript_legacy_signs_in_from_a_bare_url: "legacy", false;
    typescript_auto_signs_in_from_a_bare_url: "auto", false;
    typescript_modern_signs_in_from_a_bare_url: "modern", false;
    typescript_legacy_asks_for_more_scopes_when_a_call_needs_them: "legacy", true;
    typescript_modern_asks_for_more_scopes_when_a_call_needs_them: "modern", true;
}
