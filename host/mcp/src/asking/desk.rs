//! The questions that legacy clients have been sent and that nobody has answered yet. A call waits in the process where it was
//! made; its answers may come to any process of the host (DESIGN section 6a). So questions are open in the store, and the first
//! answer that any process gives there is the one that holds. One that comes here is given to its call at once, and what a person has
//! said is never written down; one that another process took is looked for while questions are open.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use portcullis_backend::{Answered, Ask, KeptQuestion, NotKept, NotOpened, OpenQuestions, Reply};
use portcullis_manifest::{Digest, Principal};
use tokio::{sync::oneshot, time::sleep};
use uuid::Uuid;

use super::{
    form,
    put::{Put, Sent, withdrawal},
    session::Holder,
    shared::Shared,
};
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
    /// How often it is looked whether another process was given answers, while questions are open.
    pub poll: Duration,
}

impl Default for QuestionLimits {
    fn default() -> Self {
        Self { per_principal: 16, in_all: 1024, time: Duration::from_secs(300), poll: Duration::from_millis(250) }
    }
}

/// The open questions of this process.
pub(crate) struct Desk {
    pub(super) limits: QuestionLimits,
    /// What other processes see of them; none, where an answer can come to no other.
    pub(super) shared: Option<Arc<dyn Shared>>,
    here: Mutex<Here>,
}

#[derive(Default)]
struct Here {
    open: HashMap<Uuid, Open>,
    /// Whether somebody looks for answers that other processes were given.
    looking: bool,
}

pub(super) struct Open {
    holder: Holder,
    /// The call that waits.
    request: Id,
    /// What an answer has to be.
    kind: form::Kind,
    given: oneshot::Sender<Answered>,
}

/// More questions than may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    #[error("this principal may have {0} questions open: answer some of them first")]
    OfPrincipal(usize),
    #[error("all principals together may have {0} questions open; try again later")]
    InAll(usize),
}

/// Why nobody is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotPut {
    TooMany(TooMany),
    NotKept(NotKept),
}

/// Why an answer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Also when it is open to another client: whoever guesses learns nothing.
    #[error(
        "no question of that id is open to this client: it was answered, its call has ended, or it was never asked"
    )]
    NotOpen,
    #[error("the answer is no result of what was asked, and its call has ended: {0}")]
    Malformed(form::Malformed),
    /// It may be sent again.
    #[error("the answer can't be taken now, and the question is still open: send it again. {0}")]
    NotKept(#[from] NotKept),
}

impl Desk {
    /// Of a process beside which there may be others.
    pub(crate) fn new(limits: QuestionLimits, shared: Arc<dyn Shared>) -> Self {
        Self { limits, shared: Some(shared), here: Mutex::default() }
    }

    /// Of one stream, on which its answers come and nowhere else.
    pub(crate) fn of_a_stream(limits: QuestionLimits) -> Self {
        Self { limits, shared: None, here: Mutex::default() }
    }

    pub(crate) fn limits(&self) -> &QuestionLimits {
        &self.limits
    }

    /// Opens the questions of a call, all or none.
    pub(crate) async fn put(self: &Arc<Self>, holder: &Holder, request: &Id, ask: Ask) -> Result<Put, NotPut> {
        let put = self.open(holder, request, ask)?;
        let Some(shared) = &self.shared else { return Ok(put) };
        let kinds = put.questions.iter().map(|sent| (sent.id, form::Kind::of(&sent.question).name().to_owned()));
        let opened = shared.open(OpenQuestions {
            principal: holder.principal.clone(),
            holder: holder.name(),
            request: digest(request),
            questions: kinds.collect(),
            time: self.limits.time,
            per_principal: self.limits.per_principal,
            in_all: self.limits.in_all,
        });
        if let Err(refused) = opened.await {
            // Nothing of them is in the store.
            self.take(put.questions.iter().map(|sent| sent.id));
            return Err(match refused {
                NotOpened::Principal => NotPut::TooMany(TooMany::OfPrincipal(self.limits.per_principal)),
                NotOpened::InAll => NotPut::TooMany(TooMany::InAll(self.limits.in_all)),
                NotOpened::NotKept(not_kept) => NotPut::NotKept(not_kept),
            });
        }
        self.look_out(shared);
        Ok(put)
    }

