//! A release whose names on the wire, pages or arguments are not those of the release before it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use portcullis_backend::{Backend as _, CallRefused, CallRequest, ListKind, Target};
use portcullis_calls::{Policy, ReadRelease, Source, moved};
use portcullis_manifest::{Digest, Principal};
use serde_json::json;
use uuid::Uuid;

use crate::people::{House, done, text};

const COMPLETE: &str = include_str!("../../../sandbox/testdata/complete.wat");

const PAGE: &str = "<!doctype html><title>Found</title><ul id=\"list\"></ul>";

const TOPIC: &str = "[[prompt.argument]]\nname = \"topic\"\nrequired = true\n";

/// A plugin with a tool, a prompt and a widget; `rest` goes to its end.
fn release(version: &str, prefix: Option<&str>, page: &str, rest: &str) -> Source {
    let manifest = format!(
        "manifest = 1\n[plugin]\nname = \"docs\"\nversion = \"{version}\"\ncomponent = \"c.wasm\"\npublisher = \"p\"\n\
         summary = \"s\"\n[assets]\nfolder = \"assets\"\n[capability.box]\nkind = \"kv\"\npartition = \"user\"\n\
         [[tool]]\nname = \"search\"\ntitle = \"Search\"\ndescription = \"Use this in tests of a host.\"\nwidget = \"found\"\n\
         [[widget]]\nname = \"found\"\ntitle = \"Found\"\ndescription = \"What was found\"\nasset = \"found.html\"\n\
         [[prompt]]\nname = \"summary\"\ntitle = \"Summary\"\ndescription = \"A summary\"\n{TOPIC}{rest}"
    );
    Source {
        manifest,
        files: BTreeMap::new(),
        assets: [("found.html".to_owned(), page.as_bytes().to_vec())].into(),
        component: wat::parse_str(COMPLETE).unwrap(),
        prefix: prefix.map(str::to_owned),
    }
}

async fn take_in(house: &House, source: Source) -> Result<Vec<String>, String> {
    house.host.publish(source, "ann").await.map(|published| published.notes).map_err(|error| error.to_string())
}

async fn approve(house: &House, version: &str) -> Result<(), String> {
    house.host.approve(&format!("docs@{version}"), &[], "bob").await.map(drop).map_err(|error| error.to_string())
}

async fn serving() -> House {
    let house = House::empty(Policy::default()).await;
    take_in(&house, release("1.0.0", Some(""), PAGE, "")).await.unwrap();
    approve(&house, "1.0.0").await.unwrap();
    house
}

/// Fails without: the look at what the plugin has served.
#[tokio::test(flavor = "multi_thread")]
async fn wr_04_a_release_without_a_prefix_keeps_the_one_that_clients_know() {
    let house = serving().await;
    let local = Principal::local();
    take_in(&house, release("1.0.1", None, PAGE, "")).await.unwrap();
    approve(&house, "1.0.1").await.unwrap();
    assert_eq!(house.listed(&local), ["search"]);
    // Also when nothing is served: the one that was approved last.
    house.host.decide("docs@1.0.1", false, "bob").await.unwrap();
    take_in(&house, release("1.0.2", None, PAGE, "")).await.unwrap();
    approve(&house, "1.0.2").await.unwrap();
    assert_eq!(house.listed(&local), ["search"]);
    // What is pending promised nothing; but what is there under this version is meant when it is published again.
    take_in(&house, release("1.0.3", Some("p_"), PAGE, "")).await.unwrap();
    let again = house.host.publish(release("1.0.3", None, PAGE, ""), "ann").await.unwrap();
    assert_eq!((again.known.is_some(), again.labels[0].0.as_str()), (true, "p_search"));
    let other = house.host.publish(release("1.0.4", None, PAGE, ""), "ann").await.unwrap();
    assert_eq!((other.known, other.labels[0].0.as_str()), (None, "search"));
    // A plugin that has nothing has its name.
    let house = House::empty(Policy::default()).await;
    let first = house.host.publish(release("1.0.0", None, PAGE, ""), "ann").await.unwrap();
    assert_eq!(first.labels[0].0.as_str(), "docs_search");
}

