//! How a table of a manifest is written down once: its keys with what they mean. Reading, JSON Schema and reference follow.

use serde_json::{Map, Value, json};

/// A key that must be there.
pub(super) const NEED: bool = true;
/// A key that may be left out.
pub(super) const MAY: bool = false;

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
pub(super) fn join(docs: &[&str]) -> String {
    docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

pub(super) fn object(about: &[&str], rows: Vec<Row>) -> Value {
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

pub(super) use table;
