//! From how a guest ended to an answer and a durable outcome.

use portcullis_admission::{Callable, Permit};
use portcullis_audit::{CallOutcome, ResultClass, Seat};
use portcullis_backend::{Answer as Given, AnsweredBy, CallAnswer, CallRefused, ResourceAnswer, ToolAnswer};
use portcullis_manifest::{Interface, Label};
use portcullis_sandbox::{Ending, Ran, Stop, Usage, Writes};
use portcullis_store::{Commit, CommitRefused};
use uuid::Uuid;

use super::{
    Call, Ended, Report,
    ask::Unput,
    sandbox::{Held, Places, outcome},
    unknown,
};
use crate::{
    answer::{self, Unfit},
    clean,
    host::Host,
};

/// What became of a write call's commit.
enum Committed {
    /// It is durable.
    Done,
    /// Nothing was written, for a reason that the model can read.
    Refused(String, ResultClass),
}

/// What came of a call.
enum Came {
    /// An answer, or questions.
    Answer(Box<CallAnswer>),
    /// It failed, for a reason that whoever called can read.
    Failed(String),
    /// There is none.
    Refused(CallRefused),
}

impl Host {
    /// Runs the call and does what it does.
    pub(super) async fn do_it(&self, call: &Call, permit: Permit, places: Places) -> Result<Ended, CallRefused> {
        let binding = Self::binding(&permit);
        match self.sandbox(call, permit, places).await? {
            Some(ran) => self.settle(call, ran, binding, None).await,
            None => Ok((said(call, lost(call))?, None)),
        }
    }

    /// As [`Host::do_it`], held to a preview. None: it wanted something else, and nothing was done.
    pub(super) async fn do_it_as_previewed(
        &self,
        call: &Call,
        permit: Permit,
        places: Places,
    ) -> Result<Option<Ended>, CallRefused> {
        let previewed = permit.mode().fixed().map(|fixed| fixed.call);
        let Some(ran) = self.sandbox(call, permit, places).await? else {
            return Ok(Some((said(call, lost(call))?, None)));
        };
        if matches!(ran.ending, Ending::Stopped(Stop::Diverged { .. })) && ran.sent.is_empty() {
            let Held { seat, places: _places, .. } = ran.keep.take();
            let outcome = outcome(ResultClass::Diverged, &ran.usage, &seat, &[], previewed);
            seat.finish(&outcome);
            return Ok(None);
        }
        self.settle(call, ran, None, previewed).await.map(Some)
    }

    /// Result, commit, audit outcome. The place is kept until then: it is what bounds the writes that wait for the store.
    async fn settle(
        &self,
        call: &Call,
        ran: Ran<Held>,
        binding: Option<portcullis_admission::Binding>,
        previewed: Option<Uuid>,
    ) -> Result<Ended, CallRefused> {
        let tool = call.tool();
        let Ran { keep, ending, usage, writes, sent, log, log_dropped, .. } = ran;
        let Held { seat, places, .. } = keep.take();
        let whose = |uri: &str| call.whose(uri);
        let done = |answer| Came::Answer(Box::new(CallAnswer::Done(answer)));
        let (came, class) = match ending {
            Ending::Done(answer) => rendered(answer::render(tool, answer, &whose), |answer| done(Given::Tool(answer))),
            Ending::Read(contents) => rendered(answer::contents(tool, contents, &whose), |contents| {
                done(Given::Resource(ResourceAnswer { contents, by: AnsweredBy::Plugin }))
            }),
            Ending::Prompted(prompt) => {
                rendered(answer::prompt(tool, prompt, &whose), |prompt| done(Given::Prompt(prompt)))
            }
            Ending::Completed(completed) => (done(Given::Completion(answer::completion(completed))), ResultClass::Ok),
            Ending::NotFound => (Came::Refused(unknown(&call.request.target).1), ResultClass::Failed),
            Ending::Failed(text) => (Came::Failed(clean::text(clip(text, tool.limits.result))), ResultClass::Failed),
            Ending::NeedsInput(_) if !sent.is_empty() => (
                Came::Failed("the tool asked a question after it had sent something, which is too late".to_owned()),
                ResultClass::BadResult,
            ),
            Ending::NeedsInput(asked) => match self.put(call, binding, asked) {
                Ok(ask) => (Came::Answer(Box::new(CallAnswer::Ask(ask))), ResultClass::Asked),
                Err(unput) => {
                    let class = unput.class();
                    let came = match unput {
                        Unput::Because(why) | Unput::Nobody(why) => Came::Failed(why),
                        Unput::Capability(needed) => Came::Refused(CallRefused::Capability { needed }),
                    };
                    (came, class)
                }
            },
            Ending::Stopped(stop) => {
                if stop.class() == ResultClass::WriteRefused {
                    tracing::error!(target: "portcullis::alert", alert = "write-without-proof", tool = %tool.wire, correlation = %call.request.correlation, trace = call.trace(), "{stop}");
                }
                (Came::Failed(stop.to_string()), stop.class())
            }
        };
        let (came, class) = in_doubt(came, class, &sent);
        let outcome = outcome(class, &usage, &seat, &sent, previewed);
        let (came, class) = if tool.label == Label::Read {
            seat.finish(&outcome);
            (came, class)
        } else {
            // A failed call's writes are dropped; its outcome is as durable as a successful one's.
            let writes = if class == ResultClass::Ok { writes } else { Writes::default() };
            let touched = self.touched(call, &writes);
            call.turn.settling();
            match self.commit(seat, places, writes, outcome, &sent).await? {
                Committed::Done => {
                    // Whoever listened may have gone meanwhile.
                    let _ = touched.map(|touched| self.changes.send(touched));
                    (came, class)
                }
                Committed::Refused(text, class) => in_doubt(Came::Failed(text), class, &sent),
            }
        };
        Ok((said(call, came)?, Some(report(class, usage, log, log_dropped))))
    }

