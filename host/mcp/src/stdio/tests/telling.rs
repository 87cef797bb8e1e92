//! What a call says while it runs, as lines among everything else.

use super::*;
use crate::testing::assert_valid;

fn telling(id: impl Into<Value>, say: Value, meta: Value) -> String {
    let mut call = call(id, "telling");
    call["params"]["arguments"] = json!({ "say": say });
    if !meta.is_null() {
        call["params"]["_meta"] = meta;
    }
    call.to_string()
}

fn modern(token: Option<&str>, level: Option<&str>) -> Value {
    let mut meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    if let Some(token) = token {
        meta["progressToken"] = token.into();
    }
    if let Some(level) = level {
        meta["io.modelcontextprotocol/logLevel"] = level.into();
    }
    meta
}

#[tokio::test]
async fn calls_tell_what_was_asked_for_before_their_responses_and_others_go_on() {
    let mut client = Client::start(Echo::new());
    client.send(telling("a", json!([10, "said", null, 20]), modern(Some("a's"), Some("info")))).await;
    let told = client.next().await;
    assert_valid("2026-07-28", "ProgressNotification", &told);
    assert_eq!((&told["params"]["progressToken"], &told["params"]["progress"]), (&json!("a's"), &json!(10)));
    let told = client.next().await;
    assert_valid("2026-07-28", "LoggingMessageNotification", &told);
    // One that wants nothing is told nothing, and is not held up.
    client.send(telling("b", json!([10, "said"]), modern(None, None))).await;
    assert_eq!(client.next().await["id"], "b");
    client.backend.gate.add_permits(1);
    assert_eq!(client.next().await["params"]["progress"], 20);
    assert_eq!(client.next().await["id"], "a");
    assert_eq!(client.end().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_legacy_client_sets_the_level_for_its_stream() {
    let mut client = Client::start(Echo::new());
    let say = json!([["debug", "low"], "said", ["error", "loud"]]);
    let told = async |client: &mut Client, id: u64| {
        client.send(telling(id, say.clone(), Value::Null)).await;
        let mut told = Vec::new();
        loop {
            let message = client.next().await;
            if message["id"] == id {
                return told;
            }
            assert_valid("2025-11-25", "LoggingMessageNotification", &message);
            told.push(message["params"]["data"].as_str().unwrap().to_owned());
        }
    };
    assert_eq!(told(&mut client, 1).await, ["said", "loud"]);
    for (level, expected) in [("debug", vec!["low", "said", "loud"]), ("error", vec!["loud"]), ("alert", vec![])] {
        let set = json!({ "jsonrpc": "2.0", "id": "l", "method": "logging/setLevel", "params": { "level": level } });
        assert_eq!(client.ask(set).await["result"], json!({}));
        assert_eq!(told(&mut client, 2).await, expected);
    }
}

/// Fails without the bound of unsent answers, and of the messages of a call.
#[tokio::test]
async fn mc_40_a_client_that_does_not_read_holds_up_its_calls_and_not_the_host() {
    let mut client = Client::start(Echo::new());
    let long = "x".repeat(10_000);
    let mut say = vec![json!(long); 300];
    say.push(Value::Null);
    client.backend.gate.add_permits(1);
    client.send(telling(1, say.into(), Value::Null)).await;
    let began = || client.backend.began.load(std::sync::atomic::Ordering::SeqCst) == 1;
    assert!(within_a_second(began).await);
    // 3 MB are to be told. Of what nobody reads only so much is taken from the call, which does not come to its end.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(client.backend.gate.available_permits(), 1);
    let mut told = 0;
    loop {
        let message = client.next().await;
        if message["id"] == 1 {
            break;
        }
        told += 1;
    }
    assert_eq!(told, 300);
}
