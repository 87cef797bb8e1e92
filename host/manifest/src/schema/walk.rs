//! Goes through every schema of a file: keywords, text, patterns, references; and counts what checking a value costs.

use std::collections::HashMap;

use super::{
    Found, MAX_CHAIN, MAX_COST, MAX_LIST, MAX_NESTING, MAX_PATTERN, MAX_PATTERNS, SchemaRefusal, cost,
    keyword::{Applies, Keyword, keyword},
    pattern, pointer,
    strict_json::{Json, Kind, Member},
};
use crate::text::{self, Form};

/// A file's schemas, numbered from the root, which is 0.
#[derive(Debug, Default)]
pub(super) struct Walked<'j> {
    pub(super) nodes: Vec<cost::Node>,
    pub(super) schemas: Vec<(&'j Json, String)>,
    by_pointer: HashMap<String, usize>,
    anchors: HashMap<&'j str, usize>,
    references: Vec<(usize, &'j str, usize, String)>,
    /// Text, place and pointer of each pattern that is short enough to be read.
    pub(super) patterns: Vec<(&'j str, usize, String)>,
    /// The most schemas.
    most: usize,
}

const LINE: Form = Form { maximum: 200, lines: false, filled: false };
const TEXT: Form = Form { maximum: 1024, lines: true, filled: false };
const NAME: Form = Form { maximum: 128, lines: false, filled: false };

/// Walks a file of at most `most` schemas. The graph is whole only if nothing is found. Patterns are not compiled here.
pub(super) fn walk<'j>(root: &'j Json, most: usize, found: &mut Found) -> Walked<'j> {
    let mut walked = Walked { most, ..Walked::default() };
    walked.schema(root, String::new(), 0, found);
    let count = walked.schemas.len();
    if count > most {
        found.add(root.at, "", SchemaRefusal::TooMany { found: count, maximum: most });
        return walked;
    }
    if walked.patterns.len() > MAX_PATTERNS {
        let found_patterns = walked.patterns.len();
        found.add(root.at, "", SchemaRefusal::ManyPatterns { found: found_patterns, maximum: MAX_PATTERNS });
    }
    walked.resolve(found);
    match cost::order(&walked.nodes) {
        Err(node) => {
            let (json, pointer) = &walked.schemas[node];
            found.add(json.at, pointer, SchemaRefusal::Endless);
        }
        Ok(order) => {
            let cost::Cost { steps, chain } = cost::cost(&walked.nodes, &order, 0);
            if chain > MAX_CHAIN {
                found.add(root.at, "", SchemaRefusal::TooLongChain { found: chain, maximum: MAX_CHAIN });
            }
            if steps > MAX_COST {
                let steps = (steps < 1 << 40).then_some(steps);
                found.add(root.at, "", SchemaRefusal::TooCostly { found: steps, maximum: MAX_COST });
            }
        }
    }
    walked
}

impl<'j> Walked<'j> {
    /// Takes in one schema and those in it; gives its number.
    fn schema(&mut self, json: &'j Json, at: String, depth: usize, found: &mut Found) -> usize {
        let number = self.schemas.len();
        self.nodes.push(cost::Node { weight: 1, ..cost::Node::default() });
        self.by_pointer.insert(at.clone(), number);
        self.schemas.push((json, at.clone()));
        match &json.kind {
            Kind::Bool(_) => {}
            Kind::Object(_) if depth > MAX_NESTING => found.add(json.at, &at, SchemaRefusal::Nested(MAX_NESTING)),
            Kind::Object(members) if number <= self.most => {
                for member in members {
                    self.member(number, member, &at, depth, found);
                }
            }
            Kind::Object(_) => {}
            _ => found.add(json.at, &at, SchemaRefusal::NotSchema),
        }
        number
    }

