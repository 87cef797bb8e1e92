//! What a client is told of a tool, all of it in one place: the members of MCP's `Tool`, its hints, how it is signed in for,
//! and what clients show with it, under the names of MCP Apps and under those of ChatGPT (`openai/`).

use std::sync::Arc;

use portcullis_admission::ApprovedTool;
use portcullis_backend::Descriptor;
use portcullis_manifest::{Confirm, Hints, Package, Tool, Visibility};
use serde_json::{Map, Value, json, value::to_raw_value};

use crate::{
    Policy, ReadRelease,
    way::{ARGUMENT, output_or_preview},
};

/// The tool as it stands in `tools/list`.
pub(crate) fn of_tool(release: &ReadRelease, tool: &Tool, approved: &ApprovedTool, policy: &Policy) -> Descriptor {
    let package = &release.package;
    let hints = package.manifest.hints(tool, &policy.boundary);
    let mut descriptor = described(package, tool, approved, hints);
    let mut meta = shown(release, tool);
    if policy.signs_in {
        let schemes = security_schemes(approved);
        // Once for clients that look there, and once for those that drop members which MCP does not name.
        meta.insert("securitySchemes".to_owned(), schemes.clone());
        descriptor["securitySchemes"] = schemes;
    }
    if !meta.is_empty() {
        descriptor["_meta"] = Value::Object(meta);
    }
    rendered(approved.wire.as_str(), &descriptor)
}

/// A descriptor as it is sent, under the key that its list is sorted by.
pub(crate) fn rendered(key: &str, written: &Value) -> Descriptor {
    let json = to_raw_value(written).expect("a JSON value can be written");
    Descriptor { key: key.into(), json: Arc::from(json) }
}

/// The MCP `Tool`. All four hints are explicit (catalogue WR-01).
fn described(package: &Package, tool: &Tool, approved: &ApprovedTool, hints: Hints) -> Value {
    let mut input = package.input_schema(tool);
    if approved.confirm == Confirm::Preview {
        add_confirmation(&mut input);
    }
    let mut descriptor = json!({
        "name": approved.wire,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": input,
    });
    if let Some(output) = package.output_schema(tool) {
        // A tool that writes answers a preview in another form.
        let served = if tool.label.writes() { output_or_preview(output) } else { output.clone() };
        descriptor["outputSchema"] = served;
    }
    descriptor["annotations"] = json!({
        "title": tool.title,
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
        "openWorldHint": hints.open_world,
    });
    descriptor
}

/// How a client may call it, as ChatGPT reads it: it offers to link an account only for what says so.
fn security_schemes(tool: &ApprovedTool) -> Value {
    let signed_in = json!({ "type": "oauth2", "scopes": tool.scopes });
    if tool.is_open() { json!([{ "type": "noauth" }, signed_in]) } else { json!([signed_in]) }
}

/// What the descriptor of a tool says of what clients show: `_meta`, without what says nothing.
fn shown(release: &ReadRelease, tool: &Tool) -> Map<String, Value> {
    let manifest = &release.package.manifest;
    let mut meta = Map::new();
    let widget = tool.widget.as_ref().and_then(|name| manifest.widget(name.as_str()));
    let seen = tool.visibility;
    if widget.is_some() || seen != Visibility::ALL {
        let mut ui = json!({ "visibility": seen.words().collect::<Vec<_>>() });
        if let Some(widget) = widget {
            let uri = widget.uri(&manifest.plugin.name);
            ui["resourceUri"] = json!(uri);
            meta.insert("openai/outputTemplate".to_owned(), json!(uri));
        }
        meta.insert("ui".to_owned(), ui);
        meta.insert("openai/widgetAccessible".to_owned(), json!(seen.app));
        meta.insert("openai/visibility".to_owned(), json!(if seen.model { "public" } else { "private" }));
    }
    for (key, text) in [("invoking", &tool.invoking), ("invoked", &tool.invoked)] {
        if let Some(text) = text {
            meta.insert(format!("openai/toolInvocation/{key}"), json!(text));
        }
    }
    if !tool.file_params.is_empty() {
        meta.insert("openai/fileParams".to_owned(), json!(tool.file_params));
    }
    meta
}

/// The carrier that every client has (DESIGN section 6a).
fn add_confirmation(input: &mut Value) {
    let carrier = json!({
        "type": "string",
        "description": "Leave this out at first: the call then does nothing and answers with a preview of what it would do and a \
                        confirmation. Show the preview to the person. If they agree, repeat the call with the same arguments and \
                        the confirmation here.",
    });
    if !input["properties"].is_object() {
        input["properties"] = json!({});
    }
    input["properties"][ARGUMENT] = carrier;
}
