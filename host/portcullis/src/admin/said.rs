//! What the admin plane answers. Every answer is JSON, is kept by nobody, and is of no use to a page.

use std::time::Duration;

use axum::{body::Body, response::Response};
use hyper::{
    StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use portcullis_identity::NotProven;
use portcullis_manifest::Role;
use serde_json::{Value, json};

/// On every answer. No CORS header is among them: pages of other origins read nothing.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// An answer, good or bad.
#[derive(Debug)]
pub(super) struct Said {
    status: StatusCode,
    /// JSON.
    body: String,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Said {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: body.to_string(), header: None }
    }

    pub(super) fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, body: body.to_string(), header: None }
    }

    /// A refusal: one word for programs, and what would be accepted for people.
    pub(super) fn error(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let body = json!({ "error": { "code": code, "message": message.into() } });
        Self { status, body: body.to_string(), header: None }
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.header = HeaderValue::from_str(value).ok().map(|value| Box::new((name, value)));
        self
    }

    /// 405, with what there is.
    pub(super) fn method(allowed: &str) -> Self {
        let message = format!("this path is served by {allowed}");
        Self::error(StatusCode::METHOD_NOT_ALLOWED, "http-method", message).with(header::ALLOW, allowed)
    }

    /// 401, 429 or 503: nobody is proven.
    pub(super) fn not_proven(refused: &NotProven) -> Self {
        let later = |status, retry: Duration| {
            let message = refused.to_string();
            Self::error(status, refused.rule(), message).with(header::RETRY_AFTER, &retry.as_secs().max(1).to_string())
        };
        match refused {
            NotProven::Missing => Self::error(
                StatusCode::UNAUTHORIZED,
                refused.rule(),
                "the admin plane is called with an access token for its own audience: `Authorization: Bearer ...`",
            )
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"portcullis admin\""),
            NotProven::Invalid { reason, .. } => {
                let challenge = format!(
                    "Bearer realm=\"portcullis admin\", error=\"invalid_token\", error_description=\"{}\"",
                    described(reason)
                );
                Self::error(StatusCode::UNAUTHORIZED, refused.rule(), reason.as_str())
                    .with(header::WWW_AUTHENTICATE, &challenge)
            }
            NotProven::TooMany { retry_after } => later(StatusCode::TOO_MANY_REQUESTS, *retry_after),
            NotProven::Unavailable { retry_after, .. } => later(StatusCode::SERVICE_UNAVAILABLE, *retry_after),
        }
    }

    /// 403: somebody who may not.
    pub(super) fn without_role(role: Option<Role>) -> Self {
        let needed = match role {
            Some(role) => format!("this needs the role {0}: a token with what `admin.roles.{0}` asks for", role.as_str()),
            None => "this needs one of the roles publisher, approver, auditor and operator: a token with what `admin.roles` \
                     asks for"
                .to_owned(),
        };
        let challenge = format!(
            "Bearer realm=\"portcullis admin\", error=\"insufficient_scope\", error_description=\"{}\"",
            described(&needed)
        );
        Self::error(StatusCode::FORBIDDEN, "role", needed).with(header::WWW_AUTHENTICATE, &challenge)
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.extend(self.header.map(|header| *header));
        response
    }
}

/// RFC 6750 section 3 allows printable ASCII without quotes and backslashes.
fn described(reason: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    reason.chars().take(200).map(|c| if allowed(c) { c } else { '\'' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn au_41_every_answer_has_the_headers_that_keep_pages_out() {
        for said in [Said::ok(json!({})), Said::method("GET"), Said::without_role(None)] {
            let response = said.response();
            for (name, value) in HEADERS {
                assert_eq!(response.headers()[&name], value);
            }
            assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control-")));
            assert!(!response.headers().contains_key(header::SET_COOKIE));
        }
    }

    #[test]
    fn a_reason_cannot_leave_its_quotes() {
        let refused =
            NotProven::Invalid { reason: "a\", realm=\"x\\\r\nSet-Cookie: \u{e9}".to_owned(), rule: "scheme" };
        let response = Said::not_proven(&refused).response();
        let expected = "Bearer realm=\"portcullis admin\", error=\"invalid_token\", error_description=\"a', realm='x'''Set-Cookie: '\"";
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], expected);
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn a_missing_role_is_named_with_where_it_comes_from() {
        for role in Role::ALL {
            let said = Said::without_role(Some(role));
            let body: Value = serde_json::from_str(&said.body).unwrap();
            let message = body["error"]["message"].as_str().unwrap().to_owned();
            assert!(message.contains(&format!("`admin.roles.{}`", role.as_str())), "{message}");
            assert_eq!(said.status, StatusCode::FORBIDDEN);
        }
    }
}
