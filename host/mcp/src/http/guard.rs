//! Which names this server answers to, and which pages may talk to it: against DNS rebinding and foreign pages
//! (catalogue MC-01). Checked before anything else, on every route.

use std::{
    borrow::Cow,
    collections::HashSet,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use http::{HeaderMap, Uri, header, uri::Authority};
use portcullis_backend::RefusalRule;

use crate::fault::{ECHO, Fault};

/// The names by which a machine calls itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The values of `Host` that this server answers to.
#[derive(Clone, Debug)]
pub struct AllowedHosts(HashSet<Box<str>>);

/// The values of `Origin` that browsers may send.
#[derive(Clone, Debug)]
pub struct AllowedOrigins(HashSet<Box<str>>);

/// A host that no client's `Host` can equal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` is no value of the header Host; write {instead}")]
pub struct InvalidHost {
    host: String,
    instead: String,
}

/// An origin that no page's `Origin` can equal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{origin}` is no value of the header Origin of a page; write {instead}")]
pub struct InvalidOrigin {
    origin: String,
    instead: String,
}

impl AllowedHosts {
    /// That a client can send `host` as its `Host`: a name or an address, with or without a port, and nothing else.
    ///
    /// # Errors
    /// When none can; says what to write.
    pub fn check(host: &str) -> Result<(), InvalidHost> {
        if is_host(host) {
            return Ok(());
        }
        let bare = host_of(host);
        let instead = if is_host(bare) {
            format!("`{bare}`")
        } else {
            "a name and, where clients send one, a port: `tools.example.com`, `tools.example.com:8443`".to_owned()
        };
        Err(InvalidHost { host: host.chars().take(200).collect(), instead })
    }

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
    /// That a page can send `origin` as its `Origin`: a scheme and a host, and a port where it is not the scheme's own. A
    /// slash at the end is left out by [`AllowedOrigins::new`].
    ///
    /// # Errors
    /// When none can; says what to write.
    pub fn check(origin: &str) -> Result<(), InvalidOrigin> {
        let trimmed = origin.trim_end_matches('/');
        let host = host_of(origin);
        let scheme = trimmed.split_once("://").map(|(scheme, _)| scheme).filter(|scheme| is_scheme(scheme));
        let default = match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("https") => ":443",
            Some("http") => ":80",
            _ => "",
        };
        // Browsers leave out the scheme's own port.
        let host = host.strip_suffix(default).unwrap_or(host);
        let right = format!("{}://{host}", scheme.unwrap_or("https"));
        if is_host(host) && trimmed == right {
            return Ok(());
        }
        let plain = is_host(host) && !origin.eq_ignore_ascii_case("null");
        let instead =
            if plain { format!("`{right}`") } else { "scheme and host: `https://chat.example.com`".to_owned() };
        Err(InvalidOrigin { origin: origin.chars().take(200).collect(), instead })
    }

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

/// A name in ASCII or an address, with or without a port.
fn is_host(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let port = match text.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => true,
    };
    let name = authority.host();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let named = !name.is_empty() && name.bytes().all(plain);
    port && (named || address.is_some_and(|it| it.parse::<std::net::Ipv6Addr>().is_ok())) && !text.contains('@')
}

fn is_scheme(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// What stands in a URL, or in what somebody took for one, where the host is.
fn host_of(text: &str) -> &str {
    let text = text.trim();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    rest.rsplit('@').next().unwrap_or_default()
}

impl AllowedHosts {
    /// Whether a request names this server, once and the same everywhere.
    #[must_use]
    pub fn admits(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        named(uri, headers).is_some_and(|host| contains(&self.0, host))
    }
}

impl AllowedOrigins {
    /// Whether a request is from no page, or from one of these.
    #[must_use]
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(header::ORIGIN).iter();
        match (sent.next(), sent.next()) {
            (None, _) => true,
            (Some(origin), None) => contains(&self.0, origin.as_bytes()),
            (Some(_), Some(_)) => false,
        }
    }
}

/// The one host that a request names.
fn named<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a [u8]> {
    let mut named = headers.get_all(header::HOST).iter();
    let host = named.next().map(http::HeaderValue::as_bytes);
    let target = uri.authority().map(|authority| authority.as_str().as_bytes());
    let one = named.next().is_none() && (host.is_none() || target.is_none_or(|target| Some(target) == host));
    host.or(target).filter(|_| one)
}

/// How many names that were refused are told of in the log. Whoever sends names can send any number of them.
const STRANGERS: usize = 64;

/// Names that were refused, each of which an operator may have meant to allow: it is told of once.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashSet<Box<str>>>);

impl Strangers {
    fn is_new(&self, name: &str) -> bool {
        // A poisoned lock guards a set that is whole after every step.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.len() < STRANGERS && known.insert(name.into())
    }
}

