//! What goes back, written once into the bytes that are sent.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::codec::Id;

/// An answer for either transport. HTTP sends everything, a stream only the body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// One JSON object without line breaks, or nothing where nothing is to be said.
    pub(crate) body: Bytes,
    pub(crate) header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Reply {
    pub(crate) fn result(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body: body.into(), header: None }
    }

    /// For notifications.
    pub(crate) fn accepted() -> Self {
        Self { status: StatusCode::ACCEPTED, body: Bytes::new(), header: None }
    }
}

/// Begins a response: what follows is the result, and then [`close`].
pub(crate) fn open(id: &Id, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(room + 64);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    id.write(&mut out);
    out.extend_from_slice(br#","result":"#);
    out
}

/// Ends what [`open`] began.
pub(crate) fn close(mut out: Vec<u8>) -> Vec<u8> {
    out.push(b'}');
    out
}

/// A response with a result that was rendered before.
pub(crate) fn rendered(id: &Id, result: &[u8]) -> Vec<u8> {
    let mut out = open(id, result.len());
    out.extend_from_slice(result);
    close(out)
}
