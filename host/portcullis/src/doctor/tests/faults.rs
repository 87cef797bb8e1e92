//! What keeps clients from signing in, or lets somebody in who must not be: at the host and before it.

use rcgen::{CertificateParams, date_time_ymd};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    super::{Egress, Expected, Outside, examine},
    Check, Page, Report, TOOLS, Verdict, World, is_at_fault,
    world::date,
};

/// A world with one change, looked at.
pub(super) async fn with(change: impl FnOnce(&mut World)) -> Report {
    let mut world = World::new().await;
    change(&mut world);
    world.examined().await
}

async fn resource_with(name: &'static str, value: Value) -> Report {
    with(|world| {
        for place in ["resource", "root"] {
            world.change(place, |document| drop(document.insert(name.to_owned(), value.clone())));
        }
    })
    .await
}

#[tokio::test]
async fn plain_http() {
    let world = World::new().await;
    let url = world.url.replace("https://", "http://").parse().unwrap();
    let outside = Outside::new(Egress::start(world.egress.clone()).unwrap());
    // Nobody is at its port any more: its own fault, below.
    drop(world);
    let report = examine(&outside, &url, &Expected::default()).await;
    let finding = &report.findings()[0];
    assert_eq!((finding.check, finding.verdict), (Check::Url, Verdict::Fault), "\n{report}");
    assert!(finding.found.contains("is not https"), "\n{report}");
}

#[tokio::test]
async fn a_name_without_an_address() {
    let report = with(|world| world.egress.resolver.hosts.clear()).await;
    is_at_fault(&report, Check::Reach, "tools.example: dns", "name servers");
}

#[tokio::test]
async fn an_address_that_is_not_public() {
    let report = with(|world| world.egress.addresses.private.clear()).await;
    is_at_fault(&report, Check::Reach, "address: 127.0.0.1 (loopback)", "can't reach 127.0.0.1");
    assert!(report.to_string().contains("[[egress.private]]"), "\n{report}");
}

#[tokio::test]
async fn nobody_at_the_port() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut world = World::new().await;
    world.url = format!("https://{TOOLS}:{dead}/mcp");
    world.egress.addresses.private.iter_mut().for_each(|it| it.port = std::num::NonZeroU16::new(dead).unwrap().into());
    let outside = Outside::new(Egress::start(world.egress.clone()).unwrap());
    let report = examine(&outside, &world.url.parse().unwrap(), &Expected::default()).await;
    is_at_fault(&report, Check::Reach, "refused the connection", &format!("listen on port {dead}"));
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let report =
        with(|world| world.certificate = CertificateParams::new(vec!["other.example".to_owned()]).unwrap()).await;
    is_at_fault(&report, Check::Tls, "another name", "get a certificate for `tools.example`");
}

#[tokio::test]
async fn an_expired_certificate() {
    let report = with(|world| world.certificate.not_after = date_time_ymd(2024, 1, 1)).await;
    is_at_fault(&report, Check::Tls, "expired", "renew the certificate");
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts() {
    let report = with(|world| world.egress.roots.clear()).await;
    is_at_fault(&report, Check::Tls, "not from an authority", "`egress.roots`");
}

#[tokio::test]
async fn everybody_is_served_without_a_token() {
    let report = with(|world| world.page("mcp").status = 200).await;
    is_at_fault(&report, Check::Challenge, "whoever reaches this URL is served", "configure `[authentication]`");
}

#[tokio::test]
async fn a_401_without_a_challenge() {
    let report = with(|world| world.header("mcp", "www-authenticate", None)).await;
    is_at_fault(&report, Check::Challenge, "401 without `WWW-Authenticate`", "a proxy in front");
}

#[tokio::test]
async fn a_challenge_of_a_proxy() {
    let report = with(|world| world.header("mcp", "www-authenticate", Some("Basic realm=\"staff\""))).await;
    is_at_fault(
        &report,
        Check::Challenge,
        "another challenge than Bearer: `Basic realm=\"staff\"`",
        "a proxy in front",
    );
}

#[tokio::test]
async fn a_challenge_that_names_no_metadata() {
    let report = with(|world| world.header("mcp", "www-authenticate", Some("Bearer"))).await;
    is_at_fault(
        &report,
        Check::Challenge,
        "names no `resource_metadata`",
        "set `public_url = \"https://tools.example:",
    );
}

#[tokio::test]
async fn a_challenge_that_leads_to_another_origin() {
    let named = "Bearer resource_metadata=\"https://10.0.0.1/.well-known/oauth-protected-resource/mcp\"";
    let report = with(|world| world.header("mcp", "www-authenticate", Some(named))).await;
    is_at_fault(&report, Check::Challenge, "at another origin", "never from `Host`");
}

#[tokio::test]
async fn a_host_that_does_not_answer_to_its_public_name() {
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 40300, "message": "" } }).to_string();
    let report = with(|world| *world.page("mcp") = Page::of(403, &body).with("date", &date(0))).await;
    is_at_fault(
        &report,
        Check::Challenge,
        "does not answer to the name `tools.example:",
        "`allowed_hosts = [\"tools.example:",
    );
}

