//! What a guest may say in headers, and what it gets to see of them. What frames a message, routes it or names its sender
//! belongs to the host. Catalogue EG-10, EG-32.

use http::header::{CONNECTION, HeaderName, HeaderValue};
use http::{HeaderMap, header};
use portcullis_manifest::{MAX_HEADER, http::is_host_header};

use crate::error::FetchError;
use crate::room::{Amount, Room, TooLarge};

/// Headers that nobody may send from here, besides those that are the host's to write ([`is_host_header`]).
const FORBIDDEN: [&str; 11] = [
    // They say who sends it: EG-41.
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    // Servers that heed these do another method, or another path, than the one that was allowed: EG-26, EG-30.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
];

/// What is taken out of a response besides what its `connection` header names. Cookies are for browsers: a guest that got
/// one could carry it to another call.
const NOT_GIVEN: [&str; 11] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "set-cookie",
    "set-cookie2",
];

/// A guest's header cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefused {
    /// Longer than one may be.
    #[error("the header `{name}` has more than the {MAX_HEADER} bytes that one may have, name and value together")]
    Long {
        /// Its name.
        name: String,
    },
    /// Not a header's name.
    #[error("`{}` is no header name: letters, digits and any of !#$%&'*+-.^_`|~, at most 128", name.escape_debug())]
    Name {
        /// What was given, cut.
        name: String,
    },
    /// Not a header's value.
    #[error(
        "the value of the header `{name}` is refused: visible ASCII, with spaces and tabs only inside it. Encode anything \
         else"
    )]
    Value {
        /// The header.
        name: String,
    },
    /// Only the host sets it.
    #[error("the header `{name}` is refused: the host sets it, or nobody may. Leave it out")]
    Forbidden {
        /// The header.
        name: String,
    },
    /// It is the header of the capability's secret, and only the placeholder may stand in it.
    #[error(
        "the header `{name}` belongs to the secret of this capability: leave it out, or set it once to exactly what the \
         manifest's `value` says, with the placeholder in the place of the secret"
    )]
    Reserved {
        /// The header.
        name: String,
    },
    /// Parts of an answer in which a secret might be cut in two.
    #[error("the header `{name}` is refused: a request that carries a secret gets whole answers only")]
    Part {
        /// The header.
        name: String,
    },
    /// A method that has none.
    #[error("a {method} request has no body: send it with another method, or leave the body out")]
    Body {
        /// The method.
        method: &'static str,
    },
}

/// A guest's headers, each by itself fit to be sent.
pub(crate) fn validated(
    headers: &[(String, String)],
    room: &Room,
) -> Result<Vec<(HeaderName, HeaderValue)>, FetchError> {
    // Counted before anything is done with them.
    let bytes = headers.iter().map(|(name, value)| name.len() + value.len() + 4).fold(0, usize::saturating_add);
    if headers.len() > room.headers || bytes > room.header_bytes {
        return Err(TooLarge { what: Amount::RequestHeaders, most: room.header_bytes }.into());
    }
    Ok(headers.iter().map(|(name, value)| one(name, value)).collect::<Result<_, _>>()?)
}

fn one(given: &str, value: &str) -> Result<(HeaderName, HeaderValue), HeaderRefused> {
    let not_a_name = || HeaderRefused::Name { name: given.chars().take(64).collect() };
    if given.len() > 128 {
        return Err(not_a_name());
    }
    if (given.len() + value.len()) as u64 > MAX_HEADER {
        return Err(HeaderRefused::Long { name: given.to_owned() });
    }
    let name = HeaderName::from_bytes(given.as_bytes()).map_err(|_| not_a_name())?;
    if forbidden(name.as_str()) {
        return Err(HeaderRefused::Forbidden { name: name.to_string() });
    }
    let not_a_value = || HeaderRefused::Value { name: name.to_string() };
    let inside = |byte: u8| byte == b'\t' || (0x20..=0x7e).contains(&byte);
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = value.as_bytes();
    if !bytes.iter().copied().all(inside) || blank(bytes.first()) || blank(bytes.last()) {
        return Err(not_a_value());
    }
    let value = HeaderValue::from_str(value).map_err(|_| not_a_value())?;
    Ok((name, value))
}

