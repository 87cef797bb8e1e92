//! The keys that an issuer signs with: that this host can fetch them, and that it would believe one.

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{
    Expected,
    fetch::Outside,
    finding::{Check, Report, quoted},
    front::check_scheme,
    issuer::Metadata,
};

/// Shorter RSA keys are no proof of anything (RFC 7518 section 3.3).
const RSA_BITS: usize = 2048;

/// Members that only a private or a symmetric key has.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

pub(super) async fn check(
    outside: &Outside,
    report: &mut Report,
    issuer: &str,
    metadata: &Metadata,
    expected: &Expected,
) {
    let named = metadata.text("jwks_uri");
    // Keys are this issuer's only where the configuration says whose they are.
    let configured = expected.key_set.as_deref().filter(|_| expected.issuer.as_deref() == Some(issuer));
    let Some(url) = configured.or(named) else {
        if expected.introspection {
            report.ok(Check::Keys, issuer, "no `jwks_uri`: tokens are looked up at its introspection endpoint");
        } else {
            report.fault(
                Check::Keys,
                issuer,
                "the metadata has no `jwks_uri`, so that no token of it can be verified",
                "set `authentication.key_set` to where its keys are; for opaque tokens, `[authentication.introspection]`",
            );
        }
        return;
    };
    if !check_scheme(report, Check::Keys, issuer, url) {
        return;
    }
    // A host asks for keys at its issuer's own origin, and where its operator says (catalogue EG-35).
    if configured.is_none() && origin(url) != origin(issuer) {
        let found =
            format!("`jwks_uri` is {}, at another origin than the issuer: the host does not ask there", quoted(url));
        let change = format!("if these are its keys, set `authentication.key_set = {}`", quoted(url));
        if expected.issuer.as_deref() == Some(issuer) {
            report.fault(Check::Keys, issuer, found, change);
            return;
        }
        report.warning(Check::Keys, issuer, found, change);
    }
    let answer = match outside.get(url).await {
        Ok(answer) => answer,
        Err(failed) => {
            report.fault(Check::Keys, issuer, format!("the key set: {}", failed.found), failed.change);
            return;
        }
    };
    let change = "see what the authorization server serves there: a JWK set (RFC 7517)";
    if answer.status != 200 {
        report.fault(Check::Keys, issuer, format!("{} at {}, and no keys", answer.is(), quoted(url)), change);
        return;
    }
    let set = match answer.object() {
        Ok(set) => set,
        Err(why) => {
            report.fault(Check::Keys, issuer, format!("the key set at {} {why}", quoted(url)), change);
            return;
        }
    };
    let keys: Vec<&Map<String, Value>> =
        set.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
    judge(report, issuer, &keys, &expected.algorithms);
}

fn judge(report: &mut Report, issuer: &str, keys: &[&Map<String, Value>], algorithms: &[String]) {
    if keys.iter().any(|key| PRIVATE.iter().any(|part| key.contains_key(*part))) {
        report.fault(
            Check::Keys,
            issuer,
            "the key set shows a private or symmetric key: whoever reads it can sign tokens",
            "replace that key at the authorization server at once, and publish public keys only",
        );
        return;
    }
    let signing: Vec<&&Map<String, Value>> =
        keys.iter().filter(|key| text(key, "use").is_none_or(|it| it == "sig")).collect();
    let usable: Vec<&&&Map<String, Value>> = signing.iter().filter(|key| why_not(key, algorithms).is_none()).collect();
    if usable.is_empty() {
        let why: BTreeSet<String> = signing.iter().filter_map(|key| why_not(key, algorithms)).collect();
        let why = match why.is_empty() {
            true => "none is for signatures".to_owned(),
            false => why.into_iter().collect::<Vec<_>>().join("; "),
        };
        report.fault(
            Check::Keys,
            issuer,
            format!("none of the {} keys can verify a token here: {why}", keys.len()),
            format!("let the authorization server sign with one of {}", algorithms.join(", ")),
        );
        return;
    }
    let names: Vec<Option<&str>> = usable.iter().map(|key| text(key, "kid")).collect();
    let distinct: BTreeSet<_> = names.iter().flatten().collect();
    if names.len() > 1 && distinct.len() < names.len() {
        report.warning(
            Check::Keys,
            issuer,
            "several keys have no `kid`, or the same: which one signed a token is then a guess",
            "give each key a `kid` of its own, and name it in the tokens",
        );
        return;
    }
    report.ok(Check::Keys, issuer, format!("{} of {} keys can verify a token here", usable.len(), keys.len()));
}

/// Why a key verifies nothing here.
fn why_not(key: &Map<String, Value>, algorithms: &[String]) -> Option<String> {
    let kind = text(key, "kty").unwrap_or_default();
    let curve = text(key, "crv").unwrap_or_default();
    // What a key of this kind could sign with.
    let fits: &[&str] = match (kind, curve) {
        ("RSA", _) => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
        ("EC", "P-256") => &["ES256"],
        ("EC", "P-384") => &["ES384"],
        ("OKP", "Ed25519") => &["EdDSA", "Ed25519"],
        _ => return Some(format!("keys of the kind {} are not used", quoted(format!("{kind} {curve}").trim()))),
    };
    if kind == "RSA" {
        let modulus = text(key, "n").and_then(|n| BASE64_URL_SAFE_NO_PAD.decode(n).ok()).unwrap_or_default();
        let bits = modulus.iter().skip_while(|byte| **byte == 0).count() * 8;
        if bits < RSA_BITS {
            return Some(format!("an RSA key has {bits} bits, and {RSA_BITS} are the least"));
        }
    }
    let accepted = |name: &&str| algorithms.iter().any(|algorithm| algorithm == name);
    match text(key, "alg") {
        Some(algorithm) if !fits.contains(&algorithm) => {
            Some(format!("a key's `alg` {} does not fit its kind", quoted(algorithm)))
        }
        Some(algorithm) if !accepted(&algorithm) => {
            Some(format!("{} is not in `authentication.algorithms`", quoted(algorithm)))
        }
        None if !fits.iter().any(accepted) => {
            Some(format!("no algorithm of {} keys is in `authentication.algorithms`", quoted(kind)))
        }
        _ => None,
    }
}

/// Scheme, host and port, as far as texts tell.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    &url[..url[start..].find(['/', '?']).map_or(url.len(), |at| start + at)]
}

fn text<'a>(key: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    key.get(name).and_then(Value::as_str)
}
