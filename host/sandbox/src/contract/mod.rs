//! The contract as the engine sees it: bindings made from `wit/`, the base list, and the check of a component's imports
//! against what its manifest opens (catalogue WX-01).

mod base;
mod signature;

use portcullis_admission::Callable;
use portcullis_manifest::{CONTRACT_VERSION, Interface, Limits, visible};

use crate::Checked;

pub use base::BASE;
pub(crate) use signature::{Other, other_than_the_contracts};

/// Bindings made from `wit/`.
#[allow(missing_docs, unreachable_pub, reason = "generated: the WIT holds the documentation")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "plugin-complete",
        imports: {
            "portcullis:plugin/egress": async | trappable,
            // Whoever tells a client something waits for it, and holds no thread meanwhile.
            "portcullis:plugin/progress": async | trappable,
            "portcullis:plugin/files": async | trappable,
            "portcullis:plugin/kv": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

/// A component asks for more than its manifest opens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the component imports what its manifest does not open: {}. Open to every plugin are {} and the base list (wit/base.md); \
     {} in plugin.toml",
    // The component's own words: nothing has held them to the form of a name yet.
    visible(&.0.join(", ")),
    open(),
    needed()
)]
pub struct ImportsRefused(pub Vec<String>);

/// The interfaces that are open to every plugin.
fn open() -> String {
    let open = Interface::ALL.into_iter().filter(|interface| interface.is_open());
    open.map(Interface::as_str).collect::<Vec<_>>().join(", ")
}

/// The interfaces that are not, and what opens each.
fn needed() -> String {
    let say = |interface: Interface| {
        let kind = interface.kind()?;
        Some(format!("`{}` needs a capability of kind \"{kind}\"", interface.as_str()))
    };
    Interface::ALL.into_iter().filter_map(say).collect::<Vec<_>>().join(", ")
}

/// A component can't be a plugin, whatever it imports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportsRefused {
    /// It can't be called.
    #[error(
        "the component does not export `portcullis:plugin/tools@{CONTRACT_VERSION}`, which is what a plugin is for: build it \
         for the world `plugin` of wit/"
    )]
    NoTools,
    /// It lacks what its manifest lists something for.
    #[error(
        "the component does not export `{}`, which `[[{}]]` of its manifest needs: build it for the world `plugin-complete` of \
         wit/",
        exported(*.0),
        table(*.0)
    )]
    Missing(Callable),
    /// Its smallest memory is above its limit.
    #[error("the component starts with {needed} bytes of memory; `limits.memory` of plugin.toml allows {limit}")]
    Memory {
        /// Bytes.
        needed: u64,
        /// Bytes.
        limit: u64,
    },
}

/// Checks that a component can be called for all that its manifest lists, which is `needed`, and that it can start inside its
/// limits.
///
/// # Errors
/// See [`ExportsRefused`].
pub fn check_exports(checked: &Checked, needed: &[Callable], limits: &Limits) -> Result<(), ExportsRefused> {
    match needed.iter().find(|kind| !checked.exports.contains(&exported(**kind))) {
        Some(Callable::Tool) => return Err(ExportsRefused::NoTools),
        Some(kind) => return Err(ExportsRefused::Missing(*kind)),
        None => {}
    }
    let (needed, limit) = (checked.initial_memory, limits.memory);
    if needed > limit { Err(ExportsRefused::Memory { needed, limit }) } else { Ok(()) }
}

/// Checks the names of a component's imports against the base list and the interfaces that its manifest opens.
///
/// # Errors
/// [`ImportsRefused`] with all that are not covered.
pub fn check_imports(imports: &[String], opened: &[Interface]) -> Result<(), ImportsRefused> {
    let types = format!("portcullis:plugin/types@{CONTRACT_VERSION}");
    let covered = |import: &String| {
        let contract = |interface: &Interface| *import == name(*interface);
        *import == types
            || opened.iter().any(contract)
            || Interface::ALL.iter().filter(|interface| interface.is_open()).any(contract)
            || base::covers(import)
    };
    let refused: Vec<String> = imports.iter().filter(|import| !covered(import)).cloned().collect();
    if refused.is_empty() { Ok(()) } else { Err(ImportsRefused(refused)) }
}

/// Everything that a component may be called for, with the interface and the function that it exports for it.
const EXPORTS: [(Callable, &str, &str); 4] = [
    (Callable::Tool, "tools", "call"),
    (Callable::Resource, "resources", "read"),
    (Callable::Prompt, "prompts", "get"),
    (Callable::Completion, "completions", "complete"),
];

/// The name of the interface that is exported for calls of this kind.
pub(crate) fn exported(kind: Callable) -> String {
    let interface = EXPORTS.iter().find(|(of, ..)| *of == kind).map_or("", |(_, interface, _)| interface);
    format!("portcullis:plugin/{interface}@{CONTRACT_VERSION}")
}

/// What the manifest lists it in.
fn table(kind: Callable) -> &'static str {
    match kind {
        Callable::Tool => "tool",
        Callable::Resource => "resource",
        Callable::Prompt => "prompt",
        Callable::Completion => "prompt.argument]]` with `complete` or `complete` of `[[resource",
    }
}

fn name(interface: Interface) -> String {
    format!("portcullis:plugin/{}@{CONTRACT_VERSION}", interface.as_str())
}

#[cfg(test)]
mod tests;
