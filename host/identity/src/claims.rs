//! What an issuer says of a token, checked claim by claim. One reading for tokens that carry their claims and for those
//! that an issuer is asked about: neither can get past a check that the other one has.

use std::collections::BTreeSet;

use portcullis_manifest::{Grants, Principal, Role, Scope};
use serde_json::{Map, Value};

use crate::config::AuthenticationConfig;

/// Most bytes of a subject, a client, a token's id and the name of a group.
pub(crate) const MAX_NAME: usize = 255;
/// Where the OAuth client stands, the first that is there: RFC 9068, OpenID Connect, and what Okta and Microsoft write instead.
pub(crate) const CLIENT: [&str; 4] = ["client_id", "azp", "cid", "appid"];
/// Most scopes and most groups of one token.
pub(crate) const MAX_VALUES: usize = 1000;
/// Claims that only an ID token has (OpenID Connect Core sections 2 and 3.3.2.11).
const ID_TOKEN_ONLY: [&str; 3] = ["nonce", "at_hash", "c_hash"];
/// Claims by which some issuers say that a token is none for access: Keycloak, Cognito.
const OTHER_USE: [(&str, &[&str]); 2] =
    [("typ", &["ID", "Refresh", "Offline", "Logout"]), ("token_use", &["id", "refresh"])];

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimSource {
    /// The token itself, whose signature has been verified.
    Token,
    /// The issuer, asked about a token (RFC 7662). `iss` may be missing: who answers is known.
    Introspection,
}

/// What is known of a good token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: always the configured issuer.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The client that the token was given to: `client_id`, else `azp`.
    pub client: Option<String>,
    /// `jti`.
    pub jti: Option<String>,
    /// `iat`, in seconds of Unix time.
    pub issued_at: u64,
    /// `exp`, in seconds of Unix time.
    pub expires_at: u64,
    /// What its subject holds.
    pub grants: Grants,
}

/// Why claims are refused. It names claims, and repeats nothing of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// A claim that must be there is not.
    #[error("the token has no claim `{0}`")]
    Missing(String),
    /// A claim of another type, or over its bounds.
    #[error("the token's claim `{claim}` is not {form}")]
    Form {
        /// Which.
        claim: String,
        /// What it has to be.
        form: &'static str,
    },
    /// Another issuer.
    #[error("the token was issued by another issuer than this server's")]
    Issuer,
    /// Our resource is not among its audiences.
    #[error("the token is not for this server: ask for one with this server's `resource` (RFC 8707)")]
    Audience,
    /// There is an audience that is not expected.
    #[error("the token is for others besides this server, and could be used there")]
    Audiences,
    /// `exp`.
    #[error("the token has expired")]
    Expired,
    /// `nbf`, or an `iat` in the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// From `iat` to `exp`.
    #[error("the token is valid for longer than the {0} seconds that this server accepts, or for no time at all")]
    Lifetime(u64),
    /// `cnf`: only who holds a key may present it, and nobody has shown one. Catalogue AU-24.
    #[error("the token is bound to a key (`cnf`), and as a bearer token it is refused")]
    Bound,
    /// Not an access token.
    #[error("the token is an ID or refresh token; present an access token")]
    OtherUse,
}

impl ClaimRefused {
    /// The rule that refused, in one word: for the audit and for tests.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Missing(_) => "claim-missing",
            Self::Form { .. } => "claim-form",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Audiences => "audience-extra",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
            Self::Lifetime(_) => "lifetime",
            Self::Bound => "bound",
            Self::OtherUse => "token-use",
        }
    }

    fn form(claim: &str, form: &'static str) -> Self {
        Self::Form { claim: claim.to_owned(), form }
    }
}

