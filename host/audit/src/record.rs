//! What a record says, as types: nothing else can be put in.

use std::{sync::Arc, time::Duration};

use portcullis_manifest::{Effect, Fingerprint, Label, WireName};
use portcullis_store::{AuditRow, RowKind};
use uuid::Uuid;

/// A call that is about to run.
#[derive(Clone, Debug)]
pub struct CallIntent {
    /// Names the call.
    pub correlation: Uuid,
    /// A pseudonym, or `local`.
    pub principal: Arc<str>,
    /// The tool.
    pub tool: WireName,
    /// The release that runs.
    pub release: Fingerprint,
    /// The label under which it runs.
    pub label: Label,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct CallOutcome {
    /// In a word.
    pub class: ResultClass,
    /// The highest effect that a host call of it had.
    pub effect: Effect,
    /// Fuel used.
    pub fuel: u64,
    /// Most bytes of linear memory.
    pub memory: u64,
    /// From admission to outcome.
    pub wall: Duration,
    /// Host calls.
    pub host_calls: u64,
    /// More, in words of the host's own.
    pub detail: String,
}

/// How a call ended, in a word. The documented outcomes: `docs/outcomes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultClass {
    /// The tool answered.
    Ok,
    /// The tool said that it could not.
    Failed,
    /// The arguments do not fit the input schema; no sandbox was started.
    BadArguments,
    /// The result does not fit the output schema or the contract.
    BadResult,
    /// `limits.fuel`.
    Fuel,
    /// `limits.time`.
    Time,
    /// `limits.memory`.
    Memory,
    /// The guest's stack.
    Stack,
    /// `limits.host_calls`.
    HostCalls,
    /// `limits.host_data`.
    HostData,
    /// `limits.handles`.
    Handles,
    /// `limits.result`.
    Result,
    /// The guest trapped.
    Trap,
    /// A read call reached a write function. Raises an alert (DESIGN rule 6).
    WriteRefused,
    /// A compare-and-set of the call lost against another call's.
    Conflict,
    /// A quota, at commit.
    Quota,
    /// It was a preview: what the tool would do was told, and nothing of it done.
    Preview,
    /// It ended with questions for the person; nothing was written.
    Asked,
    /// It had questions, and there is nobody to put them to: the client can't ask, or nobody has signed in. Nothing was written.
    NotAsked,
    /// A confirmed run wanted something that had not been previewed; nothing was written or sent.
    Diverged,
    /// It failed, was cancelled or diverged after a request had left the host: what that did outside is not known here.
    OutcomeUnknown,
    /// The client went away; nothing was written.
    Cancelled,
    /// The host itself failed; nothing was written.
    HostError,
}

/// One attempt to reach outside (catalogue EG-34).
#[derive(Clone, Debug)]
pub struct EgressRecord {
    /// What became of it, in a word of the host's own.
    pub class: &'static str,
    /// Whether it was a read inside the boundary, or a write.
    pub effect: Effect,
    /// How long it took.
    pub wall: Duration,
    /// Method, origin, path without its query, address, status, bytes: no header, no body, no query.
    pub detail: String,
}

/// What an admin did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdminAction {
    /// Took a release in.
    Publish,
    /// Approved one.
    Approve,
    /// Withdrew one.
    Withdraw,
    /// Shut a subject, a client or tokens out.
    Deny,
    /// Took that back.
    Allow,
    /// Was refused one of these; the detail says which and by which rule.
    Refused,
    /// Read the audit (catalogue AD-40).
    ReadAudit,
    /// Started the host.
    Start,
    /// Stopped it.
    Stop,
}

impl ResultClass {
    /// The word in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::BadArguments => "bad-arguments",
            Self::BadResult => "bad-result",
            Self::Fuel => "limit-fuel",
            Self::Time => "limit-time",
            Self::Memory => "limit-memory",
            Self::Stack => "limit-stack",
            Self::HostCalls => "limit-host-calls",
            Self::HostData => "limit-host-data",
            Self::Handles => "limit-handles",
            Self::Result => "limit-result",
            Self::Trap => "trap",
            Self::WriteRefused => "write-refused",
            Self::Conflict => "conflict",
            Self::Quota => "quota",
            Self::Preview => "preview",
            Self::Asked => "asked",
            Self::NotAsked => "not-asked",
            Self::Diverged => "diverged",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Cancelled => "cancelled",
            Self::HostError => "host-error",
        }
    }
}

impl AdminAction {
    /// The word in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Approve => "approve",
            Self::Withdraw => "withdraw",
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::Refused => "admin-refused",
            Self::ReadAudit => "read-audit",
            Self::Start => "start",
            Self::Stop => "stop",
        }
    }
}

impl CallIntent {
    pub(crate) fn row(&self) -> AuditRow {
        AuditRow {
            kind: RowKind::Intent,
            at: self.at,
            correlation: self.correlation.into_bytes(),
            principal: self.principal.clone(),
            tool: self.tool.clone().into(),
            release: Some(self.release.0),
            label: self.label.as_str(),
            class: "",
            effect: "",
            fuel: 0,
            memory: 0,
            wall_us: 0,
            host_calls: 0,
            count: 1,
            detail: String::new(),
        }
    }

    pub(crate) fn egress(&self, at: i64, record: EgressRecord) -> AuditRow {
        AuditRow {
            kind: RowKind::Egress,
            at,
            class: record.class,
            effect: record.effect.as_str(),
            wall_us: i64::try_from(record.wall.as_micros()).unwrap_or(i64::MAX),
            detail: record.detail,
            ..self.row()
        }
    }

    pub(crate) fn with(&self, kind: RowKind, outcome: &CallOutcome) -> AuditRow {
        AuditRow {
            kind,
            class: outcome.class.as_str(),
            effect: outcome.effect.as_str(),
            fuel: number(outcome.fuel),
            memory: number(outcome.memory),
            wall_us: i64::try_from(outcome.wall.as_micros()).unwrap_or(i64::MAX),
            host_calls: number(outcome.host_calls),
            detail: outcome.detail.clone(),
            ..self.row()
        }
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
