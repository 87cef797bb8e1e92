//! Questions that a legacy client was sent on the stream of its call, and that any process of the host may be given the answer
//! to.

use std::time::Duration;

use portcullis_manifest::{Principal, PrincipalKey};
use uuid::Uuid;

use crate::{NotKept, Reply};

/// The questions of one round of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenQuestions {
    /// Who is asked.
    pub principal: PrincipalKey,
    /// Whose answer counts: one session of one principal, as the transport names it.
    pub holder: String,
    /// Which of the holder's requests waits, as the transport names it.
    pub request: [u8; 32],
    /// By their ids, which are random: what an answer to each has to be, as the transport names it.
    pub questions: Vec<(Uuid, String)>,
    /// For how long from now on.
    pub time: Duration,
    /// How many of one principal may be open.
    pub per_principal: usize,
    /// How many of all.
    pub in_all: usize,
}

/// A question that is open, or that another process was given the answer to.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptQuestion {
    /// Which.
    pub id: Uuid,
    /// Whose answer counts.
    pub holder: String,
    /// What an answer has to be.
    pub kind: String,
    /// None: it is open.
    pub answer: Option<Answered>,
}

/// What became of one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// A reply, and who sent it: the same person, by whatever token they have by then.
    Reply(Reply, Principal),
    /// The client could not ask, or answered nonsense.
    NotAsked,
    /// The client has given the call up.
    Cancelled,
}

/// Questions that were not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// [`OpenQuestions::per_principal`].
    #[error("this principal has as many questions open as it may")]
    Principal,
    /// [`OpenQuestions::in_all`].
    #[error("as many questions are open as may be")]
    InAll,
    /// They can't be kept now.
    #[error(transparent)]
    NotKept(#[from] NotKept),
}
