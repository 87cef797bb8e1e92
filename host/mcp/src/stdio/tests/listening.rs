//! What changes, told among everything else on a stream: to modern clients that listen, and to legacy ones.

use portcullis_backend::ListKind;

use super::*;
use crate::testing::assert_valid;

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

fn modern(id: impl Into<Value>, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn listen(id: impl Into<Value>, filter: Value) -> Value {
    modern(id, "subscriptions/listen", json!({ "notifications": filter }))
}

impl Client {
    /// The next message, which belongs to the subscription `id`.
    async fn told(&mut self, id: impl Into<Value>, method: &str, definition: &str) -> Value {
        let message = self.next().await;
        assert_valid("2026-07-28", definition, &message);
        assert_eq!(message["method"], format!("notifications/{method}"), "{message}");
        assert_eq!(message["params"]["_meta"][SUBSCRIPTION], id.into(), "{message}");
        message
    }

    async fn listens(&mut self, id: impl Into<Value>, filter: Value) {
        let id = id.into();
        self.send(listen(id.clone(), filter.clone()).to_string()).await;
        let first = self.told(id, "subscriptions/acknowledged", "SubscriptionsAcknowledgedNotification").await;
        assert_eq!(first["params"]["notifications"], filter);
    }

    async fn shakes_hands(revision: &str) -> Self {
        let mut client = Self::start(Echo::new());
        let params =
            json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let answer = client.ask(json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })).await;
        assert_valid(revision, "InitializeResult", &answer["result"]);
        let capabilities = &answer["result"]["capabilities"];
        assert_eq!(capabilities["resources"], json!({ "subscribe": true, "listChanged": true }));
        assert_eq!(
            (&capabilities["tools"], &capabilities["prompts"]),
            (&json!({ "listChanged": true }), &json!({ "listChanged": true }))
        );
        client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        // It has been taken when the next one is answered.
        assert_eq!(client.ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await["id"], 1);
        client
    }
}

#[tokio::test]
async fn several_subscriptions_and_calls_share_a_stream_and_are_told_apart() {
    let mut client = Client::start(Echo::new());
    client.listens(1, json!({ "toolsListChanged": true })).await;
    client.listens("two", json!({ "resourcesListChanged": true, "resourceSubscriptions": ["docs://x"] })).await;
    client.backend.lists(ListKind::Tools, &["echo"]);
    client.backend.publish();
    client.told(1, "tools/list_changed", "ToolListChangedNotification").await;
    let answer = client.ask(modern(3, "tools/call", json!({ "name": "echo" }))).await;
    assert_eq!(answer["id"], 3);
    client.backend.touch("docs://x", None);
    let updated = client.told("two", "resources/updated", "ResourceUpdatedNotification").await;
    assert_eq!(updated["params"]["uri"], "docs://x");
    client.backend.lists(ListKind::Templates, &[]);
    client.backend.publish();
    client.told("two", "resources/list_changed", "ResourceListChangedNotification").await;
    // One ends without an answer, the other goes on.
    client.send(cancel("two")).await;
    let answer = client.ask(modern(4, "tools/list", json!({}))).await;
    assert_eq!(answer["id"], 4);
    client.backend.touch("docs://x", None);
    client.backend.lists(ListKind::Tools, &[]);
    client.backend.lists(ListKind::Resources, &[]);
    client.backend.publish();
    client.told(1, "tools/list_changed", "ToolListChangedNotification").await;
    // Its id is in use for as long as it listens; that of the other is free.
    assert_eq!(client.ask(listen(1, json!({}))).await["error"]["code"], -32600);
    client.listens("two", json!({ "promptsListChanged": true })).await;
    let mut rest: Vec<Value> = client.end().await.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    rest.sort_by_key(|message| message["id"].to_string());
    assert_eq!(rest.len(), 2, "{rest:?}");
    for (message, id) in rest.iter().zip([json!("two"), json!(1)]) {
        assert_valid("2026-07-28", "SubscriptionsListenResult", &message["result"]);
        assert_eq!((&message["id"], &message["result"]["_meta"][SUBSCRIPTION]), (&id, &id));
    }
}

