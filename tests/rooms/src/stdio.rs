//! `portcullis stdio`, running.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio as Pipe},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use serde_json::Value;

use crate::{
    Era, Ran,
    served::{collect, end},
    tool_request,
};

/// A host on a pair of pipes. It is killed when it is dropped; a test that fails shows what it logged.
#[derive(Debug)]
pub struct Stdio {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    next: u64,
}

impl Stdio {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Pipe::piped()).stdout(Pipe::piped()).stderr(Pipe::piped());
        let mut child = command.spawn().expect("the program can be started");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (log, reader) = collect(child.stderr.take().expect("stderr is a pipe"));
        let stdin = child.stdin.take();
        Self { child, stdin, stdout, log, reader: Some(reader), next: 0 }
    }

    /// Sends bytes, whatever they are.
    ///
    /// # Panics
    /// When nobody reads them.
    pub fn send(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("not ended yet");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("the host reads its stdin");
    }

    /// The next message. Anything else on stdout is a failure.
    ///
    /// # Panics
    /// When stdout ends, or holds something else.
    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).expect("stdout is text");
        assert!(read > 0, "stdout ended\n{}", self.log());
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!(message["jsonrpc"], "2.0", "no message of the protocol: {line:?}");
        message
    }

    /// Sends one message and gives the next one that comes.
    pub fn ask(&mut self, message: &Value) -> Value {
        self.send(format!("{message}\n").as_bytes());
        self.receive()
    }

    /// Calls a tool that has to answer, with success or a tool error; gives the result.
    ///
    /// # Panics
    /// When there is no result.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.next += 1;
        let id = format!("call-{}", self.next);
        let answer = self.ask(&tool_request(Era::Modern, id.as_str(), tool, arguments));
        assert!(answer["id"] == id.as_str() && answer["result"].is_object(), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// What it logged so far.
    ///
    /// # Panics
    /// When the log could not be read.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("not poisoned").clone()
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends stdin and waits for the end of the process. `stdout` is what it wrote and was not yet read.
    ///
    /// # Panics
    /// When it wrote something that is no text.
    #[must_use]
    pub fn end(mut self) -> Ran {
        self.stdin = None;
        self.wait()
    }

    /// Waits for the end of the process, which has to come without the end of stdin.
    ///
    /// # Panics
    /// When it wrote something that is no text.
    #[must_use]
    pub fn wait(mut self) -> Ran {
        let (code, stdout) = end(&mut self.child, &mut self.stdout);
        self.reader.take().map(JoinHandle::join);
        Ran { code, stdout, stderr: self.log() }
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        // An error says that it has ended already, and that is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reader.take().map(JoinHandle::join);
        if std::thread::panicking() {
            eprintln!("--- the host's log ---\n{}", self.log());
        }
    }
}
