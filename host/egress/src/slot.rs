//! Where a secret goes into a request, and where not. The guest holds a placeholder, which is worth nothing: the value is
//! put in here, behind every decision, into the one header of the one origin that the manifest names. A placeholder
//! anywhere else is somebody's attempt to carry the value away. Catalogue EG-08.

use http::header::{HeaderName, HeaderValue};
use memchr::memmem;
use portcullis_manifest::http::SecretSlot;
use secrecy::zeroize::Zeroizing;

use crate::error::FetchError;
use crate::header::HeaderRefused;

/// The placeholders that a guest was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholders {
    /// What stands for the secret of the capability that the request is made with.
    pub own: Option<String>,
    /// What stands for the secrets of the guest's other capabilities.
    pub others: Vec<String>,
}

/// Where a placeholder was found that has no business there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Misplaced {
    /// In the path or the query.
    #[error("a secret's placeholder stands in the URL. A secret goes only into the header that the manifest names")]
    Url,
    /// In a header.
    #[error(
        "a secret's placeholder stands in a header that is not its own, or beside other text in it. A secret goes only into \
         the header that the manifest names, as its `value` says"
    )]
    Header,
    /// In the body.
    #[error("a secret's placeholder stands in the body. A secret goes only into the header that the manifest names")]
    Body,
}

/// What of a request a placeholder could stand in.
pub(crate) struct Said<'a> {
    pub(crate) path_and_query: &'a str,
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    pub(crate) body: &'a [u8],
}

/// Refuses a placeholder anywhere but in `slot`'s header, and that header with anything but its placeholder.
pub(crate) fn inspect(
    said: &Said<'_>,
    placeholders: &Placeholders,
    slot: Option<&SecretSlot>,
    guarded: bool,
) -> Result<(), FetchError> {
    let every: Vec<_> = placeholders
        .own
        .iter()
        .chain(&placeholders.others)
        // What is empty stands everywhere and stands for nothing.
        .filter(|placeholder| !placeholder.is_empty())
        .map(memmem::Finder::new)
        .collect();
    let holds = |bytes: &[u8]| every.iter().any(|placeholder| placeholder.find(bytes).is_some());
    // Names are in lower case here, and a placeholder need not be.
    let names = |name: &HeaderName| {
        placeholders
            .own
            .iter()
            .chain(&placeholders.others)
            .any(|placeholder| !placeholder.is_empty() && name.as_str().contains(&placeholder.to_ascii_lowercase()))
    };
    if holds(said.path_and_query.as_bytes()) {
        return Err(Misplaced::Url.into());
    }
    if holds(said.body) {
        return Err(Misplaced::Body.into());
    }
    let mut in_slot = 0;
    for (name, value) in said.headers {
        if names(name) {
            return Err(Misplaced::Header.into());
        }
        // Servers that hand headers on as variables take `_` and `-` for the same.
        let folded = name.as_str().replace('_', "-");
        match slot.filter(|slot| slot.header().replace('_', "-") == folded) {
            None if holds(value.as_bytes()) => return Err(Misplaced::Header.into()),
            None => {}
            Some(slot) => {
                in_slot += 1;
                let whole = placeholders.own.as_ref().filter(|own| !own.is_empty());
                let whole = whole.map(|own| format!("{}{own}{}", slot.prefix(), slot.suffix()));
                if whole.as_deref().is_none_or(|whole| whole.as_bytes() != value.as_bytes()) {
                    return Err(if holds(value.as_bytes()) {
                        Misplaced::Header.into()
                    } else {
                        HeaderRefused::Reserved { name: name.to_string() }.into()
                    });
                }
            }
        }
        // Parts of an answer would cut a secret that it repeats into pieces that the search for it does not know.
        if guarded && matches!(folded.as_str(), "range" | "if-range" | "request-range") {
            return Err(HeaderRefused::Part { name: name.to_string() }.into());
        }
    }
    if in_slot > 1 {
        let name = slot.map(|slot| slot.header().to_owned()).unwrap_or_default();
        return Err(HeaderRefused::Reserved { name }.into());
    }
    Ok(())
}

