//! The body, never more of it in memory than the limit.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;

use crate::fault::Fault;

/// That the length a client declares, if it does, is within the limit.
pub(super) fn declared(headers: &HeaderMap, limit: usize) -> Result<(), Fault> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if usize::try_from(length).is_ok_and(|length| length <= limit) => Ok(()),
        Some(_) => Err(Fault::too_large(limit)),
        None => Ok(()),
    }
}

/// The whole body. What arrives in one piece, as most messages do, is not copied.
pub(super) async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Fault> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|_| Fault::broken_body())?.into_data() else { continue };
        if first.len() + joined.len() + piece.len() > limit {
            return Err(Fault::too_large(limit));
        }
        if first.is_empty() && joined.is_empty() {
            first = piece;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&piece);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}
