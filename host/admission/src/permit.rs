//! The values that prove a decision.

use std::sync::Arc;

use portcullis_manifest::Principal;
use uuid::Uuid;

use crate::ApprovedTool;

/// Proves that a call was authenticated, authorised and validated. Made by [`crate::decide`] and by nothing else; used up
/// by one sandbox.
#[derive(Debug)]
pub struct Permit {
    principal: Principal,
    tool: Arc<ApprovedTool>,
    arguments: Arguments,
    write: Option<WriteProof>,
    correlation: Uuid,
    locale: Option<String>,
}

/// Proves that a call may write: what every write function demands. Only a permit for a tool that is labelled `write` or
/// `destructive` holds one (DESIGN rule 6, catalogue WR-03). Cloning it would be harmless, but nothing needs to.
#[derive(Debug)]
pub struct WriteProof(());

/// Arguments that the tool's input schema has accepted, as JSON text written by the host: what the guest parses is what
/// was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments(String);

impl Permit {
    pub(crate) fn new(
        principal: Principal,
        tool: Arc<ApprovedTool>,
        arguments: String,
        correlation: Uuid,
        locale: Option<String>,
    ) -> Self {
        let write = tool.label.writes().then_some(WriteProof(()));
        Self { principal, tool, arguments: Arguments(arguments), write, correlation, locale }
    }

    /// Who calls.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What is called.
    #[must_use]
    pub fn tool(&self) -> &Arc<ApprovedTool> {
        &self.tool
    }

    /// With which arguments.
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.arguments.0
    }

    /// Whether it may write.
    #[must_use]
    pub fn write_proof(&self) -> Option<&WriteProof> {
        self.write.as_ref()
    }

    /// Names the call.
    #[must_use]
    pub fn correlation(&self) -> Uuid {
        self.correlation
    }

    /// A hint of the client's (BCP 47).
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }
}
