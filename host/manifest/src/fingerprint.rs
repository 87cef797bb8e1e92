//! The fingerprint: SHA-256 over everything of a release that an approval is a decision on. The encoding is injective: a
//! domain first, then fields in a fixed order, each with its length before it, so that no two releases encode alike.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    CONTRACT_VERSION, Capability, FilesCapability, Fingerprint, KvCapability, LIMITS, Manifest, Package, PluginInfo,
    Tool, http::HttpCapability,
};

/// Another encoding gets another domain: then an old fingerprint can't be mistaken for a new one.
const DOMAIN: &str = "portcullis release fingerprint 2";

impl Package {
    /// What an approval is a decision on. It covers the component, the version of the contract, every field of the
    /// manifest and every schema; how a file is laid out, its comments and the order of its keys don't matter.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        // Taken apart by name, here and below: a field that is added later can't be forgotten.
        let Self { manifest: Manifest { plugin, capabilities, limits, tools }, schemas, component } = self;
        let mut hash = Encoder(Sha256::new());
        hash.text(DOMAIN);
        hash.bytes(&component.0);
        hash.text(CONTRACT_VERSION);
        hash.plugin(plugin);
        let mut by_name: Vec<_> = capabilities.iter().collect();
        by_name.sort_by_key(|(name, _)| *name);
        hash.list(&by_name, |hash, (name, capability)| {
            hash.text(name.as_str());
            hash.capability(capability);
        });
        hash.list(LIMITS, |hash, row| {
            hash.text(row.name);
            hash.number(row.get(limits));
        });
        hash.list(tools, Encoder::tool);
        let schemas: Vec<_> = schemas.iter().collect();
        hash.list(&schemas, |hash, (name, schema)| {
            hash.text(name);
            hash.json(schema);
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

    fn tool(&mut self, tool: &Tool) {
        let Tool { name, title, description, label, confirm, preview, ask, uses, scopes, input, output } = tool;
        for text in [name.as_str(), title, description, label.as_str(), confirm.as_str(), preview.as_str()] {
            self.text(text);
        }
        self.list(ask, |hash, kind| hash.text(kind.as_str()));
        self.list(uses, |hash, r#use| {
            hash.text(r#use.capability.as_str());
            hash.text(r#use.access.as_str());
        });
        self.list(scopes, |hash, scope| hash.text(scope.as_str()));
        self.option(input.as_deref());
        self.option(output.as_deref());
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
