//! One request and one response on a connection of their own: HTTP/1.1, no pool, no second request, nothing decompressed.
//! It never follows, never retries and never looks into a body. Catalogue EG-10, EG-12, EG-29.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use crate::phase::{Deadlines, Phase, TimedOut, within};
use crate::room::{Amount, TooLarge};
use crate::wire::{Meter, Wire};

/// The smallest buffer that the parser takes.
const MIN_BUFFER: usize = 8192;

/// The far side speaks HTTP/1.1 badly, or in a way that is not accepted here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolFault {
    /// A part of what is there, from an origin that the operator keeps a secret for.
    #[error(
        "the host answers with a part (206) to a request that was for the whole, and parts are not taken where a secret is kept"
    )]
    Part,
    /// The connection ended before there was an answer.
    #[error("the host ended the connection before it answered")]
    Closed,
    /// The connection ended inside the answer's body.
    #[error("the host ended the connection before its answer was whole")]
    Truncated,
    /// What came is not HTTP/1.1.
    #[error("the host's answer is not well-formed HTTP/1.1")]
    Malformed,
    /// It wants to speak something else: EG-30.
    #[error("the host wants to switch protocols (101), which is never done")]
    SwitchingProtocols,
    /// More informational answers than anyone needs.
    #[error("the host sent too many informational (1xx) answers")]
    TooManyInformational,
    /// `content-length` and `transfer-encoding` in one answer.
    #[error("the host's answer has two lengths (content-length and transfer-encoding)")]
    TwoLengths,
    /// A transfer coding other than `chunked`.
    #[error("the host's answer has a transfer coding other than chunked")]
    TransferCoding,
    /// A secret was sent, and the answer is encoded, so that the secret could not be found in it.
    #[error(
        "the host's answer has a content-encoding although none was asked for. A request that carries a secret gets \
         only answers in which the secret can be found and taken out"
    )]
    Encoded,
    /// The host redirects to a URL that holds the secret it was sent.
    #[error("the host redirects to a URL that holds the secret it was sent")]
    SecretInRedirect,
}

/// Why an exchange has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExchangeFault {
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error(transparent)]
    Protocol(#[from] ProtocolFault),
}

/// What bounds an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) headers: usize,
    pub(crate) header_bytes: usize,
    pub(crate) body: usize,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
    pub(crate) deadline: Instant,
    /// Whether only an answer as it was written will do.
    pub(crate) identity_only: bool,
}

impl Bounds {
    /// The room's, with these phases.
    pub(crate) fn new(room: &crate::room::Room, deadlines: &Deadlines, identity_only: bool) -> Self {
        Self {
            headers: room.headers,
            header_bytes: room.header_bytes,
            body: room.response_body,
            first_byte: deadlines.first_byte,
            idle: deadlines.idle,
            deadline: room.deadline.into(),
            identity_only,
        }
    }
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Sends `request` over `stream` and reads what is answered. Both ends of it live in this future: when it is dropped, the
/// connection is closed.
pub(crate) async fn exchange<S>(
    stream: S,
    mut request: Request<Full<Bytes>>,
    bounds: Bounds,
    meter: &Arc<Meter>,
) -> Result<Answer, ExchangeFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let counted = Arc::clone(meter);
    hyper::ext::on_informational(&mut request, move |_| counted.count_informational());
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(bounds.headers)
        .max_header_size(bounds.header_bytes)
        .max_buf_size(bounds.header_bytes.max(MIN_BUFFER))
        .handshake(TokioIo::new(Wire::new(stream, Arc::clone(meter))))
        .await
        .map_err(|_| ProtocolFault::Closed)?;
    let work = async {
        let response = head(sender.send_request(request), &bounds, meter).await?;
        let (parts, body) = response.into_parts();
        acceptable(parts.status, &parts.headers, &bounds, meter)?;
        let body = whole(body, &bounds).await?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    };
    beside(connection, work).await
}

