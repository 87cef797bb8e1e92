//! From the header `Authorization` to a principal, or to why not. It runs one way: what is remembered, whether another look
//! is due to this source, the token's form and signature or the issuer's answer, the claims, the deny list. Catalogue AU-01.

#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use portcullis_egress::Egress;
use portcullis_manifest::Principal;
use serde_json::{Map, Value};

use crate::{
    Authorization, ClaimSource, Claims, Denials, DeniedBy, Failures, Introspector, NotIntrospected, NotProven,
    Presented, TokenFacts, TokenRefused,
    cache::{self, Remembered, TokenHash, Tokens},
    claims::{CLIENT, MAX_NAME},
    clock::{Clock, SystemClock},
    config::{AuthenticationConfig, InvalidAuthentication},
    keys::{KeyFault, Keys},
    source::Source,
    token::{Signed, bearer, check_characters, is_jwt},
};

/// Verifies the tokens of one issuer for one resource.
pub struct Authentication {
    config: Arc<AuthenticationConfig>,
    keys: Arc<Keys>,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    denials: Denials,
    introspector: Option<Introspector>,
    failures: Option<Failures>,
}

/// What became of a token that was looked at.
enum Fault {
    /// It is refused. The client, where the issuer has said whose it is.
    Refused {
        reason: String,
        rule: &'static str,
        client: Option<String>,
    },
    Unavailable {
        reason: &'static str,
        retry_after: Duration,
    },
}

impl From<TokenRefused> for Fault {
    fn from(refused: TokenRefused) -> Self {
        Self::Refused { reason: refused.to_string(), rule: refused.rule(), client: None }
    }
}

