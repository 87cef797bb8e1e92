//! examples/sign-in: what a newcomer is shown does happen, and its README has what is printed.

use std::process::Command;

use portcullis_tests::{loopback, node, plugin, program, root};

/// What differs from run to run, as one sign: random names, and times.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
            word.push(c);
            continue;
        }
        let id = word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        masked += if id || word.len() >= 40 { "…" } else { &word };
        word.clear();
        masked.push(c);
    }
    masked.trim_end().to_owned()
}

#[test]
fn the_example_shows_what_its_readme_says() {
    let host = format!("{}:8080", loopback());
    let mut command = Command::new(node());
    command.arg(root().join("examples/sign-in/run.mjs")).arg("--once");
    command.arg("--program").arg(program()).arg("--plugin").arg(plugin("plugins/notes"));
    // On a port that is free.
    command.args(["--listen", &host, "--provider", "0"]);
    let output = command.output().expect("Node.js can be started");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let issuer =
        stdout.lines().find_map(|line| line.strip_prefix("the provider: ")).expect("it says where the provider is");
    let printed = stdout.replace(&host, "127.0.0.1:8080").replace(issuer, "http://localhost:8090");
    let readme = std::fs::read_to_string(root().join("examples/sign-in/README.md")).expect("it has a README");
    let shown = readme.split("```console\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = shown.expect("the README shows what is printed");
    let shown = shown.strip_prefix("$ cargo xtask sign-in --once\n").expect("it says how");
    assert_eq!(masked(printed.trim()), masked(shown.trim()));
}
