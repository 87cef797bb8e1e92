//! Who calls, as the sandbox sees it: what a guest is told, and whose rows and files it finds.

mod persons;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_admission::{ApprovedTool, Asked, Callable, Confirmation, Decision, Fixed, Given, Schema, decide};
use portcullis_egress::{EgressConfig, NameServers, ResolverConfig};
use portcullis_manifest::{
    Access, Capability, Confirm, FilesCapability, Fingerprint, Grants, Hint, KvCapability, Label, Limits, Principal,
    Scope,
};
use portcullis_store::sqlite::{OwnerLock, SqliteStore};
use serde_json::{Map, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

/// No secret: what must never be found is told apart by a word that stands in it.
const KEY: [u8; 32] = *b"canary of the pseudonyms' key...";

const FIXED: Fixed = Fixed { seed: [7; 32], clock: 1, call: Uuid::from_u128(0xca11) };

/// A store of its own, and all else that host functions stand on.
fn services(home: &TempDir) -> Services {
    let data = home.path().join("data");
    let owner = OwnerLock::take(&data).unwrap();
    let store = Arc::new(SqliteStore::open(&data, &owner).unwrap());
    let resolver = ResolverConfig { name_servers: NameServers::Listed(Vec::new()), ..ResolverConfig::default() };
    let egress = Egress::start(EgressConfig { resolver, ..EgressConfig::default() }).unwrap();
    Services { store, pseudonyms: Pseudonyms::new(KEY), egress: Arc::new(egress), boundary: Arc::default() }
}

fn scopes<S: FromIterator<Scope>>(names: &[&str]) -> S {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Somebody whose token says more than a plugin may know.
fn person(issuer: &str, subject: &str, held: &[&str]) -> Principal {
    let groups = BTreeSet::from(["canary-group".to_owned()]);
    let roles = BTreeSet::from([portcullis_manifest::Role::Approver]);
    Principal::subject(issuer, subject, Grants { scopes: scopes(held), groups, roles }).through("canary-client")
}

fn tool(label: Label, confirm: Confirm) -> ApprovedTool {
    let grant = |name: &str, capability| Grant { name: name.parse().unwrap(), access: Access::Write, capability };
    let kv = |partition| Capability::Kv(KvCapability { partition, quota: 1 << 16, keys: 100 });
    let files = |partition| Capability::Files(FilesCapability { partition, quota: 1 << 16, files: 100 });
    let grants = match label {
        Label::Read => Vec::new(),
        _ => vec![
            grant("notebook", kv(Partition::User)),
            grant("board", kv(Partition::Shared)),
            grant("desk", files(Partition::User)),
            grant("shelf", files(Partition::Shared)),
        ],
    };
    ApprovedTool {
        kind: Callable::Tool,
        release: Fingerprint([0; 32]),
        plugin: "told".parse().unwrap(),
        plugin_scopes: scopes(&["told:more", "told:most", "told:read"]),
        name: "tell".parse().unwrap(),
        wire: "told_tell".parse().unwrap(),
        label,
        grants,
        confirm,
        partial: false,
        ask: Vec::new(),
        hints: vec![Hint::Locale, Hint::Location],
        parameters: Vec::new(),
        scopes: Vec::new(),
        without_sign_in: label == Label::Read,
        task: portcullis_manifest::TaskSupport::Never,
        input: Schema::compile(&json!({ "type": "object" })).unwrap(),
        output: None,
        limits: Limits::default(),
    }
}

/// The permit for a call of `tool`, and whether it is for a preview that is to be confirmed.
fn permit(tool: ApprovedTool, principal: Principal, confirmation: Option<Confirmation>) -> Permit {
    let asked = Asked {
        principal,
        tool: Arc::new(tool),
        given: Given::Tool(Map::from_iter([("said".to_owned(), "by the model".into())])),
        correlation: Uuid::from_u128(0xbee),
        hints: BTreeMap::from([
            (Hint::Locale, json!("de-CH")),
            (Hint::Location, json!({ "city": "Chur" })),
            (Hint::Subject, json!("canary hint")),
            (Hint::UserAgent, json!("canary browser")),
        ]),
        preview: false,
        person: false,
        answered: None,
        confirmation,
    };
    match decide(asked, || FIXED) {
        Decision::Permit(permit) | Decision::Confirm(permit, _) => permit,
        other => panic!("{other:?}"),
    }
}

/// A call of `principal`, as far as a guest could have come.
fn call(services: &Arc<Services>, principal: &Principal) -> CallState {
    let permit = permit(tool(Label::Write, Confirm::None), principal.clone(), None);
    let deadline = Instant::now() + Duration::from_secs(60);
    let around =
        Around { services: services.clone(), assets: Arc::default(), witness: None, notices: Notices::new(None, 0) };
    CallState::new(permit, around, Limiter::new(1 << 20, 1000), deadline)
}
