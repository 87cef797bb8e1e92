//! `subscriptions/listen`, and the subscriptions of legacy sessions.

use std::time::Duration;

use RefusalRule as Rule;
use portcullis_backend::ListKind;

use super::{
    asking::{Client, Events},
    *,
};
use crate::testing::{assert_valid, within_a_second};

const REVISION: &str = "2026-07-28";
const ALL: [&str; 3] = ["toolsListChanged", "promptsListChanged", "resourcesListChanged"];

fn listen(id: impl Into<Value>, filter: Value) -> Sent {
    let sent = Sent::modern("subscriptions/listen", json!({ "notifications": filter }));
    sent.edit(|message| message["id"] = id.into())
}

/// A stream that is open.
struct Stream {
    events: Events,
    id: Value,
}

impl Stream {
    /// Opens it, and takes what it is granted.
    async fn open(server: &Server, sent: &Sent) -> (Self, Value) {
        let message: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_valid(REVISION, "SubscriptionsListenRequest", &message);
        let mut stream = Self { events: Events::open(server, sent).await, id: message["id"].clone() };
        let first = stream.next("SubscriptionsAcknowledgedNotification").await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        (stream, first["params"]["notifications"].clone())
    }

    async fn of(server: &Server, id: impl Into<Value>, filter: Value) -> Self {
        let (stream, granted) = Self::open(server, &listen(id, filter.clone())).await;
        assert_eq!(granted, filter);
        stream
    }

    async fn next(&mut self, definition: &str) -> Value {
        let message = self.events.next().await.expect("the stream goes on");
        assert_valid(REVISION, definition, &message);
        assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], self.id, "{message}");
        message
    }

    async fn tools(&mut self) {
        let message = self.next("ToolListChangedNotification").await;
        assert_eq!(message["method"], "notifications/tools/list_changed");
    }

    async fn prompts(&mut self) {
        let message = self.next("PromptListChangedNotification").await;
        assert_eq!(message["method"], "notifications/prompts/list_changed");
    }

    async fn resources(&mut self) {
        let message = self.next("ResourceListChangedNotification").await;
        assert_eq!(message["method"], "notifications/resources/list_changed");
    }

    async fn updated(&mut self, uri: &str) {
        let message = self.next("ResourceUpdatedNotification").await;
        assert_eq!(
            (&message["method"], &message["params"]["uri"]),
            (&json!("notifications/resources/updated"), &json!(uri))
        );
    }

    /// The error with which it ends.
    async fn error(mut self, code: i64) {
        let error = self.events.next().await.expect("an error before the end");
        assert_valid(REVISION, "JSONRPCErrorResponse", &error);
        assert_eq!((&error["id"], &error["error"]["code"]), (&self.id, &json!(code)), "{error}");
        assert_eq!(self.events.next().await, None);
    }
}

