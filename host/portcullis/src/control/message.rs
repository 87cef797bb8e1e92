//! Questions and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{DeniedEntryLine, DeniedLine};

/// A question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Take a release in.
    Publish {
        manifest: String,
        files: BTreeMap<String, String>,
        /// By name, base64.
        #[serde(default)]
        assets: BTreeMap<String, String>,
        /// base64.
        component: String,
        prefix: Option<String>,
        approve: bool,
    },
    /// Decide on one.
    Decide {
        release: String,
        approve: bool,
        /// Tools that may be called without sign-in. Only with an approval.
        #[serde(default)]
        without_sign_in: Vec<String>,
    },
    /// List them.
    Releases,
    /// What is served, as a client gets it.
    Tools,
    /// One call, as the local principal.
    Call { tool: String, arguments: Map<String, Value>, preview: bool },
    /// Audit records.
    Audit { tool: Option<String>, call: Option<Uuid>, before: Option<i64>, limit: u32 },
    /// Shut out.
    Deny { denied: DeniedLine },
    /// Take that back.
    Allow { denied: DeniedLine },
    /// Who is shut out.
    Denied,
    /// How many access tokens were refused.
    Failures,
    /// The names that are served no longer.
    Retired,
    /// From here on this connection is MCP, for the local principal.
    Stdio,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Response {
    Published {
        release: ReleaseLine,
        new: bool,
        /// What its author may not have meant.
        #[serde(default)]
        notes: Vec<String>,
    },
    Decided {
        release: String,
        fingerprint: String,
        /// What clients of the release that was served before can't go on with.
        #[serde(default)]
        breaks: Vec<String>,
    },
    Releases {
        releases: Vec<ReleaseLine>,
    },
    Tools {
        tools: Vec<Value>,
        #[serde(default)]
        prompts: Vec<Value>,
        /// Templates too.
        #[serde(default)]
        resources: Vec<Value>,
    },
    Called(CallAnswer),
    Audit {
        records: Vec<AuditRecord>,
    },
    /// It is shut out, or not any longer.
    DeniedChanged {
        denied: DeniedLine,
    },
    DeniedList {
        entries: Vec<DeniedEntryLine>,
    },
    Failures {
        planes: Vec<FailuresLine>,
    },
    Retired {
        names: Vec<RetiredLine>,
    },
    Stdio,
    /// It was refused or has failed; the text says why.
    Refused {
        why: String,
    },
}

/// A release, for people.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReleaseLine {
    pub(crate) release: String,
    pub(crate) fingerprint: String,
    pub(crate) state: String,
    /// Names on the wire and labels.
    pub(crate) tools: Vec<(String, String)>,
    /// What there is beside tools: kind, name on the wire, and where it is.
    #[serde(default)]
    pub(crate) offers: Vec<(String, String, String)>,
    pub(crate) published_by: String,
    pub(crate) published_at: i64,
    pub(crate) approved_by: Option<String>,
    pub(crate) four_eyes: Option<bool>,
    /// What the approval lets be called without sign-in: names on the wire.
    pub(crate) without_sign_in: Vec<String>,
    /// What approving it would change, against the release that its plugin serves now.
    pub(crate) changes: Vec<String>,
}

/// Refused access tokens of one plane, since the host started.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FailuresLine {
    /// `mcp` or `admin`.
    pub(crate) plane: String,
    /// Looked at and refused.
    pub(crate) refused: u64,
    /// Of those, answered as too many of their client.
    pub(crate) client_over: u64,
    /// Not looked at: too many from there had been refused.
    pub(crate) unseen: u64,
    pub(crate) alerts: u64,
    /// Alerts that the webhook took, and those that it did not.
    pub(crate) webhooks: u64,
    pub(crate) webhooks_lost: u64,
}

/// A name on the wire that is served no longer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RetiredLine {
    pub(crate) name: String,
    /// The release that served it last.
    pub(crate) release: String,
    /// Milliseconds since 1970.
    pub(crate) since: i64,
    /// The release that took the place of that one; none: it was withdrawn.
    pub(crate) by: Option<String>,
    /// How often it was called since then.
    pub(crate) calls: u64,
    /// Milliseconds since 1970.
    pub(crate) last_call: Option<i64>,
}

/// What a call gave, and what it used.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CallAnswer {
    pub(crate) correlation: Uuid,
    pub(crate) is_error: bool,
    pub(crate) content: Vec<Value>,
    pub(crate) structured: Option<Value>,
    pub(crate) usage: Option<UsageLine>,
    pub(crate) log: Vec<String>,
}

/// What a call used.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UsageLine {
    pub(crate) outcome: String,
    pub(crate) effect: String,
    pub(crate) fuel: u64,
    pub(crate) memory: u64,
    pub(crate) host_calls: u64,
    pub(crate) instantiate_us: u64,
    pub(crate) wall_us: u64,
}

/// An audit record, for people.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditRecord {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) kind: String,
    pub(crate) class: String,
    pub(crate) correlation: Uuid,
    pub(crate) principal: String,
    pub(crate) tool: String,
    pub(crate) release: String,
    pub(crate) label: String,
    pub(crate) effect: String,
    pub(crate) fuel: i64,
    pub(crate) memory: i64,
    pub(crate) wall_us: i64,
    pub(crate) host_calls: i64,
    pub(crate) count: i64,
    pub(crate) detail: String,
}
