//! What changes from one release to the next, for the admin who decides on it (catalogue RG-20). Complete: releases whose
//! fingerprints differ have a change. Text that people cannot see is shown escaped.

mod text;

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

pub use self::text::Segment;
use crate::{
    Access, Capability, CapabilityName, Digest, KvCapability, LIMITS, Label, Package, Partition, Scope, Tool, ToolName,
    Unit, text::visible,
};

/// One change from an old release to a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it is about: `plugin`, `capability.notebook`, `limits`, `tool.create`.
    pub subject: String,
    /// What changed.
    pub changed: Changed,
}

/// What changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// The code is other code.
    Component {
        /// The old digest.
        was: Digest,
        /// The new digest.
        is: Digest,
    },
    /// A text for people or for the model; None is no text.
    Text {
        /// The manifest's key.
        key: &'static str,
        /// The old text.
        was: Option<String>,
        /// The new text.
        is: Option<String>,
    },
    /// A capability is asked for that was not.
    CapabilityAdded(Capability),
    /// A capability is no longer asked for.
    CapabilityRemoved,
    /// A capability opens other rows.
    Partition {
        /// The old one.
        was: Partition,
        /// The new one.
        is: Partition,
    },
    /// A number of `[limits]` or of a capability.
    Amount {
        /// The manifest's key.
        key: &'static str,
        /// What it counts.
        unit: Unit,
        /// The old number.
        was: u64,
        /// The new number.
        is: u64,
    },
    /// A tool that was not there.
    ToolAdded {
        /// Its label.
        label: Label,
    },
    /// A tool that is no longer there.
    ToolRemoved,
    /// What clients are told of a tool.
    Label {
        /// The old one.
        was: Label,
        /// The new one.
        is: Label,
    },
    /// How a tool holds a capability; None is not at all.
    Uses {
        /// The capability.
        capability: CapabilityName,
        /// How it held it.
        was: Option<Access>,
        /// How it holds it.
        is: Option<Access>,
    },
    /// A caller needs this scope now.
    ScopeAdded(Scope),
    /// A caller no longer needs this scope.
    ScopeRemoved(Scope),
    /// It may put this kind of question now.
    AskAdded(&'static str),
    /// It may no longer put this kind of question.
    AskRemoved(&'static str),
    /// A place in a schema.
    Schema {
        /// `input` or `output`.
        key: &'static str,
        /// JSON Pointer; empty is the whole schema.
        pointer: String,
        /// What stood there.
        was: Option<Value>,
        /// What stands there.
        is: Option<Value>,
    },
    /// The same things in another order.
    Order(&'static str),
}

impl Package {
    /// Everything in which `new` differs from `old`, in the order of the manifest.
    #[must_use]
    pub fn diff(old: &Self, new: &Self) -> Vec<Change> {
        let mut diff = Diff { subject: "plugin".to_owned(), changes: Vec::new() };
        diff.plugin(old, new);
        diff.capabilities(old, new);
        diff.about("limits");
        for row in LIMITS {
            diff.amount(row.name, row.bounds.unit, row.get(&old.manifest.limits), row.get(&new.manifest.limits));
        }
        diff.tools(old, new);
        diff.changes
    }
}

impl Change {
    /// Whether the plugin can do more because of it: more effects, more room, more callers; or a client is told less.
    /// Other code and other words can be worse too, and this can't know it: it only knows authority.
    #[must_use]
    pub fn widens(&self) -> bool {
        match &self.changed {
            Changed::CapabilityAdded(_) | Changed::ToolAdded { .. } => true,
            Changed::ScopeRemoved(_) | Changed::AskAdded(_) => true,
            Changed::Partition { is, .. } => *is == Partition::Shared,
            Changed::Amount { was, is, .. } => is > was,
            Changed::Label { was, is } => is < was,
            Changed::Uses { was, is, .. } => is > was,
            // An argument that clients mirror into a header is seen by everything on the way.
            Changed::Schema { pointer, is, .. } => {
                is.as_ref().is_some_and(|is| pointer.ends_with("/x-mcp-header") || has_key(is, "x-mcp-header"))
            }
            Changed::Component { .. } | Changed::Text { .. } | Changed::Order(_) => false,
            Changed::CapabilityRemoved | Changed::ToolRemoved => false,
            Changed::ScopeAdded(_) | Changed::AskRemoved(_) => false,
        }
    }

    /// For a changed text, its words: the same, taken out, put in. Escaped as [`visible`] does it.
    #[must_use]
    pub fn words(&self) -> Vec<Segment> {
        match &self.changed {
            Changed::Text { was, is, .. } => {
                text::words(was.as_deref().unwrap_or_default(), is.as_deref().unwrap_or_default())
            }
            _ => Vec::new(),
        }
    }
}

fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| name == key || has_key(value, key)),
        Value::Array(values) => values.iter().any(|value| has_key(value, key)),
        _ => false,
    }
}

struct Diff {
    subject: String,
    changes: Vec<Change>,
}

impl Diff {
    fn about(&mut self, subject: impl Into<String>) {
        self.subject = subject.into();
    }

    fn add(&mut self, changed: Changed) {
        self.changes.push(Change { subject: self.subject.clone(), changed });
    }

    fn text(&mut self, key: &'static str, was: Option<&str>, is: Option<&str>) {
        if was != is {
            self.add(Changed::Text { key, was: was.map(str::to_owned), is: is.map(str::to_owned) });
        }
    }

