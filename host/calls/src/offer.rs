//! Prompts, resources and widgets of a release, made ready to be listed and called. All of them only read: their label is not
//! computed, it is `read`, and what they hold is held to that.

use std::sync::Arc;

use portcullis_admission::{ApprovedTool, Callable, Parameter, Schema};
use portcullis_backend::Descriptor;
use portcullis_manifest::{
    AskKind, AssetFiles, Confirm, Grant, Label, Prompt, Resource, Scope, TaskSupport, ToolName, UriTemplate, Widget,
    WireName, guarded,
};
use serde_json::json;

use crate::{
    NotServed, Policy, ReadRelease, SourceError,
    catalogue::{Held, Open},
    descriptor::rendered,
};

/// The media type of a page of MCP Apps.
const PAGE: &str = "text/html;profile=mcp-app";

/// What a release offers beside tools.
pub(crate) struct Offers {
    /// Each with the key and the form that it has in `prompts/list`.
    pub(crate) prompts: Vec<(Descriptor, Arc<ApprovedTool>)>,
    /// By URI or template: what is read there.
    pub(crate) resources: Vec<(UriTemplate, ReadyResource)>,
    /// What `resources/list` has.
    pub(crate) listed: Vec<Descriptor>,
    /// What `resources/templates/list` has.
    pub(crate) templates: Vec<Descriptor>,
}

/// A resource and how it is answered.
#[derive(Clone)]
pub(crate) struct ReadyResource {
    pub(crate) tool: Arc<ApprovedTool>,
    /// By the host, with an asset.
    pub(crate) held: Option<Arc<Held>>,
}

/// What all that is approved of one release shares.
struct Maker<'a> {
    release: &'a ReadRelease,
    plugin_scopes: &'a Arc<[Scope]>,
    open: &'a Open,
    policy: &'a Policy,
    any: Schema,
}

/// What one of them says of itself.
struct Asked<'a> {
    kind: Callable,
    name: &'a ToolName,
    grants: Vec<Grant>,
    ask: &'a [AskKind],
    parameters: Vec<Parameter>,
    scopes: &'a [Scope],
}

impl Offers {
    pub(crate) fn of(
        release: &ReadRelease,
        assets: &AssetFiles,
        plugin_scopes: &Arc<[Scope]>,
        open: &Open,
        policy: &Policy,
    ) -> Result<Self, NotServed> {
        let any = Schema::compile(&json!({ "type": "object" })).map_err(|error| NotServed::Row(error.to_string()))?;
        let maker = Maker { release, plugin_scopes, open, policy, any };
        let manifest = &release.package.manifest;
        let mut offers = Self { prompts: Vec::new(), resources: Vec::new(), listed: Vec::new(), templates: Vec::new() };
        for prompt in &manifest.prompts {
            offers.prompts.push(maker.prompt(prompt)?);
        }
        for resource in &manifest.resources {
            maker.resource(resource, assets, &mut offers)?;
        }
        for widget in &manifest.widgets {
            maker.widget(widget, assets, &mut offers)?;
        }
        Ok(offers)
    }
}

