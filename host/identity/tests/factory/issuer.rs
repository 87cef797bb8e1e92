//! An issuer of the tests' own: real keys, and a real HTTP server on this machine that shows them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::NonZeroU16,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use parking_lot::Mutex;
use portcullis_egress::{Deadlines, Egress, EgressConfig, NameServers, PrivateAddress, ResolverConfig};
use portcullis_identity::{Authentication, AuthenticationConfig, Authorization, Clock, NotProven, Presented};
use portcullis_manifest::Principal;
use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// The resource that every token of the tests has to be for.
pub(crate) const RESOURCE: &str = "https://tools.example.com/mcp";
/// When every test begins.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Longer than any test takes that does not wait for it.
const LONG: Duration = Duration::from_secs(60);

/// A key pair with its name.
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
    pub(crate) pem: String,
    raw: Vec<u8>,
}

impl Signer {
    pub(crate) fn new(id: &str, algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::ES384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Algorithm::EdDSA => &rcgen::PKCS_ED25519,
            _ => &rcgen::PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let (der, pem) = (pair.serialize_der(), pair.serialize_pem());
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_der(&der),
            Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        };
        Self { id: id.to_owned(), algorithm, key, pem: pair.public_key_pem(), raw: pair.public_key_raw().to_vec() }
    }

    /// The public key as its issuer shows it.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match self.algorithm {
            Algorithm::EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&self.raw)}),
            algorithm => serde_json::to_value(Jwk::from_encoding_key(&self.key, algorithm).unwrap()).unwrap(),
        };
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(format!("{:?}", self.algorithm));
        jwk
    }

    pub(crate) fn signature(&self, message: &str) -> String {
        crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap()
    }
}

/// A clock that goes when it is told to.
#[derive(Default)]
pub(crate) struct Hands(AtomicU64);

impl Hands {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn unix(&self) -> u64 {
        NOW + self.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// What an issuer answers at a path.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Page {
    pub(crate) fn json(body: &Value) -> Self {
        Self { status: 200, head: String::new(), body: body.to_string().into() }
    }
}

/// A server that stops when it is dropped.
pub(crate) struct Issuer {
    pub(crate) address: SocketAddr,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    heard: Arc<Mutex<Vec<String>>>,
    away: Arc<Mutex<bool>>,
    task: JoinHandle<()>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (pages, heard, away) =
            <(Arc<Mutex<BTreeMap<String, Page>>>, Arc<Mutex<Vec<String>>>, Arc<Mutex<bool>>)>::default();
        let (served, listened, gone) = (Arc::clone(&pages), Arc::clone(&heard), Arc::clone(&away));
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (pages, heard, away) = (Arc::clone(&served), Arc::clone(&listened), Arc::clone(&gone));
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                        let mut more = [0; 4096];
                        match stream.read(&mut more).await {
                            Ok(read @ 1..) => request.extend_from_slice(&more[..read]),
                            _ => return,
                        }
                    }
                    let request = String::from_utf8(request).unwrap();
                    let mut words = request.split(' ');
                    assert_eq!(words.next(), Some("GET"));
                    let path = words.next().unwrap().to_owned();
                    heard.lock().push(path.clone());
                    if *away.lock() {
                        return;
                    }
                    let page = pages.lock().get(&path).cloned();
                    let page = page.unwrap_or(Page { status: 404, head: String::new(), body: Vec::new() });
                    let head = format!(
                        "HTTP/1.1 {} X\r\n{}content-length: {}\r\nconnection: close\r\n\r\n",
                        page.status,
                        page.head,
                        page.body.len()
                    );
                    let _ = stream.write_all(head.as_bytes()).await;
                    let _ = stream.write_all(&page.body).await;
                });
            }
        });
        Self { address, pages, heard, away, task }
    }

    /// One that shows `signers` and says so in its metadata.
    pub(crate) async fn showing(signers: &[&Signer]) -> Self {
        let issuer = Self::start().await;
        issuer.page("/.well-known/oauth-authorization-server", Page::json(&issuer.metadata()));
        issuer.show(signers);
        issuer
    }

    pub(crate) fn metadata(&self) -> Value {
        json!({"issuer": self.url(), "jwks_uri": format!("{}/jwks", self.url())})
    }

    pub(crate) fn show(&self, signers: &[&Signer]) {
        self.page("/jwks", Page::json(&json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()})));
    }

    pub(crate) fn page(&self, path: &str, page: Page) {
        self.pages.lock().insert(path.to_owned(), page);
    }

    /// Whether it ends every connection without an answer.
    pub(crate) fn away(&self, away: bool) {
        *self.away.lock() = away;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// How often `path` was asked for.
    pub(crate) fn heard(&self, path: &str) -> usize {
        self.heard.lock().iter().filter(|heard| *heard == path).count()
    }

    pub(crate) fn config(&self) -> AuthenticationConfig {
        AuthenticationConfig::new(self.url(), RESOURCE)
    }

    /// The operator's way out: `localhost` may be reached at these ports.
    pub(crate) fn egress(ports: &[u16]) -> Egress {
        let deadlines = Deadlines { dns: LONG, connect: LONG, tls: LONG, first_byte: LONG, idle: LONG };
        let hosts = BTreeMap::from([("localhost".parse().unwrap(), vec!["127.0.0.1".parse().unwrap()])]);
        let resolver = ResolverConfig { name_servers: NameServers::Listed(Vec::new()), hosts };
        let mut config = EgressConfig { deadlines, resolver, ..EgressConfig::default() };
        for port in ports {
            config.addresses.private.push(PrivateAddress {
                host: "localhost".parse().unwrap(),
                net: "127.0.0.0/8".parse().unwrap(),
                port: NonZeroU16::new(*port).unwrap().into(),
            });
        }
        Egress::start(config).unwrap()
    }

    /// What verifies this issuer's tokens, and its clock.
    pub(crate) fn verifier(&self, config: AuthenticationConfig) -> (Arc<Authentication>, Arc<Hands>) {
        self.verifier_reaching(config, &[self.address.port()])
    }

    pub(crate) fn verifier_reaching(
        &self,
        config: AuthenticationConfig,
        ports: &[u16],
    ) -> (Arc<Authentication>, Arc<Hands>) {
        let hands = Arc::new(Hands::default());
        let clock: Arc<dyn Clock> = Arc::<Hands>::clone(&hands);
        (Arc::new(Authentication::with_clock(config, Self::egress(ports), clock).unwrap()), hands)
    }
}

/// Presents `token` as every client does.
pub(crate) async fn present(authentication: &Authentication, token: &str) -> Result<Principal, NotProven> {
    let value = format!("Bearer {token}");
    let presented = Presented { authorization: Authorization::Value(&value), source: None };
    authentication.authenticate(&presented).await
}

/// The word of the rule that refuses `token`, or `good`.
pub(crate) async fn verdict(authentication: &Authentication, token: &str) -> &'static str {
    present(authentication, token).await.map_or_else(|not_proven| not_proven.rule(), |_| "good")
}
