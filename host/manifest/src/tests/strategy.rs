//! Arbitrary valid manifests and packages.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{collection, option, prelude::*, sample};
use serde_json::{Value, json};

use crate::{
    Access, AskKind, Assets, Capability, CapabilityName, Confirm, Digest, FilesCapability, HARD_LIMITS, Hint,
    KvCapability, LIMITS, Label, Limits, Manifest, Package, Partition, PluginInfo, Preview, Prompt, PromptArgument,
    Resource, Retired, TaskSupport, Tool, Use, Visibility, Widget,
    http::{Boundary, HttpCapability, HttpRule, OriginPattern, Scheme, SecretSlot},
    policy,
};

type Capabilities = indexmap::IndexMap<CapabilityName, Capability>;

pub(super) fn limits() -> impl Strategy<Value = Limits> {
    let rows: Vec<_> = LIMITS.iter().map(|row| row.bounds.minimum..=row.bounds.maximum).collect();
    rows.prop_map(|amounts| {
        let mut limits = Limits { time: Duration::ZERO, ..HARD_LIMITS };
        LIMITS.iter().zip(amounts).for_each(|(row, amount)| row.set(&mut limits, amount));
        limits
    })
}

/// Text of one line that an author may write, with what TOML has to escape.
fn line() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 \"'\\\\#=\\[\\]éß日本🧭.,-]{0,30}[a-z]"
}

fn version() -> impl Strategy<Value = String> {
    "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})(-[a-z]{1,4}\\.(0|[1-9][0-9]{0,2}))?(\\+[a-z0-9]{1,6})?"
}

fn plugin() -> impl Strategy<Value = PluginInfo> {
    let file = "[a-z]{1,8}/[a-z]{1,8}\\.wasm";
    let support =
        prop_oneof![Just("mailto:help@example.com".to_owned()), "https://[a-z]{1,8}\\.example/[a-z?=&#]{0,8}"];
    let page = "https://[a-z]{1,8}\\.example(:[1-9][0-9]{1,3})?/[a-z]{0,8}";
    ("[a-z][a-z0-9-]{0,39}", version(), file, line(), line(), option::of(support), option::of(page)).prop_map(
        |(name, version, component, publisher, summary, support, privacy_policy)| PluginInfo {
            name: name.parse().unwrap(),
            version,
            component,
            publisher,
            summary,
            support,
            privacy_policy,
        },
    )
}

/// Few hosts, so that origins meet; with a wildcard, a port, an international name.
pub(super) fn origin() -> impl Strategy<Value = OriginPattern> {
    let host = sample::select(vec![
        "a.example.com",
        "b.example.com",
        "*.example.com",
        "*.b.example.com",
        "xn--bcher-kva.example",
        "internal",
    ]);
    let port = sample::select(vec!["", ":8443", ":80"]);
    let scheme = sample::select(vec!["https", "https", "http"]);
    (scheme, host, port).prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}").parse().unwrap())
}

/// What an operator could call inside.
pub(super) fn inside() -> impl Strategy<Value = Vec<OriginPattern>> {
    collection::vec(origin(), 0..6)
}

fn rule() -> impl Strategy<Value = HttpRule> {
    let method = sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    (method, "(/[a-z0-9._~]{0,6}[a-z]|/\\*){1,4}(/\\*\\*)?")
        .prop_map(|(method, path)| format!("{method} {path}").parse().unwrap())
}

fn secret() -> impl Strategy<Value = SecretSlot> {
    ("[a-z][a-z0-9_-]{0,20}", "(authorization|cookie|x-[a-z]{1,8})", "[A-Z]{0,6}[\"'\\\\ ]{0,2}", "[a-z=\"]{0,4}")
        .prop_map(|(name, header, before, after)| {
            SecretSlot::new(&name, &header, format!("{before}{{}}{after}").trim()).unwrap()
        })
}

fn http() -> impl Strategy<Value = HttpCapability> {
    let allow =
        collection::btree_set(rule(), 1..5).prop_map(|rules| rules.into_iter().collect::<Vec<_>>()).prop_shuffle();
    (origin(), allow, option::of(secret()), 0..=3_u8, 0..=3_u8).prop_map(
        |(origin, allow, secret, redirects, retries)| {
            // Only some origins may have a secret.
            HttpCapability::new(origin.clone(), allow.clone(), secret, redirects, retries)
                .unwrap_or_else(|_| HttpCapability::new(origin, allow, None, redirects, retries).unwrap())
        },
    )
}

