//! Where things are, for the suites in `tests/`: one file each. They cross rooms, or look at all of them. This crate must
//! never pretend: a suite that lacks something fails and says so, it does not pass without having looked.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program under test. Set by `cargo xtask test`, like those below.
pub const PROGRAM: &str = "PORTCULLIS_PROGRAM";
/// A Node.js that runs the clients in `tests/clients`.
pub const CLIENTS_NODE: &str = "PORTCULLIS_CLIENTS_NODE";
/// A Python that has the official client.
pub const CLIENTS_PYTHON: &str = "PORTCULLIS_CLIENTS_PYTHON";

/// The repository's root, as cargo says when it runs a test: what it said when it built it may be of another checkout that
/// shares the target directory.
#[must_use]
pub fn root() -> PathBuf {
    let crate_directory = std::env::var_os("CARGO_MANIFEST_DIR").expect("tests are run by cargo");
    Path::new(&crate_directory).ancestors().nth(2).expect("this crate is in tests/rooms").to_owned()
}

/// The file that `cargo xtask test` made for the suites and named in the environment.
///
/// # Panics
/// If it is not named or not there.
#[must_use]
pub fn given(variable: &str) -> PathBuf {
    match std::env::var_os(variable).map(PathBuf::from) {
        Some(path) if path.exists() => path,
        Some(path) => {
            panic!("{variable} is {}, which is not there: run through `cargo xtask test`", path.display())
        }
        None => panic!("{variable} is not set: run through `cargo xtask test`"),
    }
}

/// A file of the repository that a build leaves, such as `plugins/notes/notes.wasm`.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn built(path: &str) -> PathBuf {
    let file = root().join(path);
    assert!(file.exists(), "{path} is not built: run through `cargo xtask test`");
    file
}

/// What `program` prints on stdout when it is run in the root.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {errors}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{program} prints no UTF-8: {error}"))
}

/// Every file that is in the repository or about to be: tracked, or new and not ignored. Relative to the root.
///
/// # Panics
/// If this is not a git clone.
#[must_use]
pub fn files() -> Vec<String> {
    let listed = printed("git", &["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let named = listed.split('\0').filter(|path| !path.is_empty());
    // A deleted file is listed until its deletion is committed.
    named.filter(|path| root().join(path).exists()).map(str::to_owned).collect()
}
