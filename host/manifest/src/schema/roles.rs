//! What depends on where a schema is used: arguments are closed, have a reserved name and may be mirrored into headers.

use super::{
    Found, HeaderFault, Role, SchemaRefusal, pointer,
    strict_json::{Json, Kind},
    walk::Walked,
};

/// The argument that the host adds and takes out itself (DESIGN section 6a).
pub(crate) const RESERVED: &str = "confirmation";

pub(super) fn check(root: &Json, walked: &Walked<'_>, role: Role, found: &mut Found) {
    if root.get("type").and_then(Json::as_str) != Some("object") {
        found.add_once(root.at, "", SchemaRefusal::Root);
    }
    if role == Role::Input {
        let combines = walked.nodes.first().is_some_and(|node| node.same().next().is_some());
        if combines && root.get("additionalProperties").is_none() {
            found.add_once(root.at, "", SchemaRefusal::Open);
        }
        for (schema, at) in walked.at_root().into_iter().filter_map(|number| walked.schemas.get(number)) {
            reserved(schema, at, found);
        }
    }
    headers(root, walked, role, found);
}

fn reserved(schema: &Json, at: &str, found: &mut Found) {
    if let Some(Kind::Object(members)) = schema.get("properties").map(|properties| &properties.kind) {
        for member in members.iter().filter(|member| member.name == RESERVED) {
            found.add_once(member.at, &pointer(&format!("{at}/properties"), RESERVED), SchemaRefusal::Reserved);
        }
    }
    if let Some(Kind::Array(names)) = schema.get("required").map(|required| &required.kind) {
        for (index, name) in names.iter().enumerate().filter(|(_, name)| name.as_str() == Some(RESERVED)) {
            found.add_once(name.at, &format!("{at}/required/{index}"), SchemaRefusal::Reserved);
        }
    }
}

/// Catalogue MC-15 and DESIGN section 8: parameters that clients mirror into headers, as the protocol bounds them.
fn headers(root: &Json, walked: &Walked<'_>, role: Role, found: &mut Found) {
    let mut reachable = Vec::new();
    through_properties(root, String::new(), &mut reachable);
    let mut names: Vec<String> = Vec::new();
    for (schema, at) in &walked.schemas {
        let Some(header) = schema.get("x-mcp-header") else { continue };
        let at_header = format!("{at}/x-mcp-header");
        let mut refuse = |fault| found.add_once(header.at, &at_header, SchemaRefusal::Header(fault));
        if role == Role::Output {
            refuse(HeaderFault::Output);
            continue;
        }
        if at.is_empty() || !reachable.contains(at) {
            refuse(HeaderFault::Place);
        }
        if !schema
            .get("type")
            .and_then(Json::as_str)
            .is_some_and(|name| ["string", "integer", "boolean"].contains(&name))
        {
            refuse(HeaderFault::Type);
        }
        let text = header.as_str().unwrap_or_default();
        let argument = at.rsplit('/').next().unwrap_or_default();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if text.is_empty() || text.len() > 64 || !text.bytes().all(token) {
            refuse(HeaderFault::Name(text.to_owned()));
        } else if names.iter().any(|name| name.eq_ignore_ascii_case(text)) {
            refuse(HeaderFault::Twice(text.to_owned()));
        }
        if let Some(secret) = [argument, text].into_iter().find(|name| sounds_secret(name)) {
            refuse(HeaderFault::Secret(secret.to_owned()));
        }
        names.push(text.to_owned());
    }
}

fn through_properties(schema: &Json, at: String, reachable: &mut Vec<String>) {
    if let Some(Kind::Object(members)) = schema.get("properties").map(|properties| &properties.kind) {
        for member in members {
            through_properties(&member.value, pointer(&format!("{at}/properties"), &member.name), reachable);
        }
    }
    reachable.push(at);
}

fn sounds_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["secret", "password", "passwd", "token", "credential", "apikey", "authorization", "cookie", "privatekey"]
        .iter()
        .any(|word| plain.contains(word))
}
