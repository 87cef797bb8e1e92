use proptest::prelude::*;

use super::variant;
use crate::http::{HttpRule, MAX_PATH, Method, PathPattern, RequestPath};

fn path(text: &str) -> RequestPath {
    text.parse().unwrap()
}

fn refused(text: &str) -> String {
    variant(&text.parse::<RequestPath>().expect_err(text))
}

fn matches(pattern: &str, text: &str) -> bool {
    pattern.parse::<PathPattern>().unwrap().matches(&path(text))
}

#[test]
fn a_path_is_kept_byte_for_byte() {
    for text in
        ["/", "/a", "/a/", "/a/b", "/v1/a.b/..c/.d/...", "/a%20b/%C3%A9", "/~me/@x:y/a=b,c&d/(e)!$'*+", "/100%C2%A2"]
    {
        assert_eq!(path(text).to_string(), text);
    }
}

/// Fails when one of the ways to write a path that two servers read as two is let through.
#[test]
fn eg_26_an_ambiguous_path_is_refused_not_normalised() {
    for (text, fault) in [
        ("", "Relative"),
        ("a", "Relative"),
        ("*", "Relative"),
        ("//", "EmptySegment"),
        ("//a", "EmptySegment"),
        ("/a//b", "EmptySegment"),
        ("/a//", "EmptySegment"),
        ("/.", "DotSegment"),
        ("/..", "DotSegment"),
        ("/./", "DotSegment"),
        ("/a/../b", "DotSegment"),
        ("/a/./b", "DotSegment"),
        ("/a/..", "DotSegment"),
        ("/a/../", "DotSegment"),
        ("/a;/../b", "Semicolon"),
        ("/a/..;/b", "Semicolon"),
        ("/a;b=c", "Semicolon"),
        ("/a b", "Character"),
        ("/a\\b", "Character"),
        ("/a?b", "Character"),
        ("/a#b", "Character"),
        ("/a\"b", "Character"),
        ("/a[b]", "Character"),
        ("/a{b}", "Character"),
        ("/a|b", "Character"),
        ("/a^b", "Character"),
        ("/a`b", "Character"),
        ("/<a>", "Character"),
        ("/é", "Character"),
        ("/a\r\nb", "Character"),
        ("/a\0", "Character"),
        ("/%", "Escape"),
        ("/%2", "Escape"),
        ("/%zz", "Escape"),
        ("/%2z", "Escape"),
        ("/%u002e", "Escape"),
        ("/a%", "Escape"),
        ("/a/%/b", "Escape"),
        ("/%+1", "Escape"),
        ("/%2e", "Escaped"),
        ("/a/%2e%2E/b", "Escaped"),
        ("/a/.%2e/b", "Escaped"),
        ("/a/%2e./b", "Escaped"),
        ("/a%2eb", "Escaped"),
        ("/a/..%2fb", "Escaped"),
        ("/a%2Fb", "Escaped"),
        ("/a%5cb", "Escaped"),
        ("/a%3bb", "Escaped"),
        ("/a%00", "Escaped"),
        ("/a%0d%0a", "Escaped"),
        ("/a%7f", "Escaped"),
        ("/%252e%252e/b", "Escaped"),
        ("/a%252fb", "Escaped"),
        ("/a%25%32%66b", "Escaped"),
        ("/a%c2%85", "Escaped"),
        ("/%c0%ae%c0%ae/b", "NotUtf8"),
        ("/a%c0%afb", "NotUtf8"),
        ("/a%ff", "NotUtf8"),
        ("/a%EF%BC%8Fb", "Escaped"),
        ("/a%EF%BC%BCb", "Escaped"),
        ("/a%CD%BEb", "Escaped"),
        ("/a%EF%BC%85b", "Escaped"),
        ("/%E2%80%A4", "DotSegment"),
        ("/%E2%80%A5/b", "DotSegment"),
        ("/.%EF%BC%8E/b", "DotSegment"),
    ] {
        assert_eq!(refused(text), fault, "{text:?}");
    }
}

#[test]
fn a_path_has_a_length_and_a_number_of_segments() {
    let long = format!("/{}", "a".repeat(MAX_PATH - 1));
    assert_eq!(path(&long).as_str(), long);
    assert_eq!(refused(&format!("{long}a")), "TooLong");
    let deep = "/a".repeat(128);
    assert_eq!(path(&deep).as_str(), deep);
    assert_eq!(refused(&format!("{deep}/a")), "Segments");
}

