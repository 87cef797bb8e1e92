//! What a release may not do to a client that holds an older list (DESIGN section 8, catalogue WR-04, MC-41): a name never becomes
//! stricter, and within a release line schemas only grow. Names that go are answered for: see `tombstone`.

#[cfg(test)]
mod tests;

use portcullis_manifest::{Label, Package, ReleaseId, visible};
use portcullis_store::{NameOnce, Release};

use crate::{Policy, ReadRelease, catalogue::read_stored};

/// A release would break what clients rely on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unstable {
    /// A name that is known by a looser label.
    #[error(
        "`{name}` was served as `{was}` by {release} and would be `{}` now: clients that hold the list of then take it for `{was}`. \
         A stricter tool needs a new name; leave the old one out, and whoever calls it is told that it was retired",
        is.as_str()
    )]
    Stricter {
        /// On the wire.
        name: String,
        /// By whom.
        release: ReleaseId,
        /// The loosest label that it was served with.
        was: String,
        /// The label that it has now.
        is: Label,
    },
    /// Schemas that are not additive.
    #[error(
        "clients of {release}, which is of the same release line, could not go on: {}. Within a line ({}) schemas only grow: change \
         it so that what was good stays good, give the changed tool a new name, or publish it as a new line ({})",
        breaks.join("; "), line.0, line.1
    )]
    Schemas {
        /// What it was held against.
        release: ReleaseId,
        /// Each with its tool, its place and its reason.
        breaks: Vec<String>,
        /// The line, and the next one.
        line: (String, String),
    },
}

/// The releases that promise to be compatible with each other: of one major version, or, before 1.0.0, of one minor version.
fn line(version: &str) -> (String, String) {
    let mut numbers = version.split(['.', '-', '+']).map(|number| number.parse::<u64>().unwrap_or_default());
    match (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) {
        (0, minor) => (format!("0.{minor}.x"), format!("0.{}.0", minor.saturating_add(1))),
        (major, _) => (format!("{major}.x"), format!("{}.0.0", major.saturating_add(1))),
    }
}

/// Holds `new` against everything that clients may have been told: of its labels always, of its schemas unless it was served already.
pub(crate) fn check(
    new: &ReadRelease,
    names: &[NameOnce],
    releases: &[Release],
    policy: &Policy,
) -> Result<(), Unstable> {
    labels(new, names)?;
    let id = new.package.manifest.release();
    let line = line(&id.version);
    let served = |row: &&Release| row.approval.is_some() && row.id.plugin == id.plugin;
    if releases.iter().filter(served).any(|row| row.fingerprint == new.fingerprint) {
        return Ok(());
    }
    for row in releases.iter().filter(served).filter(|row| self::line(&row.id.version) == line) {
        let old = match read_stored(row, policy) {
            Ok(old) => old,
            Err(error) => {
                // This host could not serve it either, so that nobody is promised anything by it any more.
                tracing::warn!(release = %row.id, %error, "a release is not compared with one that can't be read");
                continue;
            }
        };
        let breaks = breaks(&old, new);
        if !breaks.is_empty() {
            return Err(Unstable::Schemas { release: row.id.clone(), breaks, line });
        }
    }
    Ok(())
}

fn labels(new: &ReadRelease, names: &[NameOnce]) -> Result<(), Unstable> {
    let strictness =
        |word: &str| [Label::Read, Label::Write, Label::Destructive].iter().position(|l| l.as_str() == word);
    for (name, is) in new.labels().into_iter().flatten() {
        let known = names.iter().filter(|once| once.name.eq_ignore_ascii_case(name.as_str()));
        for once in known {
            if strictness(is.as_str()) > strictness(&once.label) {
                let (name, release, was) = (name.to_string(), once.release.clone(), once.label.clone());
                return Err(Unstable::Stricter { name, release, was, is });
            }
        }
    }
    Ok(())
}

/// What of the tools that both releases have on the wire a client of `old` can't rely on in `new`.
#[must_use]
pub fn breaks(old: &ReadRelease, new: &ReadRelease) -> Vec<String> {
    let mut breaks = Vec::new();
    for is in &new.package.manifest.tools {
        let Ok(name) = new.wire_name(is) else { continue };
        let was = old.package.manifest.tools.iter().find(|was| old.wire_name(was).is_ok_and(|old| old == name));
        let found = was.map(|was| Package::schema_breaks(&old.package, was, &new.package, is)).unwrap_or_default();
        breaks.extend(found.iter().map(|broken| visible(&format!("{name}: {broken}"))));
    }
    breaks
}