fn capability() -> impl Strategy<Value = (CapabilityName, Capability)> {
    let partition = || prop_oneof![Just(Partition::User), Just(Partition::Shared)];
    let quota = 1024..=67_108_864_u64;
    let kv = (partition(), quota.clone(), 1..=100_000_u64)
        .prop_map(|(partition, quota, keys)| Capability::Kv(KvCapability { partition, quota, keys }));
    let files = (partition(), quota, 1..=10_000_u64)
        .prop_map(|(partition, quota, files)| Capability::Files(FilesCapability { partition, quota, files }));
    let http = http().prop_map(|http| Capability::Http(Arc::new(http)));
    ("[a-d][_-]?[0-9]?", prop_oneof![kv, http, files])
        .prop_map(|(name, capability)| (name.parse().unwrap(), capability))
}

type Wanted = (sample::Index, bool);

/// Everything of a tool but its name and its label; `uses` as indexes into whatever capabilities there are, confirmation and
/// preview as what is taken where the tool may have it.
type ToolParts = (String, String, u8, (u8, bool), Vec<Wanted>, Vec<String>, bool, bool);

fn tool_parts() -> impl Strategy<Value = ToolParts> {
    let uses = collection::vec((any::<sample::Index>(), any::<bool>()), 0..4);
    let scopes = collection::btree_set("[a-z]{1,6}:[a-z]{1,6}", 0..3);
    let scopes = scopes.prop_map(|scopes| scopes.into_iter().collect());
    let asking = (0..3_u8, any::<bool>());
    (line(), "[a-zA-Z0-9 \n\"\\\\.,é]{0,60}[a-z]", 0..3_u8, asking, uses, scopes, any::<bool>(), any::<bool>())
}

/// What a tool has for clients that show something, whether it has a widget last.
type Shown = (Visibility, Option<String>, Option<String>, TaskSupport, Option<sample::Index>);

fn shown() -> impl Strategy<Value = Shown> {
    let visibility = sample::select(vec![(true, true), (true, false), (false, true)])
        .prop_map(|(model, app)| Visibility { model, app });
    let task = sample::select(vec![TaskSupport::Never, TaskSupport::Optional, TaskSupport::Required]);
    (visibility, option::of(line()), option::of(line()), task, option::of(any::<sample::Index>()))
}

fn asking() -> impl Strategy<Value = Vec<AskKind>> {
    sample::subsequence(vec![AskKind::Form, AskKind::Sampling, AskKind::Roots], 0..=3).prop_shuffle()
}

/// Everything of a prompt or a resource but its name; `uses` as indexes into whatever capabilities there are.
type Read = (String, String, Vec<AskKind>, Vec<sample::Index>, Vec<String>);

fn read() -> impl Strategy<Value = Read> {
    let uses = collection::vec(any::<sample::Index>(), 0..3);
    let scopes = collection::btree_set("[a-z]{1,6}:[a-z]{1,6}", 0..3);
    (line(), line(), asking(), uses, scopes.prop_map(|scopes| scopes.into_iter().collect()))
}

fn reading(wanted: Vec<sample::Index>, capabilities: &Capabilities) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    for index in wanted.into_iter().filter(|_| !capabilities.is_empty()) {
        let (capability, _) = capabilities.get_index(index.index(capabilities.len())).unwrap();
        if uses.iter().all(|other| other.capability != *capability) {
            uses.push(Use { capability: capability.clone(), access: Access::Read });
        }
    }
    uses
}

fn arguments() -> impl Strategy<Value = Vec<PromptArgument>> {
    let parts = (option::of(line()), option::of(line()), any::<bool>(), any::<bool>());
    collection::btree_map("[a-z][a-z0-9_]{0,6}", (any::<bool>(), parts), 0..4).prop_map(|arguments| {
        let upper = |name: String, upper: bool| if upper { name.to_ascii_uppercase() } else { name };
        let argument = |(name, (up, (title, description, required, complete))): (String, _)| PromptArgument {
            name: upper(name, up).parse().unwrap(),
            title,
            description,
            required,
            complete,
        };
        arguments.into_iter().map(argument).collect()
    })
}

