//! Every hostile token of the factory (`host/identity/tests/factory`), sent to the program: what its client is told, and what is
//! on record of it.

#[path = "../../../identity/tests/factory/issuer.rs"]
mod issuer;

#[path = "../../../identity/tests/factory/cases.rs"]
mod cases;

#[path = "../../../identity/tests/factory/tokens.rs"]
mod tokens;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{
    issuer::{Issuer, RESOURCE},
    tokens::{Factory, signers},
};

/// The program, serving tokens of one issuer. It ends with this.
struct Program {
    child: Child,
    address: String,
    home: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(data: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    program.arg("--config").arg(data.join("test.toml")).arg("--data").arg(data.join("data"));
    program
}

impl Program {
    fn serving(issuer: &Issuer, sink: u16) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (url, port) = (issuer.url(), issuer.address.port());
        let configuration = format!(
            "public_url = \"{RESOURCE}\"\n[pool]\ncalls = 1\n[authentication]\nissuer = \"{url}\"\n\
             failures = {{ per_source = 0, per_client = 0, alert = 0 }}\n[egress]\nname_servers = [\"127.0.0.1:1\"]\n\
             private = [{{ host = \"localhost\", net = \"127.0.0.1/32\", port = {port} }}, \
             {{ host = \"localhost\", net = \"127.0.0.1/32\", port = {sink} }}]\n[egress.hosts]\nlocalhost = [\"127.0.0.1\"]\n"
        );
        std::fs::write(home.path().join("test.toml"), configuration).unwrap();
        let mut program = program(home.path());
        let mut child = program.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim().strip_prefix("ready http://").and_then(|rest| rest.strip_suffix("/mcp"));
        let address = address.unwrap_or_else(|| panic!("no ready line: {ready:?}")).to_owned();
        Self { child, address, home }
    }

    /// Status and head, in small letters, of what is answered to this token.
    fn answer(&self, token: &str) -> (u16, String) {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nconnection: close\r\naccept: application/json, text/event-stream\r\n\
             content-type: application/json\r\nmcp-protocol-version: 2025-11-25\r\nauthorization: Bearer {token}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        // Who is refused before the body was read may find nobody to take it.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let (head, _) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_owned())
    }

    /// How often the audit has each rule.
    fn refused(&self) -> BTreeMap<String, i64> {
        let listed = program(self.home.path()).args(["audit", "--json", "--limit", "10000"]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let mut counts = BTreeMap::new();
        for row in listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            if row["kind"] == "refused" {
                *counts.entry(row["class"].as_str().unwrap().to_owned()).or_default() += row["count"].as_i64().unwrap();
            }
        }
        counts
    }
}

/// Fails without: a challenge on a refusal, its rule in the audit, or the count of either.
#[tokio::test(flavor = "multi_thread")]
async fn au_02_au_03_au_04_au_20_au_24_every_hostile_token_is_answered_401_with_a_challenge_and_is_on_record() {
    let [rsa, ec, ed, foreign] = signers();
    let issuer = Issuer::showing(&[&rsa, &ec, &ed]).await;
    let sink = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    sink.set_nonblocking(true).unwrap();
    let sink_port = sink.local_addr().unwrap().port();
    let program = Program::serving(&issuer, sink_port);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let sink_url = format!("http://localhost:{sink_port}");
    let factory = Factory { issuer: issuer.url(), rsa: &rsa, ec: &ec, ed: &ed, foreign: &foreign, sink: sink_url, now };
    for signer in [&rsa, &ec, &ed] {
        assert_eq!(program.answer(&factory.good(signer)).0, 200, "{}", signer.id);
    }
    // No header carries a control character: such a token never gets as far as being one.
    let cases: Vec<_> =
        factory.hostile().into_iter().filter(|case| !case.token.bytes().any(|b| b.is_ascii_control())).collect();
    assert!(cases.len() >= 200, "{}", cases.len());
    let metadata = "resource_metadata=\"https://tools.example.com/.well-known/oauth-protected-resource/mcp\"";
    let mut expected = BTreeMap::new();
    for case in &cases {
        let (status, head) = program.answer(&case.token);
        assert_eq!(status, 401, "{}: {head}", case.name);
        let challenge = head.lines().find_map(|line| line.strip_prefix("www-authenticate: ")).unwrap_or_default();
        let whole = ["bearer ", metadata, "error=\"invalid_token\"", "error_description=\""];
        assert!(whole.iter().all(|part| challenge.contains(part)), "{}: {challenge}", case.name);
        assert!(head.contains("cache-control: no-store"), "{}: {head}", case.name);
        *expected.entry(case.rule.to_owned()).or_default() += 1;
    }
    assert!(sink.accept().is_err(), "a token made the host ask somebody");
    // Singly at first, then as numbers, written at the end of a window: exact in any case.
    let mut counts = program.refused();
    for _ in 0..120 {
        if counts == expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        counts = program.refused();
    }
    assert_eq!(counts, expected);
}
