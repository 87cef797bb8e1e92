//! What is wrong with a file as a whole: its size, its syntax, its keys.

use super::{NOTES, errors, refused};
use crate::{MAX_MANIFEST, Manifest};

#[test]
fn rg_40_the_format_is_required_and_is_1() {
    refused("manifest = 1\n", "\n", &["plugin.toml:1:1: manifest: it is missing; write `manifest`: 1"]);
    refused(
        "manifest = 1",
        "manifest = 2",
        &["plugin.toml:1:12: manifest: this host reads manifests of format 1, not `2`; write `manifest = 1`"],
    );
    refused(
        "manifest = 1",
        "manifest = \"1\"",
        &["plugin.toml:1:12: manifest: this host reads manifests of format 1, not `1`; write `manifest = 1`"],
    );
}

#[test]
fn rg_40_an_unknown_key_is_refused_with_the_key_that_was_meant() {
    refused(
        "title = \"Create",
        "titel = \"Create",
        &[
            "plugin.toml:24:1: tool.create.titel: there is no key `titel` here; did you mean `title`? write that, or delete it",
        ],
    );
    refused(
        "fuel =",
        "fule =",
        &["plugin.toml:19:1: limits.fule: there is no key `fule` here; did you mean `fuel`? write that, or delete it"],
    );
    refused(
        "quota =",
        "banana =",
        &[
            "plugin.toml:15:1: capability.notebook.banana: there is no key `banana` here; write one of `kind`, `partition`, `quota`, `keys`, or delete it",
        ],
    );
    refused(
        "[limits]",
        "\"ca\u{200b}ps\" = 1\n[limits]",
        &[
            "plugin.toml:17:1: capability.notebook.\"ca\\u{200b}ps\": there is no key `ca\\u{200b}ps` here; write one of `kind`, `partition`, `quota`, `keys`, or delete it",
        ],
    );
}

#[test]
fn rg_40_a_duplicate_key_is_refused_with_its_line() {
    refused(
        "version = \"1.2.0\"",
        "version = \"1.2.0\"\nversion = \"1.2.1\"",
        &["plugin.toml:6:1: plugin.version: the key `version` is written twice; write it once"],
    );
    refused(
        "[limits]",
        "[capability.notebook]\nquota = 1\n[limits]",
        &[
            "plugin.toml:17:13: capability.notebook: the key `notebook` is written twice; write it once",
            "plugin.toml:18:1: capability.notebook.quota: the key `quota` is written twice; write it once",
        ],
    );
    refused(
        "title = \"Search notes\"",
        "title = \"Search notes\"\ntitle = \"Find notes\"",
        &["plugin.toml:35:1: tool.search.title: the key `title` is written twice; write it once"],
    );
}

