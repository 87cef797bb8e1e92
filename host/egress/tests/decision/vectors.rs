use std::{collections::BTreeSet, fs, path::Path};

use portcullis_egress::{Destination, Reach, admit};
use portcullis_manifest::http::Method;

use crate::{capability, holds::destination_holds};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    vector: Vec<Vector>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    id: String,
    kind: String,
    sent: Option<String>,
    urls: Vec<String>,
}

fn vectors() -> Vec<Vector> {
    let vectors: Vectors = toml::from_str(include_str!("../../vectors/destinations.toml")).unwrap();
    vectors.vector
}

/// What becomes of `url`: the kind of its refusal, or what is sent.
fn decided(url: &str) -> Result<String, &'static str> {
    let destination: Destination = url.parse().map_err(|error: portcullis_egress::InvalidDestination| error.kind())?;
    let grant = capability("https://example.com", &["GET /a/*"], 0);
    let admitted = admit(&grant, &Reach::Granted, Method::Get, destination).map_err(|error| error.kind())?;
    Ok(admitted.destination().to_string())
}

/// Fails when any check of the destination, or the comparison of origin, method or path, is removed: each kind has vectors
/// that nothing else refuses.
#[test]
fn eg_02_every_vector_has_its_verdict() {
    let mut wrong = Vec::new();
    for vector in vectors() {
        for url in &vector.urls {
            let expected = match vector.kind.as_str() {
                "sent" => Ok(vector.sent.as_ref().unwrap_or(url).clone()),
                kind => Err(kind),
            };
            let found = decided(url);
            if found != expected {
                wrong.push(format!("{}: {url:?} should be {expected:?} and is {found:?}", vector.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_vectors_have_every_kind_that_a_url_of_their_length_can_have() {
    let kinds: BTreeSet<_> = vectors().into_iter().map(|vector| vector.kind).collect();
    let all = [
        "address",
        "backslash",
        "blank",
        "bracket",
        "empty",
        "escaped-host",
        "fragment",
        "host",
        "no-host",
        "not-ascii",
        "origin",
        "path",
        "port",
        "query",
        "rule",
        "scheme",
        "sent",
        "userinfo",
        "zone",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

#[test]
fn eg_02_what_holds_for_every_text_holds_for_the_vectors_and_the_corpus() {
    for url in vectors().into_iter().flat_map(|vector| vector.urls) {
        destination_holds(url.as_bytes());
    }
    let corpus =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says it")).join("../../fuzz/corpus/destination");
    let mut files = 0;
    for file in fs::read_dir(&corpus).unwrap() {
        destination_holds(&fs::read(file.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 20, "{files} files in the corpus");
}

#[test]
fn a_url_has_a_length() {
    let url = |length: usize| {
        let start = "https://example.com/a/b?";
        format!("{start}{}", "q".repeat(length - start.len()))
    };
    assert_eq!(decided(&url(portcullis_egress::MAX_URL)), Ok(url(portcullis_egress::MAX_URL)));
    assert_eq!(decided(&url(portcullis_egress::MAX_URL + 1)), Err("too-long"));
}

#[test]
fn a_refusal_repeats_no_password_and_no_query() {
    for url in [
        "https://me:hunter2@example.com/a/b?hunter2",
        "https://example.com/a/b?hunter2=%",
        "https://example.com/a/b?hunter2=<",
        "https://example.com/a/../b?hunter2",
        "https://1/?hunter2",
        "https://example.com:x/?hunter2",
        "https://-/?hunter2",
    ] {
        let error = url.parse::<Destination>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_refusal_says_what_would_be_read() {
    for (url, words) in [
        ("https://me@example.com/", "use `secret` in the manifest for what signs in"),
        ("https://127.0.0.1/", "hosts are asked for by the name that is granted"),
        ("https://example.com/%2e", "the path `/%2e` escapes `.`, which some servers read as if it were not escaped"),
        ("https://example.com:0/", "the port `0` is not 1 to 65535 in plain digits"),
        ("ftp://example.com/", "does not begin with `https://` or `http://`"),
    ] {
        let error = url.parse::<Destination>().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
