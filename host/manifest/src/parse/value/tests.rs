//! Which texts are what they should be: each rule by something that only it refuses.

use super::*;

#[track_caller]
fn each(is: fn(&str) -> bool, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(is(text), "{text}");
    }
    for text in no {
        assert!(!is(text), "{text}");
    }
}

#[test]
fn a_media_type_has_two_names_and_parameters_that_are_plain() {
    let long = format!("text/{}", "a".repeat(124));
    let longest = format!("text/{}", "a".repeat(123));
    each(
        is_media_type,
        &[
            "text/plain",
            "application/vnd.api+json",
            "a1/x!#$&^_.+-",
            "text/html;profile=mcp-app",
            "text/html; charset=utf-8;a=b_.+-",
            &longest,
        ],
        &[
            "text",
            "",
            "/plain",
            "text/",
            "-text/plain",
            "text/-plain",
            "te xt/plain",
            "text/pla in",
            "text/pläin",
            "text/plain;",
            "text/plain; charset",
            "text/plain; =utf-8",
            "text/plain; Charset=utf-8",
            "text/plain; charset=",
            "text/plain; charset=\"utf-8\"",
            "text/plain;  charset=utf-8",
            &long,
        ],
    );
}

#[test]
fn an_address_of_help_is_mail_or_https_with_a_host_that_others_can_reach() {
    let long = format!("mailto:{}@example.com", "a".repeat(238));
    let longest = format!("mailto:{}@example.com", "a".repeat(237));
    each(
        is_mailto,
        &["mailto:help@example.com", "mailto:a.b+c@x-1.example", &longest],
        &[
            "help@example.com",
            "mailto:@example.com",
            "mailto:help",
            "mailto:help@localhost",
            "mailto:he lp@example.com",
            "mailto:h\"elp@example.com",
            "mailto:hélp@example.com",
            &long,
        ],
    );
    let path = "p".repeat(256 - "https://a.example/".len());
    let (longest, long) = (format!("https://a.example/{path}"), format!("https://a.example/p{path}"));
    each(
        is_https,
        &["https://example.com", "https://a.b-c.example:8443/x?y=z#w", "https://a.example#x", &longest],
        &[
            "http://example.com",
            "https://localhost",
            "https://localhost:443/",
            "https://",
            "https://a..example/",
            "https://.example/",
            "https://-a.example/",
            "https://a.-b/",
            "https://a_b.example/",
            "https://user@a.example/",
            "https://a.example:port/",
            "https://a.example:70000/",
            "https://a.example:/",
            "https://a.example/ x",
            "https://a.example/\"",
            "https://a.example/<x>",
            "https://a.example/ü",
            &long,
        ],
    );
}
