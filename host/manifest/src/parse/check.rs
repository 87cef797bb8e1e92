//! What single values can't show: the relations between them. Makes the [`Manifest`] that everybody else reads.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{
    Refusal, check_capability, check_offer,
    list::Entry,
    offer::Seen,
    raw::{RawManifest, RawPlugin, RawRetired, RawTool},
    reader::{At, Reader},
};
use crate::{
    Access, Assets, Capability, CapabilityName, Confirm, Hint, Label, Manifest, PluginInfo, Preview, Retired, Scope,
    Tool, ToolName, Use, Visibility, finding::nearest, http::Boundary, policy,
};

pub(super) type Capabilities = IndexMap<CapabilityName, Capability>;

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
    let prompts = raw.prompt.map(|prompts| prompts.value.0).unwrap_or_default();
    let resources = raw.resource.map(|resources| resources.value.0).unwrap_or_default();
    let widgets = raw.widget.map(|widgets| widgets.value.0).unwrap_or_default();
    let named = tools.iter().map(|tool| ("tool", &tool.name));
    let named = named.chain(prompts.iter().map(|prompt| ("prompt", &prompt.name)));
    let named = named.chain(resources.iter().map(|resource| ("resource", &resource.name)));
    let named = named.chain(widgets.iter().map(|widget| ("widget", &widget.name)));
    let retired = raw.retired.map(|retired| retired.value.0).unwrap_or_default();
    check_names(named.chain(retired.iter().map(|retired| ("retired", &retired.name))), reader);
    let callable = tools.iter().map(|tool| &tool.name).chain(prompts.iter().map(|prompt| &prompt.name));
    let callable: Vec<ToolName> = callable.flatten().map(|name| name.value.clone()).collect();
    let retired: Vec<_> = retired.into_iter().map(|raw| check_retired(raw, &callable, reader)).collect();
    let known = Known {
        names: &names,
        capabilities: &capabilities,
        widgets: widgets.iter().filter_map(|widget| Some(widget.name.as_ref()?.value.clone())).collect(),
        assets: raw.assets.is_some(),
    };
    let tools: Vec<_> = tools.into_iter().map(|tool| check_tool(tool, &known, reader)).collect();
    let prompts: Vec<_> = prompts.into_iter().map(|prompt| check_offer::prompt(prompt, &known, reader)).collect();
    let resources = check_offer::resources(resources, &known, reader);
    let widgets: Vec<_> = widgets.into_iter().map(|widget| check_offer::widget(widget, &known, reader)).collect();
    raw.manifest?;
    let mut raw_plugin = raw.plugin?.value;
    let hints = raw_plugin.hints.take().map(|hints| hints.value.0).unwrap_or_default();
    let hints = once(hints, |hint: &Hint| hint.as_str().to_owned(), reader);
    let assets = match raw.assets {
        Some(assets) => Some(Assets { folder: assets.value.folder?.value.0 }),
        None => None,
    };
    Some(Manifest {
        plugin: check_plugin(raw_plugin)?,
        hints,
        assets,
        limits: raw.limits.map(|limits| limits.value.0).unwrap_or_default(),
        tools: tools.into_iter().collect::<Option<_>>()?,
        prompts: prompts.into_iter().collect::<Option<_>>()?,
        resources: resources.into_iter().collect::<Option<_>>()?,
        widgets: widgets.into_iter().collect::<Option<_>>()?,
        retired: retired.into_iter().collect::<Option<_>>()?,
        capabilities,
    })
}

fn check_retired(raw: RawRetired, callable: &[ToolName], reader: &mut Reader<'_>) -> Option<Retired> {
    if let Some(instead) = raw.instead.as_ref().filter(|instead| !callable.contains(&instead.value)) {
        reader.refuse(&instead.spot, Refusal::NoSuccessor(instead.value.to_string()));
    }
    let instead = raw.instead.map(|instead| instead.value);
    Some(Retired { name: raw.name?.value, instead, why: raw.why.map(|why| why.value.0) })
}

