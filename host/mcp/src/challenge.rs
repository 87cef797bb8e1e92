//! The one place where a `WWW-Authenticate` challenge is made (facts B1, RFC 6750, RFC 9728).

use std::str::FromStr;

use http::{HeaderValue, Uri};
use portcullis_backend::{CallRefused, ToolAnswer};
use portcullis_manifest::Scope;
use serde_json::json;

/// The canonical URL of the MCP endpoint as clients were given it, from the operator's configuration and never from a
/// request header (catalogue AU-42). It is the resource that tokens are asked for and the audience that they must name:
/// one string everywhere, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    url: String,
    path: usize,
}

/// A public URL that is not of its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{url}` is no URL that clients can be given: it must be http or https, a host and a path, in the form in which every client sends it, such as `{instead}`"
)]
pub struct InvalidPublicUrl {
    url: String,
    instead: String,
}

/// Where metadata of protected resources is served (RFC 9728 section 3.1).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

impl PublicUrl {
    /// The URL, exactly as it was configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Scheme and authority.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.url[..self.path]
    }

    /// Host and port, as clients write them into `Host`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, host)| host)
    }

    /// Where the protected resource metadata of this endpoint is served (RFC 9728 section 3.1).
    #[must_use]
    pub fn metadata_url(&self) -> String {
        // Only a slash that ends the host is left out there.
        let path = if self.path() == "/" { "" } else { self.path() };
        format!("{}{WELL_KNOWN}{path}", self.origin())
    }

    /// From the first slash after the host.
    pub(crate) fn path(&self) -> &str {
        &self.url[self.path..]
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    /// Clients parse the URL and send it on as their URL library writes it. One that would be written otherwise is refused:
    /// tokens would be made out to another string than the one that is compared.
    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let short = |text: &str| text.chars().take(200).collect();
        let wrong = |instead: &str| InvalidPublicUrl { url: short(text), instead: short(instead) };
        let (url, path) = canonical(text).ok_or_else(|| wrong("https://tools.example.com/mcp"))?;
        if url == text { Ok(Self { url, path }) } else { Err(wrong(&url)) }
    }
}

/// The URL as URL libraries write it, and where its path begins.
fn canonical(text: &str) -> Option<(String, usize)> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\?#@<>{}|^`".contains(&byte)) {
        return None;
    }
    let uri: Uri = text.parse().ok()?;
    let (scheme, default) = match uri.scheme_str() {
        Some("https") => ("https", ":443"),
        Some("http") => ("http", ":80"),
        _ => return None,
    };
    let authority = uri.authority()?.as_str().to_ascii_lowercase();
    let authority = authority.strip_suffix(default).or(authority.strip_suffix(':')).unwrap_or(&authority);
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    // They are resolved, and what they hide can be another path.
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if authority.is_empty() || path.split('/').any(dots) {
        return None;
    }
    let origin = format!("{scheme}://{authority}");
    Some((format!("{origin}{path}"), origin.len()))
}

/// What is wrong with the credentials that were sent (RFC 6750 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
}

/// Makes challenges.
#[derive(Debug)]
pub(crate) struct Challenges {
    /// `resource_metadata="..."`, where the server knows its public URL.
    metadata: Option<String>,
}

impl Challenges {
    pub(crate) fn new(public_url: Option<&PublicUrl>) -> Self {
        Self { metadata: public_url.map(|url| format!("resource_metadata=\"{}\"", url.metadata_url())) }
    }

    /// As the value of the header `WWW-Authenticate`.
    pub(crate) fn header(&self, wrong: Option<(Wrong, &str)>, needed: &[Scope]) -> HeaderValue {
        HeaderValue::try_from(self.bearer(wrong, needed)).expect("every part is printable ASCII")
    }

    /// The challenge: printable ASCII, because scopes, the public URL and descriptions are by their types, and so are the
    /// names. Who has sent no credentials is told of nothing wrong. `needed` are all scopes of the call, in one challenge.
    pub(crate) fn bearer(&self, wrong: Option<(Wrong, &str)>, needed: &[Scope]) -> String {
        let mut parameters: Vec<String> = self.metadata.iter().cloned().collect();
        if let Some((wrong, description)) = wrong {
            parameters.push(format!("error=\"{}\"", wrong.as_str()));
            parameters.push(format!("error_description=\"{}\"", quotable(description)));
        }
        if !needed.is_empty() {
            parameters.push(format!("scope=\"{}\"", spaced(needed)));
        }
        if parameters.is_empty() { "Bearer".to_owned() } else { format!("Bearer {}", parameters.join(", ")) }
    }

