//! Previews that wait for their confirmation.

/// A preview to keep until it is confirmed, pushed out or expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPreview {
    /// Random; two of one id are refused.
    pub id: [u8; 16],
    /// Whose it is, as the caller names principals: only for the bound of how many one may have.
    pub principal: String,
    /// Milliseconds since 1970: from then on it can't be confirmed.
    pub expires_at: i64,
    /// What was previewed; sealed by the caller if it has to be.
    pub body: Vec<u8>,
}

/// Previews that one principal may have waiting: a new one beyond that pushes out the oldest.
pub const PREVIEWS_PER_PRINCIPAL: u32 = 64;

/// Bytes of previews that one principal may have waiting: a new one beyond that pushes out the oldest, too.
pub const PREVIEW_BYTES_PER_PRINCIPAL: u64 = 2 << 20;

/// Bytes that all waiting previews together may take, each with its principal's name and 256 bytes: beyond that a new one is
/// refused.
pub const PREVIEW_BYTES: u64 = 16 << 20;

/// Spent values that are remembered at once: beyond that none can be spent, because a forgotten one could be spent twice.
pub const SPENT_VALUES: u64 = 1 << 20;
