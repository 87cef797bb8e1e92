//! The way of a call (DESIGN section 3), from a name on the wire to a durable outcome.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | catalogue, what came back with the call, the decision, and which way it goes then |
//! | `sandbox.rs` | a place, a seat in the audit, the guest |
//! | `settle.rs` | the answer, the commit, the outcome |
//! | `rehearse.rs` | previews, and having them confirmed |
//! | `ask.rs`, `form.rs` | a tool's questions |
//! | `sealed.rs`, `preview.rs` | what leaves the host and comes back; what a preview looks like |

mod ask;
mod form;
mod preview;
mod rehearse;
mod sandbox;
mod sealed;
mod settle;

use std::{sync::Arc, time::SystemTime};

use portcullis_admission::{
    ApprovedTool, Asked, Binding, Confirmation, Decision, Fixed, Permit, Refused, Round, decide, may_call,
};
use portcullis_audit::ResultClass;
use portcullis_backend::{Asking, CallAnswer, CallRefused, ToolAnswer, ToolRequest};
use portcullis_manifest::{Confirm, PrincipalKey};
use portcullis_sandbox::{LogLine, Usage};
use portcullis_store::Unavailable;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{catalogue::Served, host::Host};
use ask::{Given, Opened};
pub use preview::ARGUMENT;
pub(crate) use preview::output_or_preview;
use sandbox::Places;
use sealed::PreviewRef;
pub(crate) use sealed::Seals;

/// Longest name of an unknown tool that is said back.
const NAME: usize = 128;

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

/// What came of a call, and what it used if a sandbox ran.
pub(crate) type Ended = (CallAnswer, Option<Report>);

/// One call on its way, after its tool was found.
struct Call {
    request: ToolRequest,
    caller: PrincipalKey,
    served: Served,
    /// Which round of questions has been answered; none so far: 0.
    round: u64,
}

impl Host {
    /// Runs one call. The report is there when a sandbox ran.
    ///
    /// # Errors
    /// [`CallRefused`]: no answer of the tool exists.
    pub async fn run(&self, request: ToolRequest) -> Result<(CallAnswer, Option<Report>), CallRefused> {
        let caller = request.principal.key().clone();
        let catalogue = self.catalogue.load_full();
        let Some(served) = catalogue.find(&request.tool, &request.principal) else {
            self.refuse("unknown-tool", &caller, "", request.correlation);
            return Err(CallRefused::UnknownTool { name: request.tool.chars().take(NAME).collect() });
        };
        let mut call = Call { request, caller, served: served.clone(), round: 0 };

        // Before anything that came with it is opened.
        if let Err(refused) = may_call(&call.request.principal, call.tool()) {
            return self.refused(&call, refused);
        }

        // What came back with it: a confirmation, or the answers to a question.
        let given = match self.open(&mut call).await? {
            Opened::Go(given) => given,
            Opened::Stay(answer) => return Ok((answer, None)),
        };
        let (answered, spend, confirmation) = match given {
            Given::Nothing => (None, None, None),
            Given::Answers(round, spend) => (Some(round), Some(spend), None),
            Given::Confirmation(reference) => (None, None, Some(reference)),
        };

        // Admission.
        // Only what is to be confirmed may be decided on a second time.
        let arguments = match call.tool().confirm {
            Confirm::None => std::mem::take(&mut call.request.arguments),
            _ => call.request.arguments.clone(),
        };
        let decision = self.admit(&call, arguments, answered, None);
        if let Decision::Refuse(refused) = decision {
            return self.refused(&call, refused);
        }
        // What is refused for want of room has used nothing up.
        let places = self.enter(&call).await?;
        // It may have waited for them as long as it may run, and its caller was shut out meanwhile (catalogue AU-25).
        if self.is_shut_out(&call.request.principal) {
            self.refuse("denied", &call.caller, call.wire(), call.request.correlation);
            return Err(CallRefused::SignIn { needed: call.tool().scopes.clone() });
        }
        if let Some(spend) = spend {
            self.spend(&call, spend).await?;
        }
        match decision {
            Decision::Refuse(refused) => self.refused(&call, refused),
            Decision::Permit(permit) => self.do_it(&call, permit, places).await,
            Decision::Preview(permit) => self.tell(&call, permit, places).await,
            Decision::Confirm(permit, how) => match confirmation {
                None => self.have_confirmed(&call, permit, how, None, places).await,
                Some(reference) => self.confirmed(&call, permit, &reference, places).await,
            },
        }
    }

    /// The decision. A random seed is drawn only for a run that may have to be made again.
    fn admit(
        &self,
        call: &Call,
        arguments: Map<String, Value>,
        answered: Option<Round>,
        confirmation: Option<Confirmation>,
    ) -> Decision {
        let ToolRequest { correlation, principal, locale, preview, .. } = &call.request;
        let asked = Asked {
            principal: principal.clone(),
            tool: call.tool().clone(),
            arguments,
            correlation: *correlation,
            locale: locale.clone(),
            preview: *preview,
            person: call.can_ask(),
            answered,
            confirmation,
        };
        decide(asked, || Fixed { seed: rand::random(), clock: now(), call: *correlation })
    }

