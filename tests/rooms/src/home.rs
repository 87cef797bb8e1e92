//! A data directory and a configuration of one test, and the program's commands on them.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio as Pipe},
};

use serde_json::Value;

use crate::{Served, Stdio, prepared, program};

/// A data directory and a configuration of one test, deleted in the end.
#[derive(Debug)]
pub struct Home {
    root: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it wrote there.
    pub stdout: String,
    /// What it wrote there.
    pub stderr: String,
}

impl Home {
    /// Nothing but a configuration in which one person may publish and approve.
    #[must_use]
    pub fn new() -> Self {
        Self::configured("four_eyes = false\n")
    }

    /// A configuration of the test's own.
    ///
    /// # Panics
    /// When it can't be written.
    #[must_use]
    pub fn configured(config: impl AsRef<[u8]>) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let home = Self { root };
        home.configure(config);
        home
    }

    /// Like [`Home::new`], with plugins published and approved.
    #[must_use]
    pub fn with(plugins: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let home = Self::new();
        plugins.into_iter().for_each(|folder| home.publish(folder.as_ref()));
        home
    }

    /// Like [`Home::with`], from a copy that the first test to ask for it made: compiling a plugin that brings a JavaScript
    /// engine takes seconds, and a suite of many tests need not spend them in each.
    ///
    /// # Panics
    /// When it can't be copied.
    #[must_use]
    pub fn copied<P: AsRef<Path>>(plugins: impl IntoIterator<Item = P>) -> Self {
        let plugins: Vec<P> = plugins.into_iter().collect();
        let home = Self::new();
        prepared::copy(plugins.iter().map(AsRef::as_ref), &home.data());
        home
    }

    /// Writes another configuration; what runs already does not see it.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn configure(&self, config: impl AsRef<[u8]>) {
        fs::write(self.config(), config).expect("the configuration can be written");
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.path().join("portcullis.toml")
    }

    /// The data directory. The program makes it.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// The command line that runs `arguments` on this home, for clients that start the host themselves.
    #[must_use]
    pub fn command_line<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Vec<OsString> {
        let own = [program().into(), "--config".into(), self.config().into(), "--data".into(), self.data().into()];
        own.into_iter().chain(arguments.into_iter().map(Into::into)).collect()
    }

    /// A command of the program, before it is started.
    #[must_use]
    pub fn command<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let line = self.command_line(arguments);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir(self.root.path()).stdin(Pipe::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.command(arguments).output().expect("the program can be started"))
    }

    /// Runs a command to its end, with `input` on its stdin.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run_with_input<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Pipe::piped()).stdout(Pipe::piped()).stderr(Pipe::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        std::thread::scope(|scope| {
            // A program that does not read to the end breaks the pipe, which is its right.
            scope.spawn(move || drop(stdin.write_all(input)));
            Ran::of(child.wait_with_output().expect("a started program ends"))
        })
    }

    /// Runs a command that has to succeed; gives its stdout.
    ///
    /// # Panics
    /// When it does not.
    pub fn must<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let ran = self.run(arguments.iter().map(OsString::as_os_str));
        assert_eq!(ran.code, 0, "{arguments:?} failed\n{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    /// What the audit has of `tool`, newest first. Rows that were written together, within 50 ms, may be in another order than
    /// what they tell of.
    ///
    /// # Panics
    /// When it can't be listed.
    #[must_use]
    pub fn recorded(&self, tool: &str) -> Vec<Value> {
        let rows = self.must(["audit", "--json", "--limit", "10000", "--tool", tool]);
        rows.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
    }

    /// The calls of `tool` that have ended, as [`Home::recorded`] lists them. A call has one row, or an intent and an outcome.
    ///
    /// # Panics
    /// When they can't be listed.
    #[must_use]
    pub fn ended_calls(&self, tool: &str) -> Vec<Value> {
        let mut rows = self.recorded(tool);
        rows.retain(|row| row["kind"] == "call" || row["kind"] == "outcome");
        rows
    }

    /// Publishes and approves the plugin in `folder`.
    ///
    /// # Panics
    /// When it is refused.
    pub fn publish(&self, folder: &Path) {
        self.must([OsStr::new("publish"), OsStr::new("--approve"), folder.as_os_str()]);
    }

    /// Serves HTTP on a free port, and waits until it does.
    ///
    /// # Panics
    /// When the program ends before it is ready.
    #[must_use]
    pub fn serve(&self) -> Served {
        self.serve_at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Serves HTTP on this address, and waits until it does.
    ///
    /// # Panics
    /// When the program ends before it is ready.
    #[must_use]
    pub fn serve_at(&self, address: SocketAddr) -> Served {
        Served::start(self.command(["serve".to_owned(), "--listen".to_owned(), address.to_string()]))
    }

    /// Serves stdio.
    ///
    /// # Panics
    /// When the program can't be started.
    #[must_use]
    pub fn stdio(&self) -> Stdio {
        Stdio::start(self.command(["stdio"]))
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        let code = output.status.code().unwrap_or(-1);
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Fails unless it ended with `code` and its stderr has each of `words`.
    ///
    /// # Panics
    /// Then.
    pub fn is(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "exit code of\n{}{}", self.stdout, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "stderr does not say {word:?}:\n{}", self.stderr);
        }
    }
}
