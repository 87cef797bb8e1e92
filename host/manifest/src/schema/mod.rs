//! Bounds what a schema file can make the host, a client or a model do: strict JSON, one dialect, no fetching, linear
//! patterns, a counted cost, and no text that people cannot see (catalogue MC-05, MC-06, MC-07, MC-15).

mod compat;
mod cost;
mod keyword;
mod meter;
mod pattern;
mod refusal;
mod roles;
mod strict_json;
mod walk;

use std::collections::HashSet;

use serde_json::Value;

pub(crate) use self::pattern::Patterns;
pub use self::{
    compat::{SchemaBreak, Side},
    meter::{MAX_STEPS, Meter, Reading},
    refusal::{HeaderFault, SchemaRefusal},
};
use self::{pattern::Verdict, strict_json::Wrong};
use crate::{
    Finding,
    finding::{self, Lines, located},
};

/// The most bytes of all schema files of a package together (catalogue MC-06).
pub const MAX_SCHEMAS: usize = 128 << 10;

/// The most bytes of what the tools of a package are in a client's list: a schema counts once for each tool that names it.
pub const MAX_SERVED: usize = 1 << 20;

/// The most steps that any one part of a value may take: see `cost`. So a value of a thousand parts fits into [`MAX_STEPS`],
/// whatever it is.
const MAX_COST: u64 = MAX_STEPS / 1_000;
/// The most schemas that are applied inside each other at once: see `cost`.
const MAX_CHAIN: u64 = 512;
/// The most schemas in one file.
const MAX_SUBSCHEMAS: usize = 1_000;
/// The deepest that schemas stand in each other.
const MAX_NESTING: usize = 32;
/// The most values in one `enum` or `examples`.
const MAX_LIST: usize = 500;
/// The most bytes of one pattern.
const MAX_PATTERN: usize = 512;
/// The most patterns in one file.
const MAX_PATTERNS: usize = 64;
/// The most bytes of one compiled pattern.
const MAX_COMPILED_PATTERN: usize = 1 << 20;
/// The most bytes of all compiled patterns of a package.
const MAX_COMPILED_PATTERNS: usize = 8 << 20;
/// The most bytes that one pattern keeps of the states that it builds while it runs, for each thread that runs it.
const MAX_PATTERN_STATES: usize = 256 << 10;

/// For what the manifest names a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The arguments of a tool.
    Input,
    /// The structured result of a tool.
    Output,
}

/// Compiles a schema that a [`crate::Package`] serves, as it was checked: 2020-12, nothing fetched, linear patterns.
/// Whoever validates uses this, so that what is checked at publish is what runs. Ask `is_valid` or `validate`, which stop at
/// the first mistake: `iter_errors` builds an error for each and takes many times as long. Give it values that `serde_json`
/// read, so at most 128 deep, and a stack of at least 1 MiB: that is what the bounds were counted for.
///
/// # Errors
/// A schema that did not come from a [`crate::Package`] may not compile.
pub fn validator(schema: &Value) -> Result<jsonschema::Validator, jsonschema::ValidationError<'static>> {
    options(MAX_COMPILED_PATTERN).build(schema)
}

/// How schemas are compiled, with patterns of at most so many bytes.
fn options<'o>(pattern: usize) -> jsonschema::ValidationOptions<'o> {
    let patterns = jsonschema::PatternOptions::regex().size_limit(pattern).dfa_size_limit(MAX_PATTERN_STATES);
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).with_pattern_options(patterns)
}

/// What is wrong with one file: see [`crate::finding::located`].
type Refused = (Vec<Finding<SchemaRefusal>>, usize);

