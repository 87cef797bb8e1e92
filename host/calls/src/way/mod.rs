//! The way of a call (DESIGN section 3), from a name on the wire to a durable outcome.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | catalogue, what came back with the call, the decision, and which way it goes then |
//! | `sandbox.rs` | a place, a seat in the audit, the guest |
//! | `settle.rs` | the answer, the commit, the outcome |
//! | `rehearse.rs` | previews, and having them confirmed |
//! | `held.rs` | resources that the host answers itself |
//! | `ask.rs`, `form.rs`, `sampling.rs` | a tool's questions |
//! | `notices.rs` | what a call tells its client while it runs |
//! | `touched.rs` | what changed for others when it has written |
//! | `sealed.rs`, `preview.rs` | what leaves the host and comes back; what a preview looks like |

mod ask;
mod form;
mod held;
mod notices;
mod preview;
mod rehearse;
mod sampling;
mod sandbox;
mod sealed;
mod secrets;
mod settle;
mod touched;

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::SystemTime};

use portcullis_admission::{
    ApprovedTool, Asked, Binding, Callable, Completes, Confirmation, Decision, Fixed, Given as With, Permit, Refused,
    Round, decide, may_call,
};
use portcullis_audit::ResultClass;
use portcullis_backend::{
    Answer, CallAnswer, CallRefused, CallRequest, Completion, Hints, Reference, Target, ToolAnswer,
};
use portcullis_manifest::{Confirm, Hint, PrincipalKey, TaskSupport};
use portcullis_sandbox::{LogLine, Usage};
use portcullis_store::Unavailable;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    answer::Whose,
    catalogue::{Catalogue, Served},
    host::Host,
    task::Turn,
};
use ask::{Given, Opened};
pub(crate) use held::expanded;
pub use preview::ARGUMENT;
pub(crate) use preview::output_or_preview;
use sandbox::Places;
use sealed::PreviewRef;
pub(crate) use sealed::Seals;

/// Longest name of an unknown tool or prompt that is said back.
const NAME: usize = 128;

/// Longest URI of an unknown resource that is said back.
const URI: usize = 1_024;

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
pub(crate) struct Call {
    request: CallRequest,
    given: With,
    pub(crate) caller: PrincipalKey,
    served: Served,
    /// As it was when the call began.
    catalogue: Arc<Catalogue>,
    /// Which round of questions has been answered; none so far: 0.
    round: u64,
    /// What its request gets.
    pub(crate) turn: Turn,
}

impl Host {
    /// Runs one call. The report is there when a sandbox ran.
    ///
    /// # Errors
    /// [`CallRefused`]: no answer of the tool exists.
    pub async fn run(&self, request: CallRequest) -> Result<(CallAnswer, Option<Report>), CallRefused> {
        self.run_in(request, Turn::Waits).await
    }

