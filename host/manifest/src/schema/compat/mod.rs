//! Whether everything that one schema takes is taken by another: so that a client which holds the old one may go on with it.
//! It is a proof, not a guess: what it says yes to holds for every value, and what it can't prove it says no to.
//!
//! The wide schema is a list of demands, one for each keyword; each has to follow from what is known of the narrow one: the
//! schema itself, what it refers to and its `allOf`, all of which hold at once (its views), and, where that is not enough, from
//! each branch of an `anyOf` or `oneOf` of it.

mod amounts;
mod breaks;
mod demands;
#[cfg(test)]
mod tests;
mod types;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::pointer;
pub use breaks::{SchemaBreak, Side};
use types::Types;

/// Steps of one proof: what takes more is not proven.
const MOST_STEPS: u32 = 20_000;
/// Schemas that hold at once, of which more are not looked at.
const MOST_VIEWS: usize = 64;
/// How many times one proof goes through the branches of the narrow schema inside one value.
const MOST_CASES: u8 = 3;
/// How far apart a demand and its root may be.
const MOST_DEPTH: u16 = 200;

/// A demand of the wide schema that does not follow, or not as far as this can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unproven {
    /// JSON Pointer in the wide schema.
    pub(crate) pointer: String,
    /// What is demanded there, such as a keyword.
    pub(crate) what: String,
}

type Proven = Result<(), Unproven>;

/// That `wide` takes every value which `narrow` takes.
pub(crate) fn included(wide: &Value, narrow: &Value) -> Proven {
    // What both hold alike is the same only if references mean the same in both.
    let alike = |key: &str| wide.get(key) == narrow.get(key);
    let same_references =
        alike("$defs") && alike("definitions") && !refers_elsewhere(wide) && !refers_elsewhere(narrow);
    let same_references = same_references || wide == narrow;
    let mut proof = Proof { wide, narrow, same_references, steps: MOST_STEPS, assumed: HashSet::new() };
    proof.holds(wide, &[narrow], At::default())
}

/// Whether it has a `$ref` to anything but `$defs` and `definitions`.
fn refers_elsewhere(value: &Value) -> bool {
    any_reference(value, &|target| !target.starts_with("#/$defs/") && !target.starts_with("#/definitions/"))
}

/// Whether a text under a key `$ref` is such a one; one that is a value and no reference counts too, which only makes for less.
fn any_reference(value: &Value, such: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(key, value)| match value {
            Value::String(target) if key == "$ref" => such(target),
            value => any_reference(value, such),
        }),
        Value::Array(values) => values.iter().any(|value| any_reference(value, such)),
        _ => false,
    }
}

/// Where in the wide schema a proof is.
#[derive(Clone, Default)]
struct At {
    pointer: String,
    depth: u16,
    /// How many times branches were gone through for this value.
    cases: u8,
}

impl At {
    fn to(&self, parts: &[&str]) -> Self {
        let pointer = parts.iter().fold(self.pointer.clone(), |parent, part| pointer(&parent, part));
        Self { pointer, depth: self.depth + 1, cases: self.cases }
    }

    fn unproven(&self, what: impl Into<String>) -> Proven {
        Err(Unproven { pointer: format!("#{}", self.pointer), what: what.into() })
    }
}

/// Schemas that hold at once, each an object.
type Views<'s> = Vec<&'s Map<String, Value>>;

/// What is known of a value: that all of `narrow` take it.
struct Known<'s, 'n> {
    narrow: &'n [&'s Value],
    views: Views<'s>,
    types: Types,
}

struct Proof<'s> {
    wide: &'s Value,
    narrow: &'s Value,
    same_references: bool,
    steps: u32,
    /// What is being proven: for a part of the value that was begun with it may be taken for proven, because a value ends.
    assumed: HashSet<(usize, Vec<usize>)>,
}

