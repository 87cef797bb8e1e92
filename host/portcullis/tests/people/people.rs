//! The host, and who calls it.

use std::{collections::BTreeMap, ffi::OsStr, sync::Arc};

use portcullis_backend::{
    Answer, Ask, Asking, Backend as _, CallAnswer, CallRefused, CallRequest, ListKind, Resume, ServerInfo, Target,
    ToolAnswer,
};
use portcullis_calls::{CapacityLimits, Host, HostConfig, Policy, RateLimits, Source};
use portcullis_egress::{Egress, EgressConfig, NameServers, ResolverConfig};
use portcullis_identity::{Authentication, AuthenticationConfig, Denials, Identity};
use portcullis_manifest::{Grants, Principal};
use portcullis_sandbox::{CompileLimits, Compiler, PoolLimits};
use portcullis_store::{
    AuditEntry, AuditFilter,
    sqlite::{OwnerLock, SqliteStore},
};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) const ISSUER: &str = "https://issuer.example";

/// Tools of the plugin, on the wire.
pub(crate) const TOOLS: [&str; 7] = ["two_ask", "two_drop", "two_get", "two_look", "two_put", "two_read", "two_scoped"];

pub(crate) struct House {
    pub(crate) host: Arc<Host>,
    pub(crate) denials: Denials,
    _lock: OwnerLock,
    _home: tempfile::TempDir,
}

/// A subject of the usual issuer, in these groups.
pub(crate) fn subject(name: &str, groups: &[&str]) -> Principal {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    Principal::subject(ISSUER, name, Grants { groups, ..Grants::default() })
}

/// The same, who holds these scopes.
pub(crate) fn holder(name: &str, scopes: &[&str]) -> Principal {
    let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    Principal::subject(ISSUER, name, Grants { scopes, ..Grants::default() })
}

/// Callers sign in.
pub(crate) fn signed_in() -> Policy {
    Policy { signs_in: true, ..Policy::default() }
}

impl House {
    /// A host that serves nothing.
    pub(crate) async fn empty(policy: Policy) -> Self {
        Self::with(policy, CapacityLimits::default()).await
    }

    pub(crate) async fn with(policy: Policy, capacity: CapacityLimits) -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let lock = OwnerLock::take(&data).unwrap();
        let store = Arc::new(SqliteStore::open(&data, &lock).unwrap());
        let resolver = ResolverConfig { name_servers: NameServers::Listed(Vec::new()), ..ResolverConfig::default() };
        let egress = Egress::start(EgressConfig { resolver, ..EgressConfig::default() }).unwrap();
        let program = OsStr::new(env!("CARGO_BIN_EXE_portcullis"));
        let compiler = Compiler::start(program, ["compile-spawner"], CompileLimits::default()).unwrap();
        let authentication = || {
            let config = AuthenticationConfig::new(ISSUER, "https://tools.example/mcp");
            Authentication::new(config, egress.clone()).unwrap()
        };
        let listener = "127.0.0.1".parse().unwrap();
        let identity = Identity::for_listener(listener, policy.signs_in.then(authentication)).unwrap();
        let server = ServerInfo {
            name: "test".to_owned(),
            title: "Test".to_owned(),
            version: "1".to_owned(),
            instructions: None,
        };
        let denials = Denials::default();
        let config = HostConfig {
            data,
            identity,
            server,
            pool: PoolLimits { calls: 4, ..PoolLimits::default() },
            capacity,
            rates: RateLimits::default(),
            four_eyes: false,
            egress,
            policy,
            denials: denials.clone(),
        };
        let host = Host::start(config, store, compiler).await.unwrap();
        Self { host, denials, _lock: lock, _home: home }
    }

    /// A host that serves the plugin; `open` may be called without sign-in, as far as its approver is concerned.
    pub(crate) async fn serving(policy: Policy, open: &[&str]) -> Self {
        let house = Self::empty(policy).await;
        house.publish().await;
        house.approve(open).await.unwrap();
        house
    }

    pub(crate) async fn publish(&self) {
        self.host.publish(Self::source(), "ann").await.unwrap();
    }

    fn source() -> Source {
        Source {
            manifest: include_str!("plugin.toml").to_owned(),
            files: BTreeMap::from([(
                "any.json".to_owned(),
                br#"{"type":"object","additionalProperties":true}"#.to_vec(),
            )]),
            assets: BTreeMap::new(),
            component: wat::parse_str(include_str!("guest.wat")).unwrap(),
            prefix: None,
        }
    }

    /// The same guest as another plugin, whose tools become tasks.
    pub(crate) async fn publish_jobs(&self) {
        let source = Source { manifest: include_str!("jobs.toml").to_owned(), ..Self::source() };
        self.host.publish(source, "ann").await.unwrap();
        self.host.approve("jobs@1.0.0", &[], "bob").await.map(drop).unwrap();
    }

    pub(crate) async fn approve(&self, open: &[&str]) -> Result<(), String> {
        let open: Vec<String> = open.iter().map(|name| (*name).to_owned()).collect();
        self.host.approve("two@1.0.0", &open, "bob").await.map(drop).map_err(|error| error.to_string())
    }

    /// One call of a client that can put forms to a person.
    pub(crate) async fn call(
        &self,
        who: &Principal,
        tool: &str,
        arguments: Value,
        resume: Option<Resume>,
    ) -> Result<CallAnswer, CallRefused> {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        self.send(who, tool, arguments, Asking::FORM, resume).await
    }

    pub(crate) async fn send(
        &self,
        who: &Principal,
        tool: &str,
        arguments: Map<String, Value>,
        asking: Asking,
        resume: Option<Resume>,
    ) -> Result<CallAnswer, CallRefused> {
        let target = Target::Tool { name: tool.to_owned(), arguments };
        let request = CallRequest { asking, resume, ..CallRequest::new(Uuid::now_v7(), who.clone(), target) };
        self.host.call(request).await
    }

    /// The text of a call that ends well.
    pub(crate) async fn said(&self, who: &Principal, tool: &str, arguments: Value) -> String {
        let answer = done(self.call(who, tool, arguments, None).await.unwrap());
        assert!(!answer.is_error, "{answer:?}");
        text(&answer)
    }

    /// The names that `who` is told of.
    pub(crate) fn listed(&self, who: &Principal) -> Vec<String> {
        self.host.list(ListKind::Tools, who).items.iter().map(|tool| tool.key.to_string()).collect()
    }

    pub(crate) fn descriptor(&self, who: &Principal, name: &str) -> Value {
        let list = self.host.list(ListKind::Tools, who);
        let tool = list.items.iter().find(|tool| &*tool.key == name).expect("it is listed");
        serde_json::from_str(tool.json.get()).unwrap()
    }

    /// Audit records of one class, newest first.
    pub(crate) async fn recorded(&self, class: &str) -> Vec<AuditEntry> {
        let filter = AuditFilter { limit: 1000, ..AuditFilter::default() };
        let mut rows = self.host.audit("test", filter).await.unwrap();
        rows.retain(|row| row.class == class);
        rows
    }
}

pub(crate) fn done(answer: CallAnswer) -> ToolAnswer {
    match answer {
        CallAnswer::Done(Answer::Tool(answer)) => answer,
        CallAnswer::Done(other) => panic!("no tool's: {other:?}"),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn asked(answer: CallAnswer) -> Ask {
    match answer {
        CallAnswer::Ask(ask) => ask,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text(answer: &ToolAnswer) -> String {
    answer.content[0]["text"].as_str().expect("a text").to_owned()
}
