use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::exchange::{Bounds, exchange};
use crate::phase::Deadlines;

const LONG: Duration = Duration::from_secs(60);

fn room() -> Room {
    Room { request_body: 4096, response_body: 64, headers: 16, header_bytes: 4096, deadline: Instant::now() + LONG }
}

/// What goes over a connection for this request: the very bytes.
async fn sent(
    method: Method,
    origin: &Origin,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Vec<u8>, FetchError> {
    let room = room();
    let saying = Saying::of(method, headers, body.to_vec(), &room)?;
    let message = message(method, origin, target, &saying, None)?;
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let bounds = Bounds::new(&room, &Deadlines::default(), false);
    let server = async {
        let mut bytes = Vec::new();
        while !bytes.windows(4).any(|window| window == b"\r\n\r\n") && theirs.read_buf(&mut bytes).await.unwrap() > 0 {}
        theirs.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        // To the end: whatever else is sent would be here.
        theirs.read_to_end(&mut bytes).await.unwrap();
        bytes
    };
    let meter = Arc::default();
    let (answer, bytes) = tokio::join!(exchange(ours, message, bounds, &meter), server);
    answer?;
    assert_eq!(meter.sent(), bytes.len() as u64);
    Ok(bytes)
}

/// The head's lines and the body, split at the first empty line.
fn split(bytes: &[u8]) -> (Vec<&str>, &[u8]) {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    (std::str::from_utf8(&bytes[..end]).unwrap().split("\r\n").collect(), &bytes[end + 4..])
}

/// Fails without the fixed order in `message`.
#[tokio::test]
async fn eg_41_the_hosts_headers_and_their_order_are_always_the_same() {
    let origin: Origin = "https://api.example:8443".parse().unwrap();
    let headers = [("X-One", "1"), ("accept", "text/plain")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let bytes = sent(Method::Post, &origin, "/a/%41?q=~&%7e", &headers, b"text").await.unwrap();
    let expected = concat!(
        "POST /a/%41?q=~&%7e HTTP/1.1\r\nhost: api.example:8443\r\nuser-agent: portcullis/",
        env!("CARGO_PKG_VERSION"),
        "\r\naccept-encoding: identity\r\nx-one: 1\r\naccept: text/plain\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntext",
    );
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

/// Fails without the length in `message`: a body of unknown length would be chunked.
#[tokio::test]
async fn eg_10_there_is_one_length_where_a_method_has_a_body_and_none_where_it_has_none() {
    let origin: Origin = "http://api.example".parse().unwrap();
    for method in Method::ALL {
        let bytes = sent(method, &origin, "/", &[], b"").await.unwrap();
        let (lines, body) = split(&bytes);
        let lengths: Vec<_> = lines.iter().filter(|line| line.starts_with("content-length")).collect();
        match method {
            Method::Post | Method::Put | Method::Patch => assert_eq!(lengths, [&"content-length: 0"]),
            _ => assert!(lengths.is_empty(), "{lines:?}"),
        }
        assert!(body.is_empty());
        assert!(!lines.iter().any(|line| line.starts_with("transfer-encoding")));
    }
    let error = sent(Method::Get, &origin, "/", &[], b"x").await.unwrap_err();
    assert_eq!(error, HeaderRefused::Body { method: "GET" }.into());
}

#[tokio::test]
async fn eg_26_a_target_that_would_be_rewritten_is_refused() {
    let origin: Origin = "http://api.example".parse().unwrap();
    for target in ["/a#b", "/a b", "/\u{e9}", "/a\r\nhost: b", "a"] {
        let sent = sent(Method::Get, &origin, target, &[], b"").await;
        assert_eq!(sent.unwrap_err(), Unsendable.into(), "{target}");
    }
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        "[ -~]{0,12}",
        "[a-z-]{1,12}",
        any::<String>(),
        prop::sample::select(vec![
            "Host",
            "content-length",
            "Transfer-Encoding",
            "transfer_encoding",
            "connection",
            "Expect",
            "x-a\r\nhost",
            "user-agent",
            "x-forwarded-for",
            "accept",
        ])
        .prop_map(str::to_owned),
    ];
    let value = prop_oneof![
        "[ -~]{0,20}",
        any::<String>(),
        prop::sample::select(vec!["a\r\nhost: b", "a\r\n\r\nGET / HTTP/1.1\r\n\r\n", "chunked", "5", "a\n b", "close"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec((name, value), 0..4)
}

proptest! {
    /// Whatever a guest asks for, it is refused, or it is one request line, the host's headers once each, and of the guest's
    /// only what it may say.
    #[test]
    fn eg_10_whatever_is_asked_for_is_refused_or_is_one_request(
        method in prop::sample::select(Method::ALL.to_vec()),
        target in prop_oneof!["/[!-~]{0,20}", any::<String>(), "/[a-z\r\n :]{0,20}"],
        headers in headers(),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let origin: Origin = "https://api.example".parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let bytes = match runtime.block_on(sent(method, &origin, &target, &headers, &body)) {
            Ok(bytes) => bytes,
            Err(error) => {
                prop_assert!(["target", "header", "too-large"].contains(&error.kind()), "{error}");
                return Ok(());
            }
        };
        let (lines, rest) = split(&bytes);
        prop_assert_eq!(lines[0], format!("{method} {target} HTTP/1.1"));
        prop_assert_eq!(rest, body.as_slice());
        let fields: Vec<(&str, &str)> = lines[1..].iter().map(|line| line.split_once(": ").unwrap()).collect();
        for (ours, times) in [("host", 1), ("user-agent", 1), ("accept-encoding", 1), ("connection", 1)] {
            prop_assert_eq!(fields.iter().filter(|(name, _)| *name == ours).count(), times);
        }
        prop_assert_eq!(fields[0], ("host", "api.example"));
        prop_assert_eq!(fields.last(), Some(&("connection", "close")));
        let length = fields.iter().filter(|(name, _)| *name == "content-length").collect::<Vec<_>>();
        prop_assert!(length.len() <= 1);
        if let [(_, length)] = length[..] {
            prop_assert_eq!(length.parse::<usize>(), Ok(body.len()));
        } else {
            prop_assert!(body.is_empty());
        }
        for (name, value) in &fields {
            let ours = ["host", "user-agent", "accept-encoding", "connection", "content-length"].contains(name);
            let said = headers.iter().any(|(said, what)| said.eq_ignore_ascii_case(name) && what == value);
            prop_assert!(ours || (said && !crate::header::forbidden(name)), "{name}: {value}");
        }
    }
}
