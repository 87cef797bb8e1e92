use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::post::testing::{Server, egress_to};

const SECOND: Duration = Duration::from_secs(1);
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.canary.signature";

/// The numbers that the tests count with.
fn limits() -> FailuresConfig {
    FailuresConfig { per_source: 30, per_client: 60, alert: 100, webhook: None }
}

fn failures(config: &FailuresConfig) -> Failures {
    Failures::new(config, &egress_to(([127, 0, 0, 1], 9).into())).unwrap()
}

fn at(address: &str) -> Option<IpAddr> {
    Some(address.parse().unwrap())
}

fn quiet() -> FailuresConfig {
    FailuresConfig { alert: 0, ..limits() }
}

#[test]
fn au_26_a_source_over_its_limit_is_not_looked_at_and_others_are() {
    let failures = failures(&quiet());
    let (bad, good) = (at("192.0.2.1"), at("192.0.2.2"));
    for _ in 0..30 {
        assert_eq!(failures.may_try_at(bad, TOKEN, SECOND), Ok(()));
        assert_eq!(failures.failed_at(bad, None, TOKEN, SECOND), Ok(()));
    }
    assert_eq!(failures.may_try_at(bad, TOKEN, SECOND), Err(TooMany { retry_after: 2 * SECOND }));
    assert_eq!(failures.may_try_at(good, TOKEN, SECOND), Ok(()));
    assert_eq!(failures.may_try_at(None, TOKEN, SECOND), Ok(()));
    assert_eq!(failures.may_try_at(bad, TOKEN, 3 * SECOND), Ok(()));
    let counts = failures.counts();
    assert_eq!((counts.refused, counts.unseen, counts.client_over, counts.alerts), (30, 1, 0, 0));
}

#[test]
fn au_26_what_is_good_counts_for_nothing() {
    let failures = failures(&quiet());
    let source = at("192.0.2.1");
    for _ in 0..10_000 {
        assert_eq!(failures.may_try_at(source, TOKEN, SECOND), Ok(()));
    }
    assert_eq!(failures.counts(), FailureCounts::default());
}

#[test]
fn au_26_one_network_is_one_source_and_an_address_in_two_forms_is_one() {
    let failures = failures(&quiet());
    for n in 0..30 {
        let _ = failures.failed_at(at(&format!("2001:db8:1:2:{n:x}::1")), None, TOKEN, SECOND);
        let _ = failures.failed_at(at("192.0.2.1"), None, TOKEN, SECOND);
    }
    for refused in ["2001:db8:1:2:ffff::9", "2001:db8:1:2::", "192.0.2.1", "::ffff:192.0.2.1"] {
        assert!(failures.may_try_at(at(refused), TOKEN, SECOND).is_err(), "{refused}");
    }
    for other in ["2001:db8:1:3::1", "2001:db8:2:2::1", "192.0.2.2", "::ffff:192.0.2.2"] {
        assert!(failures.may_try_at(at(other), TOKEN, SECOND).is_ok(), "{other}");
    }
}

#[test]
fn au_26_a_clients_refused_tokens_are_too_many_and_its_good_ones_are_still_looked_at() {
    let failures = failures(&quiet());
    let source = |n: u32| Some(IpAddr::from(std::net::Ipv4Addr::from(n)));
    for n in 0..60 {
        assert_eq!(failures.failed_at(source(n), Some("chat"), TOKEN, SECOND), Ok(()));
    }
    assert_eq!(failures.failed_at(source(60), Some("chat"), TOKEN, SECOND), Err(TooMany { retry_after: SECOND }));
    assert_eq!(failures.failed_at(source(61), Some("other"), TOKEN, SECOND), Ok(()));
    assert_eq!(failures.failed_at(source(62), None, TOKEN, SECOND), Ok(()));
    assert_eq!(failures.may_try_at(source(63), TOKEN, SECOND), Ok(()), "who holds a good one is not held back");
    assert_eq!(failures.failed_at(source(64), Some("chat"), TOKEN, 2 * SECOND), Ok(()));
    assert_eq!(failures.counts().client_over, 1);
}

#[test]
fn au_26_zero_is_no_limit() {
    let failures = failures(&FailuresConfig { per_source: 0, per_client: 0, alert: 0, webhook: None });
    for _ in 0..1_000 {
        assert_eq!(failures.failed_at(at("192.0.2.1"), Some("chat"), TOKEN, SECOND), Ok(()));
        assert_eq!(failures.may_try_at(at("192.0.2.1"), TOKEN, SECOND), Ok(()));
    }
}

