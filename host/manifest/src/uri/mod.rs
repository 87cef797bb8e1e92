//! URIs of resources, and templates over them (RFC 6570: level 1, and `{+name}` of level 2). A template is parsed once. What
//! it may look like is narrower than in the RFC, so that reading is the exact inverse of writing: no two sets of values give
//! one URI, and no URI can be read in two ways.

mod asset;
mod parts;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use asset::{AssetName, AssetPattern, InvalidAsset};
pub use parts::{Expansion, InvalidTemplate};
pub use template::{UriTemplate, Variable};

/// The values of a template's variables, by name, decoded.
pub type Variables = BTreeMap<String, String>;

/// Most bytes of a template.
pub const MAX_TEMPLATE: usize = 256;

/// Most bytes of a URI of a resource.
pub const MAX_URI: usize = 2048;

/// Most bytes of one value, decoded.
const MAX_VALUE: usize = 1024;

/// Most variables of a template.
const MAX_VARIABLES: usize = 8;

/// Whether a variable may have that value: something, of a length that has an end, that shows itself and leads nowhere else
/// than it says. A simple one stands between two slashes, a reserved one may hold some.
fn is_value(value: &str, expansion: Expansion) -> bool {
    let step = |part: &str| part != "." && part != "..";
    !value.is_empty()
        && value.len() <= MAX_VALUE
        && !value.starts_with('/')
        && !value.chars().any(|c| c == '\\' || crate::hides(c))
        && value.split('/').all(step)
        && (expansion == Expansion::Reserved || !value.contains('/'))
}
