//! `tools/call`, `resources/read`, `prompts/get` and `completion/complete`: what each of them calls.

use std::collections::BTreeMap;

use portcullis_backend::{Backend, ListKind, Reference, Target};
use portcullis_manifest::Principal;
use serde_json::{Map, Value};

use crate::{
    codec::{Field, Id, Params},
    era::Era,
    fault::Fault,
    protocol::{Protocol, Via},
    reply::Outcome,
};

const REFERENCE: &str = "`params.ref` must be an object: `type` is \"ref/prompt\" and `name` a prompt's, or `type` is \
    \"ref/resource\" and `uri` one that resources/templates/list has";
const ARGUMENT: &str = "`params.argument` must be an object with `name` and `value`, both strings";
const CONTEXT: &str = "`params.context` must be an object, and its `arguments` one whose members are strings";

impl<B: Backend> Protocol<B> {
    pub(crate) async fn call_tool(
        &self,
        principal: &Principal,
        via: Via<'_>,
        era: Era,
        id: &Id,
        mut params: Params,
    ) -> Result<Outcome, Fault> {
        let Field::Is(name) = params.name.take() else {
            return Err(Fault::params("`params.name` must be a string: the name of a tool"));
        };
        let arguments = match params.arguments.take() {
            Field::Is(arguments) => arguments,
            Field::Absent => Map::new(),
            Field::Wrong => return Err(Fault::params("`params.arguments` must be an object")),
        };
        if let Via::Http { headers, .. } = via {
            let list = self.backend.list(ListKind::Tools, principal);
            let found = list.items.binary_search_by(|listed| (*listed.key).cmp(&name));
            // A tool that is not in the list is refused by the backend, which audits it.
            if let Ok(at) = found {
                self.mirrors.agree(era, &list.items[at], &arguments, headers)?;
            }
        }
        self.call(principal, via, era, id, Target::Tool { name, arguments }, params).await
    }

    pub(crate) async fn read_resource(
        &self,
        principal: &Principal,
        via: Via<'_>,
        era: Era,
        id: &Id,
        mut params: Params,
    ) -> Result<Outcome, Fault> {
        let Field::Is(uri) = params.uri.take() else {
            return Err(Fault::params("`params.uri` must be a string: the URI of a resource"));
        };
        self.call(principal, via, era, id, Target::Resource { uri }, params).await
    }

    pub(crate) async fn get_prompt(
        &self,
        principal: &Principal,
        via: Via<'_>,
        era: Era,
        id: &Id,
        mut params: Params,
    ) -> Result<Outcome, Fault> {
        let Field::Is(name) = params.name.take() else {
            return Err(Fault::params("`params.name` must be a string: the name of a prompt"));
        };
        let arguments = strings(params.arguments.take())
            .ok_or_else(|| Fault::params("`params.arguments` must be an object whose members are strings"))?;
        self.call(principal, via, era, id, Target::Prompt { name, arguments }, params).await
    }

    pub(crate) async fn complete(
        &self,
        principal: &Principal,
        via: Via<'_>,
        era: Era,
        id: &Id,
        mut params: Params,
    ) -> Result<Outcome, Fault> {
        let reference = reference(params.reference.take()).ok_or_else(|| Fault::params(REFERENCE))?;
        let (argument, value) = argument(params.argument.take()).ok_or_else(|| Fault::params(ARGUMENT))?;
        let context = context(params.context.take()).ok_or_else(|| Fault::params(CONTEXT))?;
        let target = Target::Completion { reference, argument, value, context };
        self.call(principal, via, era, id, target, params).await
    }
}

/// An object whose members are strings; an empty one, where there is none.
fn strings(field: Field<Map<String, Value>>) -> Option<BTreeMap<String, String>> {
    let text = |(key, value)| if let Value::String(text) = value { Some((key, text)) } else { None };
    match field {
        Field::Is(members) => members.into_iter().map(text).collect(),
        Field::Absent => Some(BTreeMap::new()),
        Field::Wrong => None,
    }
}

fn reference(field: Field<Map<String, Value>>) -> Option<Reference> {
    let Field::Is(mut members) = field else { return None };
    let kind = text(&mut members, "type")?;
    match kind.as_str() {
        "ref/prompt" => text(&mut members, "name").map(Reference::Prompt),
        "ref/resource" => text(&mut members, "uri").map(Reference::Resource),
        _ => None,
    }
}

fn argument(field: Field<Map<String, Value>>) -> Option<(String, String)> {
    let Field::Is(mut members) = field else { return None };
    Some((text(&mut members, "name")?, text(&mut members, "value")?))
}

fn context(field: Field<Map<String, Value>>) -> Option<BTreeMap<String, String>> {
    match field {
        Field::Is(mut members) => strings(match members.remove("arguments") {
            Some(Value::Object(arguments)) => Field::Is(arguments),
            Some(_) => Field::Wrong,
            None => Field::Absent,
        }),
        Field::Absent => Some(BTreeMap::new()),
        Field::Wrong => None,
    }
}

fn text(members: &mut Map<String, Value>, key: &str) -> Option<String> {
    if let Some(Value::String(text)) = members.remove(key) { Some(text) } else { None }
}
