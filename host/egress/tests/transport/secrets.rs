//! Secrets: into one header of one origin, and out of nothing.

use std::collections::BTreeMap;

use portcullis_egress::{
    EgressConfig, FetchError, Fetched, Misplaced, Placeholders, ProtocolFault, Request, SecretConfig, SecretMissing,
    SecretSource, Verdict,
};
use portcullis_manifest::http::{Method, SecretSlot};
use tempfile::NamedTempFile;

use crate::support::authority::Authority;
use crate::support::upstream::{OK, Upstream};
use crate::support::{Granted, HOST, World, fetch};

const CANARY: &str = "canary/0123+456=789";
const PLACEHOLDER: &str = "{secret:crm_token:8f14e45f}";
const OTHER: &str = "{secret:other:c9f0f895}";

/// An operator who keeps `crm_token` in a file.
struct Operator {
    authority: Authority,
    file: NamedTempFile,
}

impl Operator {
    fn new() -> Self {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{CANARY}\n")).unwrap();
        Self { authority: Authority::new(), file }
    }

    fn world(&self, upstream: &Upstream) -> World {
        let mut world = self.authority.world(upstream.address);
        let source = SecretSource::File(self.file.path().to_owned());
        let config = SecretConfig { source, origin: upstream.tls_origin().parse().unwrap() };
        world.0.secrets = BTreeMap::from([("crm_token".parse().unwrap(), config)]);
        world
    }

    async fn upstream(&self, answer: impl Into<Vec<u8>>) -> Upstream {
        Upstream::tls_answering(self.authority.server(HOST), answer).await
    }

    async fn fetched(&self, upstream: &Upstream, granted: &Granted, target: &str, request: Request) -> Fetched {
        let url = format!("{}{target}", upstream.tls_origin());
        fetch(&self.world(upstream).start(), granted, Method::Post, &url, request).await
    }
}

fn granted(upstream: &Upstream) -> Granted {
    let secret = SecretSlot::new("crm_token", "authorization", "Bearer {}").unwrap();
    Granted { secret: Some(secret), ..Granted::at(upstream.tls_origin()) }
}

fn asking(headers: &[(&str, &str)], body: &str) -> Request {
    Request {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
        placeholders: Placeholders { own: Some(PLACEHOLDER.to_owned()), others: vec![OTHER.to_owned()] },
    }
}

/// Fails without `filled`, or if the guest's own header is sent beside it.
#[tokio::test]
async fn eg_08_the_value_is_sent_in_its_header_once_whether_the_guest_names_it_or_not() {
    let operator = Operator::new();
    let upstream = operator.upstream(OK).await;
    let placed = format!("Bearer {PLACEHOLDER}");
    for headers in [vec![], vec![("Authorization", placed.as_str())]] {
        let fetched = operator.fetched(&upstream, &granted(&upstream), "/", asking(&headers, "")).await;
        assert_eq!(fetched.result.unwrap().status, 200);
    }
    let heard = upstream.heard();
    assert_eq!(heard.len(), 2);
    for heard in heard {
        assert_eq!(heard.matches("authorization").count(), 1);
        assert!(heard.contains(&format!("\r\nauthorization: Bearer {CANARY}\r\n")), "{heard}");
        assert!(!heard.contains(PLACEHOLDER));
    }
}

