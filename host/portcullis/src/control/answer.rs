//! The answers, from the host.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_backend::{Answer, Backend as _, CallAnswer as Answered, CallRefused, CallRequest, ListKind, Target};
use portcullis_calls::{CONFIRMATION, Host, ReadRelease, Source};
use portcullis_identity::FailureCounts;
use portcullis_manifest::{Change, Fingerprint, Manifest, Package, Principal, ToolName, visible};
use portcullis_store::{AuditEntry, AuditFilter, NameOnce, Release, ReleaseState, Retirement};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    AuditRecord, CallAnswer, FailuresLine, ReleaseLine, Request, Response, RetiredLine, UsageLine, denied, nearest,
};

/// Answers one question. `by` is who asks: the operating system's name for the peer, or the issuer's for who has signed in.
pub(crate) async fn answer(host: &Arc<Host>, by: &str, request: Request) -> Response {
    let result = match request {
        Request::Publish { manifest, files, assets, component, prefix, approve } => {
            publish(host, by, Sent { manifest, files, assets, component, prefix }, approve).await
        }
        Request::Decide { release, approve, without_sign_in } => {
            decide(host, by, &release, approve, &without_sign_in).await
        }
        Request::Releases => releases(host).await,
        Request::Tools => Ok(tools(host)),
        Request::Call { tool, arguments, preview } => call(host, tool, arguments, preview).await,
        Request::Audit { tool, call, before, limit } => {
            let filter = AuditFilter { correlation: call.map(Uuid::into_bytes), tool, before, limit, kind: None };
            audit(host, by, filter).await
        }
        Request::Deny { denied } => denied::deny(host, by, denied).await,
        Request::Allow { denied } => denied::allow(host, by, denied).await,
        Request::Denied => denied::list(host).await,
        Request::Failures => Ok(failures(host)),
        Request::Retired => retired(host).await,
        Request::Stdio => Ok(Response::Stdio),
    };
    result.unwrap_or_else(|why| Response::Refused { why })
}

/// A release as it is sent.
struct Sent {
    manifest: String,
    files: BTreeMap<String, String>,
    assets: BTreeMap<String, String>,
    component: String,
    prefix: Option<String>,
}

impl Sent {
    fn source(self) -> Result<Source, String> {
        let Self { manifest, files, assets, component, prefix } = self;
        let component = BASE64_STANDARD.decode(component).map_err(|_| "the component is not base64".to_owned())?;
        let files = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
        let decoded = |(name, text): (String, String)| match BASE64_STANDARD.decode(text) {
            Ok(bytes) => Ok((name, bytes)),
            Err(_) => Err(format!("the asset `{}` is not base64", visible(&name))),
        };
        let assets = assets.into_iter().map(decoded).collect::<Result<_, _>>()?;
        Ok(Source { manifest, files, assets, component, prefix })
    }
}

async fn publish(host: &Host, by: &str, sent: Sent, approve: bool) -> Result<Response, String> {
    let source = sent.source()?;
    let published = host.publish(source, by).await.map_err(|error| error.to_string())?;
    let fingerprint = published.fingerprint;
    let state = published.known.unwrap_or(ReleaseState::Pending);
    // Against what is served now: once it is approved, that is itself.
    let before = lines(host).await?;
    if approve && state != ReleaseState::Served {
        let which = fingerprint.to_string();
        host.decide(&which, true, by).await.map_err(|error| {
            format!("{} is published and {} ({which}), and was not approved: {error}", published.id, state.as_str())
        })?;
    }
    let this = |lines: Vec<(Fingerprint, ReleaseLine)>| lines.into_iter().find(|(found, _)| *found == fingerprint);
    let (_, mut release) = this(lines(host).await?).ok_or("the release is not in the store")?;
    release.changes = this(before).map(|(_, line)| line.changes).unwrap_or_default();
    Ok(Response::Published { release, new: published.known.is_none(), notes: published.notes })
}

async fn decide(
    host: &Host,
    by: &str,
    release: &str,
    approve: bool,
    without_sign_in: &[String],
) -> Result<Response, String> {
    let before = host.releases().await.map_err(|error| error.to_string())?;
    let decided = match approve {
        true => host.approve(release, without_sign_in, by).await,
        false if without_sign_in.is_empty() => host.decide(release, false, by).await,
        false => return Err("a withdrawal lets nothing be called without sign-in: only an approval does".to_owned()),
    };
    let (id, fingerprint) = decided.map_err(|error| error.to_string())?;
    let new = before.iter().find(|release| release.fingerprint == fingerprint).filter(|_| approve);
    let breaks = new.and_then(|new| Some(broken(&read(served(new, &before)?)?, &read(new)?))).unwrap_or_default();
    Ok(Response::Decided { release: id.to_string(), fingerprint: fingerprint.to_string(), breaks })
}

