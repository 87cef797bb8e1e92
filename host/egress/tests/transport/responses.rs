//! HTTP servers that answer in ways that no server should.

use portcullis_egress::{Amount, FetchError, ProtocolFault, Request, Room, TooLarge};
use portcullis_manifest::http::Method;

use crate::support::upstream::{Upstream, Visit};
use crate::support::{Granted, World, fetch, get, get_in, room};

async fn answered(answer: impl Into<Vec<u8>>) -> Result<portcullis_egress::Response, FetchError> {
    let upstream = Upstream::answering(answer).await;
    get(upstream.address, "/").await.result
}

async fn fault(answer: &str) -> ProtocolFault {
    match answered(answer).await {
        Err(FetchError::Protocol(fault)) => fault,
        other => panic!("{answer:?}: {other:?}"),
    }
}

/// Fails without the check of both lengths in `acceptable`; hyper itself takes the chunks.
#[tokio::test]
async fn eg_10_an_answer_that_can_be_read_in_two_ways_is_not_read() {
    let both = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    assert_eq!(fault(both).await, ProtocolFault::TwoLengths);
    for coding in ["gzip, chunked", "gzip", "chunked, chunked", "x", "chunked\r\ntransfer-encoding: chunked"] {
        let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        assert_eq!(fault(&answer).await, ProtocolFault::TransferCoding, "{coding}");
    }
    for malformed in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok!",
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nx-a: b\r\n folded\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nx-a : b\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nx-a: b\0c\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/2 200\r\n\r\nok",
        "HTTP/1.1 20 OK\r\n\r\nok",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "<html>an answer of HTTP/0.9</html>",
    ] {
        assert_eq!(fault(malformed).await, ProtocolFault::Malformed, "{malformed:?}");
    }
}

/// A bare line feed ends a line for every reader that we know (RFC 9112 section 2.2), and there is no second answer on the
/// connection that one could hide.
#[tokio::test]
async fn eg_10_bare_line_feeds_hide_no_second_answer() {
    let answer = "HTTP/1.1 200 OK\ncontent-length: 2\n\nokHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
    let response = answered(answer).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, b"ok".as_slice()));
}

#[tokio::test]
async fn eg_10_a_body_where_there_can_be_none_is_not_read() {
    for (status, name) in [(204, "No Content"), (304, "Not Modified")] {
        let answer = format!("HTTP/1.1 {status} {name}\r\ncontent-length: 6\r\n\r\nhidden");
        let response = answered(answer).await.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (status, b"".as_slice()));
    }
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhidden").await;
    let origin = upstream.origin();
    let egress = World::with(upstream.address).start();
    let fetched = fetch(&egress, &Granted::at(&origin), Method::Head, &format!("{origin}/"), Request::default()).await;
    assert_eq!(fetched.result.unwrap().body, b"");
}

/// Fails without the test of the status in `acceptable`.
#[tokio::test]
async fn eg_30_switching_protocols_is_refused() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\u{1}\u{2}";
    assert_eq!(fault(answer).await, ProtocolFault::SwitchingProtocols);
}