impl Maker<'_> {
    fn approved(&self, asked: Asked<'_>) -> Result<ApprovedTool, NotServed> {
        let Asked { kind, name, grants, ask, parameters, scopes } = asked;
        let manifest = &self.release.package.manifest;
        let wire: WireName = self.release.wire(name).map_err(SourceError::from)?;
        Ok(ApprovedTool {
            kind,
            release: self.release.fingerprint,
            plugin: manifest.plugin.name.clone(),
            plugin_scopes: self.plugin_scopes.clone(),
            name: name.clone(),
            label: Label::Read,
            grants,
            confirm: Confirm::None,
            partial: false,
            ask: ask.to_vec(),
            hints: manifest.hints.clone(),
            parameters,
            scopes: scopes.to_vec(),
            without_sign_in: self.open.contains(wire.as_str()) && self.policy.opens(&manifest.plugin.name),
            wire,
            input: self.any.clone(),
            output: None,
            task: TaskSupport::Never,
            limits: manifest.limits.clone(),
        })
    }

    fn prompt(&self, prompt: &Prompt) -> Result<(Descriptor, Arc<ApprovedTool>), NotServed> {
        let parameters = prompt.arguments.iter().map(|argument| Parameter {
            name: argument.name.to_string(),
            required: argument.required,
            complete: argument.complete,
        });
        let tool = self.approved(Asked {
            kind: Callable::Prompt,
            name: &prompt.name,
            grants: self.release.package.manifest.held(&prompt.uses),
            ask: &prompt.ask,
            parameters: parameters.collect(),
            scopes: &prompt.scopes,
        })?;
        let mut descriptor = json!({ "name": tool.wire, "title": prompt.title, "description": prompt.description });
        if !prompt.arguments.is_empty() {
            let argument = |argument: &portcullis_manifest::PromptArgument| {
                let mut written = json!({ "name": argument.name, "required": argument.required });
                let texts = [("title", &argument.title), ("description", &argument.description)];
                for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
                    written[key] = json!(text);
                }
                written
            };
            descriptor["arguments"] = prompt.arguments.iter().map(argument).collect();
        }
        Ok((rendered(tool.wire.as_str(), &descriptor), Arc::new(tool)))
    }

    fn resource(&self, resource: &Resource, assets: &AssetFiles, offers: &mut Offers) -> Result<(), NotServed> {
        let parameters = resource.uri.variables().map(|variable| Parameter {
            name: variable.name.to_owned(),
            required: true,
            complete: resource.complete.iter().any(|name| name.as_str() == variable.name),
        });
        let tool = Arc::new(self.approved(Asked {
            kind: Callable::Resource,
            name: &resource.name,
            grants: self.release.package.manifest.held(&resource.uses),
            ask: &resource.ask,
            parameters: parameters.collect(),
            scopes: &resource.scopes,
        })?);
        let held = resource
            .asset
            .as_ref()
            .map(|asset| Arc::new(Held { asset: asset.as_str().to_owned(), mime: resource.mime.clone(), meta: None }));
        let described = |name: &str, title: &str| {
            let mut written = json!({ "name": name, "title": title, "description": resource.description });
            if let Some(mime) = &resource.mime {
                written["mimeType"] = json!(mime);
            }
            written
        };
        let mut written = described(tool.wire.as_str(), &resource.title);
        let uri = resource.uri.as_str();
        if resource.uri.is_exact() {
            written["uri"] = json!(uri);
            if let Some(bytes) = resource.asset.as_ref().and_then(|asset| assets.get(asset.as_str())) {
                written["size"] = json!(bytes.len());
            }
            offers.listed.push(rendered(uri, &written));
        } else {
            written["uriTemplate"] = json!(uri);
            offers.templates.push(rendered(uri, &written));
        }
        // Each asset that fits is a resource of its own; what it is called is where it is.
        if let Some(asset) = resource.asset.as_ref().filter(|_| !resource.uri.is_exact()) {
            for (name, bytes) in assets.iter() {
                let Some((values, uri)) = asset.matches(name).and_then(|values| {
                    let uri = resource.uri.expand(&values)?;
                    Some((values, uri))
                }) else {
                    continue;
                };
                let title = values.into_values().next().unwrap_or_default();
                let mut written = described(name.as_str(), &title);
                written["uri"] = json!(uri);
                written["size"] = json!(bytes.len());
                offers.listed.push(rendered(&uri, &written));
            }
        }
        offers.resources.push((resource.uri.clone(), ReadyResource { tool, held }));
        Ok(())
    }

    fn widget(&self, widget: &Widget, assets: &AssetFiles, offers: &mut Offers) -> Result<(), NotServed> {
        let manifest = &self.release.package.manifest;
        let tool = self.approved(Asked {
            kind: Callable::Resource,
            name: &widget.name,
            grants: Vec::new(),
            ask: &[],
            parameters: Vec::new(),
            scopes: &[],
        })?;
        let uri = widget.uri(&manifest.plugin.name);
        let meta = widget.meta();
        let mut written = json!({
            "uri": uri, "name": tool.wire, "title": widget.title, "description": widget.description, "mimeType": PAGE,
            "_meta": meta,
        });
        if let Some(page) = assets.get(widget.asset.as_str()).and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            written["size"] = json!(guarded(page).len());
        }
        offers.listed.push(rendered(&uri, &written));
        let held = Held { asset: widget.asset.to_string(), mime: Some(PAGE.to_owned()), meta: Some(meta) };
        let place = widget.place(&manifest.plugin.name);
        offers.resources.push((place, ReadyResource { tool: Arc::new(tool), held: Some(Arc::new(held)) }));
        Ok(())
    }
}
