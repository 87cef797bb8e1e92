//! One change after the other, and two uploads at once: who waits, who is told to come back, and who has gone meanwhile.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    thread::sleep,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::house::{Answer, House};

/// A request that has its place: its sender was proven, may do it, and the host has begun to wait for its body.
struct Begun(TcpStream);

impl Begun {
    fn post(house: &House, token: &str, path: &str, length: usize) -> Self {
        let mut stream = TcpStream::connect(&house.admin).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n",
            house.admin
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Said when the body is asked for: after everything that comes before it.
        let mut said = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n", "{}", String::from_utf8_lossy(&said));
        Self(stream)
    }

    fn body(&mut self, body: &Value) {
        self.0.write_all(body.to_string().as_bytes()).unwrap();
    }

    fn answer(mut self) -> Answer {
        Answer::read(&mut self.0)
    }

    fn hang_up(self) {
        self.0.shutdown(Shutdown::Both).unwrap();
    }
}

/// A release that is compiled for seconds.
fn long_release(house: &House, version: &str) -> Value {
    let work = "local.get 0 i64.const 7 i64.mul local.get 0 i64.xor local.set 0 ".repeat(60);
    let function = format!("(func (param i64) (result i64) {work} local.get 0)");
    let module = format!("(core module {})", function.repeat(15_000));
    let text = include_str!("../people/guest.wat");
    let (start, end) = text.trim_end().rsplit_once(')').unwrap();
    let component = wat::parse_str(format!("{start}{module}){end}")).unwrap();
    let mut release = house.release(version);
    release["component"] = json!(BASE64_STANDARD.encode(component));
    release
}

/// Whether a component is being compiled for this host.
fn compiles(house: &House) -> bool {
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    let is_of = |pid: u32| {
        let ancestors = std::iter::successors(parent(pid), |pid| parent(*pid));
        ancestors.take(10).any(|pid| pid == house.process())
    };
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| worker(&line))).any(is_of)
}

fn worker(line: &[u8]) -> bool {
    line.split(|byte| *byte == 0).any(|word| word == b"compile-worker")
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("never: {what}");
}

fn is_full(answer: &Answer) -> bool {
    if answer.status != 503 {
        return false;
    }
    assert_eq!((answer.code(), answer.header("retry-after")), ("body-size", Some("5")), "{answer:?}");
    true
}

/// Fails if a seat is not held while its body comes, or is not given back by who goes away without having asked for anything.
#[test]
fn st_20_two_releases_are_uploaded_at_once_and_who_hangs_up_gives_the_seat_back() {
    let house = House::new();
    let ann = house.of("ann", &["publishers"]);
    let release = house.release("1.0.0");
    for _ in 0..2 {
        let begun: Vec<Begun> = (0..2).map(|_| Begun::post(&house, &ann, "/v1/releases", 1 << 20)).collect();
        let third = house.post(&ann, "/v1/releases", &release);
        assert!(is_full(&third), "{third:?}");
        // Everything else goes on.
        assert_eq!(house.get(&ann, "/v1/releases").status, 200);
        begun.into_iter().for_each(Begun::hang_up);
        let mut last = None;
        until("the seats are free", || {
            let answer = house.post(&ann, "/v1/releases", &release);
            let full = is_full(&answer);
            last = Some(answer);
            !full
        });
        let last = last.unwrap();
        assert!([200, 201].contains(&last.status), "{last:?}");
    }
    assert!(house.audit().iter().any(|row| row["class"] == "body-size"));
}

/// Fails if who goes away takes what they asked for with them, or if the memory of it counts as free before it is done.
#[test]
fn st_20_an_upload_holds_its_seat_until_it_is_done_whoever_waits_for_it() {
    let house = House::new();
    let ann = house.of("ann", &["publishers"]);
    let long = long_release(&house, "2.0.0");
    let mut first = Begun::post(&house, &ann, "/v1/releases", long.to_string().len());
    first.body(&long);
    until("it is compiled", || compiles(&house));
    first.hang_up();
    let second = Begun::post(&house, &ann, "/v1/releases", 1 << 20);
    let third = house.post(&ann, "/v1/releases", &house.release("1.0.0"));
    assert!(compiles(&house), "the first was done before anybody looked");
    assert!(is_full(&third), "{third:?}");
    second.hang_up();
    // It is done all the same, and then there is room again.
    until("the first is there", || {
        let listed = house.get(&ann, "/v1/releases");
        listed.body["releases"].as_array().unwrap().iter().any(|release| release["release"] == "two@2.0.0")
    });
    let after = house.post(&ann, "/v1/releases", &house.release("1.0.0"));
    assert_eq!(after.status, 201, "{after:?}");
}

/// Fails if who waits for their turn is not asked again who they are when it comes.
#[test]
fn au_07_au_25_an_approver_who_is_shut_out_while_their_approval_waits_approves_nothing() {
    let house = House::new();
    let (ann, bob) = (house.of("ann", &["publishers"]), house.of("bob", &["approvers"]));
    let otto = house.of("otto", &["operators"]);
    assert_eq!(house.post(&ann, "/v1/releases", &house.release("1.0.0")).status, 201);
    let long = long_release(&house, "2.0.0");
    let mut upload = Begun::post(&house, &ann, "/v1/releases", long.to_string().len());
    upload.body(&long);
    until("it is compiled", || compiles(&house));
    let body = json!({ "without_sign_in": [] });
    let mut approval = Begun::post(&house, &bob, "/v1/releases/two@1.0.0/approve", body.to_string().len());
    approval.body(&body);
    let entry = json!({ "kind": "subject", "issuer": house.issuer(), "value": "bob" });
    // Shutting out waits for nobody.
    assert_eq!(house.post(&otto, "/v1/denied", &entry).status, 200);
    assert!(compiles(&house), "the upload was done before anybody was shut out");
    let uploaded = upload.answer();
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    let approved = approval.answer();
    assert_eq!((approved.status, approved.code()), (401, "denied"), "{approved:?}");
    assert_eq!(house.listed("1.0.0")["state"], "pending");
    assert!(house.audit().iter().all(|row| row["class"] != "approve"));
}
