//! The decision: may this principal make this call of this tool with these arguments? It is a pure function, and it owns
//! the two values that prove a decision was made: a [`Permit`], without which no sandbox starts, and a [`WriteProof`],
//! without which no write function runs. Neither has a public constructor. It must never do I/O.

mod decide;
mod permit;
mod schema;
mod tool;

pub use decide::{Decision, Question, Refused, decide};
pub use permit::{Arguments, Permit, WriteProof};
pub use schema::{BadSchema, Misfit, Schema};
pub use tool::ApprovedTool;
