//! What comes of a call, as the results of the methods that call: every answer, and the questions of revision 2026-07-28.

use portcullis_backend::{
    Answer, AnsweredBy, Ask, Asking, Backend, Completion, PromptAnswer, ResourceAnswer, Target, ToolAnswer,
};
use serde_json::Value;

use super::{SERVER_INFO, list};
use crate::{
    asking,
    codec::Id,
    era::Era,
    fault::Fault,
    protocol::Protocol,
    reply::{self, Reply, write},
};

/// Room for an answer before its buffer has to grow.
const ROOM: usize = 512;

/// What is called, which is what the answer has to be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    Tool,
    Resource,
    Prompt,
    Completion,
}

/// What a call's end is rendered by.
#[derive(Clone, Debug)]
pub(crate) struct Rendering {
    pub(crate) id: Id,
    pub(crate) era: Era,
    pub(crate) called: Called,
    pub(crate) asking: Asking,
    /// Whether a challenge goes into a result: the client links accounts on results, or a status of 200 has gone out.
    pub(crate) links: bool,
}

/// What comes of one round of a call.
pub(crate) enum Round {
    Reply(Reply),
    /// At least one question, for a client that can be asked.
    Ask(Ask),
}

impl Called {
    pub(crate) fn of(target: &Target) -> Self {
        match target {
            Target::Tool { .. } => Self::Tool,
            Target::Resource { .. } => Self::Resource,
            Target::Prompt { .. } => Self::Prompt,
            Target::Completion { .. } => Self::Completion,
        }
    }
}

impl<B: Backend> Protocol<B> {
    pub(crate) fn answered_with(&self, era: Era, id: &Id, called: Called, answer: &Answer) -> Result<Reply, Fault> {
        let body = match (called, answer) {
            (Called::Tool, Answer::Tool(answer)) => self.render_tool(era, id, answer),
            (Called::Resource, Answer::Resource(answer)) => self.render_resource(era, id, answer),
            (Called::Prompt, Answer::Prompt(answer)) => self.render_prompt(era, id, answer),
            (Called::Completion, Answer::Completion(answer)) => self.render_completion(era, id, answer),
            _ => {
                tracing::error!(?called, "the backend answered with something else than was called");
                return Err(Fault::internal());
            }
        };
        Ok(Reply::result(body))
    }

    /// A call that can't go on. What came of a tool a model reads; of anything else there is no result that could say so.
    pub(crate) fn failed(&self, era: Era, id: &Id, called: Called, text: String) -> Result<Reply, Fault> {
        match called {
            Called::Tool => Ok(Reply::result(self.render_tool(era, id, &ToolAnswer::error(text)))),
            Called::Resource | Called::Prompt | Called::Completion => Err(Fault::failed(text)),
        }
    }

    pub(crate) fn render_tool(&self, era: Era, id: &Id, answer: &ToolAnswer) -> Vec<u8> {
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
        self.finish(out, era, answer.meta.as_ref())
    }

    /// A plugin's may be cached for as long as it takes to read it: whether it is the same for anybody else, or in a moment,
    /// only the plugin knows. What stands in a release is good for as long as the list is that names it.
    fn render_resource(&self, era: Era, id: &Id, answer: &ResourceAnswer) -> Vec<u8> {
        let mut out = reply::open(id, ROOM);
        out.extend_from_slice(br#"{"contents":"#);
        write(&mut out, &answer.contents);
        if era == Era::Modern {
            let (ttl, scope) = match answer.by {
                AnsweredBy::Plugin => (0, "private"),
                AnsweredBy::Release { varies: true } => (list::TTL_MS, "private"),
                AnsweredBy::Release { varies: false } => (list::TTL_MS, "public"),
            };
            out.extend_from_slice(format!(r#","ttlMs":{ttl},"cacheScope":"{scope}""#).as_bytes());
        }
        self.finish(out, era, None)
    }

    fn render_prompt(&self, era: Era, id: &Id, answer: &PromptAnswer) -> Vec<u8> {
        let mut out = reply::open(id, ROOM);
        out.extend_from_slice(br#"{"messages":"#);
        write(&mut out, &answer.messages);
        if let Some(description) = &answer.description {
            out.extend_from_slice(br#","description":"#);
            write(&mut out, description);
        }
        self.finish(out, era, None)
    }

    fn render_completion(&self, era: Era, id: &Id, answer: &Completion) -> Vec<u8> {
        let mut out = reply::open(id, ROOM);
        out.extend_from_slice(br#"{"completion":{"values":"#);
        write(&mut out, &answer.values);
        if let Some(total) = answer.total {
            out.extend_from_slice(br#","total":"#);
            write(&mut out, &total);
        }
        out.extend_from_slice(if answer.has_more { br#","hasMore":true}"# } else { br#","hasMore":false}"# });
        self.finish(out, era, None)
    }

    /// `InputRequiredResult`: the questions, and what the client has to send back with the replies.
    pub(crate) fn render_ask(&self, id: &Id, ask: &Ask) -> Vec<u8> {
        let mut out = reply::open(id, ROOM + ask.state.len());
        out.extend_from_slice(br#"{"resultType":"input_required","inputRequests":"#);
        asking::write_all(&mut out, &ask.questions);
        out.extend_from_slice(br#","requestState":"#);
        write(&mut out, &ask.state);
        self.render_meta(&mut out, Era::Modern, None);
        out.push(b'}');
        reply::close(out)
    }

    /// Ends a result that has come.
    fn finish(&self, mut out: Vec<u8>, era: Era, meta: Option<&Value>) -> Vec<u8> {
        if era == Era::Modern {
            out.extend_from_slice(br#","resultType":"complete""#);
        }
        self.render_meta(&mut out, era, meta);
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
