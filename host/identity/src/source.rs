//! Where an issuer's keys come from: its metadata (RFC 8414, OpenID Connect Discovery) and its key set, fetched through the
//! guarded client with a grant of their own. Only the issuer's origin, and the one of a key set that the operator names, are
//! in that grant, whatever the metadata says (catalogue EG-35). It never follows a redirect.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_egress::{Destination, Egress, FetchError, NotAdmitted, Reach, Request, Room, admit};
use portcullis_manifest::http::{HttpCapability, HttpRule, Method, Origin, PathPattern};
use serde_json::Value;

use crate::{
    config::{AuthenticationConfig, InvalidAuthentication, trusted},
    json,
    keyset::{KeySet, NotAKeySet},
};

/// Most bytes of metadata and of a key set.
const MAX_DOCUMENT: usize = 256 << 10;
/// How long it may take to get the keys, metadata and all: requests wait for them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the keys of one issuer come from.
pub(crate) struct Source {
    egress: Egress,
    issuer: String,
    at: Destination,
    key_set: Option<Destination>,
}

/// Why there are no keys. For the operator's log: a client is only told that there are none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKeys {
    #[error("the fetch of {at} failed: {source}")]
    Fetch { at: Destination, source: FetchError },
    #[error("{at} is not asked: {source}")]
    NotAdmitted { at: Destination, source: NotAdmitted },
    #[error("{at} cannot be granted: its path holds a `*` or is too long")]
    Path { at: Destination },
    #[error("{at} answers with the status {status}")]
    Status { at: Destination, status: u16 },
    #[error("{at} is {source}")]
    Json { at: Destination, source: json::NotStrict },
    #[error(
        "the metadata at {at} is of another issuer than `{issuer}`, or of none: `issuer` has to be written as the metadata writes it"
    )]
    Issuer { at: Destination, issuer: String },
    #[error("the metadata at {at} has no `jwks_uri`; set `key_set` in [authentication]")]
    NoKeySet { at: Destination },
    #[error(
        "`jwks_uri` in the metadata at {at} is not at the issuer's own origin or is no URL that is fetched; if it is right, set `key_set` in [authentication] to it"
    )]
    Foreign { at: Destination },
    #[error("at {at}: {source}")]
    KeySet { at: Destination, source: NotAKeySet },
}

impl NoKeys {
    /// Whether it was the connection that failed, and not what came over it.
    fn is_nobody(&self) -> bool {
        match self {
            Self::Fetch { source, .. } => !matches!(source.kind(), "too-large" | "protocol"),
            _ => false,
        }
    }
}

impl Source {
    /// Asks nobody.
    pub(crate) fn new(config: &AuthenticationConfig, egress: Egress) -> Result<Self, InvalidAuthentication> {
        let at = trusted(&config.issuer, "issuer")?;
        let key_set = config.key_set.as_deref().map(|url| trusted(url, "key_set")).transpose()?;
        Ok(Self { egress, issuer: config.issuer.clone(), at, key_set })
    }

    /// The issuer's keys as they are now.
    pub(crate) async fn keys(&self) -> Result<KeySet, NoKeys> {
        let deadline = Instant::now() + PATIENCE;
        let at = match &self.key_set {
            Some(at) => at.clone(),
            None => self.discover(deadline).await?,
        };
        let body = self.get(&at, deadline).await?;
        KeySet::parse(&body).map_err(|source| NoKeys::KeySet { at, source })
    }

    /// Where the issuer's metadata says that its keys are. The first document that is the issuer's own counts; others may
    /// answer at the other places, with pages for people or for another tenant.
    async fn discover(&self, deadline: Instant) -> Result<Destination, NoKeys> {
        let mut failed = None;
        for at in metadata_urls(&self.at) {
            match self.metadata(&at, deadline).await {
                Ok(key_set) => return Ok(key_set),
                // Nobody is there: asking again at another path would only take longer.
                Err(error) if error.is_nobody() => return Err(error),
                // The best reason is the last one that came from a document.
                Err(error @ NoKeys::Status { .. }) => failed = failed.or(Some(error)),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| NoKeys::Path { at: self.at.clone() }))
    }

    async fn metadata(&self, at: &Destination, deadline: Instant) -> Result<Destination, NoKeys> {
        let body = self.get(at, deadline).await?;
        let document = json::object(&body).map_err(|source| NoKeys::Json { at: at.clone(), source })?;
        if document.get("issuer").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(NoKeys::Issuer { at: at.clone(), issuer: self.issuer.clone() });
        }
        let Some(url) = document.get("jwks_uri") else { return Err(NoKeys::NoKeySet { at: at.clone() }) };
        let url = url.as_str().and_then(|url| url.parse::<Destination>().ok());
        url.filter(|url| self.grants(url.origin())).ok_or_else(|| NoKeys::Foreign { at: at.clone() })
    }

    /// The whole allow-list.
    fn grants(&self, origin: &Origin) -> bool {
        origin == self.at.origin() || self.key_set.as_ref().is_some_and(|url| origin == url.origin())
    }

    async fn get(&self, at: &Destination, deadline: Instant) -> Result<Vec<u8>, NoKeys> {
        let path: Option<PathPattern> = at.path().as_str().parse().ok().filter(|_| self.grants(at.origin()));
        let rule = HttpRule::new(Method::Get, path.ok_or_else(|| NoKeys::Path { at: at.clone() })?);
        let capability = HttpCapability::new(at.origin().clone().into(), vec![rule], None, 0, 0);
        let capability = Arc::new(capability.expect("one rule and no secret are within every bound"));
        let admitted = admit(&capability, &Reach::Granted, Method::Get, at.clone());
        let admitted = admitted.map_err(|source| NoKeys::NotAdmitted { at: at.clone(), source })?;
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        let room = Room { request_body: 0, response_body: MAX_DOCUMENT, headers: 64, header_bytes: 16 << 10, deadline };
        let fetched = self.egress.fetch(admitted, Request { headers, ..Request::default() }, &room).await;
        let response = fetched.result.map_err(|source| NoKeys::Fetch { at: at.clone(), source })?;
        match response.status {
            200 => Ok(response.body),
            status => Err(NoKeys::Status { at: at.clone(), status }),
        }
    }
}

/// Where the metadata of an issuer may be, in the order in which clients look (RFC 8414 section 3.1, OpenID Connect
/// Discovery section 4).
#[must_use]
pub fn metadata_urls(issuer: &Destination) -> Vec<Destination> {
    let path = issuer.path().as_str().trim_end_matches('/');
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        paths.push(format!("{path}/.well-known/openid-configuration"));
    }
    paths.into_iter().filter_map(|path| format!("{}{path}", issuer.origin()).parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_clients_look_for_it() {
        let urls = |issuer: &str| {
            let urls = metadata_urls(&issuer.parse().unwrap());
            urls.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let root = [
            "https://as.example/.well-known/oauth-authorization-server",
            "https://as.example/.well-known/openid-configuration",
        ];
        assert_eq!(urls("https://as.example"), root);
        assert_eq!(urls("https://as.example/"), root);
        let tenant = [
            "https://as.example:8443/.well-known/oauth-authorization-server/realms/t",
            "https://as.example:8443/.well-known/openid-configuration/realms/t",
            "https://as.example:8443/realms/t/.well-known/openid-configuration",
        ];
        assert_eq!(urls("https://as.example:8443/realms/t"), tenant);
        assert_eq!(urls("https://as.example:8443/realms/t/"), tenant);
    }
}