/// That a request is for this server and not from a foreign page.
pub(super) fn check(
    hosts: &AllowedHosts,
    origins: &AllowedOrigins,
    strangers: &Strangers,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Fault> {
    // What is shown and logged has the form of a name: nothing is hidden in it.
    let short = |sent: &[u8]| std::str::from_utf8(sent).ok().filter(|sent| sent.len() <= ECHO).map(str::to_owned);
    if !hosts.admits(uri, headers) {
        let host = named(uri, headers).and_then(short).filter(|host| is_host(host));
        let message = host.map_or(Cow::Borrowed(NO_HOST), |host| {
            if strangers.is_new(&host) {
                tracing::warn!(host, "refused: neither `allowed_hosts` nor `public_url` names this Host");
            }
            let would = "`allowed_hosts`, or the host of `public_url`, in this server's configuration would allow it";
            format!("this server does not answer to the Host `{host}`: it is not an allowed host; {would}").into()
        });
        return Err(Fault::http(RefusalRule::Host, http::StatusCode::FORBIDDEN, message));
    }
    if !origins.admits(headers) {
        let mut sent = headers.get_all(header::ORIGIN).iter();
        let only = sent.next().filter(|_| sent.next().is_none()).map(http::HeaderValue::as_bytes);
        let origin = only.and_then(short).filter(|origin| AllowedOrigins::check(origin).is_ok());
        let message = origin.map_or(Cow::Borrowed(NO_ORIGIN), |origin| {
            if strangers.is_new(&origin) {
                tracing::warn!(origin, "refused: `allowed_origins` does not name this Origin");
            }
            let would = "`allowed_origins` in this server's configuration would allow it";
            format!("pages of `{origin}` may not use this server: it is not an allowed origin; {would}").into()
        });
        return Err(Fault::http(RefusalRule::Origin, http::StatusCode::FORBIDDEN, message));
    }
    Ok(())
}

const NO_HOST: &str = "what the request names as its Host is not an allowed host: it has to be one name, the same everywhere, \
    that `allowed_hosts` or `public_url` in this server's configuration has";
const NO_ORIGIN: &str = "pages of that Origin may not use this server: it is not an allowed origin, and no name that `allowed_origins` could have";

/// Whether a name is allowed, in either case of its letters. Most clients write it in lower case already.
fn contains(allowed: &HashSet<Box<str>>, sent: &[u8]) -> bool {
    let Ok(sent) = std::str::from_utf8(sent) else { return false };
    allowed.contains(sent) || allowed.contains(sent.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<E: std::fmt::Display>(checked: Result<(), E>) -> String {
        checked.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_host_that_no_client_sends_is_refused_with_the_one_it_sends() {
        for host in ["tools.example.com", "Tools.Example.com:8443", "a", "10.0.0.1:80", "[::1]", "[::1]:80", "my_host"]
        {
            assert_eq!(AllowedHosts::check(host), Ok(()), "{host}");
        }
        for (host, instead) in [
            ("http://a", "write `a`"),
            ("https://a:8443/mcp", "write `a:8443`"),
            ("a/", "write `a`"),
            (" a", "write `a`"),
            ("me@a", "write `a`"),
            ("", "`tools.example.com:8443`"),
            ("*", "`tools.example.com:8443`"),
            ("*.example.com", "`tools.example.com:8443`"),
            ("a, b", "`tools.example.com:8443`"),
            ("a:http", "`tools.example.com:8443`"),
            ("a:99999", "`tools.example.com:8443`"),
            ("a:", "`tools.example.com:8443`"),
            ("::1", "`tools.example.com:8443`"),
            ("b\u{fc}cher.example", "`tools.example.com:8443`"),
        ] {
            let said = said(AllowedHosts::check(host));
            assert!(said.contains(instead) && said.contains(&format!("`{host}`")), "{host}: {said}");
        }
    }

    #[test]
    fn an_origin_that_no_page_sends_is_refused_with_the_one_it_sends() {
        for origin in
            ["https://chat.example.com", "https://a/", "http://A:8080", "vscode-webview://a1b2", "http://[::1]:1"]
        {
            assert_eq!(AllowedOrigins::check(origin), Ok(()), "{origin}");
        }
        for (origin, instead) in [
            ("x", "write `https://x`"),
            ("https://a/chat", "write `https://a`"),
            ("https://a:443", "write `https://a`"),
            ("http://a:80/", "write `http://a`"),
            ("https://me@a", "write `https://a`"),
            ("", "`https://chat.example.com`"),
            ("null", "`https://chat.example.com`"),
            ("*", "`https://chat.example.com`"),
            ("https://", "`https://chat.example.com`"),
            ("https://*.example.com", "`https://chat.example.com`"),
        ] {
            let said = said(AllowedOrigins::check(origin));
            assert!(said.contains(instead) && said.contains(&format!("`{origin}`")), "{origin}: {said}");
        }
    }
    #[test]
    fn a_name_that_is_refused_is_told_of_once_and_so_many_of_them_and_no_more() {
        let strangers = Strangers::default();
        let told = |name: usize| strangers.is_new(&format!("{name}.example"));
        assert!(told(0) && !told(0) && told(1));
        assert_eq!((2..10_000).filter(|name| told(*name)).count(), STRANGERS - 2);
        assert!(!told(10_000));
    }
}
