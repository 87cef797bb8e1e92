//! The tables of a manifest as they are written. From these types come the parser, the JSON Schema and the reference,
//! so that none of them can know a key that the others don't.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    list::{Entry, List, Question},
    reader::{At, Form, Reader, Spot},
    table::{MAY, NEED, Row, join, object, table},
    tables::{Named, RawLimits, Tools},
    value::{Contact, Description, FileName, Format, Summary, Title, Version, WebPage, amount, amount_schema},
};
use crate::{Bounds, Label, Partition, PluginName, Scope, ToolName, Unit};

table! {
    /// A whole `plugin.toml`. Source: DESIGN section 6, RG-40.
    RawManifest {
        /// The format of this file. Source: RG-40.
        NEED manifest: Format;
        /// Who made what. Source: DESIGN section 6.
        NEED plugin: RawPlugin;
        /// What the plugin may ask the host for, by a name of its own. What is not here is not there.
        /// Source: DESIGN rule 1.
        MAY capability: Named<RawCapability> = "none";
        /// What one call may take. Source: DESIGN rule 8.
        MAY limits: RawLimits = "each limit's own";
        /// The tools, at least one. Source: DESIGN section 6.
        NEED tool: Tools;
    }
}

table! {
    /// Who made what. Source: DESIGN section 6.
    RawPlugin {
        /// Unique on a host; with `_`, the prefix of its tools' names. Source: MC-04.
        NEED name: PluginName;
        /// Semantic Versioning 2.0. Source: RG-40.
        NEED version: Version;
        /// The file of the component, relative to the manifest. Source: DESIGN section 6.
        NEED component: FileName;
        /// Who answers for it. Source: DESIGN section 6a.
        NEED publisher: Title;
        /// One line for the admin who approves it. Source: MC-05.
        NEED summary: Summary;
        /// Where users get help. Source: DESIGN section 6.
        MAY support: Contact;
        /// What happens to what users enter. Source: DESIGN section 6.
        MAY privacy_policy: WebPage;
    }
}

table! {
    /// `kind = "kv"`: keys and values kept by the host. Source: DESIGN section 5.
    RawKv {
        /// What it opens; more kinds come with more of the contract. Source: DESIGN section 5.
        NEED kind: Kind;
        /// Whose rows: `user` gives each principal rows of their own, `shared` gives all the same. Source: ST-20.
        NEED partition: Partition;
        /// Most bytes of keys and values in one partition. Source: ST-20.
        MAY quota: Quota;
        /// Most keys in one partition. Source: ST-20.
        MAY keys: Keys;
    }
}

table! {
    /// One callable. Source: DESIGN section 6.
    RawTool {
        /// Unique in the plugin. Source: MC-04.
        NEED name: ToolName;
        /// The name people see. Source: MC-05.
        NEED title: Title;
        /// What the model reads to decide when to call it; line breaks are allowed. Source: MC-05.
        NEED description: Description;
        /// What clients are told. The host computes it from `uses`; it may be raised here, never lowered.
        /// Source: DESIGN rule 4, WR-01.
        MAY label: Label = "what `uses` can reach";
        /// Kinds of question it may put through needs-input. This version of the host offers none.
        /// Source: DESIGN section 8, MC-11.
        MAY ask: List<Question> = "`[]`";
        /// The capabilities it holds, and how: `write` includes `read`. Source: DESIGN rule 2, WX-04.
        MAY uses: List<Entry> = "`[]`";
        /// Scopes a principal needs, all of them. Source: AU-05.
        MAY scopes: List<Scope> = "`[]`";
        /// The file of the schema of its arguments; without one it takes none. Source: MC-06, MC-08.
        MAY input: FileName;
        /// The file of the schema of its structured result. Source: MC-06, MC-08.
        MAY output: FileName;
    }
}

/// The kinds of capability this host offers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Kv,
}

impl Kind {
    const ALL: [(&'static str, Self); 1] = [("kv", Self::Kv)];
}

impl Form for Kind {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(value, spot, Self::words())?;
        let kind = Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, kind)| kind);
        if kind.is_none() {
            let offered = Self::ALL.into_iter().map(|(name, _)| name).collect();
            reader.refuse(spot, Refusal::Kind { written: text.to_owned(), offered });
        }
        kind
    }

    fn schema() -> Value {
        json!({ "enum": Self::ALL.map(|(name, _)| name) })
    }

    fn words() -> String {
        let names = Self::ALL.map(|(name, _)| format!("\"{name}\""));
        format!("one of {}", names.join(", "))
    }
}

/// A capability of any kind.
#[derive(Debug)]
pub(super) enum RawCapability {
    Kv(RawKv),
}

impl Form for RawCapability {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, spot, Self::words())?;
        // Of a kind that is not known, no key can be known: then the kind is all there is to say.
        let kind: At<Kind> = reader.key(table, spot, "kind", NEED)?;
        match kind.value {
            Kind::Kv => RawKv::read(value, spot, reader).map(Self::Kv),
        }
    }

    fn schema() -> Value {
        RawKv::schema()
    }

    fn words() -> String {
        "a table with a `kind`".to_owned()
    }
}

macro_rules! amounts {
    ($($name:ident, $key:literal, $bounds:expr;)+) => {$(
        #[derive(Debug)]
        pub(super) struct $name(pub(super) u64);

        impl $name {
            pub(super) const BOUNDS: Bounds = $bounds;
        }

        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                amount(value, $key, Self::BOUNDS, spot, reader).map(Self)
            }

            fn schema() -> Value {
                amount_schema(Self::BOUNDS)
            }

            fn words() -> String {
                Self::BOUNDS.unit.form().to_owned()
            }
        }
    )+};
}

amounts! {
    Quota, "quota", Bounds { unit: Unit::Bytes, default: 16 << 20, minimum: 1 << 10, maximum: 64 << 20 };
    Keys, "keys", Bounds { unit: Unit::Count, default: 10_000, minimum: 1, maximum: 100_000 };
}
