//! One file for each method, and the texts that all of their answers share.

mod answer;
mod call;
mod discover;
mod initialize;
mod level;
mod list;
mod listen;
mod target;
mod tasks;

use portcullis_backend::ServerInfo;
use serde_json::{Value, json};

pub(crate) use answer::{Rendering, Round};
pub(crate) use listen::{Listen, notification};
pub(crate) use target::target;
pub(crate) use tasks::EXTENSION;

/// What does not change while the process runs, rendered once.
#[derive(Debug)]
pub(crate) struct Texts {
    /// `"io.modelcontextprotocol/serverInfo":{...}`, for `_meta` of modern results.
    server_member: Box<str>,
    /// The result of `server/discover`.
    discover: Box<str>,
    /// The result of `initialize`, from after the protocol version on.
    initialize_rest: Box<str>,
}

/// The member of `_meta` that names the server. No plugin may set it.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

impl Texts {
    pub(crate) fn new(server: &ServerInfo) -> Self {
        let info = json!({ "name": server.name, "title": server.title, "version": server.version });
        Self {
            server_member: format!("\"{SERVER_INFO}\":{info}").into(),
            discover: discover::render(server, &info).into(),
            initialize_rest: initialize::render_rest(server, &info).into(),
        }
    }
}

/// What is offered, to both eras. Not more than is served: whoever is told this by HTTP is given a session with it, or speaks
/// the revision that needs none.
fn capabilities() -> Value {
    json!({
        "tools": { "listChanged": true },
        "resources": { "subscribe": true, "listChanged": true },
        "prompts": { "listChanged": true },
        "completions": {},
        "logging": {},
    })
}
