//! What a guest gets of an answer: without cookies, without what was about the connection, and without the secret that the
//! request carried. It is data: nothing in it decides anything here. Catalogue EG-07, EG-32.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, HeaderValue, LOCATION};

use crate::exchange::{Answer, ProtocolFault};
use crate::header::withheld;
use crate::room::{Amount, Room, TooLarge};
use crate::scrub::Scrubbers;

/// An answer as a guest gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case. What is no UTF-8 in a value is replaced.
    pub headers: Vec<(String, String)>,
    /// Its body, as it was sent: nothing was decompressed.
    pub body: Vec<u8>,
}

/// The answer without what the guest does not get. `scrubber` is there where the operator keeps secrets for the origin.
pub(crate) fn given(answer: Answer, scrubber: Option<&Scrubbers>, room: &Room) -> Result<Response, TooLarge> {
    let withheld = withheld(&answer.headers);
    let mut headers = Vec::with_capacity(answer.headers.len());
    let mut left = room.header_bytes;
    let mut body = answer.body;
    let mut changed = false;
    if let Some(scrubber) = scrubber {
        let too_large = TooLarge { what: Amount::ResponseBody, most: room.response_body };
        if let Cow::Owned(clean) = scrubber.scrub(&body, room.response_body).ok_or(too_large)? {
            body = clean;
            changed = true;
        }
    }
    for (name, value) in &answer.headers {
        if withheld(name)
            || scrubber.is_some_and(|scrubber| scrubber.is_in_name(name.as_str()))
            || (changed && name == CONTENT_LENGTH)
        {
            continue;
        }
        let too_large = TooLarge { what: Amount::ResponseHeaders, most: room.header_bytes };
        let value = match scrubber {
            Some(scrubber) => scrubber.scrub(value.as_bytes(), left).ok_or(too_large)?,
            None => Cow::Borrowed(value.as_bytes()),
        };
        left = left.saturating_sub(name.as_str().len() + value.len());
        headers.push((name.to_string(), String::from_utf8_lossy(&value).into_owned()));
    }
    Ok(Response { status: answer.status.as_u16(), headers, body })
}

/// Where the answer redirects to, if it does. A location that holds the secret would carry it into a URL.
pub(crate) fn location(answer: &Answer, scrubber: Option<&Scrubbers>) -> Result<Option<String>, ProtocolFault> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let mut locations = answer.headers.get_all(LOCATION).iter();
    let Some(location) = locations.next() else { return Ok(None) };
    if locations.next().is_some() {
        // Two places to go to: which one would be for the reader to guess.
        return Err(ProtocolFault::Malformed);
    }
    if scrubber.is_some_and(|scrubber| scrubber.is_in(location.as_bytes())) {
        return Err(ProtocolFault::SecretInRedirect);
    }
    Ok(Some(HeaderValue::to_str(location).map_err(|_| ProtocolFault::Malformed)?.to_owned()))
}
