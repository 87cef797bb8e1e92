//! What is listed beside tools, what clients are told of it, and what is refused before it is served.

use std::collections::BTreeMap;

use portcullis_backend::{Answer, AnsweredBy, Backend as _, CallAnswer, CallRequest, ListKind, Target};
use portcullis_calls::{Policy, Source};
use portcullis_manifest::Principal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::people::{House, signed_in, subject};

const COMPLETE: &str = include_str!("../../../sandbox/testdata/complete.wat");

const PAGE: &str = "<!doctype html><title>Results</title><ul id=\"list\"></ul>";

/// A plugin of that name, whose resources are under `scheme`.
fn manifest(name: &str, scheme: &str) -> String {
    format!(
        r#"manifest = 1
[plugin]
name = "{name}"
version = "1.0.0"
component = "docs.wasm"
publisher = "portcullis"
summary = "Pages"

[assets]
folder = "assets"

[capability.box]
kind = "kv"
partition = "user"

[capability.board]
kind = "kv"
partition = "shared"

[[tool]]
name = "search"
title = "Search"
description = "Use this in tests of a host."
widget = "results"
visibility = ["app"]
invoking = "Searching"
invoked = "Found"

[[prompt]]
name = "summary"
title = "Summary"
description = "A summary"
scopes = ["docs:read"]
[[prompt.argument]]
name = "topic"
title = "Topic"
required = true

[[resource]]
name = "page"
title = "A page"
description = "A page of the documentation"
mime = "text/markdown"
uri = "{scheme}://pages/{{+path}}"
asset = "pages/{{+path}}"

[[resource]]
name = "note"
title = "A note"
description = "A note"
uri = "{scheme}://notes/{{id}}"

[[resource]]
name = "index"
title = "Index"
description = "All pages"
uri = "{scheme}://index"
asset = "index.md"

[[widget]]
name = "results"
title = "Results"
description = "What was found"
asset = "results.html"
version = 1
connect = ["https://api.example.com"]
"#
    )
}

fn source(manifest: String, page: &str) -> Source {
    let assets = [("index.md", "# Index"), ("pages/a b.md", "# A"), ("pages/more/b.md", "# B"), ("results.html", page)];
    Source {
        manifest,
        files: BTreeMap::new(),
        assets: assets.map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec())).into(),
        component: wat::parse_str(COMPLETE).unwrap(),
        prefix: None,
    }
}

async fn publish(house: &House, name: &str, scheme: &str) {
    house.host.publish(source(manifest(name, scheme), PAGE), "ann").await.unwrap();
}

async fn serving(policy: Policy) -> House {
    let house = House::empty(policy).await;
    publish(&house, "docs", "docs").await;
    house.host.approve("docs@1.0.0", &[], "bob").await.unwrap();
    house
}

