//! The admin plane with people who have signed in: its tokens are its own, and each may do what a role lets them.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_tests::{Answer, Connection, Home, Resource, Setup, SignedIn, loopback, plugin};
use serde_json::{Value, json};

use super::{refused, result, titles};

/// Whose groups give which role.
const ROLES: &str = r#"
[admin.roles]
publisher = { claim = "groups", any = ["makers"] }
approver = { claim = "groups", any = ["checkers"] }
auditor = { claim = "groups", any = ["readers"] }
operator = { claim = "groups", any = ["keepers"] }
"#;

struct Plane {
    host: SignedIn,
    address: SocketAddr,
    audience: String,
}

impl Plane {
    /// A host with plugins/notes, where approvers are others than publishers, and a plane of its own.
    fn start() -> Self {
        let address = SocketAddr::from((loopback(), 8081));
        let audience = format!("http://{address}/admin");
        let setup = Setup::new(Home::copied([plugin("plugins/notes")])).four_eyes();
        setup.provider().resource(Resource::new(&audience, &["notes:read"]));
        for (name, groups) in [
            ("maker", &["makers"][..]),
            ("checker", &["checkers"]),
            ("both", &["makers", "checkers"]),
            ("reader", &["readers"]),
            ("keeper", &["keepers"]),
            ("nobody", &["staff"]),
        ] {
            setup.provider().account(name, groups);
        }
        let section = format!(
            "[admin]\nlisten = \"{address}\"\naudience = {audience:?}\nallowed_hosts = [\"{address}\"]\n{ROLES}"
        );
        Self { host: setup.section(&section).serve(), address, audience }
    }

    fn token(&self, user: &str) -> String {
        self.host.provider.sign_in(user, &self.audience, "notes:read").access
    }

    fn send(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> Answer {
        let mut connection = Connection::open(self.address).expect("the admin plane listens");
        let mut headers = vec!["Content-Type: application/json".to_owned()];
        headers.extend(token.map(|token| format!("Authorization: Bearer {token}")));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        connection.request(method, path, &headers, body.as_bytes()).expect("it listens");
        connection.answer().expect("it answers")
    }

    fn get(&self, token: &str, path: &str) -> Answer {
        self.send(Some(token), "GET", path, &Value::Null)
    }
}

/// A release as the plane takes it, of another version than the one that is there.
fn release(folder: &Path, version: &str) -> Value {
    let manifest = fs::read_to_string(folder.join("plugin.toml")).expect("it has a manifest");
    let manifest = manifest.replace("version = \"0.1.0\"", &format!("version = {version:?}"));
    let schemas = fs::read_dir(folder.join("schemas")).expect("it has schemas");
    let files: BTreeMap<String, String> = schemas
        .map(|entry| {
            let path = entry.expect("a folder can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            (format!("schemas/{name}"), fs::read_to_string(&path).expect("a schema is text"))
        })
        .collect();
    let component = BASE64_STANDARD.encode(fs::read(folder.join("notes.wasm")).expect("it is built"));
    json!({ "manifest": manifest, "files": files, "component": component })
}

/// Fails without: an audience of its own for each listener.
#[test]
fn au_07_a_token_of_one_plane_is_none_on_the_other() {
    let plane = Plane::start();
    let admin = plane.token("reader");
    let mcp = plane.host.token("reader", "notes:read");
    assert_eq!(plane.get(&admin, "/v1/releases").status, 200);
    assert_eq!(titles(&plane.host.call(&mcp, "notes_search", json!({}))), [""; 0]);
    let answer = plane.get(&mcp, "/v1/releases");
    assert_eq!(answer.status, 401, "{}", answer.text());
    refused(&plane.host.call(&admin, "notes_search", json!({})));
    assert_eq!(plane.send(None, "GET", "/v1/releases", &Value::Null).status, 401);
    // Nothing of it is at the other place, whoever asks.
    let mut connection = plane.host.served.connect();
    let headers = [format!("Authorization: Bearer {admin}")];
    connection.request("GET", "/v1/releases", &headers, b"").expect("it listens");
    assert_eq!(connection.answer().expect("it answers").status, 404);
}

#[test]
fn au_07_each_role_lets_its_own_things_be_done() {
    let plane = Plane::start();
    let people = ["maker", "checker", "reader", "keeper", "nobody"].map(|name| (name, plane.token(name)));
    let approve = "/v1/releases/notes@0.1.0/withdraw";
    for (method, path, body, allowed) in [
        ("GET", "/v1/audit?limit=1", Value::Null, "reader"),
        ("GET", "/v1/denied", Value::Null, "keeper"),
        ("POST", "/v1/releases", json!({ "manifest": "", "component": "" }), "maker"),
        ("POST", approve, json!({}), "checker"),
    ] {
        for (name, token) in &people {
            let answer = plane.send(Some(token), method, path, &body);
            assert_eq!(
                answer.status != 403,
                *name == allowed,
                "{name} {method} {path}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
    let listed = plane.get(&people[4].1, "/v1/releases");
    assert_eq!(listed.status, 403, "a role is needed for that, too: {}", listed.text());
}

/// Fails without: the store's own comparison of the two.
#[test]
fn au_07_nobody_approves_what_they_published() {
    let plane = Plane::start();
    let [both, checker] = ["both", "checker"].map(|name| plane.token(name));
    let published = plane.send(Some(&both), "POST", "/v1/releases", &release(&plugin("plugins/notes"), "0.1.1"));
    assert!([200, 201].contains(&published.status), "{}", published.text());
    let approve = |token: &str| plane.send(Some(token), "POST", "/v1/releases/notes@0.1.1/approve", &json!({}));
    let own = approve(&both);
    assert!((400..500).contains(&own.status), "{}", own.text());
    // Not with another token either, nor with another client.
    assert_eq!(approve(&plane.token("both")).status, own.status);
    let other = approve(&checker);
    assert_eq!(other.status, 200, "{}", other.text());
    let releases = plane.get(&checker, "/v1/releases").text();
    assert!(releases.contains("0.1.1"), "{releases}");
    let token = plane.host.token("alice", "notes:read");
    result(&plane.host.call(&token, "notes_search", json!({})));
}
