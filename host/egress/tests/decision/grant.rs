use std::sync::Arc;

use portcullis_egress::{Admitted, NotAdmitted, Reach, admit};
use portcullis_manifest::http::{Boundary, HttpCapability, Method, SecretSlot};

use crate::{capability, destination};

fn get(grant: &Arc<HttpCapability>, url: &str) -> Result<Admitted, NotAdmitted> {
    admit(grant, &Reach::Granted, Method::Get, destination(url))
}

fn inside(patterns: &[&str]) -> Reach {
    Reach::Inside(Arc::new(Boundary::new(patterns.iter().map(|pattern| pattern.parse().unwrap()).collect())))
}

fn kind<T>(result: Result<T, NotAdmitted>) -> Result<T, &'static str> {
    result.map_err(|error| error.kind())
}

const EVERYTHING: [&str; 6] = ["GET /**", "HEAD /**", "POST /**", "PUT /**", "PATCH /**", "DELETE /**"];

#[test]
fn what_is_admitted_is_what_was_asked_for() {
    let grant = capability("https://example.com", &["GET /a/*"], 0);
    let admitted = get(&grant, "https://EXAMPLE.com.:443/a/b?c").unwrap();
    assert_eq!(admitted.method(), Method::Get);
    assert_eq!(admitted.destination(), &destination("https://example.com/a/b?c"));
    assert_eq!(admitted.destination().target(), "/a/b?c");
    assert_eq!(admitted.destination().query(), Some("c"));
    assert_eq!((admitted.hops(), admitted.origin_changed(), admitted.sends_body()), (0, false, true));
    assert_eq!((admitted.capability(), admitted.reach(), admitted.secret()), (&grant, &Reach::Granted, None));
}

/// Fails when the method is not compared.
#[test]
fn eg_26_a_method_that_is_not_listed_is_refused() {
    let grant = capability("https://example.com", &["GET /a/*"], 0);
    for method in Method::ALL {
        let decided = admit(&grant, &Reach::Granted, method, destination("https://example.com/a/b"));
        assert_eq!(decided.is_ok(), method == Method::Get, "{method}");
    }
}

/// Fails when the boundary is not asked, or asked for something else than the origin.
#[test]
fn eg_05_reading_reaches_only_what_is_inside_the_boundary() {
    let grant = capability("https://*.crm.example", &EVERYTHING, 0);
    let ask = |reach: &Reach, method, url: &str| kind(admit(&grant, reach, method, destination(url))).err();
    let some = inside(&["https://a.crm.example", "https://other.example"]);
    assert_eq!(ask(&some, Method::Get, "https://a.crm.example/x"), None);
    assert_eq!(ask(&some, Method::Head, "https://a.crm.example/x"), None);
    assert_eq!(ask(&some, Method::Get, "https://b.crm.example/x"), Some("outside"));
    assert_eq!(ask(&some, Method::Get, "https://other.example/x"), Some("origin"), "inside, and not granted");
    assert_eq!(ask(&inside(&[]), Method::Get, "https://a.crm.example/x"), Some("outside"));
    assert_eq!(ask(&inside(&["http://a.crm.example"]), Method::Get, "https://a.crm.example/x"), Some("outside"));
    assert_eq!(ask(&Reach::Granted, Method::Get, "https://b.crm.example/x"), None);
}

/// Fails when a method that may write is sent by a call that only reads.
#[test]
fn eg_05_reading_is_by_get_and_head() {
    let all: Vec<String> = Method::ALL.iter().map(|method| format!("{method} /**")).collect();
    let grant = capability("https://a.crm.example", &all.iter().map(String::as_str).collect::<Vec<_>>(), 0);
    for method in Method::ALL {
        let decided =
            admit(&grant, &inside(&["https://a.crm.example"]), method, destination("https://a.crm.example/x"));
        let reads = matches!(method, Method::Get | Method::Head);
        assert_eq!(kind(decided).err(), (!reads).then_some("writes"), "{method}");
    }
}

#[test]
fn a_refusal_says_which_line_would_allow_it() {
    let grant = capability("https://example.com", &["GET /a/*"], 0);
    let words = |result: Result<Admitted, NotAdmitted>| result.unwrap_err().to_string();
    assert_eq!(
        words(get(&grant, "https://other.example:8443/a/b")),
        "`https://other.example:8443` is not an origin that this capability is for: it is for `https://example.com`. A \
         capability with `origin = \"https://other.example:8443\"` in the manifest would allow it"
    );
    assert_eq!(
        words(get(&grant, "https://example.com/b?secret")),
        "no line of `allow` is for it: nothing listed, nothing allowed. `allow = [\"GET /b\"]` in the manifest would allow it"
    );
    let outside = admit(&grant, &inside(&[]), Method::Get, destination("https://example.com/a/b"));
    assert!(words(outside).contains("the operator lists it under `inside` of `[boundary]`"));
    let redirect = get(&grant, "https://example.com/a/b").unwrap().redirected(302, "/a/c");
    assert!(words(redirect).contains("`redirects = N`, up to 3, in the manifest allows more"));
}

