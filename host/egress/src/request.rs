//! A request as it is sent: one request line, the host's headers in their fixed order around the guest's, one length.
//! Nothing in it was written by a guest that a type did not check first. Catalogue EG-10, EG-41.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request as Message, Uri};
use http_body_util::Full;
use portcullis_manifest::http::{Method, Origin};

use crate::error::{FetchError, Unsendable};
use crate::header::{HeaderRefused, validated};
use crate::room::{Amount, Room, TooLarge};
use crate::slot::Placeholders;

/// Who asks: the same for every plugin, so that it says nothing about one.
const AGENT: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));

/// What a guest asks for, beyond what was admitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its headers, in its order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The placeholders that the guest knows.
    pub placeholders: Placeholders,
}

/// What is said at one hop: the guest's part of it, checked.
#[derive(Clone, Debug)]
pub(crate) struct Saying {
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Saying {
    pub(crate) fn of(
        method: Method,
        headers: &[(String, String)],
        body: Vec<u8>,
        room: &Room,
    ) -> Result<Self, FetchError> {
        if body.len() > room.request_body {
            return Err(TooLarge { what: Amount::RequestBody, most: room.request_body }.into());
        }
        let saying = Self { headers: validated(headers, room)?, body: body.into() };
        if !saying.body.is_empty() && !may_have_body(method) {
            return Err(HeaderRefused::Body { method: method.as_str() }.into());
        }
        Ok(saying)
    }

    /// The same without a body, for a redirect that turns into a GET.
    pub(crate) fn without_body(&mut self) {
        self.body = Bytes::new();
        self.headers.retain(|(name, _)| !name.as_str().starts_with("content-"));
    }
}

/// A body with a method that gives it no meaning is how one request is made to look like two.
fn may_have_body(method: Method) -> bool {
    !matches!(method, Method::Get | Method::Head)
}

/// The bytes that will be sent, as far as they are ours to choose. `path_and_query` is what was decided on.
pub(crate) fn message(
    method: Method,
    origin: &Origin,
    path_and_query: &str,
    saying: &Saying,
    secret: Option<(HeaderName, HeaderValue)>,
) -> Result<Message<Full<Bytes>>, Unsendable> {
    // Byte for byte what was decided on: EG-26. `http` cuts a fragment off and lets bytes above 0x7f pass.
    let target = PathAndQuery::try_from(path_and_query).map_err(|_| Unsendable)?;
    let plain = path_and_query.starts_with('/') && path_and_query.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain || target.as_str() != path_and_query {
        return Err(Unsendable);
    }
    let mut headers = HeaderMap::with_capacity(saying.headers.len() + 6);
    let host = authority(origin);
    headers.append(HOST, HeaderValue::try_from(host).expect("a host name and a port are visible ASCII"));
    headers.append(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.append(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let in_slot = secret.as_ref().map(|(name, _)| name.clone());
    for (name, value) in &saying.headers {
        if Some(name) != in_slot.as_ref() {
            headers.append(name.clone(), value.clone());
        }
    }
    if let Some((name, value)) = secret {
        headers.append(name, value);
    }
    if may_have_body(method) && (!saying.body.is_empty() || !method.is_safe() && method != Method::Delete) {
        headers.append(CONTENT_LENGTH, saying.body.len().into());
    }
    headers.append(CONNECTION, HeaderValue::from_static("close"));
    let mut message = Message::new(Full::new(saying.body.clone()));
    *message.method_mut() = http::Method::from_bytes(method.as_str().as_bytes()).expect("it is one of RFC 9110's");
    *message.uri_mut() = Uri::from(target);
    *message.headers_mut() = headers;
    Ok(message)
}

/// What `Host` says: the port only where it is not the scheme's own.
fn authority(origin: &Origin) -> String {
    let (host, port) = (origin.host(), origin.port());
    if port == origin.scheme().default_port() { host.to_string() } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests;
