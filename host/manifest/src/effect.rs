//! What a host function may do, and what a client is told of a tool because of it.

use serde::{Deserialize, Serialize};

/// What a host function may do. Ordered: a tool's effect is the highest that its grants can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Touches nothing but the call itself.
    None,
    /// Looks at state that outlives the call, inside the boundary.
    Read,
    /// Changes state, or lets anything leave the boundary.
    Write,
}

/// What a tool's `uses` asks of a capability. `Write` includes `Read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Functions of effect `none` and `read`.
    Read,
    /// Every function of the interface.
    Write,
}

/// What a client is told of a tool. Computed from effects; an author may only raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Cannot write: enforced at every host function.
    Read,
    /// Can write.
    Write,
    /// Can write, and what it does may not be undone. Only an author or an operator says this; the host can't compute it.
    Destructive,
}

/// The four annotations of a tool, always explicit: what a client assumes of a missing one differs between clients.
/// Source: MCP `ToolAnnotations`; catalogue WR-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hints {
    /// The tool cannot write.
    #[serde(rename = "readOnlyHint")]
    pub read_only: bool,
    /// What it does may not be undone.
    #[serde(rename = "destructiveHint")]
    pub destructive: bool,
    /// Calling it again with the same arguments changes nothing more. Only of read tools does the host know this.
    #[serde(rename = "idempotentHint")]
    pub idempotent: bool,
    /// It reaches things outside the operator's boundary: it holds a capability of kind `http` that is not wholly inside.
    #[serde(rename = "openWorldHint")]
    pub open_world: bool,
}

impl Effect {
    /// The word used in `wit/`, in errors and in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The lowest label that is true of a tool with this effect. No effect is read: a client knows no weaker word.
    #[must_use]
    pub fn label(self) -> Label {
        match self {
            Self::None | Self::Read => Label::Read,
            Self::Write => Label::Write,
        }
    }
}

impl Access {
    /// The word used after the colon in `uses`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The highest effect that a function opened by this access may have.
    #[must_use]
    pub fn ceiling(self) -> Effect {
        match self {
            Self::Read => Effect::Read,
            Self::Write => Effect::Write,
        }
    }
}

impl Label {
    /// The word used in manifests, in errors and in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }

    /// Whether a call of a tool with this label may be given a write proof.
    #[must_use]
    pub fn writes(self) -> bool {
        self >= Self::Write
    }
}
