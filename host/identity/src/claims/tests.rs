use std::{collections::BTreeSet, time::Duration};

use portcullis_manifest::{Role, Scope};
use serde_json::{Map, Value, json};

use super::*;
use crate::config::RoleClaim;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://login.example.com";
const RESOURCE: &str = "https://tools.example.com/mcp";

fn config() -> AuthenticationConfig {
    AuthenticationConfig::new(ISSUER, RESOURCE)
}

fn good() -> Map<String, Value> {
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": RESOURCE, "iat": NOW - 10, "exp": NOW + 290, "scope": "notes:read notes:write",
        "client_id": "chat", "jti": "1",
    });
    let Value::Object(claims) = claims else { unreachable!() };
    claims
}

fn with(claim: &str, value: Value) -> Map<String, Value> {
    let mut claims = good();
    claims.insert(claim.to_owned(), value);
    claims
}

fn read(claims: &Map<String, Value>) -> Result<Claims, ClaimRefused> {
    Claims::read(claims, &config(), ClaimSource::Token, NOW)
}

fn refused(claim: &str, value: Value) -> &'static str {
    let claims = with(claim, value.clone());
    read(&claims).map_or_else(|refused| refused.rule(), |_| panic!("{claim}: {value} is accepted"))
}

fn scopes(claims: &Claims) -> Vec<&str> {
    claims.grants.scopes.iter().map(Scope::as_str).collect()
}

#[test]
fn good_claims_are_read_whole() {
    let claims = read(&good()).unwrap();
    assert_eq!(
        (claims.subject.as_str(), claims.client.as_deref(), claims.jti.as_deref()),
        ("alice", Some("chat"), Some("1"))
    );
    assert_eq!((claims.issued_at, claims.expires_at), (NOW - 10, NOW + 290));
    assert_eq!(scopes(&claims), ["notes:read", "notes:write"]);
    let principal = claims.principal();
    assert_eq!(principal.key().to_string(), "subject:25:https://login.example.com:5:alice");
    assert_eq!(principal.client(), Some("chat"));
}

#[test]
fn au_03_a_claim_that_must_be_there_is_there_and_of_its_type() {
    for claim in ["iss", "sub", "aud", "exp", "iat"] {
        let mut claims = good();
        claims.remove(claim);
        assert_eq!(read(&claims), Err(ClaimRefused::Missing(claim.to_owned())));
        for value in [Value::Null, json!(true), json!({"a": 1}), json!({})] {
            assert_eq!(refused(claim, value), "claim-form", "{claim}");
        }
    }
    for (claim, value) in [
        ("iss", json!([ISSUER])),
        ("iss", json!(1)),
        ("sub", json!(["alice"])),
        ("sub", json!(1)),
        ("sub", json!("")),
        ("sub", json!("al\nice")),
        ("sub", json!("al\u{0}ice")),
        ("sub", json!("a".repeat(256))),
        ("aud", json!(1)),
        ("aud", json!([RESOURCE, 1])),
        ("aud", json!([[RESOURCE]])),
        ("client_id", json!(["chat"])),
        ("client_id", json!("")),
        ("jti", json!(1)),
        ("jti", Value::Null),
        ("nbf", json!("0")),
        ("groups", json!("admins")),
        ("groups", json!(["admins", 1])),
        ("groups", json!([""])),
    ] {
        assert_eq!(refused(claim, value), "claim-form", "{claim}");
    }
}

#[test]
fn au_03_the_audience_and_the_issuer_are_exact_strings() {
    for audience in [
        "https://tools.example.com/mcp/",
        "https://tools.example.com/MCP",
        "https://Tools.example.com/mcp",
        "https://tools.example.com:443/mcp",
        "https://tools.example.com/mcp2",
        "https://tools.example.com/mc",
        "https://tools.example.com/other",
        "https://tools.example.com",
        "http://tools.example.com/mcp",
        "https://tools.example.com/mcp https://other.example",
        " https://tools.example.com/mcp",
        "",
    ] {
        assert_eq!(refused("aud", json!(audience)), "audience", "{audience}");
        assert_eq!(refused("aud", json!([audience])), "audience", "{audience}");
    }
    assert_eq!(refused("aud", json!([])), "audience");
    for issuer in ["https://login.example.com/", "https://LOGIN.example.com", "https://login.example.com:443", ""] {
        assert_eq!(refused("iss", json!(issuer)), "issuer", "{issuer}");
    }
}

