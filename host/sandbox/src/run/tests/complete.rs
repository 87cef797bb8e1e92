//! A guest that is called for everything a plugin can be called for, and that tells and reads meanwhile: `testdata/complete.wat`.

use std::{future::Future, pin::Pin, sync::Mutex};

use portcullis_admission::{Completes, Parameter};
use portcullis_manifest::{AskKind, AssetFiles, NoticeLevel};

use super::*;
use crate::{StructureRefused, check_exports, check_structure};

const COMPLETE: &str = include_str!("../../../testdata/complete.wat");

const ALL: [Callable; 4] = [Callable::Tool, Callable::Resource, Callable::Prompt, Callable::Completion];

/// Keeps what it is told.
struct Heard {
    progress: bool,
    least: Option<NoticeLevel>,
    heard: Mutex<Vec<Notice>>,
}

impl Listener for Heard {
    fn wants_progress(&self) -> bool {
        self.progress
    }

    fn wants(&self, level: NoticeLevel) -> bool {
        self.least.is_some_and(|least| level >= least)
    }

    fn tell(&self, notice: Notice) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.heard.lock().unwrap().push(notice);
        Box::pin(std::future::ready(()))
    }
}

/// Never has room.
struct Deaf;

impl Listener for Deaf {
    fn wants_progress(&self) -> bool {
        true
    }

    fn wants(&self, _level: NoticeLevel) -> bool {
        true
    }

    fn tell(&self, _notice: Notice) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

struct Listened(Option<Arc<dyn Listener>>);

impl Keep for Listened {
    fn listener(&self) -> Option<Arc<dyn Listener>> {
        self.0.clone()
    }

    fn witness(&self) -> Arc<dyn Witness> {
        panic!("no tool of these tests reaches outside")
    }