/// Reads and bounds one schema file; its patterns are taken in to `patterns`.
pub(crate) fn read(file: &str, bytes: &[u8], roles: &[Role], patterns: &mut Patterns) -> Result<Value, Refused> {
    let root = |refusal| Finding { file: file.to_owned(), place: None, path: "#".to_owned(), refusal };
    let text = std::str::from_utf8(bytes).map_err(|_| (vec![root(SchemaRefusal::NotText)], 0))?;
    let lines = Lines::of(text);
    let json = strict_json::parse(text)
        .map_err(|Wrong { at, refusal }| located(file, &lines, vec![(at, "#".to_owned(), refusal)]))?;
    let mut found = Found::default();
    let walked = walk::walk(&json, MAX_SUBSCHEMAS, &mut found);
    let mut known = HashSet::new();
    // Compiling costs; what is over the number is refused unread.
    for (pattern, at, pointer) in walked.patterns.iter().take(MAX_PATTERNS) {
        if !known.insert(pattern) {
            continue;
        }
        match patterns.take(pattern, roles.len()) {
            Verdict::Fits | Verdict::Unread => {}
            Verdict::NotLinear => found.add(*at, pointer, SchemaRefusal::Pattern((*pattern).to_owned())),
            Verdict::TooMuch => {
                found.add(*at, pointer, SchemaRefusal::LargePatterns { maximum: MAX_COMPILED_PATTERNS });
            }
        }
    }
    for role in roles {
        roles::check(&json, &walked, *role, &mut found);
    }
    let value = Value::from(&json);
    if found.0.is_empty() {
        // What the host's own checks don't know, such as the value of `minLength`, the validator does.
        if let Err(error) = validator(&value) {
            let pointer = error.instance_path().to_string();
            let at = json.find(&pointer);
            found.add(at, &pointer, SchemaRefusal::Invalid(error.to_string().chars().take(200).collect()));
        }
    }
    if found.0.is_empty() { Ok(value) } else { Err(located(file, &lines, found.0)) }
}

/// What is wrong so far: where, under which JSON Pointer (written `#/…`), and why.
#[derive(Debug, Default)]
struct Found(Vec<finding::Wrong<SchemaRefusal>>);

impl Found {
    fn add(&mut self, at: usize, pointer: &str, refusal: SchemaRefusal) {
        self.0.push((at, format!("#{}", crate::text::visible(pointer)), refusal));
    }

    /// Adds what is not known yet: a file that is input and output is checked for both.
    fn add_once(&mut self, at: usize, pointer: &str, refusal: SchemaRefusal) {
        if !self.0.iter().any(|(known_at, _, known)| *known_at == at && *known == refusal) {
            self.add(at, pointer, refusal);
        }
    }
}

/// One part of a JSON Pointer.
fn pointer(parent: &str, part: &str) -> String {
    format!("{parent}/{}", part.replace('~', "~0").replace('/', "~1"))
}

/// The bounds of one schema file, for the reference page: what, how much, source.
pub(crate) fn bounds() -> [(&'static str, u64, &'static str); 12] {
    let number = |number: usize| number as u64;
    [
        ("steps to check one value", MAX_STEPS, "MC-06"),
        ("steps that any one part of a value can take", MAX_COST, "MC-06"),
        ("schemas applied inside each other along one way", MAX_CHAIN, "MC-06"),
        ("nesting of the JSON text", number(strict_json::DEEPEST), "MC-06"),
        ("schemas in one file", number(MAX_SUBSCHEMAS), "MC-06"),
        ("schemas in each other", number(MAX_NESTING), "MC-06"),
        ("values of an `enum`", number(MAX_LIST), "MC-06"),
        ("bytes of a pattern", number(MAX_PATTERN), "MC-06"),
        ("bytes of a compiled pattern", number(MAX_COMPILED_PATTERN), "MC-07"),
        ("patterns in one file", number(MAX_PATTERNS), "MC-06"),
        ("bytes of all compiled patterns of a package, each at least 32768", number(MAX_COMPILED_PATTERNS), "MC-07"),
        ("bytes of a package's tools in a client's list", number(MAX_SERVED), "MC-06"),
    ]
}