/// Fails if a name that went with its prefix is only answered as retired.
#[tokio::test(flavor = "multi_thread")]
async fn wr_04_who_calls_a_name_under_the_old_prefix_is_told_the_new_one() {
    let house = serving().await;
    let local = Principal::local();
    let call = async || text(&done(house.call(&local, "search", json!({}), None).await.unwrap()));
    let get = async || {
        let target = Target::Prompt { name: "summary".to_owned(), arguments: BTreeMap::new() };
        match house.host.run(CallRequest::new(Uuid::now_v7(), local.clone(), target)).await {
            Err(CallRefused::Params(said)) => said,
            other => panic!("{:?}", other.map(drop)),
        }
    };
    take_in(&house, release("1.1.0", Some("docs_"), PAGE, "")).await.unwrap();
    approve(&house, "1.1.0").await.unwrap();
    let said = call().await;
    assert!(said.contains("`search` was retired: docs@1.0.0 had it"), "{said}");
    assert!(said.contains(" Call `docs_search` instead: it is the same tool under another prefix. Nothing"), "{said}");
    let said = get().await;
    assert!(said.contains(" Call `docs_summary` instead: it is the same prompt under another prefix. "), "{said}");
    assert!(said.contains("The list of prompts has changed"), "{said}");
    // Renamed as well: what the manifest says of the name holds under each prefix.
    let mut renamed = release("1.2.0", None, PAGE, "[[retired]]\nname = \"search\"\ninstead = \"find\"\n");
    renamed.manifest = renamed.manifest.replacen("\"search\"", "\"find\"", 1);
    assert_eq!(take_in(&house, renamed).await.unwrap(), [""; 0]);
    approve(&house, "1.2.0").await.unwrap();
    assert!(call().await.contains(" Call `docs_find` instead. Nothing"));
    let said = text(&done(house.call(&local, "docs_search", json!({}), None).await.unwrap()));
    assert!(said.contains(" Call `docs_find` instead. Nothing"), "{said}");
}

fn read(source: &Source) -> ReadRelease {
    let assets = [("found.html".parse().unwrap(), Digest::of(&source.assets["found.html"]))].into();
    ReadRelease::read(&source.manifest, &source.files, assets, Digest::of(b""), source.prefix.as_deref()).unwrap()
}

