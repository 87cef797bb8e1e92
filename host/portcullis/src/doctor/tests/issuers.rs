//! What keeps clients from signing in, or lets somebody in who must not be: at the authorization server.

use serde_json::{Value, json};

use super::{
    Check, Page, Report, TOOLS, Verdict,
    faults::with,
    is_at_fault,
    world::{date, key},
};

/// One that others write into the issuer's metadata.
async fn issuer_with(name: &'static str, value: Value) -> Report {
    with(|world| {
        world.change("issuer", |document| match value {
            Value::Null => drop(document.remove(name)),
            value => drop(document.insert(name.to_owned(), value)),
        });
    })
    .await
}

async fn keys(keys: Value) -> Report {
    with(|world| world.page("keys").body = json!({ "keys": keys }).to_string()).await
}

#[tokio::test]
async fn an_issuer_without_metadata() {
    let report = with(|world| *world.page("issuer") = Page::of(404, "")).await;
    is_at_fault(
        &report,
        Check::IssuerMetadata,
        "/.well-known/openid-configuration`",
        "correct `authentication.issuer`",
    );
}

#[tokio::test]
async fn an_issuer_that_answers_everything_with_a_page() {
    let report = with(|world| {
        let metadata = world.page("issuer").clone();
        *world.page("openid") = metadata;
        *world.page("issuer") = Page::of(200, "<html>").with("date", &date(0));
    })
    .await;
    is_at_fault(&report, Check::IssuerMetadata, "is no JSON", "or 404 so that clients look further");
}

#[tokio::test]
async fn an_issuer_that_fails_where_clients_look_first() {
    let report = with(|world| world.page("issuer").status = 500).await;
    is_at_fault(&report, Check::IssuerMetadata, "the status 500 at", "or 404");
}

#[tokio::test]
async fn an_issuer_that_calls_itself_something_else() {
    let report = with(|world| {
        let other = format!("{}/", world.login);
        world.change("issuer", |document| drop(document.insert("issuer".to_owned(), json!(other))));
    })
    .await;
    is_at_fault(
        &report,
        Check::Issuer,
        "a slash at the end counts",
        "set `authentication.issuer = `https://login.example:",
    );
    is_at_fault(
        &issuer_with("issuer", Value::Null).await,
        Check::Issuer,
        "`issuer` is ``",
        "no authorization server's",
    );
}

#[tokio::test]
async fn pkce_that_is_not_said() {
    let name = "code_challenge_methods_supported";
    is_at_fault(&issuer_with(name, Value::Null).await, Check::Pkce, "take that for no PKCE", "S256");
    is_at_fault(&issuer_with(name, json!(["plain"])).await, Check::Pkce, "has `plain` and not `S256`", "S256");
}

#[tokio::test]
async fn endpoints_that_are_missing_or_in_the_clear() {
    is_at_fault(&issuer_with("token_endpoint", Value::Null).await, Check::Endpoints, "no `token_endpoint`", "");
    let plain = json!("http://login.example/token");
    is_at_fault(&issuer_with("token_endpoint", plain).await, Check::Endpoints, "is not https", "https");
    let plain = json!("http://login.example/register");
    is_at_fault(&issuer_with("registration_endpoint", plain).await, Check::Registration, "is not https", "https");
}

#[tokio::test]
async fn no_authorization_code_flow() {
    let report = issuer_with("grant_types_supported", json!(["client_credentials", "refresh_token"])).await;
    is_at_fault(&report, Check::Endpoints, "has no `authorization_code`", "switch the authorization code flow on");
    let report = issuer_with("response_types_supported", json!(["id_token"])).await;
    is_at_fault(&report, Check::Endpoints, "has no `code`", "switch the authorization code flow on");
}

#[tokio::test]
async fn clients_that_chatgpt_can_not_be() {
    let report = issuer_with("token_endpoint_auth_methods_supported", json!(["tls_client_auth"])).await;
    is_at_fault(&report, Check::ChatGpt, "none of those that ChatGPT uses", "private_key_jwt");
}

