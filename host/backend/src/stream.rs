//! Events of a legacy client's stream, for a client that comes back for them to any process of the host.

use std::time::Duration;

use portcullis_manifest::PrincipalKey;
use uuid::Uuid;

/// Events to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEvents {
    /// Which stream: random.
    pub stream: Uuid,
    /// Whose it is: one session of one principal, as the transport names it.
    pub holder: String,
    /// Among whose streams it counts.
    pub principal: PrincipalKey,
    /// With their numbers, which rise.
    pub events: Vec<(u64, Vec<u8>)>,
    /// Nothing more comes.
    pub ended: bool,
    /// For how long from now on.
    pub keep: Duration,
}

/// What is kept of a stream after some event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptEvents {
    /// With their numbers, in their order.
    pub events: Vec<(u64, Vec<u8>)>,
    /// Nothing more comes.
    pub ended: bool,
}

/// What can't be kept or read now: events of streams, or questions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be kept for other processes of this host: {0}")]
pub struct NotKept(pub String);