#[test]
fn an_approver_sees_which_names_go_and_what_they_become() {
    let old = read(&release("1.0.0", Some(""), PAGE, ""));
    assert_eq!(moved(&old, &read(&release("1.0.1", Some(""), PAGE, ""))), [""; 0]);
    assert_eq!(
        moved(&old, &read(&release("1.0.1", None, PAGE, ""))),
        ["the prefix was \"\", is \"docs_\": search -> docs_search, summary -> docs_summary"]
    );
    let renamed = |rest: &str| {
        let mut source = release("1.0.1", None, PAGE, rest);
        source.manifest = source.manifest.replacen("\"search\"", "\"find\"", 1);
        moved(&old, &read(&source)).split_off(1).remove(0)
    };
    assert_eq!(renamed(""), "search is gone, and no [[retired]] says what to call instead");
    let retired = "[[retired]]\nname = \"search\"\n";
    assert_eq!(
        renamed(&format!("{retired}instead = \"find\"\n")),
        "search is gone: who calls it is told to call docs_find"
    );
    assert_eq!(renamed(&format!("{retired}why = \"Old\"\n")), "search is gone: who calls it is told why");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_is_told_what_looks_like_a_mistake() {
    let house = serving().await;
    let misspelt = "[[retired]]\nname = \"serch\"\nwhy = \"Old\"\n";
    let notes = take_in(&house, release("0.9.0", None, PAGE, misspelt)).await.unwrap();
    assert_eq!(
        notes,
        [
            "[[retired]] `serch`: no release of docs that was served had this name, so nobody can call it; is it misspelt?",
            "docs@0.9.0 is older than docs@1.0.0, which is served: to approve it is to go back",
        ]
    );
    // Two that wait for approval with two pages under one new URI.
    let next = |version: &str, page: &str| {
        let mut source = release(version, None, page, "");
        source.manifest = source.manifest.replace("asset = \"found.html\"", "asset = \"found.html\"\nversion = 2");
        source
    };
    assert_eq!(take_in(&house, next("1.1.0", "<p>two</p>")).await.unwrap(), [""; 0]);
    let notes = take_in(&house, next("1.1.1", "<p>three</p>")).await.unwrap();
    assert_eq!(
        notes,
        [
            "the widget `found` has another page than in docs@1.1.0, which waits for approval, under ui://docs/found-v2.html: once one \
          of the two is approved, the other can't be"
        ]
    );
    approve(&house, "1.1.1").await.unwrap();
    let refused = approve(&house, "1.1.0").await.unwrap_err();
    assert!(
        refused.contains("is not the one that docs@1.1.1 serves or served under ui://docs/found-v2.html"),
        "{refused}"
    );
}

/// Fails without: the comparison of pages with those of every release that was ever approved.
#[tokio::test(flavor = "multi_thread")]
async fn wr_04_the_page_under_a_uri_that_clients_have_read_stays() {
    let house = serving().await;
    for version in ["1.0.1", "2.0.0"] {
        let refused = take_in(&house, release(version, None, "<p>other</p>", "")).await.unwrap_err();
        for part in [
            "the page of the widget `found` is not the one that docs@1.0.0 serves or served under ui://docs/found.html",
            "write `version = 1` in its [[widget]]",
        ] {
            assert!(refused.contains(part), "{refused}");
        }
    }
    let mut other = release("1.0.1", None, "<p>other</p>", "");
    other.manifest = other.manifest.replace("asset = \"found.html\"", "asset = \"found.html\"\nversion = 1");
    take_in(&house, other).await.unwrap();
    approve(&house, "1.0.1").await.unwrap();
    // Nobody serves the first page any more, and clients have it all the same.
    assert!(take_in(&house, release("1.0.2", None, "<p>other</p>", "")).await.is_err());
    assert!(take_in(&house, release("1.0.2", None, PAGE, "")).await.is_ok());
    approve(&house, "1.0.0").await.unwrap();
    let rows = house.recorded("admin-refused").await;
    assert!(rows.len() == 3 && rows.iter().all(|row| row.detail == "publish: pages of widgets"), "{rows:?}");
}

/// Fails if only the schemas of tools are held to their line.
#[tokio::test(flavor = "multi_thread")]
async fn wr_04_a_prompt_of_a_line_takes_what_it_took() {
    let house = serving().await;
    let tone = "[[prompt.argument]]\nname = \"tone\"\n";
    let refused = take_in(&house, release("1.1.0", None, PAGE, &format!("{tone}required = true\n"))).await.unwrap_err();
    assert!(refused.contains("summary: the argument `tone` is new and required: make it optional"), "{refused}");
    take_in(&house, release("1.1.0", None, PAGE, tone)).await.unwrap();
    approve(&house, "1.1.0").await.unwrap();
    let refused = take_in(&house, release("1.2.0", None, PAGE, &format!("{tone}required = true\n"))).await.unwrap_err();
    assert!(refused.contains("summary: the argument `tone` was optional and is required"), "{refused}");
    let refused = take_in(&house, release("1.2.0", None, PAGE, "")).await.unwrap_err();
    assert!(refused.contains("summary: the argument `tone` is gone, and who sends it is refused"), "{refused}");
    take_in(&house, release("2.0.0", None, PAGE, "")).await.unwrap();
}

/// Calls what is listed until `done`, and gives how often nothing changed from the list to the answer.
async fn look(house: Arc<House>, done: Arc<AtomicBool>) -> u32 {
    let local = Principal::local();
    let mut compared = 0;
    loop {
        // The last round is of a catalogue that nobody changes any more.
        let last = done.load(Ordering::Acquire);
        let (tools, prompts) = (house.host.list(ListKind::Tools, &local), house.host.list(ListKind::Prompts, &local));
        let [tool, prompt] = [&tools, &prompts].map(|list| list.items[0].key.to_string());
        if tools.generation == prompts.generation {
            assert_eq!(tool.starts_with("docs_"), prompt.starts_with("docs_"), "{tool} {prompt}");
        }
        let answer = house.call(&local, &tool, json!({}), None).await;
        if house.host.list(ListKind::Tools, &local).generation == tools.generation {
            compared += 1;
            let agrees = match &answer {
                Ok(answer) => !format!("{answer:?}").contains("was retired"),
                Err(refused) => matches!(refused, CallRefused::Busy { .. }),
            };
            assert!(agrees, "`{tool}` is listed, and a call of it ends as {answer:?}");
        }
        if last {
            return compared;
        }
        tokio::task::yield_now().await;
    }
}

/// Fails if the tools and the lists of a catalogue are put in place one after the other, or if a call looks for its tool twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mc_41_a_call_and_a_list_see_the_old_release_or_the_new_one_and_agree() {
    let house = Arc::new(serving().await);
    take_in(&house, release("1.1.0", Some("docs_"), PAGE, "")).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    // On threads of their own: nothing of a swap is between two awaits.
    let lookers: Vec<_> = (0..3).map(|_| tokio::spawn(look(house.clone(), done.clone()))).collect();
    for version in ["1.1.0", "1.0.0"].into_iter().cycle().take(40) {
        approve(&house, version).await.unwrap();
    }
    done.store(true, Ordering::Release);
    for looker in lookers {
        assert!(looker.await.unwrap() > 0);
    }
}
