//! Questions to a person, as each era puts them. In the modern era an answer carries them and the client makes its request
//! again: nothing is kept here. A legacy client is sent a request while its call waits, and its answers are matched to the
//! questions that are open at the desk. What is asked and what becomes of the answers is the backend's.

mod desk;
mod form;
mod put;
mod session;
mod shared;
mod talk;

pub(crate) use desk::{Desk, NoAnswer, NotPut};
pub(crate) use form::{replies, resume, write_all};
pub(crate) use put::Put;
pub(crate) use session::{Holder, LIFE, Levels, Peer, Session, Sessions};
pub(crate) use shared::Shared;
pub(crate) use talk::{NOTHING_ASKED, Stage, Talk};

pub use desk::QuestionLimits;
pub use session::SessionKey;
