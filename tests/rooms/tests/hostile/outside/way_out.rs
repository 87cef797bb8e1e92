//! Requests that are granted, seen where they arrive: as many as there should be, to where they should go, and no others.

use serde_json::json;

use super::{Siege, Vectors};

/// Fails if what a guest asks for differs from what is looked up or connected to; or if an attempt is not told to the audit.
#[test]
fn eg_02_22_34_what_is_granted_is_looked_up_and_tried_at_one_place_and_each_try_is_told() {
    let vectors = Vectors::read();
    let mut siege = Siege::lay();
    let (names, rows) = (siege.world.asked().len(), siege.egress().len());
    for batch in vectors.sent.chunks(64) {
        let attack = siege.attack("urls", json!({ "method": "GET", "urls": batch }), "ok");
        for (url, line) in batch.iter().zip(attack.answers()) {
            // Nobody listens at port 443 there.
            assert!(line.starts_with("unreachable: "), "{url:?}: {line}");
            assert!(!line.contains("127."), "where that is, is the operator's business: {line}");
        }
    }
    let asked = siege.world.asked().split_off(names);
    assert!(asked.iter().all(|name| name == "example.com"), "{asked:?}");
    assert_eq!(asked.len(), 2 * vectors.sent.len(), "each request asks once for each family");
    let told = siege.egress().split_off(rows);
    assert_eq!(told.len(), vectors.sent.len());
    let place = format!(" at {}:443", siege.world.address);
    for row in &told {
        let detail = row["detail"].as_str().expect("a detail is a text");
        assert!(detail.starts_with("GET https://example.com/a/") && detail.contains(&place), "{detail}");
        assert!(!detail.contains('?'), "a query is nobody's business: {detail}");
    }
    assert_eq!(siege.world.connections(), 0);
    siege.lift();
}

/// A text in the labels of a name reaches whoever runs the name server of its parent. Fails if a name is asked for that is not
/// granted. What is granted by a wildcard is one label below it, and each is told: that is what an admin approves.
#[test]
fn eg_05_no_name_is_asked_for_that_is_not_granted() {
    let mut siege = Siege::lay();
    let (names, rows) = (siege.world.asked().len(), siege.egress().len());
    let secret = "6e6f626f6479206d75737420726561642074686973";
    let parents =
        ["example.com", "www.example.com", "evil.test", "x.tenant.test", "crm.test", "tenant.test.evil.test", "test"];
    let attack = siege.attack("labels", json!({ "secret": secret, "parents": parents }), "ok");
    assert!(attack.answers().iter().all(|line| line.contains(" not-granted: ")), "{:?}", attack.answers());
    // In the label that a wildcard is for, it goes out: the name is asked for, and leads to where nobody may go.
    let attack = siege.attack("labels", json!({ "secret": secret, "parents": ["tenant.test:8443"] }), "ok");
    let [site, tenants] = attack.answers()[..] else { panic!("two capabilities") };
    assert!(site.contains(" not-granted: ") && tenants.contains(" refused: "), "{site} {tenants}");
    let asked = siege.world.asked().split_off(names);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|name| *name == format!("{secret}.tenant.test")), "{asked:?}");
    let told = siege.egress().split_off(rows);
    // What was refused is told as well, each once.
    assert_eq!(told.len(), 2 * parents.len() + 2, "{told:#?}");
    assert_eq!(told.iter().filter(|row| row["class"] == "refused").count(), told.len(), "{told:#?}");
    assert_eq!(siege.world.connections(), 0);
    siege.lift();
}

/// Fails if a redirect is followed without a decision of its own.
#[test]
fn eg_06_a_redirect_leads_only_to_what_is_granted() {
    let mut siege = Siege::lay();
    let paths = ["/redirect-away", "/redirect-clear", "/to-metadata", "/to-loopback", "/round"];
    let attack = siege.attack("seek_secret", json!({ "paths": paths, "hidden": [] }), "ok");
    for (path, line) in paths.iter().zip(&attack.answers()[1..]) {
        assert!(line.starts_with(&format!("{path} not-granted: ")), "{line}");
    }
    // `/round` is followed three times, as the manifest says.
    let heard = siege.world.heard();
    let expected =
        ["/redirect-away", "/redirect-clear", "/to-metadata", "/to-loopback", "/round", "/round", "/round", "/round"];
    let lines: Vec<&str> = heard.iter().filter_map(|request| request.lines().next()).collect();
    assert_eq!(lines, expected.map(|path| format!("GET {path} HTTP/1.1")));
    assert_eq!(siege.world.connections(), expected.len());
    assert!(
        siege.world.asked().iter().all(|name| name == "crm.test" || name == "example.com"),
        "{:?}",
        siege.world.asked()
    );
    siege.lift();
}

/// Fails without the count in `room`; what is counted is what a server sees.
#[test]
fn a_call_makes_as_many_requests_as_its_limit_says() {
    let mut siege = Siege::lay();
    for round in 1..=3 {
        let attack = siege.attack("requests_for_ever", json!({}), "ok");
        assert_eq!(attack.count(), 64, "{}", attack.text());
        assert_eq!(siege.world.connections(), 64 * round, "one connection for each");
        assert_eq!(siege.world.heard().len(), 64 * round);
    }
    siege.lift();
}
