//! A call that says more than its answer: what it tells while it runs, and the questions of a legacy one. It belongs to
//! whoever drives it: dropped, it closes its questions and cancels its call.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use portcullis_backend::{Backend, CallAnswer, CallRefused, CallRequest, Resume};
use portcullis_manifest::Principal;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Put, Session, put::Ended};
use crate::{
    fault::Fault,
    methods::{Rendering, Round},
    notices::Listener,
    protocol::Protocol,
    reply::Reply,
};

/// The call, from the first thing that it says to its end.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) rendering: Rendering,
    /// Who called.
    pub(crate) principal: Principal,
    /// Whose it is, and who can be asked in its middle: a legacy client.
    pub(crate) session: Option<Session>,
    /// As the backend got it the first time, if somebody can be asked.
    pub(crate) again: Option<CallRequest>,
    /// For a client that wants to be told something.
    pub(crate) listener: Option<Listener>,
    pub(crate) stage: Stage,
    /// Then a status of 200 has gone out with what it said first, and a challenge can only be a result.
    pub(crate) over_http: bool,
}

type Call = Pin<Box<dyn Future<Output = Result<CallAnswer, CallRefused>> + Send>>;

/// What it waits for.
pub(crate) enum Stage {
    /// A round that runs, or has ended while something was still to be told.
    Running {
        /// What it has told first.
        first: Bytes,
        call: Call,
        correlation: Uuid,
    },
    /// The questions that are open now.
    Asking(Put),
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if let Self::Running { .. } = self { "Running" } else { "Asking" })
    }
}

impl<B: Backend> Protocol<B> {
    /// Tells, asks, waits and calls again, until there is an answer. What has to be sent meanwhile goes to `out`. A call that
    /// its client has cancelled gets no answer.
    pub(crate) async fn talk(&self, talk: Talk, out: &mpsc::Sender<Bytes>) -> Option<Reply> {
        let Talk { mut rendering, principal, session, again, mut listener, mut stage, over_http } = talk;
        rendering.links |= over_http;
        let refuse = |fault: Fault| self.refuse(fault, Some(&rendering.id), Some(&principal));
        loop {
            let (call, correlation) = match stage {
                Stage::Running { first, call, correlation } => {
                    out.send(first).await.ok()?;
                    (call, correlation)
                }
                Stage::Asking(mut put) => {
                    for question in put.requests() {
                        out.send(question).await.ok()?;
                    }
                    // The round is made with what whoever answered has proven by now: the token that began the call may be no good
                    // any more, or hold more than this one (DESIGN section 3).
                    let (replies, by) = match put.answers().await {
                        Ended::Answered(replies, by) => (replies, by.unwrap_or_else(|| principal.clone())),
                        Ended::Cancelled => return None,
                        ended => {
                            // What is still open is taken back.
                            for withdrawal in put.withdraw().await {
                                out.send(withdrawal).await.ok()?;
                            }
                            let late = matches!(ended, Ended::Late);
                            let text = if late { late_after(self.desk.limits().time) } else { UNASKED.to_owned() };
                            return Some(
                                self.failed(rendering.era, &rendering.id, rendering.called, text)
                                    .unwrap_or_else(refuse),
                            );
                        }
                    };
                    // Each round is a call of its own for the audit.
                    let correlation = Uuid::now_v7();
                    let resume = Some(Resume { state: std::mem::take(&mut put.state), replies });
                    let request = again.clone()?;
                    let request = CallRequest { correlation, resume, principal: by, ..request };
                    let backend = Arc::clone(&self.backend);
                    let call: Call = Box::pin(async move { backend.call(request).await });
                    (call, correlation)
                }
            };
            let ended = tell(call, listener.as_mut(), out).await?;
            stage = match (self.round(&rendering, correlation, ended), &session) {
                (Err(fault), _) => return Some(refuse(fault)),
                (Ok(Round::Reply(reply)), _) => return Some(reply),
                (Ok(Round::Ask(ask)), None) => return Some(Reply::result(self.render_ask(&rendering.id, &ask))),
                // The questions before are answered: only their places would still be held.
                (Ok(Round::Ask(ask)), Some(session)) => {
                    match self.desk.put(&session.holder, &rendering.id, ask).await {
                        Ok(put) => Stage::Asking(put),
                        Err(not_put) => return Some(refuse(Fault::not_asked(not_put))),
                    }
                }
            };
        }
    }
}

/// Runs a round, and sends what it tells. Nothing, when nobody takes that any more.
async fn tell(
    mut call: Call,
    listener: Option<&mut Listener>,
    out: &mpsc::Sender<Bytes>,
) -> Option<Result<CallAnswer, CallRefused>> {
    let Some(listener) = listener else { return Some(call.await) };
    let ended = loop {
        tokio::select! {
            biased;
            message = listener.next() => out.send(message).await.ok()?,
            ended = &mut call => break ended,
        }
    };
    while let Some(message) = listener.waiting() {
        out.send(message).await.ok()?;
    }
    Some(ended)
}

/// A plugin that waits for answers to no question would be called again at once, for ever.
pub(crate) const NOTHING_ASKED: &str = "the plugin waits for an answer and has asked nothing: a fault of the plugin";

const UNASKED: &str = "the plugin has a question, and the client did not ask it: the call has ended";

fn late_after(time: Duration) -> String {
    format!("the plugin has a question, and nobody answered it within {time:?}: the call has ended")
}
