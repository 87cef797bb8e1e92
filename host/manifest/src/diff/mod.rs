//! What changes from one release to the next, for the admin who decides on it (catalogue RG-20). Complete: releases whose
//! fingerprints differ have a change. Text that people cannot see is shown escaped.

mod compare;
mod http;
mod offer;
mod text;

use std::fmt;

use serde_json::Value;

pub use self::text::Segment;
use crate::{
    Access, AssetName, Capability, CapabilityName, Confirm, Digest, FilesCapability, KvCapability, Label, Partition,
    Preview, Scope, Unit,
    http::{HttpRule, OriginPattern, SecretSlot},
    text::visible,
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
    /// Requests go somewhere else.
    Origin {
        /// The old one.
        was: OriginPattern,
        /// The new one.
        is: OriginPattern,
    },
    /// This may be asked there now.
    RuleAdded(HttpRule),
    /// This may no longer be asked there.
    RuleRemoved(HttpRule),
    /// The secret that the host puts into requests, or where it puts it; None is no secret.
    Secret {
        /// The old one.
        was: Option<SecretSlot>,
        /// The new one.
        is: Option<SecretSlot>,
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
    /// What a call needs before it writes.
    Confirm {
        /// The old one.
        was: Confirm,
        /// The new one.
        is: Confirm,
    },
    /// How much of what it does its preview shows.
    Preview {
        /// The old one.
        was: Preview,
        /// The new one.
        is: Preview,
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
    /// A prompt, a resource or a widget that was not there.
    OfferAdded(&'static str),
    /// A prompt, a resource or a widget that is no longer there.
    OfferRemoved(&'static str),
    /// Something is in a list that was not.
    Listed {
        /// The manifest's key.
        key: &'static str,
        /// What.
        item: String,
        /// Whether the plugin can reach or is told more because of it.
        widens: bool,
    },
    /// Something is no longer in a list.
    Unlisted {
        /// The manifest's key.
        key: &'static str,
        /// What.
        item: String,
    },
    /// What is in an asset; None is no asset.
    Asset {
        /// Its name.
        name: AssetName,
        /// The old digest.
        was: Option<Digest>,
        /// The new digest.
        is: Option<Digest>,
    },
    /// The same things in another order.
    Order(&'static str),
}

impl Change {
    /// Whether the plugin can do more because of it: more effects, more room, more callers; or a client is told less.
    /// Other code and other words can be worse too, and this can't know it: it only knows authority.
    #[must_use]
    pub fn widens(&self) -> bool {
        match &self.changed {
            Changed::CapabilityAdded(_) | Changed::ToolAdded { .. } | Changed::OfferAdded(_) => true,
            Changed::Listed { widens, .. } => *widens,
            Changed::ScopeRemoved(_) | Changed::AskAdded(_) | Changed::RuleAdded(_) => true,
            Changed::Origin { was, is } => !was.covers(is),
            Changed::Secret { is, .. } => is.is_some(),
            Changed::Confirm { was, is } => is < was,
            Changed::Preview { is, .. } => *is == Preview::Partial,
            Changed::Partition { is, .. } => *is == Partition::Shared,
            Changed::Amount { was, is, .. } => is > was,
            Changed::Label { was, is } => is < was,
            Changed::Uses { was, is, .. } => is > was,
            // An argument that clients mirror into a header is seen by everything on the way.
            Changed::Schema { pointer, is, .. } => {
                is.as_ref().is_some_and(|is| pointer.ends_with("/x-mcp-header") || has_key(is, "x-mcp-header"))
            }
            Changed::Component { .. } | Changed::Text { .. } | Changed::Order(_) => false,
            Changed::CapabilityRemoved | Changed::ToolRemoved | Changed::OfferRemoved(_) => false,
            Changed::Unlisted { .. } | Changed::Asset { .. } => false,
            Changed::ScopeAdded(_) | Changed::AskRemoved(_) | Changed::RuleRemoved(_) => false,
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
            Self::CapabilityAdded(Capability::Files(FilesCapability { partition, quota, files })) => {
                let (partition, quota) = (partition.as_str(), Unit::Bytes.print(*quota));
                write!(f, "added: files, partition {partition}, quota {quota}, {files} files")
            }
            Self::CapabilityAdded(Capability::Http(http)) => write!(f, "added: {}", http::summary(http)),
            Self::Origin { was, is } => {
                write!(f, "requests go to another origin: was {}, is {}", was.shown(), is.shown())
            }
            Self::RuleAdded(rule) => write!(f, "may request `{rule}` now"),
            Self::RuleRemoved(rule) => write!(f, "may no longer request `{rule}`"),
            Self::Secret { was, is } => {
                write!(f, "secret was {}, is {}", http::slot(was.as_ref()), http::slot(is.as_ref()))
            }
            Self::CapabilityRemoved | Self::ToolRemoved => f.write_str("removed"),
            Self::OfferAdded(kind) => write!(f, "added, a {kind} that reads"),
            Self::OfferRemoved(kind) => write!(f, "removed, a {kind}"),
            Self::Listed { key, item, .. } => write!(f, "{key} has `{}` now", visible(item)),
            Self::Unlisted { key, item } => write!(f, "{key} no longer has `{}`", visible(item)),
            Self::Asset { name, was: None, is: Some(is) } => write!(f, "`{}` added: {is}", visible(name.as_str())),
            Self::Asset { name, is: None, .. } => write!(f, "`{}` removed", visible(name.as_str())),
            Self::Asset { name, was: Some(was), is: Some(is) } => {
                write!(f, "`{}` is another file: was {was}, is {is}", visible(name.as_str()))
            }
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
            Self::Confirm { was, is } => {
                let direction = if is > was { "more" } else { "less" };
                write!(f, "confirmed {direction}: was {}, is {}", was.as_str(), is.as_str())
            }
            Self::Preview { is: Preview::Partial, .. } => f.write_str(
                "its preview is partial now: what comes after an answer from outside is not shown before it is done",
            ),
            Self::Preview { is: Preview::Whole, .. } => f.write_str("its preview is whole now"),
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
