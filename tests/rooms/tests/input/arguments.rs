//! Arguments of tools, over both eras of the protocol and on the command line.

use portcullis_tests::{Era, Mcp};
use serde_json::{Value, json};

use super::{Witness, each, says};

/// What is wrong, arguments of `notes_create`, and what a model has to be told so that it can mend them.
type Misfit = (&'static str, Value, &'static [&'static str]);

fn misfits() -> Vec<Misfit> {
    let mut deep = json!(1);
    (0..50).for_each(|_| deep = json!([deep]));
    vec![
        ("nothing", json!({}), &["\"title\" is a required property"]),
        ("a wrong type", json!({ "title": 7, "body": "" }), &["/title: ", "not of type \"string\""]),
        ("null", json!({ "title": "a", "body": null }), &["/body: ", "not of type \"string\""]),
        (
            "an extra property",
            json!({ "title": "a", "body": "", "colour": "red" }),
            &["colour", "Additional properties"],
        ),
        ("too short", json!({ "title": "", "body": "" }), &["/title: "]),
        ("too long", json!({ "title": "x".repeat(201), "body": "" }), &["/title: ", "longer than 200"]),
        ("deep", json!({ "title": "a", "body": "", "deep": deep }), &["deep"]),
        ("too large", json!({ "title": "a", "body": "x".repeat(2 << 20) }), &["`limits.arguments`", "1048576"]),
        ("an empty key", json!({ "title": "a", "body": "", "": 1 }), &["Additional properties"]),
    ]
}

#[test]
fn mc_08_misfits_are_told_to_the_model() {
    let mut witness = Witness::new();
    let eras = [Era::Legacy, Era::Modern];
    let refused = |(era, (what, arguments, words)): &(Era, Misfit)| {
        let result = witness.served.client(*era).call("notes_create", arguments.clone());
        witness.is_unharmed_by(what);
        assert_eq!(result["isError"], true, "{what}: {result}");
        says(result["content"][0]["text"].as_str().unwrap(), words, what);
    };
    let cases = eras.into_iter().flat_map(|era| misfits().into_iter().map(move |misfit| (era, misfit)));
    each(cases, refused, |(era, (what, ..))| format!("{what} ({era:?})"));
}

#[test]
fn misfits_run_nothing_and_are_on_record() {
    let witness = Witness::new();
    let mut client = witness.served.client(Era::Modern);
    for (_, arguments, _) in misfits() {
        client.call("notes_create", arguments);
    }
    assert_eq!(found(&mut client), 1, "no misfit made a note");
    let rows = witness.home.must(["audit", "--json"]);
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused = rows.iter().filter(|row| row["class"] == "bad-arguments");
    let counted: i64 = refused.map(|row| row["count"].as_i64().unwrap()).sum();
    assert_eq!(counted, i64::try_from(misfits().len()).unwrap());
}

fn found(client: &mut Mcp) -> usize {
    client.call("notes_search", json!({}))["structuredContent"]["notes"].as_array().unwrap().len()
}

#[test]
fn mc_09_arguments_that_parsers_disagree_on_are_no_message() {
    let mut witness = Witness::new();
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let cases: [(&str, String, i64, &[&str]); 9] = [
        ("a list", "[]".to_owned(), -32602, &["`params.arguments` must be an object"]),
        ("a text", "\"title\"".to_owned(), -32602, &["`params.arguments` must be an object"]),
        ("null", "null".to_owned(), -32602, &["`params.arguments` must be an object"]),
        ("a key twice", r#"{"title":"a","title":"b","body":""}"#.to_owned(), -32700, &["`title` occurs twice"]),
        ("too deep", format!("{{\"a\":{}}}", nested(70)), -32700, &["nested deeper than 64"]),
        ("far too deep", format!("{{\"a\":{}}}", nested(200_000)), -32700, &["nested deeper than 64"]),
        ("an endless number", r#"{"a":1e999}"#.to_owned(), -32700, &["no exact form"]),
        ("a lone surrogate", r#"{"title":"\ud800","body":""}"#.to_owned(), -32700, &["lone surrogate"]),
        ("a control character", "{\"title\":\"a\u{1}\"}".to_owned(), -32700, &["control character"]),
    ];
    for (what, arguments, code, words) in cases {
        let params = format!(r#"{{"name":"notes_create","arguments":{arguments}}}"#);
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let mut connection = witness.served.connect();
        connection.request("POST", "/mcp", &Era::Legacy.headers("tools/call", None), body.as_bytes()).unwrap();
        let answer = connection.answer().unwrap().json();
        assert_eq!(answer["error"]["code"], code, "{what}: {answer}");
        says(answer["error"]["message"].as_str().unwrap(), words, what);
        witness.is_unharmed_by(what);
    }
    assert_eq!(found(&mut witness.served.client(Era::Modern)), 1);
}

#[test]
fn a_tool_that_is_not_served_is_refused_by_name() {
    let mut witness = Witness::new();
    let long = "x".repeat(10_000);
    for name in ["notes_destroy", "NOTES_CREATE", "notes_create ", "", "../notes_create", "notes_create\0", &long] {
        let answer = witness.served.client(Era::Legacy).try_call(name, json!({})).unwrap();
        assert_eq!(answer["error"]["code"], -32602, "{name:?}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.len() < 1000, "a name is not said back at any length: {}", message.len());
        witness.is_unharmed_by(name);
    }
}

/// What `call` is given, its stdin, and how it ends.
type Command = (&'static str, &'static [&'static str], &'static [u8], i32, &'static [&'static str]);

const COMMANDS: &[Command] = &[
    ("no JSON", &["call", "notes_create", "title=a"], b"", 2, &["the arguments are not JSON"]),
    ("nothing", &["call", "notes_create", ""], b"", 2, &["the arguments are not JSON"]),
    ("a list", &["call", "notes_create", "[]"], b"", 2, &["not an object"]),
    ("a number", &["call", "notes_create", "7"], b"", 2, &["not an object"]),
    ("two objects", &["call", "notes_create", "{} {}"], b"", 2, &["the arguments are not JSON"]),
    ("no such file", &["call", "notes_create", "@/no/such/file"], b"", 2, &["@/no/such/file", "No such file"]),
    ("a folder", &["call", "notes_create", "@/"], b"", 2, &["@/", "directory"]),
    ("bad stdin", &["call", "notes_create", "-"], b"{\"title\":", 2, &["the arguments are not JSON"]),
    ("binary stdin", &["call", "notes_create", "-"], b"\xff\xfe", 2, &["UTF-8"]),
    ("no stdin", &["call", "notes_create", "-"], b"", 2, &["the arguments are not JSON"]),
    ("no tool", &["call"], b"", 2, &["<TOOL>"]),
    ("an unknown tool", &["call", "notes_destroy"], b"", 1, &["notes_destroy"]),
];

#[test]
fn call_refuses_what_it_cannot_read() {
    let mut witness = Witness::new();
    for (what, arguments, input, code, words) in COMMANDS {
        let ran = witness.home.run_with_input(arguments.iter(), input);
        assert_eq!(ran.code, *code, "{what}: {ran:?}");
        says(&ran.stderr, words, what);
        assert_eq!(ran.stdout, "", "{what}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let ran = witness.home.run_with_input(["call", "notes_create", "-"], deep.as_bytes());
    ran.is(2, &["the arguments are not JSON", "recursion limit"]);
    witness.is_unharmed_by("bad arguments of `call`");
}

#[test]
fn call_ends_with_4_and_the_tools_own_words() {
    let mut witness = Witness::new();
    let refused = |(what, arguments, words): &Misfit| {
        let ran = witness.home.run_with_input(["call", "notes_create", "-"], arguments.to_string().as_bytes());
        assert_eq!(ran.code, 4, "{what}: {ran:?}");
        says(&ran.stderr, &["no sandbox was started"], what);
        says(&ran.stdout, words, what);
    };
    each(misfits(), refused, |(what, ..)| (*what).to_owned());
    let ran = witness.home.run(["call", "notes_read", r#"{"id":"00000000000000000000"}"#]);
    ran.is(4, &["failed; effect read"]);
    assert!(ran.stdout.contains("00000000000000000000"), "{}", ran.stdout);
    let ran = witness.home.run(["call", "notes_read", r#"{"id":"00000000000000000000"}"#, "--json"]);
    assert_eq!(ran.code, 4);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&answer["is_error"], &answer["usage"]["outcome"]), (&json!(true), &json!("failed")));
    witness.is_unharmed_by("failed calls");
}
