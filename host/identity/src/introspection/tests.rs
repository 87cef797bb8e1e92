use std::{net::SocketAddr, time::Duration};

use serde_json::json;

use super::*;
use crate::post::testing::{SECRET, Server, egress_to, json as answer};

const NOW: u64 = 1_795_000_000;
const RESOURCE: &str = "https://tools.example.com/mcp";
const ISSUER: &str = "https://login.example.com";

fn checks() -> Arc<AuthenticationConfig> {
    Arc::new(AuthenticationConfig::new(ISSUER, RESOURCE))
}

fn config(server: &Server) -> IntrospectionConfig {
    IntrospectionConfig {
        endpoint: server.url("/introspect"),
        client_id: "portcullis host".to_owned(),
        secret: "introspection".parse().unwrap(),
        all: false,
    }
}

fn introspector(server: &Server) -> Introspector {
    Introspector::new(&config(server), checks(), &server.egress()).unwrap()
}

/// What an issuer says of a good token.
fn good() -> Value {
    json!({
        "active": true, "iss": ISSUER, "sub": "ann", "aud": RESOURCE, "client_id": "chat", "token_type": "Bearer",
        "scope": "notes:read notes:write", "iat": NOW - 10, "exp": NOW + 600, "jti": "t-1",
    })
}

fn with(change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut claims = good();
    change(claims.as_object_mut().unwrap());
    claims
}

async fn said(body: impl std::fmt::Display) -> Result<Arc<Claims>, NotIntrospected> {
    let text = answer(body);
    said_raw(text).await
}

async fn said_raw(text: String) -> Result<Arc<Claims>, NotIntrospected> {
    let server = Server::start(move |_, _| text.clone()).await;
    introspector(&server).introspect("opaque", NOW).await
}