#[test]
fn au_03_an_audience_that_is_not_expected_is_refused_and_one_that_is_is_not() {
    let claims = with("aud", json!([RESOURCE, "https://other.example"]));
    assert_eq!(read(&claims), Err(ClaimRefused::Audiences));
    let mut config = config();
    config.audiences.insert("https://other.example".to_owned());
    assert!(Claims::read(&claims, &config, ClaimSource::Token, NOW).is_ok());
    // It is expected beside ours, never instead of it.
    let alone = with("aud", json!("https://other.example"));
    assert_eq!(Claims::read(&alone, &config, ClaimSource::Token, NOW), Err(ClaimRefused::Audience));
}

#[test]
fn au_23_times_hold_with_the_leeway_and_no_further() {
    let leeway = 30;
    for (exp, iat, good) in [
        (NOW - leeway, NOW - 300, Some("expired")),
        (NOW - leeway + 1, NOW - 300, None),
        (NOW + 300, NOW + leeway, None),
        (NOW + 300, NOW + leeway + 1, Some("not-yet")),
        (NOW + 86_400, NOW, None),
        (NOW + 86_401, NOW, Some("lifetime")),
        (u64::MAX, NOW, Some("lifetime")),
        (NOW + 10, NOW + 10, Some("lifetime")),
        (NOW + 10, NOW + 20, Some("lifetime")),
    ] {
        let mut claims = with("exp", json!(exp));
        claims.insert("iat".to_owned(), json!(iat));
        assert_eq!(read(&claims).err().map(|refused| refused.rule()), good, "exp {exp} iat {iat}");
    }
    assert!(read(&with("nbf", json!(NOW + leeway))).is_ok());
    assert_eq!(refused("nbf", json!(NOW + leeway + 1)), "not-yet");
    for claim in ["exp", "iat", "nbf"] {
        for value in
            [json!(1.5e9), json!(NOW as f64 + 60.5), json!(-1), json!("1800000060"), json!(1e300), json!([NOW])]
        {
            assert_eq!(refused(claim, value), "claim-form", "{claim}");
        }
    }
}

#[test]
fn au_23_what_is_required_must_be_there_and_be_something() {
    let mut config = config();
    config.require = vec!["client_id".to_owned(), "jti".to_owned(), "tenant".to_owned()];
    let read = |claims: &Map<String, Value>| Claims::read(claims, &config, ClaimSource::Token, NOW);
    assert_eq!(read(&good()), Err(ClaimRefused::Missing("tenant".to_owned())));
    assert!(read(&with("tenant", json!("a"))).is_ok());
    assert!(read(&with("tenant", json!(7))).is_ok());
    for nothing in [Value::Null, json!("")] {
        assert_eq!(read(&with("tenant", nothing)).unwrap_err().rule(), "claim-form");
    }
}

#[test]
fn au_23_an_id_token_is_no_access_token() {
    for (claim, value) in [
        ("nonce", json!("n")),
        ("at_hash", json!("h")),
        ("c_hash", Value::Null),
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
        ("typ", json!("offline")),
        ("token_use", json!("id")),
    ] {
        assert_eq!(refused(claim, value), "token-use", "{claim}");
    }
    assert!(read(&with("typ", json!("Bearer"))).is_ok());
    assert!(read(&with("token_use", json!("access"))).is_ok());
}

#[test]
fn au_24_a_token_that_is_bound_to_a_key_is_refused_as_a_bearer_token() {
    for value in [json!({"jkt": "thumb"}), json!({"x5t#S256": "thumb"}), json!({}), Value::Null, json!("x")] {
        assert_eq!(refused("cnf", value), "bound");
    }
}

#[test]
fn au_05_scopes_are_exact_words_between_single_spaces() {
    for (text, held) in [
        ("tools:read", vec!["tools:read"]),
        ("tools:readwrite", vec!["tools:readwrite"]),
        ("a b", vec!["a", "b"]),
        ("a  b ", vec!["a", "b"]),
        ("a\tb", vec![]),
        ("a\nb c", vec!["c"]),
        ("a,b", vec!["a,b"]),
        ("xadmin", vec!["xadmin"]),
        ("Admin", vec!["Admin"]),
        ("a\u{a0}b", vec![]),
        ("a\"b c", vec!["c"]),
        ("", vec![]),
    ] {
        for claim in ["scope", "scp"] {
            let mut claims = with(claim, json!(text));
            if claim == "scp" {
                claims.remove("scope");
            }
            assert_eq!(scopes(&read(&claims).unwrap()), held, "{claim}: {text:?}");
        }
    }
}

