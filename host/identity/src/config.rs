//! What the operator says of access tokens: `[authentication]` of the configuration, typed.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
    time::Duration,
};

use portcullis_egress::{Destination, InvalidDestination};
use portcullis_manifest::{Role, http::Scheme};
use serde::Deserialize;

/// The most that clocks may differ (catalogue AU-23).
pub const MAX_LEEWAY: Duration = Duration::from_secs(60);
/// Most claims that may be required.
const MAX_REQUIRED: usize = 16;

/// Which access tokens are good here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationConfig {
    /// `iss` of every token, exactly; and where its metadata is.
    pub issuer: String,
    /// The audience that is enforced: the resource that clients were told, exactly.
    pub resource: String,
    /// Audiences that a token may name besides.
    pub audiences: BTreeSet<String>,
    /// Where the issuer's keys are. Else its metadata says so.
    pub key_set: Option<String>,
    /// By which signatures a token may be signed.
    pub algorithms: Vec<Algorithm>,
    /// Which `typ` a token must have.
    pub token_type: TokenType,
    /// Claims that a token must have besides `iss`, `sub`, `aud`, `exp` and `iat`.
    pub require: Vec<String>,
    /// Claims that hold scopes. `scope` is a string (RFC 9068 section 2.2.3); others may be lists too.
    pub scope_claims: Vec<String>,
    /// The claim that holds the subject's groups.
    pub groups_claim: String,
    /// The longest from `iat` to `exp`.
    pub max_lifetime: Duration,
    /// How far the issuer's clock may differ from ours.
    pub leeway: Duration,
    /// Whether a request without a token is the anonymous principal instead of a refusal.
    pub without_sign_in: bool,
    /// Which claim makes which role. Only the admin plane's own instance has any.
    pub roles: BTreeMap<Role, RoleClaim>,
}

/// The claim that gives a role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleClaim {
    /// Its name.
    pub claim: String,
    /// It gives the role if it is, or holds, one of these, exactly.
    pub any: Vec<String>,
}

/// The signatures that a token may have. Only those that a public key verifies: whoever may check a token must not be able
/// to make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// Which `typ` of its header makes a token an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TokenType {
    /// `at+jwt`, as RFC 9068 wants it.
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// That, `JWT` or none: for issuers that do not type their tokens. ID tokens are told apart by their claims.
    #[serde(rename = "any")]
    Any,
}

/// A text that is no [`Algorithm`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a signature that tokens are accepted by: write any of RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
     ES384 and EdDSA", .0.escape_debug()
)]
pub struct UnknownAlgorithm(String);

/// Something in an [`AuthenticationConfig`] cannot be. For the operator, when the host starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthentication {
    /// A URL.
    #[error("`{field}` of [authentication] is refused: {source}")]
    Url {
        /// Where it stands.
        field: &'static str,
        /// What is wrong with it.
        source: InvalidDestination,
    },
    /// `http://`.
    #[error(
        "`{field}` of [authentication] is not https: keys that came in the clear prove nothing. Only `http://localhost` is \
         accepted without TLS"
    )]
    InTheClear {
        /// Where it stands.
        field: &'static str,
    },
    /// An issuer with a query, which RFC 8414 does not know.
    #[error("`issuer` of [authentication] has a query, and an issuer has none (RFC 8414 section 2)")]
    IssuerQuery,
    /// No algorithm at all.
    #[error("`algorithms` of [authentication] is empty: no token could be good")]
    NoAlgorithm,
    /// Clocks.
    #[error("`leeway` of [authentication] is more than {} seconds", MAX_LEEWAY.as_secs())]
    Leeway,
    /// No lifetime.
    #[error("`max_lifetime` of [authentication] is 0: no token could be good")]
    Lifetime,
    /// No audience.
    #[error("the resource whose audience is enforced is empty: set `public_url`")]
    Resource,
    /// Too many or empty names of claims.
    #[error("`{field}` of [authentication] names too many claims, or one without a name")]
    Claims {
        /// Where they stand.
        field: &'static str,
    },
}

impl AuthenticationConfig {
    /// What holds where nothing else is said, for tokens of `issuer` that are for `resource`.
    #[must_use]
    pub fn new(issuer: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            resource: resource.into(),
            audiences: BTreeSet::new(),
            key_set: None,
            algorithms: vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa],
            token_type: TokenType::AtJwt,
            require: Vec::new(),
            scope_claims: vec!["scope".to_owned(), "scp".to_owned()],
            groups_claim: "groups".to_owned(),
            max_lifetime: Duration::from_secs(86_400),
            leeway: Duration::from_secs(30),
            without_sign_in: false,
            roles: BTreeMap::new(),
        }
    }

    /// Whether it can be, as far as that shows without asking anybody.
    ///
    /// # Errors
    /// [`InvalidAuthentication`] with the first that is wrong.
    pub fn check(&self) -> Result<(), InvalidAuthentication> {
        if trusted(&self.issuer, "issuer")?.query().is_some() {
            return Err(InvalidAuthentication::IssuerQuery);
        }
        self.key_set.as_ref().map_or(Ok(()), |url| trusted(url, "key_set").map(drop))?;
        if self.resource.is_empty() {
            return Err(InvalidAuthentication::Resource);
        }
        if self.algorithms.is_empty() {
            return Err(InvalidAuthentication::NoAlgorithm);
        }
        if self.leeway > MAX_LEEWAY {
            return Err(InvalidAuthentication::Leeway);
        }
        if self.max_lifetime.as_secs() == 0 {
            return Err(InvalidAuthentication::Lifetime);
        }
        for (field, claims) in [("require", &self.require), ("scope_claims", &self.scope_claims)] {
            if claims.len() > MAX_REQUIRED || claims.iter().any(String::is_empty) {
                return Err(InvalidAuthentication::Claims { field });
            }
        }
        Ok(())
    }
}

/// The place of something that tokens are trusted by: over TLS, or on this machine.
pub(crate) fn trusted(url: &str, field: &'static str) -> Result<Destination, InvalidAuthentication> {
    let url: Destination = url.parse().map_err(|source| InvalidAuthentication::Url { field, source })?;
    if url.origin().scheme() == Scheme::Http && url.origin().host().as_str() != "localhost" {
        return Err(InvalidAuthentication::InTheClear { field });
    }
    Ok(url)
}

impl Algorithm {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// `alg`, in the one spelling that is accepted.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text);
        known.ok_or_else(|| UnknownAlgorithm(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Algorithm {
    type Error = UnknownAlgorithm;

    fn try_from(text: String) -> Result<Self, UnknownAlgorithm> {
        text.parse()
    }
}
