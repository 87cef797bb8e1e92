//! Arbitrary valid manifests and packages.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{collection, option, prelude::*, sample};
use serde_json::{Value, json};

use crate::{
    Access, AskKind, Capability, CapabilityName, Confirm, Digest, FilesCapability, HARD_LIMITS, KvCapability, LIMITS,
    Label, Limits, Manifest, Package, Partition, PluginInfo, Preview, Tool, Use,
    http::{Boundary, HttpCapability, HttpRule, OriginPattern, SecretSlot},
    policy,
};

pub(super) fn limits() -> impl Strategy<Value = Limits> {
    let rows: Vec<_> = LIMITS.iter().map(|row| row.bounds.minimum..=row.bounds.maximum).collect();
    rows.prop_map(|amounts| {
        let mut limits = Limits { time: Duration::ZERO, ..HARD_LIMITS };
        LIMITS.iter().zip(amounts).for_each(|(row, amount)| row.set(&mut limits, amount));
        limits
    })
}

/// Text of one line that an author may write, with what TOML has to escape.
fn line() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 \"'\\\\#=\\[\\]éß日本🧭.,-]{0,30}[a-z]"
}

fn version() -> impl Strategy<Value = String> {
    "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})(-[a-z]{1,4}\\.(0|[1-9][0-9]{0,2}))?(\\+[a-z0-9]{1,6})?"
}

fn plugin() -> impl Strategy<Value = PluginInfo> {
    let file = "[a-z]{1,8}/[a-z]{1,8}\\.wasm";
    let support =
        prop_oneof![Just("mailto:help@example.com".to_owned()), "https://[a-z]{1,8}\\.example/[a-z?=&#]{0,8}"];
    let page = "https://[a-z]{1,8}\\.example(:[1-9][0-9]{1,3})?/[a-z]{0,8}";
    ("[a-z][a-z0-9-]{0,39}", version(), file, line(), line(), option::of(support), option::of(page)).prop_map(
        |(name, version, component, publisher, summary, support, privacy_policy)| PluginInfo {
            name: name.parse().unwrap(),
            version,
            component,
            publisher,
            summary,
            support,
            privacy_policy,
        },
    )
}

/// Few hosts, so that origins meet; with a wildcard, a port, an international name.
pub(super) fn origin() -> impl Strategy<Value = OriginPattern> {
    let host = sample::select(vec![
        "a.example.com",
        "b.example.com",
        "*.example.com",
        "*.b.example.com",
        "xn--bcher-kva.example",
        "internal",
    ]);
    let port = sample::select(vec!["", ":8443", ":80"]);
    let scheme = sample::select(vec!["https", "https", "http"]);
    (scheme, host, port).prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}").parse().unwrap())
}

/// What an operator could call inside.
pub(super) fn inside() -> impl Strategy<Value = Vec<OriginPattern>> {
    collection::vec(origin(), 0..6)
}

fn rule() -> impl Strategy<Value = HttpRule> {
    let method = sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    (method, "(/[a-z0-9._~]{0,6}[a-z]|/\\*){1,4}(/\\*\\*)?")
        .prop_map(|(method, path)| format!("{method} {path}").parse().unwrap())
}

fn secret() -> impl Strategy<Value = SecretSlot> {
    ("[a-z][a-z0-9_-]{0,20}", "(authorization|cookie|x-[a-z]{1,8})", "[A-Z]{0,6}[\"'\\\\ ]{0,2}", "[a-z=\"]{0,4}")
        .prop_map(|(name, header, before, after)| {
            SecretSlot::new(&name, &header, format!("{before}{{}}{after}").trim()).unwrap()
        })
}

fn http() -> impl Strategy<Value = HttpCapability> {
    let allow =
        collection::btree_set(rule(), 1..5).prop_map(|rules| rules.into_iter().collect::<Vec<_>>()).prop_shuffle();
    (origin(), allow, option::of(secret()), 0..=3_u8, 0..=3_u8).prop_map(
        |(origin, allow, secret, redirects, retries)| {
            // Only some origins may have a secret.
            HttpCapability::new(origin.clone(), allow.clone(), secret, redirects, retries)
                .unwrap_or_else(|_| HttpCapability::new(origin, allow, None, redirects, retries).unwrap())
        },
    )
}

fn capability() -> impl Strategy<Value = (CapabilityName, Capability)> {
    let partition = || prop_oneof![Just(Partition::User), Just(Partition::Shared)];
    let quota = 1024..=67_108_864_u64;
    let kv = (partition(), quota.clone(), 1..=100_000_u64)
        .prop_map(|(partition, quota, keys)| Capability::Kv(KvCapability { partition, quota, keys }));
    let files = (partition(), quota, 1..=10_000_u64)
        .prop_map(|(partition, quota, files)| Capability::Files(FilesCapability { partition, quota, files }));
    let http = http().prop_map(|http| Capability::Http(Arc::new(http)));
    ("[a-d][_-]?[0-9]?", prop_oneof![kv, http, files])
        .prop_map(|(name, capability)| (name.parse().unwrap(), capability))
}

