//! What a plugin is called for beside its tools: each a call with a permit and an audit row of its own, of whoever calls.

use std::collections::BTreeMap;

use portcullis_backend::{
    Answer, AnsweredBy, Asking, Backend as _, CallAnswer, CallRefused, CallRequest, Change, Completion, Notice,
    Notices, QuestionKind, Reference, Reply, ResourceAnswer, Resume, Target,
};
use portcullis_calls::{Policy, Source};
use portcullis_manifest::{NoticeLevel, Principal};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::people::{House, asked, done, holder, signed_in, subject, text};

const COMPLETE: &str = include_str!("../../../sandbox/testdata/complete.wat");

async fn serving(policy: Policy) -> House {
    let house = House::empty(policy).await;
    let assets = [("a.txt", "abcd"), ("pages/1", "# one")];
    let source = Source {
        manifest: include_str!("everything.toml").to_owned(),
        files: BTreeMap::new(),
        assets: assets.map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec())).into(),
        component: wat::parse_str(COMPLETE).unwrap(),
        prefix: None,
    };
    house.host.publish(source, "ann").await.unwrap();
    house.host.approve("all@1.0.0", &[], "bob").await.unwrap();
    house
}

fn read(uri: &str) -> Target {
    Target::Resource { uri: uri.to_owned() }
}

fn tool(name: &str) -> Target {
    Target::Tool { name: name.to_owned(), arguments: Map::new() }
}

fn prompt(name: &str, arguments: &[(&str, &str)]) -> Target {
    let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Target::Prompt { name: name.to_owned(), arguments }
}

fn complete(reference: Reference, argument: &str) -> Target {
    let (argument, value) = (argument.to_owned(), "Ch".to_owned());
    Target::Completion { reference, argument, value, context: BTreeMap::new() }
}

fn everything() -> Asking {
    Asking { sampling: true, roots: true, ..Asking::FORM }
}

fn request(who: &Principal, target: Target) -> CallRequest {
    CallRequest::new(Uuid::now_v7(), who.clone(), target)
}