    /// Commits a write call: its writes and its outcome in one transaction. Runs to its end also when the client goes away:
    /// what the store has taken in can't be taken back, so it must be told as it is; and until then it takes memory, so it
    /// keeps its place.
    async fn commit(
        &self,
        seat: Seat,
        places: Places,
        writes: Writes,
        outcome: CallOutcome,
        sent: &[String],
    ) -> Result<Committed, CallRefused> {
        let store = self.store.clone();
        let unavailable = |_| CallRefused::Unavailable {
            reason: match sent {
                [] => "the store cannot be written",
                _ => {
                    "the store cannot be written, and the call had sent requests before: look outside before you call it again"
                }
            },
        };
        let sent = sent.to_vec();
        let commit = async move {
            let _places = places;
            let rows = seat.claim(&outcome).await;
            let Writes { kv, files } = writes;
            let (text, class) = match store.commit(Commit { writes: kv, files, audit: rows }).await {
                Ok(()) => {
                    seat.committed();
                    return Ok(Committed::Done);
                }
                Err(CommitRefused::Unavailable(error)) => {
                    tracing::error!(target: "portcullis::alert", alert = "store-write-failure", %error, "a write call was not committed");
                    // The queue keeps the outcome until the audit can be written; no call runs before that.
                    seat.finish(&CallOutcome { class: doubtful(ResultClass::HostError, &sent), ..outcome });
                    return Err(error);
                }
                Err(refused @ CommitRefused::Conflict { .. }) => (refused.to_string(), ResultClass::Conflict),
                Err(refused @ CommitRefused::OverQuota { .. }) => (refused.to_string(), ResultClass::Quota),
            };
            let outcome = CallOutcome { class: doubtful(class, &sent), ..outcome };
            let rows = seat.claim(&outcome).await;
            match store.commit(Commit { audit: rows, ..Commit::default() }).await {
                Ok(()) => {
                    seat.committed();
                    Ok(Committed::Refused(text, class))
                }
                Err(error) => {
                    seat.finish(&outcome);
                    Err(portcullis_store::Unavailable { reason: error.to_string() })
                }
            }
        };
        match tokio::spawn(commit).await {
            Ok(committed) => committed.map_err(unavailable),
            Err(_) => {
                let reason = "the host is stopping, and whether this call's writes were done is not known: look before you \
                              call it again";
                Err(CallRefused::Unavailable { reason })
            }
        }
    }
}

/// The class of a call that did not end well.
fn doubtful(class: ResultClass, sent: &[String]) -> ResultClass {
    if sent.is_empty() { class } else { ResultClass::OutcomeUnknown }
}

/// The host failed under the call. What it had sent by then is in the audit, and not known here.
fn lost(call: &Call) -> Came {
    let reaches_out = call.tool().grants.iter().any(|grant| grant.capability.interface() == Interface::Egress);
    let text = Stop::Host.to_string();
    Came::Failed(if reaches_out {
        format!("{text}. It may have sent something before: look before you call it again.")
    } else {
        text
    })
}

/// What has left the host can't be dropped with the rest of a failed call: then nobody here knows what was done, and it is said.
fn in_doubt(came: Came, class: ResultClass, sent: &[String]) -> (Came, ResultClass) {
    let why = match came {
        Came::Failed(why) if !sent.is_empty() => why,
        came => return (came, class),
    };
    let sent = sent.join(", ");
    // A divergence tells it already.
    let text = if why.contains(&sent) { why } else { format!("{why}\nBefore that it had sent: {sent}") };
    let text = format!("{text}\nWhat that did outside is not known here: look before you call it again.");
    (Came::Failed(text), ResultClass::OutcomeUnknown)
}

/// An answer that was rendered, or why it was not.
fn rendered<T>(answer: Result<T, Unfit>, done: impl FnOnce(T) -> Came) -> (Came, ResultClass) {
    match answer {
        Ok(answer) => (done(answer), ResultClass::Ok),
        Err(unfit @ Unfit::Size { .. }) => (Came::Failed(unfit.to_string()), ResultClass::Result),
        Err(unfit) => (Came::Failed(unfit.to_string()), ResultClass::BadResult),
    }
}

/// What came of a call, in the way of its kind: a model reads why a tool failed; of all else the client is told.
fn said(call: &Call, came: Came) -> Result<CallAnswer, CallRefused> {
    match came {
        Came::Answer(answer) => Ok(*answer),
        Came::Refused(refused) => Err(refused),
        Came::Failed(text) => match call.tool().kind {
            Callable::Tool => Ok(error(text)),
            Callable::Resource | Callable::Prompt | Callable::Completion => Err(CallRefused::Failed(text)),
        },
    }
}

pub(super) fn error(text: String) -> CallAnswer {
    ToolAnswer::error(text).into()
}

pub(super) fn report(
    class: ResultClass,
    usage: Usage,
    log: Vec<portcullis_sandbox::LogLine>,
    log_dropped: u64,
) -> Report {
    Report { class, usage, log, log_dropped }
}

pub(super) fn clip(mut text: String, limit: u64) -> String {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
    text
}
