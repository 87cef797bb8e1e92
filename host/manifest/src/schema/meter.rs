//! Counts the steps that checking one value takes, before it is checked (catalogue MC-06): what [`super::cost`] bounds for
//! one part of any value, times the parts of a large value, would keep the host busy for minutes.
//!
//! It goes the way of the validator, applying every schema to every part that the validator could apply it to: both `then`
//! and `else`, every pattern of a name. It compares nothing, so it is quicker than what it counts, and it stops at the bound.

use serde_json::{Map, Value};

use super::{
    Found, MAX_SUBSCHEMAS, SchemaRefusal,
    cost::{Node, UNIQUE},
    strict_json, walk,
};

/// The most steps that checking one value may take: measured at 5 to 100 ns each, so about a fifth of a second.
pub const MAX_STEPS: u64 = 2_000_000;

/// Counts what checking values against one schema takes.
#[derive(Debug)]
pub struct Meter(Vec<Node>);

/// What checking one value takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// To find out whether it fits: one for each schema that is applied to one part, and more where that takes longer.
    pub steps: u64,
    /// To collect what is wrong with every branch of the costliest `anyOf` or `oneOf`: far slower steps, each of which may
    /// allocate. Branches inside branches are collected again for each.
    pub explaining: u64,
}

/// A part of a value, or the name of a member.
#[derive(Clone, Copy)]
enum Part<'v> {
    Text(&'v str),
    Array(&'v [Value]),
    Object(&'v Map<String, Value>),
    Other,
}

/// A value takes more than [`MAX_STEPS`].
struct TooMuch;

struct Count<'m> {
    nodes: &'m [Node],
    steps: u64,
    /// How many `anyOf` and `oneOf` are being applied inside each other.
    inside: u64,
    /// Of the outermost of them.
    collecting: u64,
    explaining: u64,
}

impl Meter {
    /// The meter of a schema that a [`crate::Package`] serves.
    ///
    /// # Errors
    /// The first thing that a package would be refused for: of such a schema, not all is known.
    pub fn of(schema: &Value) -> Result<Self, SchemaRefusal> {
        let text = schema.to_string();
        let json = strict_json::parse(&text).map_err(|wrong| wrong.refusal)?;
        let mut found = Found::default();
        // One more than in a file: the host closes an input schema itself.
        let walked = walk::walk(&json, MAX_SUBSCHEMAS + 1, &mut found);
        match found.0.into_iter().next() {
            Some((.., refusal)) => Err(refusal),
            None => Ok(Self(walked.nodes)),
        }
    }

    /// What checking `value` takes. None: more than [`MAX_STEPS`].
    #[must_use]
    pub fn read(&self, value: &Value) -> Option<Reading> {
        let mut count = Count { nodes: &self.0, steps: 0, inside: 0, collecting: 0, explaining: 0 };
        match count.apply(0, value.into(), 0) {
            Ok(()) => Some(Reading { steps: count.steps, explaining: count.explaining }),
            Err(TooMuch) => None,
        }
    }

    /// How many parts `value` has: itself, its members and elements, theirs; long text and long names count as more.
    #[must_use]
    pub fn parts(value: &Value) -> u64 {
        let more = |text: &str| text.len() as u64 / 64;
        1 + match value {
            Value::String(text) => more(text),
            Value::Array(items) => items.iter().map(Self::parts).sum(),
            Value::Object(members) => members.iter().map(|(name, member)| more(name) + Self::parts(member)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }
}

impl<'v> From<&'v Value> for Part<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::Array(items),
            Value::Object(members) => Self::Object(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Other,
        }
    }
}

impl<'m> Count<'m> {
    /// Applies a schema inside `chain` others.
    fn apply(&mut self, at: usize, part: Part<'_>, chain: u64) -> Result<(), TooMuch> {
        let node: &'m Node = &self.nodes[at];
        // The validator looks for circles by going through the chain.
        self.take(node.weight + chain / 32)?;
        let below = chain + 1;
        match part {
            Part::Text(text) => {
                let bytes = text.len() as u64;
                self.take(bytes / 64 + (bytes * node.effort).div_ceil(8))?;
            }
            Part::Array(items) => self.elements(node, items, below)?,
            Part::Object(members) => self.members(node, members, below)?,
            Part::Other => {}
        }
        for &target in &node.here {
            self.apply(target, part, below)?;
        }
        if !node.branches.is_empty() {
            if self.inside == 0 {
                self.collecting = 0;
            }
            self.inside += 1;
            for &target in &node.branches {
                self.apply(target, part, below)?;
            }
            self.inside -= 1;
            self.explaining = self.explaining.max(self.collecting);
        }
        Ok(())
    }

    fn elements(&mut self, node: &'m Node, items: &[Value], chain: u64) -> Result<(), TooMuch> {
        if node.unique {
            for item in items {
                self.below(item)?;
            }
        }
        for (item, &target) in items.iter().zip(&node.elements) {
            self.apply(target, item.into(), chain)?;
        }
        for &target in &node.other_elements {
            for item in items.iter().skip(node.elements.len()) {
                self.apply(target, item.into(), chain)?;
            }
        }
        for &target in &node.every_element {
            for item in items {
                self.apply(target, item.into(), chain)?;
            }
        }
        Ok(())
    }

    fn members(&mut self, node: &'m Node, members: &Map<String, Value>, chain: u64) -> Result<(), TooMuch> {
        if !node.looks {
            return Ok(());
        }
        self.take(members.len() as u64 / 2)?;
        for (name, member) in members {
            let bytes = name.len() as u64;
            self.take(bytes / 64 + (bytes * node.name_effort).div_ceil(8))?;
            for &target in &node.names {
                self.apply(target, Part::Text(name), chain)?;
            }
            let others = match node.members.get(name) {
                Some(target) => std::slice::from_ref(target),
                None => node.other_members.as_slice(),
            };
            for &target in others.iter().chain(&node.patterned) {
                self.apply(target, member.into(), chain)?;
            }
        }
        Ok(())
    }

    /// Takes what comparing all of `value` does.
    fn below(&mut self, value: &Value) -> Result<(), TooMuch> {
        self.take(UNIQUE)?;
        match value {
            Value::String(text) => self.take(text.len() as u64 / 64),
            Value::Array(items) => items.iter().try_for_each(|item| self.below(item)),
            Value::Object(members) => members.iter().try_for_each(|(name, member)| {
                self.take(name.len() as u64 / 64)?;
                self.below(member)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn take(&mut self, steps: u64) -> Result<(), TooMuch> {
        self.steps = self.steps.saturating_add(steps);
        self.collecting = self.collecting.saturating_add(steps.saturating_mul(self.inside));
        if self.steps > MAX_STEPS { Err(TooMuch) } else { Ok(()) }
    }
}
