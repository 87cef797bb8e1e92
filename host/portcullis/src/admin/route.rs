//! What there is to ask for, and who may: from a method, a path and a query, before anything of a body is read.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use portcullis_backend::RefusalRule;
use portcullis_manifest::Role;
use uuid::Uuid;

use super::said::Said;

/// Longest name of a release in a path: a plugin, a version, or a fingerprint.
const NAME: usize = 256;
/// Most audit records in one answer.
const RECORDS: u32 = 1000;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Releases,
    Publish,
    Approve { release: String },
    Withdraw { release: String },
    Audit { tool: Option<String>, call: Option<Uuid>, before: Option<i64>, limit: u32 },
    Denied,
    Deny,
    Allow,
    Failures,
    Retired,
}

/// No such thing, with the rule by which it is refused.
pub(super) type NoAction = (RefusalRule, Said);

impl Action {
    /// The role that it takes. None: any.
    pub(super) fn role(&self) -> Option<Role> {
        match self {
            Self::Releases | Self::Retired => None,
            Self::Publish => Some(Role::Publisher),
            Self::Approve { .. } | Self::Withdraw { .. } => Some(Role::Approver),
            Self::Audit { .. } => Some(Role::Auditor),
            Self::Denied | Self::Deny | Self::Allow | Self::Failures => Some(Role::Operator),
        }
    }

    /// Whether its body says what is to be done.
    pub(super) fn has_body(&self) -> bool {
        !matches!(self, Self::Releases | Self::Audit { .. } | Self::Denied | Self::Failures | Self::Retired)
    }

    pub(super) fn of(method: &Method, path: &str, query: Option<&str>) -> Result<Self, NoAction> {
        let segments: Vec<&str> = path.strip_prefix("/v1/").unwrap_or_default().split('/').collect();
        let (get, post) = (*method == Method::GET, *method == Method::POST);
        let action = match segments[..] {
            ["releases"] if get => Self::Releases,
            ["releases"] if post => Self::Publish,
            ["releases"] => return Err((RefusalRule::Method, Said::method("GET, POST"))),
            ["releases", release, "approve"] if post => Self::Approve { release: named(release)? },
            ["releases", release, "withdraw"] if post => Self::Withdraw { release: named(release)? },
            ["releases", _, "approve" | "withdraw"] => return Err((RefusalRule::Method, Said::method("POST"))),
            ["audit"] if get => return audit(query.unwrap_or_default()),
            ["audit"] => return Err((RefusalRule::Method, Said::method("GET"))),
            ["denied"] if get => Self::Denied,
            ["denied"] if post => Self::Deny,
            ["denied"] => return Err((RefusalRule::Method, Said::method("GET, POST"))),
            ["denied", "allow"] if post => Self::Allow,
            ["denied", "allow"] => return Err((RefusalRule::Method, Said::method("POST"))),
            ["retired"] if get => Self::Retired,
            ["retired"] => return Err((RefusalRule::Method, Said::method("GET"))),
            ["failures"] if get => Self::Failures,
            ["failures"] => return Err((RefusalRule::Method, Said::method("GET"))),
            _ => {
                let message = "nothing is served at this path: the admin plane has /v1/releases, \
                               /v1/releases/{release}/approve, /v1/releases/{release}/withdraw, /v1/audit, /v1/denied, \
                               /v1/denied/allow, /v1/failures and /v1/retired";
                return Err((RefusalRule::Path, Said::error(StatusCode::NOT_FOUND, "path", message)));
            }
        };
        match query {
            None | Some("") => Ok(action),
            // A token there, too: what stands in a URL is written down on the way (catalogue AU-21).
            Some(_) => Err(params("this path takes no query: tokens go into `Authorization`, the rest into the body")),
        }
    }
}

fn params(message: impl Into<String>) -> NoAction {
    (RefusalRule::Params, Said::error(StatusCode::BAD_REQUEST, "params", message))
}

/// A release, as a segment of a path: `notes@1.0.0`, or digits of its fingerprint.
fn named(segment: &str) -> Result<String, NoAction> {
    let name =
        segment.replace("%40", "@").replace("%3A", ":").replace("%3a", ":").replace("%2B", "+").replace("%2b", "+");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@:.-+_".contains(&byte);
    if name.is_empty() || name.len() > NAME || !name.bytes().all(plain) {
        return Err(params(
            "a release is named as `plugin@version`, or by the first 8 or more digits of its fingerprint",
        ));
    }
    Ok(name)
}

