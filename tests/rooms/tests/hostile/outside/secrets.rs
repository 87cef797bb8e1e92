//! A secret that only the host holds, a server that gives it back in every way it knows, and a guest that looks for it in all
//! it can see; and its placeholder, where no secret goes.

use std::{fs, path::Path};

use portcullis_tests::Home;
use serde_json::{Value, json};

use super::{
    Siege,
    echo::{ECHOES, REFUSED, forms},
};

/// Where a placeholder must not be sent, and how the guest is told.
pub(super) const MISPLACED: [(&str, &str); 17] = [
    ("in the query", "bad-request: "),
    ("in the path", "bad-request: "),
    ("in the host", "not-granted: "),
    ("in the body", "bad-request: "),
    ("in another header", "bad-request: "),
    ("in another header's name", "bad-request: "),
    ("in the cookie", "bad-request: "),
    ("with another prefix", "bad-request: "),
    ("with nothing before it", "bad-request: "),
    ("with more behind it", "bad-request: "),
    ("next to itself", "bad-request: "),
    ("in two headers of the name", "bad-request: "),
    ("in the name's other spelling", "bad-request: "),
    ("to another origin", "bad-request: "),
    ("to another origin with its own capability", "not-granted: "),
    ("without TLS", "bad-request: "),
    ("to its origin without TLS", "not-granted: "),
];

/// What is sent and stands for nothing.
const WORTHLESS: [&str; 7] =
    ["in two halves", "cut short", "in hexadecimal", "escaped", "backwards", "in capitals", "guessed"];

/// As the guest expects it, which must not find its own arguments.
fn masked(form: &str) -> String {
    form.bytes().map(|byte| format!("{:02x}", byte ^ 0x5a)).collect()
}

fn stands_in(bytes: &[u8], token: &str) -> Option<String> {
    forms(token).into_iter().find(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()))
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("the data directory can be read") {
        let path = entry.expect("the data directory can be read").path();
        match path.is_dir() {
            true => files(&path, found),
            // A file of SQLite may go while it is looked for; a socket has no contents.
            false => found.extend(fs::read(&path).ok().map(|bytes| (path.display().to_string(), bytes))),
        }
    }
}

/// Nothing that the host keeps or says has it.
fn kept_nowhere(home: &Home, log: &str, token: &str) {
    let audit = home.must(["audit", "--json", "--limit", "10000"]);
    let mut places =
        vec![("the audit".to_owned(), audit.into_bytes()), ("the log".to_owned(), log.as_bytes().to_vec())];
    files(&home.data(), &mut places);
    assert!(places.len() > 3, "the data directory has files");
    for (place, bytes) in places {
        assert_eq!(stands_in(&bytes, token), None, "in {place}");
    }
}

/// Fails without any one part of `host/egress/src/scrub.rs`: the search in bodies, in values or in names of headers, any of the
/// forms, the withholding of cookies, reasons, hints and trailers; or if the value is put where the guest reads it.
#[test]
fn eg_07_08_a_guest_that_reads_all_its_memory_finds_no_secret_that_was_sent_for_it() {
    let mut siege = Siege::lay();
    let token = siege.world.token.clone();
    let hidden: Vec<String> = forms(&token).iter().map(|form| masked(form)).collect();

    // The search itself: it finds what is there, here the name of the origin in a request of its own.
    let known = json!({ "paths": ["/body"], "hidden": [masked("https://crm.test:8443/body")] });
    let found = siege.attack("seek_secret", known, "ok");
    assert!(!found.answers()[0].starts_with("found 0 "), "{:?}", found.answers());

    let paths = [&ECHOES[..], &REFUSED[..]].concat();
    let attack = siege.attack("seek_secret", json!({ "paths": paths, "hidden": hidden }), "ok");
    assert!(attack.answers()[0].starts_with("found 0 in "), "{:#?}", attack.answers());
    for (path, line) in paths.iter().zip(&attack.answers()[1..]) {
        let taken = line.starts_with(&format!("{path} answered "));
        assert_eq!(taken, ECHOES.contains(path), "{line}");
        assert_eq!(stands_in(line.as_bytes(), &token), None, "{line}");
    }
    // What was taken out has the placeholder in its place: the server did say it.
    for path in ["/body", "/json", "/base64", "/hex", "/chunks", "/header", "/error", "/many"] {
        let line =
            attack.answers().into_iter().find(|line| line.starts_with(&format!("{path} "))).expect("a line for each");
        assert!(line.contains("portcullis-placeholder-"), "{line}");
    }
    assert_eq!(stands_in(attack.result.to_string().as_bytes(), &token), None);

    // It was sent, each time, in its header and nowhere else.
    let heard = siege.world.heard();
    assert!(heard.len() >= 1 + ECHOES.len() + REFUSED.len(), "{} requests", heard.len());
    for request in &heard {
        assert_eq!(request.matches(&token).count(), 1, "{request}");
        assert!(request.contains(&format!("\r\nauthorization: Bearer {token}\r\n")), "{request}");
    }
    let (_, zoo) = siege.lift();
    kept_nowhere(&zoo.home, &zoo.served.log(), &token);
}

