//! A real identity provider on this machine, and people who sign in through it: `tests/identity`, run by Node.js.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::Ipv4Addr,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio as Pipe},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use serde_json::{Value, json};

use crate::{node, place::root, served::collect};

/// Every scope that a client may register for.
const SCOPES: &str = "notes:read notes:write tickets:read tickets:write";

/// A running provider. It ends with its stdin, so with the test in any case.
#[derive(Debug)]
pub struct Provider {
    issuer: String,
    introspection: Value,
    folder: tempfile::TempDir,
    pipes: Mutex<Pipes>,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// What a provider gave to a client of its own for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The client, which was registered for this.
    pub client: String,
    /// The access token.
    pub access: String,
    /// The refresh token, if there is one.
    pub refresh: Option<String>,
    /// The ID token, which is no access token.
    pub id: Option<String>,
    /// What was granted.
    pub scope: String,
}

/// A resource that tokens can be asked for, as the provider knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Its URL, which is the audience of its tokens.
    pub url: &'a str,
    /// The scopes that its tokens may have.
    pub scopes: &'a [&'a str],
    /// `RS256` or `ES256`.
    pub algorithm: &'a str,
    /// Whether its tokens are names of what the provider remembers, and no JWTs.
    pub opaque: bool,
}

impl<'a> Resource<'a> {
    /// With JWTs of the algorithm that every provider has.
    #[must_use]
    pub fn new(url: &'a str, scopes: &'a [&'a str]) -> Self {
        Self { url, scopes, algorithm: "RS256", opaque: false }
    }
}

impl Provider {
    /// Starts one on a port of its own.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut command = identity_script("provider.mjs");
        command.args(["--scopes", SCOPES]);
        let mut child = command.stdin(Pipe::piped()).spawn().expect("Node.js can be started");
        let (log, reader) = collect(child.stderr.take().expect("stderr is a pipe"));
        let mut pipes =
            Pipes { stdin: child.stdin.take(), stdout: BufReader::new(child.stdout.take().expect("stdout is a pipe")) };
        let ready = pipes.line().unwrap_or_else(|| {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("the provider does not start: {log}")
        });
        let issuer = ready["issuer"].as_str().expect("it says where it is").to_owned();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let introspection = ready["introspection"].clone();
        let secret = introspection["secret"].as_str().expect("it says how to ask it");
        crate::tickets::write_secret(&folder.path().join("introspection"), secret);
        Self { issuer, introspection, folder, pipes: Mutex::new(pipes), child, log, reader: Some(reader) }
    }

    /// Who it says it is.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The sections of a host's configuration that let it believe this provider. `more` are further lines of
    /// `[authentication]`.
    #[must_use]
    pub fn configuration(&self, more: &str) -> String {
        let port = self.port();
        format!(
            "[egress.hosts]\nlocalhost = [\"127.0.0.1\"]\n\n[[egress.private]]\nhost = \"localhost\"\nnet = \"127.0.0.1/32\"\nport = \
             {port}\n\n[authentication]\nissuer = {:?}\n{more}\n",
            self.issuer
        )
    }

    /// The same for a host that asks about opaque tokens.
    #[must_use]
    pub fn introspection(&self) -> String {
        let file: PathBuf = self.folder.path().join("introspection");
        format!(
            "[authentication.introspection]\nendpoint = \"{issuer}/token/introspection\"\nclient_id = {client}\nsecret = \
             \"introspection\"\n\n[secrets]\nintrospection = {{ file = {file:?}, origin = {issuer:?} }}\n",
            issuer = self.issuer,
            client = self.introspection["client_id"],
        )
    }

