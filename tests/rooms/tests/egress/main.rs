//! The way out, whole: plugins that reach a real server over TLS, through a served host with an operator's configuration.
//! What is decided and how it is sent is tested in `host/egress`; here, that all of it is wired together.

mod confirmed;
mod pages;
mod secrets;
mod tickets;

use std::path::Path;

use portcullis_tests::{Answer, Era, Home, Mcp, Served, TicketServer, plugin};
use serde_json::{Value, json};

/// A served host with a plugin or two, and the server outside.
pub(crate) struct World {
    pub(crate) outside: TicketServer,
    pub(crate) home: Home,
    pub(crate) served: Served,
}

impl World {
    /// With plugins/tickets.
    pub(crate) fn open() -> Self {
        Self::with([plugin("plugins/tickets")])
    }

    pub(crate) fn with(plugins: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let outside = TicketServer::start();
        let home = Home::configured(format!("four_eyes = false\n\n{}", outside.configuration()));
        plugins.into_iter().for_each(|folder| home.publish(folder.as_ref()));
        let served = home.serve();
        Self { outside, home, served }
    }

    /// Calls a tool that has to succeed; gives its structured content.
    pub(crate) fn structured(&self, tool: &str, arguments: Value) -> Value {
        let result = self.served.call(tool, arguments);
        assert_ne!(result["isError"], true, "{tool}: {result}");
        result["structuredContent"].clone()
    }

    /// Calls a tool that has to end in a tool error; gives its text.
    pub(crate) fn failed(&self, tool: &str, arguments: Value) -> String {
        let result = self.served.call(tool, arguments);
        assert_eq!(result["isError"], true, "{tool}: {result}");
        text(&result)
    }

    /// Every audit row, oldest first. The host may still be writing those of a call that could not write.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let rows = self.home.must(["audit", "--json", "--limit", "10000"]);
        let mut rows: Vec<Value> =
            rows.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect();
        rows.sort_by_key(|row| row["seq"].as_i64());
        rows
    }

    /// The rows of requests to the outside, and those of the calls that made them.
    pub(crate) fn egress_rows(&self) -> Vec<Value> {
        self.audit().into_iter().filter(|row| row["kind"] == "egress").collect()
    }
}

/// The text of a result.
pub(crate) fn text(result: &Value) -> String {
    let blocks = result["content"].as_array().into_iter().flatten();
    blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// Sends `tools/call` with more than a name and arguments.
pub(crate) fn call(client: &mut Mcp, tool: &str, arguments: &Value, more: Value) -> Value {
    let mut params = json!({ "name": tool, "arguments": arguments });
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    let answer: Answer = client.send("tools/call", params).unwrap_or_else(|error| panic!("{tool}: {error}"));
    let answer = answer.json();
    assert!(answer["result"].is_object(), "{tool}: {answer}");
    answer["result"].clone()
}

/// A client of the modern era on a connection of its own.
pub(crate) fn client(world: &World) -> Mcp {
    world.served.client(Era::Modern)
}
