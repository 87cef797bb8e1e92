//! A plugin that wants to know all there is to know of who calls: `testdata/told.wat` asks every function that has anything to
//! say of the call, and gives its whole memory away, with all that the host ever put there.

use portcullis_admission::{Binding, Previewed};
use portcullis_manifest::Digest;

use super::*;
use crate::{ArtefactCache, Content, Ending, Engine, EngineProfile, HostKey, Keep, Plugin, PoolLimits, Unfinished};

const TOLD: &str = include_str!("../../../testdata/told.wat");

impl Keep for &'static str {
    fn witness(&self) -> Arc<dyn Witness> {
        panic!("no tool of these tests reaches outside")
    }

    fn ended_from_outside(self, _ended: Unfinished) {}
}

struct Rig {
    plugin: Plugin,
    pseudonyms: Pseudonyms,
    _engine: Engine,
    _home: TempDir,
}

fn rig() -> Rig {
    let home = tempfile::tempdir().unwrap();
    let services = services(&home);
    let pseudonyms = services.pseudonyms.clone();
    let data = home.path().join("data");
    let cache = ArtefactCache::open(&data, &HostKey::open(&data, true).unwrap()).unwrap();
    let engine = Engine::start(PoolLimits { calls: 4, ..PoolLimits::default() }, services).unwrap();
    let component = wat::parse_str(TOLD).unwrap();
    let compiling = wasmtime::Engine::new(&EngineProfile::current().compiling()).unwrap();
    cache.put(Digest::of(&component), &compiling.precompile_component(&component).unwrap()).unwrap();
    let plugin = Plugin::load(&engine, &cache, &component, &[], &[Callable::Tool], Arc::default(), &Limits::default());
    let plugin = plugin.unwrap();
    Rig { plugin, pseudonyms, _engine: engine, _home: home }
}

/// What a guest was told.
struct Told {
    subject: Option<String>,
    scopes: Vec<String>,
    locale: Option<String>,
    correlation: String,
    preview: bool,
    /// Name and value of each hint.
    hints: Vec<(String, String)>,
    /// Its whole memory.
    memory: Vec<u8>,
}

/// Where the guest had `caller.get` put its answer.
const INFO: usize = 0x100;

/// And where `caller.hints`.
const HINTS: usize = 0x260;

impl Told {
    async fn by(rig: &Rig, permit: Permit) -> Self {
        let ran = rig.plugin.run(permit, "").await.unwrap();
        let Ending::Done(answer) = ran.ending else { panic!("{:?}", ran.ending) };
        let [Content::Image(memory, kind)] = &answer.content[..] else { panic!("{answer:?}") };
        assert_eq!(kind, "image/x-memory");
        Self::read(memory.clone())
    }

    /// As the component model lays an `info` out.
    fn read(memory: Vec<u8>) -> Self {
        let number = |at: usize| u32::from_le_bytes(memory[at..at + 4].try_into().unwrap()) as usize;
        let text = |at: usize| {
            let (start, length) = (number(at), number(at + 4));
            String::from_utf8(memory[start..start + length].to_vec()).unwrap()
        };
        let maybe = |at: usize| (memory[at] == 1).then(|| text(at + 4));
        let (list, count) = (number(INFO + 12), number(INFO + 16));
        Self {
            subject: maybe(INFO),
            scopes: (0..count).map(|index| text(list + 8 * index)).collect(),
            locale: maybe(INFO + 20),
            correlation: text(INFO + 32),
            preview: memory[INFO + 48] == 1,
            hints: (0..number(HINTS + 4))
                .map(|index| (text(number(HINTS) + 16 * index), text(number(HINTS) + 16 * index + 8)))
                .collect(),
            memory,
        }
    }

    fn holds(&self, text: &str) -> bool {
        self.memory.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
    }
}

fn canary() -> Principal {
    let held = ["told:read", "told:more", "told", "told:mos", "canary:scope", "TOLD:MOST"];
    person("https://canary-issuer.example", "canary-subject", &held)
}

