//! The body, never more of it in memory than the limit.

use std::{pin::pin, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

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

/// How long a client may take to send its body, so that nobody holds connections open by sending slowly.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The whole body, within the limit and in time.
pub(super) async fn collect<T>(body: T, limit: usize, patience: Duration) -> Result<Bytes, Fault>
where
    T: http_body::Body<Data = Bytes>,
{
    timeout(patience, join(body, limit)).await.unwrap_or_else(|_| Err(Fault::slow_body(patience)))
}

/// What arrives in one piece, as most messages do, is not copied.
async fn join<T>(body: T, limit: usize) -> Result<Bytes, Fault>
where
    T: http_body::Body<Data = Bytes>,
{
    let mut body = pin!(body);
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use futures_util::stream::{self, StreamExt as _};

    use super::*;

    fn pieces(sizes: &[usize]) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
        stream::iter(sizes.iter().map(|&size| Ok(Bytes::from(vec![b'x'; size]))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let body = Body::from_stream(pieces(&[1, 2]).chain(stream::pending()));
        let fault = collect(body, 100, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!((fault.status.as_u16(), fault.code), (408, 40800));
    }

    #[tokio::test]
    async fn an_endless_body_is_given_up_at_the_limit() {
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1000])));
        let fault = collect(Body::from_stream(endless), 1 << 20, PATIENCE).await.unwrap_err();
        assert_eq!((fault.status.as_u16(), fault.code), (413, 41300));
    }

    #[tokio::test]
    async fn pieces_of_any_size_are_joined_up_to_the_limit() {
        for sizes in [&[][..], &[0], &[10], &[0, 10], &[3, 0, 4, 3], &[1, 9, 0]] {
            let length = sizes.iter().sum::<usize>();
            let whole = collect(Body::from_stream(pieces(sizes)), length, PATIENCE).await.unwrap();
            assert_eq!(whole.len(), length, "{sizes:?}");
            if length > 0 {
                assert!(collect(Body::from_stream(pieces(sizes)), length - 1, PATIENCE).await.is_err(), "{sizes:?}");
            }
        }
    }
}
