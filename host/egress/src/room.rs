//! What one request may take. The caller gives the numbers; here they are held, and named in the refusal.

use std::fmt;
use std::time::Instant;

/// What one request may take of the host, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the request's body.
    pub request_body: usize,
    /// Bytes of the response's body.
    pub response_body: usize,
    /// How many headers the request may name, and how many the response may have.
    pub headers: usize,
    /// Bytes of all the request's headers, and of the response's head.
    pub header_bytes: usize,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

/// What was too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// The request's body.
    RequestBody,
    /// The number or the size of the request's headers.
    RequestHeaders,
    /// The response's body.
    ResponseBody,
    /// The number or the size of the response's headers.
    ResponseHeaders,
}

impl Amount {
    /// The field of [`Room`] that bounds it.
    #[must_use]
    pub fn limit(self) -> &'static str {
        match self {
            Self::RequestBody => "request_body",
            Self::ResponseBody => "response_body",
            Self::RequestHeaders | Self::ResponseHeaders => "header_bytes",
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestBody => "the request's body",
            Self::RequestHeaders => "the request's headers",
            Self::ResponseBody => "the response's body",
            Self::ResponseHeaders => "the response's headers",
        })
    }
}

/// Something is larger than its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TooLarge {
    /// What.
    pub what: Amount,
    /// How many bytes there is room for.
    pub most: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, most } = self;
        let limit = what.limit();
        match what {
            Amount::RequestBody | Amount::ResponseBody => {
                write!(f, "{what} is larger than the {most} bytes of the limit `{limit}`")
            }
            Amount::RequestHeaders | Amount::ResponseHeaders => write!(
                f,
                "{what} are more than the limit `headers` allows, or larger than the {most} bytes of the limit `{limit}`"
            ),
        }
    }
}
