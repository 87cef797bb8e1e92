//! The phases that a request waits in, and how long it may wait in each. The caller's deadline stands above them all: a
//! phase may take less than its own time because the call has no more.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The name servers.
    Dns,
    /// A TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// From the last byte that was sent until the response's head is complete.
    FirstByte,
    /// The next piece of the response's body.
    Idle,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::FirstByte => "first-byte",
            Self::Idle => "idle",
        })
    }
}

/// How long a request may wait in each phase. Catalogue EG-28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For the name servers.
    pub dns: Duration,
    /// For a TCP connection, over all addresses that are tried.
    pub connect: Duration,
    /// For the TLS handshake.
    pub tls: Duration,
    /// For the response's head, from the last byte that was sent.
    pub first_byte: Duration,
    /// For each next piece of the response's body.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(2),
            connect: Duration::from_secs(3),
            tls: Duration::from_secs(3),
            first_byte: Duration::from_secs(5),
            idle: Duration::from_secs(5),
        }
    }
}

/// A phase took longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TimedOut {
    /// The phase that the request was in.
    pub phase: Phase,
    /// Whether the call's own time ran out, and not the phase's.
    pub whole: bool,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.phase;
        if self.whole {
            write!(f, "the call's time ran out in the request's phase `{phase}` (manifest: limits.time)")
        } else {
            write!(f, "the request waited longer in its phase `{phase}` than the operator lets it")
        }
    }
}

/// Runs `future` for at most `own`, and never past `deadline`.
pub(crate) async fn within<T>(
    phase: Phase,
    own: Duration,
    deadline: Instant,
    future: impl Future<Output = T>,
) -> Result<T, TimedOut> {
    let now = Instant::now();
    let until = now + own;
    let whole = deadline <= until;
    if deadline <= now {
        // A call without time begins nothing more.
        return Err(TimedOut { phase, whole });
    }
    timeout_at(until.min(deadline), future).await.map_err(|_| TimedOut { phase, whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn eg_28_a_phase_ends_at_its_own_time_or_at_the_calls_whichever_is_first() {
        let start = Instant::now();
        for (own, call, whole, end) in [(2, 9, false, 2), (9, 2, true, 2)] {
            let (own, call) = (Duration::from_secs(own), Instant::now() + Duration::from_secs(call));
            let began = Instant::now();
            let error = within(Phase::Tls, own, call, std::future::pending::<()>()).await.unwrap_err();
            assert_eq!(error, TimedOut { phase: Phase::Tls, whole });
            assert_eq!(began.elapsed(), Duration::from_secs(end));
        }
        assert_eq!(start.elapsed(), Duration::from_secs(4));
    }

    #[test]
    fn eg_28_the_error_names_the_phase() {
        let error = TimedOut { phase: Phase::FirstByte, whole: false };
        assert_eq!(error.to_string(), "the request waited longer in its phase `first-byte` than the operator lets it");
    }
}
