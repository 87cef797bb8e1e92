//! What a page may hold, and what a client is told of it.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use serde_json::json;

use crate::{AssetFiles, Manifest};

const MANIFEST: &str = r#"manifest = 1
[plugin]
name = "docs"
version = "1.0.0"
component = "docs.wasm"
publisher = "example"
summary = "Pages"

[assets]
folder = "assets"

[[tool]]
name = "search"
title = "Search"
description = "Use this to search."
widget = "results"

[[widget]]
name = "results"
title = "Results"
description = "The pages that were found"
asset = "results.html"
"#;

fn manifest(more: &str) -> Manifest {
    Manifest::parse(&format!("{MANIFEST}{more}")).unwrap()
}

/// What is refused in `page`, a line for each.
fn refused(more: &str, page: &str) -> Vec<String> {
    let assets = BTreeMap::from([("results.html".parse().unwrap(), Arc::from(page.as_bytes()))]);
    match manifest(more).check_widgets(&AssetFiles::new(assets).unwrap()) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.as_slice().iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn one(more: &str, page: &str, expected: &str) {
    let found = refused(more, page);
    assert_eq!(found.len(), 1, "{page}: {found:#?}");
    assert!(found[0].contains(expected), "{page}: {}", found[0]);
}

const FINE: &str = r#"<!doctype html>
<!-- A page -->
<html lang="en"><head><meta charset="utf-8"><title>Results < all</title>
<style>li { top: 0; background: url(data:image/png;base64,AAAA) }</style></head>
<body><ul id="list" data-kind='x'></ul><svg viewBox="0 0 1 1"><title>t</title><path d="M0 0"/></svg>
<script>
  // A comment, no address.
  const ns = "http://www.w3.org/2000/svg", rect = list.getBoundingClientRect();
  window.parent.postMessage({ jsonrpc: "2.0", id: 1, method: "ui/initialize" }, "*");
  window.addEventListener("message", (event) => { setTimeout(() => draw(event.data), rect.top.valueOf() / 2) });
  if (1 < 2 && evaluate(3)) { retrieval(4); }
</script></body></html>
"#;

#[test]
fn an_ordinary_page_is_taken() {
    assert_eq!(refused("", FINE), [""; 0]);
}

#[test]
fn a_refusal_names_file_line_column_rule_and_what_would_allow_it() {
    let page = FINE.replace("<ul id", "<ul onclick=\"go()\" id");
    let expected = "results.html:5:11: widget.results: `onclick` runs script out of an attribute; write `addEventListener` in a \
                    `<script>`";
    assert_eq!(refused("", &page), [expected]);
    let page = FINE.replace("// A comment", "fetch(\"https://api.example.com/x\"); // A comment");
    let expected = "results.html:7:10: widget.results: `https://api.example.com` is not declared; list it under `connect` \
                    (requests), `load` (styles, pictures, fonts), `frame` or `redirect` (links) of the [[widget]], or take it \
                    out, in comments too";
    assert_eq!(refused("", &page), [expected]);
    assert_eq!(refused("connect = [\"https://api.example.com\"]", &page), [""; 0]);
    assert_eq!(refused("connect = [\"https://*.example.com\"]", &page), [""; 0]);
}

#[test]
fn what_runs_script_out_of_text_is_refused() {
    for (page, expected) in [
        ("<p ONLOAD=x>", "`onload` runs script"),
        ("<a href=\" jAva\tScript:alert(1)\">", "an address of the scheme `javascript:`"),
        ("<a href='java&#115;cript:x'>", "signs such as"),
        ("<a href='javascript&colon;x'>", "signs such as"),
        ("<svg><a xlink:href='javascript:x'></a></svg>", "`javascript:`"),
        ("<iframe src='https://a.example' srcdoc='<p>'></iframe>", "a frame that is not declared"),
        ("<script>eval ('1')</script>", "`eval` makes script"),
        ("<script>new Function('a')</script>", "`Function` makes script"),
        ("<script>setTimeout( 'x()', 1)</script>", "`setTimeout` makes script"),
        ("<script>setInterval(`x`, 1)</script>", "`setInterval` makes script"),
        ("<script src='main.js'></script>", "`main.js` loads script from elsewhere"),
        ("<script>import('https://a.example/x.js')</script>", "loads script from elsewhere"),
        ("<script type=module>import x from '//a.example/x.js'</script>", "loads script from elsewhere"),
        ("<style>@IMPORT 'x.css'</style>", "`@import` loads styles"),
    ] {
        let found = refused("", page);
        assert!(found.iter().any(|line| line.contains(expected)), "{page}: {found:#?}");
    }
}

#[test]
fn what_leads_elsewhere_is_refused_unless_it_is_declared() {
    for page in [
        "<img src=\"https://cdn.example.com/a.png\">",
        "<img src=//cdn.example.com/a.png>",
        "<link rel=stylesheet href=\"https://cdn.example.com/a.css\">",
        "<style>p { background: url(https://cdn.example.com/a.png) }</style>",
        "<style>p { background: url(//cdn.example.com/a.png) }</style>",
        "<p style=\"background: url('https://cdn.example.com/a.png')\">",
        "<script>const at = 'HTTPS://CDN.example.com/'</script>",
        "<script>const at = \"wss://cdn.example.com\"</script>",
        "<a href=\"https://cdn.example.com/\">x</a>",
    ] {
        one("", page, "cdn.example.com` is not declared");
        assert_eq!(refused("load = [\"https://cdn.example.com\"]", page), [""; 0], "{page}");
        one("load = [\"https://a.example.com\"]", page, "is not declared");
    }
    for (page, expected) in [
        ("<img src='http://cdn.example.com/a'>", "whoever is on the way"),
        ("<img src='https://127.0.0.1/a'>", "no origin that a page may reach"),
        ("<img src='https://user@cdn.example.com/a'>", "no origin that a page may reach"),
        ("<script>open(`https://${host}/`)</script>", "its host is not written out"),
        ("<script>const ns = 'http://www.w3.org/2000/svg.evil.example'</script>", "whoever is on the way"),
    ] {
        one("load = [\"https://cdn.example.com\"]", page, expected);
    }
}

#[test]
fn frames_objects_and_what_a_server_says_are_refused() {
    for (page, expected) in [
        ("<iframe src='https://video.example.com/'></iframe>", "frame"),
        ("<object data='a'></object>", "`<object>` is not allowed"),
        ("<EMBED src=a>", "`<embed>` is not allowed"),
        ("<base href='/'>", "`<base>` is not allowed"),
        ("<meta http-equiv=refresh content='0'>", "`http-equiv` is not allowed"),
        ("<form action='/x'>", "`action` is not allowed"),
        ("<a ping='/x'>", "`ping` is not allowed"),
        ("<noscript><p></noscript>", "`<noscript>` is not allowed"),
    ] {
        let found = refused("", page);
        assert!(found.iter().any(|line| line.contains(expected)), "{page}: {found:#?}");
    }
    let frame = "frame = [\"https://video.example.com\"]";
    assert_eq!(refused(frame, "<iframe src='https://video.example.com/'></iframe>"), [""; 0]);
    one(frame, "<iframe></iframe>", "a frame that is not declared");
    one(frame, "<iframe src='https://other.example.com/'></iframe>", "is not declared");
}

#[test]
fn what_is_not_the_pages_is_refused_and_connections_need_an_origin() {
    for word in [
        "navigator.geolocation.watchPosition(f)",
        "navigator.mediaDevices.enumerateDevices()",
        "navigator.clipboard.readText()",
        "window.parent.document.body",
        "parent.document",
        ";top.close()",
        "window.top.postMessage(1)",
        "navigator.serviceWorker.register('a')",
        "document.cookie = 'a'",
        "localStorage.a = 1",
        "indexedDB.open('a')",
        "new RTCPeerConnection()",
    ] {
        let page = format!("<script>{word}</script>");
        let found = refused("connect = [\"https://a.example.com\"]", &page);
        assert_eq!(found.len(), 1, "{word}: {found:#?}");
        assert!(found[0].contains("no key of a manifest allows it"), "{}", found[0]);
    }
    one("", "<script>new WebSocket(at)</script>", "list the origin under `connect`");
    assert_eq!(refused("connect = [\"https://a.example.com\"]", "<script>new WebSocket(at)</script>"), [""; 0]);
}

#[test]
fn what_readers_could_read_in_two_ways_is_refused() {
    for page in [
        "<!--> <p> -->",
        "<!-- a --!> <p onload=x> -->",
        "<!-- no end",
        "<![CDATA[ x ]]>",
        "<?php ?>",
        "<p title=\"no end>",
        "<p title=a\"b>",
        "<p a=1 a=2>",
        "<p \"x\">",
        "<script>no end",
        "<script>x = '<!--<script>'</script>",
        "<style>p { content: '</styl' }</style>",
        "<svg><style><img onload=x></style></svg>",
        "<svg><script>x</script></svg>",
        "</p onload=x>",
        "<p",
        "a\0b",
    ] {
        let found = refused("", page);
        assert!(found.iter().any(|line| line.contains("do not all read alike")), "{page}: {found:#?}");
    }
}

#[test]
fn a_page_that_is_no_text_or_too_long_is_refused() {
    let assets =
        |bytes: &[u8]| AssetFiles::new(BTreeMap::from([("results.html".parse().unwrap(), Arc::from(bytes))])).unwrap();
    let refused = |bytes: &[u8]| manifest("").check_widgets(&assets(bytes)).unwrap_err().to_string();
    assert!(refused(b"<p>\xff").contains("is not UTF-8 text"));
    assert!(refused(&vec![b'a'; (2 << 20) + 1]).contains("at most 2097152 are read"));
}

#[test]
fn what_a_client_is_told_is_what_the_manifest_says_and_nothing_else() {
    let plain = manifest("");
    let expected = json!({
        "ui": { "csp": { "connectDomains": [], "resourceDomains": [] } },
        "openai/widgetDescription": "The pages that were found",
        "openai/widgetCSP": { "connect_domains": [], "resource_domains": [] },
    });
    assert_eq!(plain.widgets[0].meta(), expected);
    assert_eq!(
        plain.widgets[0].content_security_policy(),
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self'; media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'self'"
    );
    assert_eq!(plain.widgets[0].uri(&plain.plugin.name), "ui://docs/results.html");
    let more = "version = 3\nconnect = [\"https://api.example.com\"]\nload = [\"https://*.example.com\"]\n\
                frame = [\"https://video.example.com\"]\nredirect = [\"https://shop.example.com\"]\nborder = false\n\
                domain = \"https://docs.example.com\"";
    let all = manifest(more);
    let expected = json!({
        "ui": {
            "csp": {
                "connectDomains": ["https://api.example.com"], "resourceDomains": ["https://*.example.com"],
                "frameDomains": ["https://video.example.com"],
            },
            "domain": "https://docs.example.com", "prefersBorder": false,
        },
        "openai/widgetDescription": "The pages that were found",
        "openai/widgetPrefersBorder": false,
        "openai/widgetDomain": "https://docs.example.com",
        "openai/widgetCSP": {
            "connect_domains": ["https://api.example.com"], "resource_domains": ["https://*.example.com"],
            "frame_domains": ["https://video.example.com"], "redirect_domains": ["https://shop.example.com"],
        },
    });
    assert_eq!(all.widgets[0].meta(), expected);
    let policy = all.widgets[0].content_security_policy();
    for part in [
        "script-src 'self' 'unsafe-inline' https://*.example.com;",
        "connect-src https://api.example.com;",
        "frame-src https://video.example.com;",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert_eq!(all.widgets[0].uri(&all.plugin.name), "ui://docs/results-v3.html");
    assert_eq!(all.widgets[0].place(&all.plugin.name).matches("ui://docs/results-v3.html"), Some(BTreeMap::new()));
}

/// Pieces out of which hostile pages are made.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<script>"),
        Just("</script>"),
        Just("<style"),
        Just(">"),
        Just("</"),
        Just("<!--"),
        Just("-->"),
        Just("="),
        Just("\""),
        Just("'"),
        Just(" on"),
        Just("src="),
        Just("https://"),
        Just("//"),
        Just("é日"),
        Just("<svg>"),
        Just("top."),
        Just("eval"),
        Just("("),
        Just("&#"),
        Just(" "),
        Just("import"),
        Just("a.b"),
        Just("@[:"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_page_stops_the_check(page in prop_oneof![soup(), "\\PC{0,80}", any::<String>()]) {
        refused("", &page);
    }

    /// Whatever stands around it.
    #[test]
    fn a_handler_in_a_tag_of_its_own_is_found_in_any_text(before in "[a-z &;.!]{0,40}", after in "[a-z <>/]{0,40}") {
        let page = format!("{before}<img src=x onerror=go()>{after}");
        prop_assert!(refused("", &page).iter().any(|line| line.contains("`onerror`")), "{}", page);
    }
}

/// Time would differ from machine to machine; so what is counted is how often the longest pages are looked at: they all end
/// within the test's own time only if each byte is looked at a fixed number of times.
#[test]
fn the_longest_hostile_pages_are_read_to_the_end() {
    for piece in
        ["<script>", "</", "<p a=", "https://a.b", "//", "<!--", "top.", "import", "eval(", "&", "<svg>", "\"", "<a b "]
    {
        let page = piece.repeat((2 << 20) / piece.len());
        refused("", &page);
    }
}
