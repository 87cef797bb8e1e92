//! Where a request came from: for rates and alerts, never for authority (catalogue AU-42).

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The longest chain of proxies that is followed.
const HOPS: usize = 16;

/// The address of the client: of whoever connected, or what trusted proxies say of whom they connected for. Each proxy adds
/// to the end of the header, and what stands before the first address that is not trusted anybody can have written.
#[must_use]
pub fn of(peer: Option<IpAddr>, trusted: &[IpNet], headers: &HeaderMap) -> Option<IpAddr> {
    let mut source = peer?.to_canonical();
    if trusted.is_empty() {
        return Some(source);
    }
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let said = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut said = said.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')).take(HOPS);
    while is_trusted(&source)
        && let Some(before) = said.next().and_then(address)
    {
        source = before.to_canonical();
    }
    Some(source)
}

/// Some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn source(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        of(Some(peer.parse().unwrap()), &trusted, &headers).unwrap().to_string()
    }

    #[test]
    fn au_42_only_a_trusted_proxy_is_believed_and_only_the_last_address_that_is_none() {
        for (peer, lines, expected) in [
            // Nobody else is.
            ("198.51.100.7", &["203.0.113.1"][..], "198.51.100.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            // What the client wrote itself stands before what the proxy saw.
            ("10.0.0.1", &["192.0.2.66, 203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["192.0.2.66", "203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["192.0.2.66, 203.0.113.1, 10.9.9.9"], "203.0.113.1"),
            ("10.0.0.1", &["192.0.2.66,203.0.113.1,10.9.9.9", "10.8.8.8 ,10.7.7.7"], "203.0.113.1"),
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            // What is no address tells nothing, and neither does what stands before it.
            ("10.0.0.1", &["203.0.113.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1, "], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1, \u{e9}"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1, _hidden, 10.0.0.2"], "10.0.0.2"),
            // Forms.
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.1"], "203.0.113.1"),
            ("fd00::1", &["2001:db8::1"], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["203.0.113.1:5000"], "203.0.113.1"),
        ] {
            assert_eq!(source(peer, lines), expected, "{peer} {lines:?}");
        }
        let chain = format!("203.0.113.1{}", ", 10.0.0.9".repeat(100_000));
        assert_eq!(source("10.0.0.1", &[&chain]), "10.0.0.9");
        assert_eq!(of(None, &["10.0.0.0/8".parse().unwrap()], &HeaderMap::new()), None);
    }
}
