//! The audit: what happened, to whom it is attributed, and that it is written before an effect (DESIGN rule 7). Records
//! hold a closed vocabulary, numbers and keyed pseudonyms; it must never hold arguments, results, credentials, or any text
//! that a client or a guest chose.

mod log;
mod pseudonym;
mod record;
mod refusals;

pub use log::{AuditLog, AuditStopped, Line, Seat, admin_row};
pub use pseudonym::Pseudonyms;
pub use record::{AdminAction, CallIntent, CallOutcome, EgressRecord, ResultClass};