impl From<NotIntrospected> for Fault {
    fn from(refused: NotIntrospected) -> Self {
        let (reason, rule) = (refused.to_string(), refused.rule());
        match refused {
            NotIntrospected::Unavailable { reason, retry_after } => Self::Unavailable { reason, retry_after },
            NotIntrospected::Claims { client, .. } => Self::Refused { reason, rule, client },
            NotIntrospected::Inactive => Self::Refused { reason, rule, client: None },
        }
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Authentication {
    /// Asks nobody: the issuer is asked for its keys when a token comes.
    ///
    /// # Errors
    /// [`InvalidAuthentication`] with what the operator has to change.
    pub fn new(config: AuthenticationConfig, egress: Egress) -> Result<Self, InvalidAuthentication> {
        Self::with_clock(config, egress, Arc::new(SystemClock::default()))
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// As [`Authentication::new`].
    pub fn with_clock(
        config: AuthenticationConfig,
        egress: Egress,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InvalidAuthentication> {
        config.check()?;
        let source = Source::new(&config, egress)?;
        Ok(Self {
            config: Arc::new(config),
            keys: Arc::new(Keys::new(source, Arc::clone(&clock))),
            tokens: Tokens::new(),
            clock,
            denials: Denials::default(),
            introspector: None,
            failures: None,
        })
    }

    /// What tokens are held to.
    #[must_use]
    pub fn config(&self) -> &Arc<AuthenticationConfig> {
        &self.config
    }

    /// Asks the issuer about tokens that carry nothing.
    #[must_use]
    pub fn introspecting(self, introspector: Introspector) -> Self {
        Self { introspector: Some(introspector), ..self }
    }

    /// Refuses whom this list shuts out, from the moment it does.
    #[must_use]
    pub fn denying(self, denials: Denials) -> Self {
        Self { denials, ..self }
    }

    /// Counts what is refused, and slows down who presents it.
    #[must_use]
    pub fn counting(self, failures: Failures) -> Self {
        Self { failures: Some(failures), ..self }
    }

    /// What counts what is refused.
    #[must_use]
    pub fn failures(&self) -> Option<&Failures> {
        self.failures.as_ref()
    }

    /// The principal that was proven.
    ///
    /// # Errors
    /// [`NotProven`] with why there is none.
    pub async fn authenticate(&self, presented: &Presented<'_>) -> Result<Principal, NotProven> {
        let value = match presented.authorization {
            Authorization::Absent if self.config.without_sign_in => return Ok(Principal::anonymous()),
            Authorization::Absent => return Err(NotProven::Missing),
            Authorization::Value(value) => value,
            Authorization::Unreadable => {
                return Err(self.refused(TokenRefused::Authorization.into(), presented.source, ""));
            }
        };
        let (token, proven) = match bearer(value) {
            Ok(token) => match &self.introspector {
                Some(asked) if asked.is_for(token) => (token, Box::pin(self.opaque(asked, token, presented)).await),
                _ => (token, self.jwt(token, presented).await),
            },
            Err(refused) => (value, self.may_try(presented.source, value).and(Err(refused.into()))),
        };
        proven.map_err(|stop| match stop {
            Stop::Fault(fault) => self.refused(fault, presented.source, token),
            Stop::TooMany(retry_after) => NotProven::TooMany { retry_after },
        })
    }

    /// A token that carries its claims.
    async fn jwt(&self, token: &str, presented: &Presented<'_>) -> Result<Principal, Stop> {
        let hash = cache::hash(token);
        if let Some(remembered) = self.remembered(&hash).await? {
            self.allowed(&remembered.claims)?;
            return Ok(remembered.principal.clone());
        }
        self.may_try(presented.source, token)?;
        check_characters(token)?;
        if !is_jwt(token) {
            return Err(TokenRefused::Form.into());
        }
        let signed = Signed::read(token, &self.config)?;
        let keys = self.keys.holding(signed.key_id.as_deref(), signed.algorithm).await?;
        let claims = signed.verified(&keys.set)?;
        let now = self.clock.unix();
        let claims = Claims::read(&claims, &self.config, ClaimSource::Token, now).map_err(|refused| {
            let refused = TokenRefused::from(refused);
            Fault::Refused { reason: refused.to_string(), rule: refused.rule(), client: client(&claims) }
        })?;
        self.allowed(&claims)?;
        let principal = claims.principal();
        if now < claims.expires_at {
            let remembered = Remembered { principal: principal.clone(), claims, generation: keys.generation };
            self.tokens.remember(hash, Arc::new(remembered));
        }
        Ok(principal)
    }

    /// What is known of a token without looking at it again. With old keys nothing is known until the issuer was asked, or
    /// has been found to be away.
    async fn remembered(&self, hash: &TokenHash) -> Result<Option<Arc<Remembered>>, Stop> {
        let generation = match self.keys.fresh() {
            Some(generation) => generation,
            None if self.tokens.holds(hash) => self.keys.current().await?.generation,
            None => return Ok(None),
        };
        Ok(self.tokens.get(hash, generation, self.clock.unix()))
    }

    /// A token that carries nothing, or that the issuer is asked about all the same.
    async fn opaque(
        &self,
        introspector: &Introspector,
        token: &str,
        presented: &Presented<'_>,
    ) -> Result<Principal, Stop> {
        let now = self.clock.unix();
        let claims = match introspector.remembered(token, now) {
            Some(Ok(claims)) => claims,
            _ => {
                self.may_try(presented.source, token)?;
                check_characters(token)?;
                introspector.introspect(token, now).await?
            }
        };
        self.allowed(&claims)?;
        Ok(claims.principal())
    }

    fn may_try(&self, source: Option<IpAddr>, token: &str) -> Result<(), Stop> {
        let counted = self.failures.as_ref().map_or(Ok(()), |failures| failures.may_try(source, token));
        counted.map_err(|too_many| Stop::TooMany(too_many.retry_after))
    }

    /// Whether the operator lets it in: asked for every request, because the list may be another one by now.
    fn allowed(&self, claims: &Claims) -> Result<(), Fault> {
        let facts = TokenFacts {
            issuer: &claims.issuer,
            subject: &claims.subject,
            client: claims.client.as_deref(),
            jti: claims.jti.as_deref(),
            issued_at: claims.issued_at,
        };
        let Some(denied) = self.denials.refuses(&facts) else { return Ok(()) };
        let rule = if denied == DeniedBy::Issued { "denied-issued-before" } else { "denied" };
        Err(Fault::Refused { reason: format!("the token is refused: {denied}"), rule, client: claims.client.clone() })
    }

    fn refused(&self, fault: Fault, source: Option<IpAddr>, token: &str) -> NotProven {
        match fault {
            Fault::Unavailable { reason, retry_after } => NotProven::Unavailable { reason, retry_after },
            Fault::Refused { reason, rule, client } => {
                let counted = self.failures.as_ref().map(|failures| failures.failed(source, client.as_deref(), token));
                match counted {
                    // Whose client has to get another token must be told so: the limit is of a client, and others are its users, too.
                    Some(Err(too_many)) if !matches!(rule, "expired" | "denied-issued-before") => {
                        NotProven::TooMany { retry_after: too_many.retry_after }
                    }
                    _ => NotProven::Invalid { reason, rule },
                }
            }
        }
    }
}

/// Why a token makes no principal.
enum Stop {
    Fault(Fault),
    /// Nobody looks at it.
    TooMany(Duration),
}

impl<F: Into<Fault>> From<F> for Stop {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<KeyFault> for Fault {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::None(no_key) => TokenRefused::from(no_key).into(),
            KeyFault::Unavailable { retry_after } => {
                Self::Unavailable { reason: "the issuer does not show its keys", retry_after }
            }
        }
    }
}

/// The client of claims that are signed but refused.
fn client(claims: &Map<String, Value>) -> Option<String> {
    let client = CLIENT.into_iter().find_map(|claim| claims.get(claim)?.as_str());
    client.filter(|client| (1..=MAX_NAME).contains(&client.len())).map(str::to_owned)
}
