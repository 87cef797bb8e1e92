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
//!
//! Whoever names a resource elsewhere, in a prompt or an answer, writes its URI with [`uri()`]: a value may hold a space or a
//! letter that no URI has.

use alloc::{string::String, vec::Vec};
use core::fmt::Write as _;

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

/// The URI of a resource: the manifest's `uri`, with these values of its variables. It is, letter by letter, the URI under which
/// the host lists and reads it. A variable without a value gives nothing.
///
/// ```
/// use portcullis_plugin::resources::uri;
///
/// assert_eq!(uri("docs://pages/{+path}", &[("path", "guides/Days off.md")]), "docs://pages/guides/Days%20off.md");
/// assert_eq!(uri("shop://{shelf}/{item}", &[("shelf", "a/b"), ("item", "näh")]), "shop://a%2Fb/n%C3%A4h");
/// ```
#[must_use]
pub fn uri(template: &str, values: &[(&str, &str)]) -> String {
    let (mut uri, mut rest) = (String::with_capacity(template.len()), template);
    while let Some((before, (variable, after))) =
        rest.split_once('{').and_then(|(before, inner)| Some((before, inner.split_once('}')?)))
    {
        uri.push_str(before);
        rest = after;
        let (name, reserved) = variable.strip_prefix('+').map_or((variable, false), |name| (name, true));
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        for byte in value.bytes() {
            let stays = byte.is_ascii_alphanumeric()
                || b"-._~".contains(&byte)
                || (reserved && b":/?#[]@!$&'()*+,;=".contains(&byte));
            if stays {
                uri.push(char::from(byte));
            } else {
                // Writing to a text can't fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri.push_str(rest);
    uri
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As `host/manifest/src/uri/template.rs` writes them: percent signs are always written, and nothing else that may stay.
    #[test]
    fn a_uri_is_written_as_the_host_lists_it() {
        for (template, value, written) in [
            ("docs://pages/{+v}", "guides/Days & more.md", "docs://pages/guides/Days%20&%20more.md"),
            ("docs://pages/{v}", "guides/a&b", "docs://pages/guides%2Fa%26b"),
            ("docs://pages/{+v}", "100%.md", "docs://pages/100%25.md"),
            ("docs://{v}/x", "休暇", "docs://%E4%BC%91%E6%9A%87/x"),
            ("docs://{v}/{other}", "a", "docs://a/"),
            ("docs://fixed", "a", "docs://fixed"),
        ] {
            assert_eq!(uri(template, &[("v", value)]), written, "{template}");
        }
    }
}
