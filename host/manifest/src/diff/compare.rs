//! Walks two releases side by side.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Change, Changed};
use crate::{
    AskKind, Capability, CapabilityName, LIMITS, Package, Partition, Retired, Scope, Tool, ToolName, Unit, Use,
};

impl Package {
    /// Everything in which `new` differs from `old`, in the order of the manifest.
    #[must_use]
    pub fn diff(old: &Self, new: &Self) -> Vec<Change> {
        let mut diff = Diff { subject: "plugin".to_owned(), changes: Vec::new() };
        diff.plugin(old, new);
        diff.list("hints", &old.manifest.hints, &new.manifest.hints, true, |hint| hint.as_str().to_owned());
        diff.assets(old, new);
        diff.capabilities(old, new);
        diff.about("limits");
        for row in LIMITS {
            diff.amount(row.name, row.bounds.unit, row.get(&old.manifest.limits), row.get(&new.manifest.limits));
        }
        diff.tools(old, new);
        diff.prompts(old, new);
        diff.resources(old, new);
        diff.widgets(old, new);
        diff.retired(old, new);
        diff.changes
    }
}

pub(super) struct Diff {
    subject: String,
    changes: Vec<Change>,
}

impl Diff {
    pub(super) fn about(&mut self, subject: impl Into<String>) {
        self.subject = subject.into();
    }

    pub(super) fn add(&mut self, changed: Changed) {
        self.changes.push(Change { subject: self.subject.clone(), changed });
    }

    pub(super) fn text(&mut self, key: &'static str, was: Option<&str>, is: Option<&str>) {
        if was != is {
            self.add(Changed::Text { key, was: was.map(str::to_owned), is: is.map(str::to_owned) });
        }
    }

    pub(super) fn amount(&mut self, key: &'static str, unit: Unit, was: u64, is: u64) {
        if was != is {
            self.add(Changed::Amount { key, unit, was, is });
        }
    }

    fn plugin(&mut self, old: &Package, new: &Package) {
        if old.component != new.component {
            self.add(Changed::Component { was: old.component, is: new.component });
        }
        let (old, new) = (&old.manifest.plugin, &new.manifest.plugin);
        self.text("name", Some(old.name.as_str()), Some(new.name.as_str()));
        self.text("version", Some(&old.version), Some(&new.version));
        self.text("component", Some(&old.component), Some(&new.component));
        self.text("publisher", Some(&old.publisher), Some(&new.publisher));
        self.text("summary", Some(&old.summary), Some(&new.summary));
        self.text("support", old.support.as_deref(), new.support.as_deref());
        self.text("privacy_policy", old.privacy_policy.as_deref(), new.privacy_policy.as_deref());
    }

