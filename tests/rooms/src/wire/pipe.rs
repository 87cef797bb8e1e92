//! Stands between a client and a host that it starts itself, on stdin and stdout, and keeps a copy of both.

use std::{ffi::OsString, fs};

use super::{
    judge::{Judge, Verdict},
    record::parsed,
};

/// `tee` passes on what it gets as it gets it, and ends when what is before it ends. A client may start its host more than once.
const SCRIPT: &str = r#"folder=$(mktemp -d "$1/XXXXXXXX"); shift; tee "$folder/stdin" | "$@" | tee "$folder/stdout""#;

/// What goes through such pipes.
#[derive(Debug)]
pub struct Pipe {
    folder: tempfile::TempDir,
}

impl Pipe {
    /// One that nothing has gone through yet.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// The command line that does what `host` does, and has it recorded.
    #[must_use]
    pub fn command_line(&self, host: Vec<OsString>) -> Vec<OsString> {
        let shell = ["sh", "-c", SCRIPT, "pipe"].map(OsString::from);
        shell.into_iter().chain([self.folder.path().into()]).chain(host).collect()
    }

    /// Everything that went through, held against the schemas.
    ///
    /// # Panics
    /// When the copies can't be read.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut judge = Judge::new();
        for started in fs::read_dir(self.folder.path()).expect("the copies can be read") {
            let folder = started.expect("the copies can be read").path();
            let read = |name: &str| {
                let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
                text.lines().filter(|line| !line.is_empty()).map(parsed).collect::<Vec<_>>()
            };
            judge.lines(&read("stdin"), &read("stdout"));
        }
        judge.verdict()
    }
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}