#[tokio::test]
async fn the_end_of_the_stream_does_not_wait_for_who_listens() {
    let mut client = Client::start(Echo::new());
    client.listens(1, json!({})).await;
    let began = std::time::Instant::now();
    assert_eq!(client.end().await.len(), 1);
    assert!(began.elapsed() < GRACE / 2);
}

/// Fails without the places of `Hub::enter` for streams on stdio.
#[tokio::test]
async fn mc_40_one_stream_has_so_many_subscriptions_and_no_more() {
    let mut client = Client::start(Echo::new());
    for id in 0..16 {
        client.listens(id, json!({})).await;
    }
    assert_eq!(client.ask(listen(16, json!({}))).await["error"]["code"], 50305);
    assert_eq!(client.backend.rules(), [RefusalRule::Message]);
    client.send(cancel(7)).await;
    client.listens(17, json!({})).await;
    for filter in [json!(null), json!([]), json!({ "toolsListChanged": 1 })] {
        assert_eq!(client.ask(listen(18, filter)).await["error"]["code"], -32602);
    }
}

#[tokio::test]
async fn a_legacy_client_is_told_what_changes_and_of_what_it_subscribed_to() {
    for revision in ["2025-11-25", "2025-06-18"] {
        let mut client = Client::shakes_hands(revision).await;
        let resources = |id: u64, method: &str, uri: &str| json!({ "jsonrpc": "2.0", "id": id, "method": format!("resources/{method}"), "params": { "uri": uri } });
        client.backend.publish();
        client.backend.touch("docs://x", None);
        for (id, method, uri) in
            [(2, "subscribe", "docs://x"), (3, "subscribe", "docs://y"), (4, "unsubscribe", "docs://y")]
        {
            let answer = client.ask(resources(id, method, uri)).await;
            assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": id, "result": {} }));
        }
        client.backend.touch("docs://y", None);
        client.backend.touch("docs://x", None);
        let told = client.next().await;
        assert_valid(revision, "ResourceUpdatedNotification", &told);
        assert_eq!(
            told,
            json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": { "uri": "docs://x" } })
        );
        for (kind, method, definition) in [
            (ListKind::Tools, "notifications/tools/list_changed", "ToolListChangedNotification"),
            (ListKind::Prompts, "notifications/prompts/list_changed", "PromptListChangedNotification"),
            (ListKind::Resources, "notifications/resources/list_changed", "ResourceListChangedNotification"),
            (ListKind::Templates, "notifications/resources/list_changed", "ResourceListChangedNotification"),
        ] {
            client.backend.lists(kind, &[]);
            client.backend.publish();
            let told = client.next().await;
            assert_valid(revision, definition, &told);
            assert_eq!(told, json!({ "jsonrpc": "2.0", "method": method }));
        }
        assert_eq!(client.ask(json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" })).await["id"], 9);
        assert_eq!(client.end().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_client_that_did_not_shake_hands_is_told_nothing_it_did_not_ask_for() {
    let mut client = Client::start(Echo::new());
    assert_eq!(client.ask(modern(1, "server/discover", json!({}))).await["id"], 1);
    client.backend.lists(ListKind::Tools, &[]);
    client.backend.publish();
    assert_eq!(client.ask(modern(2, "tools/list", json!({}))).await["id"], 2);
    assert_eq!(client.end().await, Vec::<String>::new());
}

#[tokio::test]
async fn resources_prompts_and_completions_are_there_on_a_stream_in_both_eras() {
    let mut client = Client::start(Echo::new());
    let reference = json!({ "type": "ref/prompt", "name": "greeting" });
    for (method, params, member) in [
        ("resources/list", json!({}), "resources"),
        ("resources/templates/list", json!({}), "resourceTemplates"),
        ("prompts/list", json!({}), "prompts"),
        ("resources/read", json!({ "uri": "docs://a" }), "contents"),
        ("prompts/get", json!({ "name": "greeting" }), "messages"),
        ("completion/complete", json!({ "ref": reference, "argument": { "name": "a", "value": "b" } }), "completion"),
    ] {
        let legacy = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        for message in [modern(1, method, params.clone()), legacy] {
            let answer = client.ask(message).await;
            assert!(!answer["result"][member].is_null(), "{answer}");
        }
    }
}
