//! The fingerprint: SHA-256 over everything of a release that an approval is a decision on. The encoding is injective: a
//! domain first, then fields in a fixed order, each with its length before it, so that no two releases encode alike.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    AssetPattern, Assets, CONTRACT_VERSION, Capability, FilesCapability, Fingerprint, KvCapability, LIMITS, Manifest,
    Package, PluginInfo, Prompt, PromptArgument, Resource, Retired, Tool, ToolName, Use, Visibility, Widget,
    http::HttpCapability,
};

/// Another encoding gets another domain: then an old fingerprint can't be mistaken for a new one.
const DOMAIN: &str = "portcullis release fingerprint 3";

impl Package {
    /// What an approval is a decision on. It covers the component, the version of the contract, every field of the
    /// manifest and every schema; how a file is laid out, its comments and the order of its keys don't matter.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        // Taken apart by name, here and below: a field that is added later can't be forgotten.
        let Self { manifest, schemas, assets: contents, component } = self;
        let Manifest { plugin, hints, capabilities, assets, limits, tools, prompts, resources, widgets, retired } =
            manifest;
        let mut hash = Encoder(Sha256::new());
        hash.text(DOMAIN);
        hash.bytes(&component.0);
        hash.text(CONTRACT_VERSION);
        hash.plugin(plugin);
        hash.list(hints, |hash, hint| hash.text(hint.as_str()));
        let mut by_name: Vec<_> = capabilities.iter().collect();
        by_name.sort_by_key(|(name, _)| *name);
        hash.list(&by_name, |hash, (name, capability)| {
            hash.text(name.as_str());
            hash.capability(capability);
        });
        hash.option(assets.as_ref().map(|Assets { folder }| folder.as_str()));
        hash.list(LIMITS, |hash, row| {
            hash.text(row.name);
            hash.number(row.get(limits));
        });
        hash.list(tools, Encoder::tool);
        hash.list(prompts, Encoder::prompt);
        hash.list(resources, Encoder::resource);
        hash.list(widgets, Encoder::widget);
        hash.list(retired, |hash, Retired { name, instead, why }| {
            hash.text(name.as_str());
            hash.option(instead.as_ref().map(ToolName::as_str));
            hash.option(why.as_deref());
        });
        let schemas: Vec<_> = schemas.iter().collect();
        hash.list(&schemas, |hash, (name, schema)| {
            hash.text(name);
            hash.json(schema);
        });
        let contents: Vec<_> = contents.iter().collect();
        hash.list(&contents, |hash, (name, digest)| {
            hash.text(name.as_str());
            hash.bytes(&digest.0);
        });
        Fingerprint(hash.0.finalize().into())
    }
}

struct Encoder(Sha256);

impl Encoder {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn option(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        text.into_iter().for_each(|text| self.text(text));
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(items.len() as u64);
        items.iter().for_each(|item| each(self, item));
    }

    fn plugin(&mut self, plugin: &PluginInfo) {
        let PluginInfo { name, version, component, publisher, summary, support, privacy_policy } = plugin;
        for text in [name.as_str(), version, component, publisher, summary] {
            self.text(text);
        }
        self.option(support.as_deref());
        self.option(privacy_policy.as_deref());
    }

    fn capability(&mut self, capability: &Capability) {
        match capability {
            Capability::Kv(KvCapability { partition, quota, keys }) => {
                self.text("kv");
                self.text(partition.as_str());
                self.number(*quota);
                self.number(*keys);
            }
            Capability::Http(http) => self.http(http),
            Capability::Files(FilesCapability { partition, quota, files }) => {
                self.text("files");
                self.text(partition.as_str());
                self.number(*quota);
                self.number(*files);
            }
        }
    }

