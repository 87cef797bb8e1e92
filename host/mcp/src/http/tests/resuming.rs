//! The streams of legacy clients that have a session: they can be read on after a break.

use std::time::Duration;

use portcullis_backend::ListKind;

use super::{
    asking::{Client, Events, REVISIONS},
    *,
};
use crate::testing::within_a_second;

pub(super) const NEWEST: &str = "2025-11-25";

pub(super) fn both() -> Echo {
    Echo::new().with_principal("a", "ann").with_principal("b", "bob")
}

impl Client {
    /// A GET, after an event or without one.
    pub(super) fn get(&self, last: Option<&str>) -> Sent {
        let sent = self.sign(Sent::get("/mcp").with("Accept", "text/event-stream"));
        match last {
            Some(last) => sent.with("Last-Event-ID", last),
            None => sent,
        }
    }

    pub(super) fn tell(&self, say: Value) -> Sent {
        self.call("telling", json!({ "say": say }))
    }

    fn cancel(&self, id: impl Into<Value>) -> Sent {
        let params = json!({ "requestId": id.into() });
        self.sign(Sent::message(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })))
    }
}

impl Events {
    pub(super) async fn says(&mut self, text: &str) {
        let message = self.next().await.expect("the stream goes on");
        assert_eq!(message["params"]["data"], text, "{message}");
    }

    pub(super) fn last(&self) -> &str {
        self.last.as_deref().expect("an event with an id")
    }
}

/// The status of the answer that comes; some answers are streams that do not end.
pub(super) async fn status_of(stream: &mut TcpStream) -> u16 {
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
}

pub(super) async fn status(server: &Server, sent: &Sent) -> u16 {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&sent.bytes(server.address)).await.unwrap();
    status_of(&mut stream).await
}

#[tokio::test]
async fn a_stream_of_a_session_begins_with_an_empty_event_for_clients_that_know_one() {
    let server = Server::start(Echo::new()).await;
    for revision in REVISIONS {
        let client = Client::begin(&server, revision, None).await;
        let mut events = Events::open(&server, &client.tell(json!(["one"]))).await;
        let first = events.event().await.unwrap();
        assert_eq!(first.contains("\nretry: 1000\ndata:"), revision == NEWEST, "{first:?}");
        assert_eq!(first.contains("one"), revision != NEWEST, "{first:?}");
        assert!(first.starts_with("id: c"), "{first:?}");
        assert!(first.lines().last().unwrap().starts_with("data:"));
        if revision == NEWEST {
            events.says("one").await;
        }
        events.response(revision).await;
    }
}

#[tokio::test]
async fn a_call_whose_connection_broke_goes_on_and_the_rest_of_its_stream_is_read_by_get() {
    for revision in REVISIONS {
        let server = Server::start(both()).await;
        let client = Client::begin(&server, revision, Some("a")).await;
        let mut events = Events::open(&server, &client.tell(json!(["one", null, "two", null, "three"]))).await;
        events.says("one").await;
        let first = events.last().to_owned();
        drop(events);
        server.backend.gate.add_permits(1);
        // While it runs: what was said meanwhile, and what is said from now on.
        let mut again = Events::open(&server, &client.get(Some(&first))).await;
        again.says("two").await;
        let second = again.last().to_owned();
        assert_ne!(first, second);
        drop(again);
        server.backend.gate.add_permits(1);
        let mut again = Events::open(&server, &client.get(Some(&second))).await;
        again.says("three").await;
        again.response(revision).await;
        // After its end, from any place on.
        let mut again = Events::open(&server, &client.get(Some(&first))).await;
        again.says("two").await;
        again.says("three").await;
        again.response(revision).await;
        assert_eq!((server.backend.dropped(), server.backend.rules()), (0, vec![]));
    }
}

#[tokio::test]
async fn another_process_of_the_host_sends_the_rest_of_a_stream_too_and_to_nobody_else() {
    let soon = |config: &mut HttpConfig| config.streams.poll = Duration::from_millis(5);
    let server = Server::start(both()).await;
    let client = Client::begin(&server, NEWEST, Some("a")).await;
    let mut events = Events::open(&server, &client.tell(json!(["one", "two", null, "three"]))).await;
    events.says("one").await;
    let first = events.last().to_owned();
    events.says("two").await;
    let second = events.last().to_owned();
    let kept = |many: usize| {
        let backend = Arc::clone(&server.backend);
        move || backend.streams.lock().unwrap().values().any(|(_, kept)| kept.events.len() >= many)
    };
    assert!(within_a_second(kept(2)).await);
    let other = server.beside(soon).await;
    // While the first one still drives the call: what is there, and what comes.
    let mut late = Events::open(&other, &client.get(Some(&second))).await;
    let bob = Client::begin(&server, NEWEST, Some("b")).await;
    let elsewhere = Client::begin(&server, NEWEST, Some("a")).await;
    for stranger in [&bob, &elsewhere] {
        other.refuses(&stranger.get(Some(&first)), 404, 40400, RefusalRule::Message).await;
    }
    server.backend.gate.add_permits(1);
    late.says("three").await;
    late.response(NEWEST).await;
    // From an earlier place, from what that process has by now.
    let mut again = Events::open(&other, &client.get(Some(&first))).await;
    again.says("two").await;
    again.says("three").await;
    again.response(NEWEST).await;
    // And a process that begins after the end, when the others are gone.
    let third = other.beside(soon).await;
    drop((server, other));
    let mut again = Events::open(&third, &client.get(Some(&second))).await;
    again.says("three").await;
    again.response(NEWEST).await;
}

