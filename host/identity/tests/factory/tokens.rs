//! The factory of hostile tokens: each is a good token with one thing wrong, and the rule that has to refuse it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::issuer::{RESOURCE, Signer};

/// A token and what has to become of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) rule: &'static str,
}

/// Makes tokens of one issuer.
pub(crate) struct Factory<'k> {
    pub(crate) issuer: String,
    pub(crate) rsa: &'k Signer,
    pub(crate) ec: &'k Signer,
    pub(crate) ed: &'k Signer,
    /// Somebody else's, under the names of the issuer's.
    pub(crate) foreign: &'k Signer,
    /// Where nobody may ever be asked.
    pub(crate) sink: String,
    /// Seconds since 1970, when its tokens are issued.
    pub(crate) now: u64,
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Header and claims as texts, signed as they are.
pub(crate) fn signed(signer: &Signer, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = signer.signature(&message);
    format!("{message}.{signature}")
}

impl Factory<'_> {
    pub(crate) fn header(&self, signer: &Signer) -> Value {
        json!({"typ": "at+jwt", "alg": format!("{:?}", signer.algorithm), "kid": signer.id})
    }

    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.issuer, "sub": "alice", "aud": RESOURCE, "iat": self.now, "exp": self.now + 300, "jti": "1", "client_id": "chat",
            "scope": "notes:read",
        })
    }

    pub(crate) fn good(&self, signer: &Signer) -> String {
        signed(signer, &self.header(signer).to_string(), &self.claims().to_string())
    }

    /// A good token with this claim.
    pub(crate) fn claiming(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[claim] = value;
        signed(self.ec, &self.header(self.ec).to_string(), &claims.to_string())
    }

    pub(crate) fn lacking(&self, claim: &str) -> String {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(claim);
        signed(self.ec, &self.header(self.ec).to_string(), &claims.to_string())
    }

    /// A good token with this in its header.
    pub(crate) fn heading(&self, member: &str, value: Value) -> String {
        let mut header = self.header(self.ec);
        header[member] = value;
        signed(self.ec, &header.to_string(), &self.claims().to_string())
    }

    pub(crate) fn symmetric(&self, algorithm: &str, kid: &str, secret: &[u8]) -> String {
        let header = json!({"typ": "at+jwt", "alg": algorithm, "kid": kid}).to_string();
        let message = format!("{}.{}", encoded(header), encoded(self.claims().to_string()));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(message.as_bytes());
        format!("{message}.{}", encoded(mac.finalize().into_bytes()))
    }

    /// A good token of this signer with another signature.
    pub(crate) fn resigned(&self, signer: &Signer, signature: &str) -> String {
        let good = self.good(signer);
        format!("{}.{signature}", good.rsplit_once('.').unwrap().0)
    }
}

/// The signers that a factory works with.
pub(crate) fn signers() -> [Signer; 4] {
    [
        Signer::new("key-rsa", Algorithm::RS256),
        Signer::new("key-ec", Algorithm::ES256),
        Signer::new("key-ed", Algorithm::EdDSA),
        Signer::new("key-ec", Algorithm::ES256),
    ]
}
