//! Calls without sign-in: only of tools that read, that an approver has named, where the operator lets any be (DESIGN
//! section 6a).

use std::collections::BTreeMap;

use portcullis_backend::{Backend as _, CallRefused, ListKind, Reply, Resume};
use portcullis_calls::Policy;
use portcullis_manifest::Principal;
use serde_json::{Map, json};

use crate::people::{House, TOOLS, asked, done, holder, signed_in, subject, text};

fn mixed() -> Policy {
    Policy { without_sign_in: true, ..signed_in() }
}

fn scopes_of(refused: CallRefused) -> Vec<String> {
    match refused {
        CallRefused::SignIn { needed } => needed.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// Fails without: `may_call` in `Host::run`.
#[tokio::test(flavor = "multi_thread")]
async fn au_06_without_sign_in_all_tools_are_listed_and_only_open_ones_answer() {
    let house = House::serving(mixed(), &["look"]).await;
    let nobody = Principal::anonymous();
    assert_eq!(house.listed(&nobody), TOOLS);
    assert_eq!(house.said(&nobody, "two_look", json!({})).await, "nothing");
    for tool in TOOLS.into_iter().filter(|tool| *tool != "two_look") {
        let needed = if tool == "two_scoped" { vec!["two:read", "two:more"] } else { Vec::new() };
        // Whatever comes with it is not even looked at: arguments of no form, a confirmation, a state.
        let resume = Resume { state: "x".to_owned(), replies: BTreeMap::new() };
        for (arguments, resume) in
            [(json!({}), None), (json!({ "confirmation": 1, "surplus": [] }), None), (json!({}), Some(resume))]
        {
            let refused = house.call(&nobody, tool, arguments, resume).await.unwrap_err();
            assert_eq!(scopes_of(refused), needed, "{tool}");
        }
    }
    let refused = house.recorded("sign-in").await;
    assert_eq!(refused.iter().map(|row| row.count).sum::<i64>(), 18);
    assert!(refused.iter().all(|row| row.principal == "anonymous" && row.kind == "refused"));
    // Nothing of it ran.
    let calls = house.recorded("ok").await;
    assert_eq!(calls.iter().map(|row| row.tool.as_str()).collect::<Vec<_>>(), ["two_look"]);
    // Who has signed in calls all of them.
    assert_eq!(house.said(&subject("ann", &[]), "two_get", json!({})).await, "nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_operator_an_approval_of_calls_without_sign_in_has_no_effect() {
    for policy in [
        signed_in(),
        Policy { without_sign_in: true, ..Policy::default() },
        Policy { access: [("two".parse().unwrap(), vec!["family".to_owned()])].into(), ..mixed() },
    ] {
        let restricted = !policy.access.is_empty();
        let house = House::serving(policy, &["look"]).await;
        let refused = house.call(&Principal::anonymous(), "two_look", json!({}), None).await.unwrap_err();
        match restricted {
            true => {
                assert!(matches!(refused, CallRefused::UnknownTool { .. }), "who is in no group sees nothing of it")
            }
            false => assert_eq!(scopes_of(refused), [""; 0]),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_says_anew_what_may_be_called_without_sign_in() {
    let house = House::serving(mixed(), &[]).await;
    let nobody = Principal::anonymous();
    let look = || house.call(&nobody, "two_look", json!({}), None);
    assert!(look().await.is_err());
    let before = house.host.list(ListKind::Tools, &nobody).generation;
    house.approve(&["two_look", "look"]).await.unwrap();
    assert!(look().await.is_ok());
    assert!(house.host.list(ListKind::Tools, &nobody).generation > before, "what clients are told of it has changed");
    house.approve(&[]).await.unwrap();
    assert!(look().await.is_err());
    house.approve(&["ask", "look"]).await.unwrap();
    house.host.decide("two@1.0.0", false, "bob").await.unwrap();
    // It runs for nobody; whoever still knows the name is told why.
    let withdrawn = done(look().await.unwrap());
    assert!(withdrawn.is_error && text(&withdrawn).contains("was withdrawn"), "{withdrawn:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_without_sign_in_is_refused_with_what_would_allow_it_and_recorded_when_it_is_not() {
    let house = House::empty(mixed()).await;
    house.publish().await;
    for (name, said) in [
        ("put", "`two_put` can't be called without sign-in: it is labelled `write`"),
        ("two_drop", "`two_drop` can't be called without sign-in: it is labelled `destructive`"),
        (
            "get",
            "`two_get` can't be called without sign-in: it uses `box`, of which each person has a part of their own",
        ),
        ("read", "it uses `disk`, of which each person"),
        ("scoped", "its callers need the scopes two:read two:more, which come with an access token"),
        ("nothing", "two@1.0.0 has no tool `nothing`: name each tool"),
        ("TWO_LOOK", "has no tool `TWO_LOOK`"),
        ("two_", "has no tool `two_`"),
        ("", "has no tool ``"),
    ] {
        let refused = house.approve(&["look", name]).await.unwrap_err();
        assert!(refused.contains(said), "{name}: {refused}");
    }
    assert!(house.listed(&Principal::local()).is_empty(), "a refused approval approves nothing");
    let refused = house.recorded("admin-refused").await;
    let rules: Vec<_> = refused.iter().rev().map(|row| row.detail.as_str()).collect();
    assert_eq!(rules[..5], ["approve: sign-in needed"; 5]);
    assert_eq!(rules[5..], ["approve: no such tool"; 4]);

    house.approve(&["ask", "look"]).await.unwrap();
    let release = &house.host.releases().await.unwrap()[0];
    assert_eq!(release.approval.as_ref().unwrap().without_sign_in, ["two_ask", "two_look"]);
    let recorded = &house.recorded("approve").await[0];
    assert_eq!(recorded.detail, "two@1.0.0, without four eyes; without sign-in: two_ask two_look");
}

/// Fails without: `Call::is_anonymous` in `Host::open` and in `Host::put`.
#[tokio::test(flavor = "multi_thread")]
async fn wr_05_whoever_has_not_signed_in_is_asked_nothing() {
    let house = House::serving(mixed(), &["ask"]).await;
    let nobody = Principal::anonymous();
    let answer = done(house.call(&nobody, "two_ask", json!({}), None).await.unwrap());
    assert!(answer.is_error && text(&answer).contains("nobody has signed in who could be asked"), "{answer:?}");
    // Nor is what somebody else was asked theirs to answer.
    let ask = asked(house.call(&subject("ann", &[]), "two_ask", json!({}), None).await.unwrap());
    let content = Map::from_iter([("good".to_owned(), json!(true))]);
    let replies = BTreeMap::from([("ok".to_owned(), Reply::Accepted(content))]);
    let resume = Some(Resume { state: ask.state, replies });
    let refused = house.call(&nobody, "two_ask", json!({}), resume.clone()).await.unwrap_err();
    assert!(matches!(refused, CallRefused::State { .. }), "{refused:?}");
    let answered = done(house.call(&subject("ann", &[]), "two_ask", json!({}), resume).await.unwrap());
    assert_eq!(text(&answered), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_are_told_of_sign_in_is_what_holds() {
    let house = House::serving(mixed(), &["look"]).await;
    let ann = subject("ann", &[]);
    for (tool, schemes) in [
        ("two_look", json!([{ "type": "noauth" }, { "type": "oauth2", "scopes": [] }])),
        ("two_get", json!([{ "type": "oauth2", "scopes": [] }])),
        ("two_scoped", json!([{ "type": "oauth2", "scopes": ["two:read", "two:more"] }])),
    ] {
        let told = house.descriptor(&ann, tool);
        assert_eq!(told["securitySchemes"], schemes, "{tool}");
        assert_eq!(told["_meta"]["securitySchemes"], schemes, "{tool}");
    }
    let resource = house.host.resource().expect("callers sign in");
    assert_eq!(resource.issuers, [crate::people::ISSUER]);
    assert_eq!(resource.scopes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["two:more", "two:read"]);

    // Where everybody signs in, no tool says otherwise.
    let house = House::serving(signed_in(), &["look"]).await;
    assert_eq!(house.descriptor(&ann, "two_look")["securitySchemes"], json!([{ "type": "oauth2", "scopes": [] }]));
    // Where nobody does, nothing is said of it.
    let house = House::serving(Policy { without_sign_in: true, ..Policy::default() }, &["look"]).await;
    assert_eq!(house.host.resource(), None);
    let told = house.descriptor(&Principal::local(), "two_look");
    assert!(told["securitySchemes"].is_null() && told["_meta"].is_null(), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn au_05_a_call_without_all_scopes_is_refused_with_all_of_them_before_anything_in_it_is_looked_at() {
    let house = House::serving(signed_in(), &[]).await;
    for held in [&[][..], &["two:read"], &["two:more", "two:rea", "two:read2"]] {
        let resume = Some(Resume { state: "x".to_owned(), replies: BTreeMap::new() });
        for (arguments, resume) in [(json!({}), None), (json!({ "surplus": 1 }), None), (json!({}), resume)] {
            let refused = house.call(&holder("ann", held), "two_scoped", arguments, resume).await.unwrap_err();
            let CallRefused::InsufficientScope { needed } = refused else { panic!("{refused:?}") };
            assert_eq!(needed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["two:read", "two:more"]);
        }
    }
    assert_eq!(house.said(&holder("ann", &["two:more", "two:read"]), "two_scoped", json!({})).await, "done");
}
