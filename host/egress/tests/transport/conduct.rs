//! How the client conducts itself: what it tries again, what it writes down, how much it holds, and that it lets go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_egress::{
    Amount, Attempts, Busy, ConnectFault, Destination, ProtocolFault, Reach, Request, Room, TooLarge, Verdict, admit,
};
use portcullis_manifest::http::Method;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::upstream::{OK, Upstream};
use crate::support::{Granted, World, fetch, fetch_in, get, room};

/// Ends the first `failing` connections without an answer, and answers the others.
async fn unreliable(failing: usize, before: &'static str) -> Upstream {
    let count = Arc::new(AtomicUsize::new(0));
    Upstream::start(move |mut visit| {
        let index = count.fetch_add(1, Ordering::SeqCst);
        async move {
            visit.request().await;
            visit.say(if index < failing { before } else { OK }).await;
            visit.close().await;
        }
    })
    .await
}

/// Fails without the test of the method, or of what came back.
#[tokio::test]
async fn only_a_request_that_can_be_repeated_and_was_not_answered_is_tried_again() {
    for (method, retries, failing, before, tried, result) in [
        (Method::Get, 2, 2, "", 3, Ok(200)),
        (Method::Get, 1, 2, "", 2, Err(ProtocolFault::Closed)),
        (Method::Get, 0, 1, "", 1, Err(ProtocolFault::Closed)),
        (Method::Put, 1, 1, "", 2, Ok(200)),
        (Method::Delete, 1, 1, "", 2, Ok(200)),
        (Method::Post, 3, 1, "", 1, Err(ProtocolFault::Closed)),
        (Method::Patch, 3, 1, "", 1, Err(ProtocolFault::Closed)),
        // A single byte came back: it may have begun.
        (Method::Get, 3, 1, "H", 1, Err(ProtocolFault::Closed)),
        (Method::Get, 3, 1, "HTTP/1.1 503 Busy\r\ncontent-length: 1\r\n\r\n", 1, Err(ProtocolFault::Truncated)),
    ] {
        let upstream = unreliable(failing, before).await;
        let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
        let granted = Granted { retries, ..Granted::at(&origin) };
        let fetched = fetch(&egress, &granted, method, &format!("{origin}/"), Request::default()).await;
        let result = result.map_err(Into::into);
        assert_eq!(fetched.result.map(|response| response.status), result, "{method} {retries} {failing} {before:?}");
        assert_eq!((upstream.heard().len(), fetched.attempts.len()), (tried, tried));
        assert!(fetched.attempts.iter().all(|attempt| attempt.sent));
    }
}

/// Fails if a reset is anything but an end.
#[tokio::test]
async fn a_connection_that_is_reset_is_one_that_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.set_zero_linger().unwrap();
    });
    assert_eq!(get(address, "/").await.result, Err(ProtocolFault::Closed.into()));
    server.await.unwrap();
}

/// A status is an answer, whatever it says.
#[tokio::test]
async fn a_server_that_says_it_failed_is_not_asked_again() {
    let upstream = Upstream::answering("HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n").await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    let granted = Granted { retries: 3, ..Granted::at(&origin) };
    let fetched = fetch(&egress, &granted, Method::Get, &format!("{origin}/"), Request::default()).await;
    assert_eq!((fetched.result.unwrap().status, upstream.heard().len()), (503, 1));
}

#[tokio::test]
async fn a_host_that_refuses_connections_is_said_to_without_its_address() {
    // Bound and left: nothing listens there any more.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fetched = get(address, "/").await;
    let error = fetched.result.unwrap_err();
    assert_eq!(error, ConnectFault::Refused.into());
    assert!(!error.to_string().contains("127"), "{error}");
    assert_eq!((fetched.attempts[0].address, fetched.attempts[0].sent), (Some(address), false));
}

/// Fails if an attempt is missing, or says anything of a query.
#[tokio::test]
async fn eg_34_what_is_written_down_is_what_the_server_saw_and_nothing_of_the_query() {
    let upstream = Upstream::answering(OK).await;
    let fetched = get(upstream.address, "/a/b?token=canary").await;
    let heard = upstream.heard();
    let [attempt] = &fetched.attempts[..] else { panic!("{fetched:?}") };
    assert_eq!(attempt.origin.to_string(), upstream.origin());
    assert_eq!((attempt.method, attempt.path.as_str()), (Method::Get, "/a/b"));
    assert_eq!((attempt.bytes_out, attempt.bytes_in), (heard[0].len() as u64, OK.len() as u64));
    assert_eq!((attempt.address, attempt.sent), (Some(upstream.address), true));
    assert_eq!(attempt.verdict, Verdict::Answered(200));
    assert!(!format!("{attempt:?}").contains("canary"));
}