    /// The same refusal as a result, for a client that links accounts on results and for one whose answer has begun: a
    /// model can read it, and the challenge stands in `_meta` (facts B3). Nothing, where no token would help.
    pub(crate) fn result(&self, refused: &CallRefused) -> Option<ToolAnswer> {
        let (wrong, needed, text) = match refused {
            CallRefused::SignIn { needed } => {
                let scopes = if needed.is_empty() { String::new() } else { format!(" for {}", spaced(needed)) };
                let text =
                    format!("{refused}: connect an account with this server{scopes}, then make the same call again");
                (Wrong::InvalidToken, needed, text)
            }
            CallRefused::InsufficientScope { needed } => {
                let text = format!(
                    "{refused}, and the connected account has not granted all of them: connect it again, agree to them, \
                     then make the same call again"
                );
                (Wrong::InsufficientScope, needed, text)
            }
            _ => return None,
        };
        let challenge = self.bearer(Some((wrong, &refused.to_string())), needed);
        Some(ToolAnswer { meta: Some(json!({ CHALLENGES: [challenge] })), ..ToolAnswer::error(text) })
    }
}

/// The member of `_meta` that holds challenges. `host/calls` lets no plugin set it.
const CHALLENGES: &str = "mcp/www_authenticate";

impl Wrong {
    fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

fn spaced(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

/// RFC 6750 section 3 allows printable ASCII without quotes and backslashes.
fn quotable(reason: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    reason.chars().take(200).map(|c| if allowed(c) { c } else { '\'' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn au_20_the_metadata_stands_between_host_and_path() {
        for (public, path, metadata) in [
            ("https://h.example/mcp", "/mcp", "https://h.example/.well-known/oauth-protected-resource/mcp"),
            ("https://h.example/mcp/", "/mcp/", "https://h.example/.well-known/oauth-protected-resource/mcp/"),
            ("https://h.example/", "/", "https://h.example/.well-known/oauth-protected-resource"),
            ("http://[::1]:8/a/b", "/a/b", "http://[::1]:8/.well-known/oauth-protected-resource/a/b"),
            ("http://h.example:443/a", "/a", "http://h.example:443/.well-known/oauth-protected-resource/a"),
        ] {
            let url: PublicUrl = public.parse().unwrap();
            assert_eq!((url.as_str(), url.path(), url.metadata_url().as_str()), (public, path, metadata));
            assert!(url.as_str().starts_with(url.origin()));
        }
    }

    #[test]
    fn what_is_no_plain_url_is_refused() {
        let bad = [
            "",
            "h.example/mcp",
            "/mcp",
            "ftp://h.example/",
            "https:///mcp",
            "https://h.example/mcp?x",
            "https://h.example/#x",
            "https://u:p@h.example/",
            "https://h.example/\"",
            "https://h.example/ mcp",
            "https://h.example/\u{e9}",
            "https://h.example/\r\nx: y",
            "https://h.example/a/../mcp",
            "https://h.example/a/%2E./mcp",
            "https://h.example/{a}",
        ];
        for url in bad {
            let refused = url.parse::<PublicUrl>().unwrap_err().to_string();
            assert!(refused.ends_with("such as `https://tools.example.com/mcp`"), "{url}: {refused}");
        }
    }

    #[test]
    fn au_20_a_url_that_clients_would_write_otherwise_is_refused_with_what_they_write() {
        for (written, sent) in [
            ("https://h.example", "https://h.example/"),
            ("https://H.Example/Mcp", "https://h.example/Mcp"),
            ("HTTPS://h.example/mcp", "https://h.example/mcp"),
            ("https://h.example:443/mcp", "https://h.example/mcp"),
            ("http://h.example:80", "http://h.example/"),
            ("https://h.example:/mcp", "https://h.example/mcp"),
        ] {
            let refused = written.parse::<PublicUrl>().unwrap_err().to_string();
            assert!(refused.starts_with(&format!("`{written}`")), "{refused}");
            assert!(refused.ends_with(&format!("such as `{sent}`")), "{refused}");
            assert_eq!(sent.parse::<PublicUrl>().unwrap().as_str(), sent);
        }
    }

    #[test]
    fn a_reason_cannot_leave_its_quotes() {
        let reason = "a\", scope=\"all\\\r\nSet-Cookie: \u{e9}";
        let challenge = Challenges::new(None).header(Some((Wrong::InvalidToken, reason)), &[]);
        let expected = "Bearer error=\"invalid_token\", error_description=\"a', scope='all'''Set-Cookie: '\"";
        assert_eq!(challenge, expected);
    }

    #[test]
    fn only_a_refusal_that_a_token_would_mend_is_a_challenge_in_a_result() {
        let challenges = Challenges::new(None);
        let unknown = CallRefused::UnknownTool { name: "x".to_owned() };
        assert_eq!(challenges.result(&unknown), None);
        assert_eq!(challenges.result(&CallRefused::Unavailable { reason: "the audit is full" }), None);
        let answer = challenges.result(&CallRefused::SignIn { needed: Vec::new() }).unwrap();
        let challenge = "Bearer error=\"invalid_token\", \
                         error_description=\"this tool is called by somebody who has signed in\"";
        assert_eq!(answer.meta, Some(json!({ "mcp/www_authenticate": [challenge] })));
    }
}
