//! What the headers of an HTTP request say twice must agree with its body, so that nothing on the way can be shown one
//! request while another one runs (catalogue MC-03; facts A3, check 9). Modern requests must have these headers.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};

use crate::{
    codec::{Field, Method, Params},
    era::Version,
    fault::Fault,
};

pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// The one value of a header, or nothing where there is none.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Fault::header_mismatch(format!("the header `{name}` occurs more than once")));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(Fault::header_mismatch(format!("the header `{name}` holds more than printable ASCII"))),
    }
}

/// What the client sent as its session. One that is no single text is none.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(&SESSION).iter();
    let first = values.next()?;
    if values.next().is_none() { first.to_str().ok() } else { None }
}

/// The revision that the headers name.
pub(crate) fn version(headers: &HeaderMap) -> Result<Option<Version>, Fault> {
    Ok(single(headers, &PROTOCOL_VERSION)?.map(Version::read))
}

/// That a modern request's headers repeat its method and what it names.
pub(crate) fn agree(headers: &HeaderMap, method: &Method, params: &Params) -> Result<(), Fault> {
    if single(headers, &METHOD)?.is_none() {
        return Err(missing(&METHOD));
    }
    do_not_contradict(headers, method, params)?;
    match named(method, params) {
        Some(Field::Is(_)) if !headers.contains_key(&NAME) => Err(missing(&NAME)),
        // Without a name in either place it is the parameters that are wrong, and the method says so.
        _ => Ok(()),
    }
}

/// That a legacy request's headers, which it need not have, do not contradict its body.
pub(crate) fn do_not_contradict(headers: &HeaderMap, method: &Method, params: &Params) -> Result<(), Fault> {
    if single(headers, &METHOD)?.is_some_and(|header| header != method.as_str()) {
        return Err(differs(&METHOD));
    }
    let Some(named) = named(method, params) else { return Ok(()) };
    let header = single(headers, &NAME)?.map(|value| decoded(&NAME, value)).transpose()?;
    match (header, named) {
        (None, _) => Ok(()),
        (Some(header), Field::Is(name)) if header == *name => Ok(()),
        (Some(_), _) => Err(differs(&NAME)),
    }
}

/// What `Mcp-Name` has to repeat; nothing, for a method that names nothing.
fn named<'a>(method: &Method, params: &'a Params) -> Option<&'a Field<String>> {
    match method {
        Method::CallTool | Method::GetPrompt => Some(&params.name),
        Method::ReadResource => Some(&params.uri),
        Method::GetTask | Method::UpdateTask | Method::CancelTask => Some(&params.task_id),
        _ => None,
    }
}

/// A header's value, with the base64 form undone: `=?base64?<value>?=`. Without both markers it is literal.
pub(crate) fn decoded<'a>(name: &HeaderName, value: &'a str) -> Result<Cow<'a, str>, Fault> {
    let Some(encoded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(encoded).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Cow::Owned)
        .ok_or_else(|| Fault::header_mismatch(format!("the header `{name}` is not base64 (RFC 4648, padded) of UTF-8")))
}

pub(crate) fn missing(name: &HeaderName) -> Fault {
    Fault::header_mismatch(format!("the header `{name}` is missing: it must repeat the value in the body"))
}

pub(crate) fn differs(name: &HeaderName) -> Fault {
    Fault::header_mismatch(format!("the header `{name}` differs from the value in the body"))
}