/// Fails without any one of the searches in `host/egress/src/slot.rs`, or without the alert.
#[test]
fn eg_08_a_placeholder_is_sent_nowhere_but_into_its_header_and_who_tries_raises_an_alert() {
    let mut siege = Siege::lay();
    let token = siege.world.token.clone();
    for (how, told) in MISPLACED {
        let attack = siege.attack("misuse", json!({ "how": how }), "ok");
        let [line] = attack.answers()[..] else { panic!("{:?}", attack.answers()) };
        assert!(line.starts_with(told), "{how}: {line}");
    }
    assert_eq!((siege.world.connections(), siege.world.heard()), (0, Vec::new()), "nobody heard anything");
    let log = siege.zoo.served.log();
    let alerts: Vec<&str> = log.lines().filter(|line| line.contains("secret-misplaced")).collect();
    // A grant refuses the others before anybody looks for placeholders; and a header that is there twice is simply refused.
    let decided = MISPLACED.iter().filter(|(how, told)| {
        told.starts_with("not-granted") || how.starts_with("in two headers") || how.starts_with("in the name's")
    });
    assert_eq!(alerts.len(), MISPLACED.len() - decided.count(), "{alerts:#?}");
    assert!(alerts.iter().all(|line| line.contains("outside_misuse")), "{alerts:#?}");

    for how in WORTHLESS {
        let attack = siege.attack("misuse", json!({ "how": how }), "ok");
        assert!(attack.answers()[0].starts_with("answered 200"), "{how}: {:?}", attack.answers());
    }
    let heard = siege.world.heard();
    assert_eq!(heard.len(), WORTHLESS.len());
    for request in &heard {
        let slot = format!("\r\nauthorization: Bearer {token}\r\n");
        assert!(request.contains(&slot), "the host puts the secret in, whatever the guest does: {request}");
        assert_eq!(stands_in(request.replace(&slot, "\r\n").as_bytes(), &token), None, "{request}");
    }
    let (_, zoo) = siege.lift();
    kept_nowhere(&zoo.home, &zoo.served.log(), &token);
}

/// Fails if authority is the component's: another of its tools holds the capability and may ask for its placeholder.
#[test]
fn wx_04_and_eg_08_a_tool_gets_no_placeholder_of_what_another_tool_holds() {
    let mut siege = Siege::lay();
    let attack = siege.attack("borrow_secret", json!({}), "ok");
    let [asked, sent] = attack.answers()[..] else { panic!("{:?}", attack.answers()) };
    assert!(asked.starts_with("refused: ") && sent.starts_with("not-granted: "), "{asked} {sent}");
    assert_eq!(siege.world.heard(), Vec::<String>::new());
    let rows: Vec<Value> = siege.egress();
    assert!(
        rows.iter().filter(|row| row["tool"] == "outside_borrow_secret").all(|row| row["class"] == "refused"),
        "{rows:?}"
    );
    siege.lift();
}