fn listed(house: &House, kind: ListKind, who: &Principal) -> Vec<Value> {
    house.host.list(kind, who).items.iter().map(|item| serde_json::from_str(item.json.get()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_has_a_list_in_the_order_of_its_keys() {
    let house = serving(signed_in()).await;
    let ann = subject("ann", &[]);
    let prompt = json!({
        "name": "docs_summary", "title": "Summary", "description": "A summary",
        "arguments": [{ "name": "topic", "title": "Topic", "required": true }],
    });
    assert_eq!(listed(&house, ListKind::Prompts, &ann), [prompt]);
    let page = |rest: Value| {
        let mut page = json!({ "description": "A page of the documentation", "mimeType": "text/markdown" });
        page.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        page
    };
    let resources = listed(&house, ListKind::Resources, &ann);
    assert_eq!(
        resources[..3],
        [
            json!({ "uri": "docs://index", "name": "docs_index", "title": "Index", "description": "All pages", "size": 7 }),
            page(json!({ "uri": "docs://pages/a%20b.md", "name": "pages/a b.md", "title": "a b.md", "size": 3 })),
            page(
                json!({ "uri": "docs://pages/more/b.md", "name": "pages/more/b.md", "title": "more/b.md", "size": 3 })
            ),
        ]
    );
    let widget = &resources[3];
    assert_eq!(widget["uri"], "ui://docs/results-v1.html");
    assert_eq!(widget["mimeType"], "text/html;profile=mcp-app");
    assert_eq!(widget["_meta"]["ui"]["csp"]["connectDomains"], json!(["https://api.example.com"]));
    assert_eq!(resources.len(), 4);
    assert_eq!(
        listed(&house, ListKind::Templates, &ann),
        [
            json!({ "uriTemplate": "docs://notes/{id}", "name": "docs_note", "title": "A note", "description": "A note" }),
            page(json!({ "uriTemplate": "docs://pages/{+path}", "name": "docs_page", "title": "A page" })),
        ]
    );
    let tool = &listed(&house, ListKind::Tools, &ann)[0];
    let meta = json!({
        "ui": { "resourceUri": "ui://docs/results-v1.html", "visibility": ["app"] },
        "openai/outputTemplate": "ui://docs/results-v1.html",
        "openai/widgetAccessible": true,
        "openai/visibility": "private",
        "openai/toolInvocation/invoking": "Searching",
        "openai/toolInvocation/invoked": "Found",
        "securitySchemes": tool["securitySchemes"],
    });
    assert_eq!(tool["_meta"], meta);
    assert!(house.host.resource().unwrap().scopes.iter().any(|scope| scope.as_str() == "docs:read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_with_the_policy_that_its_manifest_gives_it() {
    let house = serving(signed_in()).await;
    let target = Target::Resource { uri: "ui://docs/results-v1.html".to_owned() };
    let answer = house.host.call(CallRequest::new(Uuid::now_v7(), subject("ann", &[]), target)).await.unwrap();
    let CallAnswer::Done(Answer::Resource(answer)) = answer else { panic!("{answer:?}") };
    let [contents] = &answer.contents[..] else { panic!("{answer:?}") };
    assert_eq!(
        (&contents["text"], &contents["mimeType"]),
        (&json!(portcullis_manifest::guarded(PAGE)), &json!("text/html;profile=mcp-app"))
    );
    assert_eq!(contents["_meta"], listed(&house, ListKind::Resources, &subject("ann", &[]))[3]["_meta"]);
}

/// Fails where what somebody signed in for, or what not everybody sees, may stand in a shared cache.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_release_is_for_everybody_s_cache_only_where_everybody_may_read_it() {
    let family = BTreeMap::from([("docs".parse().unwrap(), vec!["family".to_owned()])]);
    let local = Principal::local();
    for (policy, who, varies) in [
        (Policy::default(), local.clone(), false),
        (Policy { access: family, ..Policy::default() }, local.clone(), true),
        (signed_in(), subject("ann", &[]), true),
        (Policy { without_sign_in: true, ..signed_in() }, subject("ann", &[]), true),
    ] {
        let house = serving(policy).await;
        let target = Target::Resource { uri: "ui://docs/results-v1.html".to_owned() };
        let answer = house.host.call(CallRequest::new(Uuid::now_v7(), who, target)).await.unwrap();
        let CallAnswer::Done(Answer::Resource(answer)) = answer else { panic!("{answer:?}") };
        assert_eq!(answer.by, AnsweredBy::Release { varies });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn au_06_who_does_not_see_a_plugin_sees_nothing_of_what_it_offers() {
    let access = BTreeMap::from([("docs".parse().unwrap(), vec!["family".to_owned()])]);
    let house = serving(Policy { access, ..signed_in() }).await;
    let kinds = [ListKind::Tools, ListKind::Resources, ListKind::Templates, ListKind::Prompts];
    let seen = |who: &Principal| kinds.map(|kind| listed(&house, kind, who).len());
    assert_eq!(seen(&subject("ann", &["family"])), [1, 4, 2, 1]);
    assert_eq!(seen(&subject("eve", &[])), [0, 0, 0, 0]);
    for uri in ["docs://index", "docs://pages/a%20b.md", "ui://docs/results-v1.html"] {
        let target = Target::Resource { uri: uri.to_owned() };
        let refused = house.host.call(CallRequest::new(Uuid::now_v7(), subject("eve", &[]), target)).await;
        assert!(matches!(refused, Err(portcullis_backend::CallRefused::UnknownResource { .. })), "{uri}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mc_04_a_release_whose_uris_could_be_another_plugins_is_not_approved() {
    let house = serving(signed_in()).await;
    publish(&house, "other", "docs").await;
    let refused = house.host.approve("other@1.0.0", &[], "bob").await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "other@1.0.0 is not approved: its resource `docs://pages/{+path}` and `docs://pages/{+path}` of the plugin `docs` could \
         be one URI, and nobody could tell whose it is: begin one of them otherwise, or withdraw the other plugin's release"
    );
    assert_eq!(listed(&house, ListKind::Prompts, &subject("ann", &[])).len(), 1);
    // Once the other is gone, it may.
    house.host.decide("docs@1.0.0", false, "bob").await.unwrap();
    house.host.approve("other@1.0.0", &[], "bob").await.unwrap();
    assert_eq!(listed(&house, ListKind::Prompts, &subject("ann", &[]))[0]["name"], "other_summary");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_reads_may_be_opened_to_whoever_has_not_signed_in() {
    let house = House::empty(Policy { without_sign_in: true, ..signed_in() }).await;
    publish(&house, "docs", "docs").await;
    let open = ["docs_index".to_owned(), "results".to_owned()];
    house.host.approve("docs@1.0.0", &open, "bob").await.unwrap();
    let read = |uri: &str| {
        let target = Target::Resource { uri: uri.to_owned() };
        house.host.call(CallRequest::new(Uuid::now_v7(), Principal::anonymous(), target))
    };
    assert!(read("docs://index").await.is_ok());
    assert!(read("ui://docs/results-v1.html").await.is_ok());
    assert!(read("docs://pages/a%20b.md").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_reaches_for_what_is_not_declared_is_refused_when_it_is_published() {
    let house = House::empty(signed_in()).await;
    let page = PAGE.replace("<ul", "<img src=\"https://cdn.example.com/a.png\"><ul onclick=\"go()\"");
    let refused = house.host.publish(source(manifest("docs", "docs"), &page), "ann").await.unwrap_err().to_string();
    assert!(
        refused.contains("results.html:1:48: widget.results: `https://cdn.example.com` is not declared"),
        "{refused}"
    );
    assert!(refused.contains("`onclick` runs script out of an attribute"), "{refused}");
    assert!(house.host.releases().await.unwrap().is_empty());
    let missing = Source { assets: BTreeMap::new(), ..source(manifest("docs", "docs"), PAGE) };
    let refused = house.host.publish(missing, "ann").await.unwrap_err().to_string();
    assert!(refused.contains("the release has no asset `results.html`"), "{refused}");
    let mut outside = source(manifest("docs", "docs"), PAGE);
    outside.assets.insert("../evil".to_owned(), Vec::new());
    let refused = house.host.publish(outside, "ann").await.unwrap_err().to_string();
    assert!(refused.contains("the asset `../evil`"), "{refused}");
}
