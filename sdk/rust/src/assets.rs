//! Files that are part of the release: what `[assets]` of the manifest names was published and approved with the component and
//! can't change. Every plugin may read its own, so there is nothing to grant.
//!
//! ```
//! use portcullis_plugin::{Context, ToolError, assets::Bundle};
//!
//! fn stop_words(cx: &Context) -> Result<Vec<String>, ToolError> {
//!     let text = cx.assets().text("stop-words.txt")?;
//!     Ok(text.lines().map(str::to_owned).collect())
//! }
//! ```
//!
//! Logic that is written against the trait [`Bundle`] can be tested on the machine it is written on, with [`Memory`] in the
//! host's place.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, marker::PhantomData, ops::Bound};

use serde::de::DeserializeOwned;

use crate::{Context, bindings::portcullis::plugin::assets as host};

/// Why a file of the release could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The release has no such file.
    Missing(String),
    /// The file is not the text or the JSON that was expected.
    NotReadable(String),
}

/// The files of a release, whoever keeps them. Names are relative to the folder of `[assets]`, with `/` between parts.
pub trait Bundle {
    /// The whole file; none: there is no such file.
    fn read(&self, name: &str) -> Option<Vec<u8>>;

    /// At most `length` bytes of the file from `offset`: less at its end.
    fn read_part(&self, name: &str, offset: u64, length: u32) -> Option<Vec<u8>>;

    /// The names that start with `prefix`, in byte order.
    fn names(&self, prefix: &str) -> Vec<String>;

    /// The whole file; an error if there is none.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, Error> {
        self.read(name).ok_or_else(|| Error::Missing(name.to_string()))
    }

    /// The file as UTF-8; an error if there is none.
    fn text(&self, name: &str) -> Result<String, Error> {
        let text = String::from_utf8(self.bytes(name)?);
        text.map_err(|error| Error::NotReadable(format!("The asset `{name}` is no UTF-8: {error}")))
    }

    /// The file, read as JSON; an error if there is none.
    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let value = serde_json::from_slice(&self.bytes(name)?);
        value.map_err(|error| Error::NotReadable(format!("The asset `{name}` can't be read: {error}")))
    }
}

/// The files of this release, kept by the host. See [`Context::assets`](crate::Context::assets).
#[derive(Clone, Copy, Debug)]
pub struct Assets<'cx> {
    // There is no asking the host outside a call.
    call: PhantomData<&'cx Context>,
}

/// Files in memory, for tests of a plugin's logic.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Assets<'_> {
    pub(crate) fn open(_: &Context) -> Self {
        Self { call: PhantomData }
    }
}

impl Bundle for Assets<'_> {
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        host::read(name)
    }

    fn read_part(&self, name: &str, offset: u64, length: u32) -> Option<Vec<u8>> {
        host::read_part(name, offset, length)
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        host::list_names(prefix)
    }
}

impl Memory {
    /// These files.
    pub fn new<N: Into<String>, D: Into<Vec<u8>>>(files: impl IntoIterator<Item = (N, D)>) -> Self {
        Self { files: files.into_iter().map(|(name, data)| (name.into(), data.into())).collect() }
    }

    /// Every file under a folder, as a release would have it.
    #[cfg(any(feature = "std", not(target_family = "wasm")))]
    pub fn of_folder(folder: impl AsRef<std::path::Path>) -> std::io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = Vec::from([(folder.as_ref().to_path_buf(), String::new())]);
        while let Some((folder, prefix)) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() {
                    folders.push((entry.path(), format!("{name}/")));
                } else {
                    files.insert(name, std::fs::read(entry.path())?);
                }
            }
        }
        Ok(Self { files })
    }
}

impl Bundle for Memory {
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.files.get(name).cloned()
    }

    fn read_part(&self, name: &str, offset: u64, length: u32) -> Option<Vec<u8>> {
        let file = self.files.get(name)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
        let end = start.saturating_add(length as usize).min(file.len());
        Some(file[start..end].to_vec())
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let names = self.files.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        names.map(|(name, _)| name).take_while(|name| name.starts_with(prefix)).cloned().collect()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "The release has no asset `{name}`."),
            Self::NotReadable(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for Error {}

impl From<Error> for crate::ToolError {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_byte_order_and_share_their_prefix() {
        let files = Memory::new([("b/2", "x"), ("b/10", ""), ("a", "xyz"), ("c", "")]);
        assert_eq!(files.names(""), ["a", "b/10", "b/2", "c"]);
        assert_eq!(files.names("b/"), ["b/10", "b/2"]);
    }

    #[test]
    fn a_part_ends_where_the_file_does() {
        let files = Memory::new([("a", "xyz")]);
        let part = |offset, length| files.read_part("a", offset, length);
        assert_eq!(part(0, 2).as_deref(), Some(&b"xy"[..]));
        assert_eq!(part(2, 9).as_deref(), Some(&b"z"[..]));
        assert_eq!(part(u64::MAX, u32::MAX).as_deref(), Some(&b""[..]));
        assert_eq!(files.read_part("b", 0, 1), None);
    }

    #[test]
    fn what_is_not_there_or_not_readable_is_an_error_with_its_name() {
        let files = Memory::new([("bad", *b"\xff")]);
        assert!(files.text("none").expect_err("missing").to_string().contains("`none`"));
        for error in [files.text("bad").expect_err("no text"), files.json::<u8>("bad").expect_err("no JSON")] {
            assert!(matches!(&error, Error::NotReadable(text) if text.contains("`bad`")), "{error}");
        }
    }

    #[test]
    fn a_folder_is_read_with_all_that_is_under_it() {
        let files =
            Memory::of_folder(std::format!("{}/src", std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")))
                .expect("is there");
        assert!(files.names("").contains(&"questions/form.rs".to_string()));
        assert!(files.text("lib.rs").expect("is there").contains("no_std"));
    }
}
