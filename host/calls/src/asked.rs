//! Open questions of clients: the store keeps them, and the answers that another process of the host was given. An answer is
//! a person's, and the call goes on with what whoever sent it has proven: so it is sealed, for its question alone.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use portcullis_backend::{Answered, KeptQuestion, NotKept, NotOpened, OpenQuestions};
use portcullis_keys::{Purpose, Sealer};
use portcullis_manifest::{Grants, Principal, PrincipalKey, Role, Scope};
use portcullis_store::{ANSWER_BYTES, NewQuestions, QuestionsRefused};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Host, streams::not_kept, task::kept::Replied, way::now};

/// No question is open for longer.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What the store has of an answer.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    /// An answer is of use for no other.
    question: Uuid,
    /// None: the client did not ask.
    reply: Option<(Replied, Proven)>,
}

/// [`Principal`]: who was proven by the process that took the answer.
#[derive(Debug, Serialize, Deserialize)]
struct Proven {
    key: PrincipalKey,
    scopes: BTreeSet<Scope>,
    groups: BTreeSet<String>,
    roles: BTreeSet<Role>,
    client: Option<String>,
}

/// How long a question outlives the wait for its answer.
const LATE: Duration = Duration::from_secs(1);

/// Seals answers.
struct Answers(Sealer<Sealed>);

impl Host {
    pub(crate) async fn put_questions(&self, questions: OpenQuestions) -> Result<(), NotOpened> {
        let OpenQuestions { principal, holder, request, questions, time, per_principal, in_all } = questions;
        // Longer than they are waited for: what another process takes in the last moment is still found.
        let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + time + LATE;
        let new = NewQuestions {
            principal: principal.to_string(),
            holder,
            request,
            questions: questions.into_iter().map(|(id, kind)| (id.into_bytes(), kind)).collect(),
            expires_at: i64::try_from(until.as_millis()).unwrap_or(i64::MAX),
            per_principal: per_principal as u64,
            in_all: in_all as u64,
        };
        self.store.questions_put(new).await.map_err(|refused| match refused {
            QuestionsRefused::Principal => NotOpened::Principal,
            QuestionsRefused::All => NotOpened::InAll,
            QuestionsRefused::Unavailable(unavailable) => not_kept(unavailable).into(),
        })
    }

    pub(crate) async fn questions(&self, ids: Vec<Uuid>) -> Result<Vec<KeptQuestion>, NotKept> {
        let ids = ids.into_iter().map(Uuid::into_bytes).collect();
        let found = self.store.questions(ids).await.map_err(not_kept)?;
        let answers = self.seal_of_answers();
        let kept = found.into_iter().map(|found| {
            let id = Uuid::from_bytes(found.id);
            let answer = found.answer.map(|sealed| answers.open(id, &sealed));
            KeptQuestion { id, holder: found.holder, kind: found.kind, answer }
        });
        Ok(kept.collect())
    }

    pub(crate) async fn answer_to(&self, holder: String, id: Uuid, answer: Answered) -> Result<bool, NotKept> {
        let sealed = self.seal_of_answers().seal(id, &answer);
        self.store.question_answer(holder, id.into_bytes(), sealed).await.map_err(not_kept)
    }

    pub(crate) async fn claim(&self, holder: String, id: Uuid) -> Result<bool, NotKept> {
        self.store.question_claim(holder, id.into_bytes()).await.map_err(not_kept)
    }

    pub(crate) async fn cancel(
        &self,
        principal: &PrincipalKey,
        holder: String,
        request: [u8; 32],
    ) -> Result<(), NotKept> {
        self.store.questions_cancel(principal.to_string(), holder, request).await.map_err(not_kept)
    }

    pub(crate) async fn close(&self, ids: Vec<Uuid>) -> Result<(), NotKept> {
        self.store.questions_remove(ids.into_iter().map(Uuid::into_bytes).collect()).await.map_err(not_kept)
    }

    fn seal_of_answers(&self) -> Answers {
        Answers::new(self.key("answer"))
    }
}

impl Answers {
    fn new(key: [u8; 32]) -> Self {
        let most = usize::try_from(ANSWER_BYTES).unwrap_or(usize::MAX);
        Self(Sealer::new(key, Purpose("answer"), LIFE).up_to(most))
    }