#[tokio::test]
async fn a_question_is_fetched_and_answered_after_a_break() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, NEWEST, None).await;
    let mut events = Events::open(&server, &client.call("asking", json!({ "say": ["one", null] }))).await;
    events.says("one").await;
    let last = events.last().to_owned();
    drop(events);
    server.backend.gate.add_permits(2);
    let mut again = Events::open(&server, &client.get(Some(&last))).await;
    let question = again.question(NEWEST).await;
    client.answers(&server, &question, json!({ "action": "decline" })).await;
    again.says("one").await;
    let response = again.response(NEWEST).await;
    assert_eq!(response["result"]["structuredContent"], json!({ "q0": "declined" }));
}

#[tokio::test]
async fn au_08_another_principals_session_or_event_gives_nothing() {
    let server = Server::start(both()).await;
    let ann = Client::begin(&server, NEWEST, Some("a")).await;
    let elsewhere = Client::begin(&server, NEWEST, Some("a")).await;
    let bob = Client::begin(&server, NEWEST, Some("b")).await;
    let mut events = Events::open(&server, &ann.tell(json!(["secret", null, "more"]))).await;
    let begin = events.event().await.unwrap();
    let begin = begin.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned();
    events.says("secret").await;
    let stolen = Client { session: ann.session.clone(), ..bob.clone() };
    let without = Client { session: String::new(), ..ann.clone() };
    let nonsense = Client { session: format!("{}A", ann.session), ..ann.clone() };
    for last in [begin.as_str(), events.last()] {
        for (other, code) in
            [(&bob, 40400), (&elsewhere, 40400), (&stolen, 40500), (&without, 40500), (&nonsense, 40500)]
        {
            let rule = if code == 40400 { RefusalRule::Message } else { RefusalRule::Method };
            let answer = server.refuses(&other.get(Some(last)), (code / 100) as u16, code, rule).await;
            assert!(!answer.to_string().contains("secret"), "{answer}");
            // Nor does it end for the one whose it is.
            assert_eq!(server.send(&other.cancel(1)).await.status, 202);
        }
    }
    for wrong in ["", "x", "c1-2", &begin.replace("-0", "-x"), &begin.replace('c', "n")[..20]] {
        server.refuses(&ann.get(Some(wrong)), 404, 40400, RefusalRule::Message).await;
    }
    server.backend.gate.add_permits(1);
    events.says("more").await;
    events.response(NEWEST).await;
}

#[tokio::test]
async fn a_call_without_its_client_ends_after_its_time_and_is_not_kept() {
    let server = Server::with(Echo::new(), |config| {
        config.streams.grace = Duration::from_millis(20);
        config.streams.keep = Duration::ZERO;
    })
    .await;
    let client = Client::begin(&server, NEWEST, None).await;
    let mut events = Events::open(&server, &client.tell(json!(["one", null]))).await;
    events.says("one").await;
    let last = events.last().to_owned();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(server.backend.dropped(), 0, "its client is there");
    drop(events);
    assert!(within_a_second(|| server.backend.dropped() == 1).await);
    let mut gone = status(&server, &client.get(Some(&last))).await;
    for _ in 0..100 {
        if gone == 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        gone = status(&server, &client.get(Some(&last))).await;
    }
    panic!("it is still kept: {gone}");
}

#[tokio::test]
async fn notifications_cancelled_ends_a_call_that_says_things_without_a_response() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, NEWEST, None).await;
    for connected in [true, false] {
        let dropped = server.backend.dropped();
        let mut events = Events::open(&server, &client.tell(json!(["one", null, "two"]))).await;
        events.says("one").await;
        let last = events.last().to_owned();
        if !connected {
            drop(events);
            assert_eq!(server.send(&client.cancel(1)).await.status, 202);
            events = Events::open(&server, &client.get(Some(&last))).await;
        } else {
            assert_eq!(server.send(&client.cancel(2)).await.status, 202);
            assert_eq!(server.send(&client.cancel(1)).await.status, 202);
        }
        assert_eq!(events.next().await, None);
        assert!(within_a_second(|| server.backend.dropped() == dropped + 1).await);
    }
}

