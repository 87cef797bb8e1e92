//! The stream that GET opens for a legacy session: what changes, for as long as its credentials are good.

use std::time::Duration;

use portcullis_backend::ListKind;

use super::{
    asking::{Client, Events, REVISIONS},
    resuming::{NEWEST, both, status},
    *,
};
use crate::testing::assert_valid;

#[tokio::test]
async fn a_session_is_told_what_changes_on_one_stream() {
    for revision in REVISIONS {
        let server = Server::start(Echo::new()).await;
        let client = Client::begin(&server, revision, None).await;
        let uri = "notes://a";
        for method in ["resources/subscribe", "resources/unsubscribe", "resources/subscribe"] {
            let sent = client.sign(Sent::legacy(method, &json!({ "uri": uri })));
            assert_eq!(server.result(&sent).await, json!({}));
        }
        let mut events = Events::open(&server, &client.get(None)).await;
        if revision == NEWEST {
            let first = events.event().await.unwrap();
            assert!(first.starts_with("id: n") && first.ends_with("data:"), "{first:?}");
        }
        server.backend.lists(ListKind::Tools, &["echo"]);
        server.backend.publish();
        let told = events.next().await.unwrap();
        assert_valid(revision, "ToolListChangedNotification", &told);
        assert_eq!(told, json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
        server.backend.touch("notes://b", None);
        server.backend.touch(uri, None);
        let told = events.next().await.unwrap();
        assert_valid(revision, "ResourceUpdatedNotification", &told);
        assert_eq!(told["params"], json!({ "uri": uri }));

        // What is told meanwhile is fetched, by the one session.
        let last = events.last().to_owned();
        drop(events);
        server.backend.lists(ListKind::Prompts, &[]);
        server.backend.publish();
        let mut again = Events::open(&server, &client.get(Some(&last))).await;
        assert_eq!(again.next().await.unwrap()["method"], "notifications/prompts/list_changed");
        // Who opens another one is told there, and only there.
        let mut other = Events::open(&server, &client.get(None)).await;
        assert_eq!(again.next().await, None);
        server.backend.touch(uri, None);
        assert_eq!(other.next().await.unwrap()["params"]["uri"], uri);
    }
}

#[tokio::test]
async fn a_client_that_was_away_for_too_long_is_told_to_look_at_everything() {
    let server = Server::with(Echo::new(), |config| config.streams.grace = Duration::ZERO).await;
    let client = Client::begin(&server, NEWEST, None).await;
    let mut events = Events::open(&server, &client.get(None)).await;
    let first = events.event().await.unwrap();
    let id = first.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned();
    drop(events);
    // Once it is gone, the next one is another stream.
    let mut told = Vec::new();
    for _ in 0..200 {
        let mut events = Events::open(&server, &client.get(Some(&id))).await;
        let first = tokio::time::timeout(Duration::from_millis(50), events.event()).await;
        if first.is_ok() {
            for _ in 0..3 {
                told.push(events.next().await.unwrap()["method"].as_str().unwrap().to_owned());
            }
            assert!(!events.last().starts_with(&id[..33]));
            break;
        }
        drop(events);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let expected = ["tools", "prompts", "resources"].map(|kind| format!("notifications/{kind}/list_changed"));
    assert_eq!(told, expected);
}

/// Fails without the proof that is due, and without its error before the end.
#[tokio::test]
async fn au_25_a_stream_that_get_opened_ends_with_the_error_when_its_credentials_prove_nobody_or_somebody_else() {
    for revision in REVISIONS {
        for revoked in [true, false] {
            let server = Server::with(both(), |config| config.listening.proof = Duration::from_millis(20)).await;
            let client = Client::begin(&server, revision, Some("a")).await;
            let news = Events::open(&server, &client.get(None)).await;
            let mut call = Events::open(&server, &client.tell(json!(["one", null]))).await;
            call.says("one").await;
            let last = call.last().to_owned();
            let resumed = Events::open(&server, &client.get(Some(&last))).await;
            if revoked {
                server.backend.revoke("a");
            } else {
                server.backend.hand_over("a", "bob");
            }
            // Proven again before anything is told.
            tokio::time::sleep(Duration::from_millis(40)).await;
            server.backend.touch("docs://a", None);
            for mut events in [news, resumed] {
                // Before 2025-11-25 an error always answers a request.
                if revision == NEWEST {
                    let error = events.next().await.expect("an error before the end");
                    assert_valid(revision, "JSONRPCErrorResponse", &error);
                    assert_eq!((error.get("id"), &error["error"]["code"]), (None, &json!(40101)), "{error}");
                }
                assert_eq!(events.next().await, None);
            }
        }
    }
}

/// Fails without the renewal of whoever reads: lists would go on to be compared as they saw them when they came.
#[tokio::test]
async fn au_25_what_has_changed_is_what_somebody_sees_with_what_they_hold_by_now() {
    let server = Server::with(both(), |config| config.listening.proof = Duration::from_millis(20)).await;
    server.backend.lists_for("editors", ListKind::Tools, &["echo"]);
    server.backend.lists_for("chiefs", ListKind::Prompts, &["greeting"]);
    let client = Client::begin(&server, NEWEST, Some("a")).await;
    let mut news = Events::open(&server, &client.get(None)).await;
    news.event().await.unwrap();
    // They see other tools now, and no catalogue has changed.
    server.backend.regroup("a", "editors");
    assert_eq!(news.next().await.unwrap()["method"], "notifications/tools/list_changed");
    // From now on it is the editors' list that is looked at.
    server.backend.lists(ListKind::Tools, &["slow"]);
    server.backend.publish();
    server.backend.lists_for("editors", ListKind::Tools, &["echo", "slow"]);
    server.backend.publish();
    assert_eq!(news.next().await.unwrap()["method"], "notifications/tools/list_changed");
    // Who comes back has been proven by that, too.
    let last = news.last().to_owned();
    drop(news);
    server.backend.regroup("a", "chiefs");
    let mut again = Events::open(&server, &client.get(Some(&last))).await;
    let mut told = vec![again.next().await.unwrap()["method"].clone(), again.next().await.unwrap()["method"].clone()];
    told.sort_by_key(Value::to_string);
    assert_eq!(told, ["notifications/prompts/list_changed", "notifications/tools/list_changed"]);
}

#[tokio::test]
async fn the_end_of_the_server_ends_what_get_opened() {
    let server = Server::start(Echo::new()).await;
    let client = Client::begin(&server, NEWEST, None).await;
    let mut events = Events::open(&server, &client.get(None)).await;
    events.event().await.unwrap();
    server.front.close();
    assert_eq!(events.next().await, None);
}

/// Without it, sixteen clients that came and went would shut out the seventeenth for a minute.
#[tokio::test]
async fn mc_40_a_stream_whose_client_has_left_makes_room_for_one_whose_client_is_there() {
    let server = Server::with(Echo::new(), |config| config.listening.per_principal = 2).await;
    let subscribe = |client: &Client| client.sign(Sent::legacy("resources/subscribe", &json!({ "uri": "docs://a" })));
    let (one, two) = (Client::begin(&server, NEWEST, None).await, Client::begin(&server, NEWEST, None).await);
    let (left, _stays) = (Events::open(&server, &one.get(None)).await, Events::open(&server, &two.get(None)).await);
    let three = Client::begin(&server, NEWEST, None).await;
    server.refuses(&three.get(None), 503, 50305, RefusalRule::Message).await;
    server.refuses(&subscribe(&three), 503, 50305, RefusalRule::Message).await;
    drop(left);
    let came = async {
        // When the host sees that a client has gone is not for the client to know.
        while status(&server, &three.get(None)).await != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), came).await.expect("one has made room");
    server.result(&subscribe(&three)).await;
    // Now it is the third one that has left.
    let four = Client::begin(&server, NEWEST, None).await;
    let came = async {
        while server.send(&subscribe(&four)).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), came).await.expect("one has made room");
    server.result(&subscribe(&two)).await;
}
