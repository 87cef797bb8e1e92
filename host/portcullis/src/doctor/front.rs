//! The public URL: that it can be reached, and what it says to a client that has no token yet.

use portcullis_mcp::PublicUrl;
use serde_json::{Value, json};

use super::{
    Expected, challenge, clock,
    fetch::{Answer, Outside},
    finding::{Check, Report, Verdict, quoted},
};

/// What the endpoint told a client that has no token.
pub(super) struct Met {
    /// `resource_metadata` of its challenge.
    pub(super) metadata: Option<String>,
}

/// Whether a URL is for tests on one machine.
pub(super) fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    host == "localhost" || host.ends_with(".localhost")
}

/// That what a client sends a token to is asked over TLS.
pub(super) fn check_scheme(report: &mut Report, check: Check, at: &str, url: &str) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let verdict = if is_local(url) { Verdict::Warning } else { Verdict::Fault };
    report.add(
        check,
        verdict,
        at,
        format!("{} is not https: whoever is on the way reads tokens, and clients refuse it", quoted(url)),
        "serve it over https with a certificate that browsers trust, and write `https://`",
    );
    verdict != Verdict::Fault
}

/// Nothing where there is no use in looking further.
pub(super) async fn check(outside: &Outside, report: &mut Report, url: &PublicUrl, expected: &Expected) -> Option<Met> {
    let at = url.as_str();
    if check_scheme(report, Check::Url, at, at) && at.starts_with("https://") {
        report.ok(Check::Url, at, "https, with a name");
    }
    let answer = match outside.post(at, &hello()).await {
        Ok(answer) => answer,
        Err(failed) => {
            report.fault(failed.check, at, failed.found, failed.change);
            return None;
        }
    };
    report.ok(Check::Reach, at, format!("answers with the status {}", answer.status));
    if at.starts_with("https://") {
        report.ok(
            Check::Tls,
            at,
            "its certificate is for this name, valid now, and of an authority that is trusted here",
        );
    }
    clock::check(report, at, &answer);
    let metadata = match answer.status {
        401 => challenged(report, url, &answer),
        200 if expected.without_sign_in => {
            report.ok(
                Check::Challenge,
                at,
                "answers without a token, as `authentication.without_sign_in` says; tools that need sign-in challenge by \
                 themselves",
            );
            None
        }
        _ => {
            let (found, change) = refused(at, &answer);
            report.fault(Check::Challenge, at, found, change);
            None
        }
    };
    Some(Met { metadata })
}

/// How every client begins.
fn hello() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "portcullis-doctor", "version": env!("CARGO_PKG_VERSION") },
        },
    })
}

/// `resource_metadata` of the challenge.
fn challenged(report: &mut Report, url: &PublicUrl, answer: &Answer) -> Option<String> {
    let at = url.as_str();
    let Some(parameters) = challenge::bearer(answer.header("www-authenticate")) else {
        let said: Vec<&str> = answer.header("www-authenticate").collect();
        let found = match said.is_empty() {
            true => "401 without `WWW-Authenticate`: a client doesn't learn where to sign in".to_owned(),
            false => format!("401 with another challenge than Bearer: {}", quoted(&said.join(", "))),
        };
        let change = "let this path through to the host as it is: a proxy in front answers itself, or drops the header";
        report.fault(Check::Challenge, at, found, change);
        return None;
    };
    let Some(metadata) = parameters.get("resource_metadata") else {
        report.fault(
            Check::Challenge,
            at,
            "401 with a Bearer challenge that names no `resource_metadata`: a client doesn't learn where to sign in",
            format!("set `public_url = \"{at}\"` in the configuration of the host"),
        );
        return None;
    };
    let inside = metadata.strip_prefix(url.origin()).is_some_and(|rest| rest.starts_with('/'));
    let wanted = url.metadata_url();
    if !inside {
        report.fault(
            Check::Challenge,
            at,
            format!("the challenge names {}, which is at another origin than the public URL", quoted(metadata)),
            format!(
                "set `public_url = \"{at}\"` in the configuration of the host: it is made from that, never from `Host`"
            ),
        );
        return None;
    }
    if *metadata == wanted {
        report.ok(Check::Challenge, at, format!("401, and the challenge names {}", quoted(metadata)));
    } else {
        report.warning(
            Check::Challenge,
            at,
            format!("the challenge names {}; clients that don't read it look at {}", quoted(metadata), quoted(&wanted)),
            format!("serve the same document at {}", quoted(&wanted)),
        );
    }
    Some(metadata.clone())
}

/// What is wrong where a request without a token got something else than 401.
fn refused(url: &str, answer: &Answer) -> (String, String) {
    let code = answer.object().ok().and_then(|body| body.get("error")?.get("code")?.as_i64());
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let is = answer.is();
    match (answer.status, code) {
        (200..=299, _) => (
            format!("{is} to a request without a token: whoever reaches this URL is served"),
            "configure `[authentication]` (`issuer`, and `public_url` as the audience); only where tools are meant to be called \
             without sign-in, `authentication.without_sign_in = true`"
                .to_owned(),
        ),
        (403, Some(40300)) => (
            format!("{is}: the host does not answer to the name `{host}`"),
            format!("add it to the configuration of the host: `allowed_hosts = [\"{host}\"]`"),
        ),
        (403, _) => (
            format!("{is} before any token was asked for: something in front of the host refuses clients"),
            "let this path through (a firewall for web applications, a list of addresses, a client certificate)".to_owned(),
        ),
        (300..=399, _) => (
            format!("{is}: clients send their token to exactly the URL that they were given"),
            "give clients the URL that it leads to, and make that the `public_url`".to_owned(),
        ),
        (404 | 405, _) => (
            format!("{is}: no MCP endpoint is at this path"),
            "let the proxy pass this path on to `/mcp` of the host, by POST too; or correct the path of the public URL".to_owned(),
        ),
        (502 | 504, _) => (
            format!("{is}: the proxy gets no answer of the host"),
            "start `portcullis serve`, and let the proxy connect to the address that its line `ready` names".to_owned(),
        ),
        (503, _) => (
            format!("{is}: the host, or the proxy, takes no requests now"),
            "see the log of the host (`/health` says whether calls can be recorded), then that of the proxy".to_owned(),
        ),
        (429, _) => (
            format!("{is}: too many requests or refused tokens came from this address"),
            "wait a minute and try again; where a proxy is in front, list it in `trusted_proxies`, or it counts as one client"
                .to_owned(),
        ),
        _ => (
            format!("{is} to a request without a token, where clients need a 401 to begin signing in"),
            "see what answers there: the host itself would answer 401".to_owned(),
        ),
    }
}
