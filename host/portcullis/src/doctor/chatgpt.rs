//! What ChatGPT needs beyond what every client needs (facts B3).

use super::{
    finding::{Check, Report},
    front::is_local,
    issuer::Metadata,
};

/// The redirect URI of all connections, where answers of the authorization server name their issuer.
const STABLE_REDIRECT: &str = "https://chatgpt.com/connector_platform_oauth_redirect";
/// The redirect URI of one connection.
const OWN_REDIRECT: &str = "https://chatgpt.com/connector/oauth/{callback_id}";
/// Ways in which ChatGPT signs in as a client.
const METHODS: [&str; 4] = ["none", "private_key_jwt", "client_secret_post", "client_secret_basic"];

pub(super) fn check(report: &mut Report, url: &str, issuer: &str, metadata: &Metadata) {
    if is_local(url) || url.starts_with("http://") {
        report.warning(
            Check::ChatGpt,
            issuer,
            "ChatGPT reaches neither this machine nor plain http",
            "give it a public https URL",
        );
        return;
    }
    // Its own report says what to do about these; ChatGPT can't sign in either.
    if report.at_fault(issuer, &[Check::Pkce, Check::Endpoints, Check::Issuer]) {
        report.warning(
            Check::ChatGpt,
            issuer,
            "ChatGPT can't sign in while there are the faults above",
            "mend them first, then run this again",
        );
        return;
    }
    let methods = metadata.list("token_endpoint_auth_methods_supported");
    if methods.as_ref().is_some_and(|methods| !methods.iter().any(|method| METHODS.contains(method))) {
        report.fault(
            Check::ChatGpt,
            issuer,
            "`token_endpoint_auth_methods_supported` has none of those that ChatGPT uses",
            format!("switch one of them on: {}", METHODS.join(", ")),
        );
        return;
    }
    let documents = metadata.is_true("client_id_metadata_document_supported");
    let public = methods.is_none_or(|methods| methods.contains(&"none") || methods.contains(&"private_key_jwt"));
    let stable = metadata.is_true("authorization_response_iss_parameter_supported");
    let redirect = if stable { STABLE_REDIRECT } else { OWN_REDIRECT };
    let shown = if stable { "" } else { " (the management page of the connection shows it)" };
    let how = match (documents, metadata.text("registration_endpoint").is_some()) {
        (true, _) if public => match stable {
            true => "as `https://chatgpt.com/oauth/client.json`",
            false => "as `https://chatgpt.com/oauth/{callback_id}/client.json`",
        },
        (_, true) => "by dynamic registration, once for each connection; the client must stay valid",
        _ => {
            report.warning(
                Check::ChatGpt,
                issuer,
                format!("ChatGPT can't register by itself; its redirect URI is {redirect}{shown}"),
                format!(
                    "register a client by hand with that redirect URI, and enter its client ID (and secret, if it has one) in \
                     ChatGPT. The authorization server must take the parameter `resource` ({url}) and put it into `aud`"
                ),
            );
            return;
        }
    };
    report.ok(Check::ChatGpt, issuer, format!("registers {how}; its redirect URI is {redirect}{shown}"));
}