    fn amount(&mut self, key: &'static str, unit: Unit, was: u64, is: u64) {
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
                (Some(Capability::Kv(was)), Capability::Kv(is)) => self.kv(was, is),
            }
        }
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            self.about(format!("capability.{name}"));
            self.add(Changed::CapabilityRemoved);
        }
    }

    fn kv(&mut self, was: &KvCapability, is: &KvCapability) {
        if was.partition != is.partition {
            self.add(Changed::Partition { was: was.partition, is: is.partition });
        }
        self.amount("quota", Unit::Bytes, was.quota, is.quota);
        self.amount("keys", Unit::Count, was.keys, is.keys);
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

    fn tool(&mut self, old: &Package, was: &Tool, new: &Package, is: &Tool) {
        self.text("title", Some(&was.title), Some(&is.title));
        self.text("description", Some(&was.description), Some(&is.description));
        if was.label != is.label {
            self.add(Changed::Label { was: was.label, is: is.label });
        }
        let kinds = |tool: &Tool| tool.ask.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
        self.set(&kinds(was), &kinds(is), Changed::AskAdded, Changed::AskRemoved);
        self.order("ask", &kinds(was), &kinds(is));
        self.uses(was, is);
        self.set(&was.scopes, &is.scopes, Changed::ScopeAdded, Changed::ScopeRemoved);
        self.order("scopes", &was.scopes, &is.scopes);
        self.text("input", was.input.as_deref(), is.input.as_deref());
        self.text("output", was.output.as_deref(), is.output.as_deref());
        for (key, was, is) in [("input", &was.input, &is.input), ("output", &was.output, &is.output)] {
            let was = was.as_ref().and_then(|name| old.schemas.get(name)).map(AsRef::as_ref);
            let is = is.as_ref().and_then(|name| new.schemas.get(name)).map(AsRef::as_ref);
            self.schema(key, String::new(), was, is);
        }
    }

    fn set<T: Clone + PartialEq>(&mut self, was: &[T], is: &[T], added: fn(T) -> Changed, removed: fn(T) -> Changed) {
        is.iter().filter(|item| !was.contains(item)).for_each(|item| self.add(added(item.clone())));
        was.iter().filter(|item| !is.contains(item)).for_each(|item| self.add(removed(item.clone())));
    }

    /// What both have, in another order.
    fn order<T: PartialEq>(&mut self, what: &'static str, was: &[T], is: &[T]) {
        let kept = was.iter().filter(|item| is.contains(item));
        if !kept.eq(is.iter().filter(|item| was.contains(item))) {
            self.add(Changed::Order(what));
        }
    }

    fn uses(&mut self, was: &Tool, is: &Tool) {
        let access = |tool: &Tool, name: &CapabilityName| {
            tool.uses.iter().filter(|r#use| r#use.capability == *name).map(|r#use| r#use.access).max()
        };
        let names = |tool: &Tool| tool.uses.iter().map(|r#use| r#use.capability.clone()).collect::<Vec<_>>();
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

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", visible(&self.subject), self.changed)
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { was, is } => write!(f, "other code: was {was}, is {is}"),
            Self::Text { key, was, is } => write!(f, "{key} was {}, is {}", quote(was.as_ref()), quote(is.as_ref())),
            Self::CapabilityAdded(Capability::Kv(KvCapability { partition, quota, keys })) => {
                let (partition, quota) = (partition.as_str(), Unit::Bytes.print(*quota));
                write!(f, "added: kv, partition {partition}, quota {quota}, {keys} keys")
            }
            Self::CapabilityRemoved | Self::ToolRemoved => f.write_str("removed"),
            Self::Partition { was, is } => write!(f, "partition was {}, is {}", was.as_str(), is.as_str()),
            Self::Amount { key, unit, was, is } => {
                let direction = if is > was { "raised" } else { "lowered" };
                write!(f, "{key} {direction}: was {}, is {}", unit.print(*was), unit.print(*is))
            }
            Self::ToolAdded { label } => write!(f, "added, label {}", label.as_str()),
            Self::Label { was, is } => {
                let direction = if is > was { "raised" } else { "lowered" };
                write!(f, "label {direction}: was {}, is {}", was.as_str(), is.as_str())
            }
            Self::Uses { capability, was, is } => {
                let word = |access: &Option<Access>| access.map_or("nothing", Access::as_str);
                write!(f, "uses {capability}: was {}, is {}", word(was), word(is))
            }
            Self::ScopeAdded(scope) => write!(f, "scope {scope} is needed now"),
            Self::ScopeRemoved(scope) => write!(f, "scope {scope} is no longer needed"),
            Self::AskAdded(kind) => write!(f, "may ask {kind} now"),
            Self::AskRemoved(kind) => write!(f, "may no longer ask {kind}"),
            Self::Schema { key, pointer, was, is } => {
                let json = |value: &Option<Value>| quote(value.as_ref().map(Value::to_string).as_ref());
                write!(f, "{key} #{}: was {}, is {}", visible(pointer), json(was), json(is))
            }
            Self::Order(what) => write!(f, "{what} stand in another order"),
        }
    }
}

fn quote(text: Option<&String>) -> String {
    text.map_or_else(|| "nothing".to_owned(), |text| format!("`{}`", visible(text)))
}
