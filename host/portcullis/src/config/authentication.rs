//! `[authentication]` and `[access]`: whose tokens are believed, and who may call what.

use std::{collections::BTreeMap, time::Duration};

use portcullis_egress::Egress;
use portcullis_identity::{
    Algorithm, Authentication, AuthenticationConfig, Denials, Failures, FailuresConfig, IntrospectionConfig,
    Introspector, TokenType,
};
use portcullis_manifest::{PluginName, SecretName};
use serde::Deserialize;

use super::Config;
use crate::exit::Failure;

/// `[access]`: the groups that see a plugin's tools and may call them. A plugin that is not listed is for everybody.
pub(crate) type Access = BTreeMap<PluginName, Vec<String>>;

/// `[authentication]`. It is on when `issuer` is set.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuthenticationSection {
    /// Whose tokens are believed, exactly as they name it.
    pub(crate) issuer: Option<String>,
    /// Where its keys are, if not where its metadata says.
    pub(crate) key_set: Option<String>,
    /// The algorithms that its tokens may be signed with.
    pub(crate) algorithms: Vec<Algorithm>,
    /// The audience of its tokens, if it can't be `public_url`.
    pub(crate) audience: Option<String>,
    /// Audiences that a token may name beside this server.
    pub(crate) audiences: Vec<String>,
    pub(crate) token_type: TokenType,
    /// Claims that a token must have beyond those that every token must have.
    pub(crate) require: Vec<String>,
    /// The claims that scopes stand in.
    pub(crate) scope_claims: Vec<String>,
    /// The claim that groups stand in.
    pub(crate) groups_claim: String,
    /// The longest that a token may live, in seconds.
    pub(crate) max_lifetime: u64,
    /// Seconds by which clocks may differ.
    pub(crate) leeway: u64,
    /// Whether tools that an approver allowed may be called without a token.
    pub(crate) without_sign_in: bool,
    pub(crate) introspection: Option<IntrospectionSection>,
    pub(crate) failures: FailuresSection,
}

/// `authentication.introspection`: RFC 7662.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntrospectionSection {
    pub(crate) endpoint: String,
    pub(crate) client_id: String,
    /// One of `[secrets]`.
    pub(crate) secret: SecretName,
    /// Whether the issuer is asked about every token, and not only about those that carry nothing.
    #[serde(default)]
    pub(crate) all: bool,
}

/// `authentication.failures`: refused tokens in a minute.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FailuresSection {
    pub(crate) per_source: u32,
    pub(crate) per_client: u32,
    /// So many of all raise one alert.
    pub(crate) alert: u32,
    /// Where the alert is sent besides the log.
    pub(crate) webhook: Option<String>,
}

impl Default for AuthenticationSection {
    fn default() -> Self {
        let AuthenticationConfig { algorithms, token_type, scope_claims, groups_claim, max_lifetime, leeway, .. } =
            AuthenticationConfig::new("", "");
        Self {
            issuer: None,
            key_set: None,
            algorithms,
            audience: None,
            audiences: Vec::new(),
            token_type,
            require: Vec::new(),
            scope_claims,
            groups_claim,
            max_lifetime: max_lifetime.as_secs(),
            leeway: leeway.as_secs(),
            without_sign_in: false,
            introspection: None,
            failures: FailuresSection::default(),
        }
    }
}

impl Default for FailuresSection {
    fn default() -> Self {
        let FailuresConfig { per_source, per_client, alert, .. } = FailuresConfig::default();
        Self { per_source, per_client, alert, webhook: None }
    }
}

impl AuthenticationSection {
    /// As far as that shows without the way out.
    pub(super) fn check(&self, config: &Config) -> Result<(), Failure> {
        let wrong = |text: String| Failure::usage(format_args!("configuration: {text}"));
        let Some(issuer) = &self.issuer else {
            let idle = [("without_sign_in", self.without_sign_in), ("introspection", self.introspection.is_some())];
            return match idle.into_iter().find(|(_, set)| *set) {
                Some((key, _)) => {
                    Err(wrong(format!("`authentication.{key}` has no effect without `authentication.issuer`")))
                }
                None => Ok(()),
            };
        };
        let Some(resource) = config.public_url()? else {
            return Err(wrong(
                "`authentication.issuer` needs `public_url`: the URL that clients are given is the audience that their tokens name"
                    .to_owned(),
            ));
        };
        self.typed(issuer, resource.as_str()).check().map_err(|error| wrong(error.to_string()))
    }

    fn typed(&self, issuer: &str, resource: &str) -> AuthenticationConfig {
        AuthenticationConfig {
            key_set: self.key_set.clone(),
            algorithms: self.algorithms.clone(),
            audiences: self.audiences.iter().cloned().collect(),
            token_type: self.token_type,
            require: self.require.clone(),
            scope_claims: self.scope_claims.clone(),
            groups_claim: self.groups_claim.clone(),
            max_lifetime: Duration::from_secs(self.max_lifetime),
            leeway: Duration::from_secs(self.leeway),
            without_sign_in: self.without_sign_in,
            ..AuthenticationConfig::new(issuer, self.audience.as_deref().unwrap_or(resource))
        }
    }
}

impl Config {
    /// What verifies the tokens of callers; nothing where nobody signs in. Asks nobody.
    pub(crate) fn authentication(&self, egress: &Egress, denials: Denials) -> Result<Option<Authentication>, Failure> {
        self.verifier(egress, denials, |config| config)
    }

    /// The same for tokens that are held to something else.
    pub(super) fn verifier(
        &self,
        egress: &Egress,
        denials: Denials,
        held_to: impl FnOnce(AuthenticationConfig) -> AuthenticationConfig,
    ) -> Result<Option<Authentication>, Failure> {
        let (section, resource) = (&self.authentication, self.public_url()?);
        let (Some(issuer), Some(resource)) = (&section.issuer, resource) else { return Ok(None) };
        let wrong = |error: &dyn std::fmt::Display| Failure::usage(format_args!("configuration: {error}"));
        let config = held_to(section.typed(issuer, resource.as_str()));
        let authentication = Authentication::new(config, egress.clone()).map_err(|error| wrong(&error))?;
        let FailuresSection { per_source, per_client, alert, webhook } = section.failures.clone();
        let failures = FailuresConfig { per_source, per_client, alert, webhook };
        let failures = Failures::new(&failures, egress).map_err(|error| wrong(&error))?;
        let authentication = authentication.denying(denials).counting(failures);
        let Some(IntrospectionSection { endpoint, client_id, secret, all }) = section.introspection.clone() else {
            return Ok(Some(authentication));
        };
        let introspection = IntrospectionConfig { endpoint, client_id, secret, all };
        let checks = authentication.config().clone();
        let introspector = Introspector::new(&introspection, checks, egress).map_err(|error| wrong(&error))?;
        Ok(Some(authentication.introspecting(introspector)))
    }
}
