//! Servers that are slow on purpose. Each phase is ended by its own deadline; names and TLS have theirs beside their tests.

use std::time::{Duration, Instant};

use portcullis_egress::{Fetched, Phase, Request, Room, TimedOut};
use portcullis_manifest::http::Method;

use crate::support::upstream::{Upstream, Visit};
use crate::support::{Granted, World, fetch_in, room};

/// Short enough not to be waited for, long enough for everything that is not slow on purpose.
const SHORT: Duration = Duration::from_millis(200);

async fn fetched(upstream: &Upstream, world: World, room: &Room, body: usize) -> Fetched {
    let origin = upstream.origin();
    let request = Request { body: vec![b'b'; body], ..Request::default() };
    fetch_in(&world.start(), &Granted::at(&origin), Method::Post, &format!("{origin}/"), request, room).await
}

async fn ended(serve: fn(Visit) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>, phase: Phase) {
    let upstream = Upstream::start(serve).await;
    let mut world = World::with(upstream.address);
    (world.0.deadlines.first_byte, world.0.deadlines.idle) = (SHORT, SHORT);
    let result = fetched(&upstream, world, &room(), 0).await.result;
    assert_eq!(result, Err(TimedOut { phase, whole: false }.into()));

    // The same server, and a call that has no more time.
    let room = Room { deadline: Instant::now() + SHORT, ..room() };
    let result = fetched(&upstream, World::with(upstream.address), &room, 0).await.result;
    assert_eq!(result, Err(TimedOut { phase, whole: true }.into()));
}

/// Fails without the deadline in `head`.
#[tokio::test]
async fn eg_28_a_server_that_does_not_answer_is_left() {
    ended(|mut visit| Box::pin(async move { visit.hear_out().await }), Phase::FirstByte).await;
}

/// Fails if any byte starts the clock for the head anew.
#[tokio::test]
async fn eg_28_a_server_that_drips_its_head_is_left() {
    ended(|visit| Box::pin(drip(visit, "HTTP/1.1 200 OK\r\nx: ", "a")), Phase::FirstByte).await;
}

/// Fails if informational answers start the clock anew.
#[tokio::test]
async fn eg_28_a_server_that_only_says_to_go_on_is_left() {
    let serve = |mut visit: Visit| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            visit.request().await;
            visit.say("HTTP/1.1 100 Continue\r\n\r\n").await;
            visit.hear_out().await;
        })
    };
    ended(serve, Phase::FirstByte).await;
}

/// Fails without the deadline for each piece in `whole`.
#[tokio::test]
async fn eg_28_a_server_that_stops_in_its_body_is_left() {
    let serve = |mut visit: Visit| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            visit.request().await;
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok").await;
            visit.hear_out().await;
        })
    };
    ended(serve, Phase::Idle).await;
}

/// Fails if only the pieces of a body have a deadline: a byte now and then would hold a call for ever.
#[tokio::test]
async fn eg_28_a_server_that_drips_its_body_is_left_when_the_call_ends() {
    let upstream = Upstream::start(|visit| drip(visit, "HTTP/1.1 200 OK\r\n\r\n", "a")).await;
    let room = Room { deadline: Instant::now() + SHORT, ..room() };
    let result = fetched(&upstream, World::with(upstream.address), &room, 0).await.result;
    assert_eq!(result, Err(TimedOut { phase: Phase::Idle, whole: true }.into()));
}

async fn drip(mut visit: Visit, begin: &'static str, drop: &'static str) {
    use tokio::io::AsyncWriteExt as _;
    visit.request().await;
    visit.say(begin).await;
    while visit.stream.write_all(drop.as_bytes()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Fails if what is not accepted is waited for without end: a request larger than any socket's buffer, and nobody reads.
#[tokio::test]
async fn eg_28_a_server_that_does_not_read_is_left() {
    let upstream = Upstream::start(|visit| async move {
        let _open = visit;
        std::future::pending::<()>().await;
    })
    .await;
    let mut world = World::with(upstream.address);
    world.0.deadlines.first_byte = SHORT;
    let large = 64 << 20;
    let room = Room { request_body: large, ..room() };
    let fetched = fetched(&upstream, world, &room, large).await;
    assert_eq!(fetched.result, Err(TimedOut { phase: Phase::FirstByte, whole: false }.into()));
    assert!(fetched.attempts[0].sent && fetched.attempts[0].bytes_out < large as u64);
}

/// Fails without the deadline around the connection. Nothing answers in a full backlog, as nothing does behind a firewall.
#[tokio::test]
async fn eg_28_an_address_that_swallows_packets_is_left() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    // Until one more is not let in.
    while let Ok(stream) = tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 64, "the backlog is never full");
    }
    let mut world = World::with(address);
    world.0.deadlines.connect = SHORT;
    let origin = format!("http://{}:{}", crate::support::HOST, address.port());
    let fetched = fetch_in(
        &world.start(),
        &Granted::at(&origin),
        Method::Get,
        &format!("{origin}/"),
        Request::default(),
        &room(),
    )
    .await;
    assert_eq!(fetched.result, Err(TimedOut { phase: Phase::Connect, whole: false }.into()));
    assert_eq!((fetched.attempts[0].address, fetched.attempts[0].sent), (Some(address), false));
}

/// A call that is over begins nothing.
#[tokio::test]
async fn eg_28_a_call_without_time_connects_nowhere() {
    let upstream = Upstream::answering(crate::support::upstream::OK).await;
    let room = Room { deadline: Instant::now(), ..room() };
    let result = fetched(&upstream, World::with(upstream.address), &room, 0).await.result;
    assert_eq!(result, Err(TimedOut { phase: Phase::Dns, whole: true }.into()));
    assert!(upstream.heard().is_empty());
}