    fn member(&mut self, number: usize, member: &'j Member, parent: &str, depth: usize, found: &mut Found) {
        let at = pointer(parent, &member.name);
        let (name, keyword) = match keyword(&member.name) {
            Ok(known) => known,
            Err(refusal) => return found.add(member.at, &at, refusal),
        };
        let value = &member.value;
        let mut wrong = |expected| found.add(value.at, &at, SchemaRefusal::Value { keyword: name, expected });
        weigh(&mut self.nodes[number], name, &value.kind);
        match (keyword, &value.kind) {
            (Keyword::Schema(applies), _) => self.child(number, applies, value, at, depth, found),
            (Keyword::Schemas(applies), Kind::Array(schemas)) => {
                for (index, schema) in schemas.iter().enumerate() {
                    self.child(number, applies, schema, format!("{at}/{index}"), depth, found);
                }
            }
            (Keyword::Schemas(_), _) => wrong("a list of schemas"),
            (Keyword::Named(_) | Keyword::Patterned, Kind::Object(members)) => {
                for member in members {
                    let at = pointer(&at, &member.name);
                    match keyword {
                        Keyword::Named(_) => lint(&member.name, NAME, member.at, &at, found),
                        _ => self.nodes[number].name_effort += self.pattern(&member.name, member.at, &at, found),
                    }
                    let child = self.schema(&member.value, at, depth + 1, found);
                    match keyword {
                        Keyword::Named(Applies::Member) => {
                            self.nodes[number].members.insert(member.name.clone(), child);
                        }
                        Keyword::Named(applies) => self.apply(number, applies, child),
                        _ => self.nodes[number].patterned.push(child),
                    }
                }
            }
            (Keyword::Named(_) | Keyword::Patterned, _) => wrong("schemas under names"),
            (Keyword::Ref, Kind::String(text)) => self.references.push((number, text, value.at, at)),
            (Keyword::Anchor, Kind::String(text)) => {
                let name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
                let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(name);
                if !is_name || text.len() > 64 || self.anchors.insert(text, number).is_some() {
                    found.add(value.at, &at, SchemaRefusal::Anchor(text.clone()));
                }
            }
            (Keyword::Dialect, Kind::String(text)) => {
                if depth > 0 {
                    found.add(member.at, &at, SchemaRefusal::RootOnly("$schema"));
                } else if text.trim_end_matches('#') != "https://json-schema.org/draft/2020-12/schema" {
                    found.add(value.at, &at, SchemaRefusal::Dialect(text.clone()));
                }
            }
            (Keyword::Line, Kind::String(text)) => lint(text, LINE, value.at, &at, found),
            (Keyword::Text, Kind::String(text)) => lint(text, TEXT, value.at, &at, found),
            (Keyword::Pattern, Kind::String(text)) => {
                self.nodes[number].effort = self.pattern(text, value.at, &at, found);
            }
            (
                Keyword::Ref | Keyword::Anchor | Keyword::Dialect | Keyword::Line | Keyword::Text | Keyword::Pattern,
                _,
            ) => wrong("text"),
            (Keyword::List, Kind::Array(values)) => {
                if values.len() > MAX_LIST {
                    let refusal = SchemaRefusal::LongList { found: values.len(), maximum: MAX_LIST };
                    found.add(value.at, &at, refusal);
                }
                lint_all(value, &at, found);
            }
            (Keyword::List, _) => wrong("a list"),
            (Keyword::Any | Keyword::Plain, _) => lint_all(value, &at, found),
            // Its rules depend on the role: see `roles`.
            (Keyword::Header, _) => {}
        }
    }

    fn child(&mut self, of: usize, applies: Applies, json: &'j Json, at: String, depth: usize, found: &mut Found) {
        let child = self.schema(json, at, depth + 1, found);
        self.apply(of, applies, child);
    }

    fn apply(&mut self, of: usize, applies: Applies, child: usize) {
        let node = &mut self.nodes[of];
        match applies {
            Applies::Here => node.here.push(child),
            Applies::Branch => node.branches.push(child),
            Applies::OtherMembers => node.other_members.push(child),
            Applies::Names => node.names.push(child),
            Applies::Element => node.elements.push(child),
            Applies::OtherElements => node.other_elements.push(child),
            Applies::EveryElement => node.every_element.push(child),
            // Members are known by their names: see above.
            Applies::Member | Applies::Nowhere => {}
        }
    }