/// Fails when a wildcard is for more or less than it says.
#[test]
fn eg_26_wildcards_are_for_whole_segments() {
    for (pattern, yes, no) in [
        ("/", vec!["/"], vec!["/a", "/a/"]),
        ("/a", vec!["/a"], vec!["/", "/A", "/a/", "/ab", "/a/b", "/%61"]),
        ("/a/", vec!["/a/"], vec!["/a", "/", "/a/b", "/a/b/"]),
        ("/*", vec!["/a", "/*", "/a.b"], vec!["/", "/a/", "/a/b"]),
        ("/a/*", vec!["/a/b", "/a/a", "/a/%20"], vec!["/a", "/a/", "/a/b/", "/a/b/c", "/b/b", "/aa/b"]),
        ("/a/*/", vec!["/a/b/"], vec!["/a/", "/a/b", "/a/b/c/"]),
        ("/a/*/c", vec!["/a/b/c", "/a/c/c"], vec!["/a/c", "/a/b/b/c", "/a/b/d", "/a/b"]),
        ("/a/**", vec!["/a/b", "/a/b/c", "/a/b/c/d"], vec!["/a", "/a/", "/a/b/", "/b/c", "/"]),
        ("/a/**/", vec!["/a/b/", "/a/b/c/"], vec!["/a/", "/a/b", "/a"]),
        ("/**", vec!["/a", "/a/b"], vec!["/", "/a/"]),
        ("/*/**", vec!["/a/b", "/a/b/c"], vec!["/a", "/"]),
    ] {
        yes.iter().for_each(|text| assert!(matches(pattern, text), "{pattern} {text}"));
        no.iter().for_each(|text| assert!(!matches(pattern, text), "{pattern} {text}"));
    }
    for text in ["/a*", "/*a", "/a*b", "/***", "/**/a", "/**/*", "/a/**/b/"] {
        assert_eq!(variant(&text.parse::<PathPattern>().expect_err(text)), "Wildcard", "{text}");
    }
    for (text, fault) in [("a", "Relative"), ("/../*", "DotSegment"), ("//*", "EmptySegment"), ("/%2e/*", "Escaped")] {
        assert_eq!(variant(&text.parse::<PathPattern>().expect_err(text)), fault, "{text}");
    }
}

#[test]
fn a_rule_is_a_method_and_a_path() {
    let rule: HttpRule = "GET /v1/contacts/*".parse().unwrap();
    assert_eq!((rule.method(), rule.path().as_str()), (Method::Get, "/v1/contacts/*"));
    assert_eq!(rule.to_string(), "GET /v1/contacts/*");
    assert!(rule.allows(Method::Get, &path("/v1/contacts/7")));
    assert!(!rule.allows(Method::Head, &path("/v1/contacts/7")));
    assert!(!rule.allows(Method::Get, &path("/v1/contacts")));
    for (text, fault) in [
        ("GET", "Shape"),
        ("/a", "Shape"),
        ("GET /a b", "Shape"),
        ("GET  /a", "Shape"),
        (" GET /a", "Shape"),
        ("GET /a ", "Shape"),
        ("CONNECT /a", "Method"),
        ("* /a", "Method"),
        ("get /a", "Method"),
        ("GET a", "Path"),
        ("GET https://example.com/a", "Path"),
    ] {
        assert_eq!(variant(&text.parse::<HttpRule>().expect_err(text)), fault, "{text}");
    }
}

proptest! {
    #[test]
    fn reading_a_path_never_panics_and_changes_nothing(text in "\\PC{0,30}|/[a./%25eEfFcC;*~-]{0,16}") {
        if let Ok(path) = text.parse::<RequestPath>() {
            prop_assert_eq!(path.as_str(), &text);
            prop_assert!(text.starts_with('/') && !text.contains("//") && !text.contains(['\\', ';', '?', '#']));
            prop_assert!(!text.to_ascii_lowercase().contains("%2") || !["%2e", "%2f", "%25"].iter().any(|escape| text.to_ascii_lowercase().contains(escape)));
            prop_assert!(text.split('/').all(|segment| segment != "." && segment != ".."));
        }
        if let Ok(pattern) = text.parse::<PathPattern>() {
            prop_assert_eq!(pattern.to_string(), text);
        }
    }

    /// Fails when a pattern is for a path whose segments it does not name one by one.
    #[test]
    fn eg_26_matching_is_the_definition(
        pattern in prop::collection::vec("a|b|\\*", 1..4), rest in any::<bool>(),
        given in prop::collection::vec("a|b|c", 1..6),
    ) {
        let text = format!("/{}{}", pattern.join("/"), if rest { "/**" } else { "" });
        let by_definition = pattern.iter().zip(&given).all(|(wanted, given)| wanted == "*" || wanted == given)
            && if rest { given.len() > pattern.len() } else { given.len() == pattern.len() };
        prop_assert_eq!(matches(&text, &format!("/{}", given.join("/"))), by_definition);
    }
}
