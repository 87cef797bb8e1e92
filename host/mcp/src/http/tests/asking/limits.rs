//! How many questions wait, and for how long.

use super::*;
use crate::testing::within_a_second;

fn with_principals() -> Echo {
    Echo::new().with_principal("a", "ann").with_principal("b", "bob").with_principal("c", "eve")
}

async fn bounded(per_principal: usize, in_all: usize) -> Server {
    Server::with(with_principals(), |config| {
        config.questions = QuestionLimits { per_principal, in_all, ..QuestionLimits::default() };
        config.streams.grace = Duration::ZERO;
    })
    .await
}

/// The status of an answer, whose end is not waited for.
async fn status(server: &Server, sent: &Sent) -> u16 {
    let mut stream = BufReader::new(TcpStream::connect(server.address).await.unwrap());
    stream.write_all(&sent.bytes(server.address)).await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Fails without the two numbers of `QuestionLimits`.
#[tokio::test]
async fn mc_09_questions_are_bounded_for_each_principal_and_in_all() {
    let server = bounded(2, 3).await;
    let ann = Client::begin(&server, "2025-11-25", Some("a")).await;
    let also_ann = Client::begin(&server, "2025-11-25", Some("a")).await;
    let bob = Client::begin(&server, "2025-11-25", Some("b")).await;
    let refused = async |client: &Client, questions: u64, words: &str| {
        let sent = client.call("asking", json!({ "questions": questions }));
        let answer = server.refuses(&sent, 503, 50303, RefusalRule::Message).await;
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{answer}");
        assert_eq!(answer["id"], 1);
    };
    refused(&ann, 3, "this principal may have 2 questions").await;
    let (first, asked) = ann.ask(&server, 1).await;
    let (_second, _) = ann.ask(&server, 1).await;
    refused(&also_ann, 1, "this principal may have 2 questions").await;
    let (_third, _) = bob.ask(&server, 1).await;
    let eve = Client::begin(&server, "2025-11-25", Some("c")).await;
    refused(&eve, 1, "all principals together may have 3 questions").await;
    // Calls that ask nothing go on, and an answered question makes room.
    assert_eq!(server.send(&ann.call("echo", json!({}))).await.status, 200);
    ann.answers(&server, &asked[0], json!({ "action": "cancel" })).await;
    first.response("2025-11-25").await;
    let (_fourth, _) = also_ann.ask(&server, 1).await;
}

#[tokio::test]
async fn a_client_that_goes_away_closes_its_questions() {
    let server = bounded(1, 1).await;
    let ann = Client::begin(&server, "2025-11-25", Some("a")).await;
    let bob = Client::begin(&server, "2025-11-25", Some("b")).await;
    let (events, asked) = ann.ask(&server, 1).await;
    drop(events);
    // Room for another principal's question: the first one is gone.
    let mut refused = 0;
    while status(&server, &bob.call("asking", json!({}))).await == 503 {
        refused += 1;
        assert!(refused < 200, "the question is still open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.backend.rules();
    let late = ann.answer(&asked[0], json!({ "action": "cancel" }));
    server.refuses(&late, 400, -32600, RefusalRule::Message).await;
}

#[tokio::test]
async fn a_question_that_nobody_answers_in_time_ends_its_call() {
    for revision in REVISIONS {
        let server = Server::with(Echo::new(), |config| config.questions.time = Duration::from_millis(50)).await;
        let client = Client::begin(&server, revision, None).await;
        let (mut events, asked) = client.ask(&server, 2).await;
        for question in &asked {
            let withdrawal = events.next().await.unwrap();
            assert_valid(revision, "CancelledNotification", &withdrawal);
            assert_eq!(withdrawal["params"]["requestId"], question["id"]);
        }
        let response = events.response(revision).await;
        assert_eq!(response["result"]["isError"], true);
        let text = response["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("nobody answered it within 50ms"), "{text}");
        let late = client.answer(&asked[0], json!({ "action": "cancel" }));
        server.refuses(&late, 400, -32600, RefusalRule::Message).await;
        assert_eq!(server.backend.requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_stream_that_waits_says_that_it_is_alive() {
    let server = Server::with(Echo::new(), |config| config.listening.keep_alive = Duration::from_millis(1)).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    let (mut events, asked) = client.ask(&server, 1).await;
    for _ in 0..3 {
        assert!(events.event().await.unwrap().starts_with(':'));
    }
    client.answers(&server, &asked[0], json!({ "action": "cancel" })).await;
    events.response("2025-11-25").await;
}

/// Fails without what is held of the budget going with the talk.
#[tokio::test]
async fn mc_09_a_call_that_waits_holds_its_share_of_the_budget_of_bodies() {
    let server = Server::with(Echo::new(), |config| {
        config.body_memory = 100_000;
        config.streams.grace = Duration::ZERO;
    })
    .await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    let long = |tool| client.call(tool, json!({ "pad": "p".repeat(80_000) }));
    let mut events = Events::open(&server, &long("asking")).await;
    events.question("2025-11-25").await;
    server.refuses(&long("echo"), 503, 50300, RefusalRule::BodySize).await;
    drop(events);
    let mut refused = 0;
    while server.send(&long("echo")).await.status == 503 {
        refused += 1;
        assert!(refused < 200, "the share is still held");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn wx_29_a_client_that_goes_away_after_its_answers_drops_the_call() {
    let server = Server::with(Echo::new(), |config| config.streams.grace = Duration::ZERO).await;
    let client = Client::begin(&server, "2025-11-25", None).await;
    let mut events = Events::open(&server, &client.call("asking", json!({ "then": "slow" }))).await;
    let question = events.question("2025-11-25").await;
    client.answers(&server, &question, json!({ "action": "cancel" })).await;
    let backend = Arc::clone(&server.backend);
    let began = || backend.began.load(std::sync::atomic::Ordering::SeqCst);
    assert!(within_a_second(|| began() == 1).await);
    drop(events);
    assert!(within_a_second(|| backend.dropped() == 1).await);
}
