//! Reads `plugin.toml`: text to tree (`toml`), tree to written tables ([`raw`], whose single values are in [`value`]),
//! tables to a [`Manifest`] ([`check`]). Every step goes on after a refusal, so that an author sees all of them at once.

mod capability;
mod check;
mod check_capability;
mod check_offer;
mod list;
mod offer;
mod raw;
mod reader;
mod refusal;
mod table;
mod tables;
mod value;

use toml::de::{DeTable, DeValue};

pub use self::refusal::Refusal;
use self::{
    capability::{RawFiles, RawHttp, RawKv, RawSecret},
    offer::{RawArgument, RawAssets, RawPrompt, RawResource, RawWidget},
    raw::{RawManifest, RawPlugin, RawRetired, RawTool},
    reader::{Form as _, Reader, Spot},
    tables::RawLimits,
};
pub(crate) use self::{reader::FILE, table::Row};
use crate::{Finding, Findings, Manifest};

/// Everything that is wrong with a manifest.
pub type ManifestErrors = Findings<Refusal>;

/// One thing that is wrong with a manifest.
pub type ManifestError = Finding<Refusal>;

/// The most bytes of a manifest (catalogue RG-40).
pub const MAX_MANIFEST: usize = 64 << 10;

impl Manifest {
    /// Reads the text of a `plugin.toml`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line, its column, its key and what to write instead.
    pub fn parse(text: &str) -> Result<Self, ManifestErrors> {
        let mut reader = Reader::new(text);
        let manifest = if text.len() > MAX_MANIFEST {
            reader.refuse_at(MAX_MANIFEST, "plugin.toml", Refusal::TooLarge(text.len()));
            None
        } else {
            read(text, &mut reader)
        };
        match (reader.into_findings(), manifest) {
            (Some(errors), _) => Err(errors),
            (None, manifest) => Ok(manifest.expect("whatever is left out of a manifest has been refused")),
        }
    }
}

fn read(text: &str, reader: &mut Reader<'_>) -> Option<Manifest> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let tree = DeValue::Table(tree.into_inner());
    let mut spots = Vec::new();
    if !errors.is_empty() {
        spots_of(&tree, &Spot::default(), &mut spots);
    }
    let (twice, mut broken): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|error| error.message() == "duplicate key");
    if let Some(deep) = broken.iter().position(|error| reader::is_depth(error.message())) {
        broken = vec![broken.swap_remove(deep)];
    }
    for error in broken {
        let span = error.span().unwrap_or_default();
        let (message, instead) = reader::syntax(error.message(), text.get(span.clone()).unwrap_or_default());
        reader.refuse_syntax(span.start, &path_of(text, span.start, &spots, None), message, instead);
    }
    for error in twice {
        let span = error.span().unwrap_or_default();
        let key = text.get(span.clone()).unwrap_or_default();
        let refusal = Refusal::Duplicate(key.to_owned());
        reader.refuse_at(span.start, &path_of(text, span.start, &spots, Some(key)), refusal);
    }
    let raw = RawManifest::read(&tree, &Spot::default(), reader)?;
    check::check(raw, reader)
}

/// The JSON Schema of a manifest.
pub(crate) fn schema() -> serde_json::Value {
    RawManifest::schema()
}

/// The tables of a manifest: heading, and keys.
pub(crate) fn tables() -> [(&'static str, Vec<Row>); 14] {
    [
        ("`plugin.toml`", RawManifest::rows()),
        ("`[plugin]`", RawPlugin::rows()),
        ("`[capability.NAME]` of kind `kv`", RawKv::rows()),
        ("`[capability.NAME]` of kind `http`", RawHttp::rows()),
        ("`secret` of a capability of kind `http`", RawSecret::rows()),
        ("`[capability.NAME]` of kind `files`", RawFiles::rows()),
        ("`[assets]`", RawAssets::rows()),
        ("`[limits]`", RawLimits::rows()),
        ("`[[tool]]`", RawTool::rows()),
        ("`[[prompt]]`", RawPrompt::rows()),
        ("`[[prompt.argument]]`", RawArgument::rows()),
        ("`[[resource]]`", RawResource::rows()),
        ("`[[widget]]`", RawWidget::rows()),
        ("`[[retired]]`", RawRetired::rows()),
    ]
}

/// Every table and key of the tree that could be read, to tell which of them a mistake belongs to.
fn spots_of(value: &DeValue<'_>, spot: &Spot, spots: &mut Vec<(Spot, bool)>) {
    match value {
        DeValue::Table(table) => {
            for (key, value) in table.iter() {
                let is_table = matches!(value.get_ref(), DeValue::Table(_));
                let child = spot.child(key.get_ref(), if is_table { value.span() } else { key.span() });
                spots.push((child.clone(), is_table));
                spots_of(value.get_ref(), &child, spots);
            }
        }
        DeValue::Array(list) => {
            for (at, value) in list.iter().enumerate().filter(|(_, value)| value.get_ref().is_table()) {
                let path = if tables::is_named(&spot.path) {
                    tables::entry_path(&spot.path, at, value.get_ref())
                } else {
                    spot.element(at, value.span()).path
                };
                let child = Spot { span: value.span(), path };
                spots.push((child.clone(), true));
                spots_of(value.get_ref(), &child, spots);
            }
        }
        _ => {}
    }
}

/// The key path of a mistake in the text: what is written last before it, or the key that is written twice.
fn path_of(text: &str, offset: usize, spots: &[(Spot, bool)], twice: Option<&str>) -> String {
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim();
    if line.starts_with('[') {
        let header = line.trim_start_matches('[').split([']', '#']).next().unwrap_or_default().trim();
        if !header.is_empty() {
            return crate::text::visible(header);
        }
    }
    let before = |tables_only: bool| {
        spots
            .iter()
            .filter(|(spot, is_table)| spot.span.start <= offset && (*is_table || !tables_only))
            .max_by_key(|(spot, _)| spot.span.start)
            .map(|(spot, _)| spot)
    };
    match twice {
        Some(key) => before(true).cloned().unwrap_or_default().child(key, 0..0).path,
        None => before(false).map_or_else(|| FILE.to_owned(), |spot| spot.path.clone()),
    }
}