/// Fails when a redirect is followed that the capability does not allow, or one more than it does.
#[test]
fn eg_06_redirects_are_counted_and_none_is_followed_unasked() {
    for allowed in 0..=3 {
        let grant = capability("https://example.com", &["GET /a/*"], allowed);
        let mut admitted = get(&grant, "https://example.com/a/0").unwrap();
        for hop in 1..=allowed {
            admitted = admitted.redirected(302, &format!("/a/{hop}")).unwrap();
            assert_eq!((admitted.hops(), admitted.destination().target()), (hop, format!("/a/{hop}")));
        }
        assert_eq!(kind(admitted.redirected(302, "/a/x")), Err("redirects"), "{allowed}");
    }
}

/// Fails when a hop is not decided on like a request of its own.
#[test]
fn eg_06_each_hop_is_a_new_decision() {
    let grant = capability("https://*.example.com", &["GET /a/*", "POST /a/*", "GET /here/is/more"], 3);
    let first = get(&grant, "https://www.example.com/a/b?c").unwrap();
    for status in [301, 302, 303, 307, 308] {
        for (location, expected) in [
            ("https://www.example.com/a/c", Ok("https://www.example.com/a/c")),
            ("/a/c?d", Ok("https://www.example.com/a/c?d")),
            ("c", Ok("https://www.example.com/a/c")),
            ("?d", Ok("https://www.example.com/a/b?d")),
            ("c?d=https://evil.com/", Ok("https://www.example.com/a/c?d=https://evil.com/")),
            ("//api.example.com/a/c", Ok("https://api.example.com/a/c")),
            ("https://api.example.com/a/c", Ok("https://api.example.com/a/c")),
            ("//API.example.com.:443/a/c", Ok("https://api.example.com/a/c")),
            ("/b", Err("rule")),
            ("/a/c/", Err("rule")),
            ("//evil.com/a/c", Err("origin")),
            ("https://evil.com/a/c", Err("origin")),
            ("https://example.com/a/c", Err("origin")),
            ("https://www.example.com:8443/a/c", Err("origin")),
            ("http://www.example.com/a/c", Err("downgrade")),
            ("http://www.example.com:443/a/c", Err("downgrade")),
            ("http://169.254.169.254/latest", Err("location")),
            ("https://[::1]/a/c", Err("location")),
            ("https://user@www.example.com/a/c", Err("location")),
            ("../a/c", Err("location")),
            ("./c", Err("location")),
            ("/a/../b", Err("location")),
            ("/a/%2e%2e/b", Err("location")),
            ("\\\\evil.com\\a", Err("location")),
            ("/\\evil.com/a", Err("location")),
            ("/\t/evil.com/a", Err("location")),
            ("///evil.com/a", Err("location")),
            ("https:evil.com", Err("location")),
            ("https:/a/c", Err("location")),
            ("javascript:alert(1)", Err("location")),
            ("c:d", Err("location")),
            ("/a/c#d", Err("location")),
            ("#d", Err("location")),
            (" /a/c", Err("location")),
            ("/a/c\r\nset-cookie: a", Err("location")),
            ("?a b", Err("location")),
            ("/a/c?\r\nset-cookie:a", Err("location")),
            ("?a#b", Err("location")),
            ("?a\\b", Err("location")),
            ("?\u{e9}", Err("location")),
            ("?%", Err("location")),
            ("", Err("location")),
            ("//", Err("location")),
        ] {
            let hop = kind(first.redirected(status, location));
            let found = hop.as_ref().map(|hop| hop.destination().to_string()).map_err(|kind| *kind);
            assert_eq!(found, expected.map(str::to_owned), "{status} {location:?}");
            if let Ok(hop) = hop {
                let strayed = hop.destination().origin() != first.destination().origin();
                assert_eq!((hop.origin_changed(), hop.hops()), (strayed, 1), "{status} {location:?}");
            }
        }
    }
    let long = "a".repeat(portcullis_egress::MAX_URL + 1);
    assert_eq!(kind(first.redirected(302, &long)), Err("location"));
}

/// Fails when a relative location is put behind something else than the directory of the path.
#[test]
fn eg_06_a_relative_location_begins_at_the_directory() {
    let grant = capability("https://example.com", &["GET /**", "GET /", "GET /**/"], 3);
    for (from, location, to) in [
        ("https://example.com", "x", "https://example.com/x"),
        ("https://example.com/a", "x", "https://example.com/x"),
        ("https://example.com/a/", "x", "https://example.com/a/x"),
        ("https://example.com/a/b?c/d", "x/y", "https://example.com/a/x/y"),
        ("https://example.com/a/b?c", "?", "https://example.com/a/b?"),
        ("https://example.com:8443/a", "/x", "https://example.com:8443/x"),
    ] {
        let grant = if from.contains(":8443") {
            capability("https://example.com:8443", &["GET /**"], 1)
        } else {
            grant.clone()
        };
        let hop = get(&grant, from).unwrap().redirected(302, location).unwrap();
        assert_eq!(hop.destination().to_string(), to, "{from} {location}");
    }
}

