//! What is one person's is nobody else's (catalogue AU-08).

use std::collections::BTreeMap;

use portcullis_backend::{Asking, CallRefused, Reply, Resume};
use portcullis_manifest::{Grants, Principal};
use serde_json::{Map, Value, json};

use crate::people::{House, asked, done, signed_in, subject, text};

/// Everybody who is not ann: another subject, ann of another issuer, one whose name and issuer read like hers when they are
/// joined, somebody in all of her groups, and who runs the host.
fn others() -> [Principal; 5] {
    [
        subject("bob", &[]),
        Principal::subject("https://other.example", "ann", Grants::default()),
        Principal::subject("https://issuer.exampl", "eann", Grants::default()),
        subject("ANN", &["family"]),
        Principal::local(),
    ]
}

fn ann() -> Principal {
    subject("ann", &["family"])
}

/// Fails without: the principal in the name of a partition.
#[tokio::test(flavor = "multi_thread")]
async fn au_08_keys_and_files_of_one_person_are_nobody_elses() {
    let house = House::serving(signed_in(), &[]).await;
    let ann = ann();
    house.said(&ann, "two_put", json!({ "of": "ann" })).await;
    for other in others() {
        assert_eq!(house.said(&other, "two_get", json!({})).await, "nothing", "{other:?}");
        assert_eq!(house.said(&other, "two_read", json!({})).await, "nothing", "{other:?}");
        house.said(&other, "two_put", json!({ "of": "another" })).await;
        assert_eq!(house.said(&other, "two_get", json!({})).await, r#"{"of":"another"}"#);
    }
    // Nobody's writes have reached hers; a token with other groups or scopes is still hers.
    for ann in [ann, subject("ann", &[]).through("another client")] {
        assert_eq!(house.said(&ann, "two_get", json!({})).await, r#"{"of":"ann"}"#);
        assert_eq!(house.said(&ann, "two_read", json!({})).await, r#"{"of":"ann"}"#);
    }
    // Ids in arguments are arguments.
    let claimed = json!({ "of": "bob", "sub": "ann", "owner": "ann", "principal": { "subject": "ann" } });
    house.said(&subject("bob", &[]), "two_put", claimed).await;
    assert_eq!(house.said(&self::ann(), "two_get", json!({})).await, r#"{"of":"ann"}"#);
}

fn confirmed(confirmation: &Value) -> Map<String, Value> {
    Map::from_iter([("of".to_owned(), json!("ann")), ("confirmation".to_owned(), confirmation.clone())])
}

/// Fails without: the comparison of bindings in `Host::confirmed`.
#[tokio::test(flavor = "multi_thread")]
async fn au_08_a_confirmation_of_one_person_is_of_no_use_to_another_and_is_not_used_up_by_them() {
    let house = House::serving(signed_in(), &[]).await;
    let drop = |who: Principal, arguments: Map<String, Value>| {
        let house = &house;
        async move { done(house.send(&who, "two_drop", arguments, Asking::NOTHING, None).await.unwrap()) }
    };
    let offered = drop(ann(), Map::from_iter([("of".to_owned(), json!("ann"))])).await;
    let confirmation = offered.structured.unwrap()["confirmation"].clone();
    assert!(confirmation.is_string());
    for other in others() {
        let refused = drop(other.clone(), confirmed(&confirmation)).await;
        assert!(refused.is_error && text(&refused).contains("given to another principal"), "{other:?}: {refused:?}");
        assert_eq!(house.said(&other, "two_get", json!({})).await, "nothing", "{other:?}");
    }
    assert_eq!(house.said(&ann(), "two_get", json!({})).await, "nothing", "nothing was done yet");
    let held = drop(ann(), confirmed(&confirmation)).await;
    assert!(!held.is_error, "{held:?}");
    assert_eq!(house.said(&ann(), "two_get", json!({})).await, r#"{"of":"ann"}"#);
    assert_eq!(house.recorded("confirmation").await.len(), others().len());
}

fn good() -> BTreeMap<String, Reply> {
    let content = Map::from_iter([("good".to_owned(), json!(true))]);
    BTreeMap::from([("ok".to_owned(), Reply::Accepted(content))])
}

/// Fails without: `Binding::matches` in `Host::answers`.
#[tokio::test(flavor = "multi_thread")]
async fn au_08_the_sealed_state_of_one_persons_question_is_of_no_use_to_another() {
    let house = House::serving(signed_in(), &[]).await;
    let resume = |state: &str| Some(Resume { state: state.to_owned(), replies: good() });
    let ask = asked(house.call(&ann(), "two_ask", json!({}), None).await.unwrap());
    assert!(!ask.state.contains("mine"), "sealed");
    for other in others() {
        let refused = house.call(&other, "two_ask", json!({}), resume(&ask.state)).await;
        assert!(matches!(refused, Err(CallRefused::State { .. })), "{other:?}: {refused:?}");
    }
    let answered = done(house.call(&ann(), "two_ask", json!({}), resume(&ask.state)).await.unwrap());
    assert_eq!(text(&answered), "mine", "they have not used it up");
}

/// Fails without: the comparison of bindings in `Host::person_said` and in `Host::confirmed`.
#[tokio::test(flavor = "multi_thread")]
async fn au_08_another_neither_agrees_nor_declines_for_one_person() {
    let house = House::serving(signed_in(), &[]).await;
    let drop = |who: Principal, resume: Option<Resume>| {
        let house = &house;
        async move { house.call(&who, "two_drop", json!({ "of": "ann" }), resume).await.unwrap() }
    };
    let ask = asked(drop(ann(), None).await);
    let agreed = Map::from_iter([("confirm".to_owned(), json!(true))]);
    for reply in [Reply::Accepted(agreed.clone()), Reply::Declined, Reply::Cancelled] {
        for other in others() {
            let replies = BTreeMap::from([("confirm".to_owned(), reply.clone())]);
            let refused = done(drop(other.clone(), Some(Resume { state: ask.state.clone(), replies })).await);
            assert!(refused.is_error, "{other:?}: {refused:?}");
            assert_eq!(house.said(&other, "two_get", json!({})).await, "nothing", "{other:?}");
        }
    }
    let replies = BTreeMap::from([("confirm".to_owned(), Reply::Accepted(agreed))]);
    let held = done(drop(ann(), Some(Resume { state: ask.state, replies })).await);
    assert!(!held.is_error, "nobody has declined for her: {held:?}");
    assert_eq!(house.said(&ann(), "two_get", json!({})).await, r#"{"of":"ann"}"#);
}
