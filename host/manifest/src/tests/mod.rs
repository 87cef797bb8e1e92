//! Tests of the whole crate through its public face.

mod crm;
mod diff;
mod docs;
mod notes;
mod policy;
mod refusals;
mod release;
mod schemas;
mod strategy;

use crate::{Digest, Manifest, Package};

/// The example of DESIGN section 6, as far as capabilities of kind `kv` go.
const NOTES: &str = r#"manifest = 1

[plugin]
name = "notes"
version = "1.2.0"
component = "notes.wasm"
publisher = "example"
summary = "Personal notes, kept in this host"
support = "mailto:support@example.com"
privacy_policy = "https://example.com/privacy"

[capability.notebook]
kind = "kv"
partition = "user"              # user | shared
quota = "4 MiB"

[limits]
memory = "32 MiB"
fuel = 200_000_000
time = "5 s"

[[tool]]
name = "create"                 # on the wire: notes_create
title = "Create a note"
description = "Use this when the person asks to save a note. Do not use to change or delete notes."
label = "write"
uses = ["notebook:write"]
scopes = ["notes:write"]
input = "schemas/create.json"
output = "schemas/note.json"

[[tool]]
name = "search"
title = "Search notes"
description = "Use this to find notes by a word in them."
uses = ["notebook:read"]
scopes = ["notes:read"]
input = "schemas/search.json"
"#;

const CREATE: &str = r#"{
  "type": "object",
  "properties": { "text": { "type": "string", "maxLength": 4000 } },
  "required": ["text"]
}"#;

const NOTE: &str = r#"{ "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] }"#;

const SEARCH: &str = r#"{ "type": "object", "properties": { "word": { "type": "string" } } }"#;

/// The other half of it: capabilities of the kinds `http` and `files`.
const CRM: &str = r#"manifest = 1

[plugin]
name = "crm"
version = "0.1.0"
component = "crm.wasm"
publisher = "example"
summary = "Contacts of the sales team"

[capability.crm]
kind = "http"
origin = "https://api.crm.example"
allow = ["GET /v1/contacts/*", "POST /v1/notes"]
secret = { name = "crm_token", header = "authorization", value = "Bearer {}" }
redirects = 1

[capability.exports]
kind = "files"
partition = "user"

[[tool]]
name = "find"
title = "Find a contact"
description = "Use this to find a contact."
uses = ["crm:read"]

[[tool]]
name = "note"
title = "Add a note"
description = "Use this to add a note to a contact."
confirm = "person"
preview = "partial"
ask = ["form"]
uses = ["crm:write", "exports:write"]
"#;

fn crm() -> Manifest {
    Manifest::parse(CRM).unwrap()
}

fn crm_package(text: &str) -> Package {
    Package::new(Manifest::parse(text).unwrap(), |_| None, Digest::of(b"component")).unwrap()
}

fn notes() -> Manifest {
    Manifest::parse(NOTES).unwrap()
}

fn notes_file(name: &str) -> Option<Vec<u8>> {
    match name {
        "schemas/create.json" => Some(CREATE.into()),
        "schemas/note.json" => Some(NOTE.into()),
        "schemas/search.json" => Some(SEARCH.into()),
        _ => None,
    }
}

fn notes_package() -> Package {
    Package::new(notes(), notes_file, Digest::of(b"component")).unwrap()
}