/// Fails without the count in `Wire`: each informational answer is forgotten, so no bound on size sees them.
#[tokio::test]
async fn eg_29_informational_answers_are_skipped_and_a_flood_of_them_is_refused() {
    let some = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(8);
    let response = answered(format!("{some}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await.unwrap();
    assert_eq!((response.status, response.headers.len()), (200, 1));
    let more = "HTTP/1.1 100 Continue\r\n\r\n".repeat(9);
    let answer = format!("{more}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(fault(&answer).await, ProtocolFault::TooManyInformational);

    let endless = Upstream::start(|visit| endless(visit, "", "HTTP/1.1 100 Continue\r\n\r\n")).await;
    let result = get(endless.address, "/").await.result;
    assert_eq!(result, Err(ProtocolFault::TooManyInformational.into()));
}

/// Says `begin` and then `more` for as long as anybody listens.
async fn endless(mut visit: Visit, begin: &'static str, more: &'static str) {
    use tokio::io::AsyncWriteExt as _;
    visit.request().await;
    visit.say(begin).await;
    let many = more.repeat(65536 / more.len() + 1);
    while visit.stream.write_all(many.as_bytes()).await.is_ok() {}
}

/// Fails without the number or without the size of headers.
#[tokio::test]
async fn eg_29_headers_without_end_and_too_many_are_refused() {
    let too_large: FetchError = TooLarge { what: Amount::ResponseHeaders, most: room().header_bytes }.into();
    let one = Upstream::start(|visit| endless(visit, "HTTP/1.1 200 OK\r\nx: ", "aaaaaaaa")).await;
    assert_eq!(get(one.address, "/").await.result.unwrap_err(), too_large);
    let many = Upstream::start(|visit| endless(visit, "HTTP/1.1 200 OK\r\n", "x: a\r\n")).await;
    assert_eq!(get(many.address, "/").await.result.unwrap_err(), too_large);

    let of = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\nok", "x: a\r\n".repeat(count));
    assert_eq!(answered(of(64)).await.unwrap().headers.len(), 64);
    assert_eq!(answered(of(65)).await.unwrap_err(), too_large);

    let of = |bytes: usize| {
        let frame = "HTTP/1.1 200 OK\r\nx: \r\n\r\n".len();
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\nok", "a".repeat(bytes - frame))
    };
    assert_eq!(answered(of(8192)).await.unwrap().body, b"ok");
    assert_eq!(answered(of(8193)).await.unwrap_err(), too_large);
}

/// Fails without the count in `whole`.
#[tokio::test]
async fn eg_29_a_body_is_as_large_as_its_room_and_no_larger() {
    let small = Room { response_body: 10, ..room() };
    let too_large: FetchError = TooLarge { what: Amount::ResponseBody, most: 10 }.into();
    let bodies = |length: usize| {
        let body = "a".repeat(length);
        [
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"),
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"),
            format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
        ]
    };
    for answer in bodies(10) {
        let upstream = Upstream::answering(answer).await;
        assert_eq!(get_in(upstream.address, "/", &small).await.result.unwrap().body.len(), 10);
    }
    for answer in bodies(11) {
        let upstream = Upstream::answering(answer).await;
        assert_eq!(get_in(upstream.address, "/", &small).await.result.unwrap_err(), too_large);
    }
    for begin in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"] {
        let upstream = Upstream::start(move |visit| endless(visit, begin, "aaaaaaaa")).await;
        assert_eq!(get_in(upstream.address, "/", &small).await.result.unwrap_err(), too_large);
    }
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let upstream = Upstream::start(move |visit| endless(visit, chunked, "1\r\na\r\n")).await;
    assert_eq!(get_in(upstream.address, "/", &small).await.result.unwrap_err(), too_large);
}

/// Fails if trailers or chunk extensions are kept, or read without bound.
#[tokio::test]
async fn eg_29_trailers_are_dropped_and_neither_they_nor_chunk_extensions_are_endless() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-late\r\n\r\n";
    let answer = format!("{chunked}2;a=b\r\nok\r\n0\r\nx-late: 1\r\nset-cookie: a=b\r\n\r\n");
    let response = answered(answer).await.unwrap();
    assert_eq!((response.body.as_slice(), response.headers.as_slice()), (b"ok".as_slice(), [].as_slice()));

    let trailers = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
    for (begin, more) in [
        (trailers, "x: a\r\n"),
        (trailers, "xxxxxxxx"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;", "aaaaaaaa"),
    ] {
        let upstream = Upstream::start(move |visit| endless(visit, begin, more)).await;
        let result = get(upstream.address, "/").await.result;
        assert_eq!(result, Err(ProtocolFault::Malformed.into()), "{begin:?} {more:?}");
    }
}

/// Fails with any decompression: what was sent is what is given, and what is counted.
#[tokio::test]
async fn eg_29_what_is_compressed_arrives_as_it_is() {
    // A gzip stream that would become 10 MiB: its first bytes are enough to see that nobody tried.
    let bomb: Vec<u8> = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3].into_iter().chain((0..200).map(|n| n as u8)).collect();
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes();
    answer.extend_from_slice(&bomb);
    let response = answered(answer).await.unwrap();
    assert_eq!(response.body, bomb);
    assert!(response.headers.contains(&("content-encoding".to_owned(), "gzip".to_owned())));
}

#[tokio::test]
async fn a_server_that_ends_early_is_told_from_one_that_never_answers() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        assert_eq!(fault(answer).await, ProtocolFault::Closed, "{answer:?}");
    }
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
    ] {
        assert_eq!(fault(answer).await, ProtocolFault::Truncated, "{answer:?}");
    }
    for answer in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokok\r\n0\r\n\r\n",
    ] {
        assert_eq!(fault(answer).await, ProtocolFault::Malformed, "{answer:?}");
    }
}

/// Fails without `strip`.
#[tokio::test]
async fn eg_32_a_guest_gets_no_cookies_and_nothing_about_the_connection() {
    let answer = "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n\
                  proxy-authenticate: Basic\r\nalt-svc: h3=\":443\"\r\nx-kept: \u{e9}\r\ncontent-length: 2\r\n\r\nok";
    let response = answered(answer).await.unwrap();
    let expected = [("alt-svc", "h3=\":443\""), ("x-kept", "\u{e9}"), ("content-length", "2")];
    assert_eq!(response.headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}
