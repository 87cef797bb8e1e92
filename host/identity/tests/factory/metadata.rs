//! Where keys may come from: the issuer's own documents, at its own origin, and nowhere else.

use jsonwebtoken::Algorithm;
use portcullis_identity::{Authentication, AuthenticationConfig};
use serde_json::{Value, json};

use crate::{
    issuer::{Issuer, Page, RESOURCE, Signer},
    tokens::Factory,
    verifier::{NOW, verdict},
};

struct Scene {
    issuer: Issuer,
    signer: Signer,
}

impl Scene {
    async fn new() -> Self {
        let (issuer, signer) = (Issuer::start().await, Signer::new("k", Algorithm::ES256));
        issuer.show(&[&signer]);
        Self { issuer, signer }
    }

    fn token(&self, issuer: &str) -> String {
        let signer = &self.signer;
        let issuer = issuer.to_owned();
        Factory { issuer, rsa: signer, ec: signer, ed: signer, foreign: signer, sink: String::new(), now: NOW }
            .good(signer)
    }

    async fn verdict(&self, config: AuthenticationConfig, ports: &[u16]) -> &'static str {
        let token = self.token(&config.issuer);
        let (authentication, _) = self.issuer.verifier_reaching(config, ports);
        verdict(&authentication, &token).await
    }

    /// With this document as the issuer's metadata.
    async fn with(&self, document: &Value) -> &'static str {
        self.issuer.page("/.well-known/oauth-authorization-server", Page::json(document));
        self.verdict(self.issuer.config(), &[self.issuer.address.port()]).await
    }
}

#[tokio::test]
async fn keys_are_found_through_each_place_of_the_metadata() {
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let scene = Scene::new().await;
        scene.issuer.page(path, Page::json(&scene.issuer.metadata()));
        let config = scene.issuer.config();
        assert_eq!(scene.verdict(config, &[scene.issuer.address.port()]).await, "good", "{path}");
    }
    for path in [
        "/.well-known/oauth-authorization-server/realms/t",
        "/.well-known/openid-configuration/realms/t",
        "/realms/t/.well-known/openid-configuration",
    ] {
        let scene = Scene::new().await;
        let issuer = format!("{}/realms/t", scene.issuer.url());
        // Another tenant's document, a page for people: neither is the issuer's.
        scene.issuer.page("/.well-known/oauth-authorization-server/realms/t", Page::json(&scene.issuer.metadata()));
        let page = Page { status: 200, head: "content-type: text/html\r\n".into(), body: b"<html>".to_vec() };
        scene.issuer.page("/.well-known/openid-configuration/realms/t", page);
        let document = json!({"issuer": issuer, "jwks_uri": format!("{}/jwks", scene.issuer.url())});
        scene.issuer.page(path, Page::json(&document));
        let config = AuthenticationConfig::new(issuer, RESOURCE);
        assert_eq!(scene.verdict(config, &[scene.issuer.address.port()]).await, "good", "{path}");
    }
}

#[tokio::test]
async fn metadata_is_the_issuers_own_byte_for_byte() {
    let scene = Scene::new().await;
    let url = scene.issuer.url();
    assert_eq!(scene.with(&scene.issuer.metadata()).await, "good");
    for issuer in
        [json!(format!("{url}/")), json!(url.to_uppercase()), json!("https://evil.example"), json!([url]), Value::Null]
    {
        let document = json!({"issuer": issuer, "jwks_uri": format!("{url}/jwks")});
        assert_eq!(scene.with(&document).await, "issuer-unavailable", "{issuer}");
    }
    assert_eq!(scene.with(&json!({"issuer": url})).await, "issuer-unavailable");
    assert_eq!(scene.issuer.heard("/jwks"), 1);
}

/// Fails if the metadata chooses where the host goes: the address of a cloud's metadata, another host, another port, a file.
#[tokio::test]
async fn eg_35_a_key_set_elsewhere_is_not_fetched() {
    let scene = Scene::new().await;
    let other = Issuer::start().await;
    other.show(&[&scene.signer]);
    let ports = [scene.issuer.address.port(), other.address.port()];
    for url in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::1]/jwks".to_owned(),
        "http://metadata.google.internal/jwks".to_owned(),
        format!("http://127.0.0.1:{}/jwks", scene.issuer.address.port()),
        format!("{}/jwks", other.url()),
        format!("https://localhost:{}/jwks", scene.issuer.address.port()),
        format!("http://localhost:{}@evil.example/jwks", scene.issuer.address.port()),
        "file:///etc/passwd".to_owned(),
        "/jwks".to_owned(),
        String::new(),
    ] {
        let document = json!({"issuer": scene.issuer.url(), "jwks_uri": url});
        scene.issuer.page("/.well-known/oauth-authorization-server", Page::json(&document));
        assert_eq!(scene.verdict(scene.issuer.config(), &ports).await, "issuer-unavailable", "{url}");
    }
    assert_eq!((scene.issuer.heard("/jwks"), other.heard("/jwks")), (0, 0));
    // The operator may name it.
    let mut config = scene.issuer.config();
    config.key_set = Some(format!("{}/jwks", other.url()));
    assert_eq!(scene.verdict(config, &ports).await, "good");
    assert_eq!(other.heard("/jwks"), 1);
}

#[tokio::test]
async fn eg_35_no_redirect_is_followed() {
    let scene = Scene::new().await;
    let other = Issuer::start().await;
    other.show(&[&scene.signer]);
    let ports = [scene.issuer.address.port(), other.address.port()];
    for (status, to) in [(302, format!("{}/jwks", other.url())), (307, format!("{}/elsewhere", scene.issuer.url()))] {
        let head = format!("location: {to}\r\n");
        scene.issuer.page("/jwks", Page { status, head, body: Vec::new() });
        scene.issuer.page("/.well-known/oauth-authorization-server", Page::json(&scene.issuer.metadata()));
        assert_eq!(scene.verdict(scene.issuer.config(), &ports).await, "issuer-unavailable");
    }
    assert_eq!((other.heard("/jwks"), scene.issuer.heard("/elsewhere")), (0, 0));
}

/// Fails if identity has a way out of its own: what the operator's addresses do not allow is not reached.
#[tokio::test]
async fn eg_35_the_issuer_is_reached_through_the_guarded_client() {
    let scene = Scene::new().await;
    scene.issuer.page("/.well-known/oauth-authorization-server", Page::json(&scene.issuer.metadata()));
    assert_eq!(scene.verdict(scene.issuer.config(), &[]).await, "issuer-unavailable");
    assert_eq!(scene.issuer.heard("/.well-known/oauth-authorization-server"), 0);
}

#[tokio::test]
async fn what_cannot_be_trusted_is_refused_when_the_host_starts() {
    for (issuer, key_set) in [
        ("http://login.example.com", None),
        ("https://login.example.com/?tenant=1", None),
        ("https://127.0.0.1", None),
        ("login.example.com", None),
        ("https://login.example.com", Some("http://login.example.com/jwks")),
        ("https://login.example.com", Some("http://localhost.evil.example/jwks")),
        ("https://login.example.com", Some("jwks")),
    ] {
        let mut config = AuthenticationConfig::new(issuer, RESOURCE);
        config.key_set = key_set.map(str::to_owned);
        let error = Authentication::new(config, Issuer::egress(&[])).unwrap_err().to_string();
        assert!(error.contains("[authentication]"), "{issuer}: {error}");
    }
}
