//! The tables whose keys are not fixed here: limits, which have a table of their own, and tables under names or in lists.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    raw::RawTool,
    reader::{Form, Reader, Spot, found},
    table::{MAY, Row, join, object},
    value::{amount, amount_schema},
};
use crate::{ArgumentName, CapabilityName, LIMITS, LimitRow, Limits, ToolName};

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
            let spot = Spot { span: value.span(), path: entry_path("tool", at, value.get_ref()) };
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

/// `[[prompt]]` and its like: at most `MOST` tables, maybe none.
#[derive(Debug)]
pub(super) struct Tables<T, const MOST: usize>(pub(super) Vec<T>);

impl<T: Form, const MOST: usize> Form for Tables<T, MOST> {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(tables) = value.as_array() else {
            let heading = format!("tables that begin with [[{}]]", heading(&spot.path));
            reader.refuse(spot, Refusal::Type { found: found(value), expected: heading });
            return None;
        };
        if tables.len() > MOST {
            reader.refuse(spot, Refusal::TooMany { found: tables.len(), maximum: MOST });
            return None;
        }
        let read = tables.iter().enumerate().filter_map(|(at, value)| {
            let spot = Spot { span: value.span(), path: entry_path(&spot.path, at, value.get_ref()) };
            T::read(value.get_ref(), &spot, reader)
        });
        Some(Self(read.collect()))
    }

    fn schema() -> Value {
        json!({ "type": "array", "maxItems": MOST, "items": T::schema() })
    }

    fn words() -> String {
        format!("tables in double brackets, at most {MOST}")
    }
}

/// How a table is headed whose findings speak of `path`: without the names of the tables around it.
fn heading(path: &str) -> &str {
    if path.ends_with(".argument") { "prompt.argument" } else { path }
}

/// Whether the tables of the list at `path` have names.
pub(super) fn is_named(path: &str) -> bool {
    matches!(path, "tool" | "prompt" | "resource" | "widget" | "retired") || path.ends_with(".argument")
}

/// How findings speak of a table of the list at `path`: by its name if it has one, else by its place, counted from 1.
pub(super) fn entry_path(path: &str, index: usize, table: &DeValue<'_>) -> String {
    let fits = |name: &&str| match path.ends_with(".argument") {
        true => name.parse::<ArgumentName>().is_ok(),
        false => name.parse::<ToolName>().is_ok(),
    };
    let name = table.get("name").and_then(|name| name.get_ref().as_str()).filter(fits);
    name.map_or_else(|| format!("{path}[{}]", index + 1), |name| format!("{path}.{name}"))
}
