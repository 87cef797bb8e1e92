//! The way of a call (DESIGN section 3), from a name on the wire to a durable outcome.

use std::{sync::Arc, time::SystemTime};

use portcullis_admission::{Decision, Permit, Question, Refused, decide};
use portcullis_audit::{AuditStopped, CallIntent, CallOutcome, ResultClass, Seat};
use portcullis_backend::{CallRefused, ToolAnswer, ToolRequest};
use portcullis_manifest::{Label, PrincipalKey};
use portcullis_sandbox::{Ending, Keep, LogLevel, LogLine, Ran, Stop, Usage};
use portcullis_store::{Commit, CommitRefused, KvWrites};

use crate::{
    answer,
    capacity::{Place, needs},
    clean,
    host::Host,
};

/// Longest name of an unknown tool that is said back.
const NAME: usize = 128;

/// What a call holds while its guest lives.
struct Kept {
    seat: Seat,
    place: Place,
}

impl Keep for Kept {
    fn ended_from_outside(self, usage: Usage, panicked: bool) {
        let Self { seat, place } = self;
        let class = if panicked { ResultClass::HostError } else { ResultClass::Cancelled };
        let outcome = outcome(class, &usage, &seat);
        seat.finish(&outcome);
        drop(place);
    }
}

/// What became of a write call's commit.
enum Committed {
    /// It is durable.
    Done,
    /// Nothing was written, for a reason that the model can read.
    Refused(String, ResultClass),
}

/// What a call used and said, for the person who runs `portcullis call`. Never for a client.
#[derive(Debug)]
pub struct Report {
    /// How it ended, in the audit's word.
    pub class: ResultClass,
    /// What it used.
    pub usage: Usage,
    /// What the guest said to the operator.
    pub log: Vec<LogLine>,
    /// Lines beyond `limits.log`.
    pub log_dropped: u64,
}

impl Host {
    /// Runs one call. The report is there when a sandbox ran.
    ///
    /// # Errors
    /// [`CallRefused`]: no answer of the tool exists.
    pub async fn run(&self, request: ToolRequest) -> Result<(ToolAnswer, Option<Report>), CallRefused> {
        let ToolRequest { correlation, principal, tool: name, arguments, locale } = request;
        let caller = principal.key().clone();
        let refuse =
            |rule: &'static str, tool: &str| self.audit.refused(rule, &self.audit_name(&caller), tool, correlation);

        // Catalogue.
        let catalogue = self.catalogue.load_full();
        let Some(served) = catalogue.find(&name) else {
            refuse("unknown-tool", "");
            return Err(CallRefused::UnknownTool { name: name.chars().take(NAME).collect() });
        };
        let tool = served.tool.clone();

        // Admission.
        let question = Question { principal, tool: tool.clone(), arguments, correlation, locale };
        let permit = match decide(question) {
            Decision::Permit(permit) => permit,
            Decision::Refuse(Refused::Scope { needed }) => {
                refuse("scope", tool.wire.as_str());
                return Err(CallRefused::InsufficientScope { needed });
            }
            Decision::Refuse(refused @ (Refused::Size { .. } | Refused::Arguments(_))) => {
                refuse(ResultClass::BadArguments.as_str(), tool.wire.as_str());
                return Ok((ToolAnswer::error(refused.to_string()), None));
            }
        };

        // A place to run in.
        let place = self.capacity.enter(&tool.plugin, needs(&tool), tool.time()).await;
        let place = place.inspect_err(|_| refuse("busy", tool.wire.as_str()))?;

        // Audit intent: the call's seat. Without one nothing runs.
        let seat = self.audit.seat(self.intent(&permit, &caller)).map_err(|stopped| {
            refuse("audit", tool.wire.as_str());
            let reason = match stopped {
                AuditStopped::Failing => "the audit cannot be written",
                AuditStopped::Full => "the audit's queue is full",
            };
            CallRefused::Unavailable { reason }
        })?;

        // Sandbox.
        let Ok(ran) = served.plugin.run(permit, Kept { seat, place }).await else {
            return Ok((ToolAnswer::error(Stop::Host.to_string()), None));
        };

        // Result, commit, audit outcome. The place is kept until then: it is what bounds the writes that wait for the store.
        let Ran { keep, ending, usage, writes, log, log_dropped } = ran;
        let Kept { seat, place } = keep;
        say(&tool.wire, correlation, &log, log_dropped);
        let (answer, class) = match ending {
            Ending::Done(answer) => match answer::render(&tool, answer) {
                Ok(answer) => (answer, ResultClass::Ok),
                Err(unfit @ answer::Unfit::Size { .. }) => (ToolAnswer::error(unfit.to_string()), ResultClass::Result),
                Err(unfit) => (ToolAnswer::error(unfit.to_string()), ResultClass::BadResult),
            },
            Ending::Failed(text) => {
                (ToolAnswer::error(clean::text(clip(text, tool.limits.result))), ResultClass::Failed)
            }
            Ending::NeedsInput => {
                let text =
                    "the tool asked a question, and this version of the host puts no questions: it has to do without";
                (ToolAnswer::error(text), ResultClass::BadResult)
            }
            Ending::Stopped(stop) => {
                if stop.class() == ResultClass::WriteRefused {
                    tracing::error!(target: "portcullis::alert", alert = "write-without-proof", tool = %tool.wire, %correlation, "{stop}");
                }
                (ToolAnswer::error(stop.to_string()), stop.class())
            }
        };
        let outcome = outcome(class, &usage, &seat);
        let (answer, class) = if tool.label == Label::Read {
            seat.finish(&outcome);
            (answer, class)
        } else {
            // A failed call's writes are dropped; its outcome is as durable as a successful one's.
            let writes = if class == ResultClass::Ok { writes } else { KvWrites::new() };
            match self.commit(Kept { seat, place }, writes, outcome).await? {
                Committed::Done => (answer, class),
                Committed::Refused(text, class) => (ToolAnswer::error(text), class),
            }
        };
        Ok((answer, Some(Report { class, usage, log, log_dropped })))
    }

