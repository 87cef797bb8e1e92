//! What this machine must have before anything is built, and how to get it where it is missing.

use std::path::{Path, PathBuf};

use crate::place::Place;
use crate::steps::Stop;
use crate::task::{Failure, Task};

/// The target that plugins in Rust are compiled for.
pub(crate) const WASM: &str = "wasm32-wasip2";
/// Node's own TypeScript and test runner as the SDK uses them.
const NODE: (u32, u32) = (20, 0);
/// What the official Python client asks for.
const PYTHON: (u32, u32) = (3, 10);

/// SQLite is compiled from C.
pub(crate) fn c_compiler(place: &Place) -> Result<(), Failure> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    Task::new(compiler, &place.root).arg("--version").hidden().map_err(|failure| {
        Failure::of(format!(
            "{failure}\nA C compiler is needed for the bundled SQLite. Debian and Ubuntu: apt-get install gcc; or set CC."
        ))
    })
}

/// The wasm target, added where it is missing.
pub(crate) fn wasm_target(place: &Place) -> Result<(), Failure> {
    let printed = Task::new("rustc", &place.root).args(["--print", "target-libdir", "--target", WASM]).printed();
    if printed.is_ok_and(|libraries| Path::new(libraries.trim()).is_dir()) {
        return Ok(());
    }
    println!("    adding the target {WASM} (rustup target add {WASM})");
    Task::new("rustup", &place.root).args(["target", "add", WASM]).hidden().map_err(|failure| {
        Failure::of(format!(
            "{failure}\nPlugins in Rust are compiled for {WASM}, which this toolchain does not have. With rustup and a \
             network: rustup target add {WASM}. Otherwise install your distribution's standard library for that target."
        ))
    })
}

/// Node and npm: the JavaScript SDK and its plugins are built with them.
pub(crate) fn node(place: &Place) -> Result<(), Failure> {
    let how = |failure: Failure| {
        Failure::of(format!(
            "{failure}\nNode.js {} or newer and npm are needed for plugins in JavaScript and for the client suites. Debian \
             and Ubuntu: apt-get install nodejs npm; elsewhere https://nodejs.org/en/download.",
            NODE.0
        ))
    };
    at_least("node", NODE, place).map_err(how)?;
    Task::new("npm", &place.root).arg("--version").hidden().map_err(how)
}

/// A Python that can make virtual environments.
pub(crate) fn python(place: &Place) -> Result<(), Failure> {
    let how = |failure: Failure| {
        Failure::of(format!(
            "{failure}\nPython {}.{} or newer with venv is needed for the official Python client. Debian and Ubuntu: apt-get \
             install python3 python3-venv.",
            PYTHON.0, PYTHON.1
        ))
    };
    at_least("python3", PYTHON, place).map_err(how)?;
    Task::new("python3", &place.root).args(["-c", "import venv, ensurepip"]).hidden().map_err(how)
}

/// `program`, if a search of PATH finds it.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// Whether there is a Chromium that tests/browser takes.
pub(crate) fn chromium() -> bool {
    let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome-headless-shell"];
    std::env::var_os("PORTCULLIS_CHROMIUM").is_some() || names.iter().any(|name| on_path(name).is_some())
}

/// Whether somebody may mount a file system that nobody else sees: the suites fill one up.
pub(crate) fn small_disk(place: &Place) -> Result<(), Stop> {
    let mount = "mount -t tmpfs -o size=1m portcullis /mnt";
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let can = |way: &&[&str]| Task::new("unshare", &place.root).args(*way).args(["sh", "-c", mount]).hidden().is_ok();
    match ways.iter().any(can) {
        true => Ok(()),
        false => Err(Stop::NotRun(
            "the test of a full disk does nothing: nobody may mount a file system of their own here (`unshare --user --mount`)"
                .to_owned(),
        )),
    }
}

fn at_least(program: &str, wanted: (u32, u32), place: &Place) -> Result<(), Failure> {
    let printed = Task::new(program, &place.root).arg("--version").printed()?;
    match version(&printed) {
        Some(found) if found >= wanted => Ok(()),
        _ => Err(Failure::of(format!("`{program} --version` says {}", printed.trim()))),
    }
}

/// The first two numbers of `v20.20.2` or `Python 3.11.7`.
fn version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_print_them() {
        assert_eq!(version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(version("Python 3.11.7"), Some((3, 11)));
        assert_eq!(version("none"), None);
        assert!(version("v18.19.1") < Some(NODE));
    }

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        assert!(on_path("sh").is_some());
        assert_eq!(on_path("no-such-program"), None);
    }
}
