use std::{collections::BTreeMap, sync::Arc, time::Duration};

use portcullis_admission::{ApprovedTool, Asked, Callable, Decision, Given, Permit, Schema, decide};
use portcullis_audit::{Pseudonyms, ResultClass};
use portcullis_egress::{Egress, EgressConfig, NameServers, ResolverConfig};
use portcullis_manifest::{Confirm, Digest, Fingerprint, Grant, Interface, Label, Limits, Principal};
use portcullis_store::sqlite::{OwnerLock, SqliteStore};
use serde_json::{Map, json};
use uuid::Uuid;

use super::*;
use crate::{ArtefactCache, EngineProfile, HostKey, PoolLimits, Services};

mod complete;
mod panics;

const CONSTANT: &str = include_str!("../../testdata/constant.wat");

impl Keep for () {
    fn witness(&self) -> Arc<dyn Witness> {
        panic!("no tool of these tests reaches outside")
    }

    fn ended_from_outside(self, _ended: Unfinished) {}
}

/// Says what it was told.
struct Told(tokio::sync::oneshot::Sender<(Usage, bool)>);

impl Keep for Told {
    fn witness(&self) -> Arc<dyn Witness> {
        panic!("no tool of these tests reaches outside")
    }

    fn ended_from_outside(self, ended: Unfinished) {
        let _ = self.0.send((ended.usage, ended.panicked));
    }
}

struct Rig {
    engine: Engine,
    cache: ArtefactCache,
    _home: tempfile::TempDir,
}

fn rig() -> Rig {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let owner = OwnerLock::take(&data).unwrap();
    let store = Arc::new(SqliteStore::open(&data, &owner).unwrap());
    let cache = ArtefactCache::open(&data, &HostKey::open(&data, true).unwrap()).unwrap();
    let pool = PoolLimits { calls: 4, ..PoolLimits::default() };
    let resolver = ResolverConfig { name_servers: NameServers::Listed(Vec::new()), ..ResolverConfig::default() };
    let egress = Egress::start(EgressConfig { resolver, ..EgressConfig::default() }).unwrap();
    let services =
        Services { store, pseudonyms: Pseudonyms::new([0; 32]), egress: Arc::new(egress), boundary: Arc::default() };
    let engine = Engine::start(pool, services).unwrap();
    Rig { engine, cache, _home: home }
}

impl Rig {
    fn load(&self, component: &[u8], opened: &[Interface], limits: &Limits) -> Result<Plugin, LoadError> {
        let compiling = wasmtime::Engine::new(&EngineProfile::current().compiling()).unwrap();
        if let Ok(artefact) = compiling.precompile_component(component) {
            self.cache.put(Digest::of(component), &artefact).unwrap();
        }
        self.load_compiled(component, opened, limits)
    }

    /// What the cache has.
    fn load_compiled(&self, component: &[u8], opened: &[Interface], limits: &Limits) -> Result<Plugin, LoadError> {
        Plugin::load(&self.engine, &self.cache, component, opened, &[Callable::Tool], Arc::default(), limits)
    }
}

fn permit(limits: Limits) -> Permit {
    permit_of(limits, Label::Read, Vec::new())
}

