//! Previews: the real guest, with every write recorded and none done; told to whoever asked, or put up for confirmation.

use std::time::Duration;

use portcullis_admission::{Binding, Confirmation, Fixed, Permit, Previewed, Round};
use portcullis_audit::ResultClass;
use portcullis_backend::{Ask, CallAnswer, CallRefused};
use portcullis_manifest::Confirm;
use portcullis_sandbox::{Ending, Ran, Stop};
use portcullis_store::NewPreview;
use uuid::Uuid;

use super::{
    Call, Ended,
    ask::Unput,
    now,
    preview::{self, Offer},
    sandbox::{Held, Places, outcome},
    sealed::{self, PreviewRef, State},
    settle::{clip, error, report},
    unavailable,
};
use crate::{answer, clean, host::Host};

/// What a preview came to.
enum Rehearsed {
    /// What the tool would do, and what there is to say of it.
    Found(Previewed, Option<String>),
    /// Something else: the tool asked, failed, or was ended.
    Ended(CallAnswer),
    /// It would have to ask what the client can't be asked.
    Refused(CallRefused),
}

impl Host {
    /// A preview that was asked for.
    pub(super) async fn tell(&self, call: &Call, permit: Permit, places: Places) -> Result<Ended, CallRefused> {
        let (rehearsed, report) = self.rehearse(call, permit, places).await?;
        let answer = match rehearsed {
            Rehearsed::Found(previewed, note) => {
                preview::answer(&call.tool().wire, &previewed, note.as_deref(), None).into()
            }
            Rehearsed::Ended(answer) => answer,
            Rehearsed::Refused(refused) => return Err(refused),
        };
        Ok((answer, report))
    }

    /// A preview that has to be confirmed before the call is made.
    pub(super) async fn have_confirmed(
        &self,
        call: &Call,
        permit: Permit,
        how: Confirm,
        before: Option<&str>,
        places: Places,
    ) -> Result<Ended, CallRefused> {
        let tool = call.tool();
        let (binding, answered) = (Binding::of(&permit), permit.answered().map(|round| Round::clone(round)));
        let scopes = permit.scopes().cloned().collect();
        let (rehearsed, report) = self.rehearse(call, permit, places).await?;
        let (previewed, note) = match rehearsed {
            Rehearsed::Found(previewed, note) => (previewed, note),
            Rehearsed::Ended(answer) => return Ok((answer, report)),
            Rehearsed::Refused(refused) => return Err(refused),
        };
        if !previewed.whole && !tool.partial {
            let text = format!(
                "this tool runs only after what it would do was confirmed, and that can't be shown whole: {} Nothing was done. If \
                 its author declares `preview = \"partial\"` and an admin approves that, it can be confirmed as far as it is known",
                note.unwrap_or_default()
            );
            self.refuse("confirmation", &call.caller, call.wire(), call.request.correlation);
            return Ok((error(text), report));
        }
        let notes: Vec<&str> = before.into_iter().chain(note.as_deref()).collect();
        let note = (!notes.is_empty()).then(|| notes.join("\n"));
        let reference = PreviewRef { id: Uuid::new_v4(), binding: sealed::digest(&binding) };
        let count = previewed.effects.len();
        // What a person can't be shown whole is not put to them; where the confirmation may come with the call, it comes so.
        let asks = call.can_ask() && (how == Confirm::Person || count <= preview::IN_WORDS);
        if asks && count > preview::IN_WORDS {
            self.refuse("confirmation", &call.caller, call.wire(), call.request.correlation);
            let most = preview::IN_WORDS;
            let text = format!(
                "this call would do {count} things, and a person is not asked about more than {most} at once: nothing was done. Ask \
                 for less in one call"
            );
            return Ok((error(text), report));
        }
        let confirmation = Confirmation { binding, answered, scopes, previewed, again: before.is_some() };
        let life = if asks { self.seals.state.life() } else { self.seals.confirmation.life() };
        self.keep_preview(call, &reference, &confirmation, life).await?;
        let previewed = &confirmation.previewed;
        if asks {
            let question = preview::question(&tool.wire, previewed, note.as_deref());
            let state = self.seals.state.seal(&State::Confirm(reference), now());
            return Ok((CallAnswer::Ask(Ask { questions: vec![question], state }), report));
        }
        let minutes = self.seals.confirmation.life().as_secs() / 60;
        let offer = Offer { confirmation: self.seals.confirmation.seal(&reference, now()), minutes };
        Ok((preview::answer(&tool.wire, previewed, note.as_deref(), Some(&offer)).into(), report))
    }

