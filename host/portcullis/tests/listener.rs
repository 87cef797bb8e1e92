//! The program as it listens: with a log that nobody takes, few open files, and clients that do not take their answers.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A served data directory. The process ends with it.
struct Served {
    child: Child,
    address: String,
    _home: TempDir,
}

/// The program with this configuration, started by a shell after `before`.
fn program(home: &Path, configuration: &str, before: &str) -> Command {
    let config = home.join("test.toml");
    fs::write(&config, configuration).unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{before} exec \"$0\" \"$@\"")).arg(env!("CARGO_BIN_EXE_portcullis"));
    shell.arg("--config").arg(config).arg("--data").arg(home.join("data"));
    shell
}

/// Little is reserved: these tests call nothing.
const SMALL: &str = "[pool]\ncalls = 1\n";

impl Served {
    fn start(configuration: &str, before: &str, stderr: Stdio) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut program = program(home.path(), &format!("{configuration}\n{SMALL}"), before);
        program.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(stderr);
        let mut child = program.spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim().strip_prefix("ready http://").and_then(|rest| rest.strip_suffix("/mcp"));
        let address = address.unwrap_or_else(|| panic!("no ready line: {ready:?}")).to_owned();
        Self { child, address, _home: home }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    fn request(&self) -> String {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let (host, length) = (&self.address, body.len());
        format!(
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }

    /// The answer to `request`, on a connection of its own.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        // It has nothing more to say, and waits.
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn answers(&self) {
        let answer = self.ask(&self.request());
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#""result":{}}"#), "{answer:?}");
    }

    fn stop(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let loud = "[log]\nfilter = \"debug\"";
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let unread = || Stdio::from(std::io::pipe().unwrap().1);
    for stderr in [full(), unread()] {
        let served = Served::start(loud, "", stderr);
        // What is refused is logged, before it is answered.
        let refused = served.request().replace("ping", "gnip");
        for _ in 0..3 {
            let answer = served.ask(&refused);
            assert!(answer.contains("no method `gnip`"), "{answer:?}");
            served.answers();
        }
        assert_eq!(served.stop().code(), Some(0));
    }
}

#[test]
fn mc_40_a_client_that_does_not_take_its_answers_loses_its_connection() {
    let served = Served::start("[http]\nconnections = 1\nwrite_timeout = 1", "", Stdio::inherit());
    let requests = served.request().repeat(200);
    let mut greedy = served.connect();
    greedy.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut sent = 0;
    // It asks for ever, and reads nothing.
    let ended = loop {
        assert!(Instant::now() < deadline, "it still holds its connection");
        match greedy.write(&requests.as_bytes()[sent..]) {
            Ok(taken) => sent = (sent + taken) % requests.len(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(ended.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{ended}");
    served.answers();
}

#[test]
fn a_stream_that_waits_for_what_changes_ends_with_a_result_when_the_program_does() {
    let served = Served::start("", "", Stdio::inherit());
    let meta =
        r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{meta}}}}}"#
    );
    let (host, length) = (&served.address, body.len());
    let mut stream = served.connect();
    let head = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
        MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n";
    write!(stream, "POST /mcp HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let mut events = BufReader::new(stream);
    let mut said = String::new();
    while !said.contains("notifications/subscriptions/acknowledged") {
        assert_ne!(events.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let began = Instant::now();
    assert_eq!(served.stop().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for who only listens");
    events.read_to_string(&mut said).unwrap();
    assert!(said.contains(r#""id":"l","result":{"resultType":"complete""#), "{said}");
    // The stream has its orderly end, and so has the connection.
    assert!(said.ends_with("\r\n0\r\n\r\n"), "{said:?}");
}

#[test]
fn as_many_files_as_connections_need_are_asked_for_or_missed() {
    let served = Served::start("[http]\nconnections = 200", "ulimit -Sn 100;", Stdio::inherit());
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.child.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|at| line.split_whitespace().nth(at).unwrap());
    assert_eq!(soft, hard);
    served.answers();

    let home = tempfile::tempdir().unwrap();
    let mut few = program(home.path(), "[http]\nconnections = 200", "ulimit -n 519;");
    let output = few.args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
    assert!(said.contains("`http.connections` is 200") && said.contains("at most 199"), "{said}");
}
