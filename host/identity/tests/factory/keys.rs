//! Keys over time: rotated, retired, not to be had, and asked for by a flood.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::Algorithm;
use portcullis_identity::{FIRST_INTERVAL, INTERVAL, MAX_AGE, MAX_STALE, NotProven};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    issuer::{Issuer, Page, Signer},
    tokens::{Factory, signed},
    verifier::{Hands, NOW, present, verdict},
};

fn token(issuer: &Issuer, signer: &Signer, subject: &str) -> String {
    let url = issuer.url();
    let factory =
        Factory { issuer: url, rsa: signer, ec: signer, ed: signer, foreign: signer, sink: String::new(), now: NOW };
    let mut claims = factory.claims();
    claims["sub"] = json!(subject);
    claims["exp"] = json!(NOW + 86_400);
    signed(signer, &factory.header(signer).to_string(), &claims.to_string())
}

fn old_and_new() -> (Signer, Signer) {
    (Signer::new("old", Algorithm::ES256), Signer::new("new", Algorithm::ES256))
}

fn just_over(time: Duration, hands: &Hands) {
    hands.pass(time + Duration::from_secs(1));
}

#[tokio::test]
async fn au_22_a_new_key_is_found_when_a_token_names_it() {
    let (old, new) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let (authentication, hands) = issuer.verifier(issuer.config());
    assert_eq!(verdict(&authentication, &token(&issuer, &old, "a")).await, "good");
    issuer.show(&[&old, &new]);
    just_over(INTERVAL, &hands);
    assert_eq!(verdict(&authentication, &token(&issuer, &new, "a")).await, "good");
    assert_eq!(issuer.heard("/jwks"), 2);
}

/// Fails if a retired key verifies anything, or if a token that it verified before is remembered for longer.
#[tokio::test]
async fn au_22_a_retired_key_ends_with_the_next_answer_and_its_tokens_with_it() {
    let (old, new) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let (authentication, hands) = issuer.verifier(issuer.config());
    let remembered = token(&issuer, &old, "a");
    assert_eq!(verdict(&authentication, &remembered).await, "good");
    issuer.show(&[&new]);
    hands.pass(MAX_AGE - Duration::from_secs(1));
    assert_eq!(verdict(&authentication, &remembered).await, "good");
    // Nobody has named the new key: the age alone makes the host ask.
    just_over(Duration::ZERO, &hands);
    assert_eq!(verdict(&authentication, &remembered).await, "key");
    assert_eq!(verdict(&authentication, &token(&issuer, &old, "b")).await, "key");
    assert_eq!(verdict(&authentication, &token(&issuer, &new, "c")).await, "good");
}

#[tokio::test]
async fn au_22_the_same_keys_again_keep_what_was_verified() {
    let (old, _) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let (authentication, hands) = issuer.verifier(issuer.config());
    let remembered = token(&issuer, &old, "a");
    for asked in 1..=3 {
        assert_eq!(verdict(&authentication, &remembered).await, "good");
        assert_eq!(verdict(&authentication, &remembered).await, "good");
        assert_eq!(issuer.heard("/jwks"), asked);
        just_over(MAX_AGE, &hands);
    }
}

#[tokio::test]
async fn au_22_while_the_issuer_is_away_its_keys_hold_for_a_day_and_no_longer() {
    let (old, new) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let (authentication, hands) = issuer.verifier(issuer.config());
    let remembered = token(&issuer, &old, "a");
    assert_eq!(verdict(&authentication, &remembered).await, "good");
    issuer.away(true);
    for hour in 1..=23 {
        just_over(Duration::from_secs(3600), &hands);
        assert_eq!(verdict(&authentication, &remembered).await, "good", "{hour} h");
        assert_eq!(verdict(&authentication, &token(&issuer, &old, &format!("{hour}"))).await, "good", "{hour} h");
        // It may be one of those that the issuer has by now: nobody can say.
        let unknown = present(&authentication, &token(&issuer, &new, "b")).await;
        assert!(
            matches!(unknown, Err(NotProven::Unavailable { retry_after, .. }) if retry_after <= INTERVAL),
            "{unknown:?}"
        );
    }
    hands.pass(MAX_STALE - Duration::from_secs(23 * 3600 + 23));
    assert_eq!(verdict(&authentication, &remembered).await, "issuer-unavailable");
    assert_eq!(verdict(&authentication, &token(&issuer, &old, "c")).await, "issuer-unavailable");
}

#[tokio::test]
async fn au_22_an_issuer_that_comes_back_is_asked_again() {
    let (old, _) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let (authentication, hands) = issuer.verifier(issuer.config());
    issuer.away(true);
    let token = token(&issuer, &old, "a");
    for _ in 0..20 {
        assert_eq!(verdict(&authentication, &token).await, "issuer-unavailable");
    }
    assert_eq!(issuer.heard("/.well-known/oauth-authorization-server"), 1);
    issuer.away(false);
    assert_eq!(verdict(&authentication, &token).await, "issuer-unavailable");
    just_over(FIRST_INTERVAL, &hands);
    assert_eq!(verdict(&authentication, &token).await, "good");
}

