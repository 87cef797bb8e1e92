//! The way of a request. It runs one way: for this server, something that there is, from somebody who is proven and may, and
//! only then is a body read; who it was is asked again before anything is done, because a long body takes its time.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use axum::body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Request, StatusCode,
    body::{Body as _, Incoming},
    header,
};
use portcullis_backend::RefusalRule;
use portcullis_identity::{Authorization, Presented};
use portcullis_manifest::{Principal, Role};
use portcullis_mcp::source_of;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Parts, UPLOADS, name_of, route::Action, said::Said};
use crate::control::{self, Response};

/// `POST /v1/releases`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRelease {
    /// `plugin.toml`.
    manifest: String,
    /// What the manifest names, by its path.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Files under the manifest's folder of assets, by their names there, in base64.
    #[serde(default)]
    assets: BTreeMap<String, String>,
    /// base64.
    component: String,
    #[serde(default)]
    prefix: Option<String>,
}

/// `POST /v1/releases/{release}/approve`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Approval {
    /// Tools that may be called without sign-in.
    without_sign_in: Vec<String>,
}

/// `POST /v1/releases/{release}/withdraw`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A good answer, or a refusal.
pub(super) async fn answer(parts: &Arc<Parts>, peer: Option<IpAddr>, request: Request<Incoming>) -> Result<Said, Said> {
    let (head, body) = request.into_parts();
    guard(parts, &head)?;
    let peer = source_of(peer, &parts.trusted_proxies, &head.headers);
    let who = proven(parts, peer, &head.headers).await?;
    let refuse = |rule, said| parts.refuse(rule, Some(&who), said);
    let action = Action::of(&head.method, head.uri.path(), head.uri.query());
    let action = action.map_err(|(rule, said)| refuse(rule, said))?;
    permitted(parts, &who, &action)?;
    if !action.has_body() {
        return ask(parts, &who, action, Vec::new(), (None, None)).await;
    }
    let long = action == Action::Publish;
    // Held until it is done, whoever waits for it: what was made of the body stays in memory for as long.
    let upload = match long {
        true => Some(Arc::clone(&parts.uploads).try_acquire_owned().map_err(|_| {
            let message = format!("{UPLOADS} releases are being uploaded already; try again");
            let said = Said::error(StatusCode::SERVICE_UNAVAILABLE, "body-size", message);
            refuse(RefusalRule::BodySize, said.with(header::RETRY_AFTER, "5"))
        })?),
        false => None,
    };
    let most = if long { parts.limits.release } else { parts.limits.body };
    let bytes = read(parts, &who, &head.headers, body, most).await?;
    // One change after the other: who waits here and goes away has asked for nothing, and who is shut out meanwhile is found out.
    // Shutting out itself waits for nobody.
    let turn = match action {
        Action::Deny | Action::Allow => None,
        _ => Arc::clone(&parts.turn).acquire_owned().await.ok(),
    };
    // It may have taken a minute, in which somebody was shut out or their token has expired (catalogue AU-07).
    let now = proven(parts, peer, &head.headers).await?;
    permitted(parts, &now, &action)?;
    ask(parts, &now, action, bytes, (upload, turn)).await
}

fn guard(parts: &Parts, head: &hyper::http::request::Parts) -> Result<(), Said> {
    if !parts.hosts.admits(&head.uri, &head.headers) {
        let message =
            "the admin plane does not answer to that Host: `admin.allowed_hosts` lists those that it answers to";
        return Err(parts.refuse(RefusalRule::Host, None, Said::error(StatusCode::FORBIDDEN, "host", message)));
    }
    if !parts.origins.admits(&head.headers) {
        let message = "pages of that Origin may not use the admin plane: `admin.allowed_origins` lists those that may";
        return Err(parts.refuse(RefusalRule::Origin, None, Said::error(StatusCode::FORBIDDEN, "origin", message)));
    }
    Ok(())
}

async fn proven(parts: &Parts, source: Option<IpAddr>, headers: &HeaderMap) -> Result<Principal, Said> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = match (values.next(), values.next()) {
        (None, _) => Authorization::Absent,
        (Some(only), None) => only.to_str().map_or(Authorization::Unreadable, Authorization::Value),
        (Some(_), Some(_)) => Authorization::Unreadable,
    };
    let proven = parts.identity.authenticate(&Presented { authorization, source }).await;
    proven.map_err(|refused| parts.not_proven(&refused, source))
}

fn permitted(parts: &Parts, who: &Principal, action: &Action) -> Result<(), Said> {
    let role = action.role();
    let holds = match role {
        Some(role) => who.has_role(role),
        None => Role::ALL.into_iter().any(|role| who.has_role(role)),
    };
    if holds {
        return Ok(());
    }
    parts.host.refused_role(&name_of(who).unwrap_or_default());
    Err(Said::without_role(role))
}

