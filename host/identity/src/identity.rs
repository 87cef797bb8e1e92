//! How one listener knows who is asking.

use std::{net::IpAddr, sync::Arc};

use portcullis_manifest::Principal;

use crate::{Authentication, Failures, NotProven, Presented};

/// How principals are established on one listener. Cloned, it is the same.
#[derive(Clone, Debug)]
pub struct Identity(Mode);

#[derive(Clone, Debug)]
enum Mode {
    Local,
    Tokens(Arc<Authentication>),
}

/// A listener that others can reach needs authentication (catalogue MC-02).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "refusing to listen on {address}: without authentication only loopback is served. Set `issuer` in [authentication] and \
     `public_url`, so that callers prove who they are with access tokens; or set `listen` to 127.0.0.1 or ::1, and put an \
     authenticating proxy in front if others are to reach it"
)]
pub struct ReachableUnauthenticated {
    address: IpAddr,
}

impl Identity {
    /// Whoever reaches this is the person who runs the host: stdio, and the store's own socket.
    #[must_use]
    pub fn local() -> Self {
        Self(Mode::Local)
    }

    /// The identity of a listener: by access tokens, or, on loopback and without authentication, of the person who runs the
    /// host.
    ///
    /// # Errors
    /// [`ReachableUnauthenticated`] if others could reach it unauthenticated.
    pub fn for_listener(
        address: IpAddr,
        authentication: Option<Authentication>,
    ) -> Result<Self, ReachableUnauthenticated> {
        match authentication {
            Some(authentication) => Ok(Self(Mode::Tokens(Arc::new(authentication)))),
            None if address.is_loopback() => Ok(Self(Mode::Local)),
            None => Err(ReachableUnauthenticated { address }),
        }
    }

    /// The principal behind a request. Where nothing verifies credentials they are ignored, not believed.
    ///
    /// # Errors
    /// [`NotProven`] when what was presented proves nobody.
    pub async fn authenticate(&self, presented: &Presented<'_>) -> Result<Principal, NotProven> {
        match &self.0 {
            Mode::Local => Ok(Principal::local()),
            Mode::Tokens(authentication) => authentication.authenticate(presented).await,
        }
    }

    /// The issuer whose tokens are taken, exactly as its metadata writes it; none where no tokens are.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.authentication().map(|authentication| authentication.config().issuer.as_str())
    }

    /// Whether a request without a token is the anonymous principal.
    #[must_use]
    pub fn serves_without_sign_in(&self) -> bool {
        self.authentication().is_some_and(|authentication| authentication.config().without_sign_in)
    }

    /// What counts refused tokens.
    #[must_use]
    pub fn failures(&self) -> Option<&Failures> {
        self.authentication()?.failures()
    }

    fn authentication(&self) -> Option<&Authentication> {
        match &self.0 {
            Mode::Local => None,
            Mode::Tokens(authentication) => Some(authentication),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails without the last arm of `Identity::for_listener`.
    #[test]
    fn mc_02_only_loopback_is_served_without_authentication() {
        for address in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert!(Identity::for_listener(address.parse().unwrap(), None).unwrap().issuer().is_none());
        }
        // `::ffff:127.0.0.1` is reachable only from this machine too, but the resolver that made it is not trusted to say so.
        for address in ["0.0.0.0", "::", "192.168.0.1", "10.0.0.1", "8.8.8.8", "::ffff:127.0.0.1"] {
            let error = Identity::for_listener(address.parse().unwrap(), None).unwrap_err().to_string();
            assert!(error.starts_with("refusing to listen on ") && error.contains("[authentication]"), "{error}");
        }
    }

    #[tokio::test]
    async fn the_local_principal_is_itself_whatever_is_presented() {
        let presented = Presented { authorization: crate::Authorization::Value("Bearer x.y.z"), source: None };
        assert_eq!(Identity::local().authenticate(&presented).await, Ok(Principal::local()));
    }
}
