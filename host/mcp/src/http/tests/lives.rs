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