/// Whether no guest may set it. Servers that hand headers on as variables take `_` and `-` for the same.
pub(crate) fn forbidden(name: &str) -> bool {
    let name = name.replace('_', "-");
    is_host_header(&name) || FORBIDDEN.contains(&name.as_str())
}

/// Which of a response's headers a guest does not get: EG-32.
pub(crate) fn withheld(headers: &HeaderMap) -> impl Fn(&HeaderName) -> bool + use<> {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    move |name| NOT_GIVEN.contains(&name.as_str()) || named.iter().any(|named| named == name.as_str())
}

/// What a guest may have said to one origin and not to another.
pub(crate) fn is_for_one_origin(name: &HeaderName) -> bool {
    name == header::AUTHORIZATION || name == header::COOKIE
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn room(headers: usize, header_bytes: usize) -> Room {
        Room { request_body: 0, response_body: 0, headers, header_bytes, deadline: Instant::now() }
    }

    fn check(name: &str, value: &str) -> Result<(), HeaderRefused> {
        one(name, value).map(|_| ())
    }

    /// Fails without the test of a value's bytes in `one`: `http` by itself lets bytes above 0x7f pass.
    #[test]
    fn eg_10_a_value_with_a_line_end_a_nul_or_anything_not_ascii_is_refused() {
        for value in [
            "a\r\nhost: evil.example",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\r\n folded",
            "é",
            "a\u{7f}",
            "a\u{85}b",
            " a",
            "a ",
            "\ta",
        ] {
            assert!(matches!(check("x-note", value), Err(HeaderRefused::Value { .. })), "{value:?}");
        }
        for value in ["", "a", "a b\tc", "\"~!@#$%^&*()\""] {
            assert_eq!(check("x-note", value), Ok(()), "{value:?}");
        }
    }

    /// Fails without the parse of a name in `one`.
    #[test]
    fn eg_10_a_name_that_is_no_token_is_refused() {
        for name in ["", "a b", "a:b", "a\r\nb", "a\0", "naïve", "x-ｈost", " host", "host ", "a(b", &"a".repeat(129)]
        {
            assert!(matches!(check(name, "v"), Err(HeaderRefused::Name { .. })), "{name:?}");
        }
    }

    /// Fails without the list, its families, or its eye for underscores.
    #[test]
    fn eg_10_what_frames_routes_or_signs_a_message_is_the_hosts() {
        for name in FORBIDDEN.into_iter().chain([
            "Host",
            "HOST",
            "content-length",
            "transfer-encoding",
            "connection",
            "te",
            "trailer",
            "upgrade",
            "keep-alive",
            "expect",
            "via",
            "forwarded",
            "user-agent",
            "accept-encoding",
            "Content_Length",
            "transfer_encoding",
            "proxy-authorization",
            "Proxy-Connection",
            "x-forwarded-for",
            "X-Forwarded-Host",
            "x_forwarded_for",
            "X-HTTP_Method-Override",
        ]) {
            assert!(matches!(check(name, "v"), Err(HeaderRefused::Forbidden { .. })), "{name:?}");
        }
        for name in ["accept", "content-type", "x-forward", "hosts", "authorization", "if-none-match", "x-te"] {
            assert_eq!(check(name, "v"), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn eg_29_headers_have_a_number_and_a_size() {
        let headers = vec![("aa".to_owned(), "bb".to_owned()); 4];
        assert!(validated(&headers, &room(4, 32)).is_ok());
        for room in [room(3, 32), room(4, 31)] {
            let error = validated(&headers, &room).unwrap_err();
            let expected = TooLarge { what: Amount::RequestHeaders, most: room.header_bytes };
            assert_eq!(error, FetchError::TooLarge(expected));
        }
    }

    /// Fails without the list, or without what `connection` names in `withheld`.
    #[test]
    fn eg_32_cookies_and_what_is_about_the_connection_are_not_given_to_the_guest() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private"),
            ("connection", "x-other"),
            ("x-private", "1"),
            ("x-other", "2"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("content-type", "text/plain"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let withheld = withheld(&headers);
        let left: Vec<&str> = headers.keys().filter(|name| !withheld(name)).map(HeaderName::as_str).collect();
        assert_eq!(left, ["content-type"]);
    }
}
