//! `Transfer-Encoding`, `Content-Type`, `Content-Encoding` and `Accept`.

use http::{HeaderMap, StatusCode, header};
use portcullis_backend::RefusalRule;

use crate::fault::Fault;

/// That the body is framed by a length or in chunks, and coded in no other way: 501 otherwise (RFC 9112 section 6.1). What
/// another program on the way makes of more codings, it may make of another body.
pub(super) fn is_plainly_framed(headers: &HeaderMap) -> Result<(), Fault> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Fault::http(
            RefusalRule::ContentType,
            StatusCode::NOT_IMPLEMENTED,
            "the only Transfer-Encoding is `chunked`, once",
        )),
    }
}

/// That the body is JSON as it stands: 415 otherwise.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Fault> {
    let refuse = |message| Err(Fault::http(RefusalRule::ContentType, StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    if headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return refuse("the body must not be compressed: leave Content-Encoding out");
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    match (types.next(), types.next()) {
        (Some(only), None) if only.to_str().is_ok_and(is_json_type) => Ok(()),
        _ => refuse("the body must be JSON: send the header Content-Type: application/json"),
    }
}

fn is_json_type(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, charset)) if name.eq_ignore_ascii_case("charset") => {
                charset.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// That the client takes JSON or an event stream: 406 otherwise. A client that names only one of them is served, because
/// the specification demands both and leaves this server the choice.
pub(super) fn accepts(headers: &HeaderMap) -> Result<(), Fault> {
    let mut ranges = headers.get_all(header::ACCEPT).iter().peekable();
    let named = |value: &http::HeaderValue| value.to_str().is_ok_and(|value| value.split(',').any(takes));
    if ranges.peek().is_none() || ranges.any(named) {
        return Ok(());
    }
    Err(Fault::http(
        RefusalRule::Accept,
        StatusCode::NOT_ACCEPTABLE,
        "answers are JSON: send the header Accept: application/json, text/event-stream",
    ))
}

/// Whether the client says that it takes events. One that says nothing is not sent any.
pub(crate) fn takes_events(headers: &HeaderMap) -> bool {
    let events = |range: &str| takes_one_of(&["text/event-stream", "text/*", "*/*"], range);
    headers.get_all(header::ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.split(',').any(events)))
}

fn takes(range: &str) -> bool {
    takes_one_of(&["application/json", "text/event-stream", "application/*", "text/*", "*/*"], range)
}

fn takes_one_of(wanted: &[&str], range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    wanted.iter().any(|wanted| essence.eq_ignore_ascii_case(wanted)) && !parts.any(is_weight_zero)
}

/// `q=0` in any of its spellings means: not this.
fn is_weight_zero(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .is_some_and(|(name, weight)| name.trim().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0_f32))
}