    fn ended_from_outside(self, _ended: Unfinished) {}
}

fn files(files: &[(&str, &[u8])]) -> Arc<AssetFiles> {
    let files = files.iter().map(|(name, bytes)| (name.parse().unwrap(), Arc::from(*bytes)));
    Arc::new(AssetFiles::new(files.collect()).unwrap())
}

fn assets() -> Arc<AssetFiles> {
    files(&[("a.txt", b"abcd"), ("pages/1", b""), ("pages/2", b"two"), ("pagesx", b"")])
}

fn load(rig: &Rig, text: &str, needed: &[Callable], assets: Arc<AssetFiles>) -> Result<Plugin, LoadError> {
    let component = wat::parse_str(text).unwrap();
    let compiling = wasmtime::Engine::new(&EngineProfile::current().compiling()).unwrap();
    if let Ok(artefact) = compiling.precompile_component(&component) {
        rig.cache.put(Digest::of(&component), &artefact).unwrap();
    }
    Plugin::load(&rig.engine, &rig.cache, &component, &[Interface::Kv], needed, assets, &Limits::default())
}

fn call(name: &str, given: Given, limits: Limits) -> Permit {
    let parameter = |name: &str| Parameter { name: name.to_owned(), required: false, complete: true };
    let tool = ApprovedTool {
        kind: given.kind(),
        name: name.parse().unwrap(),
        ask: vec![AskKind::Sampling, AskKind::Roots],
        parameters: vec![parameter("topic")],
        ..ApprovedTool::clone(permit(limits).tool())
    };
    let asked = Asked {
        principal: Principal::local(),
        tool: Arc::new(tool),
        given,
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

fn tool(name: &str) -> Permit {
    call(name, Given::Tool(Map::new()), Limits::default())
}

fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(name: &str) -> Permit {
    let given = Given::Resource { uri: "docs://a/b".to_owned(), variables: pairs(&[("path", "a/b")]) };
    call(name, given, Limits::default())
}

async fn ending(plugin: &Plugin, permit: Permit) -> Ending {
    plugin.run(permit, ()).await.unwrap().ending
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_call_runs_its_own_export_with_all_that_it_was_given() {
    let rig = rig();
    let plugin = load(&rig, COMPLETE, &ALL, Arc::default()).unwrap();
    let Ending::Done(answer) = ending(&plugin, tool("other")).await else { panic!("a tool") };
    assert!(matches!(&answer.content[..], [Content::Text(text)] if text == "tool"), "{answer:?}");

    let Ending::Read(contents) = ending(&plugin, read("page")).await else { panic!("a resource") };
    let expected = Contents {
        uri: "docs://a/b".to_owned(),
        mime_type: "text/plain".to_owned(),
        body: Body::Text("a/b".to_owned()),
    };
    assert_eq!(contents, [expected]);
    assert!(matches!(ending(&plugin, read("no")).await, Ending::NotFound));
    assert!(matches!(ending(&plugin, read("fails")).await, Ending::Failed(text) if text == "no such luck"));

    let prompt = |name| call(name, Given::Prompt(pairs(&[("topic", "Chur")])), Limits::default());
    let Ending::Prompted(Prompted { description, messages }) = ending(&plugin, prompt("greeting")).await else {
        panic!("a prompt");
    };
    assert_eq!(description.as_deref(), Some("A greeting"));
    let [first, second] = &messages[..] else { panic!("{messages:?}") };
    assert!(matches!(&first.content, Content::Text(text) if text == "Chur") && first.role == Role::Assistant);
    let embedded = Contents { uri: "docs://x".to_owned(), mime_type: String::new(), body: Body::Blob(b"too".to_vec()) };
    assert!(matches!(&second.content, Content::Embedded(contents) if *contents == embedded), "{second:?}");
    assert!(matches!(ending(&plugin, prompt("fails")).await, Ending::Failed(text) if text == "no such luck"));

    for (of, has_more) in [(Completes::Prompt, false), (Completes::Resource, true)] {
        let given = Given::Completion {
            of,
            argument: "topic".to_owned(),
            value: "Ch".to_owned(),
            context: pairs(&[("topic", "x")]),
        };
        let Ending::Completed(completed) = ending(&plugin, call("greeting", given, Limits::default())).await else {
            panic!("a completion");
        };
        let values = vec!["Ch".to_owned(), "topic".to_owned()];
        assert_eq!(completed, Completed { values, total: Some(7), has_more });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_needs_to_know_comes_out_with_all_its_kinds() {
    let rig = rig();
    let plugin = load(&rig, COMPLETE, &ALL, Arc::default()).unwrap();
    let Ending::NeedsInput(needs) = ending(&plugin, tool("says")).await else { panic!("it asks") };
    assert_eq!((needs.state.as_slice(), needs.questions.len()), (&b"mine"[..], 0));
    assert_eq!(needs.roots, ["roots"]);
    let [sampling] = &needs.samplings[..] else { panic!("{needs:?}") };
    assert_eq!((sampling.key.as_str(), sampling.max_tokens, sampling.temperature), ("says", 100, Some(0.5)));
    assert_eq!((sampling.system_prompt.as_deref(), sampling.stop_sequences.len()), (Some("Be brief"), 0));
    let [message] = &sampling.messages[..] else { panic!("{sampling:?}") };
    assert!(matches!(&message.content, Content::Text(text) if text == "Capital?") && message.role == Role::User);
    let Ending::NeedsInput(needs) = ending(&plugin, read("asks")).await else { panic!("it asks") };
    assert_eq!((needs.roots.len(), needs.samplings.len()), (1, 0));
}

/// Fails without: any condition in `Notices::report`, or the cleaning of its message.
#[tokio::test(flavor = "multi_thread")]
async fn progress_rises_is_a_number_and_is_told_in_one_clean_line() {
    let rig = rig();
    let plugin = load(&rig, COMPLETE, &ALL, Arc::default()).unwrap();
    let told = async |progress, least| {
        let listener = Arc::new(Heard { progress, least, heard: Mutex::default() });
        let ran = plugin.run(tool("progress"), Listened(Some(listener.clone()))).await.unwrap();
        assert!(matches!(ran.ending, Ending::Done(_)) && ran.notices_dropped == 0, "{:?}", ran.ending);
        assert_eq!(ran.usage.host_calls, 10);
        std::mem::take(&mut *listener.heard.lock().unwrap())
    };
    let one = Notice::Progress { done: 1.0, total: Some(4.0), message: Some("one  two".to_owned()) };
    let two = Notice::Progress { done: 2.0, total: None, message: None };
    let three = Notice::Progress { done: 3.0, total: None, message: None };
    let four = Notice::Progress { done: 4.0, total: Some(4.0), message: None };
    let line = |level| Notice::Line { level, text: "careful".to_owned() };
    let (debug, warning) = (line(NoticeLevel::Debug), line(NoticeLevel::Warning));
    assert_eq!(told(true, None).await, [one.clone(), two.clone(), three.clone(), four.clone()]);
    assert_eq!(told(false, Some(NoticeLevel::Info)).await, std::slice::from_ref(&warning));
    assert_eq!(told(true, Some(NoticeLevel::Debug)).await, [one, debug, warning, two, three, four]);
    assert_eq!(told(false, None).await, []);
}

/// Fails without: `Notices::room`.
#[tokio::test(flavor = "multi_thread")]
async fn wx_25_notices_beyond_their_limit_are_dropped_and_counted() {
    let rig = rig();
    let plugin = load(&rig, COMPLETE, &ALL, Arc::default()).unwrap();
    for (notices, dropped) in [(0, 1_000), (3, 997), (1_000, 0)] {
        let listener = Arc::new(Heard { progress: true, least: None, heard: Mutex::default() });
        let limits = Limits { notices, ..Limits::default() };
        let much = call("much", Given::Tool(Map::new()), limits);
        let ran = plugin.run(much, Listened(Some(listener.clone()))).await.unwrap();
        assert!(matches!(ran.ending, Ending::Done(_)));
        assert_eq!((listener.heard.lock().unwrap().len() as u64, ran.notices_dropped), (notices, dropped));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mc_40_a_call_that_waits_for_a_slow_client_ends_at_its_time_and_holds_nobody_up_meanwhile() {
    let rig = rig();
    let plugin = load(&rig, COMPLETE, &ALL, Arc::default()).unwrap();
    let wait = |time| {
        let permit = call("progress", Given::Tool(Map::new()), Limits { time, ..Limits::default() });
        let plugin = plugin.clone();
        async move { plugin.run(permit, Listened(Some(Arc::new(Deaf)))).await.unwrap().ending }
    };
    // All places of the pool but one. If they held a thread or a turn each, the call between would not come through.
    let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(wait(Duration::from_secs(600)))).collect();
    assert!(matches!(ending(&plugin, tool("other")).await, Ending::Done(_)));
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    let limit = Duration::from_millis(50);
    assert!(matches!(wait(limit).await, Ending::Stopped(Stop::Time { limit: at }) if at == limit));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_reads_the_assets_of_its_release_whole_in_part_and_by_name() {
    let rig = rig();
    let plugin = load(&rig, COMPLETE, &ALL, assets()).unwrap();
    for (name, expected) in [("read", &b"abcd"[..]), ("cut", b"bc")] {
        let Ending::Done(answer) = ending(&plugin, tool(name)).await else { panic!("{name}") };
        assert!(matches!(&answer.content[..], [Content::Image(bytes, _)] if bytes == expected), "{name}: {answer:?}");
    }
    let Ending::Done(answer) = ending(&plugin, tool("list")).await else { panic!("list") };
    assert!(matches!(&answer.content[..], [Content::Text(name)] if name == "pages/2"), "{answer:?}");
    let without = load(&rig, COMPLETE, &ALL, Arc::default()).unwrap();
    let Ending::Done(answer) = ending(&without, tool("read")).await else { panic!("none") };
    assert!(matches!(&answer.content[..], [Content::Text(text)] if text == "nothing"), "{answer:?}");
}

/// Fails if what a guest reads is more than its memory may hold, or if reading for ever is not ended.
#[tokio::test(flavor = "multi_thread")]
async fn wx_10_what_is_read_of_assets_is_bounded_by_the_guests_own_memory_and_calls() {
    let rig = rig();
    let file = |size: usize| files(&[("a.txt", &vec![7; size])]);
    let limits = || Limits { memory: 1 << 20, host_calls: 100, ..Limits::default() };
    let given = || Given::Tool(Map::new());
    let large = load(&rig, COMPLETE, &ALL, file((1 << 20) + 1)).unwrap();
    let stopped = ending(&large, call("read", given(), limits())).await;
    assert!(matches!(stopped, Ending::Stopped(Stop::Memory { limit }) if limit == 1 << 20), "{stopped:?}");
    // It fits once, and its memory only grows.
    let half = load(&rig, COMPLETE, &ALL, file(1 << 19)).unwrap();
    assert!(matches!(ending(&half, call("read", given(), limits())).await, Ending::Done(_)));
    let stopped = ending(&half, call("gorge", given(), limits())).await;
    assert!(matches!(stopped, Ending::Stopped(Stop::Memory { .. })), "{stopped:?}");
    let small = load(&rig, COMPLETE, &ALL, file(1)).unwrap();
    let stopped = ending(&small, call("gorge", given(), limits())).await;
    assert!(matches!(stopped, Ending::Stopped(Stop::HostCalls { limit: 100 })), "{stopped:?}");
}

#[test]
fn rg_40_a_component_exports_what_its_manifest_lists_and_need_export_nothing_else() {
    let rig = rig();
    for kind in ALL {
        let loaded = load(&rig, CONSTANT, &[Callable::Tool, kind], Arc::default());
        match (kind, loaded) {
            (Callable::Tool, Ok(_)) => {}
            (Callable::Tool, Err(error)) => panic!("{error}"),
            (kind, Ok(_)) => panic!("{kind:?} is not there"),
            (_, Err(LoadError::Exports(error))) => {
                let error = error.to_string();
                assert!(error.contains("@0.1.0`, which `[[") && error.contains("`plugin-complete`"), "{error}");
            }
            (_, Err(error)) => panic!("{error}"),
        }
        assert!(load(&rig, COMPLETE, &[kind], Arc::default()).is_ok(), "{kind:?}");
    }
}

/// Fails if a function of an interface that the manifest does not list is not looked at.
#[test]
fn rg_40_every_export_of_the_contract_is_of_the_contracts_type() {
    let rig = rig();
    for (from, to, function) in [
        ("(case \"not-found\") ", "", "`read` of `portcullis:plugin/resources@0.1.0`"),
        (
            "(field \"description\" $maybe-text)",
            "(field \"title\" $maybe-text)",
            "`get` of `portcullis:plugin/prompts@0.1.0`",
        ),
        ("(option u32)", "(option s32)", "`complete` of `portcullis:plugin/completions@0.1.0`"),
        ("(enum \"user\" \"assistant\")", "(enum \"assistant\" \"user\")", "`call` of `portcullis:plugin/tools@0.1.0`"),
    ] {
        assert!(COMPLETE.contains(from), "{from}");
        let error = load(&rig, &COMPLETE.replace(from, to), &[Callable::Tool], Arc::default()).err().unwrap();
        assert!(matches!(&error, LoadError::Export { function: found, .. } if found == function), "{error}");
    }
}

#[test]
fn a_component_that_lacks_an_export_is_refused_when_it_is_only_looked_at_too() -> Result<(), StructureRefused> {
    let checked = check_structure(&constant())?;
    assert!(check_exports(&checked, &[Callable::Tool], &Limits::default()).is_ok());
    assert!(check_exports(&checked, &[Callable::Prompt], &Limits::default()).is_err());
    Ok(())
}
