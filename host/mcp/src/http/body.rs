//! The body, never more of it in memory than the limit, nor more of all bodies than their budget.

use std::{
    ops::Deref,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

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

/// What the bodies of all connections together may hold. It is taken as they arrive and not when they are announced: who
/// only announces holds nothing, and keeps nobody out.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    free: AtomicUsize,
}

/// What of each body is not counted: the number of connections bounds that. So a message of usual length pays nothing, and is
/// answered even while long ones fill the budget.
const FREE: usize = 16 << 10;

/// What one body has taken, given back when it is dropped, wherever that is.
#[derive(Debug)]
pub(super) struct Share<B: Deref<Target = Budget>> {
    budget: B,
    taken: usize,
}

/// What one body has taken, for whoever holds on to what was made of the body for longer than its request.
pub(super) type Held = Share<Arc<Budget>>;

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, free: AtomicUsize::new(limit) }
    }

    pub(super) fn share(&self) -> Share<&Self> {
        Share { budget: self, taken: 0 }
    }

    /// Takes over what `share` has taken.
    pub(super) fn hold(self: &Arc<Self>, mut share: Share<&Self>) -> Held {
        Share { budget: Arc::clone(self), taken: std::mem::take(&mut share.taken) }
    }

    /// What is not taken now.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }
}

impl<B: Deref<Target = Budget>> Share<B> {
    /// That there is room for a body of `length` bytes now. Nothing is taken.
    fn would_hold(&self, length: u64) -> Result<(), Fault> {
        let room = self.budget.free.load(Ordering::Relaxed).saturating_add(FREE);
        if usize::try_from(length).is_ok_and(|length| length <= room) { Ok(()) } else { Err(self.refuse()) }
    }

    /// Takes what a body that has `length` bytes so far needs.
    fn hold(&mut self, length: usize) -> Result<(), Fault> {
        let more = length.saturating_sub(FREE).saturating_sub(self.taken);
        if more == 0 {
            return Ok(());
        }
        let take = |free: usize| free.checked_sub(more);
        self.budget.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| self.refuse())?;
        self.taken += more;
        Ok(())
    }

    fn refuse(&self) -> Fault {
        Fault::too_many_bodies(self.budget.limit)
    }
}

impl<B: Deref<Target = Budget>> Drop for Share<B> {
    fn drop(&mut self) {
        if self.taken > 0 {
            self.budget.free.fetch_add(self.taken, Ordering::Relaxed);
        }
    }
}

/// The whole body, within the limits and in time.
pub(super) async fn collect<T>(
    body: T,
    limit: usize,
    patience: Duration,
    share: &mut Share<&Budget>,
) -> Result<Bytes, Fault>
where
    T: http_body::Body<Data = Bytes>,
{
    timeout(patience, join(body, limit, share)).await.unwrap_or_else(|_| Err(Fault::slow_body(patience)))
}

/// What arrives in one piece, as most messages do, is not copied.
async fn join<T>(body: T, limit: usize, share: &mut Share<&Budget>) -> Result<Bytes, Fault>
where
    T: http_body::Body<Data = Bytes>,
{
    let mut body = pin!(body);
    share.would_hold(body.size_hint().lower())?;
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|_| Fault::broken_body())?.into_data() else { continue };
        let length = first.len() + joined.len() + piece.len();
        if length > limit {
            return Err(Fault::too_large(limit));
        }
        share.hold(length)?;
        if first.is_empty() && joined.is_empty() {
            first = piece;
            continue;
        }
        if joined.is_empty() {
            // All of it at once, where its length is known: growing step by step would hold it twice.
            let rest = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
            joined.reserve(length.saturating_add(rest).min(limit));
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&piece);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

    use axum::body::Body;
    use futures_util::stream::{self, StreamExt as _};

    use super::*;

    fn pieces(sizes: &[usize]) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
        stream::iter(sizes.iter().map(|&size| Ok(Bytes::from(vec![b'x'; size]))).collect::<Vec<_>>())
    }

    /// A length, and nothing else.
    struct Announced(u64);

    impl http_body::Body for Announced {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }

        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(self.0)
        }
    }

    fn plenty() -> Budget {
        Budget::new(usize::MAX)
    }

    /// Fails without the time that `collect` gives a body.
    #[tokio::test]
    async fn mc_40_a_body_that_never_ends_is_given_up_in_its_time() {
        let body = Body::from_stream(pieces(&[1, 2]).chain(stream::pending()));
        let fault = collect(body, 100, Duration::from_millis(20), &mut plenty().share()).await.unwrap_err();
        assert_eq!((fault.status.as_u16(), fault.code), (408, 40800));
    }

    /// Fails without the look at the length after each piece.
    #[tokio::test]
    async fn mc_40_an_endless_body_is_given_up_at_the_limit() {
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1000])));
        let fault = collect(Body::from_stream(endless), 1 << 20, PATIENCE, &mut plenty().share()).await.unwrap_err();
        assert_eq!((fault.status.as_u16(), fault.code), (413, 41300));
    }

    #[tokio::test]
    async fn pieces_of_any_size_are_joined_up_to_the_limit() {
        for sizes in [&[][..], &[0], &[10], &[0, 10], &[3, 0, 4, 3], &[1, 9, 0]] {
            let length = sizes.iter().sum::<usize>();
            let whole =
                collect(Body::from_stream(pieces(sizes)), length, PATIENCE, &mut plenty().share()).await.unwrap();
            assert_eq!(whole.len(), length, "{sizes:?}");
            if length > 0 {
                assert!(
                    collect(Body::from_stream(pieces(sizes)), length - 1, PATIENCE, &mut plenty().share())
                        .await
                        .is_err(),
                    "{sizes:?}"
                );
            }
        }
    }

    /// Fails without `Share::hold` for each piece, `would_hold` before the first, and what a share gives back.
    #[tokio::test]
    async fn mc_09_all_bodies_together_keep_within_their_budget_and_short_ones_are_not_counted() {
        let budget = Budget::new(100_000);
        let long = || Body::from_stream(pieces(&[30_000, 30_000]));
        let (mut one, mut other, mut third) = (budget.share(), budget.share(), budget.share());
        for share in [&mut one, &mut other] {
            assert_eq!(collect(long(), 1 << 20, PATIENCE, share).await.unwrap().len(), 60_000);
        }
        let fault = collect(long(), 1 << 20, PATIENCE, &mut third).await.unwrap_err();
        assert_eq!((fault.status.as_u16(), fault.code), (503, 50300));
        assert!(fault.header.is_some_and(|header| header.0 == http::header::RETRY_AFTER));
        // One whose length is known is refused before any of it has come.
        let fault = collect(Announced(60_000), 1 << 20, PATIENCE, &mut budget.share()).await.unwrap_err();
        assert_eq!(fault.code, 50300);
        let short = Body::from_stream(pieces(&[FREE - 1, 1]));
        assert_eq!(collect(short, 1 << 20, PATIENCE, &mut budget.share()).await.unwrap().len(), FREE);
        drop((one, third));
        collect(long(), 1 << 20, PATIENCE, &mut budget.share()).await.unwrap();
        drop(other);
        assert_eq!(budget.free.into_inner(), 100_000);
    }
}
