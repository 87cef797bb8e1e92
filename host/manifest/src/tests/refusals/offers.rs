//! What is wrong with assets, prompts, resources, widgets, and with what tools say of them.

use std::collections::BTreeMap;

use super::errors;
use crate::{Digest, Hint, Manifest, Package, http::Boundary};

/// Everything there is beside tools.
const DOCS: &str = r#"manifest = 1

[plugin]
name = "docs"
version = "1.0.0"
component = "docs.wasm"
publisher = "example"
summary = "Pages"
hints = ["locale", "location"]

[capability.notebook]
kind = "kv"
partition = "shared"

[capability.site]
kind = "http"
origin = "https://docs.example.com"
allow = ["GET /**"]

[assets]
folder = "assets"

[[tool]]
name = "search"
title = "Search"
description = "Use this to search."
ask = ["form", "sampling", "roots"]
widget = "results"
visibility = ["model", "app"]
invoking = "Searching"
invoked = "Found"
task = "optional"

[[prompt]]
name = "summary"
title = "Summary"
description = "A summary of a page"
uses = ["notebook:read"]
[[prompt.argument]]
name = "topic"
required = true
complete = true

[[resource]]
name = "page"
title = "A page"
description = "A page of the documentation"
uri = "docs://pages/{+path}"
complete = ["path"]
asset = "pages/{+path}"

[[resource]]
name = "note"
title = "A note"
description = "A note"
mime = "text/markdown"
uri = "docs://notes/{id}"
uses = ["notebook:read", "site:read"]

[[widget]]
name = "results"
title = "Results"
description = "The pages that were found"
asset = "widget/results.html"
version = 2
connect = ["https://api.example.com"]
border = true
domain = "https://docs.example.com"
"#;

/// The example with `from` replaced by `to` is refused, once, with these words.
#[track_caller]
fn refused(from: &str, to: &str, expected: &str) {
    assert!(DOCS.contains(from), "{from} is in the example");
    assert_eq!(errors(&DOCS.replacen(from, to, 1)), [expected]);
}

#[test]
fn the_example_is_taken_as_it_is_written() {
    assert_eq!(errors(DOCS), [""; 0]);
    let docs = Manifest::parse(DOCS).unwrap();
    assert_eq!(docs.hints, [Hint::Locale, Hint::Location]);
    assert!(docs.prompts[0].arguments[0].complete);
    assert_eq!(docs.widgets[0].uri(&docs.plugin.name), "ui://docs/results-v2.html");
    assert_eq!(docs.resources[0].asset.as_ref().unwrap().as_str(), "pages/{+path}");
    assert_eq!(Manifest::parse(&docs.print()).unwrap(), docs);
}

/// Fails without `is_page`: what clients show as a page would be shown without the check of pages.
#[test]
fn only_widgets_are_pages() {
    for page in ["text/html;profile=mcp-app", "TEXT/HTML; profile=MCP-App", "text/html+skybridge"] {
        let found = errors(&DOCS.replacen("text/markdown", page, 1));
        assert_eq!(found.len(), 1, "{page}: {found:?}");
        assert!(found[0].starts_with("plugin.toml:56:8: resource.note.mime: clients show"), "{found:?}");
    }
    for other in ["text/html", "text/html; charset=utf-8"] {
        assert_eq!(errors(&DOCS.replacen("text/markdown", other, 1)), [""; 0], "{other}");
    }
}

#[test]
fn names_are_unique_among_tools_prompts_resources_and_widgets() {
    refused(
        "name = \"summary\"",
        "name = \"search\"",
        "plugin.toml:35:8: prompt.search.name: the tool `search` is on line 24 already; write another name",
    );
    refused(
        "name = \"note\"\n",
        "name = \"summary\"\n",
        "plugin.toml:53:8: resource.summary.name: the prompt `summary` is on line 35 already; write another name",
    );
    refused(
        "complete = true\n",
        "complete = true\n[[prompt.argument]]\nname = \"topic\"\n",
        "plugin.toml:44:8: prompt.summary.argument.topic.name: the argument `topic` is on line 40 already; write another name",
    );
    // Clients may hold names equal that differ in their case only (catalogue MC-04).
    refused(
        "complete = true\n",
        "complete = true\n[[prompt.argument]]\nname = \"Topic\"\n",
        "plugin.toml:44:8: prompt.summary.argument.Topic.name: the argument `Topic` is on line 40 already; write another name",
    );
    refused(
        "name = \"topic\"",
        "name = \"resource-uri\"",
        "plugin.toml:40:8: prompt.summary.argument[1].name: `resource-uri` is not allowed; write text: 1 to 64 of A-Z, a-z, 0-9 and _, beginning with a letter",
    );
}

