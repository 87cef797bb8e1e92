//! A token that carries its claims (RFC 7519, RFC 9068): its form, its header, its signature, in this order and each strictly.
//! Nothing in a header chooses anything but one of the keys that the issuer shows; no address in it is ever asked (catalogue
//! AU-02, AU-04).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::verify;
use serde_json::{Map, Value};

use crate::{
    claims::ClaimRefused,
    config::{Algorithm, AuthenticationConfig, TokenType},
    json,
    keyset::{KeySet, NoKey, is_key_id},
};

/// Most bytes of a token.
pub const MAX_TOKEN: usize = 8 << 10;
/// Parameters of a header that carry a key, or say where one is. Whoever made the token would choose what it is checked with.
const CARRY_KEYS: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

/// Why credentials are refused. It repeats nothing of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// Several headers, or none that is text.
    #[error("there are several `Authorization` headers, or one that is no text; send one")]
    Authorization,
    /// Not `Bearer` and one token.
    #[error("`Authorization` is not `Bearer` and one token")]
    Scheme,
    /// Over its length.
    #[error("the token is longer than {MAX_TOKEN} bytes")]
    Length,
    /// Not three parts, or a part that is not base64url.
    #[error("the token is not one that this server can read: a signed JWT has three parts")]
    Form,
    /// The header is no JSON object that is read in one way.
    #[error("the token's header is not a JSON object with each member written once")]
    Header,
    /// `alg`.
    #[error("the token's `alg` is none that this server accepts")]
    Algorithm,
    /// `typ`.
    #[error("the token's `typ` is not that of an access token (`at+jwt`)")]
    Type,
    /// `crit`, `b64`.
    #[error("the token's header has `crit` or `b64`, which this server does not know")]
    Critical,
    /// A key in the header.
    #[error("the token's header brings or names a key of its own; keys come from the issuer")]
    EmbeddedKey,
    /// A `kid` that names nothing.
    #[error("the token's `kid` is not a string of 1 to 256 bytes without control characters")]
    KeyId,
    /// No key.
    #[error("the issuer has no one key that this token could be signed with")]
    Key,
    /// The signature.
    #[error("the token's signature is wrong")]
    Signature,
    /// The claims are no JSON object that is read in one way.
    #[error("the token's claims are not a JSON object with each member written once")]
    Claims,
    /// One of the claims.
    #[error(transparent)]
    Claim(#[from] ClaimRefused),
}

impl TokenRefused {
    /// The rule that refused, in one word: for the audit and for tests.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Scheme => "scheme",
            Self::Length => "token-length",
            Self::Form => "token-form",
            Self::Header => "token-header",
            Self::Algorithm => "algorithm",
            Self::Type => "token-type",
            Self::Critical => "critical",
            Self::EmbeddedKey => "embedded-key",
            Self::KeyId => "key-id",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Claim(refused) => refused.rule(),
        }
    }
}

impl From<NoKey> for TokenRefused {
    fn from(_: NoKey) -> Self {
        Self::Key
    }
}

/// What stands behind `Bearer` in the value of `Authorization` (RFC 6750 section 2.1). Whether that is one token is for
/// [`check_characters`] to say: it is looked at only if it is not remembered, and nothing else ever is.
pub(crate) fn bearer(authorization: &str) -> Result<&str, TokenRefused> {
    let (scheme, token) = authorization.split_once(' ').ok_or(TokenRefused::Scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenRefused::Scheme);
    }
    let token = token.trim_start_matches(' ');
    if token.len() > MAX_TOKEN {
        return Err(TokenRefused::Length);
    }
    Ok(token)
}

/// Whether it is one token, and nothing beside it.
pub(crate) fn check_characters(token: &str) -> Result<(), TokenRefused> {
    let text = token.trim_end_matches('=');
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
    if plain && !text.is_empty() { Ok(()) } else { Err(TokenRefused::Scheme) }
}

/// Whether it has the form of a token that carries its claims.
pub(crate) fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3
}

/// A token whose header has been read, and whose signature has not been verified.
#[derive(Debug)]
pub(crate) struct Signed<'t> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    /// What the signature is over.
    message: &'t str,
    claims: &'t str,
    signature: &'t str,
}

impl<'t> Signed<'t> {
    pub(crate) fn read(token: &'t str, config: &AuthenticationConfig) -> Result<Self, TokenRefused> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenRefused::Form)?;
        let (header, claims) = message.split_once('.').filter(|_| is_jwt(token)).ok_or(TokenRefused::Form)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenRefused::Form)?;
        let header = json::object(&header).map_err(|_| TokenRefused::Header)?;
        let algorithm = algorithm(&header, config)?;
        check_type(&header, config.token_type)?;
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(TokenRefused::Critical);
        }
        if CARRY_KEYS.iter().any(|name| header.contains_key(*name)) {
            return Err(TokenRefused::EmbeddedKey);
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) if is_key_id(id) => Some(id.clone()),
            Some(_) => return Err(TokenRefused::KeyId),
        };
        Ok(Self { algorithm, key_id, message, claims, signature })
    }

    /// The claims, if one of `keys` signed them.
    pub(crate) fn verified(&self, keys: &KeySet) -> Result<Map<String, Value>, TokenRefused> {
        let key = keys.find(self.key_id.as_deref(), self.algorithm)?;
        let good = verify(self.signature, self.message.as_bytes(), key.decoding(), self.algorithm.into());
        if !good.unwrap_or(false) {
            return Err(TokenRefused::Signature);
        }
        let claims = URL_SAFE_NO_PAD.decode(self.claims).map_err(|_| TokenRefused::Form)?;
        json::object(&claims).map_err(|_| TokenRefused::Claims)
    }
}

/// Exactly one of those that the operator lists: another case is another name.
fn algorithm(header: &Map<String, Value>, config: &AuthenticationConfig) -> Result<Algorithm, TokenRefused> {
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(|name| name.parse().ok());
    algorithm.filter(|algorithm| config.algorithms.contains(algorithm)).ok_or(TokenRefused::Algorithm)
}

/// A media type, which has no case, with or without `application/` (RFC 9068 section 4).
fn check_type(header: &Map<String, Value>, wanted: TokenType) -> Result<(), TokenRefused> {
    let is = |typ: &str, name: &str| typ.eq_ignore_ascii_case(name);
    let good = match (header.get("typ"), wanted) {
        (None, wanted) => wanted == TokenType::Any,
        (Some(Value::String(typ)), wanted) => {
            let access = is(typ, "at+jwt") || is(typ, "application/at+jwt");
            access || (wanted == TokenType::Any && (is(typ, "jwt") || is(typ, "application/jwt")))
        }
        (Some(_), _) => false,
    };
    if good { Ok(()) } else { Err(TokenRefused::Type) }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::RS256,
            Algorithm::Rs384 => Self::RS384,
            Algorithm::Rs512 => Self::RS512,
            Algorithm::Ps256 => Self::PS256,
            Algorithm::Ps384 => Self::PS384,
            Algorithm::Ps512 => Self::PS512,
            Algorithm::Es256 => Self::ES256,
            Algorithm::Es384 => Self::ES384,
            Algorithm::EdDsa => Self::EdDSA,
        }
    }
}
