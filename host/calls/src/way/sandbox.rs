//! A place to run in, a seat in the audit, and the guest.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use portcullis_admission::Permit;
use portcullis_audit::{AuditStopped, CallIntent, CallOutcome, EgressRecord, Line, ResultClass, Seat};
use portcullis_backend::CallRefused;
use portcullis_egress::{Attempt, Verdict};
use portcullis_manifest::{Effect, visible};
use portcullis_sandbox::{Keep, Listener, LogLevel, LogLine, Ran, Unfinished, Usage, Witness};
use portcullis_store::Unavailable;
use uuid::Uuid;

use super::{Call, notices::Telling, now};
use crate::{
    capacity::{Place, needs},
    host::Host,
    rate::UnderWay,
};

/// Most characters of a path that the audit keeps: it is the guest's text, the only one there, and has passed the capability's
/// `allow`.
const PATH: usize = 200;

/// What a call holds while its guest lives.
pub(super) struct Held {
    pub(super) seat: Seat,
    pub(super) places: Places,
    /// Who is told what the call does meanwhile.
    telling: Option<Arc<Telling>>,
}

/// What a call takes from others while it lives.
pub(super) struct Places {
    _place: Place,
    _under_way: UnderWay,
}

impl Keep for Held {
    fn listener(&self) -> Option<Arc<dyn Listener>> {
        Some(self.telling.clone()?)
    }

    fn witness(&self) -> Arc<dyn Witness> {
        Arc::new(Recorder(self.seat.line()))
    }

    fn ended_from_outside(self, ended: Unfinished) {
        let Self { seat, places, .. } = self;
        let Unfinished { usage, sent, panicked } = ended;
        let class = match () {
            () if !sent.is_empty() => ResultClass::OutcomeUnknown,
            () if panicked => ResultClass::HostError,
            () => ResultClass::Cancelled,
        };
        let outcome = outcome(class, &usage, &seat, &sent, None);
        seat.finish(&outcome);
        drop(places);
    }
}

/// Tells the audit what leaves the host, while the call runs.
struct Recorder(Line);

impl Witness for Recorder {
    fn intent(&self) -> Pin<Box<dyn Future<Output = Result<(), Unavailable>> + Send + '_>> {
        Box::pin(self.0.intent())
    }

    fn refused(&self, why: &str, effect: Effect) {
        let detail: String = visible(why).chars().take(PATH).collect();
        self.0.egress(EgressRecord { class: "refused", effect, wall: Duration::ZERO, detail });
    }

    fn egress(&self, attempt: &Attempt, effect: Effect) {
        let (class, how) = match &attempt.verdict {
            Verdict::Answered(status) => ("answered", status.to_string()),
            Verdict::Refused(rule) => ("refused", rule.clone()),
            Verdict::Failed(why) => ("failed", why.clone()),
            Verdict::Dropped => ("dropped", "nobody waited for it any longer".to_owned()),
        };
        let Attempt { method, origin, path, address, bytes_out, bytes_in, .. } = attempt;
        let path: String = path.chars().take(PATH).collect();
        let address = address.map_or(String::new(), |address| format!(" at {address}"));
        let detail =
            format!("{method} {origin}{}{address}: {how}; {bytes_out} bytes out, {bytes_in} in", visible(&path));
        self.0.egress(EgressRecord { class, effect, wall: attempt.duration, detail });
    }
}

impl Host {
    /// What a call takes from others, if it may now: before anything of it is used up.
    pub(super) async fn enter(&self, call: &Call) -> Result<Places, CallRefused> {
        let tool = call.tool();
        let under_way = self.count(call)?;
        let place = self.capacity.enter(&tool.plugin, needs(&tool.limits, &tool.grants), tool.time()).await;
        let place = place.inspect_err(|_| self.refuse("busy", &call.caller, call.wire(), call.request.correlation))?;
        Ok(Places { _place: place, _under_way: under_way })
    }

    /// Counts a call among those that its caller may make.
    pub(super) fn count(&self, call: &Call) -> Result<UnderWay, CallRefused> {
        let entered = self.rates.enter(&call.caller, call.request.source, &call.tool().plugin);
        entered.inspect_err(|_| self.refuse("rate", &call.caller, call.wire(), call.request.correlation))
    }

    /// Runs the guest. None: the host failed; it has been recorded.
    pub(super) async fn sandbox(
        &self,
        call: &Call,
        permit: Permit,
        places: Places,
    ) -> Result<Option<Ran<Held>>, CallRefused> {
        let seat = self.seat(call)?;
        let notices = call.request.notices.clone();
        let telling = notices.map(|notices| Arc::new(Telling::new(notices, call.tool().plugin.to_string())));
        let ran = call.served.plugin.run(permit, Held { seat, places, telling }).await.ok();
        if let Some(ran) = &ran {
            say(call, &ran.log, ran.log_dropped, ran.notices_dropped);
        }
        Ok(ran)
    }

    /// Audit intent: the call's seat. Without one nothing runs.
    pub(super) fn seat(&self, call: &Call) -> Result<Seat, CallRefused> {
        let (tool, correlation) = (call.tool(), call.request.correlation);
        let intent = CallIntent {
            correlation,
            principal: self.audit_name(&call.caller),
            tool: tool.wire.clone(),
            release: tool.release,
            label: tool.label,
            at: now(),
        };
        self.audit.seat(intent).map_err(|stopped| {
            self.refuse("audit", &call.caller, call.wire(), correlation);
            let reason = match stopped {
                AuditStopped::Failing => "the audit cannot be written",
                AuditStopped::Full => "the audit's queue is full",
            };
            CallRefused::Unavailable { reason }
        })
    }
}

/// `previewed` is the call whose preview was confirmed.
pub(super) fn outcome(
    class: ResultClass,
    usage: &Usage,
    seat: &Seat,
    sent: &[String],
    previewed: Option<Uuid>,
) -> CallOutcome {
    let mut detail = Vec::new();
    if let Some(previewed) = previewed {
        detail.push(format!("as previewed by {previewed}"));
    }
    if !sent.is_empty() {
        detail.push(format!("sent {} requests", sent.len()));
    }
    let detail = detail.join("; ");
    CallOutcome {
        class,
        effect: usage.effect,
        fuel: usage.fuel,
        memory: usage.memory,
        wall: seat.elapsed(),
        host_calls: usage.host_calls,
        detail,
    }
}

fn say(call: &Call, log: &[LogLine], dropped: u64, notices: u64) {
    let (tool, correlation, trace) = (call.wire(), call.request.correlation, call.trace());
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
        tracing::info!(target: "portcullis::plugin", %tool, %correlation, trace, level, "{text:?}");
    }
    if dropped > 0 {
        tracing::info!(target: "portcullis::plugin", %tool, %correlation, trace, dropped, "lines beyond `limits.log` were dropped");
    }
    if notices > 0 {
        tracing::info!(target: "portcullis::plugin", %tool, %correlation, trace, dropped = notices, "notices beyond `limits.notices` were dropped");
    }
}
