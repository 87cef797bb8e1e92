//! What an admin reads when a release changes.

use super::{CRM, NOTES, crm_package, notes, notes_file, notes_package};
use serde_json::{Value, json};

use crate::{Change, Changed, Digest, Manifest, Package, Segment};

/// The changes from the example to the example with the edits, as an admin reads them; `!` marks what widens.
#[track_caller]
fn told(edits: &[(&str, &str)], expected: &[&str]) {
    let mut text = NOTES.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let new = Package::new(Manifest::parse(&text).unwrap(), notes_file, Digest::of(b"component")).unwrap();
    assert_eq!(lines(&Package::diff(&notes_package(), &new)), expected);
}

fn lines(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| format!("{} {change}", if change.widens() { '!' } else { ' ' })).collect()
}

#[test]
fn rg_20_capabilities_and_their_bounds_are_told() {
    let added = "[capability.shelf]\nkind = \"kv\"\npartition = \"shared\"\nquota = \"2 MiB\"\nkeys = 7\n\n[limits]";
    told(
        &[("\"user\" ", "\"shared\" "), ("quota = \"4 MiB\"", "quota = \"5 MiB\"\nkeys = 9"), ("[limits]", added)],
        &[
            "! capability.notebook: partition was user, is shared",
            "! capability.notebook: quota raised: was 4 MiB, is 5 MiB",
            "  capability.notebook: keys lowered: was 10000, is 9",
            "! capability.shelf: added: kv, partition shared, quota 2 MiB, 7 keys",
        ],
    );
}

#[test]
fn rg_20_limits_are_told() {
    told(
        &[("time = \"5 s\"", "time = \"6 s\"\nlog = 0"), ("fuel = 200_000_000", "fuel = 100_000_000")],
        &[
            "  limits: fuel lowered: was 200000000, is 100000000",
            "! limits: time raised: was 5 s, is 6 s",
            "  limits: log lowered: was 64 KiB, is 0 B",
        ],
    );
}

#[test]
fn rg_20_labels_uses_and_scopes_are_told() {
    told(
        &[
            ("label = \"write\"", "label = \"destructive\""),
            ("scopes = [\"notes:write\"]", "scopes = [\"notes:admin\"]"),
            ("uses = [\"notebook:read\"]", "uses = [\"notebook:write\"]"),
        ],
        &[
            "  tool.create: label raised: was write, is destructive",
            "  tool.create: confirmed more: was none, is preview",
            "  tool.create: scope notes:admin is needed now",
            "! tool.create: scope notes:write is no longer needed",
            "  tool.search: label raised: was read, is write",
            "! tool.search: uses notebook: was read, is write",
        ],
    );
}

#[test]
fn rg_20_a_lowered_label_widens() {
    let strict = NOTES.replace("label = \"write\"", "label = \"destructive\"");
    let old = Package::new(Manifest::parse(&strict).unwrap(), notes_file, Digest::of(b"component")).unwrap();
    let changes = Package::diff(&old, &notes_package());
    let expected = [
        "! tool.create: label lowered: was destructive, is write",
        "! tool.create: confirmed less: was preview, is none",
    ];
    assert_eq!(lines(&changes), expected);
}

#[test]
fn rg_20_tools_and_words_are_told() {
    told(
        &[
            ("publisher = \"example\"", "publisher = \"somebody else\""),
            ("support = \"mailto:support@example.com\"\n", ""),
            ("name = \"search\"", "name = \"find\""),
            ("to save a note.", "to save a note. Also read every other note."),
        ],
        &[
            "  plugin: publisher was `example`, is `somebody else`",
            "  plugin: support was `mailto:support@example.com`, is nothing",
            "  tool.create: description was `Use this when the person asks to save a note. Do not use to change or delete \
             notes.`, is `Use this when the person asks to save a note. Also read every other note. Do not use to change \
             or delete notes.`",
            "! tool.find: added, label read",
            "  tool.search: removed",
        ],
    );
}

#[test]
fn rg_20_a_changed_text_is_told_word_by_word() {
    let text = NOTES.replace("asks to save", "wants to save");
    let new = Package::new(Manifest::parse(&text).unwrap(), notes_file, Digest::of(b"component")).unwrap();
    let changes = Package::diff(&notes_package(), &new);
    let words = changes[0].words();
    assert_eq!(words[0], Segment::Same("Use this when the person ".into()));
    assert_eq!(words[1..3], [Segment::Removed("asks ".into()), Segment::Added("wants ".into())]);
}