/// Fails without `inspect`: a placeholder anywhere else is an alert, and nothing is sent, looked up or connected to.
#[tokio::test]
async fn eg_08_a_placeholder_anywhere_else_is_refused_before_anything_is_sent() {
    let operator = Operator::new();
    let upstream = operator.upstream(OK).await;
    let plain = Granted::at(upstream.tls_origin());
    let placed = format!("Bearer {PLACEHOLDER}");
    let bare = "secret:crm_token";
    let query =
        Request { placeholders: Placeholders { own: Some(bare.to_owned()), others: vec![] }, ..asking(&[], "") };
    let with = granted(&upstream);
    for (granted, target, request, misplaced) in [
        (&with, format!("/?q={bare}"), query.clone(), Misplaced::Url),
        (&with, format!("/{bare}"), query, Misplaced::Url),
        (&with, "/".to_owned(), asking(&[], &format!("{{\"a\": \"{PLACEHOLDER}\"}}")), Misplaced::Body),
        (&with, "/".to_owned(), asking(&[("x-a", PLACEHOLDER)], ""), Misplaced::Header),
        (&with, "/".to_owned(), asking(&[("authorization", PLACEHOLDER)], ""), Misplaced::Header),
        (&with, "/".to_owned(), asking(&[("authorization", &format!("Bearer {OTHER}"))], ""), Misplaced::Header),
        // Another capability, without a secret: to whatever host, it is the attempt to carry one there.
        (&plain, "/".to_owned(), asking(&[("authorization", &placed)], ""), Misplaced::Header),
        (&plain, "/".to_owned(), asking(&[("x-a", OTHER)], ""), Misplaced::Header),
    ] {
        let fetched = operator.fetched(&upstream, granted, &target, request).await;
        assert_eq!(fetched.result, Err(misplaced.into()), "{target}");
        assert!(
            matches!(&fetched.attempts[..], [attempt] if matches!(attempt.verdict, Verdict::Refused(_)) && !attempt.sent)
        );
    }
    assert!(upstream.heard().is_empty());
}

/// Fails if a secret's value is not looked for before the request is sent.
#[tokio::test]
async fn a_secret_that_the_operator_does_not_have_is_named() {
    let operator = Operator::new();
    let upstream = operator.upstream(OK).await;
    let mut world = operator.world(&upstream);
    world.0.secrets.clear();
    let url = format!("{}/", upstream.tls_origin());
    let fetched = fetch(&world.start(), &granted(&upstream), Method::Get, &url, asking(&[], "")).await;
    assert_eq!(fetched.result, Err(SecretMissing("crm_token".parse().unwrap()).into()));
    assert!(upstream.heard().is_empty());
}

/// Fails without the scrubbing of the body, of the headers' values, or of their names.
#[tokio::test]
async fn eg_07_a_host_that_repeats_what_it_was_sent_gives_the_guest_the_placeholder() {
    let operator = Operator::new();
    // Base64 of `Bearer canary/0123+456=789`, as a host might log it.
    let base64 = "QmVhcmVyIGNhbmFyeS8wMTIzKzQ1Nj03ODk=";
    let body = format!(
        "{{\"authorization\": \"Bearer {CANARY}\", \"url\": \"?a=canary%2F0123%2B456%3D789\", \"json\": \"canary\\/0123+456=789\",\
         \"base64\": \"{base64}\", \"hex\": \"63616e6172792f303132332b3435363d373839\"}}"
    );
    let chunks: String = body
        .as_bytes()
        .chunks(5)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap()))
        .collect();
    for answer in [
        format!("HTTP/1.1 401 Unauthorized\r\nx-echo: Bearer {CANARY}\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        format!("HTTP/1.1 200 OK\r\nx-echo: {base64}\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"),
    ] {
        let upstream = operator.upstream(answer).await;
        let fetched = operator.fetched(&upstream, &granted(&upstream), "/", asking(&[], "")).await;
        let response = fetched.result.unwrap();
        let body = String::from_utf8(response.body.clone()).unwrap();
        assert_eq!(body.matches(PLACEHOLDER).count(), 5, "{body}");
        let echo = &response.headers.iter().find(|(name, _)| name == "x-echo").unwrap().1;
        assert!(echo.contains(PLACEHOLDER), "{echo}");
        assert!(!response.headers.iter().any(|(name, _)| name == "content-length"));
        for form in ["canary", "Y2FuYXJ5", "63616e", "MTIzK"] {
            assert!(!format!("{response:?} {:?}", fetched.attempts).contains(form), "{form}: {response:?}");
        }
    }
}

/// Fails without the refusal in `acceptable`: what is compressed cannot be searched.
#[tokio::test]
async fn eg_07_an_encoded_answer_is_refused_where_a_secret_is_kept() {
    let operator = Operator::new();
    let answer = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok";
    let upstream = operator.upstream(answer).await;
    let fetched = operator.fetched(&upstream, &granted(&upstream), "/", asking(&[], "")).await;
    assert_eq!(fetched.result, Err(ProtocolFault::Encoded.into()));
    // Who carries none could be shown one all the same.
    let plain = Granted::at(upstream.tls_origin());
    let fetched = operator.fetched(&upstream, &plain, "/", asking(&[], "")).await;
    assert_eq!(fetched.result, Err(ProtocolFault::Encoded.into()));
    assert!(upstream.heard()[0].contains("\r\naccept-encoding: identity\r\n"));
}