    /// Commits a write call: its writes and its outcome in one transaction. Runs to its end also when the client goes away:
    /// what the store has taken in can't be taken back, so it must be told as it is; and until then it takes memory, so it
    /// keeps its place.
    async fn commit(&self, kept: Kept, writes: KvWrites, outcome: CallOutcome) -> Result<Committed, CallRefused> {
        let store = self.store.clone();
        let unavailable = |_| CallRefused::Unavailable { reason: "the store cannot be written" };
        let commit = async move {
            let Kept { seat, place: _place } = kept;
            let row = seat.claim(&outcome).await;
            let (text, class) = match store.commit(Commit { writes, audit: vec![row] }).await {
                Ok(()) => {
                    seat.committed();
                    return Ok(Committed::Done);
                }
                Err(CommitRefused::Unavailable(error)) => {
                    tracing::error!(target: "portcullis::alert", alert = "store-write-failure", %error, "a write call was not committed");
                    // The queue keeps the outcome until the audit can be written; no call runs before that.
                    seat.finish(&CallOutcome { class: ResultClass::HostError, ..outcome });
                    return Err(error);
                }
                Err(refused @ CommitRefused::Conflict { .. }) => (refused.to_string(), ResultClass::Conflict),
                Err(refused @ CommitRefused::OverQuota { .. }) => (refused.to_string(), ResultClass::Quota),
            };
            let row = seat.claim(&CallOutcome { class, ..outcome }).await;
            let nothing = Commit { writes: KvWrites::new(), audit: vec![row] };
            match store.commit(nothing).await {
                Ok(()) => {
                    seat.committed();
                    Ok(Committed::Refused(text, class))
                }
                Err(error) => {
                    seat.finish(&CallOutcome { class, ..outcome });
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

    fn intent(&self, permit: &Permit, caller: &PrincipalKey) -> CallIntent {
        let tool = permit.tool();
        CallIntent {
            correlation: permit.correlation(),
            principal: self.audit_name(caller),
            tool: tool.wire.clone(),
            release: tool.release,
            label: tool.label,
            at: now(),
        }
    }

    /// How the audit names a principal.
    fn audit_name(&self, principal: &PrincipalKey) -> Arc<str> {
        match principal {
            PrincipalKey::Local => self.local_name.clone(),
            subject @ PrincipalKey::Subject { .. } => self.pseudonyms.of("audit", subject).into(),
        }
    }
}

fn outcome(class: ResultClass, usage: &Usage, seat: &Seat) -> CallOutcome {
    CallOutcome {
        class,
        effect: usage.effect,
        fuel: usage.fuel,
        memory: usage.memory,
        wall: seat.elapsed(),
        host_calls: usage.host_calls,
    }
}

fn say(tool: &portcullis_manifest::WireName, correlation: uuid::Uuid, log: &[LogLine], dropped: u64) {
    for LogLine { level, text } in log {
        let level = match level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
            LogLevel::Output => "output",
        };
        // Always at one level of ours: a plugin must not be able to raise the host's alarm or to hide below it. Quoted, so that
        // its text can't pass for fields of the line or for another line.
        tracing::info!(target: "portcullis::plugin", %tool, %correlation, level, "{text:?}");
    }
    if dropped > 0 {
        tracing::info!(target: "portcullis::plugin", %tool, %correlation, dropped, "lines beyond `limits.log` were dropped");
    }
}

fn clip(mut text: String, limit: u64) -> String {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
    text
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