#[tokio::test]
async fn a_server_that_closes_streams_gives_the_result_to_who_comes_back() {
    let server = Server::with(Echo::new(), |config| config.streams.close = true).await;
    let client = Client::begin(&server, NEWEST, None).await;
    let mut events = Events::open(&server, &client.tell(json!(["one", null, "two"]))).await;
    let first = events.event().await.unwrap();
    assert!(first.starts_with("id: c") && first.contains("retry:"), "{first}");
    assert_eq!(events.event().await, None);
    server.backend.gate.add_permits(1);
    let id = first.lines().next().unwrap().strip_prefix("id: ").unwrap();
    let mut again = Events::open(&server, &client.get(Some(id))).await;
    again.says("one").await;
    again.says("two").await;
    again.response(NEWEST).await;
    assert_eq!(server.backend.dropped(), 0);
}

/// Fails without `StreamLimits::per_principal`, and the way without ids for what is beyond it.
#[tokio::test]
async fn mc_40_what_can_t_be_kept_is_told_without_ids_and_ends_with_its_connection() {
    let server = Server::with(Echo::new(), |config| config.streams.per_principal = 1).await;
    let client = Client::begin(&server, NEWEST, None).await;
    let mut kept = Events::open(&server, &client.tell(json!(["one", null]))).await;
    kept.says("one").await;
    let mut other = Events::open(&server, &client.tell(json!(["one", null]))).await;
    other.says("one").await;
    assert_eq!(other.last, None, "{}", other.seen);
    drop(other);
    assert!(within_a_second(|| server.backend.dropped() == 1).await);
    server.backend.gate.add_permits(1);
    kept.response(NEWEST).await;
    // What has ended makes room.
    let mut next = Events::open(&server, &client.tell(json!(["one"]))).await;
    next.says("one").await;
    assert!(next.last.is_some());
}

/// A client that declares nothing: most of them.
#[tokio::test]
async fn a_client_that_can_be_asked_nothing_has_everything_else_that_a_session_brings() {
    for revision in REVISIONS {
        let server = Server::start(both()).await;
        let client = Client::that_can(&server, revision, Some("a"), json!({})).await;
        // An answer is JSON as long as nothing is said before it.
        let got = server.send(&client.call("echo", json!({ "a": 1 }))).await;
        assert_eq!(got.json()["result"]["structuredContent"], json!({ "a": 1 }));
        assert!(server.backend.streams.lock().unwrap().is_empty(), "nothing is kept of it");

        let subscribe = client.sign(Sent::legacy("resources/subscribe", &json!({ "uri": "docs://a" })));
        assert_eq!(server.result(&subscribe).await, json!({}));
        let mut news = Events::open(&server, &client.get(None)).await;
        server.backend.touch("docs://a", None);
        assert_eq!(news.next().await.unwrap()["params"], json!({ "uri": "docs://a" }));
        server.backend.lists(ListKind::Tools, &["echo", "telling"]);
        server.backend.publish();
        assert_eq!(news.next().await.unwrap()["method"], "notifications/tools/list_changed");

        let level = client.sign(Sent::legacy("logging/setLevel", &json!({ "level": "error" })));
        assert_eq!(server.result(&level).await, json!({}));
        let say = json!(["quiet", ["error", "one"], null, ["alert", "two"]]);
        let mut events = Events::open(&server, &client.tell(say)).await;
        events.says("one").await;
        let last = events.last().to_owned();
        drop(events);
        server.backend.gate.add_permits(1);
        let mut again = Events::open(&server, &client.get(Some(&last))).await;
        again.says("two").await;
        again.response(revision).await;
        assert_eq!((server.backend.dropped(), server.backend.rules()), (0, vec![]));
    }
}

#[tokio::test]
async fn get_is_for_sessions_that_take_events() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, NEWEST, None).await;
    let good = client.get(None);
    for (sent, status, code, rule) in [
        (Sent::get("/mcp").with("Accept", "text/event-stream"), 405, 40500, RefusalRule::Method),
        (good.clone().set("Mcp-Session-Id", "x"), 405, 40500, RefusalRule::Method),
        (good.clone().with("Mcp-Session-Id", &client.session), 405, 40500, RefusalRule::Method),
        (good.clone().method("DELETE"), 405, 40500, RefusalRule::Method),
        (good.clone().method("PUT"), 405, 40500, RefusalRule::Method),
        (good.clone().set("Accept", "application/json"), 406, 40600, RefusalRule::Accept),
        (good.clone().without("Accept"), 406, 40600, RefusalRule::Accept),
        (good.clone().set("MCP-Protocol-Version", "2026-07-28"), 405, 40500, RefusalRule::Method),
        (good.clone().set("MCP-Protocol-Version", "1999-01-01"), 400, -32022, RefusalRule::Version),
        (good.clone().path("/mcp?access_token=x"), 400, 40000, RefusalRule::QueryToken),
    ] {
        server.refuses(&sent, status, code, rule).await;
    }
    let got = server.send(&good.clone().method("DELETE")).await;
    assert_eq!(got.header("allow"), Some("POST"));
}
