//! One program that is started: what it is, where it runs, and what became of it.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Why something did not succeed, for the person who asked for it.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// A program to start.
#[derive(Debug)]
pub(crate) struct Task(Command);

impl Failure {
    pub(crate) fn of(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl Task {
    pub(crate) fn new(program: impl AsRef<OsStr>, directory: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(directory).stdin(Stdio::null());
        Self(command)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// The command as it is given to the system.
    pub(crate) fn into_command(self) -> Command {
        self.0
    }

    /// Runs it in the person's sight.
    pub(crate) fn shown(mut self) -> Result<(), Failure> {
        let status = self.0.status().map_err(|error| self.not_started(&error))?;
        self.judge(status, "")
    }

    /// Runs it unseen; what it printed is in the failure.
    pub(crate) fn hidden(self) -> Result<(), Failure> {
        self.printed().map(drop)
    }

    /// Runs it unseen, and gives what it printed, on stdout and stderr.
    pub(crate) fn printed(mut self) -> Result<String, Failure> {
        // One pipe for both, so that an error stands after what led to it.
        let (mut reader, writer) = std::io::pipe()?;
        self.0.stdout(writer.try_clone()?).stderr(writer);
        let mut child = self.0.spawn().map_err(|error| self.not_started(&error))?;
        // The command holds the writing ends; the reader would wait for them for ever.
        self.0.stdout(Stdio::null()).stderr(Stdio::null());
        let mut printed = Vec::new();
        reader.read_to_end(&mut printed)?;
        let printed = String::from_utf8_lossy(&printed).into_owned();
        self.judge(child.wait()?, &printed)?;
        Ok(printed)
    }

    /// Runs it, showing its stderr, and gives its stdout.
    pub(crate) fn stdout(mut self) -> Result<String, Failure> {
        let output = self.0.stderr(Stdio::inherit()).output().map_err(|error| self.not_started(&error))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        self.judge(output.status, &printed)?;
        Ok(printed)
    }

    fn judge(&self, status: ExitStatus, printed: &str) -> Result<(), Failure> {
        if status.success() {
            return Ok(());
        }
        let separator = if printed.is_empty() { "" } else { "\n" };
        Err(Failure(format!("{self} ended with {status}{separator}{}", printed.trim_end())))
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure(format!("{self} cannot be started: {error}"))
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = Path::new(self.0.get_program());
        write!(f, "`{}", program.file_name().unwrap_or(program.as_os_str()).display())?;
        self.0.get_args().try_for_each(|argument| write!(f, " {}", argument.display()))?;
        match self.0.get_current_dir() {
            Some(directory) => write!(f, "` in {}", directory.display()),
            None => f.write_str("`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Task {
        Task::new("sh", Path::new("/")).args(["-c", script])
    }

    #[test]
    fn a_failure_quotes_what_was_printed_in_its_order() {
        let failure = shell("echo first; echo second >&2; echo third; exit 7").hidden().unwrap_err().to_string();
        assert!(failure.starts_with("`sh -c "), "{failure}");
        assert!(failure.contains("in / ended with exit status: 7\nfirst\nsecond\nthird"), "{failure}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = Task::new("no-such-program", Path::new("/")).hidden().unwrap_err().to_string();
        assert!(failure.contains("no-such-program") && failure.contains("cannot be started"), "{failure}");
    }

    #[test]
    fn what_is_printed_is_given() {
        assert_eq!(shell("echo out; echo err >&2").printed().unwrap(), "out\nerr\n");
        assert_eq!(shell("echo out").stdout().unwrap(), "out\n");
    }
}
