//! What a plugin has to read, under the URIs of the `[[resource]]` entries of its manifest.
//!
//! A resource is a function from the values of its URI's variables to its contents. The manifest below has
//! `uri = "inventory://shelves/{shelf}"`:
//!
//! ```
//! use portcullis_plugin::{Contents, Context, ToolError, plugin, resources::Read};
//! use serde::Deserialize;
//!
//! plugin! { tools: {}, resources: { "shelf" => shelf } }
//!
//! #[derive(Deserialize)]
//! struct Shelf {
//!     shelf: u32,
//! }
//!
//! fn shelf(read: Read<Shelf>, _cx: &Context) -> Result<Option<Contents>, ToolError> {
//!     // None: there is nothing under that URI.
//!     Ok((read.variables.shelf < 3).then(|| Contents::text("text/plain", "nails")))
//! }
//! # fn main() {}
//! ```
//!
//! Resources that are files of the release need no code: say `asset` in the manifest.

use alloc::{string::String, vec::Vec};

use serde::de::DeserializeOwned;

use crate::{
    Contents, ToolError,
    bindings::{portcullis::plugin::types, resources::exports::portcullis::plugin::resources::Reading},
    variables,
};

#[doc(hidden)]
pub use crate::bindings::resources::exports::portcullis::plugin::resources as wire;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<V> {
    /// The URI, as the client gave it.
    pub uri: String,
    /// The values of the variables of the manifest's `uri`, decoded. [`NoArguments`](crate::NoArguments) where it has none.
    pub variables: V,
}

/// What a resource function may give when it succeeds: [`Contents`], several of them, or an `Option` of either, where `None` is
/// that there is nothing under that URI. No contents at all are that too.
pub trait IntoContents {
    /// What was found.
    fn into_contents(self) -> Option<Vec<Contents>>;
}

impl IntoContents for Contents {
    fn into_contents(self) -> Option<Vec<Contents>> {
        Some([self].into())
    }
}

impl IntoContents for Vec<Contents> {
    fn into_contents(self) -> Option<Vec<Contents>> {
        Some(self)
    }
}

impl<C: IntoContents> IntoContents for Option<C> {
    fn into_contents(self) -> Option<Vec<Contents>> {
        self.and_then(IntoContents::into_contents)
    }
}

/// Used by [`crate::plugin!`].
#[doc(hidden)]
pub fn run<V, T, E>(uri: String, given: Vec<types::Argument>, resource: impl FnOnce(Read<V>) -> Result<T, E>) -> Reading
where
    V: DeserializeOwned,
    T: IntoContents,
    E: Into<ToolError>,
{
    let variables = match variables::read(given) {
        Ok(variables) => variables,
        // A client may ask for any value; one that is no number is a URI under which there is nothing.
        Err(_) => return Reading::NotFound,
    };
    match resource(Read { uri: uri.clone(), variables }) {
        Ok(found) => match found.into_contents() {
            Some(contents) if !contents.is_empty() => {
                Reading::Done(contents.into_iter().map(|contents| contents.into_wire(&uri)).collect())
            }
            _ => Reading::NotFound,
        },
        Err(error) => error.into().end(Reading::Failed, Reading::NeedsInput),
    }
}
