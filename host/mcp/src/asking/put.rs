//! The questions of one round, from the side of the call that waits for their answers.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::future::try_join_all;
use portcullis_backend::{Answered, Question, Reply};
use portcullis_manifest::Principal;
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use uuid::Uuid;

use super::{
    desk::{Desk, QuestionLimits, named},
    form,
};

/// The questions of one round of one call. Dropped, they are closed.
#[derive(Debug)]
pub(crate) struct Put {
    pub(super) desk: Arc<Desk>,
    /// [`Ask::state`].
    pub(crate) state: String,
    pub(super) questions: Vec<Sent>,
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: Uuid,
    pub(super) question: Question,
    pub(super) given: oneshot::Receiver<Answered>,
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

impl Put {
    /// The requests to send.
    pub(crate) fn requests(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.questions.iter().map(|sent| {
            let mut out = Vec::with_capacity(512);
            out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
            named(sent.id).write(&mut out);
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
                Ok(Answered::Reply(reply, by)) => Ok((sent.question.key.clone(), reply, by)),
                Ok(Answered::NotAsked) => Err(Ended::Unasked),
                Ok(Answered::Cancelled) | Err(_) => Err(Ended::Cancelled),
            }
        }));
        let QuestionLimits { time, poll, .. } = self.desk.limits;
        // What another process took in the last moment is still to be found.
        let time = if self.desk.shared.is_some() { time + poll } else { time };
        match timeout(time, answers).await {
            Ok(Ok(replies)) => {
                let by = replies.last().map(|(_, _, by)| by.clone());
                Ended::Answered(replies.into_iter().map(|(key, reply, _)| (key, reply)).collect(), by)
            }
            Ok(Err(ended)) => ended,
            Err(_) => Ended::Late,
        }
    }

    /// Closes what is still open, and gives notifications that take it back.
    pub(crate) async fn withdraw(self) -> Vec<Bytes> {
        let closed = self.close();
        let written = closed.iter().map(|id| withdrawal(*id)).collect();
        if let Some(shared) = self.desk.shared.as_ref().filter(|_| !closed.is_empty())
            && let Err(error) = shared.close(closed).await
        {
            tracing::warn!(%error, "questions are closed when their time is over");
        }
        written
    }

    /// Closes here what is still open, in the order in which it was asked.
    fn close(&self) -> Vec<Uuid> {
        self.desk.take(self.questions.iter().map(|sent| sent.id)).into_iter().map(|(id, _)| id).collect()
    }
}

/// The notification that takes the question `id` back.
pub(super) fn withdrawal(id: Uuid) -> Bytes {
    let mut out = br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#.to_vec();
    named(id).write(&mut out);
    out.extend_from_slice(br#","reason":"the call has ended"}}"#);
    out.into()
}

impl Drop for Put {
    fn drop(&mut self) {
        let closed = self.close();
        // Without a runtime the process ends, and they are open until their time is over.
        if let (Some(shared), Ok(runtime)) = (self.desk.shared.clone(), Handle::try_current())
            && !closed.is_empty()
        {
            runtime.spawn(async move {
                if let Err(error) = shared.close(closed).await {
                    tracing::warn!(%error, "questions are closed when their time is over");
                }
            });
        }
    }
}
