use serde_json::json;

use super::*;
use crate::{
    ClaimRefused, Denial, DeniedWhat, DenyList, FailuresConfig, IntrospectionConfig, RULES,
    post::testing::{Server, json as answer},
};

const RESOURCE: &str = "https://tools.example.com/mcp";

fn now() -> u64 {
    SystemClock::default().unix()
}

/// Verifies the tokens of `server`, which shows no keys and is asked about opaque tokens.
fn asking(server: &Server, per_source: u32) -> Authentication {
    let (config, egress) = (AuthenticationConfig::new(server.url(""), RESOURCE), server.egress());
    let introspection = IntrospectionConfig {
        endpoint: server.url("/introspect"),
        client_id: "portcullis".to_owned(),
        secret: "introspection".parse().unwrap(),
        all: false,
    };
    let failures = Failures::new(&FailuresConfig { per_source, ..FailuresConfig::default() }, &egress).unwrap();
    let authentication = Authentication::new(config, egress.clone()).unwrap().counting(failures);
    let checks = Arc::clone(authentication.config());
    authentication.introspecting(Introspector::new(&introspection, checks, &egress).unwrap())
}

fn active(subject: &str) -> Value {
    let (iat, exp) = (now() - 10, now() + 600);
    json!({"active": true, "sub": subject, "aud": RESOURCE, "iat": iat, "exp": exp, "client_id": "chat", "scope": "a b"})
}

async fn present(authentication: &Authentication, token: &str) -> Result<Principal, NotProven> {
    let value = format!("Bearer {token}");
    authentication.authenticate(&Presented { authorization: Authorization::Value(&value), source: None }).await
}

#[tokio::test]
async fn au_24_the_issuer_is_asked_about_an_opaque_token_and_its_answer_is_remembered() {
    let server = Server::start(|_, _| answer(active("ann"))).await;
    let authentication = asking(&server, 30);
    for _ in 0..3 {
        let principal = present(&authentication, "opaque").await.unwrap();
        assert_eq!(principal.client(), Some("chat"));
        assert!(principal.key().to_string().ends_with(":3:ann"));
        assert!(principal.missing(&["a".parse().unwrap(), "b".parse().unwrap()]).is_empty());
    }
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn au_24_what_carries_its_claims_is_not_asked_about_and_a_signature_is_not_passed_by() {
    let server = Server::start(|_, _| answer(active("ann"))).await;
    let authentication = asking(&server, 30);
    assert_eq!(present(&authentication, "a.b.c").await.unwrap_err().rule(), "token-form");
    assert!(server.heard().is_empty());
}

#[tokio::test]
async fn au_25_an_opaque_token_that_is_remembered_ends_with_the_entry_that_shuts_it_out() {
    let server = Server::start(|_, _| answer(active("ann"))).await;
    let denials = Denials::default();
    let authentication = asking(&server, 30).denying(denials.clone());
    assert!(present(&authentication, "opaque").await.is_ok());
    denials.replace(DenyList::from_iter([Denial { issuer: None, what: DeniedWhat::Subject("ann".into()) }]));
    assert_eq!(present(&authentication, "opaque").await.unwrap_err().rule(), "denied");
}

/// Fails if the issuer can be made to answer as many questions as anybody likes.
#[tokio::test]
async fn au_26_over_the_limit_the_issuer_is_not_asked() {
    let server = Server::start(|_, _| answer(json!({"active": false}))).await;
    let authentication = asking(&server, 3);
    let mut rules = Vec::new();
    for at in 0..6 {
        rules.push(present(&authentication, &format!("opaque{at}")).await.unwrap_err().rule());
    }
    let (refused, over) = ("inactive", "too-many-refused");
    assert_eq!(rules, [refused, refused, refused, over, over, over]);
    assert_eq!(server.heard().len(), 3);
    assert_eq!(authentication.failures().unwrap().counts().refused, 3);
}

#[tokio::test]
async fn nobody_is_to_blame_while_the_issuer_is_away() {
    let server = Server::start(|_, _| String::new()).await;
    let authentication = asking(&server, 3);
    for at in 0..6 {
        let not_proven = present(&authentication, &format!("opaque{at}")).await.unwrap_err();
        assert!(matches!(not_proven, NotProven::Unavailable { .. }), "{not_proven:?}");
    }
    assert_eq!(authentication.failures().unwrap().counts().refused, 0);
}

#[test]
fn every_rule_is_in_the_list_and_every_word_of_the_list_is_a_rule() {
    use ClaimRefused as C;
    use TokenRefused as T;
    let claims = [
        C::Missing(String::new()),
        C::Form { claim: String::new(), form: "" },
        C::Issuer,
        C::Audience,
        C::Audiences,
        C::Expired,
        C::NotYet,
        C::Lifetime(1),
        C::Bound,
        C::OtherUse,
    ];
    let tokens = [
        T::Authorization,
        T::Scheme,
        T::Length,
        T::Form,
        T::Header,
        T::Algorithm,
        T::Type,
        T::Critical,
        T::EmbeddedKey,
        T::KeyId,
        T::Key,
        T::Signature,
        T::Claims,
    ];
    let zero = Duration::ZERO;
    let mut words: Vec<_> = tokens.iter().map(T::rule).chain(claims.iter().map(C::rule)).collect();
    words.extend([NotIntrospected::Inactive.rule(), "denied", "denied-issued-before", NotProven::Missing.rule()]);
    words.push(NotProven::TooMany { retry_after: zero }.rule());
    words.push(NotProven::Unavailable { reason: "", retry_after: zero }.rule());
    words.sort_unstable();
    let mut rules = RULES.to_vec();
    rules.sort_unstable();
    assert_eq!(words, rules);
}