    /// Its fields are its own; a test in `tests/release.rs` holds each of them to be covered.
    fn http(&mut self, http: &HttpCapability) {
        self.text("http");
        self.text(&http.origin().to_string());
        self.list(http.allow(), |hash, rule| hash.text(&rule.to_string()));
        let secret: Vec<_> = http.secret().into_iter().collect();
        self.list(&secret, |hash, secret| {
            for text in [secret.name().as_str(), secret.header(), &secret.value()] {
                hash.text(text);
            }
        });
        self.number(http.redirects().into());
        self.number(http.retries().into());
    }

    fn uses(&mut self, uses: &[Use]) {
        self.list(uses, |hash, r#use| {
            hash.text(r#use.capability.as_str());
            hash.text(r#use.access.as_str());
        });
    }

    fn tool(&mut self, tool: &Tool) {
        let Tool { name, title, description, label, confirm, preview, ask, uses, scopes, input, output, .. } = tool;
        let Tool { widget, visibility, invoking, invoked, file_params, task, .. } = tool;
        for text in [name.as_str(), title, description, label.as_str(), confirm.as_str(), preview.as_str()] {
            self.text(text);
        }
        self.list(ask, |hash, kind| hash.text(kind.as_str()));
        self.uses(uses);
        self.list(scopes, |hash, scope| hash.text(scope.as_str()));
        self.option(input.as_deref());
        self.option(output.as_deref());
        self.option(widget.as_ref().map(ToolName::as_str));
        let Visibility { model, app } = visibility;
        self.number(u64::from(*model));
        self.number(u64::from(*app));
        self.option(invoking.as_deref());
        self.option(invoked.as_deref());
        self.list(file_params, |hash, name| hash.text(name));
        self.text(task.as_str());
    }

    fn prompt(&mut self, prompt: &Prompt) {
        let Prompt { name, title, description, ask, uses, scopes, arguments } = prompt;
        for text in [name.as_str(), title, description] {
            self.text(text);
        }
        self.list(ask, |hash, kind| hash.text(kind.as_str()));
        self.uses(uses);
        self.list(scopes, |hash, scope| hash.text(scope.as_str()));
        self.list(arguments, |hash, argument| {
            let PromptArgument { name, title, description, required, complete } = argument;
            hash.text(name.as_str());
            hash.option(title.as_deref());
            hash.option(description.as_deref());
            hash.number(u64::from(*required));
            hash.number(u64::from(*complete));
        });
    }

    fn resource(&mut self, resource: &Resource) {
        let Resource { name, title, description, mime, ask, uses, scopes, uri, complete, asset } = resource;
        for text in [name.as_str(), title, description] {
            self.text(text);
        }
        self.option(mime.as_deref());
        self.list(ask, |hash, kind| hash.text(kind.as_str()));
        self.uses(uses);
        self.list(scopes, |hash, scope| hash.text(scope.as_str()));
        self.text(uri.as_str());
        self.list(complete, |hash, name| hash.text(name.as_str()));
        self.option(asset.as_ref().map(AssetPattern::as_str));
    }

    fn widget(&mut self, widget: &Widget) {
        let Widget { name, title, description, asset, version, connect, load, frame, redirect, border, domain } =
            widget;
        for text in [name.as_str(), title, description, asset.as_str()] {
            self.text(text);
        }
        let optional = |number: Option<u32>| number.map(|number| number.to_string());
        self.option(optional(*version).as_deref());
        for origins in [connect, load, frame, redirect] {
            self.list(origins, |hash, origin| hash.text(&origin.to_string()));
        }
        self.option(border.map(|border| if border { "t" } else { "f" }));
        self.option(domain.as_ref().map(ToString::to_string).as_deref());
    }

    /// Members in the order of their names' bytes; each value after a letter for its type.
    fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.text("n"),
            Value::Bool(value) => self.text(if *value { "t" } else { "f" }),
            Value::Number(number) => {
                self.text("#");
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.text("s");
                self.text(text);
            }
            Value::Array(values) => {
                self.text("a");
                self.list(values, Self::json);
            }
            Value::Object(members) => {
                self.text("o");
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                self.list(&members, |hash, (name, value)| {
                    hash.text(name);
                    hash.json(value);
                });
            }
        }
    }
}