#[tokio::test]
async fn what_a_proxy_answers_in_its_place() {
    for (status, found, change) in [
        (307, "a redirect (307) to `https://elsewhere.example/mcp`", "make that the `public_url`"),
        (403, "something in front of the host", "firewall"),
        (404, "no MCP endpoint", "pass this path on to `/mcp`"),
        (429, "too many requests", "`trusted_proxies`"),
        (500, "the status 500", "the host itself would answer 401"),
        (502, "the proxy gets no answer", "start `portcullis serve`"),
        (503, "takes no requests now", "/health"),
    ] {
        let report = with(|world| {
            *world.page("mcp") =
                Page::of(status, "").with("date", &date(0)).with("location", "https://elsewhere.example/mcp");
        })
        .await;
        is_at_fault(&report, Check::Challenge, found, change);
    }
}

#[tokio::test]
async fn metadata_that_the_proxy_does_not_pass_on() {
    let report = with(|world| *world.page("resource") = Page::of(404, "")).await;
    is_at_fault(
        &report,
        Check::Metadata,
        "the status 404, not the metadata",
        "let the proxy pass `/.well-known/oauth-protected-resource/mcp` on",
    );
}

#[tokio::test]
async fn metadata_that_is_a_page_of_the_proxy() {
    let report = with(|world| *world.page("resource") = Page::of(200, "<!doctype html><p>Welcome")).await;
    is_at_fault(&report, Check::Metadata, "is no JSON: it begins with `<!doctype html>", "let the proxy pass");
}

#[tokio::test]
async fn a_resource_that_is_not_the_public_url_byte_for_byte() {
    let world = World::new().await;
    for other in [format!("{}/", world.url), world.url.replace("/mcp", ""), world.url.replace("tools", "Tools")] {
        let mut world = World::new().await;
        let other = other.replace(&world_port(&other), &world_port(&world.url));
        for place in ["resource", "root"] {
            world.change(place, |document| drop(document.insert("resource".to_owned(), json!(other))));
        }
        is_at_fault(&world.examined().await, Check::Resource, &format!("`resource` is `{other}`"), "byte for byte");
    }
    is_at_fault(&resource_with("resource", json!(1)).await, Check::Resource, "missing or no text", "");
}

fn world_port(url: &str) -> String {
    url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn tokens_that_could_not_be_sent() {
    let report = resource_with("bearer_methods_supported", json!(["body"])).await;
    is_at_fault(&report, Check::Metadata, "has no `header`", "");
}

#[tokio::test]
async fn no_authorization_server_is_named() {
    for value in [json!([]), json!(null), json!("https://login.example")] {
        let mut world = World::new().await;
        world.expected.issuer = None;
        for place in ["resource", "root"] {
            world.change(place, |document| drop(document.insert("authorization_servers".to_owned(), value.clone())));
        }
        let report = world.examined().await;
        is_at_fault(&report, Check::AuthorizationServers, "names none", "`authentication.issuer`");
    }
}

#[tokio::test]
async fn another_authorization_server_than_the_configured_one() {
    let report = with(|world| world.expected.issuer = Some("https://new.example".to_owned())).await;
    is_at_fault(&report, Check::AuthorizationServers, "does not name `https://new.example`", "restart the host");
}

#[tokio::test]
async fn an_authorization_server_without_tls() {
    let report = with(|world| {
        let plain = world.login.replace("https://", "http://");
        world.expected.issuer = None;
        for place in ["resource", "root"] {
            world.change(place, |document| drop(document.insert("authorization_servers".to_owned(), json!([plain]))));
        }
    })
    .await;
    is_at_fault(&report, Check::AuthorizationServers, "is not https", "certificate");
}

#[tokio::test]
async fn scopes_that_are_none() {
    for value in [json!("notes:read"), json!(["a b"]), json!([""]), json!([1])] {
        is_at_fault(&resource_with("scopes_supported", value).await, Check::Scopes, "is no list of scopes", "`scopes`");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_well() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut world = World::new().await;
    world.egress.addresses.private.iter_mut().for_each(|it| it.port = std::num::NonZeroU16::new(port).unwrap().into());
    let closing = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let outside = Outside::new(Egress::start(world.egress.clone()).unwrap());
    let url = format!("https://{TOOLS}:{port}/mcp").parse().unwrap();
    let report = examine(&outside, &url, &Expected::default()).await;
    closing.abort();
    is_at_fault(&report, Check::Tls, "tools.example: tls", "TLS 1.2 or 1.3");
}