    /// Nothing, for a call that was given up.
    fn seal(&self, question: Uuid, answer: &Answered) -> Vec<u8> {
        let reply = match answer {
            Answered::Reply(reply, by) => Some((reply.into(), by.into())),
            Answered::NotAsked => None,
            Answered::Cancelled => return Vec::new(),
        };
        self.0.seal(&Sealed { question, reply }, now()).into_bytes()
    }

    fn open(&self, question: Uuid, sealed: &[u8]) -> Answered {
        if sealed.is_empty() {
            return Answered::Cancelled;
        }
        let text = std::str::from_utf8(sealed).unwrap_or_default();
        match self.0.open(text, now()) {
            Ok(Sealed { question: of, reply }) if of == question => {
                reply.map_or(Answered::NotAsked, |(reply, by)| Answered::Reply(reply.into(), by.into()))
            }
            // Of a process that has another key, or changed by hand: nobody's word.
            _ => {
                tracing::warn!(target: "portcullis::alert", alert = "answer-damaged", %question, "an answer that another process took can't be read");
                Answered::NotAsked
            }
        }
    }
}

impl From<&Principal> for Proven {
    fn from(principal: &Principal) -> Self {
        let Grants { scopes, groups, roles } = principal.granted().cloned().unwrap_or_default();
        Self { key: principal.key().clone(), scopes, groups, roles, client: principal.client().map(str::to_owned) }
    }
}

impl From<Proven> for Principal {
    fn from(proven: Proven) -> Self {
        let Proven { key, scopes, groups, roles, client } = proven;
        let principal = match key {
            PrincipalKey::Local => Self::local(),
            PrincipalKey::Anonymous => Self::anonymous(),
            PrincipalKey::Subject { issuer, subject } => {
                Self::subject(&issuer, &subject, Grants { scopes, groups, roles })
            }
        };
        match client {
            Some(client) => principal.through(&client),
            None => principal,
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_backend::Reply;
    use serde_json::{Value, json};

    use super::*;

    fn ann() -> Principal {
        let granted = Grants {
            scopes: ["notes:read".parse().unwrap()].into(),
            groups: ["staff".to_owned()].into(),
            roles: [Role::Auditor].into(),
        };
        Principal::subject("https://issuer.example", "ann", granted).through("chat")
    }

    /// Fails without any part of what whoever answered has proven: the round that follows is made with it, and with no more.
    #[test]
    fn au_01_an_answer_comes_back_as_it_was_with_whoever_sent_it() {
        let answers = Answers::new([1; 32]);
        let Value::Object(content) = json!({ "n": [5e-324, 0.1, -0.0], "t": "x", "i": u64::MAX }) else { panic!() };
        for by in [ann(), Principal::local(), Principal::anonymous()] {
            for reply in [Reply::Accepted(content.clone()), Reply::Declined, Reply::Cancelled] {
                let answer = Answered::Reply(reply, by.clone());
                let sealed = answers.seal(Uuid::nil(), &answer);
                assert_eq!(answers.open(Uuid::nil(), &sealed), answer);
            }
        }
        for answer in [Answered::NotAsked, Answered::Cancelled] {
            assert_eq!(answers.open(Uuid::nil(), &answers.seal(Uuid::nil(), &answer)), answer);
        }
    }

    /// Fails without the seal, or without the question's id in it: then whoever writes to the store, or moves a row, answers for
    /// somebody else.
    #[test]
    fn mc_14_an_answer_can_t_be_read_changed_or_moved_to_another_question() {
        let answers = Answers::new([1; 32]);
        let content = [("name".to_owned(), json!("Ann in private"))].into_iter().collect();
        let sealed = answers.seal(Uuid::nil(), &Answered::Reply(Reply::Accepted(content), ann()));
        assert!(!sealed.windows(10).any(|part| part == b"in private"));
        assert_eq!(answers.open(Uuid::max(), &sealed), Answered::NotAsked);
        assert_eq!(Answers::new([2; 32]).open(Uuid::nil(), &sealed), Answered::NotAsked);
        for forged in [&b"x"[..], b"{}", &[0xff; 64]] {
            assert_eq!(answers.open(Uuid::nil(), forged), Answered::NotAsked);
        }
    }
}
