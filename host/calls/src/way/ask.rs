//! Questions of a tool: put, and gone on from. Each round is a call of its own, with a permit of its own; between rounds the
//! host keeps nothing but the number of a state that was used up. What the tool wants back travels with the client, sealed.

use portcullis_admission::{Answered, Binding, Callable, Permit, Round};
use portcullis_audit::ResultClass;
use portcullis_backend::{Ask, Asking, CallAnswer, CallRefused, Question, Reply, Resume, ToolAnswer};
use portcullis_manifest::AskKind;
use portcullis_sandbox::NeedsInput;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Call, form, now,
    preview::CONFIRM,
    sampling,
    sealed::{self, PreviewRef, Put, Questions, State},
    unavailable,
};
use crate::host::Host;

/// What came back with a call, opened.
pub(super) enum Given {
    Nothing,
    /// The person has answered what the tool asked; the state is used up when the call goes on.
    Answers(Round, Spend),
    /// The person, or whoever calls, has confirmed what was previewed.
    Confirmation(PreviewRef),
}

/// A value that is good for one call.
pub(super) struct Spend {
    nonce: Uuid,
    until: i64,
}

/// Why questions are not put.
pub(super) enum Unput {
    /// The tool may not ask so, for a reason that whoever calls can read.
    Because(String),
    /// Nobody is there who could be asked, in words for whoever calls.
    Nobody(String),
    /// The client has not said that it can be asked so.
    Capability(Asking),
}

impl Unput {
    /// Whose doing it is, for the audit: what a client can't do is no fault of the tool.
    pub(super) fn class(&self) -> ResultClass {
        match self {
            Self::Because(_) => ResultClass::BadResult,
            Self::Nobody(_) | Self::Capability(_) => ResultClass::NotAsked,
        }
    }
}

/// What becomes of a call by what came back with it.
pub(super) enum Opened {
    /// It goes on.
    Go(Given),
    /// It has its answer already.
    Stay(CallAnswer),
}

impl Host {
    /// Opens what came back with a call, and takes it out of the request.
    pub(super) async fn open(&self, call: &mut Call) -> Result<Opened, CallRefused> {
        let argument = call.take_confirmation();
        if let Some(Resume { state, replies }) = call.request.resume.take() {
            if call.is_anonymous() {
                return Err(self.foreign(call, "questions are put only to somebody who has signed in"));
            }
            let Ok(opened) = self.seals.state.open(&state, now()) else {
                return Err(self.foreign(call, "it was changed, is too old, or was made by another host"));
            };
            return match opened {
                State::Confirm(_) if call.tool().kind != Callable::Tool => {
                    Err(self.foreign(call, "it was given for a tool"))
                }
                State::Confirm(reference) => self.person_said(call, replies.get(CONFIRM), reference).await,
                State::Questions(questions) => self.answers(call, *questions, &replies, state).await,
            };
        }
        match argument {
            None => Ok(Opened::Go(Given::Nothing)),
            Some(Value::String(text)) => match self.seals.confirmation.open(text.trim(), now()) {
                Ok(reference) => Ok(Opened::Go(Given::Confirmation(reference))),
                Err(error) => Ok(Opened::Stay(self.no_confirmation(call, &error.to_string()))),
            },
            Some(_) => Ok(Opened::Stay(self.no_confirmation(call, "it is not a text"))),
        }
    }

    fn no_confirmation(&self, call: &Call, why: &str) -> CallAnswer {
        self.refuse("confirmation", &call.caller, call.wire(), call.request.correlation);
        let text = format!(
            "`confirmation` is not one that this host gave: {why}. Nothing was done; call the tool without it for a preview"
        );
        ToolAnswer::error(text).into()
    }

    fn foreign(&self, call: &Call, why: &'static str) -> CallRefused {
        self.refuse("state", &call.caller, call.wire(), call.request.correlation);
        CallRefused::State { why }
    }

    /// What the person said to the host's own question.
    async fn person_said(
        &self,
        call: &Call,
        reply: Option<&Reply>,
        reference: PreviewRef,
    ) -> Result<Opened, CallRefused> {
        let agreed = match reply {
            None => {
                return Err(self.foreign(call, "it belongs to the question `confirm`, and its answer is missing"));
            }
            Some(Reply::Accepted(content)) => content.get(CONFIRM) == Some(&Value::Bool(true)),
            Some(Reply::Declined | Reply::Cancelled) => false,
        };
        if agreed {
            return Ok(Opened::Go(Given::Confirmation(reference)));
        }
        // A no holds: the same question can't be answered again. Somebody else's is not theirs to answer.
        let here = Binding::of_call(&call.request.principal, call.tool(), &call.given);
        if sealed::digest(&here) == reference.binding {
            self.take_preview(&reference).await?;
        }
        self.refuse("declined", &call.caller, call.wire(), call.request.correlation);
        Ok(Opened::Stay(ToolAnswer::error("the person did not agree to this; nothing was done").into()))
    }

