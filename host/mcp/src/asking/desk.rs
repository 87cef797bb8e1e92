//! The questions that legacy clients have been sent and that nobody has answered yet. They live in the memory of this
//! process, which is the one that owns the store: a call waits where it was made, and its answer has to come here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::try_join_all;
use portcullis_backend::{Ask, Question, Reply};
use portcullis_manifest::Principal;
use tokio::{sync::oneshot, time::timeout};

use super::{form, session::Holder};
use crate::codec::{Answer, Id};

/// How many questions may be open, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuestionLimits {
    /// To one principal.
    pub per_principal: usize,
    /// To all of them together.
    pub in_all: usize,
    /// How long a person has for the questions of one round.
    pub time: Duration,
    /// How often a stream on which nothing happens says that it is alive, so that no proxy takes it for dead.
    pub keep_alive: Duration,
}

impl Default for QuestionLimits {
    fn default() -> Self {
        Self { per_principal: 16, in_all: 1024, time: Duration::from_secs(300), keep_alive: Duration::from_secs(15) }
    }
}

/// The open questions.
#[derive(Debug)]
pub(crate) struct Desk {
    limits: QuestionLimits,
    /// By the ids under which they were sent.
    open: Mutex<HashMap<Id, Open>>,
}

#[derive(Debug)]
struct Open {
    holder: Holder,
    /// The call that waits.
    request: Id,
    /// What an answer has to be.
    kind: form::Kind,
    given: oneshot::Sender<Given>,
}

/// What a client gave for an answer.
#[derive(Debug)]
enum Given {
    /// And who sent it: the same person, by whatever token they have by now.
    Reply(Reply, Principal),
    /// It could not ask, or answered nonsense.
    None,
}

/// The questions of one round of one call. Dropped, they are closed.
#[derive(Debug)]
pub(crate) struct Put {
    desk: Arc<Desk>,
    /// [`Ask::state`].
    pub(crate) state: String,
    questions: Vec<Sent>,
}

#[derive(Debug)]
struct Sent {
    id: Id,
    question: Question,
    given: oneshot::Receiver<Given>,
}

/// How waiting for answers ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    /// The replies, and who sent the last one.
    Answered(BTreeMap<String, Reply>, Option<Principal>),
    /// The client has given the call up.
    Cancelled,
    /// The client did not ask.
    Unasked,
    /// Nobody answered in time.
    Late,
}

/// More questions than may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    #[error("this principal may have {0} questions open: answer some of them first")]
    OfPrincipal(usize),
    #[error("all principals together may have {0} questions open; try again later")]
    InAll(usize),
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Also when it is open to another client: whoever guesses learns nothing.
    #[error(
        "no question of that id is open to this client: it was answered, its call has ended, or it was never asked"
    )]
    NotOpen,
    #[error("the answer is no result of what was asked, and its call has ended: {0}")]
    Malformed(form::Malformed),
}

impl Desk {
    pub(crate) fn new(limits: QuestionLimits) -> Self {
        Self { limits, open: Mutex::default() }
    }

    pub(crate) fn limits(&self) -> &QuestionLimits {
        &self.limits
    }

    /// Opens the questions of a call, all or none.
    pub(crate) fn put(self: &Arc<Self>, holder: &Holder, request: &Id, ask: Ask) -> Result<Put, TooMany> {
        let mut open = self.open();
        let more = ask.questions.len();
        if open.len() + more > self.limits.in_all {
            return Err(TooMany::InAll(self.limits.in_all));
        }
        // Few enough to be counted each time that a person is asked.
        let own = open.values().filter(|other| other.holder.principal == holder.principal).count();
        if own + more > self.limits.per_principal {
            return Err(TooMany::OfPrincipal(self.limits.per_principal));
        }
        let questions = ask.questions.into_iter().map(|question| {
            let id = Id::Text(format!("{:032x}", rand::random::<u128>()).into());
            let (sender, given) = oneshot::channel();
            let kind = form::Kind::of(&question);
            open.insert(id.clone(), Open { holder: holder.clone(), request: request.clone(), kind, given: sender });
            Sent { id, question, given }
        });
        let questions = questions.collect();
        Ok(Put { desk: Arc::clone(self), state: ask.state, questions })
    }