/// Fails if anything of a principal but its pseudonym and the plugin's own scopes gets into a sandbox: there is no token in a
/// principal, and the rest is looked for by a word that stands in all of it.
#[tokio::test(flavor = "multi_thread")]
async fn eg_09_a_plugin_that_dumps_all_it_can_reach_finds_a_pseudonym_and_its_own_scopes_and_no_more() {
    let rig = rig();
    let told = Told::by(&rig, permit(tool(Label::Read, Confirm::None), canary(), None)).await;
    assert_eq!(told.subject, Some(rig.pseudonyms.of("plugin told", canary().key())));
    assert_eq!(told.scopes, ["told:more", "told:read"]);
    assert_eq!(told.locale.as_deref(), Some("de-CH"));
    assert_eq!(told.correlation, Uuid::from_u128(0xbee).to_string());
    assert!(!told.preview);
    let hints = [("locale", "\"de-CH\""), ("location", r#"{"city":"Chur"}"#)];
    assert_eq!(told.hints, hints.map(|(name, value)| (name.to_owned(), value.to_owned())), "and no other that came");
    // That it looks where things are: what it may know is in there.
    assert!(told.holds("by the model") && told.holds("told:more") && told.holds("de-CH"));
    for hidden in ["canary", "approver", "told:most", "https://", "bearer", "PORTCULLIS", "PATH"] {
        assert!(!told.holds(hidden), "{hidden}");
    }
    // Nor another name by which rows, the audit or another plugin know the same person.
    for purpose in ["audit", "kv", "files", "plugin other", ""] {
        assert!(!told.holds(&rig.pseudonyms.of(purpose, canary().key())), "{purpose}");
    }
}

/// Fails if the pseudonym is one for all plugins, or for all persons.
#[tokio::test(flavor = "multi_thread")]
async fn eg_09_a_pseudonym_stays_the_same_for_one_person_and_plugin_and_for_nobody_else() {
    let rig = rig();
    let subject = async |plugin: &str, principal: Principal| {
        let tool = ApprovedTool { plugin: plugin.parse().unwrap(), ..tool(Label::Read, Confirm::None) };
        Told::by(&rig, permit(tool, principal, None)).await.subject.unwrap()
    };
    let here = subject("told", canary()).await;
    assert_eq!(subject("told", canary()).await, here);
    let later = Principal::subject("https://canary-issuer.example", "canary-subject", Grants::default());
    assert_eq!(subject("told", later).await, here, "another token of the same person");
    let others = [
        subject("other", canary()).await,
        subject("told", person("https://canary-issuer.example", "canary-subject-2", &[])).await,
        subject("told", person("https://canary-issuer-2.example", "canary-subject", &[])).await,
        subject("told", Principal::local()).await,
    ];
    let all: BTreeSet<&String> = others.iter().chain([&here]).collect();
    assert_eq!(all.len(), others.len() + 1, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn eg_09_who_runs_the_host_holds_what_the_plugin_lists_and_nobody_holds_nothing() {
    let rig = rig();
    let local = Told::by(&rig, permit(tool(Label::Read, Confirm::None), Principal::local(), None)).await;
    assert_eq!(local.scopes, ["told:more", "told:most", "told:read"]);
    assert_eq!(local.subject, Some(rig.pseudonyms.of("plugin told", Principal::local().key())));
    let nobody = Told::by(&rig, permit(tool(Label::Read, Confirm::None), Principal::anonymous(), None)).await;
    assert_eq!((nobody.subject, nobody.scopes), (None, Vec::new()));
}

/// Fails if a run could do something else than its preview because it was told of somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn wr_05_a_preview_and_the_run_that_is_confirmed_after_it_are_told_the_same() {
    let rig = rig();
    let tool = || tool(Label::Write, Confirm::Preview);
    let shown = permit(tool(), canary(), None);
    let (binding, scopes) = (Binding::of(&shown), shown.scopes().cloned().collect());
    let before = Told::by(&rig, shown).await;
    let previewed = Previewed { fixed: FIXED, effects: Vec::new(), whole: true };
    let confirmation = Confirmation { binding, answered: None, scopes, previewed, again: false };
    let after = Told::by(&rig, permit(tool(), canary(), Some(confirmation))).await;
    assert!(before.preview && !after.preview);
    assert_eq!((before.subject, before.scopes), (after.subject, after.scopes));
    assert_eq!((before.locale, before.correlation), (after.locale, after.correlation));
}
