use super::variant;
use crate::http::{HttpCapability, HttpRule, InvalidHttpCapability, Method, SecretSlot, is_host_header};

fn slot() -> SecretSlot {
    SecretSlot::new("crm_token", "authorization", "Bearer {}").unwrap()
}

fn rules(texts: &[&str]) -> Vec<HttpRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn capability(origin: &str, allow: &[&str], secret: bool) -> Result<HttpCapability, InvalidHttpCapability> {
    HttpCapability::new(origin.parse().unwrap(), rules(allow), secret.then(slot), 0, 0)
}

#[test]
fn a_secret_has_one_place_in_one_header() {
    let slot = slot();
    assert_eq!((slot.name().as_str(), slot.header()), ("crm_token", "authorization"));
    assert_eq!((slot.prefix(), slot.suffix(), slot.value()), ("Bearer ", "", "Bearer {}".to_owned()));
    let both = SecretSlot::new("k", "x-api-key", "a{}b").unwrap();
    assert_eq!((both.prefix(), both.suffix()), ("a", "b"));
    for (name, header, value, fault) in [
        ("", "authorization", "{}", "Name"),
        ("Crm", "authorization", "{}", "Name"),
        ("crm", "Authorization", "{}", "Header"),
        ("crm", "", "{}", "Header"),
        ("crm", "x_api_key", "{}", "Header"),
        ("crm", "9x", "{}", "Header"),
        ("crm", "x:y", "{}", "Header"),
        ("crm", "x\r\ny", "{}", "Header"),
        ("crm", "host", "{}", "Header"),
        ("crm", "authorization", "", "Placeholder"),
        ("crm", "authorization", "Bearer", "Placeholder"),
        ("crm", "authorization", "{}{}", "Placeholder"),
        ("crm", "authorization", "{}:{}", "Placeholder"),
        ("crm", "authorization", "{{}}", "Placeholder"),
        ("crm", "authorization", "{}}", "Placeholder"),
        ("crm", "authorization", "{name}", "Placeholder"),
        ("crm", "authorization", " {}", "Character"),
        ("crm", "authorization", "{} ", "Character"),
        ("crm", "authorization", "a\r\n{}", "Character"),
        ("crm", "authorization", "\t{}", "Character"),
        ("crm", "authorization", "é{}", "Character"),
        ("crm", "authorization", "a\u{7f}{}", "Character"),
    ] {
        let error = SecretSlot::new(name, header, value).unwrap_err();
        assert_eq!(variant(&error), fault, "{name:?} {header:?} {value:?}: {error}");
    }
    assert!(SecretSlot::new("crm", &"a".repeat(64), "{}").is_ok());
    assert!(SecretSlot::new("crm", &"a".repeat(65), "{}").is_err());
    assert!(SecretSlot::new("crm", "a", &format!("{}{{}}", "x".repeat(254))).is_ok());
    let long = SecretSlot::new("crm", "a", &format!("{}{{}}", "x".repeat(255))).unwrap_err();
    assert_eq!(variant(&long), "TooLong");
    assert_eq!(
        SecretSlot::new("crm", "a", "Bearer").unwrap_err().to_string(),
        "`Bearer` does not have exactly one `{}` and no other brace; write it where the secret goes: `Bearer {}`"
    );
}

/// Fails when a header that frames the message or steers the connection is left to others.
#[test]
fn eg_10_headers_that_only_the_host_writes() {
    for header in [
        "host",
        "connection",
        "te",
        "trailer",
        "transfer-encoding",
        "content-length",
        "upgrade",
        "proxy-authorization",
        "proxy-connection",
        "keep-alive",
        "expect",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "via",
        "accept-encoding",
        "user-agent",
    ] {
        assert!(is_host_header(header), "{header}");
        assert!(SecretSlot::new("crm", header, "{}").is_err(), "{header}");
    }
    for header in ["authorization", "x-api-key", "accept", "content-type", "cookie", "hosts"] {
        assert!(!is_host_header(header), "{header}");
    }
}

/// Fails when a secret may travel without TLS.
#[test]
fn eg_11_a_secret_is_never_sent_in_the_clear() {
    let error = capability("http://api.example.com", &["GET /a"], true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`secret` with the origin `http://api.example.com`: a secret is sent over TLS only; write `https://`"
    );
    assert!(capability("http://api.example.com", &["GET /a"], false).is_ok());
    assert!(capability("https://api.example.com", &["GET /a"], true).is_ok());
}

/// Fails when a secret may go to whichever host is under a name.
#[test]
fn eg_08_a_secret_is_bound_to_one_origin() {
    let error = capability("https://*.example.com", &["GET /a"], true).unwrap_err();
    assert!(matches!(error, InvalidHttpCapability::SecretOfMany(_)), "{error}");
    assert!(capability("https://*.example.com", &["GET /a"], false).is_ok());
}

#[test]
fn a_capability_allows_what_is_listed_and_nothing_else() {
    let none = capability("https://example.com", &[], false).unwrap();
    assert_eq!(none.rule(Method::Get, &"/".parse().unwrap()), None);
    let some = capability("https://example.com", &["GET /a/*", "POST /a"], false).unwrap();
    let rule = |method, path: &str| some.rule(method, &path.parse().unwrap()).map(ToString::to_string);
    assert_eq!(rule(Method::Get, "/a/b"), Some("GET /a/*".to_owned()));
    assert_eq!(rule(Method::Post, "/a"), Some("POST /a".to_owned()));
    assert_eq!(rule(Method::Post, "/a/b"), None);
    assert_eq!(rule(Method::Head, "/a/b"), None);
}

#[test]
fn a_capability_has_its_numbers() {
    let origin = || "https://example.com".parse().unwrap();
    let many = |count: usize| (0..count).map(|at| format!("GET /{at}").parse().unwrap()).collect();
    assert!(HttpCapability::new(origin(), many(64), None, 3, 3).is_ok());
    for (fault, result) in [
        ("Rules", HttpCapability::new(origin(), many(65), None, 0, 0)),
        ("Twice", HttpCapability::new(origin(), rules(&["GET /a", "GET /b", "GET /a"]), None, 0, 0)),
        ("Redirects", HttpCapability::new(origin(), many(1), None, 4, 0)),
        ("Retries", HttpCapability::new(origin(), many(1), None, 0, 4)),
    ] {
        assert_eq!(variant(&result.unwrap_err()), fault);
    }
    let made = HttpCapability::new(origin(), many(1), Some(slot()), 2, 1).unwrap();
    assert_eq!((made.redirects(), made.retries(), made.allow().len()), (2, 1, 1));
    assert_eq!((made.secret(), made.origin()), (Some(&slot()), &origin()));
}
