//! Pages as people have them: names with spaces, front matter, other scripts, links, and pages that are too long.

use std::{fs, path::Path};

use docs::pack::{Error, Options, Packed, pack};
use portcullis_plugin::{IntoOutcome, Outcome, assets::Memory};
use serde_json::Value;

/// A new folder with these files; nothing of it is read by another test.
fn options(name: &str, files: &[(&str, &str)]) -> Options {
    let docs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own").join(name);
    let _ = fs::remove_dir_all(&docs);
    fs::create_dir_all(&docs).expect("can be made");
    for (name, text) in files {
        let path = docs.join(name);
        fs::create_dir_all(path.parent().expect("has one")).expect("can be made");
        fs::write(path, text).expect("can be written");
    }
    Options { docs, base_url: "https://handbook.example/".to_owned(), extension: String::new() }
}

fn packed(name: &str, files: &[(&str, &str)]) -> Packed {
    pack(&options(name, files)).expect("packs")
}

fn structured(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done(answer) => serde_json::from_str(&answer.structured.expect("is structured")).expect("is JSON"),
        other => panic!("not done: {other:?}"),
    }
}

fn ids(release: &Memory, query: &str) -> Vec<String> {
    let found = structured(docs::search(release.clone(), query).expect("finds").into_outcome());
    let id = |hit: &Value| hit["id"].as_str().expect("a text").to_owned();
    found["results"].as_array().expect("a list").iter().map(id).collect()
}

fn fetched(release: &Memory, id: &str) -> Value {
    structured(docs::fetch(release.clone(), id).expect("fetches").into_outcome())
}

/// Fails without `resources::uri`: the URI would hold a space, which the host reads as nothing that is there.
#[test]
fn a_prompt_names_a_page_by_the_uri_under_which_the_host_has_it() {
    let release = Memory::new(packed("uris", &[("guides/Holidays & leave.md", "# Holidays\n\nThirty days.\n")]).files);
    let prompt = docs::answer(release.clone(), "How many holidays?").expect("answers");
    let shown = format!("{prompt:?}");
    assert!(shown.contains("docs://pages/guides/Holidays%20&%20leave.md"), "{shown}");
    let document = fetched(&release, &ids(&release, "holidays")[0]);
    assert_eq!(document["url"], "https://handbook.example/guides/Holidays%20%26%20leave");
}

/// Fails without `front`: an excerpt would begin with `title:`, and a page would be found by what is for the site's program alone.
#[test]
fn front_matter_gives_a_page_its_title_and_is_neither_found_nor_shown() {
    let page = "---\ntitle: Days off\nsecret_tag: zebra\n---\n\nThirty days a year.\n";
    let release = Memory::new(packed("front", &[("leave.md", page)]).files);
    assert_eq!(ids(&release, "days off"), ["leave.md"]);
    assert_eq!(ids(&release, "zebra"), Vec::<String>::new());
    let document = fetched(&release, "leave.md");
    assert_eq!([&document["title"], &document["text"]], ["Days off", "\nThirty days a year.\n"]);
}

#[test]
fn pages_may_end_in_other_ways_and_what_is_none_is_said() {
    let files = [
        ("a.MD", "# Alpha\n"),
        ("b.markdown", "# Beta\n"),
        ("c#d.md", "# Gamma\n\n## Part\n\nDelta.\n"),
        ("e.png", ""),
        (".obsidian/f.md", "# Hidden\n"),
        ("sub/.g.md", "# Hidden\n"),
    ];
    let Packed { files, skipped, cut } = packed("endings", &files);
    assert_eq!(skipped, [".obsidian", "e.png", "sub/.g.md"]);
    assert_eq!(cut, Vec::<String>::new());
    let release = Memory::new(files);
    assert_eq!(fetched(&release, &ids(&release, "alpha")[0])["url"], "https://handbook.example/a");
    assert_eq!(fetched(&release, &ids(&release, "beta")[0])["url"], "https://handbook.example/b");
    // The name of a file may hold what ids are cut at.
    assert_eq!(fetched(&release, "c#d.md")["title"], "Gamma");
    assert_eq!(fetched(&release, "c#d.md#part")["url"], "https://handbook.example/c%23d#part");
}

/// Fails without the look at `is_symlink`: a file of the machine would be published under a name of the handbook.
#[cfg(unix)]
#[test]
fn a_link_is_refused_and_not_followed() {
    for (name, link, target) in [("file", "l.md", "Cargo.toml"), ("folder", "sub", "src")] {
        let options = options(&format!("link-{name}"), &[("a.md", "# A\n")]);
        let target = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join(target);
        std::os::unix::fs::symlink(target, options.docs.join(link)).expect("can be made");
        let error = pack(&options).expect_err("refused");
        assert!(matches!(&error, Error::Link(path) if path.ends_with(link)), "{error}");
        assert!(error.to_string().contains("is a link"), "{error}");
    }
}