    /// Opens them here.
    fn open(self: &Arc<Self>, holder: &Holder, request: &Id, ask: Ask) -> Result<Put, NotPut> {
        let mut here = self.here();
        if self.shared.is_none() {
            let more = ask.questions.len();
            if here.open.len() + more > self.limits.in_all {
                return Err(NotPut::TooMany(TooMany::InAll(self.limits.in_all)));
            }
            // Few enough to be counted each time that a person is asked.
            let own = here.open.values().filter(|other| other.holder.principal == holder.principal).count();
            if own + more > self.limits.per_principal {
                return Err(NotPut::TooMany(TooMany::OfPrincipal(self.limits.per_principal)));
            }
        }
        let questions = ask.questions.into_iter().map(|question| {
            let id = Uuid::from_u128(rand::random());
            let (sender, given) = oneshot::channel();
            let kind = form::Kind::of(&question);
            here.open.insert(id, Open { holder: holder.clone(), request: request.clone(), kind, given: sender });
            Sent { id, question, given }
        });
        let questions = questions.collect();
        Ok(Put { desk: Arc::clone(self), state: ask.state, questions })
    }

    /// Takes an answer to the question `id`, if it is open to `holder`. There is no second answer.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        holder: Option<&Holder>,
        principal: &Principal,
        id: &Id,
        answer: Answer,
    ) -> Result<(), NoAnswer> {
        let holder = holder.ok_or(NoAnswer::NotOpen)?;
        let id = number(id).ok_or(NoAnswer::NotOpen)?;
        let here = self.here().open.get(&id).map(|question| question.holder == *holder);
        match (here, &self.shared) {
            (Some(false), _) | (None, None) => Err(NoAnswer::NotOpen),
            (Some(true), None) => self.give(id, answer, principal),
            (Some(true), Some(shared)) => {
                let (desk, shared, name) = (Arc::clone(self), Arc::clone(shared), holder.name());
                let principal = principal.clone();
                // To its end, though the client may go away: what was claimed nobody else can answer any more.
                let given = tokio::spawn(async move {
                    if shared.claim(name, id).await? {
                        desk.give(id, answer, &principal)
                    } else {
                        Err(NoAnswer::NotOpen)
                    }
                });
                given.await.unwrap_or(Err(NoAnswer::NotOpen))
            }
            (None, Some(shared)) => {
                let name = holder.name();
                let kept = shared.kept(vec![id]).await?;
                let own = kept.iter().find(|kept| kept.id == id && kept.holder == name && kept.answer.is_none());
                let kind = own.and_then(|kept| form::Kind::named(&kept.kind)).ok_or(NoAnswer::NotOpen)?;
                let (given, taken) = judge(kind, answer, principal);
                if shared.answer(name, id, given).await? { taken } else { Err(NoAnswer::NotOpen) }
            }
        }
    }

    /// Gives an answer to the call that waits for it here.
    fn give(&self, id: Uuid, answer: Answer, principal: &Principal) -> Result<(), NoAnswer> {
        let question = self.here().open.remove(&id).ok_or(NoAnswer::NotOpen)?;
        let (given, taken) = judge(question.kind, answer, principal);
        question.given.send(given).map_err(|_| NoAnswer::NotOpen)?;
        taken
    }

    /// Notifications that take back what the call `request` of this client has asked here, if it waits for a person.
    pub(crate) fn withdrawals(&self, holder: &Holder, request: &Id) -> Vec<Bytes> {
        let here = self.here();
        let of_call = |open: &Open| open.request == *request && open.holder == *holder;
        here.open.iter().filter(|(_, open)| of_call(open)).map(|(id, _)| withdrawal(*id)).collect()
    }

    /// Ends the call `request` of this client, if it waits for a person, here or elsewhere.
    pub(crate) async fn cancel(&self, holder: &Holder, request: &Id) {
        let here: Vec<Uuid> = {
            let here = self.here();
            let of = here.open.iter().filter(|(_, open)| open.request == *request && open.holder == *holder);
            of.map(|(id, _)| *id).collect()
        };
        let Some(shared) = &self.shared else { return drop(self.take(here)) };
        let cancelled = if here.is_empty() {
            shared.cancel(holder.principal.clone(), holder.name(), digest(request)).await
        } else {
            self.take(here.iter().copied());
            shared.close(here).await
        };
        if let Err(error) = cancelled {
            tracing::warn!(%error, "questions of a call that was given up");
        }
    }

    /// Looks for answers that other processes were given, while questions are open here.
    fn look_out(self: &Arc<Self>, shared: &Arc<dyn Shared>) {
        if std::mem::replace(&mut self.here().looking, true) {
            return;
        }
        let (desk, shared) = (Arc::clone(self), Arc::clone(shared));
        tokio::spawn(async move {
            loop {
                sleep(desk.limits.poll).await;
                let ids: Vec<Uuid> = {
                    let mut here = desk.here();
                    if here.open.is_empty() {
                        here.looking = false;
                        return;
                    }
                    here.open.keys().copied().collect()
                };
                match shared.kept(ids).await {
                    Ok(kept) => desk.collect(kept, &*shared).await,
                    Err(error) => tracing::warn!(%error, "answers to questions"),
                }
            }
        });
    }

    /// Gives answers that other processes took to the calls that wait for them. The store forgets them first.
    async fn collect(&self, kept: Vec<KeptQuestion>, shared: &dyn Shared) {
        let mut answered: HashMap<Uuid, Answered> =
            kept.into_iter().filter_map(|kept| Some((kept.id, kept.answer?))).collect();
        if answered.is_empty() {
            return;
        }
        let taken = self.take(answered.keys().copied());
        if let Err(error) = shared.close(answered.keys().copied().collect()).await {
            tracing::warn!(%error, "answers that were taken are forgotten later");
        }
        for (id, question) in taken {
            if let Some(answer) = answered.remove(&id) {
                // Whoever waited may have gone.
                let _ = question.given.send(answer);
            }
        }
    }

    /// Takes those of these questions that are open here.
    pub(super) fn take(&self, ids: impl IntoIterator<Item = Uuid>) -> Vec<(Uuid, Open)> {
        let mut here = self.here();
        ids.into_iter().filter_map(|id| Some((id, here.open.remove(&id)?))).collect()
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        // A poisoned lock guards a map that is whole after every step.
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer is to its call, and to whoever sent it.
fn judge(kind: form::Kind, answer: Answer, principal: &Principal) -> (Answered, Result<(), NoAnswer>) {
    match answer {
        Answer::Result(result) => match form::read(kind, result) {
            Ok(reply) => (Answered::Reply(reply, principal.clone()), Ok(())),
            Err(malformed) => (Answered::NotAsked, Err(NoAnswer::Malformed(malformed))),
        },
        Answer::Error(error) => {
            let code = error.get("code").and_then(serde_json::Value::as_i64);
            tracing::debug!(code, "the client did not ask");
            let declined = kind == form::Kind::Sampling && code == Some(form::REJECTED);
            let given = if declined { Answered::Reply(Reply::Declined, principal.clone()) } else { Answered::NotAsked };
            (given, Ok(()))
        }
    }
}

/// As questions are named on the wire, and in no other spelling.
pub(super) fn named(id: Uuid) -> Id {
    Id::Text(format!("{:032x}", id.as_u128()).into())
}

fn number(id: &Id) -> Option<Uuid> {
    let Id::Text(text) = id else { return None };
    let id = Uuid::from_u128(u128::from_str_radix(text, 16).ok()?);
    (named(id) == Id::Text(text.clone())).then_some(id)
}

/// Ids of requests are their clients' texts, of any length.
fn digest(request: &Id) -> [u8; 32] {
    let mut written = Vec::new();
    request.write(&mut written);
    Digest::of(&written).0
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("limits", &self.limits).finish_non_exhaustive()
    }
}
