//! Why a request has no response. What stands here goes to the guest: it names rules, limits and phases, and no address of
//! the host's network. What the operator reads stands in the [`Attempt`](crate::Attempt).

use portcullis_manifest::SecretName;

use crate::address::AddressRefused;
use crate::connect::{ConnectFault, NotConnected};
use crate::exchange::{ExchangeFault, ProtocolFault};
use crate::gate::Busy;
use crate::grant::NotAdmitted;
use crate::header::HeaderRefused;
use crate::phase::TimedOut;
use crate::resolve::DnsFault;
use crate::room::TooLarge;
use crate::slot::Misplaced;
use crate::tls::TlsFault;

/// The URL cannot stand in a request line as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the URL's path or query has a character that cannot be sent as it is: write it as a percent-escape")]
pub struct Unsendable;

/// A secret that the capability names cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret `{0}` has no value for this origin: the operator gives it one in the configuration, under `[secrets]`, with this \
     `origin`"
)]
pub struct SecretMissing(pub SecretName);

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL.
    #[error(transparent)]
    Target(#[from] Unsendable),
    /// A header of the request, or its having a body.
    #[error(transparent)]
    Header(#[from] HeaderRefused),
    /// The placeholder of a secret stands where no secret goes. An alert: somebody tries to carry a secret away.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// The operator gave the secret no value.
    #[error(transparent)]
    Secret(#[from] SecretMissing),
    /// No place is free.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The name has no address.
    #[error(transparent)]
    Dns(#[from] DnsFault),
    /// The name has an address that may not be reached.
    #[error(transparent)]
    Address(#[from] AddressRefused),
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectFault),
    /// No TLS.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// A phase, or the call, took too long.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// The request or the response is larger than its room.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The far side speaks badly.
    #[error(transparent)]
    Protocol(#[from] ProtocolFault),
    /// A redirect leads to where the grant does not.
    #[error("the host redirects, and the redirect is not followed: {0}")]
    Redirect(NotAdmitted),
}

impl From<NotConnected> for FetchError {
    fn from(error: NotConnected) -> Self {
        match error {
            NotConnected::Fault(fault) => fault.into(),
            NotConnected::TimedOut(timed_out) => timed_out.into(),
        }
    }
}

impl From<ExchangeFault> for FetchError {
    fn from(error: ExchangeFault) -> Self {
        match error {
            ExchangeFault::TimedOut(timed_out) => timed_out.into(),
            ExchangeFault::TooLarge(too_large) => too_large.into(),
            ExchangeFault::Protocol(fault) => fault.into(),
        }
    }
}

impl FetchError {
    /// The rule or the phase that it failed by, in one word: for the audit and for tests.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Target(_) => "target",
            Self::Header(_) => "header",
            Self::Misplaced(_) => "misplaced",
            Self::Secret(_) => "secret",
            Self::Busy(_) => "busy",
            Self::Dns(_) => "dns",
            Self::Address(_) => "address",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::TimedOut(_) => "timed-out",
            Self::TooLarge(_) => "too-large",
            Self::Protocol(_) => "protocol",
            Self::Redirect(_) => "redirect",
        }
    }

    /// What the operator reads of it: with the address that a guest is not told.
    pub(crate) fn audited(&self) -> String {
        match self {
            Self::Address(AddressRefused::NotPublic { address, range, .. }) => {
                format!("{}: {address} ({})", self.kind(), range.as_str())
            }
            Self::Address(AddressRefused::Own { address, .. }) => format!("{}: {address} (own)", self.kind()),
            _ => format!("{}: {self}", self.kind()),
        }
    }

    /// Whether it is the kind of failure that may be gone the next time. Nothing is said about what was sent.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Connect(fault) => *fault != ConnectFault::OtherPeer,
            Self::Tls(fault) => *fault == TlsFault::Closed,
            Self::TimedOut(timed_out) => !timed_out.whole,
            Self::Protocol(fault) => *fault == ProtocolFault::Closed,
            _ => false,
        }
    }
}
