//! Questions that clients were sent and that wait for an answer, which any process of the host may be given.

use crate::Unavailable;

/// Bytes that one answer may have until its call takes it.
pub const ANSWER_BYTES: u64 = 4 << 20;

/// Bytes that answers to one principal's questions may have together, until their calls take them.
pub const ANSWER_BYTES_PER_PRINCIPAL: u64 = 16 << 20;

/// Bytes that all answers may have together, until their calls take them.
pub const ANSWERS_BYTES: u64 = 64 << 20;

/// The questions of one round of a call: they are open from now on, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQuestions {
    /// Who is asked, as the caller names principals.
    pub principal: String,
    /// Whose answer counts, as the caller names its clients.
    pub holder: String,
    /// Which of the holder's calls waits.
    pub request: [u8; 32],
    /// Their ids, which are random, and what an answer to each has to be, in the caller's words.
    pub questions: Vec<([u8; 16], String)>,
    /// Milliseconds since 1970: from then on nobody can answer.
    pub expires_at: i64,
    /// How many of one principal may be open.
    pub per_principal: u64,
    /// How many of all.
    pub in_all: u64,
}

/// A question that has not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionEntry {
    /// Which.
    pub id: [u8; 16],
    /// Whose answer counts.
    pub holder: String,
    /// What an answer has to be.
    pub kind: String,
    /// What was answered, until its call takes it. Empty: the holder has given the call up.
    pub answer: Option<Vec<u8>>,
}

/// Questions were not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionsRefused {
    /// Too many of this principal.
    #[error("as many questions of this principal are open as may be")]
    Principal,
    /// Too many of all.
    #[error("as many questions are open as may be")]
    All,
    /// The store cannot write.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
