//! An issuer of the tests' own: real keys, and a real HTTP server on this machine that shows them.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use parking_lot::Mutex;
use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// The resource that every token of the tests has to be for.
pub(crate) const RESOURCE: &str = "https://tools.example.com/mcp";

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

/// What its server shows, and was asked for.
#[derive(Default)]
pub(crate) struct Site {
    pages: Mutex<BTreeMap<String, Page>>,
    pub(crate) heard: Mutex<Vec<String>>,
    pub(crate) away: Mutex<bool>,
}

/// A server that stops when it is dropped.
pub(crate) struct Issuer {
    pub(crate) address: SocketAddr,
    pub(crate) site: Arc<Site>,
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
        let site = Arc::new(Site::default());
        let served = Arc::clone(&site);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let site = Arc::clone(&served);
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
                    site.heard.lock().push(path.clone());
                    if *site.away.lock() {
                        return;
                    }
                    let page = site.pages.lock().get(&path).cloned();
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
        Self { address, site, task }
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
        self.site.pages.lock().insert(path.to_owned(), page);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }
}
