//! A call of a plugin, whichever method makes it: the hot path.

use std::sync::Arc;

use portcullis_backend::{Asking, Backend, CallAnswer, CallRefused, CallRequest, ListKind, Target};
use portcullis_manifest::Principal;
use uuid::Uuid;

use super::answer::{Called, Rendering, Round};
use crate::{
    asking::{self, NOTHING_ASKED, Stage, Talk},
    codec::{Capabilities, Field, Id, Meta, Params},
    era::Era,
    fault::Fault,
    http::takes_events,
    notices::Listener,
    protocol::{Protocol, Via},
    reply::{Outcome, Reply},
    trace,
};

const CANNOT_BE_ASKED: &str =
    "the plugin has a question, and this client has not said that it can be asked (elicitation, sampling, roots)";

impl<B: Backend> Protocol<B> {
    /// Calls `target`, which was taken out of `params`.
    pub(crate) async fn call(
        &self,
        principal: &Principal,
        via: Via<'_>,
        era: Era,
        id: &Id,
        target: Target,
        params: Params,
    ) -> Result<Outcome, Fault> {
        if let (Via::Http { headers, .. }, Target::Tool { name, arguments }) = (via, &target) {
            let list = self.backend.list(ListKind::Tools, principal);
            let found = list.items.binary_search_by(|listed| (*listed.key).cmp(name));
            // A tool that is not in the list is refused by the backend, which audits it.
            if let Ok(at) = found {
                self.mirrors.agree(era, &list.items[at], arguments, headers)?;
            }
        }
        let called = Called::of(&target);
        let meta = if let Field::Is(meta) = params.meta { meta } else { Meta::default() };
        let (source, trace, listens, over_http) = match via {
            Via::Http { headers, source } => {
                (source, meta.trace.or_else(|| trace::of_headers(headers)), takes_events(headers), true)
            }
            Via::Stream(_) => (None, meta.trace, true, false),
        };
        // What is asked and told comes as events, which a client has to take.
        let session = if era == Era::Legacy && listens { self.session(principal, via) } else { None };
        let level = match (era, via, &meta.log_level) {
            (Era::Modern, _, Field::Is(level)) => Some(*level),
            (Era::Modern, ..) => None,
            // A legacy one gets some lines before it has said what it wants, as its revision leaves to the server.
            (Era::Legacy, Via::Stream(peer), _) => Some(peer.level()),
            (Era::Legacy, ..) => Some(self.levels.of(session.as_ref().map(|session| &session.holder))),
        };
        // Decided before the call: a plugin must not ask whom nobody can ask.
        let (asking, session, resume) = match (era, &meta.capabilities, session) {
            // There is no result of a completion that could ask.
            (.., session) if called == Called::Completion => (Asking::NOTHING, session, None),
            (Era::Modern, capabilities, _) => {
                let asking = if let Field::Is(declared) = capabilities { declared.asking } else { Asking::NOTHING };
                (asking, None, asking::resume(params.input_responses, params.request_state)?)
            }
            (Era::Legacy, _, Some(session)) => (session.asking, Some(session), None),
            (Era::Legacy, _, None) => (Asking::NOTHING, None, None),
        };
        let token = if let Field::Is(token) = meta.progress_token { Some(token) } else { None };
        let preview = called == Called::Tool && meta.preview == Field::Is(true);
        let (notices, listener) = listens.then(|| Listener::new(token, level)).flatten().unzip();
        let declared = if let Field::Is(declared) = meta.capabilities { declared } else { Capabilities::default() };
        let request = CallRequest {
            tasks: era == Era::Modern && called == Called::Tool && declared.tasks,
            hints: meta.hints.map(|hints| *hints).unwrap_or_default(),
            preview,
            asking,
            resume,
            source,
            notices,
            trace: trace.map(|trace| *trace),
            ..CallRequest::new(Uuid::now_v7(), principal.clone(), target)
        };
        let correlation = request.correlation;
        // Only a client that can be asked in the middle of its call pays for what the next round needs.
        let again = (session.is_some() && asking != Asking::NOTHING).then(|| request.clone());
        // On a stream nobody can answer a challenge: whoever holds it is who calls.
        let rendering = Rendering { id: id.clone(), era, called, asking, links: meta.links_accounts && over_http };
        let talk = |stage, session, listener, rendering| {
            let principal = principal.clone();
            let talk = Talk { rendering, principal, session, again, listener, stage, over_http };
            Ok(Outcome::Talk(Box::new(talk)))
        };
        let (ended, listener) = match listener {
            None => (self.backend.call(request).await, None),
            Some(mut listener) => {
                let backend = Arc::clone(&self.backend);
                let mut call = Box::pin(async move { backend.call(request).await });
                tokio::select! {
                    biased;
                    ended = &mut call => match listener.waiting() {
                        // It has said all it had to say before anybody listened.
                        Some(first) => {
                            let stage = Stage::Running { first, call: Box::pin(std::future::ready(ended)), correlation };
                            return talk(stage, session, Some(listener), rendering);
                        }
                        None => (ended, Some(listener)),
                    },
                    first = listener.next() => {
                        return talk(Stage::Running { first, call, correlation }, session, Some(listener), rendering);
                    }
                }
            }
        };
        match (self.round(&rendering, correlation, ended)?, session) {
            (Round::Reply(reply), _) => Ok(Outcome::Reply(reply)),
            (Round::Ask(ask), None) => Ok(Outcome::Reply(Reply::result(self.render_ask(id, &ask)))),
            (Round::Ask(ask), Some(session)) => {
                let put = self.desk.put(&session.holder, id, ask).await.map_err(Fault::not_asked)?;
                talk(Stage::Asking(put), Some(session), listener, rendering)
            }
        }
    }

    /// What one round came to.
    pub(crate) fn round(
        &self,
        rendering: &Rendering,
        correlation: Uuid,
        ended: Result<CallAnswer, CallRefused>,
    ) -> Result<Round, Fault> {
        let Rendering { id, era, called, asking, links } = rendering;
        match ended {
            Ok(CallAnswer::Done(answer)) => self.answered_with(*era, id, *called, &answer).map(Round::Reply),
            Ok(CallAnswer::Ask(_)) if *asking == Asking::NOTHING => {
                tracing::error!(%correlation, "questions for a client that can't be asked are not sent");
                self.failed(*era, id, *called, CANNOT_BE_ASKED.to_owned()).map(Round::Reply)
            }
            Ok(CallAnswer::Ask(ask)) if ask.questions.is_empty() => {
                self.failed(*era, id, *called, NOTHING_ASKED.to_owned()).map(Round::Reply)
            }
            Ok(CallAnswer::Ask(ask)) => Ok(Round::Ask(ask)),
            Ok(CallAnswer::Task(task)) => Ok(Round::Reply(self.render_created(id, &task))),
            // The code for it came with 2026-07-28: the model of an older client reads it.
            Err(refused @ (CallRefused::Capability { .. } | CallRefused::TasksNeeded { .. }))
                if *era == Era::Legacy && *called == Called::Tool =>
            {
                self.failed(*era, id, *called, refused.to_string()).map(Round::Reply)
            }
            // Only a tool's result can carry a challenge.
            Err(refused) => {
                let links = *links && *called == Called::Tool;
                match links.then(|| self.challenges.result(&refused)).flatten() {
                    Some(answer) => Ok(Round::Reply(Reply::result(self.render_tool(*era, id, &answer)))),
                    None => Err(Fault::refused(*era, &refused, correlation, &self.challenges)),
                }
            }
        }
    }
}
