//! The values that prove a decision.

use std::{collections::BTreeMap, sync::Arc};

use portcullis_manifest::{Hint, Principal, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{ApprovedTool, Fixed, Given, Previewed};

/// Proves that a call was authenticated, authorised, validated and, where needed, confirmed. Made by [`crate::decide`] and by
/// nothing else; used up by one sandbox.
#[derive(Debug)]
pub struct Permit {
    principal: Principal,
    tool: Arc<ApprovedTool>,
    given: Given,
    arguments: Arguments,
    write: Option<WriteProof>,
    mode: Mode,
    answered: Option<Arc<Round>>,
    correlation: Uuid,
    hints: BTreeMap<Hint, Value>,
}

/// Proves that a call may write: what every write function demands. Only a permit for a tool that is labelled `write` or
/// `destructive` holds one, and never one for a prompt, a resource or a completion (DESIGN rule 6, catalogue WR-03). Cloning it would be harmless, but nothing needs to.
#[derive(Debug)]
pub struct WriteProof(());

/// How far a write function goes.
#[derive(Clone, Debug)]
pub enum Mode {
    /// It does what it says.
    Normal,
    /// It records, and nothing leaves the host (catalogue WR-05).
    Preview(Fixed),
    /// It does what was previewed, and nothing else.
    Confirmed(Arc<Previewed>),
}

/// What a call was given, once the tool's input schema has accepted it, as JSON text written by the host: what the guest parses is what
/// was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments(String);

/// One round of questions that the person has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// What the tool gave with its questions.
    pub state: Vec<u8>,
    /// In the order of the questions.
    pub answers: Vec<(String, Answered)>,
}

/// What became of one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answered {
    /// A JSON object of the form that was asked for: what a form's schema has accepted, what a model said, roots.
    Accepted(String),
    /// The person said no.
    Declined,
    /// The person closed the question.
    Cancelled,
}

/// Everything of a permit but its proof.
pub(crate) struct Granted {
    pub(crate) principal: Principal,
    pub(crate) tool: Arc<ApprovedTool>,
    pub(crate) given: Given,
    pub(crate) arguments: String,
    pub(crate) mode: Mode,
    pub(crate) answered: Option<Arc<Round>>,
    pub(crate) correlation: Uuid,
    pub(crate) hints: BTreeMap<Hint, Value>,
}

impl Permit {
    pub(crate) fn new(granted: Granted) -> Self {
        let Granted { principal, tool, given, arguments, mode, answered, correlation, mut hints } = granted;
        let write = tool.writes().then_some(WriteProof(()));
        // What its manifest does not ask for, a plugin is never told.
        hints.retain(|hint, _| tool.hints.contains(hint));
        Self { principal, tool, given, arguments: Arguments(arguments), write, mode, answered, correlation, hints }
    }

    /// Who calls.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the guest is told that the principal holds: of the scopes that the tools of its plugin need, those of the token, and
    /// no other (catalogue EG-09). Sorted.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.principal.held(&self.tool.plugin_scopes).into_iter()
    }

    /// What is called.
    #[must_use]
    pub fn tool(&self) -> &Arc<ApprovedTool> {
        &self.tool
    }

    /// With what.
    #[must_use]
    pub fn given(&self) -> &Given {
        &self.given
    }

    /// With which arguments, of a tool.
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.arguments.0
    }

    /// Whether it may write.
    #[must_use]
    pub fn write_proof(&self) -> Option<&WriteProof> {
        self.write.as_ref()
    }

    /// How far its writes go.
    #[must_use]
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// What the person answered to what the tool asked in the round before.
    #[must_use]
    pub fn answered(&self) -> Option<&Arc<Round>> {
        self.answered.as_ref()
    }

    /// Names the call.
    #[must_use]
    pub fn correlation(&self) -> Uuid {
        self.correlation
    }

    /// What the client says of the person, as far as the plugin's manifest asks for it.
    #[must_use]
    pub fn hints(&self) -> &BTreeMap<Hint, Value> {
        &self.hints
    }

    /// One of the hints (BCP 47).
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        self.hints.get(&Hint::Locale)?.as_str()
    }
}

impl Mode {
    /// Where random numbers and time come from; none: from the machine.
    #[must_use]
    pub fn fixed(&self) -> Option<Fixed> {
        match self {
            Self::Normal => None,
            Self::Preview(fixed) => Some(*fixed),
            Self::Confirmed(previewed) => Some(previewed.fixed),
        }
    }

    /// Whether writes are only recorded.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        matches!(self, Self::Preview(_))
    }
}