#[test]
fn au_26_invented_sources_and_clients_do_not_grow_the_memory() {
    let failures = failures(&quiet());
    for n in 0..200_000_u32 {
        let _ =
            failures.failed_at(Some(IpAddr::from(std::net::Ipv4Addr::from(n))), Some(&n.to_string()), TOKEN, SECOND);
    }
    let inner = &*failures.0;
    assert!(inner.sources.as_ref().unwrap().of.len() <= SOURCES);
    assert!(inner.clients.as_ref().unwrap().of.len() <= CLIENTS);
    assert_eq!(failures.counts().refused, 200_000);
}

/// The webhook is where a test can see an alert as it leaves the host.
#[tokio::test]
async fn au_26_a_thousand_bad_tokens_are_one_alert_with_fingerprints_and_no_token() {
    let server = Server::start(|_, _| "HTTP/1.1 204 No Content\r\n\r\n".to_owned()).await;
    let config = FailuresConfig { webhook: Some(server.url("/hook")), ..limits() };
    let failures = Failures::new(&config, &server.egress()).unwrap();
    failures.key([7; 32]);
    let source = at("192.0.2.77");
    for n in 0..1_000 {
        let token = format!("canary-{n}");
        if failures.may_try_at(source, &token, SECOND).is_ok() {
            let _ = failures.failed_at(source, Some("canary-client"), &token, SECOND);
        }
    }
    let counts = failures.counts();
    assert_eq!((counts.refused, counts.unseen, counts.alerts), (30, 970, 1));
    let heard = server.heard_at_least(1).await;
    let (head, body) = heard[0].split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /hook HTTP/1.1\r\n") && head.contains("\r\ncontent-type: application/json"),
        "{head}"
    );
    assert!(!heard[0].contains("canary") && !heard[0].contains("192.0.2"), "{}", heard[0]);
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["alert"], &body["count"], &body["window_seconds"]),
        (&"authentication-failures".into(), &100.into(), &60.into())
    );
    let print = |what: &str| body[what].as_str().unwrap().to_owned();
    assert!([print("source"), print("token")].iter().all(|print| print.len() == 16));

    // Another minute is another alert; the source has the same fingerprint in it, the token another one.
    while failures.counts().webhooks == 0 {
        tokio::task::yield_now().await;
    }
    for n in 0..1_000 {
        let _ = failures.failed_at(source, None, &format!("canary-{n}"), 62 * SECOND);
    }
    assert_eq!(failures.counts().alerts, 2);
    let heard = server.heard_at_least(2).await;
    let again: Value = serde_json::from_str(heard[1].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(again["source"], body["source"]);
}

#[tokio::test]
async fn au_26_a_webhook_that_hangs_or_refuses_is_asked_once_for_each_alert_and_holds_nobody_up() {
    let (server, gate) = Server::gated(0, |_, _| "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let config = FailuresConfig { alert: 1, webhook: Some(server.url("/hook")), ..limits() };
    let failures = Failures::new(&config, &server.egress()).unwrap();
    let _ = failures.failed_at(at("192.0.2.1"), None, TOKEN, SECOND);
    server.heard_at_least(1).await;
    // The first one is still under way: the others find that, and are told in the log only.
    for minute in 1..5 {
        let _ = failures.failed_at(at("192.0.2.1"), None, TOKEN, minute * 61 * SECOND);
    }
    let counts = failures.counts();
    assert_eq!((counts.alerts, counts.webhooks, counts.webhooks_lost), (5, 0, 4));
    gate.add_permits(1);
    while failures.counts().webhooks_lost < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.heard().len(), 1, "nothing is sent again");
}

#[test]
fn au_26_a_fingerprint_says_nothing_without_the_key_and_the_same_with_it() {
    let prints = |key: Option<[u8; 32]>| {
        let failures = failures(&limits());
        key.into_iter().for_each(|key| failures.key(key));
        ["source", "token"].map(|what| failures.0.alerts.fingerprint(what, TOKEN))
    };
    assert_eq!(prints(Some([1; 32])), prints(Some([1; 32])));
    let all = [prints(Some([1; 32])), prints(Some([2; 32])), prints(None), prints(None)].concat();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 8, "{all:?}");
}

#[test]
fn eg_35_the_webhook_is_over_tls_at_one_place() {
    let refused = |url: &str| {
        let config = FailuresConfig { webhook: Some(url.to_owned()), ..limits() };
        Failures::new(&config, &egress_to(([127, 0, 0, 1], 9).into())).unwrap_err().to_string()
    };
    for url in
        ["http://alerts.example.com/hook", "https://10.0.0.1/hook", "ftp://alerts.example.com", "https://a.example/x*"]
    {
        let error = refused(url);
        assert!(error.contains("`failures.webhook`"), "{url}: {error}");
    }
}
