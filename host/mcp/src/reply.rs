//! What goes back, written once into the bytes that are sent.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::{asking::Talk, codec::Id, methods::Listen};

/// An answer for either transport. HTTP sends everything, a stream only the body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// One JSON object without line breaks, or nothing where nothing is to be said.
    pub(crate) body: Bytes,
    pub(crate) header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// What comes of a message.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Reply),
    /// A legacy client has to be asked before there is an answer.
    Talk(Box<Talk>),
    /// A modern client waits for what changes.
    Listen(Box<Listen>),
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

/// Appends a value as JSON.
pub(crate) fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("a JSON value has string keys, and a Vec takes every byte");
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