async fn call(house: &House, who: &Principal, target: Target) -> Result<Answer, CallRefused> {
    match house.host.call(request(who, target)).await? {
        CallAnswer::Done(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_read_by_the_plugin_or_answered_by_the_host_and_is_a_call_of_its_own() {
    let house = serving(signed_in()).await;
    let ann = subject("ann", &[]);
    let of = |by, uri: &str, mime: &str, text: &str| {
        Answer::Resource(ResourceAnswer { contents: vec![json!({ "uri": uri, "mimeType": mime, "text": text })], by })
    };
    let page = call(&house, &ann, read("docs://pages/a/b")).await.unwrap();
    assert_eq!(page, of(AnsweredBy::Plugin, "docs://pages/a/b", "text/plain", "a/b"));
    let file = call(&house, &ann, read("docs://files/1")).await.unwrap();
    assert_eq!(file, of(AnsweredBy::Release { varies: true }, "docs://files/1", "text/markdown", "# one"));
    let rows = house.recorded("ok").await;
    let called: Vec<_> = rows.iter().filter(|row| row.kind != "admin").map(|row| row.tool.as_str()).collect();
    assert_eq!(called, ["all_files", "all_page"], "newest first");
    assert!(
        rows.iter().filter(|row| row.kind != "admin").all(|row| row.principal != "anonymous" && row.label == "read")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_unknown_and_recorded_without_a_clients_words() {
    let house = serving(signed_in()).await;
    let ann = subject("ann", &[]);
    let long = format!("docs://{}", "x".repeat(5_000));
    for uri in ["docs://other", "docs://files/2", "docs://files/../a.txt", "docs://files/..%2Fa.txt", "", &long] {
        let refused = call(&house, &ann, read(uri)).await.unwrap_err();
        let said: String = uri.chars().take(1_024).collect();
        assert_eq!(refused, CallRefused::UnknownResource { uri: said }, "{uri}");
    }
    let other = call(&house, &ann, prompt("all_page", &[])).await.unwrap_err();
    assert_eq!(other, CallRefused::UnknownPrompt { name: "all_page".to_owned() });
    let template = Reference::Resource("docs://other/{x}".to_owned());
    assert!(matches!(call(&house, &ann, complete(template, "x")).await, Err(CallRefused::UnknownResource { .. })));
    let none = Reference::Prompt("none".to_owned());
    assert!(matches!(call(&house, &ann, complete(none, "x")).await, Err(CallRefused::UnknownPrompt { .. })));
    let count = |rows: Vec<portcullis_store::AuditEntry>| {
        assert!(rows.iter().all(|row| row.tool.is_empty() && row.kind == "refused"), "{rows:?}");
        rows.iter().map(|row| row.count).sum::<i64>()
    };
    assert_eq!(count(house.recorded("unknown-resource").await), 7);
    assert_eq!(count(house.recorded("unknown-prompt").await), 2);
    // The plugin says so of what it has declared.
    let none = call(&house, &ann, read("docs://none")).await.unwrap_err();
    assert_eq!(none, CallRefused::UnknownResource { uri: "docs://none".to_owned() });
    for target in [read("docs://fails"), prompt("all_fall", &[])] {
        assert_eq!(call(&house, &ann, target).await.unwrap_err(), CallRefused::Failed("no such luck".to_owned()));
    }
    let failed = house.recorded("failed").await;
    assert_eq!(failed.iter().map(|row| row.tool.as_str()).collect::<Vec<_>>(), ["all_fall", "all_fails", "all_none"]);
}

/// Fails without: `may_call` for anything but tools.
#[tokio::test(flavor = "multi_thread")]
async fn au_05_scopes_and_sign_in_are_asked_of_whoever_reads_too() {
    let house = serving(signed_in()).await;
    let needed = vec!["docs:read".parse().unwrap()];
    let refused = call(&house, &subject("ann", &[]), read("docs://public")).await.unwrap_err();
    assert_eq!(refused, CallRefused::InsufficientScope { needed: needed.clone() });
    assert!(call(&house, &holder("ann", &["docs:read"]), read("docs://public")).await.is_ok());
    let nobody = Principal::anonymous();
    assert_eq!(call(&house, &nobody, read("docs://public")).await.unwrap_err(), CallRefused::SignIn { needed });
    for target in [
        read("docs://files/1"),
        prompt("all_greeting", &[("topic", "x")]),
        complete(Reference::Prompt("all_greeting".to_owned()), "topic"),
        complete(Reference::Prompt("all_greeting".to_owned()), "tone"),
    ] {
        assert_eq!(call(&house, &nobody, target).await.unwrap_err(), CallRefused::SignIn { needed: Vec::new() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mc_08_a_prompt_is_made_of_the_arguments_that_it_lists() {
    let house = serving(signed_in()).await;
    let ann = subject("ann", &[]);
    let Answer::Prompt(made) = call(&house, &ann, prompt("all_greeting", &[("topic", "Chur")])).await.unwrap() else {
        panic!("a prompt");
    };
    assert_eq!(made.description.as_deref(), Some("A greeting"));
    assert_eq!(made.messages[0], json!({ "role": "assistant", "content": { "type": "text", "text": "Chur" } }));
    let embedded = json!({ "type": "resource", "resource": { "uri": "docs://x", "blob": "dG9v" } });
    assert_eq!(made.messages[1], json!({ "role": "user", "content": embedded }));
    for (given, said) in [(&[][..], "`topic` is required"), (&[("topic", "a"), ("more", "b")], "no argument `more`")] {
        let refused = call(&house, &ann, prompt("all_greeting", given)).await.unwrap_err();
        assert!(matches!(&refused, CallRefused::Params(text) if text.contains(said)), "{refused}");
    }
    let refused = house.recorded("bad-arguments").await;
    assert!(refused.iter().all(|row| row.tool == "all_greeting") && refused.len() == 2, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_is_run_for_what_the_plugin_completes_and_for_nothing_else() {
    let house = serving(signed_in()).await;
    let ann = subject("ann", &[]);
    let prompt = || Reference::Prompt("all_greeting".to_owned());
    let template = Reference::Resource("docs://pages/{+path}".to_owned());
    let values = |argument: &str| vec!["Ch".to_owned(), argument.to_owned()];
    for (reference, argument, has_more) in [(prompt(), "topic", false), (template, "path", true)] {
        let Answer::Completion(found) = call(&house, &ann, complete(reference, argument)).await.unwrap() else {
            panic!("a completion");
        };
        assert_eq!(found, Completion { values: values(argument), total: Some(7), has_more });
    }
    let nothing = call(&house, &ann, complete(prompt(), "tone")).await.unwrap();
    assert_eq!(nothing, Answer::Completion(Completion::default()));
    assert!(matches!(call(&house, &ann, complete(prompt(), "other")).await, Err(CallRefused::Params(_))));
    let rows = house.recorded("ok").await;
    assert_eq!(rows.iter().filter(|row| row.kind != "admin").count(), 2, "what is not completed runs nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_tells_its_client_what_it_asked_for_and_no_more_than_its_limit() {
    let house = serving(signed_in()).await;
    let told = async |name, progress, log| {
        let (sender, mut receiver) = mpsc::channel(16);
        let notices = Some(Notices { sender, progress, log });
        let request = CallRequest { notices, ..request(&subject("ann", &[]), tool(name)) };
        assert!(!done(house.host.call(request).await.unwrap()).is_error);
        let mut told = Vec::new();
        while let Some(notice) = receiver.recv().await {
            told.push(notice);
        }
        told
    };
    let one = Notice::Progress { done: 1.0, total: Some(4.0), message: Some("one  two".to_owned()) };
    let two = Notice::Progress { done: 2.0, total: None, message: None };
    let line = Notice::Message { level: NoticeLevel::Warning, logger: "all".to_owned(), text: "careful".to_owned() };
    assert_eq!(told("all_progress", true, Some(NoticeLevel::Notice)).await, [one, line, two]);
    assert_eq!(told("all_progress", false, None).await, []);
    assert_eq!(told("all_much", true, None).await.len(), 3, "`limits.notices`");
}

/// Fails without: any of the three kinds in `Host::put`.
#[tokio::test(flavor = "multi_thread")]
async fn mc_11_what_a_client_has_not_declared_is_refused_with_all_that_is_missing() {
    let house = serving(signed_in()).await;
    let put =
        async |name, asking| house.host.call(CallRequest { asking, ..request(&subject("ann", &[]), tool(name)) }).await;
    let missing = |refused| match refused {
        Err(CallRefused::Capability { needed }) => needed,
        other => panic!("{other:?}"),
    };
    let both = Asking { sampling: true, roots: true, ..Asking::NOTHING };
    assert_eq!(missing(put("all_says", Asking::FORM).await), both);
    let roots = Asking { sampling: true, ..Asking::NOTHING };
    assert_eq!(missing(put("all_says", roots).await), Asking { roots: true, ..Asking::NOTHING });
    let answer = done(put("all_silent", everything()).await.unwrap());
    assert!(answer.is_error && text(&answer).contains("`ask = [\"sampling\"]`"), "{answer:?}");
}

fn replies(said: Value, roots: Value) -> BTreeMap<String, Reply> {
    let reply = |value| match value {
        Value::Object(result) => Reply::Accepted(result),
        _ => Reply::Declined,
    };
    BTreeMap::from([("says".to_owned(), reply(said)), ("roots".to_owned(), reply(roots))])
}

#[tokio::test(flavor = "multi_thread")]
async fn mc_11_a_model_and_a_client_are_asked_and_a_reply_of_another_form_is_asked_for_again() {
    let house = serving(signed_in()).await;
    let ann = subject("ann", &[]);
    let go_on = async |who: &Principal, resume| {
        house.host.call(CallRequest { asking: everything(), resume, ..request(who, tool("all_says")) }).await
    };
    let ask = asked(go_on(&ann, None).await.unwrap());
    let [says, roots] = &ask.questions[..] else { panic!("{ask:?}") };
    let expected = json!({
        "messages": [{ "role": "user", "content": { "type": "text", "text": "Capital?" } }],
        "maxTokens": 100, "systemPrompt": "Be brief", "temperature": 0.5, "_meta": { "portcullis/tool": "all_says" },
    });
    assert_eq!((says.key.as_str(), &says.kind), ("says", &QuestionKind::Sampling(expected)));
    assert_eq!((roots.key.as_str(), &roots.kind), ("roots", &QuestionKind::Roots));
    let said = json!({ "role": "assistant", "model": "m", "content": { "type": "text", "text": "Chur" } });
    let given = json!({ "roots": [{ "uri": "file:///a" }] });
    let resume = |said: &Value, given: &Value| {
        Some(Resume { state: ask.state.clone(), replies: replies(said.clone(), given.clone()) })
    };
    for (said, given) in [(&json!({ "text": "Chur" }), &given), (&said, &json!({ "roots": [{}] }))] {
        let again = asked(go_on(&ann, resume(said, given)).await.unwrap());
        assert_eq!(again, ask, "the same questions with the same state");
    }
    let foreign = go_on(&subject("bob", &[]), resume(&said, &given)).await.unwrap_err();
    assert!(matches!(foreign, CallRefused::State { .. }));
    let answer = done(go_on(&ann, resume(&said, &given)).await.unwrap());
    assert_eq!((answer.is_error, text(&answer).as_str()), (false, "mine"));
    let used = go_on(&ann, resume(&said, &given)).await.unwrap_err();
    assert!(matches!(used, CallRefused::State { why: "it was used already" }));
}

/// Fails without: the kind or the request in a state's binding.
#[tokio::test(flavor = "multi_thread")]
async fn mc_14_a_state_of_a_resource_is_of_no_use_for_anything_else() {
    let house = serving(signed_in()).await;
    let ann = subject("ann", &[]);
    let go_on = async |target, resume| {
        house.host.call(CallRequest { asking: everything(), resume, ..request(&ann, target) }).await
    };
    let ask = asked(go_on(read("docs://asks"), None).await.unwrap());
    let resume = || {
        let replies = replies(Value::Null, json!({ "roots": [] }));
        Some(Resume { state: ask.state.clone(), replies })
    };
    let topic = [("topic", "x")];
    for other in [
        read("docs://pages/asks"),
        read("docs://files/1"),
        tool("all_says"),
        prompt("all_greeting", &topic),
        complete(Reference::Prompt("all_greeting".to_owned()), "topic"),
    ] {
        let refused = go_on(other.clone(), resume()).await.unwrap_err();
        assert!(matches!(refused, CallRefused::State { .. }), "{other:?}: {refused}");
    }
    // It goes on, and asks again: so much this guest knows.
    assert_eq!(asked(go_on(read("docs://asks"), resume()).await.unwrap()).questions, ask.questions);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_subscribes_is_told_which_resources_a_write_touched_and_for_whom() {
    let house = serving(signed_in()).await;
    let (ann, bob) = (holder("ann", &["docs:read"]), holder("bob", &["docs:read"]));
    let mut changes = house.host.changes();
    assert!(!done(house.host.call(request(&ann, tool("all_keep"))).await.unwrap()).is_error);
    let Change::Resources(kept) = changes.recv().await.unwrap() else { panic!("resources") };
    let (page, public, file) = ("docs://pages/a", "docs://public", "docs://files/1");
    assert!(kept.covers(&ann, page) && !kept.covers(&bob, page), "a part of their own");
    assert!(![public, file, "docs://other", ""].iter().any(|uri| kept.covers(&ann, uri)));
    assert!(!done(house.host.call(request(&ann, tool("all_board"))).await.unwrap()).is_error);
    let Change::Resources(shared) = changes.recv().await.unwrap() else { panic!("resources") };
    assert!(shared.covers(&ann, public) && shared.covers(&bob, public) && !shared.covers(&ann, page));
    // What only reads touches nothing.
    call(&house, &ann, read(page)).await.unwrap();
    assert!(changes.try_recv().is_err());
}
