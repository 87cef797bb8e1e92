//! The real pages of this repository, packed and searched: what a person would ask, and the page that answers it.

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use docs::pack::{Error, Options, pack};
use portcullis_plugin::{IntoOutcome, Outcome, assets::Memory, bindings::portcullis::plugin::types};
use serde_json::Value;

fn options() -> Options {
    let docs = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../docs");
    Options { docs, base_url: "https://docs.example/".to_owned(), extension: ".html".to_owned() }
}

fn release() -> Memory {
    static PACKED: LazyLock<Memory> =
        LazyLock::new(|| Memory::new(pack(&options()).expect("the pages are there").files));
    PACKED.clone()
}

fn done(outcome: Outcome) -> types::Answer {
    match outcome {
        Outcome::Done(answer) => answer,
        other => panic!("not done: {other:?}"),
    }
}

fn structured(outcome: Outcome) -> Value {
    serde_json::from_str(&done(outcome).structured.expect("is structured")).expect("is JSON")
}

fn results(query: &str) -> Vec<Value> {
    let found = structured(docs::search(release(), query).expect("finds").into_outcome());
    found["results"].as_array().expect("a list").clone()
}

#[test]
fn what_a_person_asks_finds_its_page_among_the_first_three() {
    let mut missed = Vec::new();
    for (question, page) in [
        ("How do I start the server and stop it?", "operating.md"),
        ("approve a release", "operating.md"),
        ("Keycloak as identity provider", "providers/keycloak.md"),
        ("single sign-on with Okta", "providers/okta.md"),
        ("Microsoft Entra app registration", "providers/entra.md"),
        ("which limits can a manifest set, such as fuel and memory", "manifest.md"),
        ("what does error code 50303 mean", "outcomes.md"),
        ("exit codes of the command line", "outcomes.md"),
        ("write a plugin in TypeScript", "authoring.md"),
        ("doctor checks from outside", "doctor.md"),
        ("configuration key http.write_timeout", "configuration.md"),
        ("the admin plane and its roles", "admin.md"),
        ("crates and rooms, which may depend on which", "architecture.md"),
        ("shut out somebody whose access token was stolen", "identity.md"),
        ("previews, confirmations and questions to the person", "architecture.md"),
        ("back up the data directory", "operating.md"),
        ("what does the audit record and how is it verified", "operating.md"),
        ("test a plugin without a host", "authoring.md"),
        ("quota of a kv capability", "manifest.md"),
        ("common errors of plugin authors", "authoring.md"),
        ("scopes, groups and roles", "identity.md"),
        ("connect ChatGPT to my own pages", "chatgpt.md"),
    ] {
        let found = results(question);
        let pages: Vec<&str> = found.iter().map(|hit| hit["id"].as_str().expect("an id")).collect();
        let first = &pages[..pages.len().min(3)];
        if !first.iter().any(|id| id.split('#').next() == Some(page)) {
            missed.push(format!("{question}: {pages:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_result_can_be_fetched_and_is_the_section_that_it_says() {
    let found = results("confirmation of a destructive tool");
    assert!(found.len() > 5);
    for hit in found {
        let [id, title, url] = ["id", "title", "url"].map(|key| hit[key].as_str().expect("a text"));
        assert_eq!(hit.as_object().map(|hit| hit.len()), Some(3));
        let (path, anchor) = id.split_once('#').unwrap_or((id, ""));
        let page = path.trim_end_matches(".md");
        let expected = if anchor.is_empty() { format!("{page}.html") } else { format!("{page}.html#{anchor}") };
        assert_eq!(url, format!("https://docs.example/{expected}"));
        let answer = done(docs::fetch(release(), id).expect("fetches").into_outcome());
        let [types::Content::Text(text)] = &answer.content[..] else { panic!("not one text") };
        assert_eq!(Some(text), answer.structured.as_ref());
        let document: Value = serde_json::from_str(text).expect("is JSON");
        assert_eq!([&document["id"], &document["title"], &document["url"]], [id, title, url]);
        let text = document["text"].as_str().expect("a text");
        let heading = title.rsplit(" › ").next().expect("has one");
        let first = text.lines().next().expect("not empty").replace('`', "");
        assert!(first.trim_start_matches(['#', ' ']).starts_with(heading.trim()), "{title}: {first}");
    }
}

#[test]
fn each_result_has_an_excerpt_for_the_widget_and_the_model_is_not_shown_it() {
    let answer = done(docs::search(release(), "pseudonym").expect("finds").into_outcome());
    let meta: Value = serde_json::from_str(&answer.meta.expect("has one")).expect("is JSON");
    let excerpts = meta["portcullis.docs/excerpts"].as_object().expect("by id").clone();
    let found: Value = serde_json::from_str(&answer.structured.expect("is structured")).expect("is JSON");
    let ids: BTreeSet<&str> =
        found["results"].as_array().expect("a list").iter().filter_map(|hit| hit["id"].as_str()).collect();
    assert_eq!(excerpts.keys().map(String::as_str).collect::<BTreeSet<&str>>(), ids);
    let [types::Content::Text(text)] = &answer.content[..] else { panic!("not one text") };
    assert!(!text.contains("excerpt"));
    assert!(excerpts.values().any(|text| text.as_str().is_some_and(|text| text.contains("pseudonym"))));
}

#[test]
fn ids_are_those_of_the_headings_and_do_not_depend_on_other_pages() {
    let folder = tempdir("ids");
    fs::copy(options().docs.join("operating.md"), folder.join("operating.md")).expect("is there");
    let alone = Memory::new(pack(&Options { docs: folder, ..options() }).expect("packs").files);
    let id = "operating.md#start-and-stop";
    let text = |release: Memory| structured(docs::fetch(release, id).expect("fetches").into_outcome())["text"].clone();
    assert_eq!(text(alone), text(release()));
}

#[test]
fn the_same_pages_give_the_same_bytes_and_others_give_others() {
    let folder = tempdir("same");
    // Written in another order than they are listed in.
    for name in ["b.md", "a/c.md", "a.md"] {
        fs::create_dir_all(folder.join(name).parent().expect("has one")).expect("can be made");
        fs::write(folder.join(name), format!("# {name}\n\nText of {name}.\n")).expect("can be written");
    }
    fs::write(folder.join("no.txt"), "left out").expect("can be written");
    fs::write(folder.join(".hidden.md"), "left out").expect("can be written");
    let options = Options { docs: folder.clone(), ..options() };
    let first = pack(&options).expect("packs").files;
    assert_eq!(first, pack(&options).expect("packs").files);
    let pages: Vec<&str> = first.keys().filter_map(|name| name.strip_prefix("pages/")).collect();
    assert_eq!(pages, ["a.md", "a/c.md", "b.md"]);
    fs::write(folder.join("b.md"), "# b.md\n\nOther text.\n").expect("can be written");
    assert_ne!(first, pack(&options).expect("packs").files);
}

#[test]
fn what_is_not_there_and_what_is_not_asked_is_said() {
    for id in ["", "none.md", "operating.md#none", "../Cargo.toml"] {
        let error = docs::fetch(release(), id).expect_err("not there").to_string();
        assert!(error.contains(&format!("`{id}`")) && error.contains("search"), "{error}");
    }
    assert!(docs::search(release(), "  ").expect_err("empty").to_string().contains("query is empty"));
    assert_eq!(results("xylophone zebra"), Vec::<Value>::new());
    // Nothing but words that say how: an answer without results, and no division by nothing.
    assert_eq!(results("how do I"), Vec::<Value>::new());
}

#[test]
fn an_address_that_nobody_can_open_is_refused_when_it_is_packed() {
    for base in ["docs://pages/", "https://docs.example", ""] {
        let error = pack(&Options { base_url: base.to_owned(), ..options() }).expect_err("no address");
        assert!(matches!(&error, Error::Base(found) if found == base), "{error}");
    }
    let empty = pack(&Options { docs: tempdir("empty"), ..options() }).expect_err("no pages");
    assert!(matches!(empty, Error::Empty(_)), "{empty}");
}

#[test]
fn a_long_page_is_cut_at_a_line_and_says_so() {
    let folder = tempdir("long");
    fs::write(folder.join("a.md"), format!("# Long\n\n{}", "One line of text.\n".repeat(7000)))
        .expect("can be written");
    let release = Memory::new(pack(&Options { docs: folder, ..options() }).expect("packs").files);
    let document = structured(docs::fetch(release, "a.md").expect("fetches").into_outcome());
    let text = document["text"].as_str().expect("a text");
    assert!(text.len() < 100_200 && text.contains("text.\n\n(This is longer"), "{}", &text[text.len() - 200..]);
    assert_eq!(document["metadata"]["complete"], false);
}

/// A new folder under the target directory; nothing of it is read by another test.
fn tempdir(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("can be made");
    folder
}