fn permit_of(limits: Limits, label: Label, grants: Vec<Grant>) -> Permit {
    let tool = ApprovedTool {
        kind: Callable::Tool,
        release: Fingerprint([0; 32]),
        plugin: "constant".parse().unwrap(),
        plugin_scopes: Arc::default(),
        name: "constant".parse().unwrap(),
        wire: "constant_constant".parse().unwrap(),
        label,
        grants,
        confirm: Confirm::None,
        partial: false,
        ask: Vec::new(),
        hints: Vec::new(),
        parameters: Vec::new(),
        scopes: Vec::new(),
        without_sign_in: false,
        task: portcullis_manifest::TaskSupport::Never,
        input: Schema::compile(&json!({ "type": "object" })).unwrap(),
        output: None,
        limits,
    };
    let principal = Principal::local();
    let asked = Asked {
        principal,
        tool: Arc::new(tool),
        given: Given::Tool(Map::new()),
        correlation: Uuid::nil(),
        hints: BTreeMap::new(),
        preview: false,
        person: false,
        answered: None,
        confirmation: None,
    };
    match decide(asked, || unreachable!("no preview")) {
        Decision::Permit(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn constant() -> Vec<u8> {
    wat::parse_str(CONSTANT).unwrap()
}

/// The constant plugin with `code` at the start of its function.
fn with_code(code: &str) -> Vec<u8> {
    let marker = "(func (export \"call\")";
    let at = CONSTANT.find(marker).expect("the function that answers");
    let body = CONSTANT[at..].find("(result i32)").expect("it has a result") + at + "(result i32)".len();
    wat::parse_str(format!("{}\n{code}\n{}", &CONSTANT[..body], &CONSTANT[body..])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_runs_a_fresh_instance_and_says_what_it_used() {
    let rig = rig();
    let plugin = rig.load(&constant(), &[], &Limits::default()).unwrap();
    for _ in 0..100 {
        let ran = plugin.run(permit(Limits::default()), ()).await.unwrap();
        let Ending::Done(answer) = ran.ending else { panic!("{:?}", ran.ending) };
        assert_eq!(answer.structured.as_deref(), Some(r#"{"constant":true}"#));
        assert!(ran.usage.fuel > 0 && ran.usage.memory >= 1 << 16 && ran.usage.host_calls == 0, "{:?}", ran.usage);
        assert!(ran.writes.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wx_08_a_loop_ends_at_whichever_limit_comes_first_and_the_next_call_works() {
    let rig = rig();
    let plugin = rig.load(&with_code("(loop $forever (br $forever))"), &[], &Limits::default()).unwrap();
    let fuel = Limits { fuel: 100_000, ..Limits::default() };
    let ran = plugin.run(permit(fuel), ()).await.unwrap();
    let Ending::Stopped(stop) = ran.ending else { panic!("{:?}", ran.ending) };
    assert_eq!(stop, Stop::Fuel { limit: 100_000 });
    assert_eq!(ran.usage.fuel, 100_000);
    let limit = Duration::from_millis(50);
    let time = Limits { fuel: u64::MAX >> 1, time: limit, ..Limits::default() };
    let ran = plugin.run(permit(time), ()).await.unwrap();
    let Ending::Stopped(stop) = ran.ending else { panic!("{:?}", ran.ending) };
    assert_eq!(stop, Stop::Time { limit });
    let benign = rig.load(&constant(), &[], &Limits::default()).unwrap();
    assert!(matches!(benign.run(permit(Limits::default()), ()).await.unwrap().ending, Ending::Done(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn wx_10_memory_beyond_the_limit_is_named_also_when_the_guest_only_crashes() {
    let rig = rig();
    let grow = "(if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable))";
    let plugin = rig.load(&with_code(grow), &[], &Limits::default()).unwrap();
    let limits = Limits { memory: 2 << 20, ..Limits::default() };
    let Ending::Stopped(stop) = plugin.run(permit(limits), ()).await.unwrap().ending else { panic!("it ran on") };
    assert_eq!(stop, Stop::Memory { limit: 2 << 20 });
    assert_eq!(stop.class(), ResultClass::Memory);
    assert_eq!(
        stop.to_string(),
        "the tool asked for more than 2097152 bytes of memory (`limits.memory` in its manifest)"
    );
}

/// Fails without: `AbortOnDrop`, or with a pool's slot that is not given back.
#[tokio::test(flavor = "multi_thread")]
async fn wx_12_a_call_whose_future_is_dropped_gives_its_place_back() {
    let rig = rig();
    let looping = rig.load(&with_code("(loop $forever (br $forever))"), &[], &Limits::default()).unwrap();
    let limits = || Limits { fuel: u64::MAX >> 1, time: Duration::from_secs(600), ..Limits::default() };
    // More than the pool has places: if a dropped call kept its own, the last ones could not start.
    for _ in 0..12 {
        let call = looping.run(permit(limits()), ());
        assert!(tokio::time::timeout(Duration::from_millis(30), call).await.is_err());
    }
    let benign = rig.load(&constant(), &[], &Limits::default()).unwrap();
    let ran = benign.run(permit(Limits::default()), ()).await.unwrap();
    assert!(matches!(ran.ending, Ending::Done(_)), "{:?}", ran.ending);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dropped_call_held_is_told_what_its_guest_used_when_the_guest_is_gone() {
    let rig = rig();
    let looping = rig.load(&with_code("(loop $forever (br $forever))"), &[], &Limits::default()).unwrap();
    let limits = Limits { fuel: u64::MAX >> 1, time: Duration::from_secs(600), ..Limits::default() };
    let (told, tell) = tokio::sync::oneshot::channel();
    let call = looping.run(permit(limits), Told(told));
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    let (usage, panicked) = tell.await.unwrap();
    assert!(usage.fuel > 0 && usage.memory >= 1 << 16 && !panicked, "{usage:?}");
}

#[test]
fn wx_01_a_component_without_the_tools_interface_or_with_too_little_memory_is_refused() {
    let rig = rig();
    let empty = wat::parse_str("(component)").unwrap();
    let error = rig.load(&empty, &[], &Limits::default()).err().unwrap().to_string();
    assert!(error.starts_with("the component does not export `portcullis:plugin/tools@0.1.0`"), "{error}");
    let small = Limits { memory: 1000, ..Limits::default() };
    let error = rig.load(&constant(), &[], &small).err().unwrap().to_string();
    assert!(error.contains("`limits.memory` of plugin.toml allows 1000"), "{error}");
}

#[test]
fn rg_02_a_component_that_was_not_compiled_here_is_not_run() {
    let rig = rig();
    let error = rig.load_compiled(&constant(), &[], &Limits::default()).err().unwrap();
    assert!(matches!(error, LoadError::NotCompiled), "{error}");
}

/// Fails if an artefact for the engine's interpreter is run, were one ever to come into the cache.
#[test]
fn wx_13_what_was_compiled_for_an_interpreter_is_not_run() {
    let rig = rig();
    let mut config = EngineProfile::current().compiling();
    config.target("pulley64").unwrap().signals_based_traps(false);
    let artefact = wasmtime::Engine::new(&config).unwrap().precompile_component(&constant()).unwrap();
    rig.cache.put(Digest::of(&constant()), &artefact).unwrap();
    let error = rig.load_compiled(&constant(), &[], &Limits::default()).err().unwrap();
    assert!(!matches!(error, LoadError::NotCompiled), "it was found, and refused: {error}");
}