/// Runs `work` to its end while `connection` is driven for as long as it lasts.
async fn beside<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let (mut connection, mut work) = (pin!(connection), pin!(work));
    let mut driven = true;
    poll_fn(|cx| {
        if driven && connection.as_mut().poll(cx).is_ready() {
            // Whatever ended it, `work` is told through its own channels.
            driven = false;
        }
        match work.as_mut().poll(cx) {
            // What `work` has just asked for may need the connection to move at once.
            Poll::Pending if driven && connection.as_mut().poll(cx).is_ready() => {
                driven = false;
                work.as_mut().poll(cx)
            }
            polled => polled,
        }
    })
    .await
}

/// The head of the response. The clock for it starts anew with each byte that the far side accepts.
async fn head(
    response: impl Future<Output = hyper::Result<hyper::Response<Incoming>>>,
    bounds: &Bounds,
    meter: &Meter,
) -> Result<hyper::Response<Incoming>, ExchangeFault> {
    let began = Instant::now();
    let mut response = pin!(response);
    loop {
        let until = meter.last_sent().unwrap_or(began) + bounds.first_byte;
        match timeout_at(until.min(bounds.deadline), &mut response).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => return Err(head_fault(&error, bounds, meter)),
            Err(_) if Instant::now() >= bounds.deadline => {
                return Err(TimedOut { phase: Phase::FirstByte, whole: true }.into());
            }
            Err(_) if meter.last_sent().unwrap_or(began) + bounds.first_byte <= Instant::now() => {
                return Err(TimedOut { phase: Phase::FirstByte, whole: false }.into());
            }
            Err(_) => {}
        }
    }
}

fn head_fault(error: &hyper::Error, bounds: &Bounds, meter: &Meter) -> ExchangeFault {
    if meter.flooded() {
        ProtocolFault::TooManyInformational.into()
    } else if error.is_parse_too_large() {
        TooLarge { what: Amount::ResponseHeaders, most: bounds.header_bytes }.into()
    } else if error.is_parse() || error.is_parse_status() {
        ProtocolFault::Malformed.into()
    } else {
        ProtocolFault::Closed.into()
    }
}

/// Whether the head is one that can be read in one way only.
fn acceptable(status: StatusCode, headers: &HeaderMap, bounds: &Bounds, meter: &Meter) -> Result<(), ExchangeFault> {
    if meter.flooded() {
        return Err(ProtocolFault::TooManyInformational.into());
    }
    if status.is_informational() {
        return Err(ProtocolFault::SwitchingProtocols.into());
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        if headers.contains_key(CONTENT_LENGTH) {
            return Err(ProtocolFault::TwoLengths.into());
        }
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        let chunked = codings.next().is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
        if !chunked || codings.next().is_some() {
            return Err(ProtocolFault::TransferCoding.into());
        }
    }
    let identity = |coding: &http::HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if bounds.identity_only {
        if !headers.get_all(CONTENT_ENCODING).iter().all(identity) {
            return Err(ProtocolFault::Encoded.into());
        }
        // A part could cut a secret in two that no search finds, however it was asked for.
        if status == StatusCode::PARTIAL_CONTENT || headers.contains_key(http::header::CONTENT_RANGE) {
            return Err(ProtocolFault::Part.into());
        }
    }
    Ok(())
}

/// The whole body, or none of it.
async fn whole(body: Incoming, bounds: &Bounds) -> Result<Vec<u8>, ExchangeFault> {
    let too_large = || TooLarge { what: Amount::ResponseBody, most: bounds.body };
    if body.size_hint().lower() > bounds.body as u64 {
        // It says so itself: nothing of it is read.
        return Err(too_large().into());
    }
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = within(Phase::Idle, bounds.idle, bounds.deadline, body.frame()).await? {
        let frame = frame.map_err(|error| {
            if error.is_parse() || malformed(&error) { ProtocolFault::Malformed } else { ProtocolFault::Truncated }
        })?;
        // Trailers are nothing that a guest gets, and what they may cost is bounded where they are parsed.
        if let Ok(data) = frame.into_data() {
            if data.len() > bounds.body - bytes.len() {
                return Err(too_large().into());
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// Whether the chunks are at fault, and not the connection.
fn malformed(error: &hyper::Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|error| matches!(error.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData))
}