#[test]
fn au_05_a_list_is_scopes_in_scp_and_nothing_in_scope() {
    assert_eq!(refused("scope", json!(["notes:read"])), "claim-form");
    assert_eq!(refused("scope", json!(1)), "claim-form");
    assert_eq!(refused("scope", Value::Null), "claim-form");
    assert_eq!(refused("scp", json!(["a", 1])), "claim-form");
    assert_eq!(refused("scp", json!({"a": true})), "claim-form");
    assert_eq!(refused("scp", json!(vec!["a"; 1001])), "claim-form");
    let mut claims = with("scp", json!(["a", "b c", "b\tc"]));
    claims.remove("scope");
    // An element is one scope: a list is not split a second time.
    assert_eq!(scopes(&read(&claims).unwrap()), ["a"]);
}

#[test]
fn the_client_is_client_id_and_else_what_the_issuer_writes_instead() {
    assert_eq!(read(&with("azp", json!("other"))).unwrap().client.as_deref(), Some("chat"));
    let mut claims = with("azp", json!("other"));
    claims.remove("client_id");
    assert_eq!(read(&claims).unwrap().client.as_deref(), Some("other"));
    claims.remove("azp");
    assert_eq!(read(&claims).unwrap().client, None);
    for claim in ["cid", "appid"] {
        claims.insert(claim.to_owned(), json!("theirs"));
        assert_eq!(read(&claims).unwrap().client.as_deref(), Some("theirs"));
        claims.remove(claim);
    }
}

#[test]
fn groups_are_read_from_their_claim() {
    let principal = read(&with("groups", json!(["support", "staff"]))).unwrap().principal();
    assert!(principal.is_in_any(["support"]));
    assert!(!principal.is_in_any(["Support", "suppor", "support "]));
    let mut config = config();
    config.groups_claim = "https://example.com/groups".to_owned();
    let claims = with("https://example.com/groups", json!(["support"]));
    let claims = Claims::read(&claims, &config, ClaimSource::Token, NOW).unwrap();
    assert_eq!(claims.grants.groups, BTreeSet::from(["support".to_owned()]));
}

#[test]
fn roles_come_from_exactly_their_claims() {
    let mut config = config();
    let rule = |claim: &str, any: &[&str]| RoleClaim {
        claim: claim.to_owned(),
        any: any.iter().map(|value| (*value).to_owned()).collect(),
    };
    config.roles.insert(Role::Approver, rule("groups", &["approvers", "leads"]));
    config.roles.insert(Role::Auditor, rule("scope", &["portcullis:audit"]));
    config.roles.insert(Role::Operator, rule("job", &["ops"]));
    let roles = |claim: &str, value: Value| {
        let claims = with(claim, value);
        let claims = Claims::read(&claims, &config, ClaimSource::Token, NOW).unwrap();
        claims.grants.roles.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(roles("groups", json!(["staff", "leads"])), [Role::Approver]);
    assert_eq!(roles("groups", json!(["Approvers", "approver", "xapprovers"])), []);
    assert_eq!(roles("scope", json!("a portcullis:audit")), [Role::Auditor]);
    assert_eq!(roles("scope", json!("portcullis:auditor")), []);
    assert_eq!(roles("job", json!("ops")), [Role::Operator]);
    assert_eq!(roles("job", json!("a ops")), []);
    assert_eq!(roles("job", json!({"ops": true})), []);
}

#[test]
fn who_is_asked_about_a_token_need_not_say_its_own_name() {
    let mut claims = good();
    claims.remove("iss");
    let read = |claims: &Map<String, Value>| Claims::read(claims, &config(), ClaimSource::Introspection, NOW);
    assert_eq!(read(&claims).unwrap().issuer, ISSUER);
    claims.insert("iss".to_owned(), json!("https://other.example"));
    assert_eq!(read(&claims), Err(ClaimRefused::Issuer));
    claims.insert("iss".to_owned(), Value::Null);
    assert_eq!(read(&claims).unwrap_err().rule(), "claim-form");
}

#[test]
fn no_leeway_is_no_leeway() {
    let config = AuthenticationConfig { leeway: Duration::ZERO, ..config() };
    let refused = Claims::read(&with("exp", json!(NOW)), &config, ClaimSource::Token, NOW).unwrap_err();
    assert_eq!(refused, ClaimRefused::Expired);
}