impl Claims {
    /// What `claims` say at `now`, in seconds of Unix time, if all of it is as `config` wants it.
    ///
    /// # Errors
    /// [`ClaimRefused`] with the first rule that refuses them.
    pub fn read(
        claims: &Map<String, Value>,
        config: &AuthenticationConfig,
        source: ClaimSource,
        now: u64,
    ) -> Result<Self, ClaimRefused> {
        use_of(claims)?;
        issuer(claims, config, source)?;
        audience(claims, config)?;
        let (issued_at, expires_at) = times(claims, config, now)?;
        let subject = name(claims, "sub")?.ok_or_else(|| ClaimRefused::Missing("sub".to_owned()))?;
        let mut client = None;
        for claim in CLIENT {
            if client.is_none() {
                client = name(claims, claim)?;
            }
        }
        let jti = name(claims, "jti")?;
        for required in &config.require {
            match claims.get(required) {
                None => return Err(ClaimRefused::Missing(required.clone())),
                Some(Value::Null) => return Err(ClaimRefused::form(required, "a value")),
                Some(Value::String(text)) if text.is_empty() => return Err(ClaimRefused::form(required, "a value")),
                Some(_) => {}
            }
        }
        let grants =
            Grants { scopes: scopes(claims, config)?, groups: groups(claims, config)?, roles: roles(claims, config) };
        Ok(Self { issuer: config.issuer.clone(), subject, client, jti, issued_at, expires_at, grants })
    }

    /// The principal that they are about.
    #[must_use]
    pub fn principal(&self) -> Principal {
        let principal = Principal::subject(&self.issuer, &self.subject, self.grants.clone());
        match &self.client {
            Some(client) => principal.through(client),
            None => principal,
        }
    }
}

/// Only a token for access, and only one that whoever carries it may present.
fn use_of(claims: &Map<String, Value>) -> Result<(), ClaimRefused> {
    if claims.contains_key("cnf") {
        return Err(ClaimRefused::Bound);
    }
    let other = |(claim, words): &(&str, &[&str])| {
        claims
            .get(*claim)
            .and_then(Value::as_str)
            .is_some_and(|word| words.iter().any(|w| w.eq_ignore_ascii_case(word)))
    };
    if ID_TOKEN_ONLY.iter().any(|claim| claims.contains_key(*claim)) || OTHER_USE.iter().any(other) {
        return Err(ClaimRefused::OtherUse);
    }
    Ok(())
}

fn issuer(claims: &Map<String, Value>, config: &AuthenticationConfig, source: ClaimSource) -> Result<(), ClaimRefused> {
    match claims.get("iss") {
        Some(Value::String(issuer)) if *issuer == config.issuer => Ok(()),
        Some(Value::String(_)) => Err(ClaimRefused::Issuer),
        Some(_) => Err(ClaimRefused::form("iss", "a string")),
        None if source == ClaimSource::Introspection => Ok(()),
        None => Err(ClaimRefused::Missing("iss".to_owned())),
    }
}

/// Exact strings: no case, no slash and no default port makes another audience ours (catalogue AU-03).
fn audience(claims: &Map<String, Value>, config: &AuthenticationConfig) -> Result<(), ClaimRefused> {
    let form = || ClaimRefused::form("aud", "a string or a list of strings");
    let audiences = match claims.get("aud") {
        Some(audience @ Value::String(_)) => std::slice::from_ref(audience),
        Some(Value::Array(audiences)) => audiences,
        Some(_) => return Err(form()),
        None => return Err(ClaimRefused::Missing("aud".to_owned())),
    };
    let (mut ours, mut other) = (false, false);
    for audience in audiences {
        let audience = audience.as_str().ok_or_else(form)?;
        if audience == config.resource {
            ours = true;
        } else {
            other |= !config.audiences.contains(audience);
        }
    }
    match (ours, other) {
        (false, _) => Err(ClaimRefused::Audience),
        (true, true) => Err(ClaimRefused::Audiences),
        (true, false) => Ok(()),
    }
}

/// `iat` and `exp`.
fn times(claims: &Map<String, Value>, config: &AuthenticationConfig, now: u64) -> Result<(u64, u64), ClaimRefused> {
    let required = |claim: &str| time(claims, claim)?.ok_or_else(|| ClaimRefused::Missing(claim.to_owned()));
    let (expires_at, issued_at, not_before) = (required("exp")?, required("iat")?, time(claims, "nbf")?);
    let leeway = config.leeway.as_secs();
    if expires_at.saturating_add(leeway) <= now {
        return Err(ClaimRefused::Expired);
    }
    let latest = now.saturating_add(leeway);
    if issued_at > latest || not_before.is_some_and(|not_before| not_before > latest) {
        return Err(ClaimRefused::NotYet);
    }
    let most = config.max_lifetime.as_secs();
    if expires_at.checked_sub(issued_at).is_none_or(|lifetime| lifetime == 0 || lifetime > most) {
        return Err(ClaimRefused::Lifetime(most));
    }
    Ok((issued_at, expires_at))
}

