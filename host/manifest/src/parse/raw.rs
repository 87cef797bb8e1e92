//! The tables of a manifest as they are written. From these types come the parser, the JSON Schema and the reference,
//! so that none of them can know a key that the others don't.

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    reader::{At, Form, Reader, Spot, found},
    value::{
        Contact, Description, Entry, FileName, Format, List, Question, Summary, Title, Version, WebPage, amount,
        amount_schema,
    },
};
use crate::{Bounds, CapabilityName, LIMITS, Label, LimitRow, Limits, Partition, PluginName, Scope, ToolName, Unit};

/// A key that must be there.
const NEED: bool = true;
/// A key that may be left out.
const MAY: bool = false;

macro_rules! table {
    ($(#[doc = $about:literal])+ $name:ident { $(
        $(#[doc = $doc:literal])+ $presence:ident $key:ident: $form:ty $(= $default:literal)?;
    )+ }) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(super) struct $name {
            $($(#[doc = $doc])+ pub(super) $key: Option<At<$form>>,)+
        }

        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                let table = reader.table(value, spot, Self::words())?;
                // A key that is written wrongly is not missing as well.
                let meant = reader.unknown_keys(table, spot, &[$(stringify!($key)),+]);
                let needed = |key, presence| presence && !meant.contains(&key);
                Some(Self {
                    $($key: reader.key(table, spot, stringify!($key), needed(stringify!($key), $presence)),)+
                })
            }

            fn schema() -> Value {
                object(&[$($about),+], Self::rows())
            }

            fn rows() -> Vec<Row> {
                vec![$(Row {
                    key: stringify!($key),
                    needed: $presence,
                    default: [$($default)?].first().map(|text: &&str| (*text).to_owned()),
                    meaning: join(&[$($doc),+]),
                    words: <$form>::words(),
                    schema: <$form>::schema(),
                }),+]
            }

            fn words() -> String {
                "a table".to_owned()
            }
        }
    };
}

/// One key of a table, for the schema and the reference.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) needed: bool,
    /// In words, where the value itself depends on others.
    pub(crate) default: Option<String>,
    pub(crate) meaning: String,
    pub(crate) words: String,
    pub(crate) schema: Value,
}

/// The lines of a doc comment as one text.
fn join(docs: &[&str]) -> String {
    docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn object(about: &[&str], rows: Vec<Row>) -> Value {
    let required: Vec<&str> = rows.iter().filter(|row| row.needed).map(|row| row.key).collect();
    let required = json!(required);
    let described = |row: Row| {
        let mut schema = row.schema;
        schema["description"] = row.meaning.into();
        (row.key.to_owned(), schema)
    };
    let properties: Map<String, Value> = rows.into_iter().map(described).collect();
    json!({
        "type": "object", "description": join(about), "properties": properties, "required": required,
        "additionalProperties": false
    })
}

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

/// `[limits]`.
#[derive(Debug)]
pub(super) struct RawLimits(pub(super) Limits);

impl Form for RawLimits {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, spot, Self::words())?;
        let known: Vec<&'static str> = LIMITS.iter().map(|row| row.name).collect();
        reader.unknown_keys(table, spot, &known);
        let mut limits = Limits::default();
        for row in LIMITS {
            if let Some(value) = table.get(row.name) {
                let spot = spot.child(row.name, value.span());
                if let Some(amount) = amount(value.get_ref(), row.name, row.bounds, &spot, reader) {
                    row.set(&mut limits, amount);
                }
            }
        }
        Some(Self(limits))
    }

    fn schema() -> Value {
        object(&["What one call may take. Source: DESIGN rule 8."], Self::rows())
    }

    fn rows() -> Vec<Row> {
        let row = |row: &LimitRow| Row {
            key: row.name,
            needed: MAY,
            default: None,
            meaning: join(row.meaning),
            words: row.bounds.unit.form().to_owned(),
            schema: amount_schema(row.bounds),
        };
        LIMITS.iter().map(row).collect()
    }

    fn words() -> String {
        "a table".to_owned()
    }
}

/// `[capability.NAME]`: at most 32 tables under names of the author's. A table that was refused keeps its name, so that
/// whoever names it is not refused as well.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) Vec<(CapabilityName, Option<T>)>);

const MOST_CAPABILITIES: usize = 32;

impl<T: Form> Form for Named<T> {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, spot, Self::words())?;
        if table.len() > MOST_CAPABILITIES {
            reader.refuse(spot, Refusal::TooMany { found: table.len(), maximum: MOST_CAPABILITIES });
            return None;
        }
        // The TOML parser sorts tables by name; authors and admins know them in the order of the file.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut named = Vec::new();
        for (key, value) in entries {
            let at = spot.child(key.get_ref(), key.span());
            let name = CapabilityName::read(&DeValue::String(key.get_ref().clone()), &at, reader);
            let read = T::read(value.get_ref(), &Spot { span: value.span(), path: at.path }, reader);
            named.extend(name.map(|name| (name, read)));
        }
        Some(Self(named))
    }

    fn schema() -> Value {
        let names = CapabilityName::schema();
        json!({
            "type": "object", "maxProperties": MOST_CAPABILITIES, "propertyNames": names,
            "additionalProperties": T::schema()
        })
    }

    fn words() -> String {
        "tables such as [capability.notebook]".to_owned()
    }
}

/// `[[tool]]`, at least one and at most 64.
#[derive(Debug)]
pub(super) struct Tools(pub(super) Vec<RawTool>);

const MOST_TOOLS: usize = 64;

impl Form for Tools {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(tools) = value.as_array() else {
            reader.refuse(spot, Refusal::Type { found: found(value), expected: Self::words() });
            return None;
        };
        if tools.is_empty() {
            reader.refuse(spot, Refusal::NoTool);
        }
        if tools.len() > MOST_TOOLS {
            reader.refuse(spot, Refusal::TooMany { found: tools.len(), maximum: MOST_TOOLS });
            return None;
        }
        let read = tools.iter().enumerate().filter_map(|(at, value)| {
            let spot = Spot { span: value.span(), path: tool_path(at, value.get_ref()) };
            RawTool::read(value.get_ref(), &spot, reader)
        });
        Some(Self(read.collect()))
    }

    fn schema() -> Value {
        json!({ "type": "array", "minItems": 1, "maxItems": MOST_TOOLS, "items": RawTool::schema() })
    }

    fn words() -> String {
        "tables that begin with [[tool]]".to_owned()
    }
}

/// How findings speak of a tool: by its name if it has one, else by its place among the tools, counted from 1.
pub(super) fn tool_path(index: usize, tool: &DeValue<'_>) -> String {
    let name = tool.get("name").and_then(|name| name.get_ref().as_str()?.parse::<ToolName>().ok());
    name.map_or_else(|| format!("tool[{}]", index + 1), |name| format!("tool.{name}"))
}