    /// The replies to a tool's questions: all there and all fitting, or asked again.
    async fn answers(
        &self,
        call: &mut Call,
        questions: Questions,
        replies: &std::collections::BTreeMap<String, Reply>,
        state: String,
    ) -> Result<Opened, CallRefused> {
        let Questions { binding, nonce, until, round, asked, state: own } = questions;
        let here = Binding::of_call(&call.request.principal, call.tool(), &call.given);
        if binding.matches(&here).is_err() {
            return Err(self.foreign(
                call,
                "it was given to another principal, for another tool or release, or for other arguments",
            ));
        }
        let mut answers: Vec<(String, Answered)> = Vec::with_capacity(asked.len());
        for (key, question) in &asked {
            let reply = replies.get(key);
            let answered = match question {
                Put::Form { schema, .. } => form::reply(schema, reply),
                Put::Sampling(_) => sampling::said(reply),
                Put::Roots => sampling::roots(reply),
            };
            let Some(answered) = answered else {
                // Missing, or not of its form: the same questions again, with the same state.
                let questions = asked.into_iter().map(|(key, put)| Question { key, kind: put.into() }).collect();
                return Ok(Opened::Stay(CallAnswer::Ask(Ask { questions, state })));
            };
            answers.push((key.clone(), answered));
        }
        call.round = round;
        Ok(Opened::Go(Given::Answers(Round { state: own, answers }, Spend { nonce, until })))
    }

    /// Uses a state up.
    pub(super) async fn spend(&self, call: &Call, spend: Spend) -> Result<(), CallRefused> {
        let fresh = self.store.spend(spend.nonce.into_bytes(), spend.until, now()).await;
        match fresh.map_err(|error| unavailable(&error))? {
            true => Ok(()),
            false => Err(self.foreign(call, "it was used already")),
        }
    }

    /// What a tool's questions become: questions to the client, or why they are not put.
    /// `binding` is none in a confirmed run, which has its answers from the preview, and for a tool without `ask`.
    pub(super) fn put(&self, call: &Call, binding: Option<Binding>, asked: NeedsInput) -> Result<Ask, Unput> {
        let tool = call.tool();
        for (there, kind) in [
            (!asked.questions.is_empty(), AskKind::Form),
            (!asked.samplings.is_empty(), AskKind::Sampling),
            (!asked.roots.is_empty(), AskKind::Roots),
        ] {
            if there && !tool.ask.contains(&kind) {
                let kind = kind.as_str();
                return Err(Unput::Because(format!(
                    "the tool asked a question, which its manifest does not allow it: `ask = [\"{kind}\"]` would"
                )));
            }
        }
        let Some(binding) = binding else {
            return Err(Unput::Because("the tool asked again after it was confirmed".to_owned()));
        };
        if call.is_anonymous() {
            return Err(Unput::Nobody(
                "the tool has to ask the person something, and nobody has signed in who could be asked: sign in and \
                        call it again, or say what it needs in the arguments, if they take it"
                    .to_owned(),
            ));
        }
        let can = call.request.asking;
        let needed = Asking {
            form: !asked.questions.is_empty() && !can.form,
            // Known when the form is read.
            lists: false,
            sampling: !asked.samplings.is_empty() && !can.sampling,
            roots: !asked.roots.is_empty() && !can.roots,
        };
        // What a form asks for may have a place in the arguments: then the model mends it, and needs no client that can ask.
        if needed == (Asking { form: true, ..Asking::NOTHING }) {
            return Err(Unput::Nobody(
                "the tool has to ask the person something, and this client has not said that it can ask one (MCP elicitation): \
                 say what it needs in the arguments, if they take it, or use a client that can ask"
                    .to_owned(),
            ));
        }
        if needed != Asking::NOTHING {
            return Err(Unput::Capability(needed));
        }
        let (round, limit) = (call.round + 1, tool.limits.rounds);
        if round > limit {
            return Err(Unput::Because(format!(
                "the tool asks for the {round}th time; `limits.rounds` of its manifest allows {limit}"
            )));
        }
        let put = form::questions(call.wire(), asked, &tool.limits);
        let (questions, state) = put.map_err(|error| Unput::Because(error.to_string()))?;
        form::known_to(can, &questions).map_err(|error| Unput::Because(error.to_string()))?;
        let kept = |question: &Question| (question.key.clone(), Put::from(&question.kind));
        let life = i64::try_from(self.seals.state.life().as_millis()).unwrap_or(i64::MAX);
        let sealed = State::Questions(Box::new(Questions {
            binding,
            nonce: Uuid::new_v4(),
            until: now().saturating_add(life),
            round,
            asked: questions.iter().map(kept).collect(),
            state,
        }));
        Ok(Ask { questions, state: self.seals.state.seal(&sealed, now()) })
    }

    /// Of the call that `permit` allows: taken before the permit is used up.
    pub(super) fn binding(permit: &Permit) -> Option<Binding> {
        (!permit.tool().ask.is_empty()).then(|| Binding::of(permit))
    }
}
