//! What has to stand between a call of a tool that writes and its effects, and how much of them a preview can show.

use serde::{Deserialize, Serialize};

use crate::{Label, Tool};

/// What a call needs before it writes. Ordered by strictness: whoever asks for more gets the most that anybody asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Nothing more than the call.
    #[default]
    None,
    /// A preview first, and its confirmation with the call that does what was previewed.
    Preview,
    /// A preview, and a person who agrees to it.
    Person,
}

/// How much of what a confirmed call does its preview has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preview {
    /// All of it: a call that does anything else is stopped.
    #[default]
    Whole,
    /// What comes before the first answer from outside. An admin who approves the tool approves that the rest is not shown.
    Partial,
}

impl Confirm {
    /// The word used in manifests, in errors and in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Preview => "preview",
            Self::Person => "person",
        }
    }

    /// The least that a tool of that label has: what may not be undone is shown before it is done.
    #[must_use]
    pub fn least(label: Label) -> Self {
        if label == Label::Destructive { Self::Preview } else { Self::None }
    }
}

impl Preview {
    /// The word used in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partial => "partial",
        }
    }
}

impl Tool {
    /// What a call of it needs before it writes, as far as the manifest says. An operator may ask for more.
    #[must_use]
    pub fn confirm(&self) -> Confirm {
        self.confirm.max(Confirm::least(self.label))
    }
}

// A confirmation can be compared only because its order is the order of strictness.
const _: () =
    assert!((Confirm::None as u8) < (Confirm::Preview as u8) && (Confirm::Preview as u8) < (Confirm::Person as u8));