#[tokio::test]
async fn a_stream_says_first_what_it_is_granted_of_what_was_asked() {
    let server = Server::start(Echo::new()).await;
    for (asked, granted) in [
        (json!({}), json!({})),
        (json!({ "toolsListChanged": true, "promptsListChanged": false }), json!({ "toolsListChanged": true })),
        (json!({ "resourcesListChanged": true, "sunsetsChanged": true }), json!({ "resourcesListChanged": true })),
        (json!({ "resourceSubscriptions": [] }), json!({})),
        (
            json!({ "resourceSubscriptions": ["docs://b", "docs://a\r\ndata: x", "docs://b"] }),
            json!({ "resourceSubscriptions": ["docs://a\r\ndata: x", "docs://b"] }),
        ),
    ] {
        for id in [json!(7), json!("l\n"), json!(0)] {
            assert_eq!(Stream::open(&server, &listen(id, asked.clone())).await.1, granted);
        }
    }
    assert!(server.backend.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_list_has_changed_when_it_really_has_and_only_who_asked_is_told() {
    let server = Server::start(Echo::new()).await;
    let backend = &server.backend;
    let mut tools = Stream::of(&server, 1, json!({ "toolsListChanged": true })).await;
    let mut prompts = Stream::of(&server, 2, json!({ "promptsListChanged": true })).await;
    let mut resources = Stream::of(&server, 3, json!({ "resourcesListChanged": true })).await;
    // The same once more, made anew.
    backend.publish();
    backend.lists(ListKind::Prompts, &["greeting"]);
    backend.publish();
    prompts.prompts().await;
    backend.lists(ListKind::Tools, &["echo", "slow", "trimmed"]);
    backend.publish();
    tools.tools().await;
    backend.lists(ListKind::Templates, &["docs://{path}"]);
    backend.publish();
    resources.resources().await;
    backend.lists(ListKind::Resources, &["docs://a", "docs://c"]);
    backend.publish();
    resources.resources().await;
    // Everything at once: one message of each kind, and only on its own stream.
    backend.lists(ListKind::Tools, &["echo"]);
    backend.lists(ListKind::Prompts, &[]);
    backend.lists(ListKind::Resources, &[]);
    backend.lists(ListKind::Templates, &[]);
    backend.publish();
    tools.tools().await;
    prompts.prompts().await;
    resources.resources().await;
    server_closes(&server, [tools, prompts, resources]).await;
}

/// Nothing more was to be told on these streams: they end with their results.
async fn server_closes(server: &Server, streams: impl IntoIterator<Item = Stream>) {
    server.front.close();
    for mut stream in streams {
        let last = stream.events.next().await.expect("a result");
        assert_eq!(last["id"], stream.id, "{last}");
        assert_valid(REVISION, "SubscriptionsListenResult", &last["result"]);
        let meta = &last["result"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/subscriptionId"], stream.id);
        assert_eq!(meta["io.modelcontextprotocol/serverInfo"]["name"], "portcullis");
        assert_eq!(last["result"]["resultType"], "complete");
        assert_eq!(stream.events.next().await, None);
    }
}

#[tokio::test]
async fn au_06_a_principal_is_told_of_its_own_list_alone() {
    let echo = Echo::new().with_principal("a", "ann").with_principal("b", "bob");
    let server = Server::start(echo).await;
    let backend = &server.backend;
    let open = async |bearer: &str| {
        let sent = listen(bearer, json!({ "toolsListChanged": true, "resourceSubscriptions": ["docs://a"] }));
        Stream::open(&server, &sent.with("Authorization", &format!("Bearer {bearer}"))).await.0
    };
    let (mut ann, mut bob) = (open("a").await, open("b").await);
    backend.lists_for("bob", ListKind::Tools, &["echo"]);
    backend.publish();
    bob.tools().await;
    backend.touch("docs://a", Some("bob"));
    bob.updated("docs://a").await;
    backend.lists_for("bob", ListKind::Resources, &[]);
    backend.publish();
    bob.updated("docs://a").await;
    // What everybody but bob sees: he has lists of his own by now.
    backend.lists(ListKind::Tools, &["slow"]);
    backend.publish();
    ann.tools().await;
    backend.touch("docs://a", None);
    ann.updated("docs://a").await;
    bob.updated("docs://a").await;
    server_closes(&server, [ann, bob]).await;
}

#[tokio::test]
async fn a_resource_is_updated_when_it_is_touched_comes_goes_or_becomes_another_one() {
    let server = Server::start(Echo::new()).await;
    let backend = &server.backend;
    let filter = json!({ "resourceSubscriptions": ["docs://a", "docs://c", "docs://x/1"] });
    let mut stream = Stream::of(&server, "u", filter).await;
    backend.touch("docs://b", None);
    backend.touch("docs://x/1", None);
    stream.updated("docs://x/1").await;
    backend.lists(ListKind::Resources, &["docs://a", "docs://b", "docs://c"]);
    backend.publish();
    stream.updated("docs://c").await;
    backend.lists(ListKind::Resources, &["docs://c"]);
    backend.publish();
    stream.updated("docs://a").await;
    backend.lists_as(ListKind::Resources, ListKind::Prompts);
    backend.publish();
    stream.updated("docs://c").await;
    server_closes(&server, [stream]).await;
}

#[tokio::test]
async fn a_stream_that_fell_behind_is_told_everything_once() {
    let server = Server::start(Echo::new()).await;
    let backend = &server.backend;
    let filter = json!({ "toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["docs://a", "docs://b"] });
    let mut stream = Stream::of(&server, "u", filter).await;
    backend.lists(ListKind::Prompts, &[]);
    // More than the channel holds, before anybody else runs.
    for _ in 0..100 {
        backend.touch("docs://z", None);
    }
    stream.prompts().await;
    stream.updated("docs://a").await;
    stream.updated("docs://b").await;
    for _ in 0..10 {
        backend.touch("docs://b", None);
    }
    stream.updated("docs://b").await;
    server_closes(&server, [stream]).await;
}

#[tokio::test]
async fn what_changes_is_told_within_a_second_beside_calls_that_run() {
    let server = Server::start(Echo::new()).await;
    let mut stream = Stream::of(&server, "u", json!({ "toolsListChanged": true })).await;
    let mut call = TcpStream::connect(server.address).await.unwrap();
    call.write_all(&Sent::call("slow", json!({})).bytes(server.address)).await.unwrap();
    assert!(within_a_second(|| server.backend.began.load(std::sync::atomic::Ordering::SeqCst) == 1).await);
    server.backend.lists(ListKind::Tools, &[]);
    server.backend.publish();
    tokio::time::timeout(Duration::from_secs(1), stream.tools()).await.unwrap();
    assert_eq!(server.send(&Sent::call("echo", json!({}))).await.status, 200);
}

/// Fails without `Hub::enter`, and the place that a dropped stream frees.
#[tokio::test]
async fn mc_40_streams_are_bounded_for_each_principal_and_in_all() {
    let echo = Echo::new().with_principal("a", "ann").with_principal("b", "bob").with_principal("c", "cleo");
    let server = Server::with(echo, |config| (config.listening.per_principal, config.listening.in_all) = (2, 3)).await;
    let by = |bearer: &str, id: u64| listen(id, json!({})).with("Authorization", &format!("Bearer {bearer}"));
    let first = Stream::open(&server, &by("a", 1)).await.0;
    let _second = Stream::open(&server, &by("a", 2)).await.0;
    let answer = server.refuses(&by("a", 3), 503, 50305, Rule::Message).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("2 streams of this principal"), "{answer}");
    let third = Stream::open(&server, &by("b", 4)).await.0;
    let answer = server.refuses(&by("c", 5), 503, 50305, Rule::Message).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("3 streams of all"), "{answer}");
    // Who goes away leaves its place, whether or not anything is to be told.
    drop((first, third));
    for sent in [by("a", 6), by("c", 7)] {
        let mut free = false;
        for _ in 0..100 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(&sent.bytes(server.address)).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            free = answer == *b"HTTP/1.1 200";
            if free {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(free);
    }
}

/// Fails without `wanted` in `methods/listen.rs`, and the bounds of `Uris`.
#[tokio::test]
async fn mc_09_a_filter_of_another_form_and_too_many_resources_are_refused() {
    let server = Server::with(Echo::new(), |config| config.listening.uris = 3).await;
    let uris = |many: usize| (0..many).map(|nth| format!("docs://{nth}")).collect::<Vec<_>>();
    for filter in [
        json!([]),
        json!(null),
        json!("toolsListChanged"),
        json!({ "toolsListChanged": 1 }),
        json!({ "promptsListChanged": null }),
        json!({ "resourcesListChanged": "true" }),
        json!({ "resourceSubscriptions": "docs://a" }),
        json!({ "resourceSubscriptions": null }),
        json!({ "resourceSubscriptions": ["docs://a", 1] }),
        json!({ "resourceSubscriptions": [["docs://a"]] }),
        json!({ "resourceSubscriptions": uris(4) }),
        json!({ "resourceSubscriptions": ["d".repeat(1025)] }),
    ] {
        server.refuses(&listen(1, filter), 200, -32602, Rule::Params).await;
    }
    server.refuses(&Sent::modern("subscriptions/listen", json!({})), 200, -32602, Rule::Params).await;
    Stream::open(&server, &listen(1, json!({ "resourceSubscriptions": uris(3) }))).await;
    Stream::open(&server, &listen(1, json!({ "resourceSubscriptions": ["d".repeat(1024)] }))).await;
    for accept in ["application/json", "*/*;q=0, application/json"] {
        server.refuses(&listen(1, json!({})).set("Accept", accept), 406, 40600, Rule::Accept).await;
    }
    server.refuses(&listen(1, json!({})).without("Accept"), 406, 40600, Rule::Accept).await;
    // Without an id it is a notification, which nothing comes of.
    let noted = listen(1, json!({})).edit(|message| drop(message.as_object_mut().unwrap().remove("id")));
    assert_eq!(server.send(&noted).await.status, 202);
}

#[tokio::test]
async fn au_25_a_stream_ends_when_its_bearer_proves_nobody_any_more_or_somebody_else() {
    let echo = Echo::new().with_principal("a", "ann").with_principal("b", "bob").with_principal("c", "cleo");
    let often = |config: &mut HttpConfig| config.listening.proof = Duration::from_millis(50);
    let server = Server::with(echo, often).await;
    let all: Value =
        ALL.iter().map(|name| ((*name).to_owned(), Value::Bool(true))).collect::<serde_json::Map<_, _>>().into();
    let open = async |bearer: &str| {
        let sent = listen(bearer, all.clone()).with("Authorization", &format!("Bearer {bearer}"));
        Stream::open(&server, &sent).await.0
    };
    let (ann, bob, mut cleo) = (open("a").await, open("b").await, open("c").await);
    let sources = server.backend.sources.lock().unwrap().len();
    server.backend.revoke("a");
    server.backend.hand_over("b", "mallory");
    ann.error(40101).await;
    bob.error(40101).await;
    // The others go on, and are proven again and again, as coming from where they came from.
    assert!(within_a_second(|| server.backend.sources.lock().unwrap().len() > sources + 10).await);
    assert!(server.backend.sources.lock().unwrap().iter().all(|source| source.is_some_and(|it| it.is_loopback())));
    server.backend.lists(ListKind::Tools, &[]);
    server.backend.publish();
    cleo.tools().await;
}

#[tokio::test]
async fn a_stream_on_which_nothing_happens_says_that_it_is_alive() {
    let often = |config: &mut HttpConfig| config.listening.keep_alive = Duration::from_millis(20);
    let server = Server::with(Echo::new(), often).await;
    let mut stream = Stream::of(&server, 1, json!({ "toolsListChanged": true })).await;
    for _ in 0..3 {
        assert!(stream.events.event().await.unwrap().starts_with(':'));
    }
    server.backend.lists(ListKind::Tools, &[]);
    server.backend.publish();
    stream.tools().await;
}

#[tokio::test]
async fn a_stream_that_is_opened_when_the_server_ends_ends_at_once() {
    let server = Server::start(Echo::new()).await;
    server.front.close();
    let stream = Stream::of(&server, 1, json!({ "toolsListChanged": true })).await;
    server_closes(&server, [stream]).await;
}

#[tokio::test]
async fn a_legacy_session_subscribes_and_who_has_none_can_t() {
    let bounds = |config: &mut HttpConfig| (config.listening.uris, config.listening.per_principal) = (2, 2);
    let server = Server::with(Echo::new(), bounds).await;
    let legacy = |method: &str, uri: Value| Sent::legacy(&format!("resources/{method}"), &json!({ "uri": uri }));
    let client = Client::begin(&server, "2025-11-25", None).await;
    for method in ["subscribe", "subscribe", "unsubscribe", "unsubscribe"] {
        let result = server.result(&client.sign(legacy(method, json!("docs://a")))).await;
        assert_valid("2025-11-25", "EmptyResult", &result);
        assert_eq!(result, json!({}));
        server.refuses(&legacy(method, json!("docs://a")), 200, -32601, Rule::UnknownMethod).await;
        let foreign = legacy(method, json!("docs://a")).with("Mcp-Session-Id", "another");
        server.refuses(&foreign, 200, -32601, Rule::UnknownMethod).await;
        for wrong in [json!(1), json!(null), json!(["docs://a"])] {
            server.refuses(&client.sign(legacy(method, wrong)), 200, -32602, Rule::Params).await;
        }
    }
    for uri in ["docs://1", "docs://2", "docs://2"] {
        server.result(&client.sign(legacy("subscribe", json!(uri)))).await;
    }
    for uri in ["docs://3", &"d".repeat(1025)] {
        server.refuses(&client.sign(legacy("subscribe", json!(uri))), 200, -32602, Rule::Params).await;
    }
    server.result(&client.sign(legacy("unsubscribe", json!("docs://1")))).await;
    server.result(&client.sign(legacy("subscribe", json!("docs://3")))).await;
    // A client that shakes hands again and again keeps its newest sessions, and none grows without an end.
    for _ in 0..5 {
        let again = Client::begin(&server, "2025-11-25", None).await;
        server.result(&again.sign(legacy("subscribe", json!("docs://1")))).await;
    }
}
