//! Parameters that a tool's schema tells clients to repeat in `Mcp-Param-*` headers (`x-mcp-header`, facts A3).

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use http::{HeaderMap, HeaderName};
use portcullis_backend::{Descriptor, Rendered};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::{era::Era, fault::Fault, headers, json};

/// The keyword in a property's schema.
const KEYWORD: &str = "x-mcp-header";

/// How deep properties are followed; a manifest's schemas are not deeper (catalogue MC-06).
const DEPTH: usize = 64;

/// How many tools are remembered before all are forgotten.
const REMEMBERED: usize = 4096;

/// One parameter that is repeated in a header.
#[derive(Debug)]
struct Mirror {
    header: HeaderName,
    /// The chain of `properties` keys that leads to it.
    path: Vec<String>,
}

/// What each tool's schema asks for, worked out once for each descriptor.
#[derive(Debug, Default)]
pub(crate) struct Mirrors {
    /// By the descriptor's address.
    known: RwLock<HashMap<usize, Known>>,
}

#[derive(Debug)]
struct Known {
    /// Held, so that its address can't become another descriptor's.
    _descriptor: Rendered,
    mirrors: Arc<[Mirror]>,
}

impl Mirrors {
    /// That the headers repeat the marked arguments; in the legacy era, that those which are there do.
    pub(crate) fn agree(
        &self,
        era: Era,
        tool: &Descriptor,
        arguments: &Map<String, Value>,
        headers: &HeaderMap,
    ) -> Result<(), Fault> {
        self.of(&tool.json).iter().try_for_each(|mirror| mirror.agrees(era, arguments, headers))
    }

    fn of(&self, descriptor: &Rendered) -> Arc<[Mirror]> {
        let address = Arc::as_ptr(descriptor).cast::<u8>() as usize;
        // A poisoned lock guards a map that is whole after every step.
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&address) {
            return Arc::clone(&known.mirrors);
        }
        let mirrors: Arc<[Mirror]> = mirrors(descriptor.get()).into();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(address, Known { _descriptor: Arc::clone(descriptor), mirrors: Arc::clone(&mirrors) });
        mirrors
    }
}

impl Mirror {
    fn agrees(&self, era: Era, arguments: &Map<String, Value>, headers: &HeaderMap) -> Result<(), Fault> {
        let mut value = arguments.get(&self.path[0]);
        for key in &self.path[1..] {
            value = value.and_then(|value| value.get(key));
        }
        let header = headers::single(headers, &self.header)?;
        let header = header.map(|value| headers::decoded(&self.header, value)).transpose()?;
        let same = match (value, &header) {
            (None | Some(Value::Null), None) => true,
            (Some(Value::String(value)), Some(header)) => value == header,
            (Some(Value::Bool(value)), Some(header)) => *header == if *value { "true" } else { "false" },
            (Some(Value::Number(value)), Some(header)) => {
                json::exact_number(header).is_some_and(|it| equal(&it, value))
            }
            // No client can write these into a header; the tool's schema refuses them.
            (Some(Value::Array(_) | Value::Object(_)), None) => true,
            // Legacy clients know nothing of these headers.
            (Some(_), None) if era == Era::Legacy => true,
            (Some(_), None) => return Err(headers::missing(&self.header)),
            (None | Some(_), Some(_)) => false,
        };
        if same { Ok(()) } else { Err(headers::differs(&self.header)) }
    }
}

/// Numerically: `42.0` and `42` are equal.
fn equal(one: &Number, other: &Number) -> bool {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one == other,
        _ => match (one.as_u64(), other.as_u64()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
    }
}

fn mirrors(descriptor: &str) -> Vec<Mirror> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Tool {
        input_schema: Value,
    }
    let mut found = Vec::new();
    // The backend rendered it, so it is JSON; most tools mark nothing and are not parsed.
    if descriptor.contains(KEYWORD)
        && let Ok(tool) = serde_json::from_str::<Tool>(descriptor)
    {
        collect(&tool.input_schema, &mut Vec::new(), &mut found);
    }
    found
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirror>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    if path.len() == DEPTH {
        return;
    }
    for (key, property) in properties {
        path.push(key.clone());
        if let Some(Value::String(name)) = property.get(KEYWORD)
            && let Ok(header) = HeaderName::from_bytes(format!("mcp-param-{name}").as_bytes())
        {
            found.push(Mirror { header, path: path.clone() });
        }
        collect(property, path, found);
        path.pop();
    }
}
