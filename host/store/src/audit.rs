//! Audit rows as they are kept. What they mean, and what may stand in them, is `host/audit`'s business.

use std::sync::Arc;

/// What a row records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// A call is about to run.
    Intent,
    /// A call has ended.
    Outcome,
    /// Intent and outcome of a call that had both before the first was written.
    Call,
    /// Something was refused; `count` says how often.
    Refused,
    /// An admin did something.
    Admin,
    /// One request left for the outside, or was refused.
    Egress,
}

impl RowKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Intent, Self::Outcome, Self::Call, Self::Refused, Self::Admin, Self::Egress];

    /// The word stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Call => "call",
            Self::Refused => "refused",
            Self::Admin => "admin",
            Self::Egress => "egress",
        }
    }
}

/// One row to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// What it records.
    pub kind: RowKind,
    /// Milliseconds since 1970: when the call was admitted, or when the other thing happened.
    pub at: i64,
    /// UUIDv7 of the call, or nil.
    pub correlation: [u8; 16],
    /// A keyed pseudonym, or `local`, or empty where nobody is known.
    pub principal: Arc<str>,
    /// The tool's name on the wire, or empty. Only names of the catalogue, never a client's text.
    pub tool: Arc<str>,
    /// The release's fingerprint.
    pub release: Option<[u8; 32]>,
    /// The label under which it ran, or empty.
    pub label: &'static str,
    /// Result class, rule or action: a closed vocabulary.
    pub class: &'static str,
    /// The highest effect that a host call of this call had.
    pub effect: &'static str,
    /// Fuel used.
    pub fuel: i64,
    /// Most bytes of linear memory.
    pub memory: i64,
    /// Microseconds from admission to outcome.
    pub wall_us: i64,
    /// Host calls.
    pub host_calls: i64,
    /// How many this row stands for.
    pub count: i64,
    /// More, in words of the host's own: never arguments, results, or a client's text.
    pub detail: String,
}

/// A row as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: no two rows share one, and they grow.
    pub seq: i64,
    /// [`RowKind::as_str`].
    pub kind: String,
    /// As in [`AuditRow`].
    pub at: i64,
    /// As in [`AuditRow`].
    pub correlation: [u8; 16],
    /// As in [`AuditRow`].
    pub principal: String,
    /// As in [`AuditRow`].
    pub tool: String,
    /// As in [`AuditRow`].
    pub release: Vec<u8>,
    /// As in [`AuditRow`].
    pub label: String,
    /// As in [`AuditRow`].
    pub class: String,
    /// As in [`AuditRow`].
    pub effect: String,
    /// As in [`AuditRow`].
    pub fuel: i64,
    /// As in [`AuditRow`].
    pub memory: i64,
    /// As in [`AuditRow`].
    pub wall_us: i64,
    /// As in [`AuditRow`].
    pub host_calls: i64,
    /// As in [`AuditRow`].
    pub count: i64,
    /// As in [`AuditRow`].
    pub detail: String,
}

/// Which rows to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this call.
    pub correlation: Option<[u8; 16]>,
    /// Only this tool.
    pub tool: Option<String>,
    /// Only rows that record this.
    pub kind: Option<RowKind>,
    /// Only rows older than this number.
    pub before: Option<i64>,
    /// At most so many; 1 to 10,000.
    pub limit: u32,
}