#[test]
fn prompts_and_resources_only_read() {
    refused(
        "uses = [\"notebook:read\"]\n[[prompt.argument]]",
        "uses = [\"notebook:write\"]\n[[prompt.argument]]",
        "plugin.toml:38:9: prompt.summary.uses[1]: prompts and resources only read; write `notebook:read`",
    );
    refused(
        "uses = [\"notebook:read\", \"site:read\"]",
        "uses = [\"notebook:read\", \"site:write\"]",
        "plugin.toml:58:26: resource.note.uses[2]: prompts and resources only read; write `site:read`",
    );
}

#[test]
fn eg_01_a_resource_that_reads_outside_is_refused_where_it_is_published() {
    let docs = Manifest::parse(DOCS).unwrap();
    let outside = docs.check_boundary(&Boundary::default()).unwrap_err().to_string();
    assert_eq!(
        outside,
        "plugin.toml: resource.note.uses: `https://docs.example.com` is outside this host's [boundary], where every request is \
         a write, and prompts and resources only read; have a tool do it, or have the operator add the origin to [boundary]"
    );
    assert_eq!(docs.check_boundary(&Boundary::everything()), Ok(()));
}

#[test]
fn assets_are_named_where_there_are_some() {
    let without = DOCS.replace("[assets]\nfolder = \"assets\"\n", "");
    assert_eq!(
        errors(&without),
        [
            "plugin.toml:48:9: resource.page.asset: there are no assets; write [assets] with the `folder` that they are in",
            "plugin.toml:62:9: widget.results.asset: there are no assets; write [assets] with the `folder` that they are in",
        ]
    );
    refused(
        "asset = \"pages/{+path}\"",
        "asset = \"pages/{path}\"",
        "plugin.toml:50:9: resource.page.asset: the URI has `{+path}` and the asset has `{path}`; write the same variable in \
         both, in the same way",
    );
    refused(
        "asset = \"pages/{+path}\"",
        "asset = \"pages/{+path}\"\nuses = [\"notebook:read\"]",
        "plugin.toml:51:8: resource.page.uses: the host answers with the asset and the plugin is not run, so this says \
         nothing; delete it, or delete `asset`",
    );
    refused(
        "asset = \"widget/results.html\"",
        "asset = \"../results.html\"",
        "plugin.toml:64:9: widget.results.asset: an asset is named relative to the folder of assets, its parts between single \
         `/`, and no part begins with a dot: rename it, or write the name so",
    );
}

#[test]
fn uris_are_refused_with_the_way_out() {
    refused(
        "uri = \"docs://notes/{id}\"",
        "uri = \"https://notes/{id}\"",
        "plugin.toml:57:7: resource.note.uri: the scheme `https` is not for resources of plugins: clients open such addresses \
         themselves; write one of your own, such as `docs://`",
    );
    refused(
        "uri = \"docs://notes/{id}\"",
        "uri = \"docs://pages/{+other}\"",
        "plugin.toml:57:7: resource.note.uri: `page` has this URI already, or another template for the same URIs; write another \
         one",
    );
    refused(
        "complete = [\"path\"]",
        "complete = [\"id\"]",
        "plugin.toml:49:13: resource.page.complete[1]: the URI has no variable `id`; write one of `path`, or delete the entry",
    );
}

#[test]
fn what_a_widget_may_reach_is_said_in_origins_over_tls() {
    refused(
        "connect = [\"https://api.example.com\"]",
        "connect = [\"http://api.example.com\"]",
        "plugin.toml:66:12: widget.results.connect[1]: `http://api.example.com` is in the clear, and whoever is on the way could \
         change it; write `https://`",
    );
    for origin in
        ["https://127.0.0.1", "https://*", "https://*.com", "https://a.*.example.com", "*", "wss://a.example.com"]
    {
        let text = DOCS.replacen("https://api.example.com", origin, 1);
        assert_eq!(errors(&text).len(), 1, "{origin}: {:?}", errors(&text));
    }
    refused(
        "domain = \"https://docs.example.com\"",
        "domain = \"https://*.example.com\"",
        "plugin.toml:68:10: widget.results.domain: `https://*.example.com` is many origins, and a page has one; write it \
         without `*`",
    );
}

