//! Redirects: each hop is decided anew, or not followed.

use portcullis_egress::{FetchError, Fetched, NotAdmitted, ProtocolFault, Request, Verdict};
use portcullis_manifest::http::Method;

use crate::support::authority::Authority;
use crate::support::upstream::{OK, Upstream};
use crate::support::{Granted, HOST, World, fetch};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Redirects `/` to `location`, and answers everything else.
async fn redirecting(status: u16, location: String) -> Upstream {
    Upstream::start(move |mut visit| {
        let location = location.clone();
        async move {
            let request = visit.request().await;
            if request.windows(3).any(|window| window == b" / ") {
                let head = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\n");
                visit.say(format!("{head}content-length: 5\r\n\r\nmoved")).await;
            } else {
                visit.say(OK).await;
            }
            visit.close().await;
        }
    })
    .await
}

async fn followed(upstream: &Upstream, method: Method, request: Request) -> Fetched {
    let granted = Granted { redirects: 3, ..Granted::at(upstream.origin()) };
    let egress = World::with(upstream.address).start();
    fetch(&egress, &granted, method, &format!("{}/", upstream.origin()), request).await
}

/// Fails without the whole decision for each hop in `Admitted::redirected`, which is all that is followed.
#[tokio::test]
async fn eg_06_a_redirect_that_the_grant_is_not_for_is_not_followed_whatever_its_status() {
    let elsewhere = Upstream::answering(OK).await;
    let port = elsewhere.address.port();
    for status in STATUSES {
        for (location, kind) in [
            ("http://169.254.169.254/latest/meta-data/".to_owned(), "location"),
            ("http://127.0.0.1/".to_owned(), "location"),
            ("http://[::1]/".to_owned(), "location"),
            ("http://evil.example/a".to_owned(), "origin"),
            (format!("http://{HOST}:{port}/a"), "origin"),
            (format!("https://{HOST}:{port}/a"), "origin"),
            (format!("//evil.example:{port}/a"), "origin"),
            (format!("http://user:pw@{HOST}/a"), "location"),
            (format!("http://{HOST}@evil.example/a"), "location"),
            ("../a".to_owned(), "location"),
            ("/a/%2e%2e/b".to_owned(), "location"),
            ("\\\\evil.example\\a".to_owned(), "location"),
            ("file:///etc/passwd".to_owned(), "location"),
            ("/a#b".to_owned(), "location"),
        ] {
            let upstream = redirecting(status, location.clone()).await;
            let fetched = followed(&upstream, Method::Get, Request::default()).await;
            let Err(FetchError::Redirect(refused)) = &fetched.result else {
                panic!("{status} {location}: {fetched:?}")
            };
            assert_eq!(refused.kind(), kind, "{status} {location}: {refused}");
            assert_eq!(upstream.heard().len(), 1);
            let verdicts: Vec<_> = fetched.attempts.iter().map(|attempt| &attempt.verdict).collect();
            assert_eq!(*verdicts[0], Verdict::Answered(status));
            assert!(matches!(verdicts[1..], [Verdict::Refused(_)]), "{verdicts:?}");
        }
    }
    assert!(elsewhere.heard().is_empty());
}

/// Fails if a hop is followed without its capability saying so.
#[tokio::test]
async fn eg_06_without_redirects_in_the_manifest_the_redirect_itself_is_the_answer() {
    let upstream = redirecting(302, "/a".to_owned()).await;
    let (origin, egress) = (upstream.origin(), World::with(upstream.address).start());
    let fetched = fetch(&egress, &Granted::at(&origin), Method::Get, &format!("{origin}/"), Request::default()).await;
    let response = fetched.result.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (302, b"moved".as_slice()));
    assert!(response.headers.contains(&("location".to_owned(), "/a".to_owned())));
    assert_eq!(upstream.heard().len(), 1);
}

#[tokio::test]
async fn eg_06_a_redirect_inside_the_grant_is_followed_with_the_method_that_its_status_says() {
    for (status, expected, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "text"), (308, "POST", "text")]
    {
        for absolute in [false, true] {
            let location = if absolute { format!("//{HOST}:PORT/a?q=1") } else { "/a?q=1".to_owned() };
            let upstream = redirecting_to_itself(status, location).await;
            let headers = [("content-type", "text/plain"), ("x-kept", "1"), ("authorization", "mine")];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            let request = Request { headers, body: b"text".to_vec(), ..Request::default() };
            let fetched = followed(&upstream, Method::Post, request).await;
            assert_eq!(fetched.result.unwrap().body, b"ok", "{status}");
            assert_eq!(fetched.attempts.len(), 2);
            assert_eq!((fetched.attempts[1].path.as_str(), fetched.attempts[1].method.as_str()), ("/a", expected));
            let heard = &upstream.heard()[1];
            assert!(heard.starts_with(&format!("{expected} /a?q=1 HTTP/1.1\r\n")), "{heard}");
            assert!(heard.ends_with(&format!("\r\n\r\n{body}")), "{heard}");
            assert_eq!(heard.contains("content-type"), !body.is_empty());
            assert!(heard.contains("\r\nx-kept: 1\r\n") && heard.contains("\r\nauthorization: mine\r\n"));
        }
    }
}

