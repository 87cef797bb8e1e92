//! What the desk asks of the backend.

use futures_util::future::BoxFuture;
use portcullis_backend::{Answered, Backend, KeptQuestion, NotKept, NotOpened, OpenQuestions};
use portcullis_manifest::PrincipalKey;
use uuid::Uuid;

/// The part of [`Backend`] that keeps questions, whichever backend it is: a question that is dropped has to be closed.
pub(crate) trait Shared: Send + Sync {
    fn open(&self, questions: OpenQuestions) -> BoxFuture<'_, Result<(), NotOpened>>;
    fn kept(&self, ids: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<KeptQuestion>, NotKept>>;
    fn answer(&self, holder: String, id: Uuid, answer: Answered) -> BoxFuture<'_, Result<bool, NotKept>>;
    fn claim(&self, holder: String, id: Uuid) -> BoxFuture<'_, Result<bool, NotKept>>;
    fn cancel(&self, principal: PrincipalKey, holder: String, request: [u8; 32]) -> BoxFuture<'_, Result<(), NotKept>>;
    fn close(&self, ids: Vec<Uuid>) -> BoxFuture<'_, Result<(), NotKept>>;
}

impl<B: Backend> Shared for B {
    fn open(&self, questions: OpenQuestions) -> BoxFuture<'_, Result<(), NotOpened>> {
        Box::pin(self.open_questions(questions))
    }

    fn kept(&self, ids: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<KeptQuestion>, NotKept>> {
        Box::pin(self.kept_questions(ids))
    }

    fn answer(&self, holder: String, id: Uuid, answer: Answered) -> BoxFuture<'_, Result<bool, NotKept>> {
        Box::pin(self.answer_question(holder, id, answer))
    }

    fn claim(&self, holder: String, id: Uuid) -> BoxFuture<'_, Result<bool, NotKept>> {
        Box::pin(self.claim_question(holder, id))
    }

    fn cancel(&self, principal: PrincipalKey, holder: String, request: [u8; 32]) -> BoxFuture<'_, Result<(), NotKept>> {
        Box::pin(self.cancel_questions(principal, holder, request))
    }

    fn close(&self, ids: Vec<Uuid>) -> BoxFuture<'_, Result<(), NotKept>> {
        Box::pin(self.close_questions(ids))
    }
}
