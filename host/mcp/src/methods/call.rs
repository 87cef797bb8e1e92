//! `tools/call`: the hot path.

use portcullis_backend::{Backend, ToolAnswer, ToolRequest};
use portcullis_manifest::Principal;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::SERVER_INFO;
use crate::{
    codec::{Field, Id, Params},
    era::Era,
    fault::Fault,
    protocol::{Protocol, Via},
    reply,
};

/// Room for an answer before its buffer has to grow.
const ROOM: usize = 512;

impl<B: Backend> Protocol<B> {
    pub(crate) async fn call_tool(
        &self,
        principal: &Principal,
        via: Via<'_>,
        era: Era,
        id: &Id,
        params: Params,
    ) -> Result<Vec<u8>, Fault> {
        let Field::Is(tool) = params.name else {
            return Err(Fault::params("`params.name` must be a string: the name of a tool"));
        };
        let arguments = match params.arguments {
            Field::Is(arguments) => arguments,
            Field::Absent => Map::new(),
            Field::Wrong => return Err(Fault::params("`params.arguments` must be an object")),
        };
        if let Via::Http(headers) = via {
            let list = self.backend.tools(principal);
            let found = list.tools.binary_search_by(|listed| listed.name.as_str().cmp(&tool));
            // A tool that is not in the list is refused by the backend, which audits it.
            if let Ok(at) = found {
                self.mirrors.agree(era, &list.tools[at], &arguments, headers)?;
            }
        }
        let locale = if let Field::Is(meta) = params.meta { meta.locale } else { None };
        let correlation = Uuid::now_v7();
        let principal = principal.clone();
        let answer = self.backend.call(ToolRequest { correlation, principal, tool, arguments, locale }).await;
        match answer {
            Ok(answer) => Ok(self.render(era, id, &answer)),
            Err(refused) => Err(Fault::refused(&refused, correlation, &self.challenges)),
        }
    }

    fn render(&self, era: Era, id: &Id, answer: &ToolAnswer) -> Vec<u8> {
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

fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("a JSON value has string keys, and a Vec takes every byte");
}
