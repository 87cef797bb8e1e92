//! The provider's keys: they change, they can't be fetched for a while, and somebody tries to have them fetched all the time
//! (catalogue AU-22).

use std::time::{Duration, Instant};

use portcullis_tests::{Answer, Connection, Era, SignedIn, message};
use serde_json::json;

use super::{notes, refused, titles};

/// Unknown keys are looked for once in this time.
const INTERVAL: Duration = Duration::from_secs(30);

/// Asks until the answer is `status`: it has to be within the interval in which keys are looked for.
fn soon(host: &SignedIn, token: &str, status: u16) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = host.call(token, "notes_search", json!({}));
        if answer.status == status {
            return answer;
        }
        assert!(begun.elapsed() < INTERVAL + Duration::from_secs(10), "{} {}", answer.status, answer.text());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn au_22_new_keys_are_found_old_ones_hold_while_they_are_published_and_no_longer() {
    let host = notes();
    let old = host.token("alice", "notes:read");
    host.provider.rotate(true);
    let new = host.token("alice", "notes:read");
    for token in [&old, &new] {
        assert_eq!(titles(&host.call(token, "notes_search", json!({}))), [""; 0], "both keys are published");
    }
    // A key that is not published any more was given up for a reason. One that is new is found when it is asked for.
    host.provider.rotate(false);
    let newest = host.token("alice", "notes:read");
    assert_eq!(titles(&soon(&host, &newest, 200)), [""; 0]);
    for gone in [&old, &new] {
        refused(&host.call(gone, "notes_search", json!({})));
    }
}

#[test]
fn au_22_while_the_provider_is_down_known_keys_serve_and_unknown_ones_do_not() {
    let host = notes();
    let tokens = host.tokens("alice", "notes:read");
    let fresh = host.token("alice", "notes:read");
    assert_eq!(titles(&host.call(&tokens.access, "notes_search", json!({}))), [""; 0]);
    host.provider.rotate(false);
    let unknown = host.token("alice", "notes:read");
    host.provider.down();
    // A token that was seen, and one that was not.
    for token in [&tokens.access, &fresh] {
        assert_eq!(titles(&host.call(token, "notes_search", json!({}))), [""; 0]);
    }
    let answer = host.call(&unknown, "notes_search", json!({}));
    assert!([401, 503].contains(&answer.status), "{}", answer.text());
    // A host that never had the keys can't tell good from bad, and says so.
    let host = host.restarted();
    let answer = host.call(&unknown, "notes_search", json!({}));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{answer:?}");
    host.provider.up();
    assert_eq!(titles(&soon(&host, &unknown, 200)), [""; 0]);
}

/// Connections at once, and requests that wait on each.
const STORM: (usize, usize) = (500, 10);

#[test]
fn au_22_five_thousand_unknown_keys_at_once_are_looked_for_once() {
    let host = notes();
    let token = host.token("alice", "notes:read");
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0]);
    let before = host.provider.count("/jwks");
    let (connections, each) = STORM;
    let body = message(Era::Modern, 1, "tools/list", json!({})).to_string();
    let tokens: Vec<String> =
        (0..connections * each).map(|number| with_key(&token, &format!("unknown-{number}"))).collect();
    let begun = Instant::now();
    let mut open: Vec<Connection> = tokens
        .chunks(each)
        .map(|tokens| {
            let mut connection = host.served.connect();
            for token in tokens {
                let mut headers = Era::Modern.headers("tools/list", None);
                headers.push(format!("Authorization: Bearer {token}"));
                connection.request("POST", "/mcp", &headers, body.as_bytes()).expect("it listens");
            }
            connection
        })
        .collect();
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for connection in &mut open {
        for _ in 0..each {
            *statuses.entry(connection.answer().expect("each is answered").status).or_default() += 1;
        }
    }
    let intervals = begun.elapsed().as_secs() / INTERVAL.as_secs() + 1;
    let fetched = host.provider.count("/jwks") - before;
    assert!(fetched <= intervals, "{fetched} fetches in {:?}", begun.elapsed());
    assert_eq!(statuses, [(401, connections * each)].into(), "an unknown key is no fault of the host's");
    // Nobody who has a good token is held up by it.
    assert_eq!(titles(&host.call(&token, "notes_search", json!({}))), [""; 0]);
    let other = host.token("bob", "notes:read");
    assert_eq!(titles(&host.call(&other, "notes_search", json!({}))), [""; 0]);
}

/// The same token, which says of itself that another key signed it.
fn with_key(token: &str, key: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let (_, rest) = token.split_once('.').expect("a JWT has three parts");
    let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": key }).to_string();
    format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header))
}
