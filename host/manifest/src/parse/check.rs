//! What single values can't show: the relations between them. Makes the [`Manifest`] that everybody else reads.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{
    Refusal, check_capability,
    list::Entry,
    raw::{RawManifest, RawPlugin, RawTool},
    reader::{At, Reader},
};
use crate::{
    Access, Capability, CapabilityName, Confirm, Label, Manifest, PluginInfo, Preview, Scope, Tool, Use,
    finding::nearest, http::Boundary, policy,
};

type Capabilities = IndexMap<CapabilityName, Capability>;

/// The manifest, unless something that it needs was refused already or is refused here.
pub(super) fn check(raw: RawManifest, reader: &mut Reader<'_>) -> Option<Manifest> {
    let declared = raw.capability.map(|named| named.value.0).unwrap_or_default();
    let names: Vec<CapabilityName> = declared.iter().map(|(name, _)| name.clone()).collect();
    let mut capabilities = Capabilities::new();
    for (name, raw) in declared {
        if let Some(capability) = raw.and_then(|raw| check_capability::check(raw, reader)) {
            capabilities.insert(name, capability);
        }
    }
    let tools = raw.tool.map(|tools| tools.value.0).unwrap_or_default();
    check_names(&tools, reader);
    let tools: Vec<_> = tools.into_iter().map(|tool| check_tool(tool, &names, &capabilities, reader)).collect();
    raw.manifest?;
    Some(Manifest {
        plugin: check_plugin(raw.plugin?.value)?,
        capabilities,
        limits: raw.limits.map(|limits| limits.value.0).unwrap_or_default(),
        tools: tools.into_iter().collect::<Option<_>>()?,
    })
}

fn check_plugin(raw: RawPlugin) -> Option<PluginInfo> {
    Some(PluginInfo {
        name: raw.name?.value,
        version: raw.version?.value.0,
        component: raw.component?.value.0,
        publisher: raw.publisher?.value.0,
        summary: raw.summary?.value.0,
        support: raw.support.map(|support| support.value.0),
        privacy_policy: raw.privacy_policy.map(|page| page.value.0),
    })
}

/// Tool names are lower case by their form, so that equal is also equal after case folding (catalogue MC-04).
fn check_names(tools: &[RawTool], reader: &mut Reader<'_>) {
    let mut first = HashMap::new();
    for name in tools.iter().filter_map(|tool| tool.name.as_ref()) {
        let line = *first.entry(name.value.as_str()).or_insert_with(|| reader.line(&name.spot));
        if line != reader.line(&name.spot) {
            let name_text = name.value.to_string();
            reader.refuse(&name.spot, Refusal::ToolTwice { name: name_text, line });
        }
    }
}

fn check_tool(raw: RawTool, names: &[CapabilityName], known: &Capabilities, reader: &mut Reader<'_>) -> Option<Tool> {
    let entries = raw.uses.map(|uses| uses.value.0).unwrap_or_default();
    check_uses(&entries, names, reader);
    let uses: Vec<Use> =
        entries.into_iter().map(|At { value: Entry { name, access }, .. }| Use { capability: name, access }).collect();
    // No boundary is known here: where everything is inside, the label is the lowest that it can be on any host.
    let computed = policy::effect(&uses, known, &Boundary::everything()).label();
    let label = match raw.label {
        Some(written) if written.value < computed => {
            let because = policy::writing_use(&uses, known).map(|r#use| r#use.to_string()).unwrap_or_default();
            reader.refuse(&written.spot, Refusal::LabelTooLow { written: written.value, computed, because });
            computed
        }
        Some(written) => written.value,
        None => computed,
    };
    let confirm = check_confirm(raw.confirm, label, reader);
    let preview = check_preview(raw.preview, confirm, policy::sends(&uses, known), reader);
    let ask = once(raw.ask.map(|ask| ask.value.0).unwrap_or_default(), |kind| kind.as_str().to_owned(), reader);
    let scopes = once(raw.scopes.map(|scopes| scopes.value.0).unwrap_or_default(), Scope::to_string, reader);
    Some(Tool {
        name: raw.name?.value,
        title: raw.title?.value.0,
        description: raw.description?.value.0,
        label,
        confirm,
        preview,
        ask,
        uses,
        scopes,
        input: raw.input.map(|file| file.value.0),
        output: raw.output.map(|file| file.value.0),
    })
}

/// What a call needs before it writes. A tool that can't write has nothing to confirm.
fn check_confirm(raw: Option<At<Confirm>>, label: Label, reader: &mut Reader<'_>) -> Confirm {
    let least = Confirm::least(label);
    match raw {
        Some(written) if label.writes() => written.value.max(least),
        Some(written) => {
            if is_known(&written, &["label", "uses"], reader) {
                reader.refuse(&written.spot, Refusal::ConfirmsNothing(written.value));
            }
            least
        }
        None => least,
    }
}

/// Only a tool that is confirmed and hears answers from outside can have more effects than its preview shows.
fn check_preview(raw: Option<At<Preview>>, confirm: Confirm, sends: bool, reader: &mut Reader<'_>) -> Preview {
    let Some(written) = raw else { return Preview::default() };
    if written.value == Preview::Partial && is_known(&written, &["label", "confirm", "uses"], reader) {
        if confirm == Confirm::None {
            reader.refuse(&written.spot, Refusal::PreviewOfNothing);
        } else if !sends {
            reader.refuse(&written.spot, Refusal::PreviewIsWhole);
        }
    }
    written.value
}

/// Whether what the keys beside `at` say is known: nothing of them was refused, nor of the capabilities that `uses` may name.
/// Where it is not, what seems to be missing may be there.
fn is_known<T>(at: &At<T>, keys: &[&str], reader: &Reader<'_>) -> bool {
    let tool = at.spot.path.rsplit_once('.').map_or("", |(tool, _)| tool);
    let capabilities = keys.contains(&"uses") && reader.refused("capability");
    !capabilities && !keys.iter().any(|key| reader.refused(&format!("{tool}.{key}")))
}

/// The elements of a list in which nothing may stand twice.
pub(super) fn once<T: PartialEq>(list: Vec<At<T>>, word: fn(&T) -> String, reader: &mut Reader<'_>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for At { spot, value } in list {
        if kept.contains(&value) {
            reader.refuse(&spot, Refusal::ListedTwice(word(&value)));
        } else {
            kept.push(value);
        }
    }
    kept
}

fn check_uses(entries: &[At<Entry>], names: &[CapabilityName], reader: &mut Reader<'_>) {
    for (at, entry) in entries.iter().enumerate() {
        let name = &entry.value.name;
        if !names.contains(name) {
            let near = nearest(name.as_str(), names.iter().map(CapabilityName::as_str));
            let offered = match near {
                Some(near) => vec![near.to_owned()],
                None => names.iter().map(ToString::to_string).collect(),
            };
            reader.refuse(&entry.spot, Refusal::NoCapability { name: name.to_string(), offered });
        } else if let Some(other) = entries[..at].iter().find(|other| other.value.name == *name) {
            let access: Access = other.value.access.max(entry.value.access);
            let keep = format!("{name}:{}", access.as_str());
            reader.refuse(&entry.spot, Refusal::UsedTwice { name: name.to_string(), keep });
        }
    }
}

// A label can be compared only because its order is the order of strictness.
const _: () = assert!((Label::Read as u8) < (Label::Write as u8) && (Label::Write as u8) < (Label::Destructive as u8));
