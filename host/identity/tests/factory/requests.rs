//! What is proven for each request, and for how long.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use portcullis_identity::{
    Authentication, Authorization, Denial, Denials, DeniedWhat, DenyList, Failures, FailuresConfig, Identity,
    NotProven, Presented,
};
use portcullis_manifest::{Principal, Scope};
use serde_json::json;

use crate::{
    issuer::Issuer,
    verifier::{NOW, Scene, present, verdict},
};

async fn with(authentication: &Authentication, authorization: Authorization<'_>) -> Result<Principal, NotProven> {
    authentication.authenticate(&Presented { authorization, source: None }).await
}

fn rule(result: Result<Principal, NotProven>) -> &'static str {
    result.map_or_else(|not_proven| not_proven.rule(), |_| "good")
}

#[tokio::test]
async fn au_01_each_request_is_authenticated_on_its_own() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let (authentication, _) = issuer.verifier(issuer.config());
    let good = factory.good(factory.ec);
    assert_eq!(verdict(&authentication, &good).await, "good");
    // Nothing of the request before stands for this one.
    assert_eq!(rule(with(&authentication, Authorization::Absent).await), "token-missing");
    assert_eq!(rule(with(&authentication, Authorization::Unreadable).await), "authorization");
    let other = factory.claiming("sub", json!("bob"));
    let (alice, bob) =
        (present(&authentication, &good).await.unwrap(), present(&authentication, &other).await.unwrap());
    assert_eq!(alice.key().to_string(), format!("subject:{}:{}:5:alice", issuer.url().len(), issuer.url()));
    assert_eq!(bob.key().to_string(), format!("subject:{}:{}:3:bob", issuer.url().len(), issuer.url()));
}

#[tokio::test]
async fn the_scheme_is_bearer_and_one_token() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let (authentication, _) = issuer.verifier(issuer.config());
    let good = factory.good(factory.ec);
    for value in [format!("Bearer {good}"), format!("bearer {good}"), format!("BEARER  {good}")] {
        assert_eq!(rule(with(&authentication, Authorization::Value(&value)).await), "good", "{value}");
    }
    for value in [
        good.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer\t{good}"),
        format!(" Bearer {good}"),
        format!("Basic {good}"),
        format!("DPoP {good}"),
        format!("Token {good}"),
        format!("Bearer \"{good}\""),
        format!("Bearer {good}, Bearer {good}"),
        String::new(),
    ] {
        assert_eq!(rule(with(&authentication, Authorization::Value(&value)).await), "scheme", "{value}");
    }
}

/// Fails if scopes are compared by prefix, split on anything but single spaces, or taken from where they are not.
#[tokio::test]
async fn au_05_a_principal_holds_exactly_the_scopes_of_its_token() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let (authentication, _) = issuer.verifier(issuer.config());
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    for (held, needed, holds) in [
        ("tools:read", "tools:read", true),
        ("tools:readwrite", "tools:read", false),
        ("tools:read", "tools:readwrite", false),
        ("xadmin", "admin", false),
        ("Admin", "admin", false),
        ("a\tadmin", "admin", false),
        ("a\nadmin", "admin", false),
        ("a,admin", "admin", false),
        ("a admin", "admin", true),
    ] {
        let principal = present(&authentication, &factory.claiming("scope", json!(held))).await.unwrap();
        assert_eq!(principal.missing(&[scope(needed)]).is_empty(), holds, "{held:?} for {needed:?}");
    }
}

#[tokio::test]
async fn without_sign_in_only_a_request_without_a_token_is_anonymous() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let mut config = issuer.config();
    config.without_sign_in = true;
    let (authentication, _) = issuer.verifier(config);
    assert_eq!(with(&authentication, Authorization::Absent).await, Ok(Principal::anonymous()));
    // A bad token is no missing one: its client has to learn that it needs another.
    assert_eq!(verdict(&authentication, &factory.claiming("exp", json!(1))).await, "expired");
    assert_eq!(rule(with(&authentication, Authorization::Value("")).await), "scheme");
    assert_eq!(rule(with(&authentication, Authorization::Unreadable).await), "authorization");
}

