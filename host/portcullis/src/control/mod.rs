//! What commands ask of the process that owns the data directory: one JSON line there, one back, over a socket that only its
//! user can reach. Commands that own the directory themselves ask the same questions in their own process.
//!
//! Nothing here can be reached by a model: the socket is not a transport of MCP, but for the request that turns it into the
//! local principal's own stdio.

mod answer;
mod client;
mod denied;
mod message;
mod nearest;
mod server;

pub(crate) use answer::answer;
pub(crate) use client::Access;
pub(crate) use denied::{DeniedEntryLine, DeniedLine, DeniedWord};
pub(crate) use message::{
    AuditRecord, CallAnswer, FailuresLine, ReleaseLine, Request, Response, RetiredLine, UsageLine,
};
pub(crate) use server::Socket;
