//! The corpus of the fuzz target `request`, as an ordinary test.

use std::{fs, path::Path};

use crate::holds::Wire;

/// Fails if a server hears anything but the one request that was decided on: other bytes in its line, a header that the host does
/// not let pass, a second length, a body that begins another request, a placeholder.
#[test]
fn eg_10_30_41_what_holds_for_every_request_holds_for_the_corpus() {
    let corpus =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says it")).join("../../fuzz/corpus/request");
    let wire = Wire::open();
    let (mut sent, mut refused) = (Vec::new(), Vec::new());
    for file in fs::read_dir(&corpus).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        println!("{name}");
        if wire.request_holds(&fs::read(path).unwrap()) { sent.push(name) } else { refused.push(name) }
    }
    assert!(sent.len() >= 20 && refused.len() >= 30, "{sent:?}\n{refused:?}");
    for name in ["get", "post", "header-twice", "many-headers", "long-header", "body-limit", "placeholder-cut"] {
        assert!(sent.iter().any(|sent| sent == name), "{name} is refused");
    }
    for name in ["too-many-headers", "too-long-header", "body-over", "get-body", "placeholder-name", "header-crlf"] {
        assert!(refused.iter().any(|refused| refused == name), "{name} is sent");
    }
    assert!(!sent.iter().any(|name| name.starts_with("forbidden-")), "{sent:?}");
}