/// What is behind the URI that a resource's name begins, its asset, and what of it is completed.
type Place = (&'static str, Option<&'static str>, Vec<&'static str>);

fn place() -> impl Strategy<Value = Place> {
    sample::select(vec![
        ("", None, vec![]),
        ("", Some("pages/first page.md"), vec![]),
        ("/{+path}", None, vec!["path"]),
        ("/{+path}", Some("pages/{+path}"), vec!["path"]),
        ("/{id}/{+path}/{part}", None, vec!["part", "id"]),
        ("/{id}/data", Some("data-{id}.json"), vec![]),
    ])
}

fn page_origins() -> impl Strategy<Value = Vec<OriginPattern>> {
    let https = origin().prop_filter("a page loads over TLS", |origin| origin.scheme() == Scheme::Https);
    collection::btree_set(https, 0..3).prop_map(|origins| origins.into_iter().collect())
}

type Page = (String, String, Option<u32>, [Vec<OriginPattern>; 4], Option<bool>, Option<OriginPattern>);

fn page() -> impl Strategy<Value = Page> {
    let lists = [page_origins(), page_origins(), page_origins(), page_origins()];
    let domain = option::of("[a-z]{1,6}\\.example".prop_map(|host| format!("https://{host}").parse().unwrap()));
    (line(), line(), option::of(1..=999_999_u32), lists, option::of(any::<bool>()), domain)
}

fn hints() -> impl Strategy<Value = Vec<Hint>> {
    let all = vec![Hint::Locale, Hint::UserAgent, Hint::Location, Hint::Subject, Hint::Session, Hint::Organization];
    sample::subsequence(all, 0..=6).prop_shuffle()
}

/// Prompts, resources and widgets before they know of capabilities. Names of different kinds begin differently.
type Offers =
    (Vec<(String, Read, Vec<PromptArgument>)>, Vec<(String, Read, Option<String>, Place)>, Vec<(String, Page)>);

fn offers() -> impl Strategy<Value = Offers> {
    let prompts = collection::btree_map("p_[a-z0-9_]{0,6}", (read(), arguments()), 0..3);
    let mime = option::of(sample::select(vec!["text/markdown".to_owned(), "text/html".to_owned()]));
    let resources = collection::btree_map("r_[a-z0-9_]{0,6}", (read(), mime, place()), 0..3);
    let widgets = collection::btree_map("w_[a-z0-9_]{0,6}", page(), 0..3);
    (prompts, resources, widgets).prop_map(|(prompts, resources, widgets)| {
        (
            prompts.into_iter().map(|(name, (read, arguments))| (name, read, arguments)).collect(),
            resources.into_iter().map(|(name, (read, mime, place))| (name, read, mime, place)).collect(),
            widgets.into_iter().collect(),
        )
    })
}

/// Any valid manifest.
pub(super) fn manifest() -> impl Strategy<Value = Manifest> {
    let capabilities = collection::vec(capability(), 0..5);
    let tools = collection::btree_map("[a-o][a-z0-9_]{0,12}", (tool_parts(), shown(), asking()), 1..5);
    let folder = sample::select(vec!["assets", "my/assets"]);
    (plugin(), hints(), capabilities, option::of(folder), limits(), tools, offers()).prop_map(
        |(plugin, hints, capabilities, folder, limits, tools, (prompts, resources, widgets))| {
            let capabilities: Capabilities = capabilities.into_iter().collect();
            let folder = folder.or(Some("assets").filter(|_| !widgets.is_empty()));
            let assets = folder.map(|folder| Assets { folder: folder.to_owned() });
            let resource =
                |(name, read, mime, place)| resource(name, read, mime, place, assets.is_some(), &capabilities);
            let resources = resources.into_iter().map(resource).collect();
            let widgets: Vec<Widget> = widgets.into_iter().map(|(name, page)| widget(&name, page)).collect();
            let tools = tools.into_iter().map(|(name, (parts, shown, ask))| {
                let tool = tool(&name, parts, ask, &capabilities);
                let (visibility, invoking, invoked, task, widget) = shown;
                let widget = widget.filter(|_| !widgets.is_empty());
                let widget = widget.map(|index| widgets[index.index(widgets.len())].name.clone());
                Tool { widget, visibility, invoking, invoked, task, ..tool }
            });
            let tools = tools.collect();
            let prompts =
                prompts.into_iter().map(|(name, (title, description, ask, uses, scopes), arguments)| Prompt {
                    name: name.parse().unwrap(),
                    title,
                    description,
                    ask,
                    uses: reading(uses, &capabilities),
                    scopes: scopes.into_iter().map(|scope| scope.parse().unwrap()).collect(),
                    arguments,
                });
            let prompts = prompts.collect();
            let tools: Vec<Tool> = tools;
            // As many as there are tools, of other names; each second has a successor.
            let retire = |(number, tool): (usize, &Tool)| Retired {
                name: format!("z_{}", tool.name).parse().unwrap(),
                instead: (number % 2 == 1).then(|| tool.name.clone()),
                why: (number % 3 == 0).then(|| tool.title.clone()),
            };
            let retired = tools.iter().skip(1).enumerate().map(retire).collect();
            Manifest { plugin, hints, capabilities, assets, limits, tools, prompts, resources, widgets, retired }
        },
    )
}

fn resource(
    name: String,
    (title, description, ask, uses, scopes): Read,
    mime: Option<String>,
    (rest, asset, complete): Place,
    assets: bool,
    capabilities: &Capabilities,
) -> Resource {
    let asset = asset.filter(|_| assets);
    Resource {
        title,
        description,
        mime,
        ask: if asset.is_none() { ask } else { Vec::new() },
        uses: if asset.is_none() { reading(uses, capabilities) } else { Vec::new() },
        scopes: scopes.into_iter().map(|scope| scope.parse().unwrap()).collect(),
        uri: format!("test://{name}{rest}").parse().unwrap(),
        complete: complete.into_iter().map(|name| name.parse().unwrap()).collect(),
        asset: asset.map(|asset| asset.parse().unwrap()),
        name: name.parse().unwrap(),
    }
}

fn widget(name: &str, (title, description, version, origins, border, domain): Page) -> Widget {
    let [connect, load, frame, redirect] = origins;
    Widget {
        name: name.parse().unwrap(),
        title,
        description,
        asset: "widget/page.html".parse().unwrap(),
        version,
        connect,
        load,
        frame,
        redirect,
        border,
        domain,
    }
}

/// Without `file_params`: what they name has to be in the schema (`tests/schemas/files.rs`).
fn tool(name: &str, parts: ToolParts, ask: Vec<AskKind>, capabilities: &Capabilities) -> Tool {
    let (title, description, raised, (confirm, partial), wanted, scopes, input, output) = parts;
    let mut uses: Vec<Use> = Vec::new();
    for (index, write) in wanted.into_iter().filter(|_| !capabilities.is_empty()) {
        let (capability, _) = capabilities.get_index(index.index(capabilities.len())).unwrap();
        if uses.iter().all(|other| other.capability != *capability) {
            let access = if write { Access::Write } else { Access::Read };
            uses.push(Use { capability: capability.clone(), access });
        }
    }
    let computed = policy::effect(&uses, capabilities, &Boundary::everything()).label();
    let label = computed.max([Label::Read, Label::Write, Label::Destructive][usize::from(raised)]);
    let confirm = match [Confirm::None, Confirm::Preview, Confirm::Person][usize::from(confirm)] {
        confirm if label.writes() => confirm.max(Confirm::least(label)),
        _ => Confirm::None,
    };
    let partial = partial && confirm > Confirm::None && policy::sends(&uses, capabilities);
    Tool {
        name: name.parse().unwrap(),
        title,
        description,
        label,
        confirm,
        preview: if partial { Preview::Partial } else { Preview::Whole },
        ask,
        uses,
        scopes: scopes.into_iter().map(|scope| scope.parse().unwrap()).collect(),
        input: input.then(|| format!("schemas/{name}.json")),
        output: output.then(|| "schemas/result.json".to_owned()),
        widget: None,
        visibility: Visibility::ALL,
        invoking: None,
        invoked: None,
        file_params: Vec::new(),
        task: TaskSupport::Never,
    }
}

/// Any schema of a small language, valid by construction.
fn schema() -> impl Strategy<Value = Value> {
    let members = collection::btree_map("[a-z]{1,5}", (0..100_u64, any::<bool>()), 0..4);
    (members, any::<bool>()).prop_map(|(members, open)| {
        let member = |(name, (length, number)): (String, (u64, bool))| {
            let schema = if number {
                json!({ "type": "integer", "minimum": length, "description": "A number" })
            } else {
                json!({ "type": "string", "maxLength": length })
            };
            (name, schema)
        };
        let properties: serde_json::Map<_, _> = members.into_iter().map(member).collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": open })
    })
}

/// Any valid package.
pub(super) fn package() -> impl Strategy<Value = Package> {
    (manifest(), collection::vec(schema(), 6), any::<[u8; 32]>()).prop_map(|(manifest, schemas, digest)| {
        let files: BTreeMap<String, Arc<Value>> = manifest
            .tools
            .iter()
            .flat_map(|tool| [tool.input.clone(), tool.output.clone()])
            .flatten()
            .zip(schemas.into_iter().cycle())
            .map(|(name, schema)| (name, Arc::new(schema)))
            .collect();
        let read = |name: &str| files.get(name).map(|schema| schema.to_string().into_bytes());
        let mut assets = BTreeMap::new();
        if manifest.assets.is_some() {
            let names = ["widget/page.html", "pages/first page.md", "other"];
            assets.extend(names.map(|name| (name.parse().unwrap(), Digest::of(&[digest[0], name.len() as u8]))));
        }
        Package::with_assets(manifest, read, assets, Digest(digest)).unwrap()
    })
}
