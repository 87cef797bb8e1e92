//! One thing wrong at a time, each on live servers, and named.

mod faults;
mod issuers;
mod warnings;
mod world;

use serde_json::json;

use super::{
    Report,
    finding::{Check, Verdict},
};
use world::{Page, TOOLS, World};

/// That exactly one check is at fault, with these words in what was found and in what to change.
#[track_caller]
fn is_at_fault(report: &Report, check: Check, found: &str, change: &str) {
    is(report, Verdict::Fault, check, found, change);
}

#[track_caller]
fn is(report: &Report, verdict: Verdict, check: Check, found: &str, change: &str) {
    let such: Vec<_> = report.findings().iter().filter(|finding| finding.verdict == verdict).collect();
    let [only] = such[..] else { panic!("not one {}:\n{report}", verdict.as_str()) };
    assert_eq!(only.check, check, "\n{report}");
    assert!(only.found.contains(found), "no {found:?}:\n{report}");
    assert!(only.change.contains(change), "no {change:?}:\n{report}");
}

#[tokio::test]
async fn what_is_as_it_should_be_has_nothing_to_change_and_no_token_is_sent() {
    let world = World::new().await;
    let (heard, url) = (world.heard(), world.url.clone());
    let report = world.examined().await;
    assert!(report.findings().iter().all(|it| it.verdict == Verdict::Ok && it.change.is_empty()), "\n{report}");
    let all = [
        Check::Url,
        Check::Reach,
        Check::Tls,
        Check::Challenge,
        Check::Metadata,
        Check::Resource,
        Check::Scopes,
        Check::AuthorizationServers,
        Check::IssuerMetadata,
        Check::Issuer,
        Check::Endpoints,
        Check::Pkce,
        Check::Registration,
        Check::ResponseIssuer,
        Check::Keys,
        Check::Clock,
        Check::ChatGpt,
    ];
    for check in all {
        assert!(report.findings().iter().any(|it| it.check == check), "{}:\n{report}", check.as_str());
    }
    let heard = heard.lock();
    assert_eq!(heard.len(), 5, "{heard:#?}");
    assert!(!heard.iter().any(|head| head.to_ascii_lowercase().contains("\r\nauthorization:")), "{heard:#?}");
    let json = report.json(&url);
    assert_eq!((&json["faults"], &json["warnings"], &json["url"]), (&json!(0), &json!(0), &json!(url)));
    assert_eq!(
        json["checks"][0],
        json!({ "check": "url", "verdict": "ok", "at": url, "found": "https, with a name", "change": null })
    );
}

#[tokio::test]
async fn openid_discovery_alone_is_enough() {
    let mut world = World::new().await;
    let page = world.page("issuer").clone();
    *world.page("openid") = page;
    *world.page("issuer") = Page::of(404, "");
    let report = world.examined().await;
    assert_eq!(report.count(Verdict::Fault) + report.count(Verdict::Warning), 0, "\n{report}");
    assert!(report.to_string().contains("/.well-known/openid-configuration"), "\n{report}");
}

#[tokio::test]
async fn a_public_url_without_a_path_has_one_place_for_its_metadata() {
    let mut world = World::new().await;
    let origin = world.url.strip_suffix("mcp").unwrap().to_owned();
    let challenge = format!("Bearer resource_metadata=\"{}\"", world.at("root"));
    *world.page("/") = Page::of(401, "").with("www-authenticate", &challenge).with("date", &world::date(0));
    world.change("root", |document| drop(document.insert("resource".to_owned(), json!(origin))));
    world.url = origin;
    let report = world.examined().await;
    assert_eq!(report.count(Verdict::Fault) + report.count(Verdict::Warning), 0, "\n{report}");
}

#[tokio::test]
async fn anonymous_calling_that_the_configuration_wants_is_no_fault() {
    let mut world = World::new().await;
    world.page("mcp").status = 200;
    world.expected.without_sign_in = true;
    let report = world.examined().await;
    assert_eq!(report.count(Verdict::Fault), 0, "\n{report}");
    assert!(report.to_string().contains("`authentication.without_sign_in`"), "\n{report}");
}

#[tokio::test]
async fn wx_25_what_others_serve_is_shown_and_not_obeyed() {
    let mut world = World::new().await;
    let hostile = format!("https://{TOOLS}/\u{1b}[2J\u{202e}{}", "x".repeat(10_000));
    world.change("resource", |document| drop(document.insert("resource".to_owned(), json!(hostile))));
    let report = world.examined().await.to_string();
    assert!(report.contains("\\u{1b}[2J\\u{202e}") && !report.contains('\u{1b}') && !report.contains('\u{202e}'));
    assert!(!report.contains(&"x".repeat(300)), "{report}");
}

#[test]
fn it_needs_no_secret_and_takes_this_machines_public_addresses_for_public() {
    let text = "[secrets]\nkey = { file = \"/nowhere\", origin = \"https://a.example\" }\n[egress]\nname_servers = [\"192.0.2.1:53\"]";
    let config: crate::config::Config = toml::from_str(text).unwrap();
    let egress = super::egress(&config);
    assert!(egress.secrets.is_empty() && egress.addresses.local.is_empty() && egress.addresses.own.is_empty());
    portcullis_egress::Egress::start(egress).unwrap();
}