impl<'s> Proof<'s> {
    /// That `wide` takes what all of `narrow` take.
    fn holds(&mut self, wide: &'s Value, narrow: &[&'s Value], at: At) -> Proven {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || at.depth > MOST_DEPTH {
            return at.unproven("more than this check can follow");
        }
        let Some(views) = self.views(narrow) else { return Ok(()) };
        let types = Types::of(&views);
        if types.is_empty() {
            return Ok(());
        }
        let demands = match wide {
            Value::Bool(true) => return Ok(()),
            Value::Object(demands) => demands,
            _ => return at.unproven("nothing is taken"),
        };
        if views.iter().any(|view| self.same_members(demands, view)) {
            return Ok(());
        }
        let known = Known { narrow, views, types };
        let mut proven = Ok(());
        for (keyword, value) in demands {
            proven = self.demand(keyword, value, demands, &known, &at);
            if proven.is_err() {
                break;
            }
        }
        if proven.is_err() && at.cases < MOST_CASES && self.in_each_case(wide, &known, &at) {
            return Ok(());
        }
        proven
    }

    /// As [`Self::holds`], for a part of the value.
    fn part_holds(&mut self, wide: &'s Value, narrow: &[&'s Value], at: At) -> Proven {
        let address = |value: &'s Value| std::ptr::from_ref(value).addr();
        let key = (address(wide), narrow.iter().map(|schema| address(schema)).collect());
        if !self.assumed.insert(key.clone()) {
            return Ok(());
        }
        let proven = self.holds(wide, narrow, At { cases: 0, ..at });
        self.assumed.remove(&key);
        proven
    }

    /// Whether it holds in each branch of some `anyOf` or `oneOf` that holds.
    fn in_each_case(&mut self, wide: &'s Value, known: &Known<'s, '_>, at: &At) -> bool {
        let branches = |view: &&'s Map<String, Value>| ["anyOf", "oneOf"].map(|key| view.get(key)?.as_array());
        let all: Vec<&'s Vec<Value>> = known.views.iter().flat_map(branches).flatten().collect();
        all.into_iter().any(|branches| {
            branches.iter().all(|branch| {
                let narrow: Vec<&'s Value> = known.narrow.iter().copied().chain([branch]).collect();
                let at = At { cases: at.cases + 1, depth: at.depth + 1, ..at.clone() };
                self.holds(wide, &narrow, at).is_ok()
            })
        })
    }

    /// Everything that holds where all of these do; none: nothing does.
    fn views(&self, schemas: &[&'s Value]) -> Option<Views<'s>> {
        let mut waiting: Vec<&'s Value> = schemas.to_vec();
        let mut views: Views<'s> = Vec::new();
        while let Some(schema) = waiting.pop() {
            match schema {
                Value::Bool(false) => return None,
                Value::Object(members) if views.len() < MOST_VIEWS => {
                    if views.iter().any(|known| std::ptr::eq(*known, members)) {
                        continue;
                    }
                    views.push(members);
                    waiting.extend(members.get("$ref").and_then(|target| resolve(self.narrow, target)));
                    waiting.extend(members.get("allOf").and_then(Value::as_array).into_iter().flatten());
                }
                _ => {}
            }
        }
        Some(views)
    }

    /// Whether a part of the wide schema and one of the narrow say the same.
    fn same(&self, wide: &Value, narrow: &Value) -> bool {
        wide == narrow && (self.same_references || !any_reference(wide, &|_| true))
    }

    fn same_members(&self, wide: &Map<String, Value>, narrow: &Map<String, Value>) -> bool {
        wide.len() == narrow.len()
            // A text under the key `$ref` is one, too.
            && (self.same_references || !wide.contains_key("$ref"))
            && wide.iter().all(|(key, value)| narrow.get(key).is_some_and(|other| self.same(value, other)))
    }
}

/// What `$ref` means. An anchor is not looked for: then nothing is known of it.
fn resolve<'s>(root: &'s Value, target: &Value) -> Option<&'s Value> {
    match target.as_str()? {
        "#" => Some(root),
        target => root.pointer(target.strip_prefix('#').filter(|pointer| pointer.starts_with('/'))?),
    }
}
