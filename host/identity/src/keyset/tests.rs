use serde_json::json;

use super::*;

/// The key of RFC 7515 appendix A.2.
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
/// The key of RFC 7515 appendix A.3.
const POINT: (&str, &str) =
    ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
/// The key of RFC 8037 appendix A.2.
const EDWARDS: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn rsa_key() -> Value {
    json!({"kty": "RSA", "kid": "r", "n": MODULUS, "e": "AQAB"})
}

fn ec_key() -> Value {
    json!({"kty": "EC", "kid": "e", "crv": "P-256", "x": POINT.0, "y": POINT.1})
}

fn parse(keys: &[Value]) -> Result<KeySet, NotAKeySet> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
}

fn with(mut key: Value, member: &str, value: Value) -> Value {
    key[member] = value;
    key
}

#[test]
fn au_02_a_key_is_for_its_own_algorithms() {
    let ed = json!({"kty": "OKP", "kid": "d", "crv": "Ed25519", "x": EDWARDS});
    let set = parse(&[rsa_key(), ec_key(), ed]).unwrap();
    let of = |id: &str| Algorithm::ALL.into_iter().filter(|one| set.find(Some(id), *one).is_ok()).collect::<Vec<_>>();
    assert_eq!(of("r"), &Algorithm::ALL[..6]);
    assert_eq!(of("e"), [Algorithm::Es256]);
    assert_eq!(of("d"), [Algorithm::EdDsa]);
    let set = parse(&[with(rsa_key(), "alg", json!("PS256"))]).unwrap();
    assert_eq!(set.find(Some("r"), Algorithm::Rs256).unwrap_err(), NoKey::Unknown);
    assert!(set.find(Some("r"), Algorithm::Ps256).is_ok());
}

#[test]
fn au_02_a_key_that_says_something_else_of_itself_is_not_used() {
    for (member, value) in [
        ("use", json!("enc")),
        ("use", Value::Null),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!("verify")),
        ("alg", json!("ES256")),
        ("alg", json!("HS256")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!(1)),
        ("kid", json!(1)),
        ("kid", json!("")),
        ("kid", json!("a".repeat(257))),
        ("kid", json!("a\u{0}")),
        ("kty", json!("oct")),
        ("kty", json!("rsa")),
        ("d", json!("AQAB")),
        ("n", json!("AQAB")),
        ("n", json!(format!("{MODULUS}="))),
        // Even: no modulus.
        ("n", json!(MODULUS.replace("XpoQ", "XpoA"))),
        ("e", json!("AQ")),
        ("e", json!("Ag")),
        ("e", json!("")),
        ("e", json!("AQAAAAAB")),
    ] {
        assert_eq!(
            parse(&[with(rsa_key(), member, value.clone())]).unwrap_err(),
            NotAKeySet::NoneUsable,
            "{member} {value}"
        );
    }
    for (member, value) in [
        ("crv", json!("P-384")),
        ("crv", json!("secp256k1")),
        ("crv", Value::Null),
        ("x", json!("AQAB")),
        ("y", json!("")),
        ("kty", json!("OKP")),
    ] {
        assert_eq!(
            parse(&[with(ec_key(), member, value.clone())]).unwrap_err(),
            NotAKeySet::NoneUsable,
            "{member} {value}"
        );
    }
    let secret = json!({"kty": "oct", "kid": "s", "k": "c2VjcmV0", "alg": "HS256"});
    assert_eq!(parse(std::slice::from_ref(&secret)).unwrap_err(), NotAKeySet::NoneUsable);
    assert_eq!(parse(&[secret, rsa_key()]).unwrap().len(), 1);
}

#[test]
fn what_fits_is_used() {
    for key in [
        with(rsa_key(), "use", json!("sig")),
        with(rsa_key(), "key_ops", json!(["verify"])),
        with(rsa_key(), "alg", json!("RS512")),
        with(rsa_key(), "x5c", json!(["MIIB"])),
        with(rsa_key(), "vendor", json!({"a": [1]})),
    ] {
        assert_eq!(parse(&[key]).unwrap().len(), 1);
    }
}

#[test]
fn au_04_without_a_kid_only_one_key_may_fit() {
    let set = parse(&[rsa_key(), ec_key()]).unwrap();
    assert!(set.find(None, Algorithm::Rs256).is_ok());
    let set = parse(&[rsa_key(), with(rsa_key(), "kid", json!("other"))]).unwrap();
    assert_eq!(set.find(None, Algorithm::Rs256).unwrap_err(), NoKey::Several);
    assert!(set.find(Some("other"), Algorithm::Rs256).is_ok());
    assert_eq!(set.find(Some("R"), Algorithm::Rs256).unwrap_err(), NoKey::Unknown);
    let twice = parse(&[rsa_key(), rsa_key()]).unwrap();
    assert_eq!(twice.find(Some("r"), Algorithm::Rs256).unwrap_err(), NoKey::Several);
}

#[test]
fn au_22_a_document_that_is_too_much_or_can_be_read_in_two_ways_is_no_key_set() {
    let many: Vec<_> = (0..=MAX_KEYS).map(|at| with(rsa_key(), "kid", json!(at.to_string()))).collect();
    assert_eq!(parse(&many[1..]).unwrap().len(), MAX_KEYS);
    assert_eq!(parse(&many).unwrap_err(), NotAKeySet::TooMany);
    let twice = format!(r#"{{"keys":[{}],"keys":[]}}"#, rsa_key());
    assert_eq!(KeySet::parse(twice.as_bytes()).unwrap_err(), NotAKeySet::Json(json::NotStrict));
    for text in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), NotAKeySet::NoList);
    }
    assert_eq!(parse(&[json!(1), json!([]), Value::Null]).unwrap_err(), NotAKeySet::NoneUsable);
}

#[test]
fn the_same_keys_are_the_same_set() {
    let set = |keys: &[Value]| parse(keys).unwrap().fingerprint();
    assert_eq!(set(&[rsa_key(), ec_key()]), set(&[rsa_key(), ec_key()]));
    assert_ne!(set(&[rsa_key(), ec_key()]), set(&[rsa_key()]));
    assert_ne!(set(&[rsa_key()]), set(&[with(rsa_key(), "kid", json!("other"))]));
}