/// Fails when a status changes the method otherwise than RFC 9110 says, or keeps a body for another method.
#[test]
fn eg_06_a_status_says_what_becomes_of_the_method_and_the_body() {
    use Method::{Delete, Get, Head, Patch, Post, Put};
    let grant = capability("https://example.com", &EVERYTHING, 3);
    let first = |method| admit(&grant, &Reach::Granted, method, destination("https://example.com/a")).unwrap();
    for (status, kept, changed) in [
        (301, vec![Get, Head, Put, Patch, Delete], vec![(Post, Get)]),
        (302, vec![Get, Head, Put, Patch, Delete], vec![(Post, Get)]),
        (303, vec![Get, Head], vec![(Post, Get), (Put, Get), (Patch, Get), (Delete, Get)]),
        (307, vec![Get, Head, Post, Put, Patch, Delete], vec![]),
        (308, vec![Get, Head, Post, Put, Patch, Delete], vec![]),
    ] {
        let kept = kept.into_iter().map(|method| (method, method));
        for (before, after) in kept.chain(changed) {
            let hop = first(before).redirected(status, "/b").unwrap();
            assert_eq!((hop.method(), hop.sends_body()), (after, before == after), "{status} {before}");
            let next = hop.redirected(307, "/c").unwrap();
            assert_eq!((next.method(), next.sends_body()), (after, before == after), "a dropped body stays dropped");
        }
    }
    for status in [0, 200, 201, 204, 300, 304, 305, 306, 309, 310, 399, 400, 500] {
        assert_eq!(kind(first(Get).redirected(status, "/b")), Err("not-a-redirect"), "{status}");
    }
}

/// Fails when the method that a redirect makes of another is not looked up in `allow`.
#[test]
fn eg_06_the_method_after_a_redirect_needs_a_line_of_its_own() {
    let grant = capability("https://example.com", &["POST /a"], 3);
    let first = admit(&grant, &Reach::Granted, Method::Post, destination("https://example.com/a")).unwrap();
    assert_eq!(kind(first.redirected(302, "/a")), Err("rule"));
    assert_eq!(kind(first.redirected(307, "/a")).map(|hop| hop.method()), Ok(Method::Post));
}

/// Fails when a hop is decided on with another reach than the request.
#[test]
fn eg_06_a_redirect_of_a_reading_call_stays_inside_the_boundary() {
    let grant = capability("https://*.example.com", &EVERYTHING, 3);
    let reach = inside(&["https://a.example.com"]);
    let first = admit(&grant, &reach, Method::Get, destination("https://a.example.com/x")).unwrap();
    assert_eq!(kind(first.redirected(302, "https://b.example.com/x")), Err("outside"));
    let hop = first.redirected(302, "/y").unwrap();
    assert_eq!(hop.reach(), &reach);
    assert_eq!(kind(hop.redirected(302, "https://b.example.com/x")), Err("outside"));
}

/// Fails when a hop forgets that an earlier one led elsewhere: then a secret would be sent on a way that a stranger chose.
#[test]
fn eg_06_a_changed_origin_stays_changed() {
    let grant = capability("https://*.example.com", &["GET /**"], 3);
    let first = get(&grant, "https://a.example.com/x").unwrap();
    let same = first.redirected(302, "https://a.example.com:443/y").unwrap();
    assert!(!same.origin_changed());
    let away = first.redirected(302, "https://b.example.com/x").unwrap();
    let back = away.redirected(302, "https://a.example.com/x").unwrap();
    let stays = back.redirected(302, "https://a.example.com/y").unwrap();
    assert!(away.origin_changed() && back.origin_changed() && stays.origin_changed());
}

/// Fails when what a request is sent from does not say where its secret goes.
#[test]
fn eg_08_the_slot_of_a_secret_comes_with_the_decision() {
    let slot = SecretSlot::new("crm_token", "authorization", "Bearer {}").unwrap();
    let allow = vec!["GET /**".parse().unwrap()];
    let grant = HttpCapability::new("https://example.com".parse().unwrap(), allow, Some(slot.clone()), 1, 0).unwrap();
    let first = get(&Arc::new(grant), "https://example.com/a").unwrap();
    assert_eq!(first.secret(), Some(&slot));
    assert_eq!(first.redirected(307, "/b").unwrap().secret(), Some(&slot));
    assert_eq!(kind(first.redirected(307, "https://www.example.com/b")), Err("origin"));
}