/// Fails without the bounds on what a guest sends.
#[tokio::test]
async fn eg_29_a_request_has_its_room_too() {
    let upstream = Upstream::answering(OK).await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    let room = Room { request_body: 4, headers: 1, header_bytes: 100, ..room() };
    let header = |value: &str| vec![("x".to_owned(), value.to_owned())];
    for (headers, body, what) in [
        (vec![], "12345", Some(Amount::RequestBody)),
        ([header("1"), header("1")].concat(), "", Some(Amount::RequestHeaders)),
        (header(&"1".repeat(96)), "", Some(Amount::RequestHeaders)),
        (header(&"1".repeat(95)), "1234", None),
    ] {
        let request = Request { headers, body: body.into(), ..Request::default() };
        let url = format!("{origin}/");
        let fetched = fetch_in(&egress, &Granted::at(&origin), Method::Post, &url, request, &room).await;
        match what {
            Some(what) => {
                let most = if what == Amount::RequestBody { 4 } else { 100 };
                assert_eq!(fetched.result, Err(TooLarge { what, most }.into()));
                assert!(matches!(fetched.attempts[0].verdict, Verdict::Refused(_)));
            }
            None => assert_eq!(fetched.result.unwrap().status, 200),
        }
    }
    assert_eq!(upstream.heard().len(), 1);
}

/// A server that holds its connections, and says when one begins and when it ends.
async fn holding() -> (Upstream, mpsc::UnboundedReceiver<&'static str>) {
    let (say, said) = mpsc::unbounded_channel();
    let upstream = Upstream::start(move |mut visit| {
        let say = say.clone();
        async move {
            visit.request().await;
            let _ = say.send("begun");
            visit.hear_out().await;
            let _ = say.send("ended");
        }
    })
    .await;
    (upstream, said)
}

/// Fails if the connection outlives the future, in a task or in a pool; or if what was sent is forgotten with it.
#[tokio::test]
async fn a_fetch_that_is_dropped_closes_its_connection_and_leaves_its_attempt() {
    let (upstream, mut said) = holding().await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    let attempts = Attempts::default();
    let destination: Destination = format!("{origin}/a").parse().unwrap();
    let admitted = admit(&Granted::at(&origin).capability(), &Reach::Granted, Method::Get, destination).unwrap();
    let room = room();
    tokio::select! {
        result = egress.fetch_into(admitted, Request::default(), &room, &attempts) => panic!("{result:?}"),
        begun = said.recv() => assert_eq!(begun, Some("begun")),
    }
    assert_eq!(said.recv().await, Some("ended"));
    let attempts = attempts.take();
    assert_eq!((attempts.len(), &attempts[0].verdict, attempts[0].sent), (1, &Verdict::Dropped, true));
    assert_eq!(attempts[0].bytes_out, upstream.heard()[0].len() as u64);
}

/// Fails without the gate: one plugin would use up the sockets of all.
#[tokio::test]
async fn eg_40_connections_are_counted_and_the_place_of_a_dropped_one_is_free() {
    let (upstream, mut said) = holding().await;
    let origin = upstream.origin();
    let mut world = World::with(upstream.address).host("other.example", upstream.address);
    (world.0.connections, world.0.connections_per_origin) = (2, 1);
    let egress = world.start();
    let (granted, url) = (Granted::at(&origin), format!("{origin}/"));
    let held = |egress: portcullis_egress::Egress, origin: String| {
        tokio::spawn(async move {
            let url = format!("{origin}/");
            fetch(&egress, &Granted::at(&origin), Method::Get, &url, Request::default()).await
        })
    };
    let first = held(egress.clone(), origin.clone());
    assert_eq!(said.recv().await, Some("begun"));
    let busy = fetch(&egress, &granted, Method::Get, &url, Request::default()).await;
    assert_eq!(busy.result, Err(Busy::Origin { most: 1, origin: origin.parse().unwrap() }.into()));
    assert!(matches!(&busy.attempts[0].verdict, Verdict::Refused(reason) if reason.starts_with("busy: ")));

    let second = held(egress.clone(), format!("http://other.example:{}", upstream.address.port()));
    assert_eq!(said.recv().await, Some("begun"));
    let busy = fetch(&egress, &granted, Method::Get, &url, Request::default()).await;
    assert_eq!(busy.result, Err(Busy::Host { most: 2 }.into()));

    first.abort();
    assert_eq!(said.recv().await, Some("ended"));
    let third = held(egress.clone(), origin);
    assert_eq!(said.recv().await, Some("begun"));
    second.abort();
    third.abort();
}

/// Fails if the host's own fetches went another way: its own capability is all that they have.
#[tokio::test]
async fn eg_35_the_hosts_own_fetches_are_decided_like_a_guests() {
    let upstream = Upstream::answering(OK).await;
    let issuer = Granted::at(upstream.origin());
    let elsewhere: Destination = "http://169.254.169.254.nip.example/keys".parse().unwrap();
    assert_eq!(admit(&issuer.capability(), &Reach::Granted, Method::Get, elsewhere).unwrap_err().kind(), "origin");
    let mut world = World::with(upstream.address);
    world.0.addresses.private.clear();
    let url = format!("{}/keys", upstream.origin());
    let fetched = fetch(&world.start(), &issuer, Method::Get, &url, Request::default()).await;
    assert_eq!(fetched.result.unwrap_err().kind(), "address");
    assert!(upstream.heard().is_empty());
}