/// Fails without the search of the location: the value would stand in a URL, and in somebody's log.
#[tokio::test]
async fn eg_08_a_redirect_that_holds_the_secret_is_not_followed() {
    let operator = Operator::new();
    for location in [format!("/?token={CANARY}"), "/?token=canary%2f0123%2B456%3D789".to_owned()] {
        let answer = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let upstream = operator.upstream(answer).await;
        let granted = Granted { redirects: 3, ..granted(&upstream) };
        let fetched = operator.fetched(&upstream, &granted, "/", asking(&[], "")).await;
        assert_eq!(fetched.result, Err(ProtocolFault::SecretInRedirect.into()));
        assert_eq!(upstream.heard().len(), 1);
    }
}

/// Fails if a redirect is followed without the secret's slot being decided on again.
#[tokio::test]
async fn eg_08_a_redirect_on_the_same_origin_carries_the_secret_and_one_to_another_is_not_followed() {
    let operator = Operator::new();
    let upstream = operator.upstream("HTTP/1.1 307 Moved\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n").await;
    let once = Granted { redirects: 1, ..granted(&upstream) };
    let fetched = operator.fetched(&upstream, &once, "/", asking(&[], "")).await;
    assert!(matches!(fetched.result, Err(FetchError::Redirect(_))));
    let heard = upstream.heard();
    assert_eq!(heard.iter().filter(|heard| heard.contains(CANARY)).count(), 2);

    let other = operator.upstream(OK).await;
    let location = format!("https://{HOST}:{}/b", other.address.port());
    let upstream =
        operator.upstream(format!("HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")).await;
    let once = Granted { redirects: 1, ..granted(&upstream) };
    assert!(operator.fetched(&upstream, &once, "/", asking(&[], "")).await.result.is_err());
    assert!(other.heard().is_empty());
}

/// Fails without the hand-written `Debug` of secrets, or with a value in an error.
#[tokio::test]
async fn eg_07_a_secret_that_cannot_be_used_is_refused_at_the_start_without_its_value() {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "canary with spaces").unwrap();
    let source = SecretSource::File(file.path().to_owned());
    let config = SecretConfig { source, origin: "https://api.crm.example".parse().unwrap() };
    let secrets = BTreeMap::from([("crm_token".parse().unwrap(), config)]);
    let error = portcullis_egress::Egress::start(EgressConfig { secrets, ..World::new().0 }).err().unwrap();
    assert!(error.to_string().starts_with("the secret `crm_token` cannot be read from the file "), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

/// Fails without: `Scrubbers` of every secret of the origin, in `Parts::scrubber`.
#[tokio::test]
async fn eg_07_an_origin_that_shows_a_secret_to_one_who_does_not_carry_it_shows_nothing() {
    let operator = Operator::new();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{CANARY}", CANARY.len());
    let upstream = operator.upstream(answer).await;
    let without = Granted { secret: None, ..granted(&upstream) };
    let request = Request { placeholders: Placeholders::default(), ..asking(&[], "") };
    let response = operator.fetched(&upstream, &without, "/", request).await.result.unwrap();
    assert_eq!(response.body, b"[secret]");
}

/// Fails without: the refusal of parts in `acceptable`.
#[tokio::test]
async fn eg_07_a_part_of_an_answer_is_not_taken_where_a_secret_is_kept() {
    let operator = Operator::new();
    let upstream = operator.upstream("HTTP/1.1 206 Partial\r\ncontent-length: 4\r\n\r\nhalf").await;
    let fetched = operator.fetched(&upstream, &granted(&upstream), "/", asking(&[], "")).await;
    assert_eq!(fetched.result, Err(ProtocolFault::Part.into()));
    for name in ["range", "request-range", "request_range"] {
        let fetched = operator.fetched(&upstream, &granted(&upstream), "/", asking(&[(name, "bytes=0-3")], "")).await;
        assert_eq!(fetched.result.unwrap_err().kind(), "header", "{name}");
    }
}
