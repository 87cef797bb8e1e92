//! The metadata of an authorization server (RFC 8414, OpenID Connect Discovery), read as MCP clients read it.

use serde_json::{Map, Value};

use super::{
    clock,
    fetch::Outside,
    finding::{Check, Report, quoted},
    front::check_scheme,
};

/// What an authorization server says of itself.
pub(super) struct Metadata(Map<String, Value>);

impl Metadata {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        self.0.get(key) == Some(&Value::Bool(true))
    }

    /// A list of texts, if it is there.
    pub(super) fn list(&self, key: &str) -> Option<Vec<&str>> {
        let list = self.0.get(key)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).collect())
    }

    /// Whether a list that is there lacks `word`.
    pub(super) fn lacks(&self, key: &str, word: &str) -> bool {
        self.list(key).is_some_and(|list| !list.contains(&word))
    }
}

/// Where clients look, in their order (facts B2; MCP, "Authorization Server Metadata Discovery").
pub(super) fn places(issuer: &str) -> Vec<String> {
    let start = issuer.find("://").map_or(0, |at| at + 3);
    let end = issuer[start..].find('/').map_or(issuer.len(), |at| start + at);
    let (origin, path) = issuer.split_at(end);
    let path = path.strip_suffix('/').unwrap_or(path);
    let well_known = |name: &str| format!("{origin}/.well-known/{name}{path}");
    let mut places = vec![well_known("oauth-authorization-server"), well_known("openid-configuration")];
    if !path.is_empty() {
        places.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    places
}

/// Looks at an authorization server. Nothing where it has no metadata.
pub(super) async fn check(outside: &Outside, report: &mut Report, issuer: &str, scopes: &[String]) -> Option<Metadata> {
    let metadata = find(outside, report, issuer).await?;
    match metadata.text("issuer") {
        Some(named) if named == issuer => report.ok(Check::Issuer, issuer, "`issuer` is the same, byte for byte"),
        named => report.fault(
            Check::Issuer,
            issuer,
            format!(
                "the metadata's `issuer` is {}, not {}: clients refuse it (a slash at the end counts)",
                quoted(named.unwrap_or_default()),
                quoted(issuer)
            ),
            match named {
                Some(named) => format!(
                    "set `authentication.issuer = {}`, exactly as its metadata and its tokens write it",
                    quoted(named)
                ),
                None => "see what serves this document: it is no authorization server's metadata".to_owned(),
            },
        ),
    }
    endpoints(report, issuer, &metadata);
    pkce(report, issuer, &metadata);
    registration(report, issuer, &metadata);
    if metadata.is_true("authorization_response_iss_parameter_supported") {
        report.ok(Check::ResponseIssuer, issuer, "answers name the issuer (RFC 9207)");
    } else {
        report.warning(
            Check::ResponseIssuer,
            issuer,
            "`authorization_response_iss_parameter_supported` is not true: clients of several servers can be misled between \
             them, and ChatGPT uses another redirect URI for each connection",
            "switch RFC 9207 on at the authorization server, if it has it",
        );
    }
    let unknown: Vec<&str> = match metadata.list("scopes_supported") {
        Some(known) => scopes.iter().map(String::as_str).filter(|scope| !known.contains(scope)).collect(),
        None => Vec::new(),
    };
    if !unknown.is_empty() {
        report.warning(
            Check::Scopes,
            issuer,
            format!("tools need scopes that its `scopes_supported` does not list: {}", quoted(&unknown.join(" "))),
            "define them at the authorization server and let clients ask for them, or no token will ever hold them",
        );
    }
    Some(metadata)
}

async fn find(outside: &Outside, report: &mut Report, issuer: &str) -> Option<Metadata> {
    let places = places(issuer);
    for place in &places {
        let answer = match outside.get(place).await {
            Ok(answer) => answer,
            Err(failed) => {
                report.fault(failed.check, issuer, failed.found, failed.change);
                return None;
            }
        };
        match answer.status {
            200 => match answer.object() {
                Ok(object) => {
                    report.ok(Check::IssuerMetadata, issuer, format!("is at {}", quoted(place)));
                    clock::check(report, issuer, &answer);
                    return Some(Metadata(object));
                }
                Err(why) => {
                    report.fault(
                        Check::IssuerMetadata,
                        issuer,
                        format!("what is served at {} {why}; clients stop there", quoted(place)),
                        "serve the metadata there, or 404 so that clients look further",
                    );
                    return None;
                }
            },
            // Not there: clients look further.
            400..=499 => {}
            _ => {
                report.fault(
                    Check::IssuerMetadata,
                    issuer,
                    format!("{} at {}; clients look further only after a 404", answer.is(), quoted(place)),
                    "serve the metadata there, or 404",
                );
                return None;
            }
        }
    }
    let places: Vec<String> = places.iter().map(|place| quoted(place)).collect();
    report.fault(
        Check::IssuerMetadata,
        issuer,
        format!("no metadata at {}", places.join(", ")),
        "correct `authentication.issuer` (with its path, if it has one), or switch discovery on at the authorization server",
    );
    None
}

fn endpoints(report: &mut Report, issuer: &str, metadata: &Metadata) {
    let mut well = true;
    for key in ["authorization_endpoint", "token_endpoint"] {
        match metadata.text(key) {
            None => {
                let change = "use an authorization server with the authorization code flow";
                report.fault(Check::Endpoints, issuer, format!("the metadata has no `{key}`"), change);
                well = false;
            }
            Some(url) => well &= check_scheme(report, Check::Endpoints, issuer, url),
        }
    }
    for (key, word) in [("response_types_supported", "code"), ("grant_types_supported", "authorization_code")] {
        if metadata.lacks(key, word) {
            report.fault(
                Check::Endpoints,
                issuer,
                format!("`{key}` has no `{word}`, which is the one flow that MCP clients use"),
                "switch the authorization code flow on",
            );
            well = false;
        }
    }
    if metadata.lacks("grant_types_supported", "refresh_token") {
        report.warning(
            Check::Endpoints,
            issuer,
            "`grant_types_supported` has no `refresh_token`: people sign in again whenever a token expires",
            "switch refresh tokens on, rotating for public clients",
        );
    }
    if well {
        report.ok(Check::Endpoints, issuer, "the authorization code flow, at both endpoints");
    }
}

fn pkce(report: &mut Report, issuer: &str, metadata: &Metadata) {
    let change = "switch PKCE with S256 on at the authorization server; where it has it and does not say so, put \
                  metadata that says so in front of it";
    match metadata.list("code_challenge_methods_supported") {
        Some(methods) if methods.contains(&"S256") => report.ok(Check::Pkce, issuer, "S256"),
        Some(methods) => report.fault(
            Check::Pkce,
            issuer,
            format!(
                "`code_challenge_methods_supported` has {} and not `S256`: clients refuse",
                quoted(&methods.join(" "))
            ),
            change,
        ),
        None => report.fault(
            Check::Pkce,
            issuer,
            "the metadata has no `code_challenge_methods_supported`: clients take that for no PKCE, and refuse",
            change,
        ),
    }
}

fn registration(report: &mut Report, issuer: &str, metadata: &Metadata) {
    let documents = metadata.is_true("client_id_metadata_document_supported");
    let dynamic = metadata.text("registration_endpoint");
    if dynamic.is_some_and(|url| !check_scheme(report, Check::Registration, issuer, url)) {
        return;
    }
    let found = match (documents, dynamic) {
        (true, Some(_)) => "client ID metadata documents, and dynamic registration",
        (true, None) => "client ID metadata documents",
        (false, Some(_)) => {
            "dynamic registration (RFC 7591); the protocol's newest revision prefers client ID metadata documents"
        }
        (false, None) => {
            report.warning(
                Check::Registration,
                issuer,
                "neither `client_id_metadata_document_supported` nor `registration_endpoint`: by hand only. No client connects \
                 from the URL alone",
                "switch one of them on; or register each client by hand at the authorization server, and give its client ID to \
                 whoever connects",
            );
            return;
        }
    };
    report.ok(Check::Registration, issuer, found);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_clients_look_and_in_their_order() {
        let plain = [
            "https://as.example/.well-known/oauth-authorization-server",
            "https://as.example/.well-known/openid-configuration",
        ];
        assert_eq!(places("https://as.example"), plain);
        assert_eq!(places("https://as.example/"), plain);
        let with_path = [
            "https://as.example:8443/.well-known/oauth-authorization-server/t/1",
            "https://as.example:8443/.well-known/openid-configuration/t/1",
            "https://as.example:8443/t/1/.well-known/openid-configuration",
        ];
        assert_eq!(places("https://as.example:8443/t/1"), with_path);
        assert_eq!(places("https://as.example:8443/t/1/"), with_path);
    }
}