type Wanted = (sample::Index, bool);

/// Everything of a tool but its name and its label; `uses` as indexes into whatever capabilities there are, confirmation and
/// preview as what is taken where the tool may have it.
type ToolParts = (String, String, u8, (u8, bool, bool), Vec<Wanted>, Vec<String>, bool, bool);

fn tool_parts() -> impl Strategy<Value = ToolParts> {
    let uses = collection::vec((any::<sample::Index>(), any::<bool>()), 0..4);
    let scopes = collection::btree_set("[a-z]{1,6}:[a-z]{1,6}", 0..3);
    let scopes = scopes.prop_map(|scopes| scopes.into_iter().collect());
    let asking = (0..3_u8, any::<bool>(), any::<bool>());
    (line(), "[a-zA-Z0-9 \n\"\\\\.,é]{0,60}[a-z]", 0..3_u8, asking, uses, scopes, any::<bool>(), any::<bool>())
}

/// Any valid manifest.
pub(super) fn manifest() -> impl Strategy<Value = Manifest> {
    let capabilities = collection::vec(capability(), 0..5);
    let tools = collection::btree_map("[a-z][a-z0-9_]{0,12}", tool_parts(), 1..5);
    (plugin(), capabilities, limits(), tools).prop_map(|(plugin, capabilities, limits, tools)| {
        let capabilities: indexmap::IndexMap<_, _> = capabilities.into_iter().collect();
        let tools = tools.into_iter().map(|(name, parts)| tool(&name, parts, &capabilities)).collect();
        Manifest { plugin, capabilities, limits, tools }
    })
}

fn tool(name: &str, parts: ToolParts, capabilities: &indexmap::IndexMap<CapabilityName, Capability>) -> Tool {
    let (title, description, raised, (confirm, partial, ask), wanted, scopes, input, output) = parts;
    let mut uses: Vec<Use> = Vec::new();
    for (index, write) in wanted.into_iter().filter(|_| !capabilities.is_empty()) {
        let (capability, _) = capabilities.get_index(index.index(capabilities.len())).unwrap();
        if uses.iter().all(|other| other.capability != *capability) {
            let access = if write { Access::Write } else { Access::Read };
            uses.push(Use { capability: capability.clone(), access });
        }
    }
    let computed = policy::effect(&uses, capabilities, &Boundary::everything()).label();
    let label = computed.max([Label::Read, Label::Write, Label::Destructive][usize::from(raised)]);
    let confirm = match [Confirm::None, Confirm::Preview, Confirm::Person][usize::from(confirm)] {
        confirm if label.writes() => confirm.max(Confirm::least(label)),
        _ => Confirm::None,
    };
    let partial = partial && confirm > Confirm::None && policy::sends(&uses, capabilities);
    Tool {
        name: name.parse().unwrap(),
        title,
        description,
        label,
        confirm,
        preview: if partial { Preview::Partial } else { Preview::Whole },
        ask: if ask { vec![AskKind::Form] } else { Vec::new() },
        uses,
        scopes: scopes.into_iter().map(|scope| scope.parse().unwrap()).collect(),
        input: input.then(|| format!("schemas/{name}.json")),
        output: output.then(|| "schemas/result.json".to_owned()),
    }
}

/// Any schema of a small language, valid by construction.
fn schema() -> impl Strategy<Value = Value> {
    let members = collection::btree_map("[a-z]{1,5}", (0..100_u64, any::<bool>()), 0..4);
    (members, any::<bool>()).prop_map(|(members, open)| {
        let member = |(name, (length, number)): (String, (u64, bool))| {
            let schema = if number {
                json!({ "type": "integer", "minimum": length, "description": "A number" })
            } else {
                json!({ "type": "string", "maxLength": length })
            };
            (name, schema)
        };
        let properties: serde_json::Map<_, _> = members.into_iter().map(member).collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": open })
    })
}

/// Any valid package.
pub(super) fn package() -> impl Strategy<Value = Package> {
    (manifest(), collection::vec(schema(), 6), any::<[u8; 32]>()).prop_map(|(manifest, schemas, digest)| {
        let files: BTreeMap<String, Arc<Value>> = manifest
            .tools
            .iter()
            .flat_map(|tool| [tool.input.clone(), tool.output.clone()])
            .flatten()
            .zip(schemas.into_iter().cycle())
            .map(|(name, schema)| (name, Arc::new(schema)))
            .collect();
        let read = |name: &str| files.get(name).map(|schema| schema.to_string().into_bytes());
        Package::new(manifest, read, Digest(digest)).unwrap()
    })
}
