//! What a release may not do to a client that holds an older list (DESIGN section 8, catalogue WR-04): a name never becomes
//! stricter nor another plugin's, the page under a widget's URI stays, and within a release line what was good stays good. Names that go are answered for: see
//! `tombstone`; an approver is told of them: see `moved`.

#[cfg(test)]
mod tests;

use portcullis_manifest::{Digest, Label, Package, Prompt, ReleaseId, TaskSupport, Tool, Widget, visible};
use portcullis_store::{NameOnce, Release};

use crate::{Policy, ReadRelease, catalogue::read_stored};

/// A release would break what clients rely on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unstable {
    /// A name that is known by a looser label.
    #[error(
        "`{name}` was served as `{was}` by {release} and would be `{}` now: clients that hold the list of then take it for `{was}`. \
         A stricter tool needs a new name (`[[retired]]` with `instead` leads callers to it). On a host of your own, which no client \
         relies on, a new data directory knows no names",
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
    /// A name that another plugin has served.
    #[error(
        "`{name}` was served by {release}: a client that holds the list of then would call one plugin for another. A name stays its \
         plugin's, also when that does not serve it any more: publish with another prefix (`--prefix`), or give it another name"
    )]
    Foreign {
        /// On the wire.
        name: String,
        /// By whom.
        release: ReleaseId,
    },
    /// Within a line something does not go any more that went.
    #[error(
        "clients of {release}, which is of the same release line, could not go on: {}. Within a line ({}) what clients may send only \
         grows: change it so that what was good stays good, give the changed tool a new name, or publish it as a new line ({})",
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
    /// Another page under a URI that clients have read.
    #[error(
        "the page of the widget `{widget}` is not the one that {release} serves or served under {uri}: clients keep what they have \
         read under a URI, and would go on showing the old page. Give it a URI of its own: write `version = {next}` in its \
         [[widget]]"
    )]
    Page {
        /// Its name in the manifest.
        widget: String,
        /// Where both are read.
        uri: String,
        /// Who has the other page.
        release: ReleaseId,
        /// What would make it another URI.
        next: u32,
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
    let id = new.package.manifest.release();
    owners(new, names)?;
    labels(new, names)?;
    let line = line(&id.version);
    let served = |row: &&Release| row.approval.is_some() && row.id.plugin == id.plugin;
    if releases.iter().filter(served).any(|row| row.fingerprint == new.fingerprint) {
        return Ok(());
    }
    let has_pages = !new.package.manifest.widgets.is_empty();
    for row in releases.iter().filter(served) {
        let of_line = self::line(&row.id.version) == line;
        if !of_line && !has_pages {
            continue;
        }
        let old = match read_stored(row, policy) {
            Ok(old) => old,
            Err(error) => {
                // This host could not serve it either, so that nobody is promised anything by it any more.
                tracing::warn!(release = %row.id, %error, "a release is not compared with one that can't be read");
                continue;
            }
        };
        if let Some(widget) = other_pages(&old, new).next() {
            let (uri, next) = (widget.uri(&id.plugin), widget.version.map_or(1, |version| version.saturating_add(1)));
            return Err(Unstable::Page { widget: widget.name.to_string(), uri, release: row.id.clone(), next });
        }
        let breaks = if of_line { breaks(&old, new) } else { Vec::new() };
        if !breaks.is_empty() {
            return Err(Unstable::Schemas { release: row.id.clone(), breaks, line });
        }
    }
    Ok(())
}

