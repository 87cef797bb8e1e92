//! Every hostile token is refused by its own rule, and nothing in one makes the host ask anybody.

use std::collections::BTreeSet;

use jsonwebtoken::Algorithm;
use portcullis_identity::{Authentication, RULES, TokenType};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    issuer::{Issuer, Signer},
    tokens::{Factory, signed, signers},
    verifier::{NOW, Scene, present, verdict},
};

/// Fails without: the rule that each case names. A rule that is not there lets its tokens through or to another rule.
#[tokio::test]
async fn au_02_au_03_au_04_au_23_au_24_every_hostile_token_is_refused_by_its_rule() {
    let [rsa, ec, ed, foreign] = signers();
    let issuer = Issuer::showing(&[&rsa, &ec, &ed]).await;
    let sink = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sink_port = sink.local_addr().unwrap().port();
    let ports = [issuer.address.port(), sink_port];
    let (authentication, _) = issuer.verifier_reaching(issuer.config(), &ports);
    let sink_url = format!("http://localhost:{sink_port}");
    let factory =
        Factory { issuer: issuer.url(), rsa: &rsa, ec: &ec, ed: &ed, foreign: &foreign, sink: sink_url, now: NOW };
    for signer in [&rsa, &ec, &ed] {
        assert_eq!(verdict(&authentication, &factory.good(signer)).await, "good", "{}", signer.id);
    }
    let cases = factory.hostile();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let verdict = verdict(&authentication, &case.token).await;
        if verdict != case.rule {
            wrong.push(format!("{}: {verdict} instead of {}", case.name, case.rule));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let rules: BTreeSet<_> = cases.iter().map(|case| case.rule).collect();
    assert!(rules.iter().all(|rule| RULES.contains(rule)), "{rules:?}");
    // Whoever would have been asked would have been connected to by now: a refusal is the end of its request.
    assert!(tokio::time::timeout(std::time::Duration::ZERO, sink.accept()).await.is_err());
    // All of it cost the issuer one look at its keys: unknown names came within the interval.
    assert_eq!(issuer.heard("/jwks"), 1);
}

/// Fails if a reason repeats what was presented.
#[tokio::test]
async fn au_26_no_reason_holds_a_part_of_the_token() {
    let [rsa, ec, ed, foreign] = signers();
    let issuer = Issuer::showing(&[&rsa, &ec, &ed]).await;
    let (authentication, _) = issuer.verifier(issuer.config());
    let factory = Factory {
        issuer: issuer.url(),
        rsa: &rsa,
        ec: &ec,
        ed: &ed,
        foreign: &foreign,
        sink: "http://localhost:1".into(),
        now: NOW,
    };
    for case in factory.hostile() {
        let reason = present(&authentication, &case.token).await.unwrap_err().to_string();
        let parts = case.token.split(['.', ' ', ',', '\n', '\0']).filter(|part| part.len() > 8);
        for part in parts {
            assert!(!reason.contains(part), "{}: {reason}", case.name);
        }
        assert!(!reason.contains("alice") && !reason.contains("evil"), "{}: {reason}", case.name);
        assert!(reason.is_ascii() && !reason.contains(['"', '\\', '\n']), "{}: {reason}", case.name);
    }
}

#[tokio::test]
async fn au_02_every_listed_algorithm_is_accepted_with_its_own_key_and_no_other() {
    let all = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
    let signers: Vec<Signer> =
        all.into_iter().map(|algorithm| Signer::new(&format!("{algorithm:?}"), algorithm)).collect();
    let issuer = Issuer::showing(&signers.iter().collect::<Vec<_>>()).await;
    let (authentication, _) = issuer.verifier(issuer.config());
    let factory = Factory {
        issuer: issuer.url(),
        rsa: &signers[0],
        ec: &signers[2],
        ed: &signers[4],
        foreign: &signers[3],
        sink: String::new(),
        now: NOW,
    };
    for signer in &signers {
        assert_eq!(verdict(&authentication, &factory.good(signer)).await, "good", "{}", signer.id);
        for other in &signers {
            if other.id != signer.id {
                let mut header = factory.header(signer);
                header["kid"] = json!(other.id);
                let token = signed(signer, &header.to_string(), &factory.claims().to_string());
                assert_eq!(verdict(&authentication, &token).await, "key", "{} under {}", signer.id, other.id);
            }
        }
    }
}

#[tokio::test]
async fn au_04_without_a_kid_a_token_is_for_the_one_key_that_fits() {
    let [rsa, ec, ed, foreign] = signers();
    let other = Signer::new("another", Algorithm::ES256);
    let issuer = Issuer::showing(&[&rsa, &ec, &ed]).await;
    let factory =
        Factory { issuer: issuer.url(), rsa: &rsa, ec: &ec, ed: &ed, foreign: &foreign, sink: String::new(), now: NOW };
    let nameless = |signer: &Signer| {
        let mut header = factory.header(signer);
        header.as_object_mut().unwrap().remove("kid");
        signed(signer, &header.to_string(), &factory.claims().to_string())
    };
    let (authentication, _) = issuer.verifier(issuer.config());
    assert_eq!(verdict(&authentication, &nameless(&ec)).await, "good");
    assert_eq!(verdict(&authentication, &nameless(&foreign)).await, "signature");
    issuer.show(&[&rsa, &ec, &other]);
    let (authentication, _) = issuer.verifier(issuer.config());
    assert_eq!(verdict(&authentication, &nameless(&ec)).await, "key");
}

#[tokio::test]
async fn au_23_types_are_media_types_and_any_takes_what_issuers_write_on_access_tokens() {
    let scene = Scene::new().await;
    let (issuer, factory) = (&scene.issuer, scene.factory());
    let typed = |typ: Option<Value>| {
        let mut header = factory.header(factory.ec);
        header.as_object_mut().unwrap().remove("typ");
        if let Some(typ) = typ {
            header["typ"] = typ;
        }
        signed(factory.ec, &header.to_string(), &factory.claims().to_string())
    };
    let verdicts =
        async |authentication: &Authentication, typ: Option<Value>| verdict(authentication, &typed(typ)).await;
    let (strict, _) = issuer.verifier(issuer.config());
    let mut config = issuer.config();
    config.token_type = TokenType::Any;
    let (any, _) = issuer.verifier(config);
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert_eq!(verdicts(&strict, Some(json!(typ))).await, "good", "{typ}");
        assert_eq!(verdicts(&any, Some(json!(typ))).await, "good", "{typ}");
    }
    for typ in [None, Some(json!("JWT")), Some(json!("application/jwt"))] {
        assert_eq!(verdicts(&strict, typ.clone()).await, "token-type", "{typ:?}");
        assert_eq!(verdicts(&any, typ.clone()).await, "good", "{typ:?}");
    }
    for typ in ["id+jwt", "dpop+jwt", "secevent+jwt", "jwt2", ""] {
        assert_eq!(verdicts(&any, Some(json!(typ))).await, "token-type", "{typ}");
    }
}
