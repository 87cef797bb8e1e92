//! Events of streams, for clients that come back for them.

/// Events to keep until their stream expires, or the oldest of them make room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvents {
    /// Random: whoever has it and is its holder may read.
    pub stream: [u8; 16],
    /// Whose it is, as the caller names its clients. It stays so.
    pub holder: String,
    /// Among whose streams it counts.
    pub principal: String,
    /// With their numbers, which rise within a stream.
    pub events: Vec<(u64, Vec<u8>)>,
    /// Nothing more comes.
    pub ended: bool,
    /// Milliseconds since 1970.
    pub expires_at: i64,
}

/// What is kept of a stream after some event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptEvents {
    /// With their numbers, in their order.
    pub events: Vec<(u64, Vec<u8>)>,
    /// Nothing more comes.
    pub ended: bool,
}

/// Events that are kept of one stream: beyond that the oldest go.
pub const STREAM_EVENTS: u32 = 1024;

/// Bytes of events that are kept of one stream: beyond that the oldest go, too.
pub const BYTES_OF_STREAM: u64 = 4 << 20;

/// Bytes that the kept events of one principal may take: beyond that streams of theirs that have ended go, and then new events are
/// refused. Without this one client would take the room of all.
pub const STREAM_BYTES_PER_PRINCIPAL: u64 = 16 << 20;

/// Bytes that all kept events together may take, each with 64 more: beyond that new ones are refused.
pub const STREAM_BYTES: u64 = 64 << 20;