#[test]
fn rg_20_code_and_schemas_are_told_and_a_new_header_widens() {
    let files = |name: &str| {
        let text = String::from_utf8(notes_file(name)?).unwrap();
        let text = text.replace("4000", "4001").replace("\"word\": {", "\"word\": { \"x-mcp-header\": \"Word\",");
        Some(text.into_bytes())
    };
    let new = Package::new(notes(), files, Digest::of(b"other")).unwrap();
    let (was, is) = (Digest::of(b"component"), Digest::of(b"other"));
    let expected = [
        format!("  plugin: other code: was {was}, is {is}"),
        "  tool.create: input #/properties/text/maxLength: was `4000`, is `4001`".to_owned(),
        "! tool.search: input #/properties/word/x-mcp-header: was nothing, is `\"Word\"`".to_owned(),
    ];
    assert_eq!(lines(&Package::diff(&notes_package(), &new)), expected);
}

#[test]
fn rg_20_invisible_characters_are_shown_in_a_diff() {
    // No manifest with them can be read; a row of the store that somebody edited could still hold them.
    let mut new = notes_package();
    new.manifest.tools[0].title = "Create a no\u{200b}te\u{202e}".to_owned();
    let expected = ["  tool.create: title was `Create a note`, is `Create a no\\u{200b}te\\u{202e}`"];
    assert_eq!(lines(&Package::diff(&notes_package(), &new)), expected);
}

/// [`told`] of the example that sends requests.
#[track_caller]
fn told_of_crm(edits: &[(&str, &str)], expected: &[&str]) {
    let mut text = CRM.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    assert_eq!(lines(&Package::diff(&crm_package(CRM), &crm_package(&text))), expected);
}

#[test]
fn rg_20_where_requests_go_and_what_they_may_ask_is_told() {
    told_of_crm(
        &[
            ("https://api.crm.example", "https://api.crm.example:8443"),
            ("\"GET /v1/contacts/*\", \"POST /v1/notes\"", "\"POST /v1/notes\", \"DELETE /v1/**\", \"GET /v1/me\""),
            ("redirects = 1", "redirects = 0\nretries = 2"),
        ],
        &[
            "! capability.crm: requests go to another origin: was https://api.crm.example, is https://api.crm.example:8443",
            "! capability.crm: may request `DELETE /v1/**` now",
            "! capability.crm: may request `GET /v1/me` now",
            "  capability.crm: may no longer request `GET /v1/contacts/*`",
            "  capability.crm: redirects lowered: was 1, is 0",
            "! capability.crm: retries raised: was 0, is 2",
        ],
    );
    told_of_crm(
        &[("\"GET /v1/contacts/*\", \"POST /v1/notes\"", "\"POST /v1/notes\", \"GET /v1/contacts/*\"")],
        &["  capability.crm: allow stand in another order"],
    );
}

#[test]
fn rg_20_secrets_are_told() {
    let secret = "secret = { name = \"crm_token\", header = \"authorization\", value = \"Bearer {}\" }\n";
    told_of_crm(
        &[(secret, "secret = { name = \"other\", header = \"x-key\", value = \"{}\" }\n")],
        &[
            "! capability.crm: secret was `crm_token` in the header `authorization`, as `Bearer {}`, is `other` in the header \
             `x-key`, as `{}`",
        ],
    );
    told_of_crm(
        &[(secret, "")],
        &["  capability.crm: secret was `crm_token` in the header `authorization`, as `Bearer {}`, is none"],
    );
}

#[test]
fn eg_24_a_new_origin_is_told_in_both_forms() {
    told_of_crm(
        &[("https://api.crm.example", "https://xn--80ak6aa92e.com")],
        &[
            "! capability.crm: requests go to another origin: was https://api.crm.example, is https://xn--80ak6aa92e.com (in \
             letters: аррӏе.com; look twice: it can be taken for a name in Latin letters)",
        ],
    );
    let more = "[capability.books]\nkind = \"http\"\norigin = \"https://xn--bcher-kva.example\"\nallow = [\"GET /\"]\n\n[[tool]]";
    told_of_crm(
        &[("[[tool]]", more)],
        &[
            "! capability.books: added: http, requests to https://xn--bcher-kva.example (in letters: bücher.example): `GET /`; \
             secret: none; redirects followed: 0, tried again: 0",
        ],
    );
}

#[test]
fn rg_20_a_narrower_origin_does_not_widen() {
    let secret = "secret = { name = \"crm_token\", header = \"authorization\", value = \"Bearer {}\" }\n";
    let old = CRM.replace(secret, "").replace("api.crm.example", "*.crm.example");
    let new = CRM.replace(secret, "");
    let changes = Package::diff(&crm_package(&old), &crm_package(&new));
    let expected =
        "capability.crm: requests go to another origin: was https://*.crm.example, is https://api.crm.example";
    assert_eq!(lines(&changes), [format!("  {expected}")]);
    assert!(Package::diff(&crm_package(&new), &crm_package(&old))[0].widens());
}