async fn read(
    parts: &Parts,
    who: &Principal,
    headers: &HeaderMap,
    body: Incoming,
    most: usize,
) -> Result<Vec<u8>, Said> {
    if body.is_end_stream() {
        return Ok(Vec::new());
    }
    let refuse = |rule, said| Err(parts.refuse(rule, Some(who), said));
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // Also what keeps forms of web pages out: they have three other types.
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        let said =
            Said::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", "send `Content-Type: application/json`");
        return refuse(RefusalRule::ContentType, said);
    }
    let too_long = || {
        let message = format!("the body is longer than the {most} bytes that this path takes");
        Said::error(StatusCode::PAYLOAD_TOO_LARGE, "body-size", message)
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return refuse(RefusalRule::BodySize, too_long());
    }
    match tokio::time::timeout(parts.limits.patience, Limited::new(Body::new(body), most).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => refuse(RefusalRule::BodySize, too_long()),
        Ok(Err(_)) => {
            refuse(RefusalRule::Message, Said::error(StatusCode::BAD_REQUEST, "message", "the body did not come whole"))
        }
        Err(_) => refuse(
            RefusalRule::Message,
            Said::error(StatusCode::REQUEST_TIMEOUT, "message", "the body did not come in time"),
        ),
    }
}

/// What a change holds until it is done: a seat for its upload, and its turn.
type Held = (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>);

/// Asks the host, as a command would.
async fn ask(parts: &Arc<Parts>, who: &Principal, action: Action, body: Vec<u8>, held: Held) -> Result<Said, Said> {
    // No token made it: whoever it is has no name to act under.
    let by = name_of(who).ok_or_else(|| Said::without_role(action.role()))?;
    let failed = || Said::error(StatusCode::INTERNAL_SERVER_ERROR, "host-error", "the host could not finish this");
    // A release has tens of megabytes of text: not on a thread that answers calls.
    let request = tokio::task::spawn_blocking(move || question(action, &body)).await.map_err(|_| failed())?;
    let request = request.map_err(|said| parts.refuse(RefusalRule::Json, Some(who), said))?;
    let host = Arc::clone(&parts.host);
    // What an admin asked for is done also when nobody waits any more; a host that stops waits for it.
    let (tell, told_by) = oneshot::channel();
    parts.sessions.spawn(async move {
        let _held = held;
        let _ = tell.send(control::answer(&host, &by, request).await);
    });
    told(told_by.await.map_err(|_| failed())?)
}

fn question(action: Action, body: &[u8]) -> Result<control::Request, Said> {
    Ok(match action {
        Action::Releases => control::Request::Releases,
        Action::Publish => {
            let NewRelease { manifest, files, assets, component, prefix } = parsed(body)?;
            // Never at once: whoever publishes is not who approves.
            control::Request::Publish { manifest, files, assets, component, prefix, approve: false }
        }
        Action::Approve { release } => {
            let Approval { without_sign_in } = match body.is_empty() {
                true => Approval::default(),
                false => parsed(body)?,
            };
            control::Request::Decide { release, approve: true, without_sign_in }
        }
        Action::Withdraw { release } => {
            let Nothing {} = match body.is_empty() {
                true => Nothing {},
                false => parsed(body)?,
            };
            control::Request::Decide { release, approve: false, without_sign_in: Vec::new() }
        }
        Action::Audit { tool, call, before, limit } => control::Request::Audit { tool, call, before, limit },
        Action::Denied => control::Request::Denied,
        Action::Deny => control::Request::Deny { denied: parsed(body)? },
        Action::Allow => control::Request::Allow { denied: parsed(body)? },
        Action::Failures => control::Request::Failures,
        Action::Retired => control::Request::Retired,
    })
}

/// Unknown and duplicate keys are refused: a misspelt one would otherwise be none.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Said> {
    // A list would be taken for the members of an object in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Said::error(StatusCode::BAD_REQUEST, "json", "the body must be a JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| {
        Said::error(StatusCode::BAD_REQUEST, "json", format!("the body is not what this path takes: {error}"))
    })
}

fn told(response: Response) -> Result<Said, Said> {
    match response {
        Response::Published { release, new, notes } => {
            let body = json!({ "release": release, "new": new, "notes": notes });
            Ok(if new { Said::created(body) } else { Said::ok(body) })
        }
        Response::Decided { release, fingerprint, breaks } => {
            Ok(Said::ok(json!({ "release": release, "fingerprint": fingerprint, "breaks": breaks })))
        }
        Response::Releases { releases } => Ok(Said::ok(json!({ "releases": releases }))),
        Response::Audit { records } => Ok(Said::ok(json!({ "records": records }))),
        Response::DeniedChanged { denied } => Ok(Said::ok(json!({ "denied": denied }))),
        Response::DeniedList { entries } => Ok(Said::ok(json!({ "entries": entries }))),
        Response::Retired { names } => Ok(Said::ok(json!({ "names": names }))),
        Response::Failures { planes } => Ok(Said::ok(json!({ "planes": planes }))),
        Response::Refused { why } => Err(Said::error(StatusCode::CONFLICT, "refused", why)),
        Response::Tools { .. } | Response::Called(_) | Response::Stdio => {
            Err(Said::error(StatusCode::INTERNAL_SERVER_ERROR, "host-error", "the host answered another question"))
        }
    }
}