/// Fails without single flight, or without the interval: the issuer would be asked once for each token, or for each wave.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn au_22_five_thousand_tokens_of_unknown_keys_are_one_fetch_in_an_interval() {
    let (old, _) = old_and_new();
    let issuer = Arc::new(Issuer::showing(&[&old]).await);
    let (authentication, hands) = issuer.verifier(issuer.config());
    assert_eq!(verdict(&authentication, &token(&issuer, &old, "a")).await, "good");
    let good = token(&issuer, &old, "a");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let claims = message.split_once('.').unwrap().1;
    for wave in 0..3 {
        just_over(INTERVAL, &hands);
        let mut presented = JoinSet::new();
        for at in 0..5000 {
            let header = json!({"typ": "at+jwt", "alg": "ES256", "kid": format!("{wave}-{at}")}).to_string();
            let token = format!("{}.{claims}.{signature}", crate::tokens::encoded(header));
            let authentication = Arc::clone(&authentication);
            presented.spawn(async move { verdict(&authentication, &token).await });
        }
        while let Some(verdict) = presented.join_next().await {
            assert_eq!(verdict.unwrap(), "key");
        }
        assert_eq!(issuer.heard("/jwks"), wave + 2);
        assert_eq!(verdict(&authentication, &good).await, "good");
    }
}

/// Fails if asking ends with whoever wanted it: an attacker who hangs up would keep the keys from everybody.
#[tokio::test]
async fn au_22_who_goes_away_does_not_take_the_answer_with_it() {
    let (old, _) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let (authentication, _) = issuer.verifier(issuer.config());
    let token = token(&issuer, &old, "a");
    {
        let mut impatient = Box::pin(present(&authentication, &token));
        assert!(futures_poll(&mut impatient).await.is_none());
    }
    assert_eq!(verdict(&authentication, &token).await, "good");
    assert_eq!(issuer.heard("/jwks"), 1);
}

/// Polls once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn au_22_a_key_set_that_is_too_much_or_none_leaves_the_keys_as_they_were() {
    let (old, new) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let (authentication, hands) = issuer.verifier(issuer.config());
    assert_eq!(verdict(&authentication, &token(&issuer, &old, "a")).await, "good");
    let many: Vec<_> = (0..101)
        .map(|at| {
            let mut jwk = new.jwk();
            jwk["kid"] = json!(format!("{at}"));
            jwk
        })
        .collect();
    let padded = json!({"keys": [new.jwk()], "pad": "a".repeat(300 << 10)});
    let page = |status: u16, body: &str| Page { status, head: String::new(), body: body.as_bytes().to_vec() };
    for answer in [
        Page::json(&json!({"keys": many})),
        Page::json(&padded),
        Page::json(&json!({"keys": []})),
        Page::json(&json!({"keys": [{"kty": "oct", "kid": "new", "k": "AAAA", "alg": "HS256"}]})),
        Page::json(&json!([new.jwk()])),
        page(200, "<html>"),
        page(200, &format!("{{\"keys\":[{}],\"keys\":[]}}", new.jwk())),
        page(200, &"[".repeat(100_000)),
        page(500, &json!({"keys": [new.jwk()]}).to_string()),
        page(204, ""),
        Page { status: 200, head: "content-encoding: gzip\r\n".into(), body: vec![0x1f, 0x8b, 8, 0] },
    ] {
        issuer.page("/jwks", answer);
        just_over(INTERVAL, &hands);
        let before = issuer.heard("/jwks");
        assert_eq!(verdict(&authentication, &token(&issuer, &new, "b")).await, "issuer-unavailable");
        assert_eq!(issuer.heard("/jwks"), before + 1);
        assert_eq!(verdict(&authentication, &token(&issuer, &old, "c")).await, "good");
    }
}

#[tokio::test]
async fn au_22_odd_keys_in_a_set_do_not_keep_the_others_out() {
    let (old, new) = old_and_new();
    let issuer = Issuer::showing(&[&old]).await;
    let mut private = new.jwk();
    private["d"] = json!("AAAA");
    let odd = [json!(1), json!({"kty": "oct", "k": "AAAA"}), json!({"kty": "EC"}), json!({}), private, old.jwk()];
    issuer.page("/jwks", Page::json(&json!({"keys": odd})));
    let (authentication, _) = issuer.verifier(issuer.config());
    assert_eq!(verdict(&authentication, &token(&issuer, &old, "a")).await, "good");
    assert_eq!(verdict(&authentication, &token(&issuer, &new, "a")).await, "key");
}
