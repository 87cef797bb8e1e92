//! `portcullis serve`, running.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio as Pipe},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{Connection, Era, Mcp, Ran};

/// A host that serves HTTP. It is killed when it is dropped; a test that fails shows what it logged.
#[derive(Debug)]
pub struct Served {
    /// Its endpoint.
    pub url: String,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Served {
    /// Starts it and waits for the line that says where it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdout(Pipe::piped()).stderr(Pipe::piped()).spawn().expect("the program can be started");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (log, reader) = collect(child.stderr.take().expect("stderr is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("stdout is text");
        let Some(url) = line.strip_prefix("ready ").map(|url| url.trim_end().to_owned()) else {
            let status = child.wait().expect("a started program ends");
            reader.join().expect("the log can be read");
            panic!("the host is not ready: {line:?}, {status}\n{}", log.lock().expect("not poisoned"));
        };
        let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/mcp")?.parse().ok());
        let address = address.unwrap_or_else(|| panic!("`ready` names no address: {url}"));
        Self { url, address, child, stdout, log, reader: Some(reader) }
    }

    /// A client of this host.
    ///
    /// # Panics
    /// When nobody listens any more.
    #[must_use]
    pub fn client(&self, era: Era) -> Mcp {
        Mcp::open(self.address, era).unwrap_or_else(|error| panic!("connect: {error}\n{}", self.log()))
    }

    /// A connection to this host.
    ///
    /// # Panics
    /// When nobody listens any more.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::open(self.address).unwrap_or_else(|error| panic!("connect: {error}\n{}", self.log()))
    }

    /// Calls a tool as a client of the modern era, on a connection of its own; gives the result.
    ///
    /// # Panics
    /// When there is no result. A tool error is one.
    pub fn call(&self, tool: &str, arguments: Value) -> Value {
        self.client(Era::Modern).call(tool, arguments)
    }

    /// The names of the tools that it lists, as it lists them.
    ///
    /// # Panics
    /// When they can't be listed.
    #[must_use]
    pub fn tool_names(&self) -> Vec<String> {
        let tools = self.client(Era::Modern).tools();
        tools.iter().map(|tool| tool["name"].as_str().expect("a tool has a name").to_owned()).collect()
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

    /// Whether it still runs.
    ///
    /// # Panics
    /// When the system can't say.
    pub fn is_up(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked for").is_none()
    }

    /// SIGKILL: it gets no chance to do anything more. Waits until it is gone.
    ///
    /// # Panics
    /// When it can't be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// SIGKILL while others still use it: clients in other threads lose it in the middle of whatever they do.
    ///
    /// # Panics
    /// When it can't be killed.
    pub fn kill_now(&self) {
        kill_process(process(&self.child), Signal::KILL).expect("a child can be killed");
    }

    /// SIGTERM: it stops as it wants to. Waits for its end.
    ///
    /// # Panics
    /// When it can't be told.
    #[must_use]
    pub fn stop(mut self) -> Ran {
        kill_process(process(&self.child), Signal::TERM).expect("a child can be told to stop");
        self.ended()
    }

    /// Waits for the end of a host that ends by itself. `stdout` is what it wrote after the line `ready`.
    fn ended(&mut self) -> Ran {
        let (code, stdout) = end(&mut self.child, &mut self.stdout);
        self.reader.take().map(JoinHandle::join);
        Ran { code, stdout, stderr: self.log() }
    }
}

impl Drop for Served {
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

/// Reads a program's stderr to its end, so that it never waits for a full pipe.
pub(crate) fn collect(stderr: impl std::io::Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let log = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&log);
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stderr).split(b'\n') {
            let Ok(line) = line else { return };
            let mut log = shared.lock().expect("not poisoned");
            log.push_str(&String::from_utf8_lossy(&line));
            log.push('\n');
        }
    });
    (log, reader)
}

/// How long a process may take to end. Only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a process's end; gives its exit code and what was still on its stdout.
pub(crate) fn end(child: &mut Child, stdout: &mut impl std::io::Read) -> (i32, String) {
    let pid = process(child);
    let (ended, waits) = mpsc::channel::<()>();
    // One that hangs is killed, so that this test fails here and says so.
    let watch = std::thread::spawn(move || {
        let hangs = waits.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        hangs && kill_process(pid, Signal::KILL).is_ok()
    });
    let mut text = String::new();
    stdout.read_to_string(&mut text).expect("stdout is text");
    let code = child.wait().expect("a started program ends").code().unwrap_or(-1);
    drop(ended);
    assert!(!watch.join().expect("the watch does not panic"), "the process did not end within {PATIENCE:?}: {text}");
    (code, text)
}

fn process(child: &Child) -> Pid {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id")
}
