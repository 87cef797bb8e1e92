//! The trace that a request is part of (W3C Trace Context): read strictly, because it goes into logs. What is of another
//! form is as good as none.

use http::{HeaderMap, HeaderName};
use portcullis_backend::Trace;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The length of version 00: `00-<32>-<16>-<2>`.
const LENGTH: usize = 55;

/// What the header of a request says; a request whose message says it is not asked.
pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Box<Trace>> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (first, None) = (values.next()?, values.next()) else { return None };
    read(first.to_str().ok()?)
}

/// A `traceparent`. Later versions may have more to say after what is known here, and no version is `ff`.
pub(crate) fn read(text: &str) -> Option<Box<Trace>> {
    let (known, more) = text.split_at_checked(LENGTH)?;
    let mut parts = known.split('-');
    let mut part = |length: usize| parts.next().filter(|part| part.len() == length && part.bytes().all(is_digit));
    let (version, id, parent, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let longer = if version == "00" { more.is_empty() } else { more.is_empty() || more.starts_with('-') };
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let good = version != "ff" && longer && !zero(id) && !zero(parent);
    good.then(|| Box::new(Trace { id: id.to_owned(), parent: parent.to_owned() }))
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_w3c_has_it_and_anything_else_is_none() {
        let trace = Trace { id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(), parent: "00f067aa0ba902b7".to_owned() };
        let later = GOOD.replace("00-4b", "cc-4b");
        for good in [GOOD, &later, &format!("{later}-what-ever"), &format!("{later}-")] {
            assert_eq!(read(good).as_deref(), Some(&trace), "{good}");
        }
        for bad in [
            "",
            "00",
            &format!("{GOOD}-"),
            &format!("{GOOD} "),
            &format!("{later}x"),
            &GOOD.replace("00-4b", "ff-4b"),
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &GOOD.replace("0f067", "0g067"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\u{e9}",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(of_headers(&headers), None);
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert!(of_headers(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(of_headers(&headers), None);
    }
}
