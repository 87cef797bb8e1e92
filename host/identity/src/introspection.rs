//! Tokens that carry nothing: the issuer is asked about them (RFC 7662). What it says is checked like the claims of a token
//! that carries them. It must never take an answer for a good one that it could not read, and never remember one for longer
//! than a revocation may take to be noticed.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_egress::{Egress, Response};
use portcullis_manifest::{SecretName, http::Origin};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{AuthenticationConfig, ClaimRefused, ClaimSource, Claims, PlaceRefused, json, post::Place};

/// Longest token that the issuer is asked about.
const LONGEST: usize = 4096;
/// Bytes of an answer.
const ANSWER: usize = 32 << 10;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds that an answer is remembered, good or bad; never past the token's own end.
const REMEMBERED: u64 = 60;
/// Seconds that are waited after the issuer gave no answer, until it is asked about the same token again.
const UNAVAILABLE: u64 = 2;
/// Answers that are remembered.
const ANSWERS: usize = 10_000;
/// Seconds between two lines in the log that say the same.
const LOGGED: u64 = 30;

/// `[authentication.introspection]`, typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionConfig {
    /// Where the issuer is asked.
    pub endpoint: String,
    /// Who this host is there.
    pub client_id: String,
    /// The name, under `[secrets]`, of what proves it. Its `origin` there is the endpoint's.
    pub secret: SecretName,
    /// Whether it is asked about tokens that carry their claims, too: then a revoked one ends within a minute.
    pub all: bool,
}

/// The issuer can't be asked. For the operator, when the host starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoIntrospection {
    /// The endpoint.
    #[error(transparent)]
    Endpoint(#[from] PlaceRefused),
    /// The client.
    #[error("`introspection.client_id` of [authentication] is empty")]
    Client,
    /// The secret.
    #[error(
        "`introspection.secret` of [authentication] is `{name}`, and [secrets] has none of this name for {origin}: write \
         `{name} = {{ file = \"...\", origin = \"{origin}\" }}` there"
    )]
    Secret {
        /// Its name.
        name: SecretName,
        /// What it would have to be for.
        origin: Origin,
    },
}

/// Why a token is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIntrospected {
    /// The issuer says so, and no more: it has expired, was revoked, or never was.
    #[error("the issuer says that the token is not active")]
    Inactive,
    /// The issuer says that it is active, and it is not for us.
    #[error("{refused}")]
    Claims {
        /// By which rule.
        refused: ClaimRefused,
        /// The client that it was given to, as the issuer says.
        client: Option<String>,
    },
    /// Nobody can say.
    #[error("the issuer can't be asked about the token: {reason}")]
    Unavailable {
        /// What is missing, without addresses.
        reason: &'static str,
        /// When it may be worth trying again.
        retry_after: Duration,
    },
}

/// Asks an issuer about tokens. One question about a token at a time: who asks the same meanwhile gets the same answer.
pub struct Introspector {
    place: Place,
    /// The header `Authorization`.
    proof: SecretString,
    config: Arc<AuthenticationConfig>,
    all: bool,
    /// By the token's SHA-256.
    answers: Cache<[u8; 32], Arc<Answer>>,
    asked: AtomicU64,
    logged_at: AtomicU64,
}

/// What the issuer said.
struct Answer {
    result: Result<Arc<Claims>, NotIntrospected>,
    /// From when until when it holds, in seconds since 1970: a clock that is set back makes no answer live longer.
    from: u64,
    until: u64,
}

impl Answer {
    fn new(result: Result<Arc<Claims>, NotIntrospected>, now: u64) -> Self {
        let until = match &result {
            Ok(claims) => claims.expires_at.min(now.saturating_add(REMEMBERED)),
            Err(NotIntrospected::Unavailable { .. }) => now.saturating_add(UNAVAILABLE),
            Err(_) => now.saturating_add(REMEMBERED),
        };
        Self { result, from: now, until }
    }

    fn holds(&self, now: u64) -> bool {
        (self.from..self.until).contains(&now)
    }
}

impl std::fmt::Debug for Introspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Introspector")
    }
}

impl NotIntrospected {
    /// The rule that refused, in one word: for the audit and for tests.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Claims { refused, .. } => refused.rule(),
            Self::Unavailable { .. } => "issuer-unavailable",
        }
    }
}

impl Introspector {
    /// Asks nobody yet. Tokens are held to `checks`.
    ///
    /// # Errors
    /// [`NoIntrospection`] with what the operator has to change.
    pub fn new(
        config: &IntrospectionConfig,
        checks: Arc<AuthenticationConfig>,
        egress: &Egress,
    ) -> Result<Self, NoIntrospection> {
        let place = Place::new(&config.endpoint, "introspection.endpoint", egress)?;
        if config.client_id.is_empty() {
            return Err(NoIntrospection::Client);
        }
        let secret = egress
            .secret(&config.secret, place.origin())
            .ok_or_else(|| NoIntrospection::Secret { name: config.secret.clone(), origin: place.origin().clone() })?;
        Ok(Self {
            proof: basic(&config.client_id, &secret),
            place,
            config: checks,
            all: config.all,
            answers: Cache::new(ANSWERS),
            asked: AtomicU64::new(0),
            logged_at: AtomicU64::new(0),
        })
    }