#[tokio::test]
async fn keys_that_are_not_there() {
    is_at_fault(&issuer_with("jwks_uri", Value::Null).await, Check::Keys, "no `jwks_uri`", "`authentication.key_set`");
    let report = with(|world| *world.page("keys") = Page::of(404, "")).await;
    is_at_fault(&report, Check::Keys, "the status 404", "a JWK set");
    let report = with(|world| world.page("keys").body = "[]".to_owned()).await;
    is_at_fault(&report, Check::Keys, "is JSON but no object", "a JWK set");
    is_at_fault(&keys(json!([])).await, Check::Keys, "none of the 0 keys", "sign with one of RS256");
}

#[tokio::test]
async fn eg_35_keys_behind_an_address_that_is_not_public() {
    for (url, found) in [
        ("https://internal.example/latest/meta-data", "internal.example: dns"),
        ("https://169.254.169.254/latest/meta-data", "holds an address"),
    ] {
        let report = with(|world| {
            // As the configuration of another host says; from this one it would not even be asked for.
            world.expected.issuer = None;
            world.change("issuer", |document| drop(document.insert("jwks_uri".to_owned(), json!(url))));
        })
        .await;
        assert!(report.to_string().contains(found), "\n{report}");
        assert_eq!(report.count(Verdict::Fault), 1, "\n{report}");
    }
}

#[tokio::test]
async fn eg_35_keys_at_another_origin_than_the_issuer() {
    let report = with(|world| {
        let elsewhere = world.at("keys").replace("login.example", TOOLS);
        let set = world.page("keys").clone();
        *world.page("/jwks") = set;
        world.change("issuer", |document| drop(document.insert("jwks_uri".to_owned(), json!(elsewhere))));
    })
    .await;
    is_at_fault(&report, Check::Keys, "at another origin than the issuer", "`authentication.key_set = ");
}

#[tokio::test]
async fn keys_that_verify_nothing_here() {
    let changed = |name: &str, value: Value| {
        let mut key = key("RS256", "a");
        key[name] = value;
        json!([key])
    };
    for (set, found) in [
        (changed("n", json!(format!("v{}", "A".repeat(170)))), "an RSA key has 1024 bits"),
        (changed("alg", json!("RS512")), "`RS512` is not in `authentication.algorithms`"),
        (changed("alg", json!("ES256")), "a key's `alg` `ES256` does not fit its kind"),
        (changed("use", json!("enc")), "none is for signatures"),
        (changed("kty", json!("AKP")), "keys of the kind `AKP` are not used"),
        (json!([{ "kty": "EC", "crv": "P-521", "kid": "a" }]), "keys of the kind `EC P-521` are not used"),
    ] {
        is_at_fault(&keys(set).await, Check::Keys, found, "sign with one of RS256");
    }
}

#[tokio::test]
async fn keys_that_everybody_can_sign_with() {
    for set in [json!([key("ES256", "a"), { "kty": "oct", "k": "c2VjcmV0" }]), json!([{ "kty": "RSA", "d": "AA" }])] {
        is_at_fault(&keys(set).await, Check::Keys, "shows a private or symmetric key", "at once");
    }
}

#[tokio::test]
async fn clocks_that_are_apart() {
    for (offset, found) in [(-3600, " s behind"), (3600, " s ahead of"), (-70, " s behind"), (75, " s ahead of")] {
        let report = with(|world| world.header("issuer", "date", Some(&date(offset)))).await;
        is_at_fault(&report, Check::Clock, found, "NTP");
    }
    let report = with(|world| world.header("mcp", "date", Some(&date(-3600)))).await;
    is_at_fault(&report, Check::Clock, " s behind", "NTP");
    // A cache that says how old its answer is.
    let cached = with(|world| {
        world.header("issuer", "date", Some(&date(-3600)));
        world.header("issuer", "age", Some("3600"));
    });
    assert_eq!(cached.await.count(Verdict::Fault), 0);
}
