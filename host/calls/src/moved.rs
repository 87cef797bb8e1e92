//! What an approver and an author should know of names and pages before a release takes the place of another: nothing of it is
//! refused, and all of it is seen by clients.

use portcullis_manifest::{Manifest, ToolName, visible};
use portcullis_store::{NameOnce, Release, ReleaseState};

use crate::{Policy, ReadRelease, catalogue::read_stored, stable::other_pages};

/// What a client calls by name: the kind, as people say it, and the name in the manifest.
fn called(manifest: &Manifest) -> Vec<(&'static str, &ToolName)> {
    let tools = manifest.tools.iter().map(|tool| ("tool", &tool.name));
    tools.chain(manifest.prompts.iter().map(|prompt| ("prompt", &prompt.name))).collect()
}

/// Which names on the wire of `old` a client calls in vain when `new` is served, and what they are called then: each line is
/// for an approver.
#[must_use]
pub fn moved(old: &ReadRelease, new: &ReadRelease) -> Vec<String> {
    let (was, is) = (called(&old.package.manifest), called(&new.package.manifest));
    let on_wire = |release: &ReadRelease, name: &ToolName| release.wire(name).map(|name| name.to_string()).ok();
    let stays = |kind: &str, wire: &str| {
        is.iter().any(|(other, name)| *other == kind && on_wire(new, name).is_some_and(|name| name == wire))
    };
    let (mut renamed, mut gone) = (Vec::new(), Vec::new());
    for (kind, name) in was {
        let Some(before) = on_wire(old, name).filter(|wire| !stays(kind, wire)) else { continue };
        let same = is.iter().any(|(other, now)| *other == kind && *now == name);
        match on_wire(new, name).filter(|_| same) {
            Some(after) => renamed.push(format!("{before} -> {after}")),
            None => gone.push((before, name)),
        }
    }
    let mut lines = Vec::new();
    if !renamed.is_empty() {
        let (was, is) = (&old.prefix, &new.prefix);
        lines.push(format!("the prefix was \"{was}\", is \"{is}\": {}", renamed.join(", ")));
    }
    let retired = &new.package.manifest.retired;
    lines.extend(gone.into_iter().map(|(before, name)| {
        let advice = retired.iter().find(|retired| retired.name == *name);
        match advice.map(|advice| advice.instead.as_ref().and_then(|instead| on_wire(new, instead))) {
            Some(Some(instead)) => format!("{before} is gone: who calls it is told to call {instead}"),
            Some(None) => format!("{before} is gone: who calls it is told why"),
            None => format!("{before} is gone, and no [[retired]] says what to call instead"),
        }
    }));
    lines.iter().map(|line| visible(line)).collect()
}

/// What the author of `new` may not have meant.
pub(crate) fn notes(new: &ReadRelease, names: &[NameOnce], releases: &[Release], policy: &Policy) -> Vec<String> {
    let manifest = &new.package.manifest;
    let id = manifest.release();
    let ours = || releases.iter().filter(|row| row.id.plugin == id.plugin);
    let mut notes = Vec::new();
    for retired in &manifest.retired {
        let plain = |once: &NameOnce| {
            let row = ours().find(|row| row.id == once.release);
            row.is_some_and(|row| once.name.strip_prefix(&row.prefix) == Some(retired.name.as_str()))
        };
        let wire = new.wire(&retired.name).map(|name| name.to_string()).unwrap_or_default();
        if !names.iter().any(|once| once.plugin == id.plugin && (once.name == wire || plain(once))) {
            notes.push(format!(
                "[[retired]] `{}`: no release of {} that was served had this name, so nobody can call it; is it misspelt?",
                retired.name, id.plugin
            ));
        }
    }
    let served = ours().find(|row| row.state == ReleaseState::Served);
    if let Some(row) = served.filter(|row| number(&row.id.version) > number(&id.version)) {
        notes.push(format!("{id} is older than {}, which is served: to approve it is to go back", row.id));
    }
    for row in ours().filter(|row| row.approval.is_none() && row.state == ReleaseState::Pending) {
        let Ok(old) = read_stored(row, policy) else { continue };
        notes.extend(other_pages(&old, new).map(|widget| {
            format!(
                "the widget `{}` has another page than in {}, which waits for approval, under {}: once one of the two is \
                 approved, the other can't be",
                widget.name,
                row.id,
                widget.uri(&id.plugin)
            )
        }));
    }
    notes
}

/// Numbers of a version, to compare; what comes after them is no order for people.
fn number(version: &str) -> [u64; 3] {
    let mut numbers = version.split(['.', '-', '+']).map(|number| number.parse::<u64>().unwrap_or_default());
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}
