//! Questions that one process of the host has put, and whose answers come to another.

use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::testing::within_a_second;

const NEWEST: &str = "2025-11-25";

fn both() -> Echo {
    Echo::new().with_principal("a", "ann").with_principal("a2", "ann").with_principal("b", "bob")
}

fn soon(config: &mut HttpConfig) {
    config.questions.poll = Duration::from_millis(5);
}

/// Two processes over one store.
async fn two(backend: Echo) -> [Server; 2] {
    let one = Server::with(backend, soon).await;
    let other = one.beside(soon).await;
    [one, other]
}

/// Fails without the store: when open questions are known to nobody but the process that has put them.
#[tokio::test]
async fn mc_11_what_one_process_asks_is_answered_at_another_and_the_other_way_round() {
    for revision in REVISIONS {
        let [one, other] = two(both()).await;
        for (here, there) in [(&one, &other), (&other, &one)] {
            let client = Client::begin(here, revision, Some("a")).await;
            let (events, asked) = client.ask(here, 2).await;
            // One answer to each process.
            client.answers(there, &asked[0], accept(json!({ "name": "Ann" }))).await;
            client.answers(here, &asked[1], json!({ "action": "decline" })).await;
            let told = json!({ "q0": { "name": "Ann" }, "q1": "declined" });
            assert_eq!(events.response(revision).await["result"]["structuredContent"], told);
            for server in [here, there] {
                for question in &asked {
                    let late = client.answer(question, json!({ "action": "cancel" }));
                    server.refuses(&late, 400, -32600, RefusalRule::Message).await;
                }
            }
            assert_eq!(one.backend.asked.many(), 0, "what a person has said is forgotten when it is taken");
        }
    }
}

/// Fails when an answer that is given to the process that has put the question waits for a look, or is written down.
#[tokio::test]
async fn an_answer_to_the_process_that_asked_is_taken_at_once_and_kept_nowhere() {
    let server = Server::with(Echo::new(), |config| config.questions.poll = Duration::from_secs(3600)).await;
    let client = Client::begin(&server, NEWEST, None).await;
    let (events, asked) = client.ask(&server, 2).await;
    assert_eq!(server.backend.asked.many(), 2);
    client.answers(&server, &asked[1], accept(json!({ "name": "Ann" }))).await;
    assert_eq!((server.backend.asked.many(), server.backend.asked.answered()), (1, 0));
    client.answers(&server, &asked[0], json!({ "action": "cancel" })).await;
    events.response(NEWEST).await;
    assert_eq!((server.backend.asked.many(), server.backend.asked.looks.load(SeqCst)), (0, 0));
}

/// Fails without the claim in the store: then an answer to each of two processes would be taken.
#[tokio::test]
async fn mc_11_the_first_answer_holds_wherever_the_second_one_comes() {
    // Nobody looks for what the other one takes, so that the answer is still there.
    let late = |config: &mut HttpConfig| config.questions.poll = Duration::from_secs(3600);
    let one = Server::with(both(), late).await;
    let other = one.beside(late).await;
    let client = Client::begin(&one, NEWEST, Some("a")).await;
    let (_events, asked) = client.ask(&one, 2).await;
    client.answers(&other, &asked[0], accept(json!({ "name": "first" }))).await;
    client.answers(&one, &asked[1], accept(json!({ "name": "first" }))).await;
    for question in &asked {
        for server in [&one, &other] {
            let second = client.answer(question, accept(json!({ "name": "second" })));
            server.refuses(&second, 400, -32600, RefusalRule::Message).await;
        }
    }
}

/// Fails without the comparison of the holder where the answer comes, or when the round is made with what the first token held.
#[tokio::test]
async fn au_08_another_process_takes_an_answer_from_nobody_else_and_the_call_goes_on_as_whoever_sent_it() {
    let [one, other] = two(both()).await;
    let ann = Client::begin(&one, NEWEST, Some("a")).await;
    let elsewhere = Client::begin(&one, NEWEST, Some("a")).await;
    let bob = Client::begin(&other, NEWEST, Some("b")).await;
    let (events, asked) = ann.ask(&one, 1).await;
    let stolen = Client { session: ann.session.clone(), ..bob.clone() };
    let without = Client { session: String::new(), ..ann.clone() };
    for stranger in [&bob, &stolen, &elsewhere, &without] {
        let sent = stranger.answer(&asked[0], accept(json!({ "name": "evil" })));
        other.refuses(&sent, 400, -32600, RefusalRule::Message).await;
    }
    let upper = json!({ "id": asked[0]["id"].as_str().unwrap().to_uppercase() });
    if upper["id"] != asked[0]["id"] {
        let sent = ann.answer(&upper, json!({ "action": "cancel" }));
        other.refuses(&sent, 400, -32600, RefusalRule::Message).await;
    }
    let renewed = Client { bearer: Some("a2"), ..ann };
    renewed.answers(&other, &asked[0], accept(json!({ "name": "Ann" }))).await;
    assert_eq!(events.response(NEWEST).await["result"]["structuredContent"], json!({ "q0": { "name": "Ann" } }));
    let requests = one.backend.requests.lock().unwrap();
    assert!(requests[0].principal.is_in_any(["a"]) && requests[1].principal.is_in_any(["a2"]));
    assert!(!requests[1].principal.is_in_any(["a"]), "what the token before held is gone");
}

