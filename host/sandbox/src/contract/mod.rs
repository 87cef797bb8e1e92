//! The contract as the engine sees it: bindings made from `wit/`, the base list, and the check of a component's imports
//! against what its manifest opens (catalogue WX-01).

mod base;
mod signature;

use portcullis_manifest::{CONTRACT_VERSION, Interface};

pub use base::BASE;
pub(crate) use signature::other_than_the_contracts;

/// Bindings made from `wit/`.
#[allow(missing_docs, unreachable_pub, reason = "generated: the WIT holds the documentation")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "plugin",
        imports: {
            "portcullis:plugin/kv": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

/// A component asks for more than its manifest opens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the component imports what its manifest does not open: {}. Open to every plugin are log, caller and the base list \
     (wit/base.md); `kv` needs a capability of kind \"kv\" in plugin.toml",
    .0.join(", ")
)]
pub struct ImportsRefused(pub Vec<String>);

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

fn name(interface: Interface) -> String {
    format!("portcullis:plugin/{}@{CONTRACT_VERSION}", interface.as_str())
}

#[cfg(test)]
mod tests;
