//! The program with an admin plane, an issuer of the tests' own on this machine, and whoever asks.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The audience of the admin plane, and that of MCP.
pub(crate) const ADMIN: &str = "https://tools.example.com/admin";
pub(crate) const MCP: &str = "https://tools.example.com/mcp";
/// What proves the domain to an app directory.
pub(crate) const CHALLENGE: &str = "Xy-7_proof.of/domain+token==";

/// An issuer: a key, and a server that shows it.
struct Issuer {
    url: String,
    port: u16,
    key: EncodingKey,
}

/// The program, serving. It ends with this.
pub(crate) struct House {
    child: Child,
    issuer: Issuer,
    /// Where the admin plane listens, and MCP.
    pub(crate) admin: String,
    pub(crate) mcp: String,
    home: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Issuer {
    fn start() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
        jwk["kid"] = json!("a");
        jwk["alg"] = json!("ES256");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://localhost:{port}");
        let set = json!({ "keys": [jwk] }).to_string();
        let metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "registration_endpoint": format!("{url}/register"),
            "jwks_uri": format!("{url}/jwks"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        })
        .to_string();
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while head.read_line(&mut line).is_ok_and(|read| read > 0) && !line.ends_with("\r\n\r\n") {}
                let body = if line.starts_with("GET /jwks ") { &set } else { &metadata };
                let length = body.len();
                let _ = write!(stream, "HTTP/1.1 200 .\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            }
        });
        Self { url, port, key }
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::at(MCP, "127.0.0.1:0")
    }

    /// One whose clients were given this URL.
    pub(crate) fn at(public: &str, listen: &str) -> Self {
        let (home, issuer) = (tempfile::tempdir().unwrap(), Issuer::start());
        let (url, port) = (&issuer.url, issuer.port);
        let role = |role: &str| format!("{role} = {{ claim = \"groups\", any = [\"{role}s\", \"everything\"] }}\n");
        let roles: String = ["publisher", "approver", "auditor", "operator"].map(role).concat();
        let configuration = format!(
            "public_url = \"{public}\"\n[server]\nopenai_apps_challenge = \"{CHALLENGE}\"\n[pool]\ncalls = 1\n[authentication]\nissuer = \"{url}\"\nkey_set = \"{url}/jwks\"\n\
             failures = {{ per_source = 10_000, per_client = 10_000, alert = 10_000 }}\n\
             [egress]\nname_servers = [\"127.0.0.1:1\"]\n\
             private = [{{ host = \"localhost\", net = \"127.0.0.1/32\", port = {port} }}]\n\
             [egress.hosts]\nlocalhost = [\"127.0.0.1\"]\n\
             [admin]\nlisten = \"127.0.0.1:0\"\naudience = \"{ADMIN}\"\n[admin.roles]\n{roles}"
        );
        let config = home.path().join("test.toml");
        fs::write(&config, configuration).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        program.arg("--config").arg(config).arg("--data").arg(home.path().join("data"));
        program.args(["serve", "--listen", listen]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (told, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("the admin plane listens on http://") {
                    let _ = told.send(rest.split('/').next().unwrap().to_owned());
                }
                eprintln!("{line}");
            }
        });
        let admin = heard.recv_timeout(Duration::from_secs(120)).expect("the admin plane listens");
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let mcp = ready.trim().strip_prefix("ready http://").and_then(|rest| rest.strip_suffix("/mcp"));
        let mcp = mcp.unwrap_or_else(|| panic!("no ready line: {ready:?}")).to_owned();
        Self { child, issuer, admin, mcp, home }
    }

    /// A command, with this configuration but for one change.
    pub(crate) fn command(&self, (from, to): (&str, &str), arguments: &[&str]) -> Output {
        let config = fs::read_to_string(self.home.path().join("test.toml")).unwrap();
        assert!(config.contains(from), "{config}");
        let other = self.home.path().join("other.toml");
        fs::write(&other, config.replacen(from, to, 1)).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        program
            .arg("--config")
            .arg(other)
            .arg("--data")
            .arg(self.home.path().join("data"))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Who a token's subject is in approvals and in the audit.
    pub(crate) fn name(&self, subject: &str) -> String {
        format!("{}#{subject}", self.issuer.url)
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn issuer_port(&self) -> u16 {
        self.issuer.port
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer.url
    }

    /// A token of this subject for these audiences, in these groups.
    pub(crate) fn token(&self, subject: &str, audience: Value, groups: &[&str]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let header =
            Header { typ: Some("at+jwt".to_owned()), kid: Some("a".to_owned()), ..Header::new(Algorithm::ES256) };
        let claims = json!({
            "iss": self.issuer.url, "sub": subject, "aud": audience, "iat": now, "exp": now + 600, "groups": groups,
        });
        encode(&header, &claims, &self.issuer.key).unwrap()
    }

    /// One for the admin plane.
    pub(crate) fn of(&self, subject: &str, groups: &[&str]) -> String {
        self.token(subject, json!(ADMIN), groups)
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        self.send("GET", path, &[("authorization", &format!("Bearer {token}"))], None)
    }

    pub(crate) fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send("POST", path, &headers, Some(&body.to_string()))
    }

    /// Any request, on a connection of its own.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let host = self.admin.as_str();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let given = headers.iter().any(|(name, _)| *name == "host");
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !given {
            request += &format!("host: {host}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let body = body.unwrap_or_default();
        if !body.is_empty() {
            request += &format!("content-length: {}\r\n", body.len());
        }
        // Who is refused before its body was read may find nobody to take it.
        let _ = stream.write_all(format!("{request}\r\n{body}").as_bytes());
        Answer::read(&mut stream)
    }

    /// The release of the tests.
    pub(crate) fn release(&self, version: &str) -> Value {
        let manifest = include_str!("../people/plugin.toml").replace("\"1.0.0\"", &format!("\"{version}\""));
        let component = wat::parse_str(include_str!("../people/guest.wat")).unwrap();
        json!({
            "manifest": manifest,
            "files": { "any.json": "{\"type\":\"object\"}" },
            "component": BASE64_STANDARD.encode(component),
        })
    }

    /// The one release of this version, as it is listed.
    pub(crate) fn listed(&self, version: &str) -> Value {
        let answer = self.get(&self.of("eve", &["auditors"]), "/v1/releases");
        let releases = answer.body["releases"].as_array().expect("a list").clone();
        releases.into_iter().find(|release| release["release"] == format!("two@{version}")).expect("it is listed")
    }

    /// All words for what was refused and done, with how often, and by whom.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let answer = self.get(&self.of("eve", &["auditors"]), "/v1/audit?limit=1000");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["records"].as_array().unwrap().clone()
    }
}

impl Answer {
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        Self { status, head: head.to_ascii_lowercase(), body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// `error.code`.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
