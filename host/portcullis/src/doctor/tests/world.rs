//! A set-up on this machine, over TLS, with an authority of its own: a host and its authorization server, as they should be
//! until a test changes something.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::SystemTime};

use parking_lot::Mutex;
use portcullis_egress::{AddressPolicy, Deadlines, Egress, EgressConfig, NameServers, PrivateAddress, ResolverConfig};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::super::{Expected, Outside, Report, examine};

pub(super) const TOOLS: &str = "tools.example";
pub(super) const LOGIN: &str = "login.example";

/// What is answered at a URL.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

pub(super) struct World {
    listener: TcpListener,
    pages: HashMap<String, Page>,
    pub(super) url: String,
    pub(super) login: String,
    pub(super) expected: Expected,
    pub(super) egress: EgressConfig,
    /// What the certificate is for.
    pub(super) certificate: CertificateParams,
    roots: NamedTempFile,
    authority: Issuer<'static, KeyPair>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Page {
    pub(super) fn of(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(super) fn json(value: &Value) -> Self {
        Self::of(200, &value.to_string()).with("content-type", "application/json")
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(named, _)| named != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(named, _)| named != name);
        self
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tools, login) = (format!("https://{TOOLS}:{port}"), format!("https://{LOGIN}:{port}"));
        let url = format!("{tools}/mcp");
        let metadata = format!("{tools}/.well-known/oauth-protected-resource/mcp");
        let resource = json!({
            "resource": url,
            "authorization_servers": [login],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["notes:read", "notes:write"],
        });
        let issuer = json!({
            "issuer": login,
            "authorization_endpoint": format!("{login}/authorize"),
            "token_endpoint": format!("{login}/token"),
            "registration_endpoint": format!("{login}/register"),
            "client_id_metadata_document_supported": true,
            "jwks_uri": format!("{login}/jwks"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "token_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": ["notes:read", "notes:write"],
        });
        let challenge = format!("Bearer resource_metadata=\"{metadata}\", scope=\"notes:read\"");
        let pages = HashMap::from([
            (url.clone(), Page::of(401, "{}").with("www-authenticate", &challenge)),
            (metadata, Page::json(&resource)),
            (format!("{tools}/.well-known/oauth-protected-resource"), Page::json(&resource)),
            (format!("{login}/.well-known/oauth-authorization-server"), Page::json(&issuer)),
            (format!("{login}/jwks"), Page::json(&json!({ "keys": [key("RS256", "a"), key("ES256", "b")] }))),
        ]);
        let pages = pages.into_iter().map(|(url, page)| (url, page.with("date", &date(0)))).collect();
        let (roots, authority) = authority();
        let expected = Expected {
            issuer: Some(login.clone()),
            algorithms: ["RS256", "PS256", "ES256", "ES384", "EdDSA"].map(str::to_owned).to_vec(),
            ..Expected::default()
        };
        let egress = EgressConfig {
            resolver: ResolverConfig {
                name_servers: NameServers::Listed(Vec::new()),
                hosts: [TOOLS, LOGIN].map(|host| (host.parse().unwrap(), vec![local()])).into(),
            },
            roots: vec![roots.path().to_owned()],
            addresses: AddressPolicy {
                private: [TOOLS, LOGIN].map(|host| excepted(host, port)).to_vec(),
                ..AddressPolicy::default()
            },
            deadlines: Deadlines::default(),
            ..EgressConfig::default()
        };
        let certificate = CertificateParams::new(vec![TOOLS.to_owned(), LOGIN.to_owned()]).unwrap();
        let heard = Arc::default();
        Self { listener, pages, url, login, expected, egress, certificate, roots, authority, heard }
    }

    /// The page at the public URL, at a path of the tools' origin, or at one of the issuer's.
    pub(super) fn page(&mut self, place: &str) -> &mut Page {
        let url = self.at(place);
        self.pages.entry(url).or_insert_with(|| Page::of(404, ""))
    }