async fn releases(host: &Host) -> Result<Response, String> {
    let releases = lines(host).await?.into_iter().map(|(_, line)| line).collect();
    Ok(Response::Releases { releases })
}

async fn lines(host: &Host) -> Result<Vec<(Fingerprint, ReleaseLine)>, String> {
    let releases = host.releases().await.map_err(|error| error.to_string())?;
    let lines = releases.iter().map(|release| (release.fingerprint, line(release, &releases)));
    Ok(lines.collect())
}

/// What the plugin of `release` serves instead of it.
fn served<'a>(release: &Release, all: &'a [Release]) -> Option<&'a Release> {
    all.iter().find(|other| {
        other.state == ReleaseState::Served
            && other.id.plugin == release.id.plugin
            && other.fingerprint != release.fingerprint
    })
}

fn line(release: &Release, all: &[Release]) -> ReleaseLine {
    let changes = match (release.state, served(release, all)) {
        (ReleaseState::Pending, Some(served)) => changes(served, release),
        _ => Vec::new(),
    };
    let offers = offers(release);
    let is_offer = |name: &str| offers.iter().any(|(_, offer, _)| offer == name);
    let tools = release.labels.iter().filter(|(name, _)| !is_offer(name)).cloned().collect();
    ReleaseLine {
        release: release.id.to_string(),
        fingerprint: release.fingerprint.to_string(),
        state: release.state.as_str().to_owned(),
        tools,
        offers,
        published_by: release.published_by.clone(),
        published_at: release.published_at,
        approved_by: release.approval.as_ref().map(|approval| approval.by.clone()),
        four_eyes: release.approval.as_ref().map(|approval| approval.four_eyes),
        without_sign_in: release.approval.iter().flat_map(|approval| approval.without_sign_in.clone()).collect(),
        changes,
    }
}

/// What a release has beside tools. One whose manifest this program can't read any more is not served either.
fn offers(release: &Release) -> Vec<(String, String, String)> {
    let Ok(manifest) = Manifest::parse(&release.manifest) else { return Vec::new() };
    let offer =
        |kind: &str, name: &ToolName, place: String| (kind.to_owned(), format!("{}{name}", release.prefix), place);
    let prompts = manifest.prompts.iter().map(|prompt| offer("prompt", &prompt.name, String::new()));
    let resources = manifest.resources.iter();
    let resources = resources.map(|resource| offer("resource", &resource.name, resource.uri.to_string()));
    let widgets = manifest.widgets.iter();
    let widgets = widgets.map(|widget| offer("widget", &widget.name, widget.uri(&manifest.plugin.name)));
    prompts.chain(resources).chain(widgets).collect()
}

/// What an approver has to look at (catalogue RG-20).
fn changes(old: &Release, new: &Release) -> Vec<String> {
    let (Some(before), Some(after)) = (read(old), read(new)) else {
        return vec!["the two releases can't be compared: one of them can't be read any more".to_owned()];
    };
    let marked = |change: &Change| {
        let mark = if change.widens() { "WIDENS " } else { "" };
        format!("{mark}{change}")
    };
    let broken = broken(&before, &after).into_iter();
    broken.chain(Package::diff(&before.package, &after.package).iter().map(marked)).collect()
}

fn read(release: &Release) -> Option<ReadRelease> {
    let files: BTreeMap<String, String> = serde_json::from_str(&release.files).ok()?;
    let files = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let assets = release.assets.iter().map(|(name, digest)| Some((name.parse().ok()?, *digest)));
    let assets = assets.collect::<Option<_>>()?;
    ReadRelease::read(&release.manifest, &files, assets, release.digest, Some(&release.prefix)).ok()
}

/// What clients of `before` can't go on with: names that go, and, in a new release line, schemas.
fn broken(before: &ReadRelease, after: &ReadRelease) -> Vec<String> {
    let broken = portcullis_calls::moved(before, after).into_iter().chain(portcullis_calls::breaks(before, after));
    broken.map(|broken| format!("BREAKS {broken}")).collect()
}

fn tools(host: &Host) -> Response {
    let listed = |kind| {
        let list = host.list(kind, &Principal::local());
        list.items.iter().filter_map(|item| serde_json::from_str(item.json.get()).ok()).collect::<Vec<Value>>()
    };
    let mut resources = listed(ListKind::Resources);
    resources.extend(listed(ListKind::Templates));
    Response::Tools { tools: listed(ListKind::Tools), prompts: listed(ListKind::Prompts), resources }
}

