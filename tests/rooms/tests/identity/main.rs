//! Who calls, and what they may call: a real identity provider, people who sign in at it, and the real program. What is refused of
//! single tokens is in `host/identity`; here it is shown that all of it holds together.

mod admin;
mod clients;
mod doctor;
mod example;
mod failures;
mod keys;
mod mixed;
mod people;
mod provider;
mod revoked;
mod signing_in;

use portcullis_tests::{Answer, SignedIn, plugin};
use serde_json::Value;

/// A host that serves notes and tables, and a provider that has tokens for it.
fn notes() -> SignedIn {
    SignedIn::with([plugin("plugins/notes"), plugin("plugins/tables")])
}

/// The challenge of an answer, taken apart: what is behind `Bearer `.
fn challenge(answer: &Answer) -> Vec<(String, String)> {
    let header = answer.header("www-authenticate").unwrap_or_else(|| panic!("no challenge: {answer:?}"));
    parameters(header)
}

fn parameters(challenge: &str) -> Vec<(String, String)> {
    let rest = challenge.strip_prefix("Bearer ").unwrap_or_else(|| panic!("no Bearer: {challenge}"));
    let mut found = Vec::new();
    let mut rest = rest;
    while let Some((name, behind)) = rest.split_once("=\"") {
        let (value, behind) = behind.split_once('"').expect("a value ends");
        found.push((name.trim_start_matches([',', ' ']).to_owned(), value.to_owned()));
        rest = behind;
    }
    found
}

/// One of them.
fn parameter<'a>(found: &'a [(String, String)], name: &str) -> &'a str {
    let value = found.iter().find(|(known, _)| known == name);
    value.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name} in {found:?}"))
}

/// Fails unless a request was answered as one with a token that is none.
fn refused(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    let found = challenge(answer);
    assert_eq!(parameter(&found, "error"), "invalid_token", "{found:?}");
    assert!(parameter(&found, "resource_metadata").ends_with("/.well-known/oauth-protected-resource/mcp"), "{found:?}");
}

/// The result of a call that was answered with one which is no error.
fn result(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let result = answer.json()["result"].clone();
    assert!(result.is_object() && result["isError"] != true, "{}", answer.text());
    result
}

/// The titles of the notes that are found.
fn titles(answer: &Answer) -> Vec<String> {
    let found = result(answer);
    let notes = found["structuredContent"]["notes"].as_array().expect("notes are listed");
    notes.iter().map(|note| note["title"].as_str().expect("a note has a title").to_owned()).collect()
}