    /// Takes a pattern in; gives what matching it takes.
    fn pattern(&mut self, text: &'j str, offset: usize, at: &str, found: &mut Found) -> u64 {
        let form = Form { maximum: MAX_PATTERN, lines: false, filled: false };
        if text.len() > MAX_PATTERN {
            found.add(offset, at, SchemaRefusal::LongPattern { found: text.len(), maximum: MAX_PATTERN });
            return 0;
        }
        lint(text, form, offset, at, found);
        self.patterns.push((text, offset, at.to_owned()));
        pattern::effort(text)
    }

    fn resolve(&mut self, found: &mut Found) {
        for (from, text, offset, at) in std::mem::take(&mut self.references) {
            let Some(fragment) = text.strip_prefix('#') else {
                found.add(offset, &at, SchemaRefusal::Remote(text.to_owned()));
                continue;
            };
            // A name that needs percent-encoding has no reference: two decoders could disagree about it.
            let target = match fragment {
                "" => Some(0),
                pointer if pointer.starts_with('/') && !pointer.contains('%') => self.by_pointer.get(pointer).copied(),
                anchor => self.anchors.get(anchor).copied(),
            };
            match target {
                Some(target) => self.nodes[from].here.push(target),
                None => found.add(offset, &at, SchemaRefusal::Dangling(text.to_owned())),
            }
        }
    }

    /// The schemas that apply to the value itself, the root's own first.
    pub(super) fn at_root(&self) -> Vec<usize> {
        let mut all = vec![0];
        let mut next = 0;
        while let Some(&node) = all.get(next) {
            for target in self.nodes.get(node).into_iter().flat_map(cost::Node::same) {
                if !all.contains(&target) {
                    all.push(target);
                }
            }
            next += 1;
        }
        all
    }
}

/// What a keyword costs itself, beside the schemas that it applies.
fn weigh(node: &mut cost::Node, keyword: &str, value: &Kind) {
    match (keyword, value) {
        // Text is found by its hash, however much there is of it.
        ("enum", Kind::Array(values)) if values.iter().all(|value| matches!(value.kind, Kind::String(_))) => {}
        ("enum", Kind::Array(values)) => node.weight += values.iter().map(parts).sum::<u64>().div_ceil(4),
        ("const", value) => node.weight += parts_of(value).div_ceil(4),
        ("dependentRequired", value) => node.weight += parts_of(value).div_ceil(2),
        ("uniqueItems", Kind::Bool(true)) => node.unique = true,
        ("properties" | "patternProperties" | "additionalProperties" | "propertyNames" | "required", _) => {
            node.looks = true;
        }
        _ => {}
    }
}

/// How many values a value has in it, itself too; long text counts as more.
fn parts(json: &Json) -> u64 {
    parts_of(&json.kind)
}

fn parts_of(value: &Kind) -> u64 {
    match value {
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => 1,
        Kind::String(text) => 1 + text.len() as u64 / 64,
        Kind::Array(values) => 1 + values.iter().map(parts).sum::<u64>(),
        Kind::Object(members) => {
            1 + members.iter().map(|member| parts(&member.value) + member.name.len() as u64 / 64).sum::<u64>()
        }
    }
}

fn lint(text: &str, form: Form, offset: usize, at: &str, found: &mut Found) {
    for (_, fault) in text::faults(text, form) {
        found.add(offset, at, SchemaRefusal::Text(fault));
    }
}

/// Every string in a value: defaults, examples and annotations reach the model as descriptions do.
fn lint_all(json: &Json, at: &str, found: &mut Found) {
    match &json.kind {
        Kind::String(text) => lint(text, TEXT, json.at, at, found),
        Kind::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                lint_all(value, &format!("{at}/{index}"), found);
            }
        }
        Kind::Object(members) => {
            for member in members {
                let at = pointer(at, &member.name);
                lint(&member.name, NAME, member.at, &at, found);
                lint_all(&member.value, &at, found);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}
