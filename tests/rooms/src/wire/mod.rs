//! What goes between a client and a host, recorded from outside both of them, and held against the protocol's own JSON Schemas:
//! `tests/conformance/schema`, one of each revision. Nothing that the host says is left out: what no schema knows is a fault,
//! and what was looked at is counted by its kind.

mod judge;
mod pipe;
mod proxy;
mod record;
mod schema;
#[cfg(test)]
mod tests;

pub use judge::Verdict;
pub use pipe::Pipe;
pub use proxy::Proxy;