#[tokio::test]
async fn au_24_the_issuer_is_asked_by_form_with_the_hosts_own_credentials_and_answers_who_it_is() {
    let server = Server::start(|_, _| answer(good())).await;
    let claims = introspector(&server).introspect("opaque.~+/==", NOW).await.unwrap();
    assert_eq!((claims.subject.as_str(), claims.client.as_deref()), ("ann", Some("chat")));
    assert_eq!((claims.issuer.as_str(), claims.jti.as_deref()), (ISSUER, Some("t-1")));
    assert_eq!((claims.issued_at, claims.expires_at), (NOW - 10, NOW + 600));
    assert!(claims.grants.scopes.contains(&"notes:write".parse().unwrap()));
    let heard = server.heard();
    let [request] = &heard[..] else { panic!("{heard:?}") };
    assert!(request.starts_with("POST /introspect HTTP/1.1\r\n"), "{request}");
    // RFC 6749 section 2.3.1: encoded, joined, encoded.
    let credentials = BASE64_STANDARD.encode("portcullis+host:canary%2F0123%2B456%3D789");
    assert!(request.contains(&format!("\r\nauthorization: Basic {credentials}\r\n")), "{request}");
    assert!(request.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\ntoken=opaque.%7E%2B%2F%3D%3D&token_type_hint=access_token"), "{request}");
}

#[tokio::test]
async fn au_24_only_the_boolean_true_makes_a_token_active() {
    assert_eq!(said(json!({ "active": false })).await, Err(NotIntrospected::Inactive));
    // What else it says of a token that is not active is nothing.
    assert_eq!(said(with(|claims| claims["active"] = json!(false))).await, Err(NotIntrospected::Inactive));
    for active in [json!("true"), json!(1), json!(null), json!([true]), json!({})] {
        let refused = said(with(|claims| claims["active"] = active.clone())).await.unwrap_err();
        assert_eq!(refused.rule(), "issuer-unavailable", "{active}");
    }
    assert_eq!(said(json!({})).await.unwrap_err().rule(), "issuer-unavailable");
    let twice = good().to_string().replacen('{', "{\"active\":false,", 1);
    assert_eq!(said(twice).await.unwrap_err().rule(), "issuer-unavailable");
}

#[tokio::test]
async fn au_24_what_the_issuer_says_is_held_to_the_checks_of_a_tokens_own_claims() {
    // Where the issuer is who answers, and is told so by nobody else.
    assert_eq!(said(with(|claims| drop(claims.remove("iss")))).await.unwrap().issuer, ISSUER);
    assert!(said(with(|claims| claims["aud"] = json!([RESOURCE]))).await.is_ok());
    let refusals: [(&str, &str, Option<Value>); 21] = [
        ("issuer", "iss", Some(json!("https://login.example.com/"))),
        ("claim-form", "iss", Some(json!([ISSUER]))),
        ("claim-missing", "aud", None),
        ("audience", "aud", Some(json!("https://tools.example.com"))),
        ("audience", "aud", Some(json!("https://tools.example.com/mcp/"))),
        ("audience", "aud", Some(json!([]))),
        ("audience-extra", "aud", Some(json!([RESOURCE, "https://other.example"]))),
        ("claim-form", "aud", Some(json!({ "0": RESOURCE }))),
        ("claim-missing", "sub", None),
        ("claim-form", "sub", Some(json!(""))),
        ("claim-form", "sub", Some(json!(7))),
        ("claim-missing", "exp", None),
        ("claim-form", "exp", Some(json!("2000000000"))),
        ("expired", "exp", Some(json!(NOW - 31))),
        ("lifetime", "exp", Some(json!(NOW + 90_000))),
        ("claim-missing", "iat", None),
        ("not-yet", "iat", Some(json!(NOW + 31))),
        ("not-yet", "nbf", Some(json!(NOW + 31))),
        ("claim-form", "scope", Some(json!(["notes:read"]))),
        ("bound", "cnf", Some(json!({ "jkt": "x" }))),
        ("bound", "token_type", Some(json!("DPoP"))),
    ];
    for (rule, claim, value) in refusals {
        let claims = with(|claims| match value.clone() {
            Some(value) => drop(claims.insert(claim.to_owned(), value)),
            None => drop(claims.remove(claim)),
        });
        let refused = said(claims).await.unwrap_err();
        assert_eq!(refused.rule(), rule, "{claim} {value:?}");
        assert!(matches!(refused, NotIntrospected::Claims { client: Some(client), .. } if client == "chat"));
    }
}

#[tokio::test]
async fn au_24_a_token_that_is_active_and_not_for_access_is_refused() {
    for (claim, word) in [
        ("token_type", "refresh_token"),
        ("token_type", "N_A"),
        ("token_use", "refresh_token"),
        ("token_use", "id"),
        ("typ", "Refresh"),
        ("typ", "ID"),
    ] {
        let refused = said(with(|claims| drop(claims.insert(claim.to_owned(), json!(word))))).await;
        assert_eq!(refused.unwrap_err().rule(), "token-use", "{claim} {word}");
    }
    for (claim, word) in [("token_type", "bearer"), ("token_use", "access_token"), ("typ", "Bearer")] {
        assert!(
            said(with(|claims| drop(claims.insert(claim.to_owned(), json!(word))))).await.is_ok(),
            "{claim} {word}"
        );
    }
}

#[tokio::test]
async fn au_24_an_answer_that_is_none_makes_no_token_good_and_none_bad() {
    let good = good();
    let body = |head: &str| format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{good}", good.to_string().len());
    let large = json!({ "active": true, "more": "x".repeat(ANSWER) });
    for text in [
        body("401 Unauthorized\r\ncontent-type: application/json"),
        body("500 Internal Server Error\r\ncontent-type: application/json"),
        body("201 Created\r\ncontent-type: application/json"),
        body("302 Found\r\nlocation: /elsewhere\r\ncontent-type: application/json"),
        body("200 OK\r\ncontent-type: text/html"),
        body("200 OK\r\ncontent-type: application/token-introspection+jwt"),
        body("200 OK\r\ncontent-type: application/json\r\ncontent-type: application/json"),
        body("200 OK"),
        answer("[]"),
        answer("{\"active\": true"),
        answer(&large),
        String::new(),
    ] {
        let refused = said_raw(text.clone()).await.unwrap_err();
        assert_eq!(refused.rule(), "issuer-unavailable", "{text:.200}");
        assert!(!refused.to_string().contains("localhost"), "{refused}");
    }
    assert!(said_raw(body("200 OK\r\nContent-Type: Application/JSON; charset=utf-8")).await.is_ok());
}

#[tokio::test]
async fn au_24_an_issuer_that_is_not_there_makes_nobody_good_and_is_not_asked_again_at_once() {
    let gone: SocketAddr = {
        let server = Server::start(|_, _| answer(good())).await;
        server.address
    };
    let config = IntrospectionConfig {
        endpoint: format!("http://localhost:{}/introspect", gone.port()),
        client_id: "portcullis".to_owned(),
        secret: "introspection".parse().unwrap(),
        all: true,
    };
    let introspector = Introspector::new(&config, checks(), &egress_to(gone)).unwrap();
    for _ in 0..10 {
        let refused = introspector.introspect("opaque", NOW).await.unwrap_err();
        let expected = Duration::from_secs(UNAVAILABLE);
        assert!(matches!(refused, NotIntrospected::Unavailable { retry_after, .. } if retry_after == expected));
    }
    assert_eq!(introspector.asked(), 1);
    assert!(introspector.introspect("opaque", NOW + UNAVAILABLE).await.is_err());
    assert_eq!(introspector.asked(), 2);
}

#[tokio::test]
async fn au_24_an_answer_is_remembered_for_a_minute_and_never_past_the_tokens_end() {
    // Revoked after the first answer.
    let server = Server::start(|number, _| answer(if number == 0 { good() } else { json!({ "active": false }) })).await;
    let introspector = introspector(&server);
    assert!(introspector.remembered("opaque", NOW).is_none());
    for second in 0..REMEMBERED {
        assert!(introspector.introspect("opaque", NOW + second).await.is_ok());
        assert!(introspector.remembered("opaque", NOW + second).unwrap().is_ok());
    }
    assert_eq!(server.heard().len(), 1);
    assert!(introspector.remembered("opaque", NOW + REMEMBERED).is_none());
    assert!(introspector.remembered("opaque", NOW - 1).is_none(), "a clock that was set back makes it live no longer");
    for second in REMEMBERED..2 * REMEMBERED {
        assert_eq!(introspector.introspect("opaque", NOW + second).await, Err(NotIntrospected::Inactive));
    }
    assert_eq!(server.heard().len(), 2);

    let short = with(|claims| claims["exp"] = json!(NOW + 5));
    let server = Server::start(move |_, _| answer(&short)).await;
    let introspector = self::introspector(&server);
    for second in [0, 4, 5] {
        assert!(introspector.introspect("opaque", NOW + second).await.is_ok(), "within the leeway");
    }
    assert_eq!(server.heard().len(), 2, "at its end the issuer is asked again");
}

#[tokio::test]
async fn au_24_another_token_is_another_question() {
    let server = Server::start(|_, request| {
        answer(if request.ends_with("token=good&token_type_hint=access_token") {
            good()
        } else {
            json!({ "active": false })
        })
    })
    .await;
    let introspector = introspector(&server);
    assert!(introspector.introspect("good", NOW).await.is_ok());
    for token in ["Good", "good1", "goo", "good="] {
        assert_eq!(introspector.introspect(token, NOW).await, Err(NotIntrospected::Inactive), "{token}");
    }
    assert_eq!(server.heard().len(), 5);
    // What can't be a token is not asked about.
    for token in ["", "a b", "a&token=good", "a\n", "é", &"a".repeat(LONGEST + 1)] {
        assert_eq!(introspector.introspect(token, NOW).await, Err(NotIntrospected::Inactive), "{token}");
    }
    assert_eq!(server.heard().len(), 5);
}

#[tokio::test]
async fn au_24_many_who_present_one_token_at_once_ask_one_question() {
    let (server, gate) = Server::gated(0, |_, _| answer(good())).await;
    let introspector = Arc::new(introspector(&server));
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let introspector = Arc::clone(&introspector);
            tokio::spawn(async move { introspector.introspect("opaque", NOW).await })
        })
        .collect();
    server.heard_at_least(1).await;
    gate.add_permits(1);
    for call in calls {
        assert!(call.await.unwrap().is_ok());
    }
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn au_24_one_who_goes_away_while_the_issuer_thinks_leaves_the_others_their_answer() {
    let (server, gate) = Server::gated(0, |_, _| answer(good())).await;
    let introspector = Arc::new(introspector(&server));
    let ask = || {
        let introspector = Arc::clone(&introspector);
        tokio::spawn(async move { introspector.introspect("opaque", NOW).await })
    };
    let first = ask();
    server.heard_at_least(1).await;
    let second = ask();
    first.abort();
    server.heard_at_least(2).await;
    gate.add_permits(2);
    assert!(second.await.unwrap().is_ok());
}