/// The slot's header with the secret in it.
pub(crate) fn filled(slot: &SecretSlot, secret: &str) -> (HeaderName, HeaderValue) {
    let text = Zeroizing::new(format!("{}{secret}{}", slot.prefix(), slot.suffix()));
    let name =
        HeaderName::from_bytes(slot.header().as_bytes()).expect("a slot's header is lower-case letters, digits and -");
    let mut value = HeaderValue::from_str(&text).expect("prefix, secret and suffix are visible ASCII");
    value.set_sensitive(true);
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "secret:Own-0123456789";
    const OTHER: &str = "secret:other-987654321";

    fn inspected(path: &str, headers: &[(&'static str, &str)], body: &str, slot: bool) -> Result<(), FetchError> {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let placeholders = Placeholders { own: Some(OWN.to_owned()), others: vec![OTHER.to_owned()] };
        let said = Said { path_and_query: path, headers: &headers, body: body.as_bytes() };
        let slot = slot.then(|| SecretSlot::new("token", "authorization", "Bearer {}").unwrap());
        inspect(&said, &placeholders, slot.as_ref(), slot.is_some())
    }

    /// Fails without any one of the searches in `inspect`.
    #[test]
    fn eg_08_a_placeholder_anywhere_but_in_its_header_is_refused() {
        for placeholder in [OWN, OTHER] {
            for slot in [true, false] {
                let url = inspected(&format!("/a?q={placeholder}"), &[], "", slot);
                assert_eq!(url, Err(Misplaced::Url.into()));
                let body = inspected("/a", &[], &format!("{{\"a\":\"{placeholder}\"}}"), slot);
                assert_eq!(body, Err(Misplaced::Body.into()));
                let header = inspected("/a", &[("x-note", &format!("Bearer {placeholder}"))], "", slot);
                assert_eq!(header, Err(Misplaced::Header.into()));
            }
            let without = inspected("/a", &[("authorization", &format!("Bearer {placeholder}"))], "", false);
            assert_eq!(without, Err(Misplaced::Header.into()));
        }
        let foreign = inspected("/a", &[("authorization", &format!("Bearer {OTHER}"))], "", true);
        assert_eq!(foreign, Err(Misplaced::Header.into()));
    }

    /// Fails without the comparison of the whole value in `inspect`.
    #[test]
    fn eg_08_the_secrets_header_holds_exactly_what_the_manifest_says() {
        let right = format!("Bearer {OWN}");
        assert_eq!(inspected("/a", &[("authorization", &right)], "", true), Ok(()));
        assert_eq!(inspected("/a", &[("x-note", "Bearer x")], "secret:", true), Ok(()));
        for wrong in [format!("Basic {OWN}"), OWN.to_owned(), format!("Bearer {OWN}x"), format!("Bearer {OWN}{OWN}")] {
            assert_eq!(
                inspected("/a", &[("authorization", &wrong)], "", true),
                Err(Misplaced::Header.into()),
                "{wrong}"
            );
        }
        let reserved = HeaderRefused::Reserved { name: "authorization".to_owned() };
        assert_eq!(inspected("/a", &[("authorization", "Bearer mine")], "", true), Err(reserved.clone().into()));
        assert_eq!(
            inspected("/a", &[("authorization", &right), ("authorization", &right)], "", true),
            Err(reserved.into())
        );
        assert_eq!(inspected("/a", &[("authorization", "Bearer mine")], "", false), Ok(()));
    }

    /// Fails without the refusal of `range` in `inspect`.
    #[test]
    fn eg_07_no_part_of_an_answer_is_asked_for_with_a_secret() {
        let part = HeaderRefused::Part { name: "range".to_owned() };
        assert_eq!(inspected("/a", &[("range", "bytes=0-3")], "", true), Err(part.into()));
        assert_eq!(inspected("/a", &[("range", "bytes=0-3")], "", false), Ok(()));
    }

    #[test]
    fn an_empty_placeholder_stands_for_nothing() {
        let placeholders = Placeholders { own: Some(String::new()), others: vec![String::new()] };
        let said = Said { path_and_query: "/a", headers: &[], body: b"text" };
        assert_eq!(inspect(&said, &placeholders, None, false), Ok(()));
    }

    #[test]
    fn a_filled_header_is_not_printed() {
        let slot = SecretSlot::new("token", "authorization", "Bearer {}").unwrap();
        let (name, value) = filled(&slot, "canary-0123456789");
        assert_eq!((name.as_str(), value.as_bytes()), ("authorization", b"Bearer canary-0123456789".as_slice()));
        assert!(!format!("{value:?}").contains("canary"));
    }
}