    /// Takes an answer to the question `id`, if it is open to `holder`. There is no second answer.
    pub(crate) fn answer(
        &self,
        holder: Option<&Holder>,
        principal: &Principal,
        id: &Id,
        answer: Answer,
    ) -> Result<(), NoAnswer> {
        let holder = holder.ok_or(NoAnswer::NotOpen)?;
        let mut open = self.open();
        if !open.get(id).is_some_and(|question| question.holder == *holder) {
            return Err(NoAnswer::NotOpen);
        }
        let question = open.remove(id).ok_or(NoAnswer::NotOpen)?;
        drop(open);
        let (given, taken) = match answer {
            Answer::Result(result) => match form::read(question.kind, result) {
                Ok(reply) => (Given::Reply(reply, principal.clone()), Ok(())),
                Err(malformed) => (Given::None, Err(NoAnswer::Malformed(malformed))),
            },
            Answer::Error(error) => {
                let code = error.get("code").and_then(serde_json::Value::as_i64);
                tracing::debug!(code, "the client did not ask");
                let declined = question.kind == form::Kind::Sampling && code == Some(form::REJECTED);
                let given = if declined { Given::Reply(Reply::Declined, principal.clone()) } else { Given::None };
                (given, Ok(()))
            }
        };
        question.given.send(given).map_err(|_| NoAnswer::NotOpen)?;
        taken
    }

    /// Ends the call `request` of this client, if it waits for a person.
    pub(crate) fn cancel(&self, holder: &Holder, request: &Id) {
        self.open().retain(|_, question| question.request != *request || question.holder != *holder);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Id, Open>> {
        // A poisoned lock guards a map that is whole after every step.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Put {
    /// The requests to send.
    pub(crate) fn requests(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.questions.iter().map(|sent| {
            let mut out = Vec::with_capacity(512);
            out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
            sent.id.write(&mut out);
            out.extend_from_slice(br#","method":""#);
            out.extend_from_slice(form::method(&sent.question).as_bytes());
            out.extend_from_slice(br#"","params":"#);
            form::write_params(&mut out, &sent.question);
            out.push(b'}');
            out.into()
        })
    }

    /// Waits until all are answered, or there is no more to wait for.
    pub(crate) async fn answers(&mut self) -> Ended {
        let answers = try_join_all(self.questions.iter_mut().map(|sent| async move {
            match (&mut sent.given).await {
                Ok(Given::Reply(reply, by)) => Ok((sent.question.key.clone(), reply, by)),
                Ok(Given::None) => Err(Ended::Unasked),
                Err(_) => Err(Ended::Cancelled),
            }
        }));
        match timeout(self.desk.limits.time, answers).await {
            Ok(Ok(replies)) => {
                let by = replies.last().map(|(_, _, by)| by.clone());
                Ended::Answered(replies.into_iter().map(|(key, reply, _)| (key, reply)).collect(), by)
            }
            Ok(Err(ended)) => ended,
            Err(_) => Ended::Late,
        }
    }

    /// Notifications that take back what is still open.
    pub(crate) fn withdrawals(&self) -> Vec<Bytes> {
        let open = self.desk.open();
        let unanswered = self.questions.iter().filter(|sent| open.contains_key(&sent.id));
        let written = unanswered.map(|sent| {
            let mut out = br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#.to_vec();
            sent.id.write(&mut out);
            out.extend_from_slice(br#","reason":"the call has ended"}}"#);
            out.into()
        });
        written.collect()
    }
}

impl Drop for Put {
    fn drop(&mut self) {
        let mut open = self.desk.open();
        for sent in &self.questions {
            open.remove(&sent.id);
        }
    }
}
