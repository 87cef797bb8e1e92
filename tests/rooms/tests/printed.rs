//! What the program prints for people: the audit, page by page, and nothing that a terminal would obey.

use portcullis_manifest::hides;
use portcullis_tests::{Folder, Home, plugin};
use serde_json::{Value, json};

/// The records of a listing, newest first.
fn listed(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let printed = home.must(["audit", "--json"].iter().chain(arguments));
    printed.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
}

#[test]
fn ad_40_the_audit_is_listed_page_by_page() {
    let home = Home::with([plugin("plugins/notes")]);
    let served = home.serve();
    for title in ["one", "two", "three"] {
        served.call("notes_create", json!({ "title": title, "body": "x" }));
    }
    let all = listed(&home, &["--limit", "10000"]);
    let number = |record: &Value| record["seq"].as_i64().expect("a number");
    assert!(all.len() > 5 && all.is_sorted_by_key(|record| -number(record)), "{all:?}");
    // Reading is recorded, too, so pages begin after what was listed first.
    let mut pages = vec![all[0].clone()];
    loop {
        let before = number(pages.last().expect("there is one")).to_string();
        let page = listed(&home, &["--limit", "2", "--before", &before]);
        assert!(page.len() <= 2, "{page:?}");
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages, all);
    // Together with the other filters.
    let second = number(&listed(&home, &["--tool", "notes_create", "--limit", "1"])[0]).to_string();
    let rest = listed(&home, &["--tool", "notes_create", "--before", &second]);
    assert!(!rest.is_empty() && rest.iter().all(|record| record["tool"] == "notes_create"), "{rest:?}");
    for wrong in ["0", "-1", "first"] {
        home.run(["audit", &format!("--before={wrong}")]).is(2, &["--before"]);
    }
}

#[test]
fn the_audit_is_printed_with_times_that_a_person_can_read() {
    let home = Home::with([plugin("plugins/notes")]);
    let printed = home.must(["audit"]);
    assert!(printed.lines().count() >= 3, "{printed}");
    for line in printed.lines() {
        let time = line.split_whitespace().nth(1).expect("the second column");
        let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(form, "0000-00-00T00:00:00.000Z", "{line}");
    }
}

#[test]
fn wx_25_the_names_of_a_component_do_not_speak_to_a_terminal() {
    let component =
        wat::parse_str("(component (import \"a\\1b[2J\\e2\\80\\ae\" (instance)))").expect("it is a component");
    let folder = Folder::copy(&plugin("plugins/notes")).write("notes.wasm", component);
    let ran = Home::new().run(["check".as_ref(), folder.path().as_os_str()]);
    ran.is(1, &[r"a\u{1b}[2J\u{202e}"]);
    let printed = ran.stderr + &ran.stdout;
    assert!(!printed.chars().any(|c| hides(c) && c != '\n'), "{printed:?}");
}