/// What was ever called by a name is one plugin's.
fn owners(new: &ReadRelease, names: &[NameOnce]) -> Result<(), Unstable> {
    let plugin = &new.package.manifest.plugin.name;
    for (name, _) in new.labels().into_iter().flatten() {
        let of_name = || names.iter().filter(|once| once.name.eq_ignore_ascii_case(name.as_str()));
        // One that it has served, too, was once given from one to the other, and clients know it as both.
        if of_name().all(|once| once.plugin != *plugin)
            && let Some(once) = of_name().next()
        {
            return Err(Unstable::Foreign { name: name.to_string(), release: once.release.clone() });
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

/// The widgets of `new` whose page is another one than that of `old` under the same URI.
pub(crate) fn other_pages<'n>(old: &'n ReadRelease, new: &'n ReadRelease) -> impl Iterator<Item = &'n Widget> {
    fn page(release: &ReadRelease, uri: &str) -> Option<Digest> {
        let manifest = &release.package.manifest;
        let widget = manifest.widgets.iter().find(|widget| widget.uri(&manifest.plugin.name) == uri)?;
        release.package.assets.get(&widget.asset).copied()
    }
    let plugin = &new.package.manifest.plugin.name;
    new.package.manifest.widgets.iter().filter(move |widget| {
        let uri = widget.uri(plugin);
        page(old, &uri).is_some_and(|was| page(new, &uri) != Some(was))
    })
}

/// What of the tools and prompts that both releases have on the wire a client of `old` can't rely on in `new`.
#[must_use]
pub fn breaks(old: &ReadRelease, new: &ReadRelease) -> Vec<String> {
    let mut breaks = Vec::new();
    for is in &new.package.manifest.tools {
        let Ok(name) = new.wire_name(is) else { continue };
        let was = old.package.manifest.tools.iter().find(|was| old.wire_name(was).is_ok_and(|old| old == name));
        let Some(was) = was else { continue };
        let found = Package::schema_breaks(&old.package, was, &new.package, is);
        let found = found.iter().map(ToString::to_string).chain(tool_breaks(was, is));
        breaks.extend(found.map(|broken| visible(&format!("{name}: {broken}"))));
    }
    let arguments = |release: &ReadRelease| release.package.manifest.limits.arguments;
    if arguments(new) < arguments(old) {
        let (was, is) = (arguments(old), arguments(new));
        breaks.push(format!("`limits.arguments` was {was} bytes and is {is}: what is longer is refused now"));
    }
    for is in &new.package.manifest.prompts {
        let Ok(name) = new.wire(&is.name) else { continue };
        let was = old.package.manifest.prompts.iter().find(|was| old.wire(&was.name).is_ok_and(|old| old == name));
        let found = was.map(|was| prompt_breaks(was, is)).unwrap_or_default();
        breaks.extend(found.into_iter().map(|broken| visible(&format!("{name}: {broken}"))));
    }
    breaks
}

/// What a caller needs now and did not need before.
fn tool_breaks(was: &Tool, is: &Tool) -> Vec<String> {
    let mut breaks = Vec::new();
    if is.task == TaskSupport::Required && was.task != TaskSupport::Required {
        breaks.push(
            "`task` is \"required\" now, and clients without tasks are refused: \"optional\" serves both".to_owned(),
        );
    }
    for scope in is.scopes.iter().filter(|scope| !was.scopes.contains(scope)) {
        breaks.push(format!("callers need the scope {scope} now"));
    }
    let hidden = was.visibility.words().filter(|who| !is.visibility.words().any(|still| still == *who));
    breaks.extend(hidden.map(|who| format!("`visibility` leaves out \"{who}\" now")));
    breaks
}

/// A client sends the arguments that it knows of.
fn prompt_breaks(was: &Prompt, is: &Prompt) -> Vec<String> {
    let required = is.arguments.iter().filter(|argument| argument.required).filter_map(|argument| {
        let name = &argument.name;
        match was.argument(name.as_str()) {
            None => Some(format!("the argument `{name}` is new and required: make it optional")),
            Some(was) if !was.required => Some(format!("the argument `{name}` was optional and is required")),
            Some(_) => None,
        }
    });
    let gone = was.arguments.iter().filter(|argument| is.argument(argument.name.as_str()).is_none());
    required
        .chain(gone.map(|argument| format!("the argument `{}` is gone, and who sends it is refused", argument.name)))
        .collect()
}