    fn capabilities(&mut self, old: &Package, new: &Package) {
        let (old, new) = (&old.manifest.capabilities, &new.manifest.capabilities);
        for (name, is) in new {
            self.about(format!("capability.{name}"));
            match (old.get(name), is) {
                (None, is) => self.add(Changed::CapabilityAdded(is.clone())),
                (Some(was), is) => self.capability(was, is),
            }
        }
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            self.about(format!("capability.{name}"));
            self.add(Changed::CapabilityRemoved);
        }
    }

    fn capability(&mut self, was: &Capability, is: &Capability) {
        match (was, is) {
            (Capability::Kv(was), Capability::Kv(is)) => {
                self.partition(was.partition, is.partition);
                self.amount("quota", Unit::Bytes, was.quota, is.quota);
                self.amount("keys", Unit::Count, was.keys, is.keys);
            }
            (Capability::Http(was), Capability::Http(is)) => self.http(was, is),
            (Capability::Files(was), Capability::Files(is)) => {
                self.partition(was.partition, is.partition);
                self.amount("quota", Unit::Bytes, was.quota, is.quota);
                self.amount("files", Unit::Count, was.files, is.files);
            }
            // Another kind under the same name is another capability.
            (Capability::Kv(_) | Capability::Http(_) | Capability::Files(_), is) => {
                self.add(Changed::CapabilityRemoved);
                self.add(Changed::CapabilityAdded(is.clone()));
            }
        }
    }

    fn partition(&mut self, was: Partition, is: Partition) {
        if was != is {
            self.add(Changed::Partition { was, is });
        }
    }

    fn tools(&mut self, old: &Package, new: &Package) {
        let names = |package: &Package| package.manifest.tools.iter().map(|tool| tool.name.clone()).collect();
        let (was, is): (Vec<ToolName>, Vec<ToolName>) = (names(old), names(new));
        for tool in &new.manifest.tools {
            self.about(format!("tool.{}", tool.name));
            match old.manifest.tool(tool.name.as_str()) {
                Some(before) => self.tool(old, before, new, tool),
                None => self.add(Changed::ToolAdded { label: tool.label }),
            }
        }
        for name in was.iter().filter(|name| !is.contains(name)) {
            self.about(format!("tool.{name}"));
            self.add(Changed::ToolRemoved);
        }
        self.about("tool");
        self.order("tools", &was, &is);
    }

    fn retired(&mut self, old: &Package, new: &Package) {
        let (old, new) = (&old.manifest.retired, &new.manifest.retired);
        let names: BTreeSet<&ToolName> = old.iter().chain(new).map(|retired| &retired.name).collect();
        for name in names {
            let of = |all: &'_ [Retired]| all.iter().find(|retired| retired.name == *name).cloned();
            let (was, is) = (of(old), of(new));
            self.about(format!("retired.{name}"));
            let text = |of: &Option<Retired>| of.as_ref().map(|of| of.name.to_string());
            self.text("name", text(&was).as_deref(), text(&is).as_deref());
            let text = |of: &Option<Retired>| of.as_ref().and_then(|of| Some(of.instead.as_ref()?.to_string()));
            self.text("instead", text(&was).as_deref(), text(&is).as_deref());
            let text = |of: &Option<Retired>| of.as_ref().and_then(|of| of.why.clone());
            self.text("why", text(&was).as_deref(), text(&is).as_deref());
        }
        self.about("retired");
        let names = |all: &[Retired]| all.iter().map(|retired| retired.name.clone()).collect::<Vec<_>>();
        self.order("retired", &names(old), &names(new));
    }

    fn tool(&mut self, old: &Package, was: &Tool, new: &Package, is: &Tool) {
        self.text("title", Some(&was.title), Some(&is.title));
        self.text("description", Some(&was.description), Some(&is.description));
        if was.label != is.label {
            self.add(Changed::Label { was: was.label, is: is.label });
        }
        if was.confirm() != is.confirm() {
            self.add(Changed::Confirm { was: was.confirm(), is: is.confirm() });
        }
        if was.preview != is.preview {
            self.add(Changed::Preview { was: was.preview, is: is.preview });
        }
        self.asking(&was.ask, &is.ask);
        self.uses(&was.uses, &is.uses);
        self.scopes(&was.scopes, &is.scopes);
        let widget = |tool: &Tool| tool.widget.as_ref().map(ToString::to_string);
        self.text("widget", widget(was).as_deref(), widget(is).as_deref());
        let seen = |tool: &Tool| tool.visibility.words().collect::<Vec<_>>();
        self.list("visibility", &seen(was), &seen(is), true, |word| (*word).to_owned());
        self.text("invoking", was.invoking.as_deref(), is.invoking.as_deref());
        self.text("invoked", was.invoked.as_deref(), is.invoked.as_deref());
        self.list("file_params", &was.file_params, &is.file_params, true, String::clone);
        self.text("task", Some(was.task.as_str()), Some(is.task.as_str()));
        self.text("input", was.input.as_deref(), is.input.as_deref());
        self.text("output", was.output.as_deref(), is.output.as_deref());
        for (key, was, is) in [("input", &was.input, &is.input), ("output", &was.output, &is.output)] {
            let was = was.as_ref().and_then(|name| old.schemas.get(name)).map(AsRef::as_ref);
            let is = is.as_ref().and_then(|name| new.schemas.get(name)).map(AsRef::as_ref);
            self.schema(key, String::new(), was, is);
        }
    }

    pub(super) fn set<T: Clone + PartialEq>(
        &mut self,
        was: &[T],
        is: &[T],
        added: fn(T) -> Changed,
        removed: fn(T) -> Changed,
    ) {
        is.iter().filter(|item| !was.contains(item)).for_each(|item| self.add(added(item.clone())));
        was.iter().filter(|item| !is.contains(item)).for_each(|item| self.add(removed(item.clone())));
    }

    /// What both have, in another order.
    pub(super) fn order<T: PartialEq>(&mut self, what: &'static str, was: &[T], is: &[T]) {
        let kept = was.iter().filter(|item| is.contains(item));
        if !kept.eq(is.iter().filter(|item| was.contains(item))) {
            self.add(Changed::Order(what));
        }
    }

    pub(super) fn asking(&mut self, was: &[AskKind], is: &[AskKind]) {
        let kinds = |ask: &[AskKind]| ask.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
        self.set(&kinds(was), &kinds(is), Changed::AskAdded, Changed::AskRemoved);
        self.order("ask", &kinds(was), &kinds(is));
    }

    pub(super) fn scopes(&mut self, was: &[Scope], is: &[Scope]) {
        self.set(was, is, Changed::ScopeAdded, Changed::ScopeRemoved);
        self.order("scopes", was, is);
    }

    pub(super) fn uses(&mut self, was: &[Use], is: &[Use]) {
        let access = |uses: &[Use], name: &CapabilityName| {
            uses.iter().filter(|r#use| r#use.capability == *name).map(|r#use| r#use.access).max()
        };
        let names = |uses: &[Use]| uses.iter().map(|r#use| r#use.capability.clone()).collect::<Vec<_>>();
        let all: BTreeSet<CapabilityName> = names(is).into_iter().chain(names(was)).collect();
        for capability in all {
            let (was, is) = (access(was, &capability), access(is, &capability));
            if was != is {
                self.add(Changed::Uses { capability, was, is });
            }
        }
        self.order("uses", &names(was), &names(is));
    }

    fn schema(&mut self, key: &'static str, pointer: String, was: Option<&Value>, is: Option<&Value>) {
        match (was, is) {
            (Some(Value::Object(was)), Some(Value::Object(is))) => {
                let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
                for name in names {
                    let part = name.replace('~', "~0").replace('/', "~1");
                    self.schema(key, format!("{pointer}/{part}"), was.get(name), is.get(name));
                }
            }
            _ if was == is => {}
            _ => self.add(Changed::Schema { key, pointer, was: was.cloned(), is: is.cloned() }),
        }
    }
}
