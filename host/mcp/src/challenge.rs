//! The one place where a `WWW-Authenticate` challenge is made (facts B1, RFC 6750, RFC 9728).

use std::str::FromStr;

use http::{HeaderValue, Uri};
use portcullis_manifest::Scope;

/// The canonical URL of the MCP endpoint as clients were given it, from the operator's configuration and never from a
/// request header (catalogue AU-42).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    url: String,
    path: usize,
}

/// A public URL that is not of its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no URL that clients can be given: it must be http or https, a host and a path, such as https://tools.example.com/mcp"
)]
pub struct InvalidPublicUrl(String);

impl PublicUrl {
    /// The URL, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Scheme and authority.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.url[..self.path]
    }

    /// Where the protected resource metadata of this endpoint is served (RFC 9728 section 3.1).
    #[must_use]
    pub fn metadata_url(&self) -> String {
        format!("{}/.well-known/oauth-protected-resource{}", self.origin(), &self.url[self.path..])
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let wrong = || InvalidPublicUrl(text.chars().take(200).collect());
        let url = text.strip_suffix('/').unwrap_or(text);
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\?#@".contains(&byte));
        match uri.scheme_str() {
            Some(scheme @ ("http" | "https")) if plain => {
                let path = scheme.len() + "://".len() + authority.as_str().len();
                Ok(Self { url: url.to_owned(), path })
            }
            _ => Err(wrong()),
        }
    }
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

    /// For a request without credentials.
    pub(crate) fn sign_in(&self) -> HeaderValue {
        self.bearer(&[])
    }

    /// For credentials that were refused.
    pub(crate) fn invalid_token(&self, reason: &str) -> HeaderValue {
        self.bearer(&["error=\"invalid_token\"".to_owned(), description(reason)])
    }

    /// For a token that lacks scopes: all that the call needs, in one challenge.
    pub(crate) fn insufficient_scope(&self, needed: &[Scope], reason: &str) -> HeaderValue {
        let scopes = needed.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ");
        let error = "error=\"insufficient_scope\"".to_owned();
        self.bearer(&[error, format!("scope=\"{scopes}\""), description(reason)])
    }

    fn bearer(&self, parameters: &[String]) -> HeaderValue {
        let all = self.metadata.iter().chain(parameters).map(String::as_str).collect::<Vec<_>>().join(", ");
        let value = if all.is_empty() { "Bearer".to_owned() } else { format!("Bearer {all}") };
        // Scopes, the public URL and descriptions are printable ASCII by their types, and so are the names.
        HeaderValue::from_str(&value).expect("every part is printable ASCII")
    }
}

/// RFC 6750 section 3 allows printable ASCII without quotes and backslashes.
fn description(reason: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    let text: String = reason.chars().take(200).map(|c| if allowed(c) { c } else { '\'' }).collect();
    format!("error_description=\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_stands_between_host_and_path() {
        for (public, canonical, metadata) in [
            (
                "https://h.example/mcp",
                "https://h.example/mcp",
                "https://h.example/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://h.example/mcp/",
                "https://h.example/mcp",
                "https://h.example/.well-known/oauth-protected-resource/mcp",
            ),
            ("https://h.example", "https://h.example", "https://h.example/.well-known/oauth-protected-resource"),
            ("http://[::1]:8/a/b", "http://[::1]:8/a/b", "http://[::1]:8/.well-known/oauth-protected-resource/a/b"),
        ] {
            let url: PublicUrl = public.parse().unwrap();
            assert_eq!((url.as_str(), url.metadata_url().as_str()), (canonical, metadata));
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
        ];
        for url in bad {
            assert!(url.parse::<PublicUrl>().is_err(), "{url}");
        }
    }

    #[test]
    fn a_reason_cannot_leave_its_quotes() {
        let challenge = Challenges::new(None).invalid_token("a\", scope=\"all\\\r\nSet-Cookie: \u{e9}");
        let expected = "Bearer error=\"invalid_token\", error_description=\"a', scope='all'''Set-Cookie: '\"";
        assert_eq!(challenge, expected);
    }
}
