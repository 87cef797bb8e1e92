//! What leaves the host with an answer and comes back with the next call. Sealed, so that a client can neither read nor change
//! it; bound, so that it is of use for this call only; and used once, which the store sees to (catalogue WR-05, MC-14, AU-08).

use std::time::Duration;

use portcullis_admission::Binding;
use portcullis_backend::QuestionKind;
use portcullis_keys::{Purpose, Sealer};
use portcullis_manifest::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// How long a confirmation holds. What was previewed gets old: the shorter, the more it is worth.
const CONFIRMATION: Duration = Duration::from_secs(10 * 60);

/// How long questions wait for a person.
const STATE: Duration = Duration::from_secs(60 * 60);

/// Names a preview that the store keeps. Short, because a model has to repeat it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PreviewRef {
    /// Of the stored preview.
    pub(super) id: Uuid,
    /// Of the call's [`Binding`]: who tries it on another call does not use it up.
    pub(super) binding: Digest,
}

/// What makes a call go on after a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    /// The host asked whether the call may do what was previewed.
    Confirm(PreviewRef),
    /// The tool asked.
    Questions(Box<Questions>),
}

/// Questions of a tool, and what it wants back with the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Questions {
    /// Of the call.
    pub(super) binding: Binding,
    /// Used up when the call goes on.
    pub(super) nonce: Uuid,
    /// Milliseconds since 1970.
    pub(super) until: i64,
    /// How many rounds there were, this one included.
    pub(super) round: u64,
    /// By key, in the order in which they were asked.
    pub(super) asked: Vec<(String, Put)>,
    /// The tool's own.
    pub(super) state: Vec<u8>,
}

/// A question as it was put, to hold the reply against, and to put it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Put {
    /// To a person.
    Form {
        /// In the host's words.
        message: String,
        /// `requestedSchema`.
        schema: Value,
    },
    /// To the client's model.
    Sampling(Value),
    /// To the client.
    Roots,
}

impl From<&QuestionKind> for Put {
    fn from(kind: &QuestionKind) -> Self {
        match kind {
            QuestionKind::Form { message, schema } => Self::Form { message: message.clone(), schema: schema.clone() },
            QuestionKind::Sampling(params) => Self::Sampling(params.clone()),
            QuestionKind::Roots => Self::Roots,
        }
    }
}

impl From<Put> for QuestionKind {
    fn from(put: Put) -> Self {
        match put {
            Put::Form { message, schema } => Self::Form { message, schema },
            Put::Sampling(params) => Self::Sampling(params),
            Put::Roots => Self::Roots,
        }
    }
}

/// The host's sealers.
pub(crate) struct Seals {
    pub(super) confirmation: Sealer<PreviewRef>,
    pub(super) state: Sealer<State>,
}

impl Seals {
    /// `derive` gives a key for a purpose.
    pub(crate) fn new(derive: impl Fn(&str) -> [u8; 32]) -> Self {
        Self {
            confirmation: Sealer::new(derive("confirmation"), Purpose("confirmation"), CONFIRMATION),
            state: Sealer::new(derive("call state"), Purpose("call state"), STATE),
        }
    }
}

/// Of a binding, in one form.
pub(super) fn digest(binding: &Binding) -> Digest {
    Digest::of(&serde_json::to_vec(binding).expect("a binding has a JSON form"))
}