/// Fails without the fold and the pairs of `words.rs`.
#[test]
fn pages_in_other_languages_are_found() {
    let release = Memory::new(
        packed(
            "languages",
            &[
                ("ja/leave.md", "# 有給休暇\n\n有給休暇は年に三十日です。申請は部門長に提出します。\n"),
                ("ja/expenses.md", "# 経費精算\n\n経費は月末までに精算してください。\n"),
                ("zh/leave.md", "# 休假制度\n\n员工每年有三十天带薪休假。\n"),
                ("ko/leave.md", "# 휴가 정책\n\n직원은 일 년에 삼십 일의 휴가를 받습니다.\n"),
                ("de/houses.md", "# Häuser\n\nDie Schlüssel liegen in der Straße.\n"),
                ("ru/leave.md", "# Отпуск\n\nДостопримечательность: ещё тридцать дней.\n"),
            ],
        )
        .files,
    );
    for (query, page) in [
        ("有給休暇は何日ですか", "ja/leave.md"),
        ("経費の精算", "ja/expenses.md"),
        ("带薪休假", "zh/leave.md"),
        ("휴가", "ko/leave.md"),
        ("hauser", "de/houses.md"),
        ("HÄUSER", "de/houses.md"),
        ("schlussel strasse", "de/houses.md"),
        ("достопримечательность", "ru/leave.md"),
        ("еще", "ru/leave.md"),
    ] {
        assert_eq!(ids(&release, query).first().map(String::as_str), Some(page), "{query}");
    }
}

/// What is behind the longest answer is not found, because nothing could fetch it; and whoever packs is told.
#[test]
fn a_page_that_is_too_long_is_searched_as_far_as_it_can_be_fetched() {
    let page = format!("# Long\n\n{}behind\n\n## Short\n\nInside.\n", "The same words stand here. ".repeat(60_000));
    let Packed { files, cut, .. } = packed("long", &[("long.md", &page)]);
    assert_eq!(cut, ["long.md"]);
    let release = Memory::new(files);
    assert_eq!(ids(&release, "same words"), ["long.md"]);
    assert_eq!(ids(&release, "behind"), Vec::<String>::new());
    assert_eq!(ids(&release, "inside"), ["long.md#short"]);
    let text = fetched(&release, "long.md")["text"].as_str().expect("a text").len();
    assert!((99_900..100_200).contains(&text), "{text}");
    // A letter is not cut in two.
    let page = "休".repeat(50_000);
    let wide = Memory::new(packed("wide", &[("wide.md", &page)]).files);
    let text = fetched(&wide, "wide.md")["text"].as_str().expect("a text").to_owned();
    assert!(page.starts_with(text.split('\n').next().expect("has one")), "{}", &text[text.len() - 200..]);
    let prompt = format!("{:?}", docs::answer(release, "same words").expect("answers"));
    assert!(prompt.len() < 22_000 && prompt.contains("This passage is longer"), "{}", prompt.len());
}

#[test]
fn more_pages_than_a_release_may_have_are_refused_with_the_number() {
    let options = options("many", &[("a.md", "# A\n")]);
    for number in 0..1993 {
        fs::write(options.docs.join(format!("{number}.md")), "# Page\n").expect("can be written");
    }
    let error = pack(&options).expect_err("too many").to_string();
    assert!(error.contains("1994 pages") && error.contains("2000 files"), "{error}");
    fs::remove_file(options.docs.join("a.md")).expect("is there");
    // With the widget, exactly as many as a release may have.
    assert_eq!(pack(&options).expect("packs").files.len() + 1, 2000);
}

#[test]
fn pages_that_are_longer_than_a_release_takes_are_refused_with_their_bytes() {
    let page = format!("# Long\n\n{}", "x ".repeat(4 << 20));
    let error = pack(&options("heavy", &[("a.md", &page)])).expect_err("too long").to_string();
    assert!(error.contains("pages/a.md has 8388616 bytes") && error.contains("at most 8388608"), "{error}");
    let page = "x ".repeat(4_000_000);
    let files: Vec<(String, &str)> = (0..5).map(|number| (format!("{number}.md"), page.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let error = pack(&options("heavy", &files)).expect_err("too much").to_string();
    assert!(error.starts_with("the pages and their index have 400") && error.contains("at most 33554432"), "{error}");
}

#[test]
fn a_page_that_is_no_text_is_refused_with_its_name() {
    let options = options("bytes", &[]);
    fs::write(options.docs.join("a.md"), [0xff, 0xfe, 0x41]).expect("can be written");
    let error = pack(&options).expect_err("is no text").to_string();
    assert!(error.contains("a.md") && error.contains("UTF-8"), "{error}");
}