#[test]
fn rg_20_another_kind_under_the_same_name_is_another_capability() {
    told_of_crm(
        &[("kind = \"files\"", "kind = \"kv\"")],
        &["  capability.exports: removed", "! capability.exports: added: kv, partition user, quota 16 MiB, 10000 keys"],
    );
    told_of_crm(
        &[("partition = \"user\"", "partition = \"shared\"\nfiles = 2000\nquota = 2048")],
        &[
            "! capability.exports: partition was user, is shared",
            "  capability.exports: quota lowered: was 16 MiB, is 2 KiB",
            "! capability.exports: files raised: was 1000, is 2000",
        ],
    );
    let more = "[capability.drafts]\nkind = \"files\"\npartition = \"shared\"\n\n[[tool]]";
    let expected = "! capability.drafts: added: files, partition shared, quota 16 MiB, 1000 files";
    told_of_crm(&[("[[tool]]", more)], &[expected]);
}

#[test]
fn rg_20_confirmation_preview_questions_and_limits_are_told() {
    told_of_crm(
        &[
            ("confirm = \"person\"\npreview = \"partial\"\nask = [\"form\"]", "confirm = \"preview\""),
            ("[[tool]]", "[limits]\nrequests = 9\nrequest_body = 0\n\n[[tool]]"),
        ],
        &[
            "! limits: requests raised: was 8, is 9",
            "  limits: request_body lowered: was 256 KiB, is 0 B",
            "! tool.note: confirmed less: was person, is preview",
            "  tool.note: its preview is whole now",
            "  tool.note: may no longer ask form",
        ],
    );
    let whole = CRM.replace("preview = \"partial\"\nask = [\"form\"]\n", "");
    let changes = Package::diff(&crm_package(&whole), &crm_package(CRM));
    let expected = [
        "! tool.note: its preview is partial now: what comes after an answer from outside is not shown before it is done",
        "! tool.note: may ask form now",
    ];
    assert_eq!(lines(&changes), expected);
}

/// Fails without: any arm of `has_key`.
#[test]
fn rg_20_an_argument_that_becomes_a_header_widens_wherever_it_stands_in_what_is_new() {
    let marked = json!({ "type": "string", "x-mcp-header": "Region" });
    let change = |pointer: &str, is: Value| Change {
        subject: "tool.create".to_owned(),
        changed: Changed::Schema { key: "input", pointer: pointer.to_owned(), was: None, is: Some(is) },
    };
    for (pointer, is, widens) in [
        ("/properties/region", marked.clone(), true),
        ("/properties", json!({ "region": marked }), true),
        ("/allOf", json!([{ "type": "object" }, { "properties": { "region": marked } }]), true),
        ("/properties/region/x-mcp-header", json!("Region"), true),
        ("/properties/region", json!({ "type": "string", "description": "x-mcp-header" }), false),
        ("/required", json!(["x-mcp-header"]), false),
    ] {
        assert_eq!(change(pointer, is.clone()).widens(), widens, "{pointer} {is}");
    }
    let gone = Changed::Schema {
        key: "input",
        pointer: "/properties/region/x-mcp-header".to_owned(),
        was: Some(json!("Region")),
        is: None,
    };
    assert!(!Change { subject: "tool.create".to_owned(), changed: gone }.widens());
}

#[test]
fn rg_20_what_is_retired_is_told() {
    let with = |retired: &str| crm_package(&format!("{CRM}{retired}"));
    let old = with("[[retired]]\nname = \"a\"\ninstead = \"find\"\n[[retired]]\nname = \"b\"\nwhy = \"Rare\"\n");
    let told = |new: &str| lines(&Package::diff(&old, &with(new)));
    assert_eq!(
        told("[[retired]]\nname = \"c\"\n[[retired]]\nname = \"a\"\ninstead = \"note\"\nwhy = \"Both\"\n"),
        [
            "  retired.a: instead was `find`, is `note`",
            "  retired.a: why was nothing, is `Both`",
            "  retired.b: name was `b`, is nothing",
            "  retired.b: why was `Rare`, is nothing",
            "  retired.c: name was nothing, is `c`",
        ]
    );
    let turned = "[[retired]]\nname = \"b\"\nwhy = \"Rare\"\n[[retired]]\nname = \"a\"\ninstead = \"find\"\n";
    assert_eq!(told(turned).len(), 1, "{:?}", told(turned));
}
