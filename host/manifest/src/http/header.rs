//! Names of header fields that a manifest may bind a secret to.

use crate::text::quoted;

/// Most characters of a field name in a manifest.
const LONGEST: usize = 64;

/// Why a text is not the name of a field that can hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeader {
    /// Not of its form.
    #[error("{} is not a header name in lower case: 1 to {LONGEST} of a-z, 0-9 and -, beginning with a letter", quoted(.0))]
    Form(String),
    /// The host writes it, or nobody does.
    #[error("the header {} is the host's to write; choose another, for example `authorization`", quoted(.0))]
    Host(String),
}

/// Whether the field, in lower case, is one that only the host writes, or that nobody may: it frames the message, steers
/// the connection or says on whose behalf a request is made. Catalogue EG-10.
#[must_use]
pub fn is_host_header(name: &str) -> bool {
    const NAMES: [&str; 17] = [
        "accept-encoding",
        "alt-used",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    ];
    NAMES.contains(&name) || ["proxy-", "x-forwarded-", "sec-"].iter().any(|prefix| name.starts_with(prefix))
}

/// Checks the name of a field that holds a secret.
pub(super) fn check(name: &str) -> Result<(), InvalidHeader> {
    // Fewer characters than RFC 9110 allows: some servers read `_` as `-`, so it would be a second spelling.
    let of_form = (1..=LONGEST).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !of_form {
        return Err(InvalidHeader::Form(name.to_owned()));
    }
    if is_host_header(name) { Err(InvalidHeader::Host(name.to_owned())) } else { Ok(()) }
}