    fn refused(&self, call: &Call, refused: Refused) -> Result<Ended, CallRefused> {
        let rule = match refused {
            Refused::SignIn { needed } => {
                self.refuse("sign-in", &call.caller, call.wire(), call.request.correlation);
                return Err(CallRefused::SignIn { needed });
            }
            Refused::Scope { needed } => {
                self.refuse("scope", &call.caller, call.wire(), call.request.correlation);
                return Err(CallRefused::InsufficientScope { needed });
            }
            Refused::Size { .. } | Refused::Arguments(_) => ResultClass::BadArguments.as_str(),
            Refused::Confirmation(_) | Refused::NoPerson => "confirmation",
        };
        self.refuse(rule, &call.caller, call.wire(), call.request.correlation);
        Ok((ToolAnswer::error(refused.to_string()).into(), None))
    }

    /// The second call, with what the first was given. `permit` is the preview's that would be made without it, and proves that
    /// everything but the confirmation holds.
    async fn confirmed(
        &self,
        call: &Call,
        permit: Permit,
        reference: &PreviewRef,
        places: Places,
    ) -> Result<Ended, CallRefused> {
        let refuse = |why: &str| {
            self.refuse("confirmation", &call.caller, call.wire(), call.request.correlation);
            Ok((
                ToolAnswer::error(format!("{why}; nothing was done. Call the tool without it for a new preview"))
                    .into(),
                None,
            ))
        };
        let binding = Binding::of(&permit);
        // Compared before it is used up: whoever tries it on another call takes it from nobody.
        if sealed::digest(&binding) != reference.binding {
            return refuse(
                "the confirmation was given to another principal, for another tool or release, or for other arguments",
            );
        }
        let Some(confirmation) = self.take_preview(reference).await? else {
            return refuse("the confirmation was used already, or is too old");
        };
        let (answered, again) = (confirmation.answered.clone(), confirmation.again);
        let permit = match self.admit(call, call.request.arguments.clone(), None, Some(confirmation)) {
            Decision::Permit(permit) => permit,
            Decision::Refuse(refused) => return self.refused(call, refused),
            // `permit` was one that needed a confirmation, and nothing of the call has changed.
            Decision::Preview(_) | Decision::Confirm(..) => return refuse("the confirmation is not of this call"),
        };
        match self.do_it_as_previewed(call, permit, places).await? {
            Some(ended) => Ok(ended),
            // A tool that does something else each time would have people asked until they give in.
            None if again => refuse("the tool wants something else than its preview showed, for the second time"),
            // It would do something else by now, and has done nothing: the person decides again.
            None => match self.admit(call, call.request.arguments.clone(), answered, None) {
                Decision::Confirm(permit, how) => {
                    let note =
                        "This is not what the preview before showed: something that the tool depends on has changed.";
                    let places = self.enter(call).await?;
                    self.have_confirmed(call, permit, how, Some(note), places).await
                }
                Decision::Refuse(refused) => self.refused(call, refused),
                Decision::Permit(_) | Decision::Preview(_) => refuse("the tool would do something else by now"),
            },
        }
    }

    /// Records a refusal.
    fn refuse(&self, rule: &'static str, caller: &PrincipalKey, tool: &str, correlation: Uuid) {
        self.audit.refused(rule, &self.audit_name(caller), tool, correlation);
    }

    /// How the audit names a principal.
    pub(crate) fn audit_name(&self, principal: &PrincipalKey) -> Arc<str> {
        match principal {
            PrincipalKey::Local => self.local_name.clone(),
            PrincipalKey::Anonymous => "anonymous".into(),
            subject @ PrincipalKey::Subject { .. } => self.pseudonyms.of("audit", subject).into(),
        }
    }
}

impl Call {
    fn tool(&self) -> &Arc<ApprovedTool> {
        &self.served.tool
    }

    fn wire(&self) -> &str {
        self.served.tool.wire.as_str()
    }

    /// Whether there is somebody to ask, and a client that can. What a person says is theirs, and without sign-in there is nobody
    /// whose it could be.
    fn can_ask(&self) -> bool {
        self.request.asking == Asking::Form && !self.is_anonymous()
    }

    fn is_anonymous(&self) -> bool {
        self.caller == PrincipalKey::Anonymous
    }

    /// The argument that the host put into the served schema, taken out: the tool's own schema knows nothing of it. It stands for
    /// no person, so where one is needed it is no argument at all.
    fn take_confirmation(&mut self) -> Option<Value> {
        if self.served.tool.confirm != Confirm::Preview {
            return None;
        }
        let arguments: &mut Map<String, Value> = &mut self.request.arguments;
        arguments.shift_remove(ARGUMENT)
    }
}

fn unavailable(error: &Unavailable) -> CallRefused {
    tracing::error!(target: "portcullis::alert", alert = "store-failure", %error, "a call was not made");
    CallRefused::Unavailable { reason: "the store does not answer" }
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
