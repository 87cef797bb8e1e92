//! `kind = "http"`.

use super::{HostPattern, HttpRule, Method, OriginPattern, RequestPath, Scheme, SecretSlot};

/// Most lines of `allow`.
pub const MAX_RULES: usize = 64;
/// Most redirects that a manifest may let a request follow. Catalogue EG-06.
pub const MAX_REDIRECTS: u8 = 3;
/// Most times that a manifest may let a request be tried again.
pub const MAX_RETRIES: u8 = 3;

/// `kind = "http"`: requests to some origins, by listed methods and paths. Nothing listed, nothing allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCapability {
    origin: OriginPattern,
    allow: Vec<HttpRule>,
    secret: Option<SecretSlot>,
    redirects: u8,
    retries: u8,
}

/// Why an [`HttpCapability`] is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHttpCapability {
    /// Catalogue EG-11.
    #[error("`secret` with the origin `{0}`: a secret is sent over TLS only; write `https://`")]
    SecretInTheClear(OriginPattern),
    /// A secret is bound to one origin.
    #[error("`secret` with the origin `{0}`: a secret is bound to one origin; write the host without `*`")]
    SecretOfMany(OriginPattern),
    /// Over its number.
    #[error("`allow` has {0} lines and at most {MAX_RULES} are allowed; join some with `*` or `**`")]
    Rules(usize),
    /// A rule twice.
    #[error("`allow` has `{0}` twice; write it once")]
    Twice(HttpRule),
    /// Over its number.
    #[error("`redirects` is {0} and at most {MAX_REDIRECTS} are followed; write 0 to {MAX_REDIRECTS}")]
    Redirects(u8),
    /// Over its number.
    #[error("`retries` is {0} and a request is tried again at most {MAX_RETRIES} times; write 0 to {MAX_RETRIES}")]
    Retries(u8),
}

impl HttpCapability {
    /// What a manifest asks for.
    ///
    /// # Errors
    /// [`InvalidHttpCapability`] with the first that is wrong.
    pub fn new(
        origin: OriginPattern,
        allow: Vec<HttpRule>,
        secret: Option<SecretSlot>,
        redirects: u8,
        retries: u8,
    ) -> Result<Self, InvalidHttpCapability> {
        if secret.is_some() {
            if origin.scheme() != Scheme::Https {
                return Err(InvalidHttpCapability::SecretInTheClear(origin));
            }
            if !matches!(origin.host(), HostPattern::Exact(_)) {
                return Err(InvalidHttpCapability::SecretOfMany(origin));
            }
        }
        if allow.len() > MAX_RULES {
            return Err(InvalidHttpCapability::Rules(allow.len()));
        }
        if let Some(twice) = allow.iter().enumerate().find_map(|(at, rule)| allow[..at].contains(rule).then_some(rule))
        {
            return Err(InvalidHttpCapability::Twice(twice.clone()));
        }
        if redirects > MAX_REDIRECTS {
            return Err(InvalidHttpCapability::Redirects(redirects));
        }
        if retries > MAX_RETRIES {
            return Err(InvalidHttpCapability::Retries(retries));
        }
        Ok(Self { origin, allow, secret, redirects, retries })
    }

    /// Where requests may go.
    #[must_use]
    pub fn origin(&self) -> &OriginPattern {
        &self.origin
    }

    /// What they may ask there.
    #[must_use]
    pub fn allow(&self) -> &[HttpRule] {
        &self.allow
    }

    /// Where a secret goes into them.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretSlot> {
        self.secret.as_ref()
    }

    /// How many redirects a request follows.
    #[must_use]
    pub fn redirects(&self) -> u8 {
        self.redirects
    }

    /// How often a request that can be repeated is tried again.
    #[must_use]
    pub fn retries(&self) -> u8 {
        self.retries
    }

    /// The first rule that allows this request, wherever it goes.
    #[must_use]
    pub fn rule(&self, method: Method, path: &RequestPath) -> Option<&HttpRule> {
        self.allow.iter().find(|rule| rule.allows(method, path))
    }
}
