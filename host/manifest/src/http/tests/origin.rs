use proptest::prelude::*;

use super::variant;
use crate::http::{Boundary, Method, Origin, OriginPattern, Port, Scheme};

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

fn pattern(text: &str) -> OriginPattern {
    text.parse().unwrap()
}

#[test]
fn an_origin_is_scheme_host_and_port_in_one_spelling() {
    let plain = origin("https://example.com");
    assert_eq!((plain.scheme(), plain.host().as_str(), plain.port().get()), (Scheme::Https, "example.com", 443));
    assert_eq!(origin("http://example.com").port().get(), 80);
    for (written, canonical) in [
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("https://example.com:80", "https://example.com:80"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://example.com:8443", "https://example.com:8443"),
    ] {
        assert_eq!(origin(written).to_string(), canonical);
        assert_eq!(pattern(written).to_string(), canonical);
        assert_eq!(origin(canonical), origin(written));
    }
}

/// Fails when an origin may hold more than scheme, host and port.
#[test]
fn eg_21_an_origin_is_nothing_more() {
    for (text, fault) in [
        ("", "NoScheme"),
        ("example.com", "NoScheme"),
        ("//example.com", "NoScheme"),
        ("https:example.com", "NoScheme"),
        ("ftp://example.com", "Scheme"),
        ("ws://example.com", "Scheme"),
        ("HTTPS://example.com", "Scheme"),
        (" https://example.com", "Scheme"),
        ("https://example.com/", "Rest"),
        ("https://example.com/a", "Rest"),
        ("https://example.com?a", "Rest"),
        ("https://example.com#a", "Rest"),
        ("https://evil.com\\@example.com", "Rest"),
        ("https://me@example.com", "UserInfo"),
        ("https://me:pw@example.com", "UserInfo"),
        ("https://[::1]", "Bracket"),
        ("https://[example.com]", "Bracket"),
        ("https://", "Host"),
        ("https://127.0.0.1", "Host"),
        ("https://exam_ple.com", "Host"),
        ("https://example.com:", "Port"),
        ("https://example.com:0", "Port"),
        ("https://example.com:65536", "Port"),
        ("https://example.com:0443", "Port"),
        ("https://example.com:+443", "Port"),
        ("https://example.com:4 3", "Port"),
        ("https://example.com:443:443", "Port"),
    ] {
        assert_eq!(variant(&text.parse::<Origin>().unwrap_err()), fault, "{text}");
        assert_eq!(variant(&text.parse::<OriginPattern>().unwrap_err()), fault, "{text}");
    }
    assert!("https://*.example.com".parse::<Origin>().is_err(), "an origin is one");
    for port in ["1", "80", "65535"] {
        assert_eq!(port.parse::<Port>().unwrap().to_string(), port);
    }
}

/// Fails when one of the three is not compared.
#[test]
fn eg_25_scheme_host_and_port_are_all_part_of_a_grant() {
    let granted = pattern("https://example.com");
    assert!(granted.matches(&origin("https://example.com")));
    assert!(granted.matches(&origin("https://example.com:443")));
    for other in [
        "http://example.com",
        "http://example.com:443",
        "https://example.com:80",
        "https://example.com:8443",
        "https://example.com:22",
        "https://www.example.com",
        "https://example.org",
    ] {
        assert!(!granted.matches(&origin(other)), "{other}");
        assert!(!granted.covers(&pattern(other)), "{other}");
        assert!(!pattern(other).covers(&granted), "{other}");
    }
    assert!(pattern("https://*.example.com:8443").matches(&origin("https://a.example.com:8443")));
    assert!(!pattern("https://*.example.com:8443").matches(&origin("https://a.example.com")));
}

#[test]
fn nothing_is_inside_unless_the_operator_says_so() {
    let nothing = Boundary::default();
    assert!(!nothing.contains(&origin("https://example.com")));
    assert!(!nothing.covers(&pattern("https://example.com")));

    let boundary = Boundary::new(vec![pattern("https://*.crm.example"), pattern("http://wiki:8080")]);
    for inside in ["https://a.crm.example", "http://wiki:8080"] {
        assert!(boundary.contains(&origin(inside)) && boundary.covers(&pattern(inside)), "{inside}");
    }
    for outside in
        ["https://crm.example", "http://a.crm.example", "https://a.b.crm.example", "http://wiki", "https://x.example"]
    {
        assert!(!boundary.contains(&origin(outside)) && !boundary.covers(&pattern(outside)), "{outside}");
    }
    assert!(boundary.covers(&pattern("https://*.crm.example")));
    let one = Boundary::new(vec![pattern("https://a.crm.example")]);
    assert!(!one.covers(&pattern("https://*.crm.example")), "some of what the pattern is for is outside");

    let all = Boundary::everything();
    assert!(all.contains(&origin("http://example.com:1")) && all.covers(&pattern("https://*.example.com")));
    assert_ne!(all, nothing);
}

/// Fails when another method is sent.
#[test]
fn eg_30_only_seven_methods_are_sent() {
    for method in Method::ALL {
        assert_eq!(method.as_str().parse(), Ok(method));
    }
    for method in
        ["", "CONNECT", "TRACE", "get", "Get", "PRI", "PROPFIND", "LINK", "GET ", " GET", "GET\r\n", "M-SEARCH"]
    {
        assert!(method.parse::<Method>().is_err(), "{method:?}");
    }
    let safe: Vec<_> = Method::ALL.into_iter().filter(|method| method.is_safe()).collect();
    assert_eq!(safe, [Method::Get, Method::Head, Method::Options]);
    let again: Vec<_> = Method::ALL.into_iter().filter(|method| method.is_idempotent()).collect();
    assert_eq!(again, [Method::Get, Method::Head, Method::Put, Method::Delete, Method::Options]);
}

#[test]
fn what_is_written_as_text_is_kept_as_text() {
    let written = serde_json::to_string(&pattern("https://*.example.com:443")).unwrap();
    assert_eq!(written, "\"https://*.example.com\"");
    assert_eq!(serde_json::from_str::<OriginPattern>(&written).unwrap(), pattern("https://*.example.com"));
    let error = serde_json::from_str::<OriginPattern>("\"https://*.com\"").unwrap_err().to_string();
    assert!(error.contains("wildcard over a single label"), "{error}");
}

proptest! {
    #[test]
    fn a_boundary_that_covers_a_pattern_contains_all_it_matches(
        inside in prop::sample::select(vec!["https://*.a.example", "https://b.a.example", "http://b.a.example", "https://b.a.example:8443"]),
        wanted in prop::sample::select(vec!["https://*.a.example", "https://b.a.example", "https://c.a.example", "http://*.a.example"]),
        asked in prop::sample::select(vec!["https://b.a.example", "https://c.a.example", "http://b.a.example", "https://d.a.example"]),
    ) {
        let (boundary, wanted, asked) = (Boundary::new(vec![pattern(inside)]), pattern(wanted), origin(asked));
        if boundary.covers(&wanted) && wanted.matches(&asked) {
            prop_assert!(boundary.contains(&asked));
        }
        prop_assert_eq!(boundary.covers(&asked.clone().into()), boundary.contains(&asked));
    }
}