    /// Where it listens on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        let port = self.issuer.strip_prefix("http://localhost:").and_then(|port| port.parse().ok());
        port.expect("its issuer has its port")
    }

    /// A resource that tokens can be asked for from now on, or another way to make its tokens.
    pub fn resource(&self, resource: Resource<'_>) {
        let Resource { url, scopes, algorithm, opaque } = resource;
        self.ask("resource", json!({ "url": url, "scopes": scopes, "alg": algorithm, "opaque": opaque }));
    }

    /// What it says of somebody in the claim `groups`.
    pub fn account(&self, name: &str, groups: &[&str]) {
        self.ask("account", json!({ "name": name, "groups": groups }));
    }

    /// Other keys sign from now on; those before them stay in the key set or do not.
    pub fn rotate(&self, keep: bool) {
        self.ask("rotate", json!({ "keep": keep }));
    }

    /// Nobody listens any more.
    pub fn down(&self) {
        self.ask("down", json!({}));
    }

    /// Listens again.
    pub fn up(&self) {
        self.ask("up", json!({}));
    }

    /// How often `path` was asked for.
    #[must_use]
    pub fn count(&self, path: &str) -> u64 {
        self.ask("counts", json!({}))[path].as_u64().unwrap_or(0)
    }

    /// A token with claims over those of a good one, signed with the key in use: what no provider would sign.
    ///
    /// # Panics
    /// When it can't be signed.
    #[must_use]
    pub fn sign(&self, header: Value, claims: Value) -> String {
        let answer = self.ask("sign", json!({ "header": header, "claims": claims }));
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// A client registers, and `user` signs in at a browser and agrees.
    ///
    /// # Panics
    /// When it can't be done.
    #[must_use]
    pub fn sign_in(&self, user: &str, resource: &str, scope: &str) -> Tokens {
        Tokens::read(
            &self.run(&["sign-in", "--user", user, "--resource", resource, "--scope", scope]).expect("signs in"),
        )
    }

    /// New tokens without the person.
    ///
    /// # Errors
    /// What the provider says, when it does not give them.
    ///
    /// # Panics
    /// When there is nothing to refresh with.
    pub fn refresh(&self, tokens: &Tokens, resource: &str) -> Result<Tokens, String> {
        let token = tokens.refresh.as_deref().expect("there is a refresh token");
        let answer = self.run(&[
            "refresh",
            &format!("--client={}", tokens.client),
            &format!("--token={token}"),
            "--resource",
            resource,
        ])?;
        Ok(Tokens::read(&answer))
    }

    /// The client gives a token back.
    ///
    /// # Panics
    /// When the provider does not take it.
    pub fn revoke(&self, client: &str, token: &str) {
        self.run(&["revoke", &format!("--client={client}"), &format!("--token={token}")]).expect("it takes it back");
    }

    fn run(&self, arguments: &[&str]) -> Result<Value, String> {
        let mut command = identity_script("sign-in.mjs");
        let output = command.args(arguments).args(["--issuer", &self.issuer]).stdin(Pipe::null()).output();
        let output = output.expect("Node.js can be started");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            return Err(stderr.into_owned());
        }
        Ok(serde_json::from_str(stdout.trim()).unwrap_or_else(|error| panic!("{error}: {stdout}")))
    }

    fn ask(&self, what: &str, mut arguments: Value) -> Value {
        arguments["do"] = what.into();
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let stdin = pipes.stdin.as_mut().expect("it is open until this is dropped");
        writeln!(stdin, "{arguments}").expect("the provider reads");
        let answer = pipes.line().expect("the provider answers");
        assert!(answer["error"].is_null(), "{what}: {answer}");
        answer
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It ends with its stdin; if it does not, it is ended.
        drop(self.pipes.get_mut().unwrap_or_else(PoisonError::into_inner).stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reader.take().map(JoinHandle::join);
        if std::thread::panicking() {
            eprintln!("--- the provider's log ---\n{}", self.log.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Pipes {
    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).ok().filter(|read| *read > 0)?;
        serde_json::from_str(&line).ok()
    }
}

impl Tokens {
    fn read(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Self {
            client: text("client_id").expect("it says which client"),
            access: text("access_token").expect("there is an access token"),
            refresh: text("refresh_token"),
            id: text("id_token"),
            scope: text("scope").unwrap_or_default(),
        }
    }

    /// The claims of the access token.
    ///
    /// # Panics
    /// When it is no JWT.
    #[must_use]
    pub fn claims(&self) -> BTreeMap<String, Value> {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        let claims = self.access.split('.').nth(1).expect("a JWT has three parts");
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("a part is base64url");
        serde_json::from_slice(&claims).expect("claims are JSON")
    }
}

/// A loopback address that nobody else is likely to have: then a port can be chosen without asking, and known before it is bound. (All
/// of 127.0.0.0/8 is loopback on Linux.)
#[must_use]
pub fn loopback() -> Ipv4Addr {
    let [b, c, d] = rand::random::<[u8; 3]>();
    Ipv4Addr::new(127, b.max(1), c, d.clamp(1, 254))
}

/// A script of tests/identity, before it is run: stdout and stderr are pipes.
///
/// # Panics
/// When its packages are not installed.
#[must_use]
pub fn identity_script(name: &str) -> Command {
    let folder = root().join("tests/identity");
    let modules = folder.join("node_modules/oidc-provider");
    assert!(
        fs::exists(&modules).unwrap_or(false),
        "{} is missing; install it first: cargo xtask test",
        modules.display()
    );
    let mut command = Command::new(node());
    command.arg(folder.join(name)).current_dir(folder).stdout(Pipe::piped()).stderr(Pipe::piped());
    command
}