    /// Whether the issuer is to be asked about this token: about those that are not three parts between dots, which could carry
    /// claims, or about every one.
    #[must_use]
    pub fn is_for(&self, token: &str) -> bool {
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        self.all || token.split('.').count() != 3 || !token.split('.').all(part)
    }

    /// What is known of the token without asking, at `now` in seconds since 1970.
    #[must_use]
    pub fn remembered(&self, token: &str, now: u64) -> Option<Result<Arc<Claims>, NotIntrospected>> {
        self.answers.get(&key(token)).filter(|answer| answer.holds(now)).map(|answer| answer.result.clone())
    }

    /// What the issuer says of the token, asked now or within the last minute.
    ///
    /// # Errors
    /// [`NotIntrospected`] with why it is not good, or that nobody can say.
    pub async fn introspect(&self, token: &str, now: u64) -> Result<Arc<Claims>, NotIntrospected> {
        // RFC 6750 section 2.1. Nothing else can be one of the issuer's, so it is not asked.
        let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if token.is_empty() || token.len() > LONGEST || !token.bytes().all(may_stand) {
            return Err(NotIntrospected::Inactive);
        }
        let key = key(token);
        loop {
            match self.answers.get_value_or_guard_async(&key).await {
                Ok(answer) if answer.holds(now) => return answer.result.clone(),
                // Only this one: another may have put a newer one there meanwhile.
                Ok(old) => drop(self.answers.remove_if(&key, |found| Arc::ptr_eq(found, &old))),
                Err(place) => {
                    let answer = Arc::new(Answer::new(self.ask(token, now).await, now));
                    let _ = place.insert(Arc::clone(&answer));
                    return answer.result.clone();
                }
            }
        }
    }

    /// How often the issuer was asked.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    async fn ask(&self, token: &str, now: u64) -> Result<Arc<Claims>, NotIntrospected> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        let headers = [
            ("authorization", self.proof.expose_secret()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
        ];
        let answer = self.place.post(&headers, body.into_bytes(), ANSWER, PATIENCE).await;
        let answer = answer.map_err(|error| self.unavailable("it does not answer", &error.to_string(), now))?;
        let claims = read(&answer).map_err(|reason| self.unavailable(reason, &answer.status.to_string(), now))?;
        let Some(claims) = claims else { return Err(NotIntrospected::Inactive) };
        let checked = kind(&claims).and_then(|()| Claims::read(&claims, &self.config, ClaimSource::Introspection, now));
        checked.map(Arc::new).map_err(|refused| {
            let client =
                claims.get("client_id").and_then(Value::as_str).map(|client| client.chars().take(255).collect());
            NotIntrospected::Claims { refused, client }
        })
    }

    /// Says so in the log, and not again for each token.
    fn unavailable(&self, reason: &'static str, detail: &str, now: u64) -> NotIntrospected {
        let logged_at = self.logged_at.load(Ordering::Relaxed);
        let due = logged_at.abs_diff(now) >= LOGGED;
        if due && self.logged_at.compare_exchange(logged_at, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            tracing::warn!(
                reason,
                detail,
                "the issuer can't be asked about tokens: those that carry no claims are refused"
            );
        }
        NotIntrospected::Unavailable { reason, retry_after: Duration::from_secs(UNAVAILABLE) }
    }
}

fn key(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// RFC 6749 section 2.3.1: both parts are encoded as in a form before they are joined.
fn basic(client: &str, secret: &SecretString) -> SecretString {
    let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = SecretString::from(format!("{}:{}", part(client), part(secret.expose_secret())));
    format!("Basic {}", BASE64_STANDARD.encode(joined.expose_secret())).into()
}

/// The claims of an active token; none of one that is not. Whatever is neither is a fault of the issuer or of the operator's
/// configuration, and says nothing of the token.
fn read(answer: &Response) -> Result<Option<Map<String, Value>>, &'static str> {
    match answer.status {
        200 => {}
        400 | 401 | 403 => {
            return Err("it does not accept this host's `introspection.client_id` and `introspection.secret`");
        }
        404 | 405 => return Err("`introspection.endpoint` is not where it answers"),
        _ => return Err("it answers with a fault of its own"),
    }
    let mut types = answer.headers.iter().filter(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    let essence = types.next().and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if types.next().is_some() || !essence.eq_ignore_ascii_case("application/json") {
        return Err("its answer is not `application/json`");
    }
    let claims = json::object(&answer.body).map_err(|_| "its answer can't be read")?;
    match claims.get("active") {
        Some(Value::Bool(true)) => Ok(Some(claims)),
        Some(Value::Bool(false)) => Ok(None),
        _ => Err("its answer does not say whether the token is active"),
    }
}

/// Refresh tokens are active, too, and so are tokens that only the holder of a key may present.
fn kind(claims: &Map<String, Value>) -> Result<(), ClaimRefused> {
    let any_of = |claim: &str, words: &[&str]| match claims.get(claim) {
        None | Some(Value::Null) => true,
        Some(Value::String(word)) => words.iter().any(|known| known.eq_ignore_ascii_case(word)),
        Some(_) => false,
    };
    if claims.get("token_type").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("DPoP")) {
        return Err(ClaimRefused::Bound);
    }
    let access = any_of("token_type", &["Bearer", "access_token"]) && any_of("token_use", &["access", "access_token"]);
    if access { Ok(()) } else { Err(ClaimRefused::OtherUse) }
}
