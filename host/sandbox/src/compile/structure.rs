//! A streaming look at a component before anything else touches it: counts against limits, and which imports and exports
//! it has at its top. Validity is the compiler's business; this keeps the amounts small that the compiler sees (WX-30).

use wasmparser::{Encoding, Parser, Payload};

/// Counts of one component, everything nested inside included. wasmparser's own limits are far too high: a million
/// functions of 7 MiB each would pass.
const LIMITS: &[(&str, u64)] = &[
    ("core modules", 64),
    ("nested components", 64),
    ("core instances", 256),
    ("functions", 200_000),
    ("bytes in one function", 4 << 20),
    ("types", 50_000),
    ("imports", 2_000),
    ("exports", 2_000),
    ("data segments", 50_000),
    ("element segments", 10_000),
    ("globals", 50_000),
    ("tables", 128),
    ("memories", 64),
    ("bytes in custom sections", 8 << 20),
    ("levels of nesting", 8),
];

/// Longest name of an import or export that is kept, for errors.
const NAME: usize = 256;

/// A component that stayed within the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Names of its imports.
    pub imports: Vec<String>,
    /// Names of its exports.
    pub exports: Vec<String>,
    /// Bytes of its largest memory at the start.
    pub initial_memory: u64,
}

/// A component that is not even looked at by the compiler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StructureRefused {
    /// Something else than a binary component.
    #[error(
        "this is {what}, not a WebAssembly component; build one (docs/authoring.md) and name it in `plugin.component`"
    )]
    NotAComponent {
        /// What it is.
        what: &'static str,
    },
    /// It has too much of something.
    #[error("the component has {found} {what}; this host takes {limit}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many, as far as they were counted.
        found: u64,
        /// How many are taken.
        limit: u64,
    },
    /// It can't be parsed.
    #[error("the component is damaged at byte {offset}: {message}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What.
        message: String,
    },
}

struct Counter([u64; LIMITS.len()]);

impl Counter {
    fn add(&mut self, what: &'static str, more: u64) -> Result<(), StructureRefused> {
        let at = LIMITS.iter().position(|(name, _)| *name == what).expect("a name of the table above");
        self.0[at] = self.0[at].saturating_add(more);
        self.check(at, self.0[at])
    }

    fn largest(&mut self, what: &'static str, value: u64) -> Result<(), StructureRefused> {
        let at = LIMITS.iter().position(|(name, _)| *name == what).expect("a name of the table above");
        self.check(at, value)
    }

    fn check(&self, at: usize, found: u64) -> Result<(), StructureRefused> {
        let (what, limit) = LIMITS[at];
        if found > limit { Err(StructureRefused::TooMuch { what, found, limit }) } else { Ok(()) }
    }
}

/// Checks `component`, in time proportional to its length and memory proportional to its imports and exports.
///
/// # Errors
/// See [`StructureRefused`].
pub fn check_structure(component: &[u8]) -> Result<Checked, StructureRefused> {
    is_component(component)?;
    let mut checked = Checked::default();
    let mut counter = Counter([0; LIMITS.len()]);
    let mut depth = 0u64;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(damaged)?;
        match payload {
            Payload::Version { encoding, .. } => {
                depth += 1;
                counter.largest("levels of nesting", depth)?;
                counter.add(if encoding == Encoding::Module { "core modules" } else { "nested components" }, 1)?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::TypeSection(section) => counter.add("types", section.count().into())?,
            Payload::CoreTypeSection(section) => counter.add("types", section.count().into())?,
            Payload::ComponentTypeSection(section) => counter.add("types", section.count().into())?,
            Payload::ImportSection(section) => counter.add("imports", section.count().into())?,
            Payload::ComponentImportSection(section) => {
                counter.add("imports", section.count().into())?;
                if depth == 1 {
                    for import in section {
                        checked.imports.push(clip(import.map_err(damaged)?.name.name));
                    }
                }
            }
            Payload::ExportSection(section) => counter.add("exports", section.count().into())?,
            Payload::ComponentExportSection(section) => {
                counter.add("exports", section.count().into())?;
                if depth == 1 {
                    for export in section {
                        checked.exports.push(clip(export.map_err(damaged)?.name.name));
                    }
                }
            }
            Payload::InstanceSection(section) => counter.add("core instances", section.count().into())?,
            Payload::ComponentInstanceSection(section) => counter.add("core instances", section.count().into())?,
            Payload::TableSection(section) => counter.add("tables", section.count().into())?,
            Payload::MemorySection(section) => {
                counter.add("memories", section.count().into())?;
                for memory in section {
                    let pages = memory.map_err(damaged)?.initial;
                    checked.initial_memory = checked.initial_memory.max(pages.saturating_mul(1 << 16));
                }
            }
            Payload::GlobalSection(section) => counter.add("globals", section.count().into())?,
            Payload::ElementSection(section) => counter.add("element segments", section.count().into())?,
            Payload::DataSection(section) => counter.add("data segments", section.count().into())?,
            Payload::CodeSectionStart { count, .. } => counter.add("functions", count.into())?,
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                counter.largest("bytes in one function", (range.end - range.start) as u64)?;
            }
            Payload::CustomSection(section) => counter.add("bytes in custom sections", section.data().len() as u64)?,
            _ => {}
        }
    }
    Ok(checked)
}

/// By the first bytes, before any parser of the engine sees them (catalogue WX-06): an artefact of the engine is an ELF
/// file, and the text format would be accepted by some of its functions.
fn is_component(bytes: &[u8]) -> Result<(), StructureRefused> {
    let what = match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => "a core WebAssembly module",
        [0x7f, b'E', b'L', b'F', ..] => "an ELF file (perhaps a precompiled artefact, which is never taken in)",
        [] => "an empty file",
        _ if bytes.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| *b == b'(' || *b == b';') => {
            "WebAssembly text"
        }
        _ => "something else",
    };
    Err(StructureRefused::NotAComponent { what })
}

fn damaged(error: wasmparser::BinaryReaderError) -> StructureRefused {
    StructureRefused::Damaged { offset: error.offset() as u64, message: clip(error.message()) }
}

fn clip(text: &str) -> String {
    text.chars().take(NAME).flat_map(char::escape_default).collect()
}