/// Fails without the form being read before an answer is kept: the call would wait for it in vain, and whoever sent it would not know.
#[tokio::test]
async fn mc_09_another_process_refuses_an_answer_of_another_form_and_its_call_ends() {
    let [one, other] = two(Echo::new()).await;
    let client = Client::begin(&one, NEWEST, None).await;
    for wrong in [json!(5), json!({ "action": "yes" }), accept(json!({ "a": { "b": 1 } }))] {
        let (events, asked) = client.ask(&one, 1).await;
        let message = json!({ "jsonrpc": "2.0", "id": asked[0]["id"], "result": wrong });
        other.refuses(&client.sign(Sent::message(&message)), 400, -32602, RefusalRule::Params).await;
        assert_eq!(events.response(NEWEST).await["result"]["isError"], true, "{wrong}");
    }
    // That the client could not ask is told to the call too.
    let (events, asked) = client.ask(&one, 1).await;
    let error = json!({ "jsonrpc": "2.0", "id": asked[0]["id"], "error": { "code": -32601, "message": "no" } });
    assert_eq!(other.send(&client.sign(Sent::message(&error))).await.status, 202);
    let response = events.response(NEWEST).await;
    assert!(response["result"]["content"][0]["text"].as_str().unwrap().contains("did not ask it"), "{response}");
    assert_eq!(one.backend.asked.many(), 0);
}

/// Fails without the mark that another process leaves for the one that waits, or without its holder in it.
#[tokio::test]
async fn wx_29_a_call_that_waits_is_given_up_at_another_process_too_and_by_its_client_alone() {
    let [one, other] = two(both()).await;
    let ann = Client::begin(&one, NEWEST, Some("a")).await;
    let again = Client::begin(&one, NEWEST, Some("a")).await;
    let cancel = |client: &Client, id: i64| {
        let params = json!({ "requestId": id });
        client.sign(Sent::message(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })))
    };
    let (mut events, asked) = ann.ask(&one, 2).await;
    for sent in [cancel(&again, 1), cancel(&ann, 2)] {
        assert_eq!(other.send(&sent).await.status, 202);
    }
    ann.answers(&one, &asked[0], json!({ "action": "cancel" })).await;
    assert_eq!(other.send(&cancel(&ann, 1)).await.status, 202);
    assert_eq!(events.next().await, None);
    assert_eq!(one.backend.requests.lock().unwrap().len(), 1);
    assert!(within_a_second(|| one.backend.asked.many() == 0).await);
}

/// Fails without the numbers in the store: when each process counts its own.
#[tokio::test]
async fn mc_09_the_questions_of_all_processes_are_counted_together() {
    let few = |config: &mut HttpConfig| {
        config.questions.per_principal = 1;
        config.questions.in_all = 2;
    };
    let one = Server::with(both().with_principal("c", "eve"), few).await;
    let other = one.beside(few).await;
    let [ann, bob, eve] = ["a", "b", "c"].map(|bearer| Client::begin(&one, NEWEST, Some(bearer)));
    let (ann, bob, eve) = (ann.await, bob.await, eve.await);
    let (_first, _) = ann.ask(&one, 1).await;
    other.refuses(&ann.call("asking", json!({})), 503, 50303, RefusalRule::Message).await;
    let (_second, _) = bob.ask(&other, 1).await;
    one.refuses(&eve.call("asking", json!({})), 503, 50303, RefusalRule::Message).await;
}

/// Fails without the time of a question in the store: nobody would ever tell whoever answers that there is no call any more.
#[test]
fn mc_11_the_questions_of_a_process_that_died_are_refused_when_their_time_is_over() {
    let (dies, stays) = [(); 2].map(|()| tokio::runtime::Runtime::new().unwrap()).into();
    stays.block_on(async {
        let one = dies.spawn(Server::with(Echo::new(), soon)).await.unwrap();
        let other = one.beside(soon).await;
        let client = Client::begin(&one, NEWEST, None).await;
        let (_events, asked) = client.ask(&one, 2).await;
        dies.shutdown_background();
        assert_eq!(other.backend.asked.many(), 2);
        // Nobody knows that it is gone.
        client.answers(&other, &asked[0], accept(json!({ "name": "Ann" }))).await;
        assert_eq!(other.backend.asked.answered(), 1);
        other.backend.asked.expire();
        for question in &asked {
            let late = client.answer(question, json!({ "action": "cancel" }));
            let refused = other.refuses(&late, 400, -32600, RefusalRule::Message).await;
            assert!(refused["error"]["message"].as_str().unwrap().contains("its call has ended"), "{refused}");
        }
        assert_eq!(other.backend.asked.many(), 0);
    });
}

/// Fails when a question is put that no other process knows of, or an answer is taken that the first of two could not be told from.
#[tokio::test]
async fn where_the_store_can_t_keep_questions_nobody_is_asked_and_an_answer_may_be_sent_again() {
    let [one, other] = two(Echo::new()).await;
    let client = Client::begin(&one, NEWEST, None).await;
    let broken = |broken| one.backend.asked.broken.store(broken, SeqCst);
    broken(true);
    let got = one.send(&client.call("asking", json!({}))).await;
    assert_eq!((got.status, got.header("retry-after"), &got.json()["error"]["code"]), (503, Some("5"), &json!(50301)));
    broken(false);
    let (events, asked) = client.ask(&one, 1).await;
    broken(true);
    for server in [&one, &other] {
        let got = server.send(&client.answer(&asked[0], json!({ "action": "cancel" }))).await;
        assert_eq!((got.status, &got.json()["error"]["code"]), (503, &json!(50301)));
    }
    broken(false);
    client.answers(&other, &asked[0], json!({ "action": "cancel" })).await;
    events.response(NEWEST).await;
}