#[test]
fn what_a_tool_says_of_widgets_and_tasks_is_checked() {
    refused(
        "widget = \"results\"",
        "widget = \"result\"",
        "plugin.toml:28:10: tool.search.widget: there is no widget `result`; write one of `results`, or declare it",
    );
    refused(
        "visibility = [\"model\", \"app\"]",
        "visibility = []",
        "plugin.toml:29:14: tool.search.visibility: nothing is listed here, so nothing would be allowed; write one of \
         \"model\", \"app\"",
    );
    refused(
        "task = \"optional\"",
        "task = \"always\"",
        "plugin.toml:32:8: tool.search.task: `always` is not known; write one of `never`, `optional`, `required`",
    );
    let long = "a".repeat(65);
    refused(
        "invoking = \"Searching\"",
        &format!("invoking = \"{long}\""),
        "plugin.toml:30:12: tool.search.invoking: it has 65 characters and at most 64 are allowed; write a shorter text",
    );
    refused(
        "hints = [\"locale\", \"location\"]",
        "hints = [\"locale\", \"locale\"]",
        "plugin.toml:9:20: plugin.hints[2]: `locale` is listed twice; write it once",
    );
}

/// What is wrong with the files of the example with `schema` as the input of its tool, and these assets.
fn package(manifest: &str, schema: &str, assets: &[&str]) -> Vec<String> {
    let assets: BTreeMap<_, _> = assets.iter().map(|name| (name.parse().unwrap(), Digest::of(b"x"))).collect();
    let files = |_: &str| Some(schema.as_bytes().to_vec());
    match Package::with_assets(Manifest::parse(manifest).unwrap(), files, assets, Digest::of(b"")) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.as_slice().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_the_manifest_names_of_assets_is_there() {
    assert_eq!(package(DOCS, "{}", &["widget/results.html"]), [""; 0], "a pattern may fit nothing");
    assert_eq!(
        package(DOCS, "{}", &["widget/result.html"]),
        [
            "plugin.toml: widget.results.asset: the release has no asset `widget/results.html`; write the name of a file under \
             the folder of [assets], or add it"
        ]
    );
    let none = "plugin.toml: assets: 1 assets are handed in and the manifest has none; write [assets] with their `folder`, or \
                leave them out";
    assert_eq!(package(super::CRM, "{}", &["a"]), [none]);
}

#[test]
fn an_argument_that_is_a_file_has_the_members_that_clients_fill() {
    let text = DOCS.replace("task = \"optional\"", "file_params = [\"image\"]\ninput = \"search.json\"");
    let members = r#""download_url":{"type":"string"},"file_id":{"type":"string"},"mime_type":{"type":"string"},"file_name":{"type":"string"}"#;
    let object = |members: &str, required: &str| {
        format!(r#"{{"type":"object","properties":{{{members}}},"required":[{required}]}}"#)
    };
    let schema = |image: &str| format!(r#"{{"type":"object","properties":{{"image":{image}}}}}"#);
    let both = r#""file_id","download_url""#;
    let told = |image: &str| package(&text, &schema(image), &["widget/results.html"]);
    assert_eq!(told(&object(members, both)), [""; 0]);
    assert_eq!(told(&format!(r#"{{"type":"array","items":{}}}"#, object(members, both))), [""; 0]);
    let more = format!("{members},\"size\":{{\"type\":\"integer\"}}");
    assert_eq!(told(&object(&more, both)), [""; 0]);
    let wrong = "plugin.toml: tool.search.file_params: `image` is no argument that clients fill with a file; write it as an \
                 object (or a list of objects) with `download_url`, `file_id`, `mime_type` and `file_name`, all of them text, \
                 of which exactly the first two are required";
    for image in [
        object(members, r#""file_id""#),
        object(members, &format!("{both},\"mime_type\"")),
        object(&members.replace("file_name", "name"), both),
        object(&members.replacen("string", "integer", 1), both),
        r#"{"type":"string"}"#.to_owned(),
    ] {
        assert_eq!(told(&image), [wrong], "{image}");
    }
    let none = package(&text, r#"{"type":"object"}"#, &["widget/results.html"]);
    assert!(none[0].contains("`image` is no argument of this tool"), "{none:?}");
}
