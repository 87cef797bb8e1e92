//! What happens to calls when connections end, and to connections when calls take long.

use std::{sync::atomic::Ordering, time::Duration};

use super::*;
use crate::testing::within_a_second;

#[tokio::test]
async fn wx_29_a_client_that_goes_away_drops_its_call() {
    let server = Server::start(Echo::new()).await;
    let backend = Arc::clone(&server.backend);
    for (nth, sent) in
        [Sent::call("slow", json!({})), Sent::legacy("tools/call", &json!({ "name": "slow" }))].iter().enumerate()
    {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&sent.bytes(server.address)).await.unwrap();
        assert!(within_a_second(|| backend.began.load(Ordering::SeqCst) == nth + 1).await);
        assert_eq!(backend.dropped(), nth);
        drop(stream);
        assert!(within_a_second(|| backend.dropped() == nth + 1).await);
    }
}

#[tokio::test]
async fn many_requests_share_a_connection_and_stuck_ones_block_nobody() {
    let server = Server::start(Echo::new()).await;
    let mut stuck = TcpStream::connect(server.address).await.unwrap();
    stuck.write_all(&Sent::call("slow", json!({})).bytes(server.address)).await.unwrap();
    let mut kept = server.keep().await;
    for nth in 0..50 {
        let got = kept.send(&Sent::call("echo", json!({ "nth": nth }))).await;
        assert_eq!(got.json()["result"]["structuredContent"]["nth"], nth);
    }
}

#[tokio::test]
async fn a_body_that_never_comes_runs_nothing() {
    let server = Server::start(Echo::new()).await;
    let mut bytes = Sent::call("echo", json!({})).bytes(server.address);
    bytes.truncate(bytes.len() - 1);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || Got::read(&answer).status == 400);
    assert!(server.backend.requests.lock().unwrap().is_empty());
}

/// A request as the server gets it from one connection.
fn request(sent: &Sent, address: SocketAddr) -> http::Request<axum::body::Body> {
    let mut request = http::Request::post("/mcp").header("host", address.to_string());
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    request.body(sent.body.clone().into()).unwrap()
}

/// Fails where what a body holds is given back only by a stream that has been read from.
#[tokio::test]
async fn mc_09_an_answer_that_nobody_reads_gives_back_what_its_request_held() {
    let server = Server::start(Echo::new()).await;
    let budget = Arc::clone(&server.front.endpoint.bodies);
    let all = budget.free();
    let mut front = server.front.clone();
    let session = asking::Client::begin(&server, "2025-11-25", None).await;
    let pad = "x".repeat(100_000);
    let arguments = json!({ "say": ["one", null], "pad": pad });
    let legacy = Sent::legacy("tools/call", &json!({ "name": "telling", "arguments": arguments }));
    let modern = Sent::call("telling", arguments.clone());
    let modern = modern.edit(|message| message["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = "info".into());
    for (nth, sent) in [legacy, modern, session.call("telling", arguments)].into_iter().enumerate() {
        let response = front.call(request(&sent, server.address)).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(budget.free() < all, "{nth}: it is held while the call runs");
        drop(response);
        // The call of a session goes on without its client.
        server.backend.gate.add_permits(usize::from(nth == 2));
        assert!(within_a_second(|| budget.free() == all).await, "{nth}: {} are missing", all - budget.free());
    }
}
