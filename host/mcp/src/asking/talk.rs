//! A legacy call that waits for a person, from its first questions to its end. It belongs to whoever drives it: dropped, it
//! closes its questions and cancels its call.

use std::time::Duration;

use bytes::Bytes;
use portcullis_backend::{Backend, CallAnswer, Resume, ToolAnswer, ToolRequest};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Holder, Put, desk::Ended};
use crate::{codec::Id, era::Era, fault::Fault, protocol::Protocol, reply::Reply};

/// The call, and the questions that are open now.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) id: Id,
    pub(crate) holder: Holder,
    /// As the backend got it the first time.
    pub(crate) request: ToolRequest,
    pub(crate) put: Put,
    /// Then a status of 200 has gone out with the questions, and a challenge can only be a result.
    pub(crate) over_http: bool,
}

impl<B: Backend> Protocol<B> {
    /// Asks, waits and calls again, until there is an answer. What has to be sent meanwhile goes to `out`. A call that its
    /// client has cancelled gets no answer.
    pub(crate) async fn talk(&self, talk: Talk, out: &mpsc::Sender<Bytes>) -> Option<Reply> {
        let Talk { id, holder, request, mut put, over_http } = talk;
        let principal = request.principal.clone();
        loop {
            for question in put.requests() {
                out.send(question).await.ok()?;
            }
            let ended = put.answers().await;
            // The round is made with what whoever answered has proven by now: the token that began the call may be no good any more,
            // or hold more than this one (DESIGN section 3).
            let (replies, by) = match ended {
                Ended::Answered(replies, by) => (replies, by.unwrap_or_else(|| principal.clone())),
                Ended::Cancelled => return None,
                Ended::Unasked => return self.give_up(&id, &put, out, UNASKED.to_owned()).await,
                Ended::Late => {
                    let text = late(self.desk.limits().time);
                    return self.give_up(&id, &put, out, text).await;
                }
            };
            // Each round is a call of its own for the audit.
            let correlation = Uuid::now_v7();
            let resume = Some(Resume { state: std::mem::take(&mut put.state), replies });
            let again = ToolRequest { correlation, resume, principal: by, ..request.clone() };
            match self.backend.call(again).await {
                Ok(CallAnswer::Done(answer)) => return Some(self.finished(&id, &answer)),
                Ok(CallAnswer::Ask(ask)) if ask.questions.is_empty() => {
                    return Some(self.finished(&id, &ToolAnswer::error(NOTHING_ASKED)));
                }
                Ok(CallAnswer::Ask(ask)) => {
                    // The questions before are answered: only their places would still be held.
                    match self.desk.put(&holder, &id, ask) {
                        Ok(next) => put = next,
                        Err(too_many) => {
                            let fault = Fault::too_many_questions(too_many);
                            return Some(self.refuse(fault, Some(&id), Some(&principal)));
                        }
                    }
                }
                Err(refused) => {
                    if over_http && let Some(answer) = self.challenges.result(&refused) {
                        return Some(self.finished(&id, &answer));
                    }
                    let fault = Fault::refused(&refused, correlation, &self.challenges);
                    return Some(self.refuse(fault, Some(&id), Some(&principal)));
                }
            }
        }
    }

    /// Takes back the questions that are still open, and ends the call.
    async fn give_up(&self, id: &Id, put: &Put, out: &mpsc::Sender<Bytes>, text: String) -> Option<Reply> {
        for withdrawal in put.withdrawals() {
            out.send(withdrawal).await.ok()?;
        }
        Some(self.finished(id, &ToolAnswer::error(text)))
    }

    fn finished(&self, id: &Id, answer: &ToolAnswer) -> Reply {
        Reply::result(self.render(Era::Legacy, id, answer))
    }
}

/// A tool that waits for answers to no question would be called again at once, for ever.
pub(crate) const NOTHING_ASKED: &str = "the tool waits for an answer and has asked nothing: a fault of the tool";

const UNASKED: &str =
    "the tool has a question to the person, and the client did not put it to them: the call has ended";

fn late(time: Duration) -> String {
    format!("the tool has a question to the person, and nobody answered it within {time:?}: the call has ended")
}
