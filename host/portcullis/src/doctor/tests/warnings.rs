//! What works, for some clients or for now.

use serde_json::{Value, json};

use super::{
    Check, Page, Report, Verdict, World, is,
    world::{date, key},
};

/// A world with one change, looked at: no fault.
async fn with(change: impl FnOnce(&mut World)) -> Report {
    let mut world = World::new().await;
    change(&mut world);
    let report = world.examined().await;
    assert_eq!(report.count(Verdict::Fault), 0, "\n{report}");
    report
}

fn insert(world: &mut World, place: &str, name: &str, value: Value) {
    world.change(place, |document| drop(document.insert(name.to_owned(), value)));
}

#[track_caller]
fn warns(report: &Report, check: Check, found: &str, change: &str) {
    is(report, Verdict::Warning, check, found, change);
}

#[tokio::test]
async fn clients_that_are_registered_by_hand() {
    let report = with(|world| {
        world.change("issuer", |document| {
            document.remove("registration_endpoint");
            document.remove("client_id_metadata_document_supported");
        });
    })
    .await;
    let said: Vec<_> =
        report.findings().iter().filter(|it| it.verdict == Verdict::Warning).map(|it| it.check).collect();
    assert_eq!(said, [Check::Registration, Check::ChatGpt], "\n{report}");
    let text = report.to_string();
    assert!(text.contains("by hand only") && text.contains("connector_platform_oauth_redirect"), "{text}");
}

#[tokio::test]
async fn how_clients_register_is_said() {
    for (documents, dynamic, words, chatgpt) in [
        (true, true, "client ID metadata documents, and dynamic registration", "https://chatgpt.com/oauth/client.json"),
        (true, false, "client ID metadata documents", "https://chatgpt.com/oauth/client.json"),
        (false, true, "dynamic registration (RFC 7591)", "by dynamic registration, once for each connection"),
    ] {
        let report = with(|world| {
            world.change("issuer", |document| {
                document.insert("client_id_metadata_document_supported".to_owned(), json!(documents));
                if !dynamic {
                    document.remove("registration_endpoint");
                }
            });
        })
        .await;
        let said = |check: Check| &report.findings().iter().find(|it| it.check == check).unwrap().found;
        assert!(said(Check::Registration).starts_with(words), "\n{report}");
        assert!(said(Check::ChatGpt).contains(chatgpt), "\n{report}");
    }
}

#[tokio::test]
async fn answers_that_do_not_name_the_issuer() {
    let report = with(|world| {
        insert(world, "issuer", "authorization_response_iss_parameter_supported", json!("true"));
    })
    .await;
    warns(&report, Check::ResponseIssuer, "is not true", "RFC 9207");
    assert!(report.to_string().contains("https://chatgpt.com/connector/oauth/{callback_id}"), "\n{report}");
}

#[tokio::test]
async fn people_who_would_sign_in_again_and_again() {
    let report = with(|world| insert(world, "issuer", "grant_types_supported", json!(["authorization_code"]))).await;
    warns(&report, Check::Endpoints, "no `refresh_token`", "switch refresh tokens on");
}

#[tokio::test]
async fn scopes_that_no_token_will_hold() {
    let report = with(|world| insert(world, "issuer", "scopes_supported", json!(["openid", "notes:read"]))).await;
    warns(&report, Check::Scopes, "`notes:write`", "define them");
}

#[tokio::test]
async fn offline_access_among_the_tools_scopes() {
    let report = with(|world| {
        for place in ["resource", "root"] {
            insert(world, place, "scopes_supported", json!(["notes:read", "offline_access"]));
        }
        insert(world, "issuer", "scopes_supported", json!(["notes:read", "offline_access"]));
    })
    .await;
    warns(&report, Check::Scopes, "lists `offline_access`", "take it out");
}

#[tokio::test]
async fn older_clients_that_look_at_the_root() {
    let report = with(|world| *world.page("root") = Page::of(404, "")).await;
    warns(&report, Check::Metadata, "the status 404", "let the proxy pass `/.well-known/oauth-protected-resource` on");
    let report = with(|world| insert(world, "root", "resource", json!("https://other.example/mcp"))).await;
    warns(&report, Check::Resource, "names another `resource`", "the same document");
}

#[tokio::test]
async fn a_challenge_that_leads_elsewhere_on_the_same_origin() {
    let report = with(|world| {
        let metadata = world.page("resource").clone();
        *world.page("/metadata") = metadata;
        let named = format!("Bearer resource_metadata=\"{}\"", world.at("/metadata"));
        world.header("mcp", "www-authenticate", Some(&named));
    })
    .await;
    warns(&report, Check::Challenge, "/metadata`; clients that don't read it look at", "serve the same document");
}

#[tokio::test]
async fn documents_of_another_content_type() {
    let report = with(|world| world.header("resource", "content-type", Some("text/plain"))).await;
    warns(&report, Check::Metadata, "`text/plain`", "pass the content type on");
}

#[tokio::test]
async fn keys_without_names() {
    let set = json!({ "keys": [key("RS256", "a"), key("ES256", "a")] }).to_string();
    let report = with(|world| world.page("keys").body = set).await;
    warns(&report, Check::Keys, "have no `kid`, or the same", "a `kid` of its own");
}

#[tokio::test]
async fn a_clock_that_can_not_be_seen() {
    let report = with(|world| world.header("issuer", "date", None)).await;
    warns(&report, Check::Clock, "no `Date`", "NTP");
    let report = with(|world| world.header("issuer", "date", Some("yesterday"))).await;
    warns(&report, Check::Clock, "no HTTP date", "correct what serves it");
}

#[tokio::test]
async fn opaque_tokens_need_no_keys() {
    let report = with(|world| {
        world.change("issuer", |document| drop(document.remove("jwks_uri")));
        world.expected.introspection = true;
    })
    .await;
    assert_eq!(report.count(Verdict::Warning), 0, "\n{report}");
}

#[tokio::test]
async fn more_servers_than_are_looked_at() {
    let report = with(|world| {
        let many: Vec<_> = std::iter::repeat_n(world.login.clone(), 6).collect();
        for place in ["resource", "root"] {
            insert(world, place, "authorization_servers", json!(many));
        }
        world.header("mcp", "date", Some(&date(0)));
    })
    .await;
    warns(&report, Check::AuthorizationServers, "names 6; only the first 4", "");
}