/// What the tables of a manifest may name of each other.
pub(super) struct Known<'a> {
    pub(super) names: &'a [CapabilityName],
    pub(super) capabilities: &'a Capabilities,
    pub(super) widgets: Vec<ToolName>,
    /// There is `[assets]`.
    pub(super) assets: bool,
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

/// Names that differ in their case only are one name (catalogue MC-04).
pub(super) fn check_names<'a, N: ToString + 'a>(
    named: impl Iterator<Item = (&'static str, &'a Option<At<N>>)>,
    reader: &mut Reader<'_>,
) {
    let mut first: HashMap<String, (&'static str, usize)> = HashMap::new();
    for (kind, name) in named.filter_map(|(kind, name)| Some((kind, name.as_ref()?))) {
        let here = reader.line(&name.spot);
        let (kind, line) = *first.entry(name.value.to_string().to_ascii_lowercase()).or_insert((kind, here));
        if line != here {
            reader.refuse(&name.spot, Refusal::NameTwice { kind, name: name.value.to_string(), line });
        }
    }
}

fn check_tool(raw: RawTool, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<Tool> {
    let Known { names, capabilities, widgets, .. } = known;
    let entries = raw.uses.map(|uses| uses.value.0).unwrap_or_default();
    check_uses(&entries, names, reader);
    let uses: Vec<Use> =
        entries.into_iter().map(|At { value: Entry { name, access }, .. }| Use { capability: name, access }).collect();
    // No boundary is known here: where everything is inside, the label is the lowest that it can be on any host.
    let computed = policy::effect(&uses, capabilities, &Boundary::everything()).label();
    let label = match raw.label {
        Some(written) if written.value < computed => {
            let because = policy::writing_use(&uses, capabilities).map(|r#use| r#use.to_string()).unwrap_or_default();
            reader.refuse(&written.spot, Refusal::LabelTooLow { written: written.value, computed, because });
            computed
        }
        Some(written) => written.value,
        None => computed,
    };
    let confirm = check_confirm(raw.confirm, label, reader);
    let preview = check_preview(raw.preview, confirm, policy::sends(&uses, capabilities), reader);
    let ask = once(raw.ask.map(|ask| ask.value.0).unwrap_or_default(), |kind| kind.as_str().to_owned(), reader);
    let scopes = once(raw.scopes.map(|scopes| scopes.value.0).unwrap_or_default(), Scope::to_string, reader);
    if let Some(widget) = raw.widget.as_ref().filter(|widget| !widgets.contains(&widget.value)) {
        let offered = widgets.iter().map(ToString::to_string).collect();
        // One whose own name was refused may be meant.
        if !reader.refused("widget") {
            reader.refuse(&widget.spot, Refusal::NoWidget { name: widget.value.to_string(), offered });
        }
    }
    let visibility = match raw.visibility {
        Some(seen) => {
            let seen = once(seen.value.0, |seen| seen.as_str().to_owned(), reader);
            Visibility { model: seen.contains(&Seen::Model), app: seen.contains(&Seen::App) }
        }
        None => Visibility::ALL,
    };
    let file_params = raw.file_params.map(|names| names.value.0).unwrap_or_default();
    let file_params = once(
        file_params.into_iter().map(|At { spot, value }| At { spot, value: value.0 }).collect(),
        String::clone,
        reader,
    );
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
        widget: raw.widget.map(|widget| widget.value),
        visibility,
        invoking: raw.invoking.map(|text| text.value.0),
        invoked: raw.invoked.map(|text| text.value.0),
        file_params,
        task: raw.task.map(|task| task.value).unwrap_or_default(),
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
pub(super) fn is_known<T>(at: &At<T>, keys: &[&str], reader: &Reader<'_>) -> bool {
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

pub(super) fn check_uses(entries: &[At<Entry>], names: &[CapabilityName], reader: &mut Reader<'_>) {
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
