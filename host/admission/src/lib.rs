//! The decision: may this principal make this call of this tool (or prompt, resource, completion) with these arguments? It is a pure function, and it owns
//! the two values that prove a decision was made: a [`Permit`], without which no sandbox starts, and a [`WriteProof`],
//! without which no write function runs. Neither has a public constructor. It must never do I/O.

mod confirmation;
mod decide;
mod given;
mod intended;
mod permit;
mod schema;
mod tool;
#[cfg(test)]
mod without_sign_in;

pub use confirmation::{Binding, Confirmation, Mismatch};
pub use decide::{Asked, Decision, Refused, decide, may_call};
pub use given::{Callable, Completes, Given, NotGiven, Parameter};
pub use intended::{Content, Fixed, Intended, Previewed};
pub use permit::{Answered, Arguments, Mode, Permit, Round, WriteProof};
pub use schema::{BadSchema, Misfit, Schema};
pub use tool::{ApprovedTool, SignInNeeded};
