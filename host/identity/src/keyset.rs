//! An issuer's keys (RFC 7517), read once: what comes out of here can verify a signature and nothing else. A key that says
//! something about itself that does not fit is left out; a document that can be read in two ways is refused whole.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{config::Algorithm, json};

/// Most keys of one set.
pub(crate) const MAX_KEYS: usize = 100;
/// Most bytes of a `kid`.
pub(crate) const MAX_KEY_ID: usize = 256;
/// The shortest RSA modulus that is accepted, and the longest, whose verification would take too long (RFC 8725 section 3.2).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The keys of an issuer, at one time.
#[derive(Clone, Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
    /// Over all keys: two sets of the same keys are one.
    fingerprint: [u8; 32],
}

/// A public key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, if it says so.
    only: Option<Algorithm>,
    kind: Kind,
    decoding: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A document that is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAKeySet {
    #[error("the key set is {0}")]
    Json(#[from] json::NotStrict),
    #[error("the key set has no list `keys`")]
    NoList,
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooMany,
    #[error("the key set has no key that a token could be verified with here")]
    NoneUsable,
}

/// Why no one key is for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// None of that `kid` that may be used with that algorithm.
    Unknown,
    /// There are several: which one is meant would be for us to guess.
    Several,
}

impl KeySet {
    /// The keys of the document `bytes`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, NotAKeySet> {
        let document = json::object(bytes)?;
        let Some(Value::Array(entries)) = document.get("keys") else { return Err(NotAKeySet::NoList) };
        if entries.len() > MAX_KEYS {
            return Err(NotAKeySet::TooMany);
        }
        let (mut keys, mut hash) = (Vec::new(), Sha256::new());
        for entry in entries {
            let Some(key) = entry.as_object().and_then(key) else { continue };
            // Members in the order of the document: another order is another fingerprint, which costs one verification.
            let text = entry.to_string();
            hash.update(text.len().to_be_bytes());
            hash.update(text);
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(NotAKeySet::NoneUsable);
        }
        Ok(Self { keys, fingerprint: hash.finalize().into() })
    }

    /// The one key for a token with this `kid` and `alg`. Without a `kid` it is the one key that could have signed it.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, NoKey> {
        let named = |key: &&Key| id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.fits(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(NoKey::Several),
            (None, _) => Err(NoKey::Unknown),
        }
    }

    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}

impl Key {
    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm.kind() == self.kind && self.only.is_none_or(|only| only == algorithm)
    }
}

impl Algorithm {
    fn kind(self) -> Kind {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => Kind::Rsa,
            Self::Es256 => Kind::P256,
            Self::Es384 => Kind::P384,
            Self::EdDsa => Kind::Ed25519,
        }
    }
}

/// A key that verifies signatures. What it says of its use and its algorithm has to fit, or it is not ours to use; and a key
/// whose private part the issuer shows to everybody proves nothing.
fn key(entry: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let absent_or = |name: &str, fits: &dyn Fn(&Value) -> bool| entry.get(name).is_none_or(fits);
    let verifies = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
    if entry.contains_key("d") || !absent_or("use", &|value| value == "sig") || !absent_or("key_ops", &verifies) {
        return None;
    }
    let id = match entry.get("kid") {
        None => None,
        Some(Value::String(id)) if is_key_id(id) => Some(id.clone()),
        Some(_) => return None,
    };
    let (kind, decoding) = match (text("kty")?, text("crv")) {
        ("RSA", _) => (Kind::Rsa, rsa(&bytes(text("n")?)?, &bytes(text("e")?)?)?),
        ("EC", Some("P-256")) => (Kind::P256, ec(text("x")?, text("y")?, 32)?),
        ("EC", Some("P-384")) => (Kind::P384, ec(text("x")?, text("y")?, 48)?),
        ("OKP", Some("Ed25519")) if bytes(text("x")?)?.len() == 32 => {
            (Kind::Ed25519, DecodingKey::from_ed_components(text("x")?).ok()?)
        }
        // `oct` among them: whoever holds such a key can make tokens with it.
        _ => return None,
    };
    let only = match entry.get("alg") {
        None => None,
        Some(algorithm) => Some(algorithm.as_str()?.parse::<Algorithm>().ok()?),
    };
    if only.is_some_and(|only| only.kind() != kind) {
        return None;
    }
    Some(Key { id, only, kind, decoding })
}

/// A `kid` that is looked up: it is compared and nothing else.
pub(crate) fn is_key_id(id: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&id.len()) && !id.chars().any(char::is_control)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<DecodingKey> {
    let significant = |bytes: &[u8]| bytes.iter().position(|byte| *byte != 0).map(|at| bytes[at..].to_vec());
    let (modulus, exponent) = (significant(modulus)?, significant(exponent)?);
    let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
    // An exponent of 1 makes every message its own signature; a long one only takes time.
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let good = RSA_BITS.contains(&bits) && odd(&modulus) && odd(&exponent) && exponent != [1] && exponent.len() <= 4;
    good.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn ec(x: &str, y: &str, length: usize) -> Option<DecodingKey> {
    let whole = bytes(x)?.len() == length && bytes(y)?.len() == length;
    whole.then(|| DecodingKey::from_ec_components(x, y).ok()).flatten()
}

#[cfg(test)]
mod tests;
