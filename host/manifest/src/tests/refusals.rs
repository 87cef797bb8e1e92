//! Every refusal of a manifest, with its exact text: authors read these, so they are part of the interface.

use super::NOTES;
use crate::Manifest;

fn errors(text: &str) -> Vec<String> {
    Manifest::parse(text).unwrap_err().to_string().lines().map(str::to_owned).collect()
}

/// The example with `from` replaced by `to` is refused with exactly these texts.
#[track_caller]
fn refused(from: &str, to: &str, expected: &[&str]) {
    assert!(NOTES.contains(from), "{from} is in the example");
    assert_eq!(errors(&NOTES.replacen(from, to, 1)), expected);
}

#[test]
fn rg_40_the_format_is_required_and_is_1() {
    refused("manifest = 1\n", "\n", &["plugin.toml:1:1: manifest: it is missing; write `manifest`: 1"]);
    refused(
        "manifest = 1",
        "manifest = 2",
        &["plugin.toml:1:12: manifest: this host reads manifests of format 1, not `2`; write `manifest = 1`"],
    );
}

#[test]
fn rg_40_an_unknown_key_is_refused_with_the_key_that_was_meant() {
    refused(
        "title = \"Create",
        "titel = \"Create",
        &[
            "plugin.toml:22:1: tool.create: it is missing; write `title`: text of one line, at most 80 characters",
        ],
    );
}

#[test]
fn placeholder() {
    for (from, to) in [
        ("title = \"Create", "titel = \"Create"),
        ("fuel =", "fule ="),
        ("quota =", "banana ="),
        ("version = \"1.2.0\"", "version = \"1.2.0\"\nversion = \"1.2.1\""),
        ("[limits]", "[capability.notebook]\nquota = 1\n[limits]"),
        ("kind = \"kv\"", "kind = \"http\"\norigin = \"https://a.example\""),
        ("kind = \"kv\"\n", ""),
        ("partition = \"user\"", "partition = \"all\""),
        ("name = \"notes\"", "name = notes"),
        ("name = \"notes\"", "name = \"Notes\""),
        ("name = \"notes\"", "name = 7"),
        ("summary = \"Personal", "summary = \"Pers\\u202Eonal"),
        ("description = \"Use this to", "description = \"\"\"Use\nthis\u{200b} to"),
        ("title = \"Search", "title = \"Sea\\nrch"),
        ("title = \"Search", "title = \"Cafe\u{301}"),
        ("title = \"Search notes\"", "title = \"\""),
        ("memory = \"32 MiB\"", "memory = \"1 GiB\""),
        ("memory = \"32 MiB\"", "memory = 1024"),
        ("memory = \"32 MiB\"", "memory = \"32 MB\""),
        ("memory = \"32 MiB\"", "memory = 99999999999999999999"),
        ("time = \"5 s\"", "time = 5"),
        ("time = \"5 s\"", "time = \"2 m\""),
        ("fuel = 200_000_000", "fuel = \"200\""),
        ("fuel = 200_000_000", "fuel = -1"),
        ("quota = \"4 MiB\"", "quota = \"65 MiB\"\nkeys = 0"),
        ("uses = [\"notebook:read\"]", "uses = [\"notebok:read\"]"),
        ("uses = [\"notebook:read\"]", "uses = [\"crm:read\"]"),
        ("uses = [\"notebook:read\"]", "uses = [\"notebook\"]"),
        ("uses = [\"notebook:read\"]", "uses = [\"notebook:read\", \"notebook:write\"]"),
        ("uses = [\"notebook:read\"]", "uses = \"notebook:read\""),
        ("label = \"write\"", "label = \"read\""),
        ("label = \"write\"", "label = \"none\""),
        ("name = \"search\"", "name = \"create\""),
        ("scopes = [\"notes:read\"]", "scopes = [\"a\", \"a\", \"b c\"]"),
        ("scopes = [\"notes:read\"]", "ask = [\"form\"]"),
        ("scopes = [\"notes:read\"]", "ask = []"),
        ("\"mailto:support@example.com\"", "\"support@example.com\""),
        ("\"https://example.com/privacy\"", "\"http://example.com/privacy\""),
        ("version = \"1.2.0\"", "version = \"1.2\""),
        ("component = \"notes.wasm\"", "component = \"../notes.wasm\""),
        ("input = \"schemas/search.json\"", "input = \"C:\\\\search.json\""),
        ("[[tool]]\nname = \"search\"", "[tool]\nname = \"search\""),
        ("[capability.notebook]", "[capability.Notebook]"),
        ("[limits]", "[limits"),
        ("support = ", "support = \"mailto:a@b.c\" x"),
    ] {
        let text = NOTES.replacen(from, to, 1);
        assert_ne!(text, NOTES);
        println!("{from:?} -> {to:?}");
        match Manifest::parse(&text) { Ok(_) => println!("    OK"), Err(e) => for l in e.to_string().lines() { println!("    {l}") } }
    }
    for t in ["", "tool = []\nmanifest=1", "a=[[[[[[[[", &"[".repeat(3000), &format!("a{}=1", ".a".repeat(200)), &"x".repeat(70000)] {
        println!("{:?}", &t[..t.len().min(20)]);
        match Manifest::parse(t) { Ok(_) => println!("    OK"), Err(e) => for l in e.to_string().lines().take(5) { println!("    {l}") } }
    }
    panic!();
}
