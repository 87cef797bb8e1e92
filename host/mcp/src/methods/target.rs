//! What `tools/call`, `resources/read`, `prompts/get` and `completion/complete` call, read from their parameters.

use std::collections::BTreeMap;

use portcullis_backend::{Reference, Target};
use serde_json::{Map, Value};

use crate::{
    codec::{Field, Method, Params},
    fault::Fault,
};

const REFERENCE: &str = "`params.ref` must be an object: `type` is \"ref/prompt\" and `name` a prompt's, or `type` is \
    \"ref/resource\" and `uri` one that resources/templates/list has";
const ARGUMENT: &str = "`params.argument` must be an object with `name` and `value`, both strings";
const CONTEXT: &str = "`params.context` must be an object, and its `arguments` one whose members are strings";

/// What a request of one of these methods calls; `None` for any other method. Takes out of `params` what says so, and refuses
/// a member that is missing or has another form.
pub(crate) fn target(method: &Method, params: &mut Params) -> Option<Result<Target, Fault>> {
    Some(match method {
        Method::CallTool => tool(params),
        Method::ReadResource => resource(params),
        Method::GetPrompt => prompt(params),
        Method::Complete => completion(params),
        _ => return None,
    })
}

fn tool(params: &mut Params) -> Result<Target, Fault> {
    let Field::Is(name) = params.name.take() else {
        return Err(Fault::params("`params.name` must be a string: the name of a tool"));
    };
    let arguments = match params.arguments.take() {
        Field::Is(arguments) => arguments,
        Field::Absent => Map::new(),
        Field::Wrong => return Err(Fault::params("`params.arguments` must be an object")),
    };
    Ok(Target::Tool { name, arguments })
}

fn resource(params: &mut Params) -> Result<Target, Fault> {
    let Field::Is(uri) = params.uri.take() else {
        return Err(Fault::params("`params.uri` must be a string: the URI of a resource"));
    };
    Ok(Target::Resource { uri })
}

fn prompt(params: &mut Params) -> Result<Target, Fault> {
    let Field::Is(name) = params.name.take() else {
        return Err(Fault::params("`params.name` must be a string: the name of a prompt"));
    };
    let arguments = strings(params.arguments.take())
        .ok_or_else(|| Fault::params("`params.arguments` must be an object whose members are strings"))?;
    Ok(Target::Prompt { name, arguments })
}

fn completion(params: &mut Params) -> Result<Target, Fault> {
    let reference = reference(params.reference.take()).ok_or_else(|| Fault::params(REFERENCE))?;
    let (argument, value) = argument(params.argument.take()).ok_or_else(|| Fault::params(ARGUMENT))?;
    let context = context(params.context.take()).ok_or_else(|| Fault::params(CONTEXT))?;
    Ok(Target::Completion { reference, argument, value, context })
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
