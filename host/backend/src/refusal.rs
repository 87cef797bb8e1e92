//! What was refused, and by which rule.

use std::time::Duration;

use portcullis_manifest::{PrincipalKey, Scope};

use crate::Asking;

/// The credentials prove nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// There are none, and nothing is served without. HTTP 401.
    #[error("this server is called with an access token: `Authorization: Bearer ...`")]
    Missing,
    /// They are refused. HTTP 401, `invalid_token`.
    #[error("{reason}")]
    Invalid {
        /// What was wrong, without any part of the credentials.
        reason: String,
    },
    /// Too many from there were refused. HTTP 429, `Retry-After`.
    #[error("too many access tokens from there were refused; try again in {} s", retry_after.as_secs().max(1))]
    TooMany {
        /// When one will be looked at again.
        retry_after: Duration,
    },
    /// Nobody can say now whether they are good: the issuer does not answer. HTTP 503, `Retry-After`.
    #[error("access tokens can't be verified now: {reason}")]
    Unavailable {
        /// What is missing, without addresses.
        reason: &'static str,
        /// When it may be worth trying again.
        retry_after: Duration,
    },
}

/// Why there is no answer of a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallRefused {
    /// No approved tool of that name is visible to this principal. JSON-RPC -32602.
    #[error("unknown tool `{name}`: call tools/list for the tools that are served")]
    UnknownTool {
        /// At most 128 characters of what was asked for.
        name: String,
    },
    /// No resource is under that URI, as far as this principal may see. JSON-RPC -32602 with `data.uri` (SEP-2164); -32002 before.
    #[error("no resource is at `{uri}`: resources/list and resources/templates/list say what there is")]
    UnknownResource {
        /// At most 1024 characters of what was asked for.
        uri: String,
    },
    /// No approved prompt of that name is visible to this principal. JSON-RPC -32602.
    #[error("unknown prompt `{name}`: call prompts/list for the prompts that are served")]
    UnknownPrompt {
        /// At most 128 characters of what was asked for.
        name: String,
    },
    /// What came with a prompt, a completion or a resource is not what it takes. JSON-RPC -32602.
    #[error("{0}")]
    Params(String),
    /// A prompt, a completion or a resource failed: there is no result that could say so. JSON-RPC -32603.
    #[error("{0}")]
    Failed(String),
    /// The call has to ask what this client has not said that it can be asked. JSON-RPC -32021 (2026-07-28).
    #[error("this call has to ask for what this client has not declared: {}", missing(needed))]
    Capability {
        /// What is missing: true where it is.
        needed: Asking,
    },
    /// The call goes on without its request, and the client has not said that it comes back for it. JSON-RPC -32021 (2026-07-28);
    /// a tool error before.
    #[error(
        "`{tool}` takes longer than a request should wait, and this client has not declared the extension \
         `io.modelcontextprotocol/tasks`, by which it would come back for the result"
    )]
    TasksNeeded {
        /// Its name on the wire.
        tool: String,
    },
    /// This principal has no task of that id, or not any longer. JSON-RPC -32602.
    #[error("no task of yours has that id: it never was, it is somebody else's, or it has expired (`ttlMs`)")]
    UnknownTask,
    /// The tool is called by somebody, and nobody has signed in. HTTP 401, or a result that makes the client link an account.
    #[error("this tool is called by somebody who has signed in")]
    SignIn {
        /// All scopes that the call needs.
        needed: Vec<Scope>,
    },
    /// The principal lacks scopes. HTTP 403 with all of them in one challenge.
    #[error("this call needs the scopes {}", list(needed))]
    InsufficientScope {
        /// All scopes that the call needs, held ones too.
        needed: Vec<Scope>,
    },
    /// The state that should make the call go on was not sealed by this host for this call, was changed, or is too old.
    /// JSON-RPC -32602.
    #[error("`requestState` is not one that this host gave for this call: {why}; make the call again without it")]
    State {
        /// What does not fit.
        why: &'static str,
    },
    /// A concurrency or memory budget of the host is used up. HTTP 503, `Retry-After`.
    #[error("busy: {limit}; try again in {} s", retry_after.as_secs().max(1))]
    Busy {
        /// Which budget.
        limit: &'static str,
        /// When it may be worth trying again.
        retry_after: Duration,
    },
    /// The audit or the store cannot take the call: it did not run, or nothing of it was kept (DESIGN rule 7). HTTP 503.
    #[error("the host cannot record calls now: {reason}")]
    Unavailable {
        /// What is wrong, without paths.
        reason: &'static str,
    },
}

fn missing(needed: &Asking) -> String {
    let words = [(needed.form, "elicitation"), (needed.sampling, "sampling"), (needed.roots, "roots")];
    words.into_iter().filter_map(|(is, word)| is.then_some(word)).collect::<Vec<_>>().join(", ")
}

fn list(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

/// A refusal by the transport or the protocol, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule that refused.
    pub rule: RefusalRule,
    /// Who asked, where that was known already.
    pub principal: Option<PrincipalKey>,
}

/// The rules by which the transport and the protocol refuse. A closed list: nobody can make the audit's vocabulary grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalRule {
    /// Nothing is served at that path.
    Path,
    /// Not `POST`.
    Method,
    /// `Host` is not this server's. MC-01.
    Host,
    /// `Origin` is not allowed. MC-01.
    Origin,
    /// An access token stands in the URL. AU-21.
    QueryToken,
    /// Body too long.
    BodySize,
    /// Not `application/json`.
    ContentType,
    /// Excludes what this server answers with.
    Accept,
    /// Not JSON, too deep, a duplicate key, a number that has no exact form. MC-09.
    Json,
    /// Not a JSON-RPC 2.0 message; batches too.
    Message,
    /// Headers and body disagree. MC-03.
    HeaderMismatch,
    /// A protocol version this server does not speak.
    Version,
    /// A method this server does not have.
    UnknownMethod,
    /// Parameters that are not of the method's form.
    Params,
}

impl RefusalRule {
    /// The word in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Method => "http-method",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::QueryToken => "query-token",
            Self::BodySize => "body-size",
            Self::ContentType => "content-type",
            Self::Accept => "accept",
            Self::Json => "json",
            Self::Message => "message",
            Self::HeaderMismatch => "header-mismatch",
            Self::Version => "version",
            Self::UnknownMethod => "unknown-method",
            Self::Params => "params",
        }
    }
}