    /// Runs the guest as a preview.
    async fn rehearse(
        &self,
        call: &Call,
        permit: Permit,
        places: Places,
    ) -> Result<(Rehearsed, Option<super::Report>), CallRefused> {
        let tool = call.tool();
        let binding = Self::binding(&permit);
        let fixed = permit.mode().fixed().unwrap_or(Fixed { seed: [0; 32], clock: 0, call: permit.correlation() });
        let Some(ran) = self.sandbox(call, permit, places).await? else {
            return Ok((Rehearsed::Ended(error(Stop::Host.to_string())), None));
        };
        let Ran { keep, ending, usage, intended, unanswered, log, log_dropped, .. } = ran;
        let Held { seat, places: _places, .. } = keep.take();
        let mut class = ResultClass::Preview;
        // What a tool without an answer does is no failure of its own.
        let partial = |why: String| {
            let note = format!(
                "The tool could not go on without an answer from outside, which a preview does not get ({why}): what it would do \
                 after that is not known."
            );
            Rehearsed::Found(Previewed { fixed, effects: Vec::new(), whole: false }, Some(note))
        };
        let mut rehearsed = match ending {
            Ending::Done(answer) => match answer::render(tool, answer, &|uri| call.whose(uri)) {
                Ok(_) => Rehearsed::Found(Previewed { fixed, effects: Vec::new(), whole: true }, None),
                Err(unfit) if unanswered => partial(unfit.to_string()),
                Err(unfit) => {
                    class = ResultClass::BadResult;
                    Rehearsed::Ended(error(unfit.to_string()))
                }
            },
            Ending::Failed(text) => {
                let text = clean::text(clip(text, tool.limits.result));
                if unanswered {
                    partial(text)
                } else {
                    class = ResultClass::Failed;
                    Rehearsed::Ended(error(format!("nothing was done; in a preview the tool ended with: {text}")))
                }
            }
            Ending::NeedsInput(asked) => {
                let (rehearsed, how) = match self.put(call, binding, asked) {
                    Ok(ask) => (Rehearsed::Ended(CallAnswer::Ask(ask)), ResultClass::Asked),
                    Err(unput) => {
                        let how = unput.class();
                        let rehearsed = match unput {
                            Unput::Because(why) | Unput::Nobody(why) => Rehearsed::Ended(error(why)),
                            Unput::Capability(needed) => Rehearsed::Refused(CallRefused::Capability { needed }),
                        };
                        (rehearsed, how)
                    }
                };
                class = how;
                rehearsed
            }
            // Only tools are previewed.
            Ending::Read(_) | Ending::NotFound | Ending::Prompted(_) | Ending::Completed(_) => {
                class = ResultClass::HostError;
                Rehearsed::Ended(error(Stop::Host.to_string()))
            }
            Ending::Stopped(stop @ (Stop::Trap { .. } | Stop::Time { .. })) if unanswered => partial(stop.to_string()),
            Ending::Stopped(stop) => {
                class = stop.class();
                if class == ResultClass::WriteRefused {
                    tracing::error!(target: "portcullis::alert", alert = "write-without-proof", tool = %tool.wire, correlation = %call.request.correlation, trace = call.trace(), "{stop}");
                }
                Rehearsed::Ended(error(stop.to_string()))
            }
        };
        if let Rehearsed::Found(previewed, _) = &mut rehearsed {
            previewed.effects = intended;
        }
        let outcome = outcome(class, &usage, &seat, &[], None);
        seat.finish(&outcome);
        Ok((rehearsed, Some(report(class, usage, log, log_dropped))))
    }

    async fn keep_preview(
        &self,
        call: &Call,
        reference: &PreviewRef,
        confirmation: &Confirmation,
        life: Duration,
    ) -> Result<(), CallRefused> {
        let body = serde_json::to_vec(confirmation).expect("a confirmation has a JSON form");
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        let preview = NewPreview {
            id: reference.id.into_bytes(),
            principal: self.audit_name(&call.caller).as_ref().to_owned(),
            expires_at: now().saturating_add(life),
            body,
        };
        self.store.preview_put(preview).await.map_err(|error| unavailable(&error))
    }

    /// The preview, for one call: whoever comes next finds it gone.
    pub(super) async fn take_preview(&self, reference: &PreviewRef) -> Result<Option<Confirmation>, CallRefused> {
        let taken = self.store.confirm(reference.id.into_bytes(), Vec::new(), now()).await;
        let Some(body) = taken.map_err(|error| unavailable(&error))? else { return Ok(None) };
        match serde_json::from_slice(&body) {
            Ok(confirmation) => Ok(Some(confirmation)),
            Err(error) => {
                tracing::error!(target: "portcullis::alert", alert = "preview-damaged", %error, "a stored preview is not one");
                Ok(None)
            }
        }
    }
}