/// As [`redirecting`], with its own port where `PORT` stands in `location`.
async fn redirecting_to_itself(status: u16, location: String) -> Upstream {
    Upstream::start(move |mut visit| {
        let location = location.clone();
        async move {
            let request = String::from_utf8(visit.request().await).unwrap();
            if request.contains(" / ") {
                let port = request.split_once(&format!("host: {HOST}:")).unwrap().1.split_once("\r\n").unwrap().0;
                let location = location.replace("PORT", port);
                visit
                    .say(format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
                    .await;
            } else {
                visit.say(OK).await;
            }
            visit.close().await;
        }
    })
    .await
}

/// Fails without the count of hops.
#[tokio::test]
async fn eg_06_redirects_without_end_end() {
    let upstream = Upstream::answering("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n").await;
    let fetched = followed(&upstream, Method::Get, Request::default()).await;
    assert_eq!(fetched.result, Err(FetchError::Redirect(NotAdmitted::Redirects(3))));
    assert_eq!(upstream.heard().len(), 4);
}

/// Fails without the removal of what was meant for one origin, or if a hop is not looked up and decided on by itself.
#[tokio::test]
async fn eg_06_what_was_said_to_one_origin_is_not_said_to_another() {
    let upstream = redirecting_to_b().await;
    let port = upstream.address.port();
    let world = World::new().host("a.up.example", upstream.address).host("b.up.example", upstream.address);
    let granted = Granted { redirects: 1, ..Granted::at(format!("http://*.up.example:{port}")) };
    let headers = [("authorization", "mine"), ("cookie", "a=b"), ("x-kept", "1")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let request = Request { headers, ..Request::default() };
    let url = format!("http://a.up.example:{port}/");
    let fetched = fetch(&world.start(), &granted, Method::Get, &url, request).await;
    assert_eq!(fetched.result.unwrap().body, b"ok");
    let heard = upstream.heard();
    assert!(heard[0].contains("authorization: mine") && heard[0].contains("cookie: a=b"));
    assert!(heard[1].contains("host: b.up.example") && heard[1].contains("x-kept: 1"));
    assert!(!heard[1].contains("authorization") && !heard[1].contains("cookie"), "{}", heard[1]);

    // The other host leads somewhere private: the hop is refused, though the first was not.
    let mut world = World::new().host("a.up.example", upstream.address).excepted("b.up.example", port);
    world.0.resolver.hosts.insert("b.up.example".parse().unwrap(), vec!["10.0.0.1".parse().unwrap()]);
    let fetched = fetch(&world.start(), &granted, Method::Get, &url, Request::default()).await;
    assert_eq!(fetched.result.unwrap_err().kind(), "address");
    assert_eq!(upstream.heard().len(), 3);
}

/// Redirects from the host `a` to the host `b` at the same port.
async fn redirecting_to_b() -> Upstream {
    Upstream::start(|mut visit| async move {
        let request = String::from_utf8(visit.request().await).unwrap();
        let port = request.split_once(".up.example:").unwrap().1.split_once("\r\n").unwrap().0;
        if request.contains("host: a.") {
            let location = format!("http://b.up.example:{port}/a");
            visit.say(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")).await;
        } else {
            visit.say(OK).await;
        }
        visit.close().await;
    })
    .await
}

/// Fails without the refusal of `http` after `https`, even where a grant could name it.
#[tokio::test]
async fn eg_06_nothing_goes_from_https_to_http() {
    let authority = Authority::new();
    for status in STATUSES {
        let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: http://{HOST}/a\r\ncontent-length: 0\r\n\r\n");
        let upstream = Upstream::tls_answering(authority.server(HOST), answer).await;
        let granted = Granted { redirects: 3, ..Granted::at(upstream.tls_origin()) };
        let egress = authority.world(upstream.address).start();
        let url = format!("{}/", upstream.tls_origin());
        let fetched = fetch(&egress, &granted, Method::Get, &url, Request::default()).await;
        let Err(FetchError::Redirect(refused)) = fetched.result else { panic!("{status}: {:?}", fetched.result) };
        assert_eq!(refused.kind(), "downgrade");
    }
}

#[tokio::test]
async fn eg_06_two_locations_are_none() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: /a\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n";
    let upstream = Upstream::answering(answer).await;
    let fetched = followed(&upstream, Method::Get, Request::default()).await;
    assert_eq!(fetched.result, Err(ProtocolFault::Malformed.into()));
}