#[tokio::test]
async fn tokens_that_carry_claims_are_asked_about_only_where_all_are() {
    let server = Server::start(|_, _| answer(good())).await;
    let some = introspector(&server);
    for (token, opaque) in [
        ("a.b.c", false),
        ("eyJ0.eyJ1-_.x", false),
        ("abc", true),
        ("a.b", true),
        ("a..c", true),
        ("a.b.c.d.e", true),
        ("a.b.c=", true),
    ] {
        assert_eq!(some.is_for(token), opaque, "{token}");
    }
    let all = Introspector::new(&IntrospectionConfig { all: true, ..config(&server) }, checks(), &server.egress());
    assert!(all.unwrap().is_for("a.b.c"));
}

#[tokio::test]
async fn eg_35_the_endpoint_is_over_tls_and_has_a_secret_of_its_own() {
    let server = Server::start(|_, _| answer(good())).await;
    let refused = |change: fn(&mut IntrospectionConfig)| {
        let mut config = config(&server);
        change(&mut config);
        Introspector::new(&config, checks(), &server.egress()).unwrap_err().to_string()
    };
    let clear = refused(|config| config.endpoint = "http://login.example.com/introspect".to_owned());
    assert!(clear.contains("`introspection.endpoint`") && clear.contains("https"), "{clear}");
    let elsewhere = refused(|config| config.endpoint = "https://login.example.com/introspect".to_owned());
    assert!(elsewhere.contains("origin = \"https://login.example.com\""), "{elsewhere}");
    assert!(refused(|config| config.secret = "other".parse().unwrap()).contains("`other`"));
    assert!(refused(|config| config.client_id = String::new()).contains("client_id"));
    let address = refused(|config| config.endpoint = "https://169.254.169.254/introspect".to_owned());
    assert!(address.contains("address"), "{address}");
    assert_eq!(server.heard().len(), 0);
}

#[tokio::test]
async fn op_01_nothing_that_is_printed_shows_the_hosts_own_secret() {
    let server = Server::start(|_, _| answer(json!({ "active": true, "iss": SECRET }))).await;
    let introspector = introspector(&server);
    let refused = introspector.introspect("opaque", NOW).await.unwrap_err();
    assert!(!format!("{introspector:?} {refused} {refused:?}").contains("canary"));
}
