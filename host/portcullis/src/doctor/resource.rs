//! The protected resource metadata (RFC 9728): what a client learns there decides what it asks a token for, and where.

use std::collections::BTreeSet;

use portcullis_mcp::PublicUrl;
use serde_json::{Map, Value};

use super::{
    Expected,
    fetch::Outside,
    finding::{Check, Report, Verdict, quoted},
    front::{Met, check_scheme},
};

/// More authorization servers than these are not looked at.
const SERVERS: usize = 4;

/// What the document says.
#[derive(Default)]
pub(super) struct Resource {
    /// `authorization_servers`, as written.
    pub(super) issuers: Vec<String>,
    /// `scopes_supported`.
    pub(super) scopes: Vec<String>,
}

pub(super) async fn check(
    outside: &Outside,
    report: &mut Report,
    url: &PublicUrl,
    met: &Met,
    expected: &Expected,
) -> Resource {
    let well_known = url.metadata_url();
    let root = format!("{}/.well-known/oauth-protected-resource", url.origin());
    // What the challenge names and what clients guess must be there; the root is where older clients look.
    let mut places = vec![(well_known.as_str(), Verdict::Fault)];
    if let Some(named) = met.metadata.as_deref().filter(|named| *named != well_known) {
        places.insert(0, (named, Verdict::Fault));
    }
    if root != well_known {
        places.push((root.as_str(), Verdict::Warning));
    }
    let mut first: Option<Map<String, Value>> = None;
    for (at, gravity) in places {
        let Some(document) = document(outside, report, at, gravity).await else { continue };
        if let Some(first) = &first {
            if first.get("resource") != document.get("resource") {
                report.warning(
                    Check::Resource,
                    at,
                    "names another `resource` than the document before: which one clients take depends on where they look",
                    "serve the same document at both places, both from this host",
                );
            }
            continue;
        }
        resource(report, at, url, &document);
        first = Some(document);
    }
    let Some(document) = first else { return Resource::default() };
    let issuers = servers(report, &well_known, &document, expected);
    let scopes = scopes(report, &well_known, &document);
    Resource { issuers, scopes }
}

async fn document(outside: &Outside, report: &mut Report, at: &str, gravity: Verdict) -> Option<Map<String, Value>> {
    let through = format!("let the proxy pass {} on to the host, without asking for a token", path(at));
    let answer = match outside.get(at).await {
        Ok(answer) => answer,
        Err(failed) => {
            report.add(failed.check, gravity, at, failed.found, failed.change);
            return None;
        }
    };
    if answer.status != 200 {
        report.add(Check::Metadata, gravity, at, format!("{}, not the metadata", answer.is()), through);
        return None;
    }
    let object = match answer.object() {
        Ok(object) => object,
        Err(why) => {
            report.add(Check::Metadata, gravity, at, format!("what is served there {why}"), through);
            return None;
        }
    };
    let kind = answer.header("content-type").next().unwrap_or_default();
    if kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        report.ok(Check::Metadata, at, "is there, and is JSON");
    } else {
        report.warning(
            Check::Metadata,
            at,
            format!("its content type is {}, and clients may insist on `application/json`", quoted(kind)),
            "let the proxy pass the content type on",
        );
    }
    Some(object)
}

fn resource(report: &mut Report, at: &str, url: &PublicUrl, document: &Map<String, Value>) {
    let wanted = url.as_str();
    match document.get("resource").and_then(Value::as_str) {
        Some(resource) if resource == wanted => {
            report.ok(Check::Resource, at, format!("`resource` is {}, the public URL", quoted(resource)));
        }
        Some(resource) => report.fault(
            Check::Resource,
            at,
            format!(
                "`resource` is {}, and clients were given {}: they refuse it, or get tokens for another audience",
                quoted(resource),
                quoted(wanted)
            ),
            format!(
                "make both the same, byte for byte: `public_url = \"{wanted}\"` in the configuration of the host, or give clients {}",
                quoted(resource)
            ),
        ),
        None => report.fault(
            Check::Resource,
            at,
            "`resource` is missing or no text",
            "see what serves this document: the host always names it",
        ),
    }
    let methods = document.get("bearer_methods_supported").and_then(Value::as_array);
    if methods.is_some_and(|methods| !methods.iter().any(|method| method == "header")) {
        report.fault(
            Check::Metadata,
            at,
            "`bearer_methods_supported` has no `header`, and MCP clients send tokens in no other way",
            "see what serves this document: the host says `[\"header\"]`",
        );
    }
}

fn servers(report: &mut Report, at: &str, document: &Map<String, Value>, expected: &Expected) -> Vec<String> {
    let listed = document.get("authorization_servers").and_then(Value::as_array);
    let listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    if listed.is_empty() {
        report.fault(
            Check::AuthorizationServers,
            at,
            "`authorization_servers` names none: a client doesn't learn where to sign in",
            "set `authentication.issuer` in the configuration of the host",
        );
    }
    if let Some(issuer) = expected.issuer.as_deref().filter(|issuer| !listed.contains(issuer)) {
        report.fault(
            Check::AuthorizationServers,
            at,
            format!("`authorization_servers` does not name {}, whose tokens alone are accepted here", quoted(issuer)),
            "restart the host with this configuration, or see which host answers at the public URL",
        );
    }
    if listed.len() > SERVERS {
        let found = format!("names {}; only the first {SERVERS} are looked at", listed.len());
        report.warning(Check::AuthorizationServers, at, found, "name the one whose tokens are accepted");
    }
    let mut issuers = Vec::new();
    for issuer in listed.into_iter().take(SERVERS) {
        if !check_scheme(report, Check::AuthorizationServers, at, issuer) {
            continue;
        }
        report.ok(Check::AuthorizationServers, at, format!("names {}", quoted(issuer)));
        issuers.push(issuer.to_owned());
    }
    issuers
}

fn scopes(report: &mut Report, at: &str, document: &Map<String, Value>) -> Vec<String> {
    let Some(value) = document.get("scopes_supported") else {
        report.ok(Check::Scopes, at, "no `scopes_supported`: clients ask for those that a challenge names");
        return Vec::new();
    };
    let listed: Option<Vec<&str>> = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    let token =
        |scope: &&str| !scope.is_empty() && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    let Some(listed) = listed.filter(|listed| listed.iter().all(token)) else {
        report.fault(
            Check::Scopes,
            at,
            "`scopes_supported` is no list of scopes: a scope has visible ASCII without blanks, quotes and backslashes",
            "correct `scopes` in the manifests of the tools that are served",
        );
        return Vec::new();
    };
    let distinct: BTreeSet<&str> = listed.iter().copied().collect();
    if distinct.contains("offline_access") {
        report.warning(
            Check::Scopes,
            at,
            "`scopes_supported` lists `offline_access`, which is between a client and its authorization server",
            "take it out of the `scopes` of tools; clients ask for it by themselves",
        );
    }
    let personal: Vec<&str> = ["openid", "email", "profile"].into_iter().filter(|it| distinct.contains(it)).collect();
    let personal = match personal.is_empty() {
        true => String::new(),
        false => format!("; ChatGPT always asks for {}", personal.join(", ")),
    };
    report.ok(Check::Scopes, at, format!("{} scopes{personal}", distinct.len()));
    listed.into_iter().map(str::to_owned).collect()
}

fn path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    quoted(rest.find('/').map_or("/", |at| &rest[at..]))
}
