//! What the backend for tests lists, and what it says has changed.

use std::sync::Arc;

use portcullis_backend::{Descriptor, List, ListKind, Touched};
use portcullis_manifest::{Principal, PrincipalKey};
use serde_json::{json, value::RawValue};

#[derive(Debug)]
pub(super) struct Touch {
    pub(super) uri: &'static str,
    pub(super) subject: Option<&'static str>,
}

impl Touched for Touch {
    fn covers(&self, principal: &Principal, uri: &str) -> bool {
        self.uri == uri && self.subject.is_none_or(|subject| subject_of(principal) == Some(subject))
    }
}

pub(super) fn subject_of(principal: &Principal) -> Option<&str> {
    if let PrincipalKey::Subject { subject, .. } = principal.key() { Some(subject) } else { None }
}

pub(super) fn list(kind: ListKind, generation: u64, names: impl IntoIterator<Item = String>) -> Arc<List> {
    let items = names.into_iter().map(|name| Descriptor { json: descriptor(kind, &name), key: name.into() });
    Arc::new(List { generation, varies: true, items: items.collect() })
}

fn descriptor(kind: ListKind, name: &str) -> Arc<RawValue> {
    let schema = match name {
        "placed" => json!({ "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "size": { "type": "object", "properties": { "count": { "type": "integer", "x-mcp-header": "Count" } } },
            "dry": { "type": "boolean", "x-mcp-header": "Dry-Run" },
        } }),
        _ => json!({ "type": "object" }),
    };
    let item = match kind {
        ListKind::Tools => json!({ "name": name, "description": "a tool\nfor tests", "inputSchema": schema }),
        ListKind::Resources => json!({ "uri": name, "name": name, "mimeType": "text/plain", "size": 3 }),
        ListKind::Templates => json!({ "uriTemplate": name, "name": "page", "title": "Any page" }),
        ListKind::Prompts => {
            json!({ "name": name, "arguments": [{ "name": "who", "description": "whom", "required": true }] })
        }
    };
    // Written over several lines: no transport may be confused by that.
    RawValue::from_string(serde_json::to_string_pretty(&item).unwrap()).unwrap().into()
}
