//! The protocol: MCP's two eras on one endpoint, over HTTP and over byte streams. It reads messages strictly, checks what
//! the protocol demands, and asks one [`Backend`](portcullis_backend::Backend) for everything else. It must never decide
//! who may call what, nor know how a tool is run.
//!
//! # Error codes
//! JSON-RPC's and MCP's own codes mean what they say there: -32700, -32600, -32601, -32602, -32603 (a call that has no result
//! to fail with), -32002 (before 2026-07-28: no such resource), -32020 (headers and body differ), -32021 (the client has not
//! declared what this needs), -32022 (version). Codes of this server lie outside the reserved range: an HTTP status and two digits.
//!
//! | code | HTTP | refused because |
//! |---|---|---|
//! | 40000 | 400 | an access token stands in the URL |
//! | 40100 | 401 | there are no credentials, and the server or the tool needs some |
//! | 40101 | 401 | the credentials are refused |
//! | 40300 | 403 | `Host` is not an allowed host: `allowed_hosts`, `public_url` |
//! | 40301 | 403 | `Origin` is not an allowed origin: `allowed_origins` |
//! | 40302 | 403 | the token lacks scopes |
//! | 40400 | 404 | nothing is kept of that stream, or not for this client |
//! | 40500 | 405 | the path is not served by that HTTP method |
//! | 40600 | 406 | the client takes neither JSON nor an event stream |
//! | 40800 | 408 | the body did not come in time |
//! | 41300 | 413 | the message is too long |
//! | 41500 | 415 | the body is not plain `application/json` |
//! | 42900 | 429 | too many credentials from there were refused |
//! | 50100 | 501 | `Transfer-Encoding` is more than `chunked` |
//! | 50300 | 503 | a budget of the host is used up; try again |
//! | 50301 | 503 | the host cannot record calls, so it runs none; or it cannot keep a question or its answer |
//! | 50302 | 503 | too many requests are open on one stream |
//! | 50303 | 503 | too many questions wait for a person |
//! | 50304 | 503 | nobody can say now whether the credentials are good |
//! | 50305 | 503 | too many streams wait for what changes, or are kept |
//!
//! Errors of the way of a call (an unknown tool's -32602, a call's 40100, 40302, 503xx) carry `data.correlation`, which names the call in the audit.

mod asking;
mod challenge;
mod codec;
mod cursor;
mod era;
mod fault;
mod headers;
mod http;
mod hub;
mod json;
mod lines;
mod listing;
mod methods;
mod mirror;
mod notices;
mod protocol;
mod reply;
mod stdio;
mod streams;
#[cfg(test)]
mod testing;
mod trace;

pub use asking::{QuestionLimits, SessionKey};
pub use challenge::{InvalidPublicUrl, PublicUrl};
pub use cursor::CursorKey;
pub use http::{
    AllowedHosts, AllowedOrigins, DEFAULT_BODY_LIMIT, DEFAULT_BODY_MEMORY, DEFAULT_PAGE_SIZE, Front, HttpConfig,
    InvalidHost, InvalidOrigin, source_of,
};
pub use hub::ListenLimits;
pub use stdio::serve_stdio;
pub use streams::StreamLimits;