/// Whole seconds: a fraction, a sign or a text would be for the reader to round.
fn time(claims: &Map<String, Value>, claim: &str) -> Result<Option<u64>, ClaimRefused> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_u64().ok_or_else(|| ClaimRefused::form(claim, "a time in whole seconds"))?;
    Ok(Some(seconds))
}

/// A claim that tells somebody or something apart.
fn name(claims: &Map<String, Value>, claim: &str) -> Result<Option<String>, ClaimRefused> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let name = value.as_str().filter(|name| is_name(name));
    let form = "a string of 1 to 255 bytes without control characters";
    Ok(Some(name.ok_or_else(|| ClaimRefused::form(claim, form))?.to_owned()))
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// Exact words between single spaces. What is no scope of ours, a word with a tab or a line break in it among it, is no
/// scope that any tool could need (catalogue AU-05).
fn scopes(claims: &Map<String, Value>, config: &AuthenticationConfig) -> Result<BTreeSet<Scope>, ClaimRefused> {
    let mut scopes = BTreeSet::new();
    for claim in &config.scope_claims {
        let words: Vec<&str> = match claims.get(claim) {
            None => continue,
            Some(Value::String(text)) => text.split(' ').collect(),
            // A list is another thing than its text elsewhere: `scope` is a string, and who sends a list means another reader.
            Some(Value::Array(words)) if claim != "scope" => strings(claim, words)?,
            Some(_) if claim == "scope" => return Err(ClaimRefused::form(claim, "a string")),
            Some(_) => return Err(ClaimRefused::form(claim, STRINGS)),
        };
        if words.len() > MAX_VALUES {
            return Err(ClaimRefused::form(claim, STRINGS));
        }
        scopes.extend(words.into_iter().filter_map(|word| word.parse::<Scope>().ok()));
    }
    Ok(scopes)
}

fn groups(claims: &Map<String, Value>, config: &AuthenticationConfig) -> Result<BTreeSet<String>, ClaimRefused> {
    let claim = &config.groups_claim;
    match claims.get(claim) {
        None => Ok(BTreeSet::new()),
        Some(Value::Array(groups)) => {
            let groups = strings(claim, groups)?;
            if groups.iter().any(|group| !is_name(group)) {
                return Err(ClaimRefused::form(claim, STRINGS));
            }
            Ok(groups.into_iter().map(str::to_owned).collect())
        }
        Some(_) => Err(ClaimRefused::form(claim, STRINGS)),
    }
}

const STRINGS: &str = "a list of at most 1000 strings of 1 to 255 bytes";

fn strings<'c>(claim: &str, values: &'c [Value]) -> Result<Vec<&'c str>, ClaimRefused> {
    if values.len() > MAX_VALUES {
        return Err(ClaimRefused::form(claim, STRINGS));
    }
    let strings = values.iter().map(|value| value.as_str().ok_or_else(|| ClaimRefused::form(claim, STRINGS)));
    strings.collect()
}

/// A claim of another form than a string or a list of strings gives no role.
fn roles(claims: &Map<String, Value>, config: &AuthenticationConfig) -> BTreeSet<Role> {
    let held = config.roles.iter().filter(|(_, rule)| {
        let holds = |value: &str| rule.any.iter().any(|wanted| wanted == value);
        match claims.get(&rule.claim) {
            Some(Value::String(text)) if config.scope_claims.contains(&rule.claim) => text.split(' ').any(holds),
            Some(Value::String(text)) => holds(text),
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).any(holds),
            _ => false,
        }
    });
    held.map(|(role, _)| *role).collect()
}

#[cfg(test)]
mod tests;
