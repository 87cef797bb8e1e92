use std::net::IpAddr;

use proptest::prelude::*;

use super::variant;
use crate::http::{HostName, HostPattern, InvalidHostPattern};

fn refused(text: &str) -> String {
    variant(&text.parse::<HostName>().expect_err(text))
}

fn pattern(text: &str) -> HostPattern {
    text.parse().unwrap()
}

fn host(text: &str) -> HostName {
    text.parse().unwrap()
}

#[test]
fn a_name_has_one_spelling() {
    for name in ["example.com", "a", "crm", "a-b.c9", "9a.b.example", "xn--80ak6aa92e.com", "a--b.example"] {
        assert_eq!(host(name).to_string(), name);
    }
    let longest = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
    assert_eq!(longest.len(), 253);
    assert_eq!(host(&longest).as_str(), longest);
    assert_eq!(refused(&format!("{longest}d")), "TooLong");
    for (name, fault) in [
        ("", "Empty"),
        ("example.com.", "FinalDot"),
        (".", "EmptyLabel"),
        ("..", "EmptyLabel"),
        ("a..", "EmptyLabel"),
        (".a", "EmptyLabel"),
        ("a..com", "EmptyLabel"),
        ("Example.com", "UpperCase"),
        ("exam_ple.com", "Character"),
        ("exam ple.com", "Character"),
        ("a:b", "Character"),
        ("a/b", "Character"),
        ("a@b", "Character"),
        ("a%2eb", "Character"),
        ("*.example.com", "Character"),
        ("[example.com]", "Character"),
        ("a\0.com", "Character"),
        ("-a.com", "Hyphen"),
        ("a-.com", "Hyphen"),
        ("a.-", "Hyphen"),
    ] {
        assert_eq!(refused(name), fault, "{name:?}");
    }
    assert_eq!(refused(&format!("{}.com", "a".repeat(64))), "LongLabel");
    assert!(format!("{}.com", "a".repeat(63)).parse::<HostName>().is_ok());
}

/// Fails when the last label may begin with a digit.
#[test]
fn eg_20_no_name_is_an_address_to_any_reader() {
    for name in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.1",
        "0",
        "0x",
        "a.0x7f",
        "a.1",
        "example.0",
        "a.b.c.4d",
    ] {
        assert_eq!(refused(name), "Address", "{name}");
    }
    for name in ["::1", "fe80::1", "::ffff:7f00:1", "[::1]"] {
        assert_eq!(refused(name), "Character", "{name}");
    }
    assert_eq!(
        "127.1".parse::<HostName>().unwrap_err().to_string(),
        "the last label of the host `127.1` begins with a digit, as in an address; grants are for names: write one"
    );
}

#[test]
fn eg_24_international_names_are_written_in_punycode() {
    for name in ["аpple.com", "ｅxample.com", "ⓔxample.com", "127。0。0。1", "exa\u{ad}mple.com"] {
        assert_eq!(refused(name), "NotAscii", "{name}");
    }
    assert_ne!(host("xn--80ak6aa92e.com"), host("apple.com"));
}

/// Fails when ends of texts are compared instead of labels.
#[test]
fn eg_05_a_wildcard_is_for_exactly_one_label_more() {
    let under = pattern("*.example.com");
    assert!(under.matches(&host("a.example.com")));
    assert!(under.matches(&host("xn--a.example.com")));
    for other in ["example.com", "a.b.example.com", "evilexample.com", "a.example.com.evil.com", "com", "a.example.org"]
    {
        assert!(!under.matches(&host(other)), "{other}");
    }
    let exact = pattern("example.com");
    assert!(exact.matches(&host("example.com")));
    for other in ["a.example.com", "evilexample.com", "example.com.evil.com", "example.co", "xample.com"] {
        assert!(!exact.matches(&host(other)), "{other}");
    }
}

/// Fails when a wildcard may stand elsewhere than as a whole first label.
#[test]
fn eg_05_a_wildcard_is_a_whole_first_label() {
    for text in ["*", "*example.com", "ex*ample.com", "example.*", "a.*.com", "*.*.com", "**.example.com", "*.ex*.com"]
    {
        let error = text.parse::<HostPattern>().unwrap_err();
        assert!(matches!(error, InvalidHostPattern::Wildcard(_)), "{text}: {error}");
    }
    for text in ["*.", "*..example.com", "*.Example.com", "*.example.com.", "*.127.0.0.1"] {
        let error = text.parse::<HostPattern>().unwrap_err();
        assert!(matches!(error, InvalidHostPattern::Host(_)), "{text}: {error}");
    }
    let base = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(59));
    assert_eq!(pattern(&format!("*.{base}")).to_string(), format!("*.{base}"));
    assert!(format!("*.{base}d").parse::<HostPattern>().is_err(), "no name would have room");
}

/// Fails when the public suffix list is not asked, or only for the base.
#[test]
fn eg_05_a_wildcard_over_what_strangers_share_is_refused() {
    for text in ["*.com", "*.localhost", "*.internal"] {
        let error = text.parse::<HostPattern>().unwrap_err();
        assert!(matches!(error, InvalidHostPattern::SingleLabel(_)), "{text}: {error}");
    }
    for text in ["*.co.uk", "*.github.io", "*.s3.amazonaws.com", "*.foo.ck", "*.kawasaki.jp", "*.compute.amazonaws.com"]
    {
        let error = text.parse::<HostPattern>().unwrap_err();
        assert!(matches!(error, InvalidHostPattern::PublicSuffix(_)), "{text}: {error}");
    }
    for text in ["*.example.com", "*.example.co.uk", "*.me.github.io", "*.crm.example", "*.city.kawasaki.jp"] {
        assert_eq!(pattern(text).to_string(), text);
    }
}

#[test]
fn covering_is_matching_every_host_that_the_other_matches() {
    let (under, exact) = (pattern("*.example.com"), pattern("a.example.com"));
    assert!(under.covers(&under) && under.covers(&exact) && exact.covers(&exact));
    assert!(!exact.covers(&under));
    assert!(!under.covers(&pattern("example.com")));
    assert!(!under.covers(&pattern("*.a.example.com")));
    assert!(!pattern("*.a.example.com").covers(&under));
    assert!(!exact.covers(&pattern("b.example.com")));
}

proptest! {
    #[test]
    fn reading_a_host_never_panics_and_what_is_read_is_no_address(text in "\\PC{0,40}|[0-9a-fx.:\\[\\]-]{0,24}") {
        if let Ok(name) = text.parse::<HostName>() {
            prop_assert_eq!(name.as_str(), &text);
            prop_assert!(text.parse::<IpAddr>().is_err());
            prop_assert!(!text.ends_with('.') && !text.contains(':'));
        }
        if let Ok(pattern) = text.parse::<HostPattern>() {
            prop_assert_eq!(pattern.to_string(), text);
        }
    }

    /// Fails when anything but equality of labels decides.
    #[test]
    fn eg_05_a_random_host_is_matched_only_by_the_definition(
        labels in prop::collection::vec("[a-z]{1,3}|example|com|evilexample", 1..5),
    ) {
        let name = host(&labels.join("."));
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        prop_assert_eq!(pattern("example.com").matches(&name), labels == ["example", "com"]);
        let under = labels.len() == 3 && labels[1..] == ["example", "com"];
        prop_assert_eq!(pattern("*.example.com").matches(&name), under);
    }
}