#[test]
fn text_that_is_not_toml_is_refused_with_what_would_be() {
    refused(
        "name = \"notes\"",
        "name = notes",
        &[
            "plugin.toml:4:8: plugin.name: this is not TOML: `notes` is neither a number nor quoted text; write text between quotation marks",
        ],
    );
    refused("[limits]", "[limits", &["plugin.toml:17:8: limits: this is not TOML: unclosed table; write `]` here"]);
    refused(
        "support = ",
        "support = \"mailto:a@b.c\" x",
        &["plugin.toml:9:26: plugin.support: this is not TOML: unexpected key or value; write newline, `#` here"],
    );
    refused(
        "description = \"Use this to",
        "description = \"\"\"Use\nthis\u{200b} to",
        &[
            "plugin.toml:36:5: tool.search.description: it holds U+200B, which nobody sees; write it without",
            "plugin.toml:40:1: tool.search.description: this is not TOML: invalid multi-line basic string; write `\"` here",
        ],
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let text = NOTES
        .replace("version = \"1.2.0\"", "version = \"one\"")
        .replace("quota =", "qouta =")
        .replace("time = \"5 s\"", "time = \"5 h\"")
        .replace("label = \"write\"", "label = \"read\"")
        .replace("uses = [\"notebook:read\"]", "uses = [\"crm:read\"]");
    let paths: Vec<String> = Manifest::parse(&text)
        .unwrap_err()
        .as_slice()
        .iter()
        .map(|error| format!("{}:{}", error.place.unwrap().line, error.path))
        .collect();
    let expected = [
        "5:plugin.version",
        "15:capability.notebook.qouta",
        "20:limits.time",
        "26:tool.create.label",
        "36:tool.search.uses[1]",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn an_empty_manifest_is_refused_with_all_that_it_needs() {
    let expected = [
        "plugin.toml:1:1: manifest: it is missing; write `manifest`: 1",
        "plugin.toml:1:1: plugin: it is missing; write `plugin`: a table",
        "plugin.toml:1:1: tool: it is missing; write `tool`: tables that begin with [[tool]]",
    ];
    assert_eq!(errors(""), expected);
    let none = "tool = []\nmanifest = 1\n[plugin]\nname = \"a\"\nversion = \"0.1.0\"\ncomponent = \"a\"\npublisher = \"p\"\nsummary = \"s\"";
    assert_eq!(errors(none), ["plugin.toml:1:8: tool: there is no tool; write at least one [[tool]]"]);
}

#[test]
fn rg_40_size_and_depth_are_bounded() {
    let expected = "plugin.toml:1:65537: plugin.toml: the manifest has 70000 bytes and at most 65536 are read; write less, or \
                    move text into schema files";
    assert_eq!(errors(&"x".repeat(70_000)), [expected]);
    let padded = format!("{NOTES}{}", " ".repeat(MAX_MANIFEST - NOTES.len()));
    assert_eq!(errors(&padded), [""; 0]);
    assert!(errors(&format!("{padded} "))[0].contains("at most 65536"));

    let expected = "plugin.toml:1:1: plugin.toml: this is not TOML: it is nested too deep; write it flatter; no key of a \
                    manifest is deeper than three";
    assert_eq!(errors(&format!("a{}=1", ".a".repeat(30_000))), [expected]);
    let expected = expected.replace(":1:1: plugin.toml", ":1:83: a");
    assert_eq!(errors(&format!("a={}", "[".repeat(60_000))), [expected]);
    assert_eq!(errors(&"[".repeat(60_000)).len(), 1);
}

#[test]
fn lists_and_tables_are_bounded() {
    let uses: Vec<String> = (0..33).map(|at| format!("\"c{at}:read\"")).collect();
    let expected = "plugin.toml:36:8: tool.search.uses: there are 33 and at most 32 are allowed; write fewer";
    refused("uses = [\"notebook:read\"]", &format!("uses = [{}]", uses.join(",")), &[expected]);

    let capabilities: String =
        (0..32).map(|at| format!("[capability.c{at}]\nkind = \"kv\"\npartition = \"user\"\n")).collect();
    let text = NOTES.replace("[limits]", &format!("{capabilities}[limits]"));
    assert!(errors(&text)[0].ends_with("capability: there are 33 and at most 32 are allowed; write fewer"));

    let tools: String =
        (0..63).map(|at| format!("[[tool]]\nname = \"t{at}\"\ntitle = \"T\"\ndescription = \"D\"\n")).collect();
    let text = format!("{NOTES}{tools}");
    assert!(errors(&text)[0].ends_with("tool: there are 65 and at most 64 are allowed; write fewer"));
}

#[test]
fn lists_and_tables_are_taken_up_to_their_bounds() {
    let capabilities: String =
        (0..31).map(|at| format!("[capability.c{at}]\nkind = \"kv\"\npartition = \"user\"\n")).collect();
    assert_eq!(errors(&NOTES.replace("[limits]", &format!("{capabilities}[limits]"))), [""; 0]);

    let tables = |heading: &str, number: usize, more: &str| -> String {
        (0..number)
            .map(|at| format!("[[{heading}]]\nname = \"n{at}\"\n{}\n", more.replace("NUMBER", &at.to_string())))
            .collect()
    };
    let words = "title = \"T\"\ndescription = \"D\"";
    assert_eq!(errors(&format!("{NOTES}{}", tables("tool", 62, words))), [""; 0]);
    let uri = format!("{words}\nuri = \"a://NUMBER\"\nuses = [\"notebook:read\"]");
    let page = format!("{words}\nasset = \"p.html\"");
    for (heading, most, more) in [
        ("retired", 64, ""),
        ("prompt", 64, words),
        ("resource", 64, uri.as_str()),
        ("widget", 16, page.as_str()),
        ("prompt.argument", 32, ""),
    ] {
        let before = match heading {
            "prompt.argument" => tables("prompt", 1, words),
            "widget" => "[assets]\nfolder = \"f\"\n".to_owned(),
            _ => String::new(),
        };
        let told = |number: usize| errors(&format!("{NOTES}{before}{}", tables(heading, number, more)));
        assert_eq!(told(most), [""; 0], "{heading}");
        for more in [1, 2] {
            let [told] = &told(most + more)[..] else { panic!("{heading}: {:?}", told(most + more)) };
            let expected = format!("there are {} and at most {most} are allowed; write fewer", most + more);
            assert!(told.ends_with(&expected), "{heading}: {told}");
        }
    }
}

#[test]
fn what_a_text_holds_is_told_where_it_stands_however_it_is_escaped() {
    for hidden in
        ["\u{200b}", "\\u200B", "\\U0000200B", "\\u001b", "\\b", "\\t", "\\n", "\\f", "\\r", "\\e", "\\x1b", "\\u202E"]
    {
        // Behind other escapes, too: each is one character and takes two or more columns.
        for (before, column) in [("ab", 14), ("", 12), ("a\\\\b", 16), ("\\u0041é\\\"", 21)] {
            let text = NOTES.replace("\"Personal notes, kept", &format!("\"{before}{hidden} kept"));
            let told = errors(&text);
            assert!(
                told.len() == 1 && told[0].starts_with(&format!("plugin.toml:8:{column}: plugin.summary: it ")),
                "{before}{hidden}: {told:?}"
            );
        }
    }
}

#[test]
fn a_file_full_of_mistakes_is_refused_soon() {
    let keys: Vec<String> = (0..6_000).map(|at| format!("k{at}=1")).collect();
    let text = format!("plugin = {{{}}}", keys.join(","));
    assert!(text.len() <= MAX_MANIFEST);
    let start = std::time::Instant::now();
    let errors = errors(&text);
    assert_eq!((errors.len(), errors[100].as_str()), (101, "and 5907 more"));
    assert!(start.elapsed() < std::time::Duration::from_secs(3), "{:?}", start.elapsed());
}