    /// As [`Host::run`]; `turn` says what the request gets.
    pub(crate) async fn run_in(&self, mut request: CallRequest, turn: Turn) -> Result<Ended, CallRefused> {
        let caller = request.principal.key().clone();
        let catalogue = self.catalogue.load_full();
        let Some((served, given)) = find(&catalogue, &mut request) else {
            if let Some(answer) = self.retired(&catalogue, &request, &caller) {
                return answer;
            }
            let (rule, refused) = unknown(&request.target);
            self.refuse(rule, &caller, "", request.correlation);
            return Err(refused);
        };
        let mut call = Call { request, given, caller, served, catalogue, round: 0, turn };

        // Before anything that came with it is opened.
        if let Err(refused) = may_call(&call.request.principal, call.tool()) {
            return self.refused(&call, refused);
        }

        if matches!(call.turn, Turn::TakesNone) && call.tool().task == TaskSupport::Required {
            self.refuse("task", &call.caller, call.wire(), call.request.correlation);
            return Err(match call.caller {
                // Who is nobody has no tasks.
                PrincipalKey::Anonymous => CallRefused::SignIn { needed: call.tool().scopes.clone() },
                _ => CallRefused::TasksNeeded { tool: call.wire().to_owned() },
            });
        }

        if call.completes_nothing() {
            return Ok((CallAnswer::Done(Answer::Completion(Completion::default())), None));
        }

        // What came back with it: a confirmation, or the answers to a question.
        let given = match self.open(&mut call).await? {
            Opened::Go(given) => given,
            Opened::Stay(answer) => {
                // Nothing runs for it, and it counts: an answer that fits no question can be sent for ever (catalogue AU-40).
                drop(self.count(&call)?);
                return Ok((answer, None));
            }
        };
        let (answered, spend, confirmation) = match given {
            Given::Nothing => (None, None, None),
            Given::Answers(round, spend) => (Some(round), Some(spend), None),
            Given::Confirmation(reference) => (None, None, Some(reference)),
        };

        // Admission.
        // Only what is to be confirmed may be decided on a second time.
        let given = match (call.tool().confirm, &mut call.given) {
            (Confirm::None, With::Tool(arguments)) => With::Tool(std::mem::take(arguments)),
            (_, given) => given.clone(),
        };
        let decision = self.admit(&call, given, answered, None);
        if let Decision::Refuse(refused) = decision {
            return self.refused(&call, refused);
        }
        // What is refused for want of room has used nothing up.
        self.has_room_for_task(&call)
            .inspect_err(|_| self.refuse("busy", &call.caller, call.wire(), call.request.correlation))?;
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
            Decision::Permit(permit) => match call.served.held.clone() {
                Some(held) => self.hold_out(&call, &permit, &held, places),
                None => self.in_turn(&call, pin!(self.do_it(&call, permit, places))).await,
            },
            Decision::Preview(permit) => Box::pin(self.tell(&call, permit, places)).await,
            Decision::Confirm(permit, how) => match confirmation {
                None => Box::pin(self.have_confirmed(&call, permit, how, None, places)).await,
                Some(reference) => Box::pin(self.confirmed(&call, permit, &reference, places)).await,
            },
        }
    }

    /// The decision. A random seed is drawn only for a run that may have to be made again.
    fn admit(&self, call: &Call, given: With, answered: Option<Round>, confirmation: Option<Confirmation>) -> Decision {
        let CallRequest { correlation, principal, hints, preview, .. } = &call.request;
        let asked = Asked {
            principal: principal.clone(),
            tool: call.tool().clone(),
            given,
            correlation: *correlation,
            hints: if call.tool().hints.is_empty() { BTreeMap::new() } else { of_client(hints) },
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
            Refused::Size { .. } | Refused::Arguments(_) | Refused::Given(_) => ResultClass::BadArguments.as_str(),
            Refused::Confirmation(_) | Refused::NoPerson => "confirmation",
        };
        self.refuse(rule, &call.caller, call.wire(), call.request.correlation);
        match call.tool().kind {
            Callable::Tool => Ok((ToolAnswer::error(refused.to_string()).into(), None)),
            Callable::Resource | Callable::Prompt | Callable::Completion => {
                Err(CallRefused::Params(refused.to_string()))
            }
        }
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
        let permit = match self.admit(call, call.given.clone(), None, Some(confirmation)) {
            Decision::Permit(permit) => permit,
            Decision::Refuse(refused) => return self.refused(call, refused),
            // `permit` was one that needed a confirmation, and nothing of the call has changed.
            Decision::Preview(_) | Decision::Confirm(..) => return refuse("the confirmation is not of this call"),
        };
        match self.in_turn(call, pin!(self.do_it_as_previewed(call, permit, places))).await? {
            Some(ended) => Ok(ended),
            // A tool that does something else each time would have people asked until they give in.
            None if again => refuse("the tool wants something else than its preview showed, for the second time"),
            // It would do something else by now, and has done nothing: the person decides again.
            None => match self.admit(call, call.given.clone(), answered, None) {
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
    pub(crate) fn tool(&self) -> &Arc<ApprovedTool> {
        &self.served.tool
    }

    fn wire(&self) -> &str {
        self.served.tool.wire.as_str()
    }

    /// Whether there is somebody to ask, and a client that can. What a person says is theirs, and without sign-in there is nobody
    /// whose it could be.
    fn can_ask(&self) -> bool {
        self.request.asking.form && !self.is_anonymous()
    }

    fn is_anonymous(&self) -> bool {
        self.caller == PrincipalKey::Anonymous
    }

    /// The argument that the host put into the served schema, taken out: the tool's own schema knows nothing of it. It stands for
    /// no person, so where one is needed it is no argument at all.
    fn take_confirmation(&mut self) -> Option<Value> {
        match &mut self.given {
            With::Tool(arguments) if self.served.tool.confirm == Confirm::Preview => arguments.shift_remove(ARGUMENT),
            _ => None,
        }
    }

    /// Whether it would complete an argument that there is and that its plugin does not complete: clients ask for every argument
    /// that a person writes, and nobody has to be run to know that there is nothing.
    fn completes_nothing(&self) -> bool {
        let With::Completion { argument, .. } = &self.given else { return false };
        self.tool().parameters.iter().any(|parameter| parameter.name == *argument && !parameter.complete)
    }

    /// Whose resource `uri` is, to the plugin that is called.
    fn whose(&self, uri: &str) -> Whose {
        let plugin = &self.tool().plugin;
        let found = self.catalogue.find_resource(uri, &self.request.principal);
        if found.is_some_and(|(served, _)| served.tool.plugin == *plugin) {
            Whose::Own
        } else if self.catalogue.is_scheme_of_others(uri, plugin) {
            Whose::Others
        } else {
            Whose::Nobodys
        }
    }

    /// The trace that it is part of, for the host's log.
    fn trace(&self) -> Option<&str> {
        self.request.trace.as_ref().map(|trace| trace.id.as_str())
    }
}

/// What is called, and with what. What was in the request is taken out of it.
fn find(catalogue: &Catalogue, request: &mut CallRequest) -> Option<(Served, With)> {
    let CallRequest { principal, target, .. } = request;
    let pairs = |given: &BTreeMap<String, String>| given.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    Some(match target {
        Target::Tool { name, arguments } => {
            (catalogue.find(name, principal)?.clone(), With::Tool(std::mem::take(arguments)))
        }
        Target::Resource { uri } => {
            let (served, variables) = catalogue.find_resource(uri, principal)?;
            (served.clone(), With::Resource { uri: uri.clone(), variables })
        }
        Target::Prompt { name, arguments } => {
            (catalogue.find_prompt(name, principal)?.clone(), With::Prompt(pairs(arguments)))
        }
        Target::Completion { reference, argument, value, context } => {
            let of = match reference {
                Reference::Prompt(_) => Completes::Prompt,
                Reference::Resource(_) => Completes::Resource,
            };
            let found = catalogue.find_completion(reference, principal)?;
            let served = Served { tool: Arc::new(found.tool.completion()), held: None, ..found.clone() };
            let (argument, value) = (argument.clone(), value.clone());
            (served, With::Completion { of, argument, value, context: pairs(context) })
        }
    })
}

/// What is not there, or not for this principal: the rule, and what the client is told.
fn unknown(target: &Target) -> (&'static str, CallRefused) {
    let clipped = |text: &str, most| text.chars().take(most).collect();
    match target {
        Target::Tool { name, .. } => ("unknown-tool", CallRefused::UnknownTool { name: clipped(name, NAME) }),
        Target::Prompt { name, .. } | Target::Completion { reference: Reference::Prompt(name), .. } => {
            ("unknown-prompt", CallRefused::UnknownPrompt { name: clipped(name, NAME) })
        }
        Target::Resource { uri } | Target::Completion { reference: Reference::Resource(uri), .. } => {
            ("unknown-resource", CallRefused::UnknownResource { uri: clipped(uri, URI) })
        }
    }
}

/// What the client says, by name. What of it a plugin is told, its manifest says.
fn of_client(hints: &Hints) -> BTreeMap<Hint, Value> {
    let Hints { locale, user_agent, location, subject, session, organization } = hints;
    let texts = [
        (Hint::Locale, locale),
        (Hint::UserAgent, user_agent),
        (Hint::Subject, subject),
        (Hint::Session, session),
        (Hint::Organization, organization),
    ];
    let texts = texts.into_iter().filter_map(|(hint, text)| Some((hint, Value::from(text.as_deref()?))));
    let location = location.iter().map(|location| (Hint::Location, Value::Object(location.clone())));
    texts.chain(location).collect()
}

pub(crate) fn unavailable(error: &Unavailable) -> CallRefused {
    tracing::error!(target: "portcullis::alert", alert = "store-failure", %error, "a call was not made");
    CallRefused::Unavailable { reason: "the store does not answer" }
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
