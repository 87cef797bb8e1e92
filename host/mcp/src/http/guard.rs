//! Which names this server answers to, and which pages may talk to it: against DNS rebinding and foreign pages
//! (catalogue MC-01). Checked before anything else, on every route.

use std::{collections::HashSet, net::SocketAddr};

use http::{HeaderMap, Uri, header};
use portcullis_backend::RefusalRule;

use crate::fault::Fault;

/// The names by which a machine calls itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The values of `Host` that this server answers to.
#[derive(Clone, Debug)]
pub struct AllowedHosts(HashSet<Box<str>>);

/// The values of `Origin` that browsers may send.
#[derive(Clone, Debug)]
pub struct AllowedOrigins(HashSet<Box<str>>);

impl AllowedHosts {
    /// The loopback names with the port that is bound, and `configured`: authorities as clients write them, such as
    /// `tools.example.com` or `tools.example.com:8443`.
    #[must_use]
    pub fn new<S: AsRef<str>>(bound: SocketAddr, configured: impl IntoIterator<Item = S>) -> Self {
        let loopback = LOOPBACK.iter().flat_map(|name| authorities(name, bound.port(), 80));
        let configured = configured.into_iter().map(|host| host.as_ref().to_ascii_lowercase().into());
        Self(loopback.chain(configured).collect())
    }
}

impl AllowedOrigins {
    /// `configured`, such as `https://chat.example.com`; and pages that this server itself could have served, where it is
    /// bound to loopback.
    #[must_use]
    pub fn new<S: AsRef<str>>(bound: SocketAddr, configured: impl IntoIterator<Item = S>) -> Self {
        let own = LOOPBACK.iter().filter(|_| bound.ip().is_loopback());
        let own = own.flat_map(|name| authorities(name, bound.port(), 80)).map(|host| format!("http://{host}").into());
        let configured = configured.into_iter();
        let configured = configured.map(|origin| origin.as_ref().trim_end_matches('/').to_ascii_lowercase().into());
        Self(own.chain(configured).collect())
    }
}

/// A name with its port, and alone where the port is the scheme's own.
fn authorities(name: &str, port: u16, default: u16) -> impl Iterator<Item = Box<str>> {
    let alone = (port == default).then(|| name.into());
    std::iter::once(format!("{name}:{port}").into()).chain(alone)
}

/// That a request is for this server and not from a foreign page.
pub(super) fn check(
    hosts: &AllowedHosts,
    origins: &AllowedOrigins,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Fault> {
    let forbidden = |rule, message| Err(Fault::http(rule, http::StatusCode::FORBIDDEN, message));
    let mut named = headers.get_all(header::HOST).iter();
    let host = named.next().map(http::HeaderValue::as_bytes);
    let target = uri.authority().map(|authority| authority.as_str().as_bytes());
    let one = named.next().is_none() && (host.is_none() || target.is_none_or(|target| Some(target) == host));
    if !one || !host.or(target).is_some_and(|host| contains(&hosts.0, host)) {
        return forbidden(RefusalRule::Host, "this server does not answer to that Host: it is not an allowed host");
    }
    let mut sent = headers.get_all(header::ORIGIN).iter();
    match (sent.next(), sent.next()) {
        (None, _) => Ok(()),
        (Some(origin), None) if contains(&origins.0, origin.as_bytes()) => Ok(()),
        _ => {
            forbidden(RefusalRule::Origin, "pages of that Origin may not use this server: it is not an allowed origin")
        }
    }
}

/// Whether a name is allowed, in either case of its letters. Most clients write it in lower case already.
fn contains(allowed: &HashSet<Box<str>>, sent: &[u8]) -> bool {
    let Ok(sent) = std::str::from_utf8(sent) else { return false };
    allowed.contains(sent) || allowed.contains(sent.to_ascii_lowercase().as_str())
}