async fn call(host: &Host, tool: String, arguments: Map<String, Value>, preview: bool) -> Result<Response, String> {
    let correlation = Uuid::now_v7();
    if arguments.contains_key(CONFIRMATION) && confirms_nothing(host, &tool) {
        return Err(format!("`{}` needs no confirmation: call it without --confirm", visible(&tool)));
    }
    // A command has nobody to ask in the middle of it: what needs a confirmation answers with one.
    let target = Target::Tool { name: tool, arguments };
    let request = CallRequest { preview, ..CallRequest::new(correlation, Principal::local(), target) };
    let (answer, report) = host.run(request).await.map_err(|error| match error {
        CallRefused::UnknownTool { name } => nearest::unknown_tool(host, &name),
        error => error.to_string(),
    })?;
    let answer = match answer {
        Answered::Done(Answer::Tool(answer)) => answer,
        Answered::Done(_) | Answered::Task(_) => {
            return Err("the host answered with what is no tool's answer".to_owned());
        }
        Answered::Ask(_) => return Err("the tool has a question, and this command can't ask it".to_owned()),
    };
    let (usage, log) = match report {
        None => (None, Vec::new()),
        Some(report) => {
            let used = report.usage;
            let usage = UsageLine {
                outcome: report.class.as_str().to_owned(),
                effect: used.effect.as_str().to_owned(),
                fuel: used.fuel,
                memory: used.memory,
                host_calls: used.host_calls,
                instantiate_us: u64::try_from(used.instantiate.as_micros()).unwrap_or(u64::MAX),
                wall_us: u64::try_from(used.wall.as_micros()).unwrap_or(u64::MAX),
            };
            let mut log: Vec<_> = report.log.iter().map(|line| format!("{:?}: {}", line.level, line.text)).collect();
            if report.log_dropped > 0 {
                log.push(format!("({} lines beyond `limits.log` were dropped)", report.log_dropped));
            }
            (Some(usage), log)
        }
    };
    let (content, structured, is_error) = (answer.content, answer.structured, answer.is_error);
    Ok(Response::Called(CallAnswer { correlation, is_error, content, structured, usage, log }))
}

/// Whether it is a tool that would refuse the argument: neither the host nor its author has given it one.
fn confirms_nothing(host: &Host, name: &str) -> bool {
    let list = host.list(ListKind::Tools, &Principal::local());
    let tool = list.items.iter().find(|tool| &*tool.key == name);
    let tool = tool.and_then(|tool| serde_json::from_str::<Value>(tool.json.get()).ok());
    tool.is_some_and(|tool| {
        let input = &tool["inputSchema"];
        input["additionalProperties"] == false && input["properties"].get(CONFIRMATION).is_none()
    })
}

fn failures(host: &Host) -> Response {
    let line = |(plane, counts): (&str, FailureCounts)| {
        let FailureCounts { refused, client_over, unseen, alerts, webhooks, webhooks_lost } = counts;
        FailuresLine { plane: plane.to_owned(), refused, client_over, unseen, alerts, webhooks, webhooks_lost }
    };
    Response::Failures { planes: host.failures().into_iter().map(line).collect() }
}

async fn retired(host: &Host) -> Result<Response, String> {
    let names = host.retired_names().await.map_err(|error| error.to_string())?;
    let line = |once: NameOnce| {
        let NameOnce { name, release, retired, .. } = once;
        let Retirement { at, by, calls, last_call } = retired?;
        let (release, by) = (release.to_string(), by.map(|by| by.to_string()));
        Some(RetiredLine { name, release, since: at, by, calls, last_call })
    };
    Ok(Response::Retired { names: names.into_iter().filter_map(line).collect() })
}

async fn audit(host: &Host, by: &str, filter: AuditFilter) -> Result<Response, String> {
    let entries = host.audit(by, filter).await.map_err(|error| error.to_string())?;
    Ok(Response::Audit { records: entries.into_iter().map(record).collect() })
}

fn record(entry: AuditEntry) -> AuditRecord {
    let release = <[u8; 32]>::try_from(entry.release).map(|bytes| Fingerprint(bytes).to_string());
    AuditRecord {
        seq: entry.seq,
        at: entry.at,
        kind: entry.kind,
        class: entry.class,
        correlation: Uuid::from_bytes(entry.correlation),
        principal: entry.principal,
        tool: entry.tool,
        release: release.unwrap_or_default(),
        label: entry.label,
        effect: entry.effect,
        fuel: entry.fuel,
        memory: entry.memory,
        wall_us: entry.wall_us,
        host_calls: entry.host_calls,
        count: entry.count,
        detail: entry.detail,
    }
}
