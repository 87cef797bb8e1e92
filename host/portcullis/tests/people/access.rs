//! Who sees which plugins, and that what is hidden is as if it were not there (catalogue AU-06, MC-13).

use std::{collections::BTreeMap, net::IpAddr};

use portcullis_backend::{Backend as _, CallRefused, ListKind, Resume};
use portcullis_calls::{Policy, RateLimits};
use portcullis_manifest::Principal;
use serde_json::json;

use crate::people::{House, TOOLS, asked, holder, signed_in, subject};

fn family_only() -> Policy {
    let family = vec!["family".to_owned(), "friends".to_owned()];
    Policy { access: [("two".parse().unwrap(), family)].into(), ..signed_in() }
}

/// Fails without: `Door::lets_in` in `Catalogue::find`.
#[tokio::test(flavor = "multi_thread")]
async fn au_06_a_tool_that_is_hidden_is_answered_and_recorded_as_one_that_is_not_there() {
    let house = House::serving(family_only(), &[]).await;
    let stranger = subject("eve", &["work"]);
    for who in [stranger.clone(), Principal::anonymous(), holder("eve", &["two:read", "two:more"])] {
        assert!(house.listed(&who).is_empty());
        for tool in TOOLS {
            let hidden = house.call(&who, tool, json!({ "n": 1 }), None).await.unwrap_err();
            assert_eq!(hidden, CallRefused::UnknownTool { name: tool.to_owned() }, "{who:?}");
        }
        let unknown = house.call(&who, "two_nothing", json!({ "n": 1 }), None).await.unwrap_err();
        assert_eq!(unknown, CallRefused::UnknownTool { name: "two_nothing".to_owned() });
    }
    // The rows of both can't be told apart, but for their numbers.
    let rows = house.recorded("unknown-tool").await;
    assert_eq!(rows.iter().map(|row| row.count).sum::<i64>(), 24);
    assert!(rows.iter().all(|row| row.tool.is_empty() && row.detail.is_empty() && row.kind == "refused"), "{rows:?}");
    assert!(house.recorded("ok").await.is_empty(), "nothing ran");

    for member in [subject("ann", &["family"]), subject("bob", &["x", "friends"]), Principal::local()] {
        assert_eq!(house.listed(&member), TOOLS);
        assert_eq!(house.said(&member, "two_get", json!({})).await, "nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn au_06_missing_scopes_hide_nothing_so_that_a_client_can_ask_for_them() {
    let house = House::serving(signed_in(), &[]).await;
    let ann = subject("ann", &[]);
    assert_eq!(house.listed(&ann), TOOLS);
    let refused = house.call(&ann, "two_scoped", json!({}), None).await.unwrap_err();
    assert!(matches!(refused, CallRefused::InsufficientScope { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mc_13_a_restriction_holds_from_the_moment_a_plugin_is_served() {
    let house = House::empty(family_only()).await;
    assert!(
        house.host.list(ListKind::Tools, &Principal::local()).varies,
        "what will be restricted is not cached for everybody"
    );
    house.publish().await;
    house.approve(&[]).await.unwrap();
    let (ann, eve) = (
        house.host.list(ListKind::Tools, &subject("ann", &["family"])),
        house.host.list(ListKind::Tools, &subject("eve", &[])),
    );
    assert_eq!((ann.items.len(), eve.items.len()), (TOOLS.len(), 0));
    assert!(ann.varies && eve.varies);
    assert_eq!(ann.generation, eve.generation);
}

#[tokio::test(flavor = "multi_thread")]
async fn au_26_a_refused_token_is_recorded_by_rule_and_by_a_place_that_has_no_address() {
    let house = House::empty(signed_in()).await;
    let from = |source: &str| Some(source.parse::<IpAddr>().unwrap());
    for source in [from("192.0.2.7"), from("::ffff:192.0.2.7"), from("192.0.2.8"), None] {
        house.host.refused_token("signature", source);
    }
    for source in ["2001:db8::1", "2001:db8::2"] {
        house.host.refused_token("expired", from(source));
    }
    let rows = house.recorded("signature").await;
    let mut places: Vec<_> = rows.iter().map(|row| row.principal.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places.len(), 4);
    assert_eq!(places[0], "");
    places.dedup();
    assert_eq!(places.len(), 3, "one address in two forms is one place");
    assert!(places.iter().all(|place| !place.contains("192") && (place.is_empty() || place.starts_with("source:"))));
    let rows = house.recorded("expired").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].principal, rows[1].principal, "a network of IPv6 is one place");
}

/// Fails when only calls are counted for which something runs.
#[tokio::test(flavor = "multi_thread")]
async fn au_40_answers_that_fit_no_question_are_counted_like_calls() {
    let house = House::serving(signed_in(), &[]).await;
    let ann = subject("ann", &[]);
    let ask = asked(house.call(&ann, "two_ask", json!({}), None).await.unwrap());
    let unfit = Resume { state: ask.state, replies: BTreeMap::new() };
    let most = RateLimits::default().user;
    for _ in 1..most {
        asked(house.call(&ann, "two_ask", json!({}), Some(unfit.clone())).await.unwrap());
    }
    // In the time that this has taken some of her calls may have come back to her.
    let mut refused = None;
    for _ in 0..most {
        refused = refused.or(house.call(&ann, "two_ask", json!({}), Some(unfit.clone())).await.err());
    }
    assert!(matches!(refused, Some(CallRefused::Busy { .. })), "{refused:?}");
    assert!(!house.recorded("rate").await.is_empty());
}
