//! A publisher and an approver are two people, however they ask.

use std::{io::Write as _, net::TcpStream, time::Duration};

use serde_json::{Value, json};

use crate::house::{Answer, House};

#[test]
fn au_07_one_publishes_and_another_approves() {
    let house = House::new();
    let (ann, bob) = (house.of("ann", &["publishers"]), house.of("bob", &["approvers"]));
    let published = house.post(&ann, "/v1/releases", &house.release("1.0.0"));
    assert_eq!((published.status, &published.body["new"]), (201, &json!(true)), "{published:?}");
    assert_eq!(published.body["release"]["published_by"], house.name("ann"));
    assert_eq!(published.body["release"]["state"], "pending");
    // The same once more changes nothing.
    let again = house.post(&ann, "/v1/releases", &house.release("1.0.0"));
    assert_eq!((again.status, &again.body["new"]), (200, &json!(false)), "{again:?}");

    let approved = house.post(&bob, "/v1/releases/two@1.0.0/approve", &json!({ "without_sign_in": [] }));
    assert_eq!((approved.status, &approved.body["release"]), (200, &json!("two@1.0.0")), "{approved:?}");
    let listed = house.listed("1.0.0");
    assert_eq!((&listed["state"], &listed["approved_by"]), (&json!("served"), &json!(house.name("bob"))));
    assert_eq!(listed["four_eyes"], true);

    let fingerprint = approved.body["fingerprint"].as_str().unwrap().to_owned();
    let withdrawn = house.post(&bob, &format!("/v1/releases/{fingerprint}/withdraw"), &json!({}));
    assert_eq!(withdrawn.status, 200, "{withdrawn:?}");
    assert_eq!(house.listed("1.0.0")["state"], "retired");

    let records = house.audit();
    for (class, by) in [("publish", "ann"), ("approve", "bob"), ("withdraw", "bob")] {
        let name = house.name(by);
        assert!(records.iter().any(|row| row["class"] == class && row["principal"] == name), "{class}: {records:#?}");
    }
}

#[test]
fn au_07_nobody_approves_what_they_published_whatever_roles_they_hold_and_however_often_they_ask() {
    let house = House::new();
    let (ann, bob) = (house.of("ann", &["everything"]), house.of("bob", &["approvers"]));
    assert_eq!(house.post(&ann, "/v1/releases", &house.release("1.0.0")).status, 201);
    let path = "/v1/releases/two@1.0.0/approve";
    let alone = house.post(&ann, path, &json!({}));
    assert_eq!((alone.status, alone.code()), (409, "refused"), "{alone:?}");
    assert!(alone.message().contains("four eyes"), "{alone:?}");

    // Another token of the same person is the same person; and all of it at once, with somebody who may.
    let others: Vec<String> = (0..8).map(|_| house.of("ann", &["approvers"])).collect();
    let answers: Vec<(bool, Answer)> = std::thread::scope(|scope| {
        let anns = others.iter().map(|token| scope.spawn(|| (false, house.post(token, path, &json!({})))));
        let mut all: Vec<_> = anns.collect();
        all.insert(4, scope.spawn(|| (true, house.post(&bob, path, &json!({})))));
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (may, answer) in &answers {
        assert_eq!(answer.status, if *may { 200 } else { 409 }, "{answer:?}");
    }
    let listed = house.listed("1.0.0");
    assert_eq!((&listed["state"], &listed["approved_by"]), (&json!("served"), &json!(house.name("bob"))));

    // Nothing that a request says makes somebody else of them.
    for body in [
        json!({ "by": "uid:0" }),
        json!({ "published_by": house.name("bob") }),
        json!({ "approve": true, "subject": "bob" }),
    ] {
        let answer = house.post(&ann, path, &body);
        assert_eq!((answer.status, answer.code()), (400, "json"), "{answer:?}");
    }
    let mut release = house.release("1.0.1");
    release["approve"] = Value::Bool(true);
    let answer = house.post(&ann, "/v1/releases", &release);
    assert_eq!((answer.status, answer.code()), (400, "json"), "{answer:?}");
}

/// A request whose body ends when it is told to.
fn begun(house: &House, token: &str, path: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(&house.admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n",
        house.admin
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn au_07_au_25_who_is_shut_out_while_their_request_is_on_its_way_does_nothing() {
    let house = House::new();
    let (ann, otto) = (house.of("ann", &["publishers"]), house.of("otto", &["operators"]));
    let release = house.release("1.0.0").to_string();
    let mut upload = begun(&house, &ann, "/v1/releases", release.len());
    let (first, second) = release.as_bytes().split_at(release.len() / 2);
    upload.write_all(first).unwrap();
    let entry = json!({ "kind": "subject", "issuer": house.issuer(), "value": "ann" });
    let denied = house.post(&otto, "/v1/denied", &entry);
    assert_eq!(denied.status, 200, "{denied:?}");
    upload.write_all(second).unwrap();
    let answer = Answer::read(&mut upload);
    assert_eq!((answer.status, answer.code()), (401, "denied"), "{answer:?}");
    let listed = house.get(&otto, "/v1/releases");
    assert_eq!(listed.body["releases"], json!([]), "{listed:?}");

    let list = house.get(&otto, "/v1/denied");
    assert_eq!(list.body["entries"][0]["value"], "ann", "{list:?}");
    assert_eq!(list.body["entries"][0]["by"], house.name("otto"), "{list:?}");
    let allowed = house.post(&otto, "/v1/denied/allow", &entry);
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(house.post(&ann, "/v1/releases", &house.release("1.0.0")).status, 201);
}
