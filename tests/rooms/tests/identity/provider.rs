//! The provider itself does what the other tests take for granted: else they would show something about it, and not about the
//! host.

use portcullis_tests::{Provider, Resource};
use serde_json::json;

const URL: &str = "https://tools.example/mcp";

#[test]
fn its_tokens_are_what_was_asked_for_and_it_goes_down_and_comes_back() {
    let provider = Provider::start();
    provider.resource(Resource::new(URL, &["notes:read"]));
    provider.account("alice", &["support"]);
    let tokens = provider.sign_in("alice", URL, "notes:read notes:write");
    let claims = tokens.claims();
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["iss"]),
        (&json!("alice"), &json!(URL), &json!(provider.issuer()))
    );
    assert_eq!((&claims["scope"], &claims["groups"]), (&json!("notes:read"), &json!(["support"])));
    assert!(tokens.refresh.is_some() && tokens.id.is_some(), "{tokens:?}");
    let before = provider.count("/token");
    provider.down();
    assert!(provider.refresh(&tokens, URL).is_err(), "nobody listens");
    assert_eq!(provider.count("/token"), before);
    provider.up();
    let second = provider.refresh(&tokens, URL).expect("it knows what it knew");
    assert_ne!(second.access, tokens.access);
    assert!(provider.count("/token") > before);
}

#[test]
fn it_signs_with_other_keys_when_it_is_told_and_takes_back_what_it_remembers() {
    let provider = Provider::start();
    provider.resource(Resource::new(URL, &["notes:read"]));
    let header = |token: &str| token.split('.').next().expect("a part").to_owned();
    let first = provider.sign_in("bob", URL, "notes:read");
    provider.rotate(true);
    let second = provider.sign_in("bob", URL, "notes:read");
    assert_ne!(header(&first.access), header(&second.access), "another key");
    assert!(!first.claims().contains_key("groups"), "nobody said anything of Bob");
    provider.resource(Resource { opaque: true, ..Resource::new(URL, &["notes:read"]) });
    let opaque = provider.sign_in("bob", URL, "notes:read");
    assert!(!opaque.access.contains('.'));
    provider.revoke(&opaque.client, opaque.refresh.as_deref().expect("it can be refreshed"));
    assert!(provider.refresh(&opaque, URL).is_err(), "it was taken back");
}
