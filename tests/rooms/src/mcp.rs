//! The protocol, as little of it as a test needs: one message, one answer.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};

use crate::{Answer, Connection};

/// Which rules of the protocol a message follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// Revision 2025-11-25.
    Legacy,
    /// Revision 2026-07-28.
    Modern,
}

/// A client over one HTTP connection.
#[derive(Debug)]
pub struct Mcp {
    connection: Connection,
    era: Era,
    next: u64,
    /// Lines that go with every request.
    headers: Vec<String>,
}

/// A JSON-RPC request. A modern one carries its metadata, to which `params` may add.
#[must_use]
pub fn message(era: Era, id: impl Into<Value>, method: &str, mut params: Value) -> Value {
    if era == Era::Modern {
        let mut meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "portcullis-tests", "version": "0" },
        });
        for (key, value) in params["_meta"].as_object().into_iter().flatten() {
            meta[key] = value.clone();
        }
        params["_meta"] = meta;
    }
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// A call of a tool.
#[must_use]
pub fn tool_request(era: Era, id: impl Into<Value>, tool: &str, arguments: &Value) -> Value {
    message(era, id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

impl Era {
    /// The header lines that go with a message of that method; `name` is that of a tool or prompt, or a resource's URI.
    #[must_use]
    pub fn headers(self, method: &str, name: Option<&str>) -> Vec<String> {
        let mut lines =
            vec!["Content-Type: application/json".to_owned(), "Accept: application/json, text/event-stream".to_owned()];
        match self {
            Self::Legacy => lines.push("MCP-Protocol-Version: 2025-11-25".to_owned()),
            Self::Modern => {
                lines.push("MCP-Protocol-Version: 2026-07-28".to_owned());
                lines.push(format!("Mcp-Method: {method}"));
                lines.extend(name.map(|name| format!("Mcp-Name: {name}")));
            }
        }
        lines
    }
}

impl Mcp {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: SocketAddr, era: Era) -> io::Result<Self> {
        Ok(Self { connection: Connection::open(address)?, era, next: 0, headers: Vec::new() })
    }

    /// The same client, with this header line in every request.
    #[must_use]
    pub fn with_header(mut self, line: impl Into<String>) -> Self {
        self.headers.push(line.into());
        self
    }

    /// The same client, with this access token in every request, and no other.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.headers.retain(|line| !line.starts_with("Authorization: "));
        self.with_header(format!("Authorization: Bearer {token}"))
    }

    /// Sends one request and gives the whole answer.
    ///
    /// # Errors
    /// When the connection ends before the answer is whole.
    pub fn send(&mut self, method: &str, params: Value) -> io::Result<Answer> {
        self.next += 1;
        let mut headers = self.era.headers(method, params["name"].as_str().or(params["uri"].as_str()));
        headers.extend_from_slice(&self.headers);
        let message = message(self.era, self.next, method, params);
        self.connection.request("POST", "/mcp", &headers, message.to_string().as_bytes())?;
        self.connection.answer()
    }

    /// Calls a tool; gives the JSON-RPC answer, whatever it says.
    ///
    /// # Errors
    /// When the connection ends before the answer is whole.
    pub fn try_call(&mut self, tool: &str, arguments: Value) -> io::Result<Value> {
        Ok(self.send("tools/call", json!({ "name": tool, "arguments": arguments }))?.json())
    }

    /// Calls a tool that has to answer, with success or a tool error; gives the result.
    ///
    /// # Panics
    /// When there is no result.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.try_call(tool, arguments).unwrap_or_else(|error| panic!("{tool}: {error}"));
        assert!(answer["result"].is_object(), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// What a call would do, by the switch in `_meta`.
    ///
    /// # Panics
    /// When there is no result.
    pub fn preview(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments, "_meta": { "portcullis/preview": true } });
        let answer = self.send("tools/call", params).unwrap_or_else(|error| panic!("{tool}: {error}")).json();
        assert!(answer["result"].is_object(), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// Calls a tool that has to be confirmed: once for its preview, and again with the confirmation that came with it.
    ///
    /// # Errors
    /// When the connection ends.
    ///
    /// # Panics
    /// When the first call gives no confirmation.
    pub fn try_call_confirmed(&mut self, tool: &str, mut arguments: Value) -> io::Result<Value> {
        let preview = self.try_call(tool, arguments.clone())?;
        let confirmation = preview["result"]["structuredContent"]["confirmation"].clone();
        assert!(confirmation.is_string(), "{tool} gave no confirmation: {preview}");
        arguments["confirmation"] = confirmation;
        self.try_call(tool, arguments)
    }

    /// As [`Mcp::call`], for a tool that has to be confirmed.
    ///
    /// # Panics
    /// When there is no result.
    pub fn call_confirmed(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.try_call_confirmed(tool, arguments).unwrap_or_else(|error| panic!("{tool}: {error}"));
        assert!(answer["result"].is_object(), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// The tools that are listed.
    ///
    /// # Panics
    /// When they can't be listed.
    pub fn tools(&mut self) -> Vec<Value> {
        let answer = self.send("tools/list", json!({})).expect("tools/list is answered").json();
        answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools: {answer}")).clone()
    }
}
