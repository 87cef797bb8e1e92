//! The seam between the protocol and the way of a call: one trait and the plain types that pass through it. `host/mcp`
//! calls it and knows nothing of sandboxes; `host/calls` implements it and knows nothing of HTTP or JSON-RPC. It must
//! never hold logic.

mod answer;
mod refusal;

use std::{collections::BTreeMap, future::Future, net::IpAddr, sync::Arc};

use portcullis_manifest::{Principal, Scope};
use serde_json::{Map, Value, value::RawValue};
use uuid::Uuid;

pub use answer::{Ask, CallAnswer, Question, ServerInfo, ToolAnswer, ToolDescriptor, ToolList};
pub use refusal::{CallRefused, Refusal, RefusalRule, Unauthenticated};

/// What a transport has read of who is asking. The transport checks nothing of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The header `Authorization`.
    pub authorization: Authorization<'a>,
    /// The address that the request came from, where the transport has addresses.
    pub source: Option<IpAddr>,
}

/// What stands in the header `Authorization`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// There is none.
    #[default]
    Absent,
    /// Its one value.
    Value(&'a str),
    /// There are several, or one that is no text: nobody can say whose they are.
    Unreadable,
}

/// What a client has to know to get a token for this server (RFC 9728).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `authorization_servers`: issuers, exactly as their metadata writes them.
    pub issuers: Vec<String>,
    /// `scopes_supported`: what the tools that are served ask for, sorted.
    pub scopes: Vec<Scope>,
}

/// One `tools/call`, after the protocol has been checked and before anything else has.
#[derive(Clone, Debug)]
pub struct ToolRequest {
    /// Made by the transport, UUIDv7; names the call in the audit, in errors and to the guest.
    pub correlation: Uuid,
    /// Who calls.
    pub principal: Principal,
    /// The tool's name on the wire, as the client sent it.
    pub tool: String,
    /// `params.arguments`; a missing member is an empty object.
    pub arguments: Map<String, Value>,
    /// `_meta["openai/locale"]`, a hint (BCP 47), at most 35 bytes.
    pub locale: Option<String>,
    /// `_meta["portcullis/preview"]`: tell what the call would do, and do nothing of it.
    pub preview: bool,
    /// What the client can put to a person while it waits for this call.
    pub asking: Asking,
    /// The replies to what an earlier round of this call asked.
    pub resume: Option<Resume>,
    /// [`Credentials::source`]: what tells callers without a token apart, for their rates.
    pub source: Option<IpAddr>,
}

/// What a client can put to a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    /// Nothing, as far as it has said.
    #[default]
    Nothing,
    /// A form (MCP elicitation, mode `form`).
    Form,
}

/// A call that goes on after [`Ask`]. Everything in it comes from the client: nothing of it is checked by the transport.
#[derive(Clone, Debug, PartialEq)]
pub struct Resume {
    /// [`Ask::state`], as the client sent it back.
    pub state: String,
    /// By [`Question::key`]. Some may be missing, others may be too many.
    pub replies: BTreeMap<String, Reply>,
}

/// What became of one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `accept`: what the form holds.
    Accepted(Map<String, Value>),
    /// `decline`.
    Declined,
    /// `cancel`.
    Cancelled,
}

/// What the protocol layer asks of the rest of the host.
pub trait Backend: Send + Sync + 'static {
    /// What this server says of itself. From the operator's configuration (catalogue MC-16).
    fn server(&self) -> &ServerInfo;

    /// Who is asking. Asked for every request: no connection and no session stands for anybody (catalogue AU-01).
    ///
    /// # Errors
    /// [`Unauthenticated`] when the credentials prove nobody; it has been audited.
    fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> impl Future<Output = Result<Principal, Unauthenticated>> + Send;

    /// What clients need to get a token; nothing, where no tokens are taken.
    fn resource(&self) -> Option<Resource>;

    /// The tools that this principal may see, in the order of their names (catalogue MC-13, AU-06).
    fn tools(&self, principal: &Principal) -> Arc<ToolList>;

    /// Runs a tool. Dropping the future cancels the call.
    ///
    /// # Errors
    /// [`CallRefused`] when no answer of the tool exists; it has been audited. Arguments that the tool's schema does not
    /// accept, limits and failures of the tool are answers, because a model can read and mend them.
    fn call(&self, request: ToolRequest) -> impl Future<Output = Result<CallAnswer, CallRefused>> + Send;

    /// Whether calls can be taken: what `/health` answers (catalogue AD-01).
    fn healthy(&self) -> bool;

    /// Takes note of what a transport or the protocol refused, for the audit (catalogue AD-21).
    fn refused(&self, refusal: Refusal);
}

/// JSON that was rendered once and is sent many times.
pub type Rendered = Arc<RawValue>;
