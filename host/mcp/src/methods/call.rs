//! `tools/call`: the hot path.

use portcullis_backend::{Ask, Asking, Backend, CallAnswer, ToolAnswer, ToolRequest};
use portcullis_manifest::Principal;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::SERVER_INFO;
use crate::{
    asking::{self, Holder, NOTHING_ASKED, Talk},
    codec::{Capabilities, Field, Id, Meta, Params},
    era::Era,
    fault::Fault,
    headers,
    http::takes_events,
    protocol::{Protocol, Via},
    reply::{self, Outcome, Reply, write},
};

/// Room for an answer before its buffer has to grow.
const ROOM: usize = 512;

const CANNOT_BE_ASKED: &str =
    "the tool has a question to the person, and this client has not said that it can ask them (elicitation)";

impl<B: Backend> Protocol<B> {
    pub(crate) async fn call_tool(
        &self,
        principal: &Principal,
        via: Via<'_>,
        era: Era,
        id: &Id,
        params: Params,
    ) -> Result<Outcome, Fault> {
        let Field::Is(tool) = params.name else {
            return Err(Fault::params("`params.name` must be a string: the name of a tool"));
        };
        let arguments = match params.arguments {
            Field::Is(arguments) => arguments,
            Field::Absent => Map::new(),
            Field::Wrong => return Err(Fault::params("`params.arguments` must be an object")),
        };
        if let Via::Http { headers, .. } = via {
            let list = self.backend.tools(principal);
            let found = list.tools.binary_search_by(|listed| listed.name.as_str().cmp(&tool));
            // A tool that is not in the list is refused by the backend, which audits it.
            if let Ok(at) = found {
                self.mirrors.agree(era, &list.tools[at], &arguments, headers)?;
            }
        }
        let meta = if let Field::Is(meta) = params.meta { meta } else { Meta::default() };
        // Decided before the call: a tool must not ask whom nobody can ask.
        let (asking, holder, resume) = match era {
            Era::Modern => {
                let form = meta.capabilities == Field::Is(Capabilities { form: true });
                let resume = asking::resume(params.input_responses, params.request_state)?;
                (if form { Asking::Form } else { Asking::Nothing }, None, resume)
            }
            Era::Legacy => match self.can_be_asked(principal, via) {
                Some(holder) => (Asking::Form, Some(holder), None),
                None => (Asking::Nothing, None, None),
            },
        };
        let correlation = Uuid::now_v7();
        let preview = meta.preview == Field::Is(true);
        let (principal, locale) = (principal.clone(), meta.locale);
        let source = if let Via::Http { source, .. } = via { source } else { None };
        let request = ToolRequest { correlation, principal, tool, arguments, locale, preview, asking, resume, source };
        // Only a client that can be asked in the middle of its call pays for what the next round needs.
        let again = holder.map(|holder| (holder, request.clone()));
        let done = |answer: &ToolAnswer| Outcome::Reply(Reply::result(self.render(era, id, answer)));
        match self.backend.call(request).await {
            Ok(CallAnswer::Done(answer)) => Ok(done(&answer)),
            Ok(CallAnswer::Ask(_)) if asking == Asking::Nothing => {
                tracing::error!(%correlation, "questions for a client that can't be asked are not sent");
                Ok(done(&ToolAnswer::error(CANNOT_BE_ASKED)))
            }
            Ok(CallAnswer::Ask(ask)) if ask.questions.is_empty() => Ok(done(&ToolAnswer::error(NOTHING_ASKED))),
            Ok(CallAnswer::Ask(ask)) => match again {
                None => Ok(Outcome::Reply(Reply::result(self.render_ask(id, &ask)))),
                Some((holder, request)) => {
                    let over_http = matches!(via, Via::Http { .. });
                    let put = self.desk.put(&holder, id, ask).map_err(Fault::too_many_questions)?;
                    Ok(Outcome::Talk(Box::new(Talk { id: id.clone(), holder, request, put, over_http })))
                }
            },
            Err(refused) => {
                // On a stream nobody can answer a challenge: whoever holds it is who calls.
                let links = meta.links_accounts && matches!(via, Via::Http { .. });
                match links.then(|| self.challenges.result(&refused)).flatten() {
                    Some(answer) => Ok(done(&answer)),
                    None => Err(Fault::refused(&refused, correlation, &self.challenges)),
                }
            }
        }
    }

    /// Whether questions can be sent to a legacy client while it waits for this call. Over HTTP they come as events, which
    /// it has to take.
    fn can_be_asked(&self, principal: &Principal, via: Via<'_>) -> Option<Holder> {
        match via {
            Via::Http { headers: fields, .. } if !fields.contains_key(headers::SESSION) || !takes_events(fields) => {
                None
            }
            via => self.holder(principal, via),
        }
    }

    /// `InputRequiredResult`: the questions, and what the client has to send back with the replies.
    fn render_ask(&self, id: &Id, ask: &Ask) -> Vec<u8> {
        let mut out = reply::open(id, ROOM + ask.state.len());
        out.extend_from_slice(br#"{"resultType":"input_required","inputRequests":{"#);
        for (at, question) in ask.questions.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write(&mut out, &question.key);
            out.extend_from_slice(br#":{"method":"elicitation/create","params":"#);
            asking::write_params(&mut out, question);
            out.push(b'}');
        }
        out.extend_from_slice(br#"},"requestState":"#);
        write(&mut out, &ask.state);
        self.render_meta(&mut out, Era::Modern, None);
        out.push(b'}');
        reply::close(out)
    }

    pub(crate) fn render(&self, era: Era, id: &Id, answer: &ToolAnswer) -> Vec<u8> {
        let mut out = reply::open(id, ROOM);
        out.extend_from_slice(br#"{"content":"#);
        write(&mut out, &answer.content);
        if let Some(structured) = &answer.structured {
            out.extend_from_slice(br#","structuredContent":"#);
            write(&mut out, structured);
        }
        if answer.is_error {
            out.extend_from_slice(br#","isError":true"#);
        }
        if era == Era::Modern {
            out.extend_from_slice(br#","resultType":"complete""#);
        }
        self.render_meta(&mut out, era, answer.meta.as_ref());
        out.push(b'}');
        reply::close(out)
    }

    fn render_meta(&self, out: &mut Vec<u8>, era: Era, meta: Option<&Value>) {
        let of_tool = meta.and_then(Value::as_object);
        if era == Era::Legacy && of_tool.is_none() {
            return;
        }
        out.extend_from_slice(br#","_meta":{"#);
        let mut first = true;
        // Only the server names itself: a plugin's word for it is left out.
        for (key, value) in of_tool.into_iter().flatten().filter(|(key, _)| *key != SERVER_INFO) {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            write(out, key);
            out.push(b':');
            write(out, value);
        }
        if era == Era::Modern {
            if !first {
                out.push(b',');
            }
            out.extend_from_slice(self.texts.server_member.as_bytes());
        }
        out.push(b'}');
    }
}