fn audit(query: &str) -> Result<Action, NoAction> {
    let mut given = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !["tool", "call", "before", "limit"].contains(&name.as_ref()) {
            return Err(params("the audit is asked with `tool`, `call`, `before` and `limit`, and nothing else"));
        }
        if given.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(params("each parameter of the audit may be given once"));
        }
    }
    let mut take = |name: &str| given.remove(name);
    let tool = take("tool").map(|tool| match tool.len() {
        1..=NAME => Ok(tool),
        _ => Err(params("`tool` is a tool's name on the wire")),
    });
    let call = take("call").map(|call| call.parse().map_err(|_| params("`call` is a correlation id")));
    let before = take("before").map(|seq| match seq.parse() {
        Ok(seq @ 1_i64..) => Ok(seq),
        _ => Err(params("`before` is the number that a record begins with")),
    });
    let limit = take("limit").map(|limit| match limit.parse() {
        Ok(limit @ 1..=RECORDS) => Ok(limit),
        _ => Err(params(format!("`limit` is between 1 and {RECORDS}"))),
    });
    Ok(Action::Audit {
        tool: tool.transpose()?,
        call: call.transpose()?,
        before: before.transpose()?,
        limit: limit.transpose()?.unwrap_or(50),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, target: &str) -> Result<Action, RefusalRule> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Action::of(&method, path, query).map_err(|(rule, _)| rule)
    }

    #[test]
    fn au_07_each_action_takes_its_own_role() {
        let release = || "notes@1.0.0".to_owned();
        for (method, target, action, role) in [
            (Method::GET, "/v1/releases", Action::Releases, None),
            (Method::POST, "/v1/releases", Action::Publish, Some(Role::Publisher)),
            (
                Method::POST,
                "/v1/releases/notes@1.0.0/approve",
                Action::Approve { release: release() },
                Some(Role::Approver),
            ),
            (
                Method::POST,
                "/v1/releases/notes%401.0.0/withdraw",
                Action::Withdraw { release: release() },
                Some(Role::Approver),
            ),
            (
                Method::GET,
                "/v1/audit?tool=notes_get&before=7&limit=3",
                Action::Audit { tool: Some("notes_get".to_owned()), call: None, before: Some(7), limit: 3 },
                Some(Role::Auditor),
            ),
            (Method::GET, "/v1/denied", Action::Denied, Some(Role::Operator)),
            (Method::POST, "/v1/denied", Action::Deny, Some(Role::Operator)),
            (Method::POST, "/v1/denied/allow", Action::Allow, Some(Role::Operator)),
            (Method::GET, "/v1/failures", Action::Failures, Some(Role::Operator)),
            (Method::GET, "/v1/retired", Action::Retired, None),
        ] {
            assert_eq!(of(method, target), Ok(action.clone()), "{target}");
            assert_eq!(action.role(), role, "{target}");
        }
    }

    #[test]
    fn what_there_is_not_is_refused_by_its_rule() {
        for target in [
            "/",
            "/mcp",
            "/v1",
            "/v1/",
            "/v2/releases",
            "/v1/releases/",
            "/v1/releases/a/b/approve",
            "//v1/releases",
            "/V1/releases",
        ] {
            assert_eq!(of(Method::GET, target), Err(RefusalRule::Path), "{target}");
        }
        for (method, target) in [
            (Method::DELETE, "/v1/releases"),
            (Method::GET, "/v1/releases/a@1/approve"),
            (Method::POST, "/v1/audit"),
            (Method::OPTIONS, "/v1/denied"),
            (Method::GET, "/v1/denied/allow"),
            (Method::POST, "/v1/failures"),
            (Method::POST, "/v1/retired"),
        ] {
            assert_eq!(of(method, target), Err(RefusalRule::Method), "{target}");
        }
    }

    #[test]
    fn au_21_a_query_that_is_not_the_audits_is_refused() {
        for target in [
            "/v1/releases?access_token=x",
            "/v1/audit?access_token=x",
            "/v1/audit?limit=1&limit=2",
            "/v1/audit?limit=0",
            "/v1/audit?limit=1001",
            "/v1/audit?limit=-1",
            "/v1/audit?before=0",
            "/v1/audit?before=x",
            "/v1/audit?call=x",
            "/v1/audit?tool=",
        ] {
            assert_eq!(of(Method::GET, target), Err(RefusalRule::Params), "{target}");
        }
        for target in ["/v1/releases/%2e%2e/approve", "/v1/releases/a%00/approve", "/v1/releases/a b/approve"] {
            assert_eq!(of(Method::POST, target), Err(RefusalRule::Params), "{target}");
        }
    }
}