/// Fails if what is remembered outlives the token.
#[tokio::test]
async fn au_03_a_remembered_token_ends_with_its_time() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let mut config = issuer.config();
    config.leeway = Duration::ZERO;
    let (authentication, hands) = issuer.verifier(config);
    let token = factory.claiming("exp", json!(NOW + 100));
    assert_eq!(verdict(&authentication, &token).await, "good");
    hands.pass(Duration::from_secs(99));
    assert_eq!(verdict(&authentication, &token).await, "good");
    hands.pass(Duration::from_secs(1));
    assert_eq!(verdict(&authentication, &token).await, "expired");
    assert_eq!(verdict(&authentication, &token).await, "expired");
}

/// Fails if a token is remembered by less than all of it.
#[tokio::test]
async fn a_token_that_differs_from_a_remembered_one_is_another_token() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let (authentication, _) = issuer.verifier(issuer.config());
    let good = factory.good(factory.ec);
    assert_eq!(verdict(&authentication, &good).await, "good");
    for at in [good.len() - 20, good.len() - 40, good.rfind('.').unwrap() + 3] {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(verdict(&authentication, &String::from_utf8(changed).unwrap()).await, "signature", "{at}");
    }
}

/// Fails if the deny list is asked only for tokens that are not remembered.
#[tokio::test]
async fn au_25_a_remembered_token_ends_with_the_entry_that_shuts_it_out() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let denials = Denials::default();
    let (authentication, _) = issuer.verifier(issuer.config());
    let authentication = Arc::into_inner(authentication).unwrap().denying(denials.clone());
    let good = factory.good(factory.ec);
    let bob = factory.claiming("sub", json!("bob"));
    for (what, rule, bobs) in [
        (DeniedWhat::Subject("alice".into()), "denied", "good"),
        (DeniedWhat::Client("chat".into()), "denied", "denied"),
        (DeniedWhat::Token("1".into()), "denied", "denied"),
        (DeniedWhat::IssuedBefore(NOW + 1), "denied-issued-before", "denied-issued-before"),
    ] {
        assert_eq!(verdict(&authentication, &good).await, "good");
        denials.replace(DenyList::from_iter([Denial { issuer: Some(issuer.url()), what }]));
        assert_eq!(verdict(&authentication, &good).await, rule);
        assert_eq!(verdict(&authentication, &bob).await, bobs);
        denials.replace(DenyList::default());
    }
    assert_eq!(verdict(&authentication, &good).await, "good");
}

/// Fails if a good token is refused for what others presented from the same place, once it is known to be good.
#[tokio::test]
async fn au_26_over_the_limit_only_what_is_known_to_be_good_is_served() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let failures = FailuresConfig { per_source: 3, ..FailuresConfig::default() };
    let failures = Failures::new(&failures, &Issuer::egress(&[])).unwrap();
    let (authentication, _) = issuer.verifier(issuer.config());
    let authentication = Arc::into_inner(authentication).unwrap().counting(failures);
    let good = format!("Bearer {}", factory.good(factory.ec));
    let bad = format!("Bearer {}", factory.claiming("iss", json!("https://evil.example")));
    let from = async |value: &str, source: &str| {
        let presented = Presented { authorization: Authorization::Value(value), source: Some(source.parse().unwrap()) };
        rule(authentication.authenticate(&presented).await)
    };
    assert_eq!(from(&good, "192.0.2.1").await, "good");
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        seen.insert(from(&bad, "192.0.2.1").await);
    }
    assert_eq!(seen, BTreeSet::from(["issuer", "too-many-refused"]));
    assert_eq!(from(&good, "192.0.2.1").await, "good");
    assert_eq!(from("Basic x", "192.0.2.1").await, "too-many-refused");
    assert_eq!(from(&format!("Bearer {}", factory.good(factory.rsa)), "192.0.2.1").await, "too-many-refused");
    assert_eq!(from(&bad, "192.0.2.2").await, "issuer");
}

#[tokio::test]
async fn mc_02_a_listener_that_others_reach_takes_tokens() {
    let issuer = Issuer::start().await;
    let authentication = Authentication::new(issuer.config(), Issuer::egress(&[])).unwrap();
    let identity = Identity::for_listener("0.0.0.0".parse().unwrap(), Some(authentication)).unwrap();
    assert_eq!(identity.issuer(), Some(issuer.url().as_str()));
    assert_eq!(identity.authenticate(&Presented::default()).await, Err(NotProven::Missing));
    assert!(!identity.serves_without_sign_in());
    assert!(Identity::for_listener("0.0.0.0".parse().unwrap(), None).is_err());
}