    pub(super) fn at(&self, place: &str) -> String {
        let origin = self.url.strip_suffix("/mcp").unwrap();
        match place {
            "mcp" => self.url.clone(),
            "resource" => format!("{origin}/.well-known/oauth-protected-resource/mcp"),
            "root" => format!("{origin}/.well-known/oauth-protected-resource"),
            "issuer" => format!("{}/.well-known/oauth-authorization-server", self.login),
            "openid" => format!("{}/.well-known/openid-configuration", self.login),
            "keys" => format!("{}/jwks", self.login),
            other => format!("{origin}{other}"),
        }
    }

    /// Changes a document.
    pub(super) fn change(&mut self, place: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let page = self.page(place);
        let mut document: Map<String, Value> = serde_json::from_str(&page.body).unwrap();
        change(&mut document);
        page.body = Value::Object(document).to_string();
    }

    pub(super) fn header(&mut self, place: &str, name: &str, value: Option<&str>) {
        let page = self.page(place).clone();
        *self.page(place) = match value {
            Some(value) => page.with(name, value),
            None => page.without(name),
        };
    }

    /// Everything that was asked, head by head.
    pub(super) fn heard(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.heard)
    }

    /// Serves it, and looks at it.
    pub(super) async fn examined(self) -> Report {
        let Self { listener, pages, url, expected, egress, certificate, authority, roots, heard, .. } = self;
        let acceptor = TlsAcceptor::from(Arc::new(served(certificate, &authority)));
        let pages = Arc::new(pages);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, pages, heard) = (acceptor.clone(), Arc::clone(&pages), Arc::clone(&heard));
                tokio::spawn(async move {
                    // Who doesn't like the certificate goes away.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut bytes = Vec::new();
                    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
                        let mut more = [0; 4096];
                        match stream.read(&mut more).await {
                            Ok(read @ 1..) => bytes.extend_from_slice(&more[..read]),
                            _ => return,
                        }
                    }
                    let head = String::from_utf8_lossy(&bytes).into_owned();
                    let answer = answer(&pages, &head);
                    heard.lock().push(head);
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        let outside = Outside::new(Egress::start(egress).unwrap());
        let report = examine(&outside, &url.parse().unwrap(), &expected).await;
        server.abort();
        drop(roots);
        report
    }
}

fn answer(pages: &HashMap<String, Page>, head: &str) -> String {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let missing = Page::of(404, "nothing here");
    let page = pages.get(&format!("https://{host}{path}")).unwrap_or(&missing);
    let headers: String = page.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {} .\r\n{headers}content-length: {}\r\n\r\n{}", page.status, page.body.len(), page.body)
}

fn local() -> IpAddr {
    "127.0.0.1".parse().unwrap()
}

fn excepted(host: &str, port: u16) -> PrivateAddress {
    PrivateAddress {
        host: host.parse().unwrap(),
        net: "127.0.0.0/8".parse().unwrap(),
        port: std::num::NonZeroU16::new(port).unwrap().into(),
    }
}

/// A public key that nobody signs with.
pub(super) fn key(algorithm: &str, name: &str) -> Value {
    // 2048 bits, the first of them set; what the numbers are is nobody's business here.
    let modulus = format!("v{}", "A".repeat(341));
    match algorithm {
        "RS256" => json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": modulus, "e": "AQAB" }),
        _ => json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": name, "x": "AA", "y": "AA" }),
    }
}

/// An HTTP date, so many seconds from now.
pub(super) fn date(offset: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let then = now.checked_add_signed(offset).unwrap();
    let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(then);
    crate::doctor::clock::tests::written(time)
}

fn authority() -> (NamedTempFile, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of a test");
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let key = KeyPair::generate().unwrap();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
    (file, Issuer::new(params, key))
}

fn served(mut params: CertificateParams, authority: &Issuer<'static, KeyPair>) -> ServerConfig {
    params.distinguished_name.push(DnType::CommonName, "a server of a test");
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}
