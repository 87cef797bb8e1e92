//! What the suites that cross rooms share: the real program, started on a data directory of its own, and small clients that
//! send exactly the bytes a test wants. Nothing here stands in for a part of the host; what is outside of
//! it, such as the tracker that plugins/tickets talks to, is a real server on this machine.
//!
//! ```no_run
//! use portcullis_tests::{Home, plugin};
//! use serde_json::json;
//!
//! let home = Home::with([plugin("plugins/notes")]);
//! let served = home.serve();
//! let note = served.call("notes_create", json!({ "title": "Milk", "body": "two litres" }));
//! assert_eq!(note["structuredContent"]["title"], "Milk");
//! assert_eq!(home.run(["call", "notes_search"]).code, 0);
//! ```
//!
//! Nothing is skipped: what a test needs and does not find makes it fail, with the command that brings it. Nothing waits for
//! a time to pass: a test waits for a line, an answer or the end of a process.

mod clients;
mod conformance;
mod folder;
mod home;
mod http;
mod mcp;
mod needed;
mod place;
mod prepared;
mod process;
mod provider;
mod served;
mod signed_in;
mod stdio;
mod tickets;
mod wire;

pub use clients::{Transport, drive, revision};
pub use conformance::{Check, Found, Suite};
pub use folder::Folder;
pub use home::{Home, Ran};
pub use http::{Answer, Connection};
pub use mcp::{Era, Mcp, message, tool_request};
pub use needed::{node, plugin, program, python};
pub use place::{CLIENTS_NODE, CLIENTS_PYTHON, PROGRAM, built, files, given, printed, root};
pub use process::Holds;
pub use provider::{Provider, Resource, Tokens, identity_script, loopback};
pub use served::Served;
pub use signed_in::{Setup, SignedIn};
pub use stdio::Stdio;
pub use tickets::{Heard, TicketServer};
pub use wire::{Pipe, Proxy, Verdict};
