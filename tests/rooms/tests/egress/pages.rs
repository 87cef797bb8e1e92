//! plugins/web reads what it was granted, and nothing else.

use std::fs;

use portcullis_tests::{Folder, Home, plugin, root};
use serde_json::json;

use crate::{World, text};

fn world() -> World {
    let web = Folder::copy(&plugin("plugins/web")).edit("https://example.com", "https://tickets.test:8443");
    World::with([web.path()])
}

fn at(path: &str) -> String {
    format!("https://tickets.test:8443{path}")
}

#[test]
fn a_page_is_given_as_text_with_its_links() {
    let world = world();
    let page = world.structured("web_fetch", json!({ "url": at("/page#part") }));
    assert_eq!(page["title"], "The house & its lift");
    assert_eq!(
        page["text"],
        "# House rules\n\nThe lift carries four people. See the numbers [1] or more [2].\n\n- No smoking\n- No ball games"
    );
    let links = json!([{ "n": 1, "url": at("/data.json") }, { "n": 2, "url": "https://example.com/more" }]);
    assert_eq!(page["links"], links);
    assert_eq!(world.outside.heard()[0].path, "/page");

    let part = world.structured("web_fetch", json!({ "url": at("/page"), "start": 2, "max_chars": 100 }));
    assert!(part["text"].as_str().is_some_and(|text| text.starts_with("House rules") && text.len() == 100), "{part}");
    assert_eq!(part["next"], 102);
    assert_eq!(world.structured("web_fetch", json!({ "url": at("/text") }))["text"], "plain <b>text</b>");
}

#[test]
fn a_hostile_page_shows_no_script_and_ends_nothing() {
    let world = world();
    let soup = world.structured("web_fetch", json!({ "url": at("/soup") }));
    let read = soup["text"].as_str().expect("a text");
    assert!(!read.contains("never shown") && !soup.to_string().contains("javascript:"), "{read}");
    for word in ["before", "mixed", "quoted", "AB&bogus;", "press", "after"] {
        assert!(read.contains(word), "{word}: {read}");
    }
    assert!(world.failed("web_fetch", json!({ "url": at("/picture") })).contains("image/png"));
}

#[test]
fn json_is_given_whole_or_in_part() {
    let world = world();
    let whole = world.structured("web_json", json!({ "url": at("/data.json") }));
    assert_eq!(whole["value"], json!({ "lift": { "people": 4, "floors": [1, 2, 3] } }));
    let part = world.structured("web_json", json!({ "url": at("/data.json"), "pointer": "/lift/floors/1" }));
    assert_eq!(part["value"], 2);
    assert!(world.failed("web_json", json!({ "url": at("/page") })).contains("can't be read"));
}

/// Fails if a redirect is not held against the grant like the first request, or followed more often than the manifest says.
#[test]
fn eg_06_a_redirect_is_followed_inside_the_grant_and_nowhere_else() {
    let world = world();
    assert_eq!(world.structured("web_fetch", json!({ "url": at("/moved") }))["title"], "The house & its lift");
    let paths: Vec<String> = world.outside.heard().into_iter().map(|heard| heard.path).collect();
    assert_eq!(paths, ["/moved", "/page"]);

    world.failed("web_fetch", json!({ "url": at("/away") }));
    world.failed("web_fetch", json!({ "url": at("/round") }));
    let paths: Vec<String> = world.outside.heard().into_iter().skip(2).map(|heard| heard.path).collect();
    assert_eq!(paths, ["/away", "/round", "/round", "/round", "/round"], "the first, and three redirects");
    // Each hop is an attempt, and stands in the audit.
    let rows = world.egress_rows();
    assert!(rows.len() >= paths.len() + 2, "{rows:#?}");
}

#[test]
fn a_site_that_nobody_listed_is_not_asked() {
    let world = world();
    for url in [
        "https://elsewhere.test:8443/page",
        "https://tickets.test/page",
        "http://tickets.test:8443/page",
        "https://127.0.0.1:8443/",
    ] {
        let failed = world.failed("web_fetch", json!({ "url": url }));
        assert!(!failed.is_empty(), "{url}");
    }
    assert!(world.failed("web_fetch", json!({ "url": "tickets.test" })).contains("https://"));
    assert_eq!(world.outside.connections(), 0);
}

/// Fails if a GET to the outside counts as reading.
#[test]
fn wr_02_reading_outside_is_a_write_and_its_preview_sends_nothing() {
    let world = world();
    let tools = crate::client(&world).tools();
    let fetch = tools.iter().find(|tool| tool["name"] == "web_fetch").expect("it is listed");
    assert_eq!(fetch["annotations"]["readOnlyHint"], false, "{fetch}");
    assert_eq!(fetch["annotations"]["openWorldHint"], true, "{fetch}");
    let preview = json!({ "_meta": { "portcullis/preview": true } });
    let result = crate::call(&mut crate::client(&world), "web_fetch", &json!({ "url": at("/page") }), preview);
    assert_eq!(result["structuredContent"]["preview"]["whole"], false, "{result}");
    assert!(text(&result).contains("GET https://tickets.test:8443/page"), "{result}");
    assert_eq!(world.outside.connections(), 0);
}

#[test]
fn the_manifest_and_the_configuration_of_the_example_are_taken() {
    let example = root().join("examples/web");
    let read = |name: &str| fs::read(example.join(name)).expect("the example is there");
    let web = Folder::copy(&plugin("plugins/web")).write("plugin.toml", read("plugin.toml"));
    let home = Home::configured(read("portcullis.toml"));
    home.publish(web.path());
    let tools = home.must(["tools"]);
    assert!(tools.contains("web_fetch") && tools.contains("web_json"), "{tools}");
}
