//! What a server hears, byte for byte.

use portcullis_egress::{FetchError, HeaderRefused, Request};
use portcullis_manifest::http::Method;

use crate::support::upstream::{OK, Upstream};
use crate::support::{Granted, HOST, World, fetch};

fn with(headers: &[(&str, &str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { headers, ..Request::default() }
}

/// Fails if the target is parsed again, normalised or escaped anew on its way.
#[tokio::test]
async fn eg_26_a_path_is_sent_byte_for_byte_and_the_host_once() {
    let upstream = Upstream::answering(OK).await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    let targets = ["/", "/a/%41%7e~/b", "/a?", "/a?b=%2F..%2f&c=//;@:!$'()*,", "/a/", "/%D0%B0"];
    for target in targets {
        let url = format!("{origin}{target}");
        let fetched = fetch(&egress, &Granted::at(&origin), Method::Get, &url, Request::default()).await;
        assert_eq!(fetched.result.unwrap().status, 200);
        assert!(!fetched.attempts[0].path.contains('?'));
    }
    for (heard, target) in upstream.heard().iter().zip(targets) {
        assert!(heard.starts_with(&format!("GET {target} HTTP/1.1\r\nhost: {HOST}:")), "{heard}");
        assert_eq!(heard.to_ascii_lowercase().matches("\r\nhost:").count(), 1);
    }
}

/// Fails without the validation of headers: what would split the request into two is refused, and nothing is heard.
#[tokio::test]
async fn eg_10_attempts_to_split_a_request_are_refused_before_anything_is_sent() {
    let upstream = Upstream::answering(OK).await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    for (name, value) in [
        ("x-a", "b\r\n\r\nGET /admin HTTP/1.1\r\nhost: up.example"),
        ("x-a", "b\nx-c: d"),
        ("x-a\r\nhost: evil.example\r\nx-b", "c"),
        ("x-a: b\r\nx-c", "d"),
        ("host", "evil.example"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("upgrade", "h2c"),
        ("expect", "100-continue"),
        ("x-forwarded-for", "127.0.0.1"),
        ("user-agent", "curl"),
    ] {
        let url = format!("{origin}/");
        let fetched = fetch(&egress, &Granted::at(&origin), Method::Post, &url, with(&[(name, value)])).await;
        assert!(matches!(fetched.result, Err(FetchError::Header(_))), "{name}: {value}: {:?}", fetched.result);
        assert_eq!((fetched.attempts.len(), fetched.attempts[0].sent), (1, false));
    }
    assert!(upstream.heard().is_empty());
}

#[tokio::test]
async fn eg_10_a_get_has_no_body() {
    let upstream = Upstream::answering(OK).await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    let request = Request { body: b"GET /admin HTTP/1.1\r\n\r\n".to_vec(), ..Request::default() };
    let fetched = fetch(&egress, &Granted::at(&origin), Method::Get, &format!("{origin}/"), request).await;
    assert_eq!(fetched.result, Err(HeaderRefused::Body { method: "GET" }.into()));
}

/// Fails with a pool, or with a connection that is kept.
#[tokio::test]
async fn eg_12_two_requests_are_two_connections() {
    // It offers to be kept, and would hear a second request.
    let upstream = Upstream::start(|mut visit| async move {
        loop {
            if visit.request().await.is_empty() {
                break;
            }
            visit.say("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok").await;
        }
    })
    .await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    for _ in 0..2 {
        let fetched =
            fetch(&egress, &Granted::at(&origin), Method::Get, &format!("{origin}/"), Request::default()).await;
        assert_eq!(fetched.result.unwrap().body, b"ok");
    }
    let heard = upstream.heard();
    assert_eq!(heard.len(), 2);
    for heard in heard {
        assert_eq!(heard.matches("HTTP/1.1\r\n").count(), 1);
        assert!(heard.ends_with("\r\nconnection: close\r\n\r\n"));
    }
}

#[tokio::test]
async fn a_body_is_sent_whole_with_its_length() {
    let upstream = Upstream::answering(OK).await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    let body = vec![b'b'; 65536];
    let request = Request { body: body.clone(), ..with(&[("content-type", "text/plain")]) };
    let fetched = fetch(&egress, &Granted::at(&origin), Method::Put, &format!("{origin}/a"), request).await;
    assert_eq!(fetched.result.unwrap().status, 200);
    let heard = &upstream.heard()[0];
    let (head, sent) = heard.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("\r\ncontent-length: 65536\r\n") && head.contains("\r\ncontent-type: text/plain\r\n"),
        "{head}"
    );
    assert_eq!(sent.as_bytes(), body);
    assert_eq!(fetched.attempts[0].bytes_out, heard.len() as u64);
}
