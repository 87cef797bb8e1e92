//! Whole named files, kept by the host in a folder of the plugin's own.
//!
//! [`Context::files`](crate::Context::files) opens the folder of a capability. Logic that is written against the trait
//! [`Folder`] can be tested on the machine it is written on, with [`Memory`] in the host's place.
//!
//! A name is flat: letters, digits, `.`, `_`, `-` and spaces inside, at most 128 bytes, and it does not begin with a dot.
//! What a call writes is visible to that call at once, and to nobody else until the call has succeeded.

mod memory;

use alloc::{
    format,
    string::{String, ToString},
    vec::{self, Vec},
};
use core::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Context, bindings::portcullis::plugin::files as host};

pub use memory::Memory;

/// The most files that one page may hold.
pub const LONGEST_PAGE: u32 = 1000;

/// Why a request was not done. Each holds what the host says about it, meant to be passed on; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The tool's `uses` does not grant this on this capability. The text says which line of the manifest would.
    NotGranted(String),
    /// The capability is partitioned by user, and nobody is known to call.
    NeedsUser(String),
    /// The name is not one.
    BadName(String),
    /// The file is too large, the call would write too much, or the folder would pass the capability's `quota` or `files`.
    OverQuota(String),
    /// The store cannot answer now.
    Unavailable(String),
    /// The file is not the text or the JSON that was expected, or could not be written as JSON. Said by the SDK.
    NotReadable(String),
}

/// What a folder says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// Entries in byte order of their names, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries, whole.
    pub entries: Vec<Entry>,
    /// The cursor of the next page; none after the last.
    pub next: Option<String>,
}

/// The folder of one capability, whoever keeps it.
pub trait Folder {
    /// The whole file; none: there is no such file.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Files whose names start with `prefix`, at most `limit` (1 to 1000), after the cursor that an earlier page gave.
    fn list_files(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error>;

    /// Puts a whole file, whatever was there.
    fn write(&self, name: &str, data: &[u8]) -> Result<(), Error>;

    /// Removes a file; gives whether it was there.
    fn remove(&self, name: &str) -> Result<bool, Error>;

    /// The file as UTF-8.
    fn read_text(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|error| Error::NotReadable(format!("The file `{name}` is no UTF-8: {error}")))
    }

    /// The file, read as JSON.
    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        let value = serde_json::from_slice(&bytes);
        value.map(Some).map_err(|error| Error::NotReadable(format!("The file `{name}` can't be read: {error}")))
    }

    /// Puts a whole file as JSON, whatever was there.
    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let bytes = serde_json::to_vec(value).map_err(|error| {
            let reason = error.to_string();
            Error::NotReadable(format!("What is to be put into the file `{name}` is no JSON: {reason}"))
        })?;
        self.write(name, &bytes)
    }

    /// Every file whose name starts with `prefix`, in byte order, asked for a page at a time. Ends after the first error.
    fn entries<'a>(&'a self, prefix: &'a str) -> Entries<'a, Self>
    where
        Self: Sized,
    {
        Entries { folder: self, prefix, page: Vec::new().into_iter(), next: Some(None) }
    }
}

/// The folder of one capability, kept by the host. See [`Context::files`](crate::Context::files).
#[derive(Clone, Copy, Debug)]
pub struct Files<'cx> {
    capability: &'static str,
    // There is no asking the host outside a call.
    call: PhantomData<&'cx Context>,
}

/// See [`Folder::entries`].
#[derive(Debug)]
pub struct Entries<'a, F> {
    folder: &'a F,
    prefix: &'a str,
    page: vec::IntoIter<Entry>,
    /// None: there is no further page.
    next: Option<Option<String>>,
}

impl<'cx> Files<'cx> {
    pub(crate) fn open(_: &'cx Context, capability: &'static str) -> Self {
        Self { capability, call: PhantomData }
    }
}

impl Folder for Files<'_> {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(host::read(self.capability, name)?)
    }

    fn list_files(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        let host::Page { entries, next } = host::list_files(self.capability, prefix, cursor, limit)?;
        Ok(Page { entries: entries.into_iter().map(|host::Entry { name, size }| Entry { name, size }).collect(), next })
    }

    fn write(&self, name: &str, data: &[u8]) -> Result<(), Error> {
        Ok(host::write(self.capability, name, data)?)
    }

    fn remove(&self, name: &str) -> Result<bool, Error> {
        Ok(host::remove(self.capability, name)?)
    }
}

impl<F: Folder> Iterator for Entries<'_, F> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.page.next() {
                return Some(Ok(entry));
            }
            // Taken, so that an error is the last item.
            let cursor = self.next.take()?;
            match self.folder.list_files(self.prefix, cursor.as_deref(), LONGEST_PAGE) {
                Ok(page) => {
                    self.page = page.entries.into_iter();
                    self.next = page.next.map(Some);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotGranted(text)
        | Self::NeedsUser(text)
        | Self::BadName(text)
        | Self::OverQuota(text)
        | Self::Unavailable(text)
        | Self::NotReadable(text)) = self;
        f.write_str(text)
    }
}

impl core::error::Error for Error {}

impl From<Error> for crate::ToolError {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<host::Error> for Error {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::NotGranted(text) => Self::NotGranted(text),
            host::Error::NeedsUser(text) => Self::NeedsUser(text),
            host::Error::BadName(text) => Self::BadName(text),
            host::Error::OverQuota(text) => Self::OverQuota(text),
            host::Error::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
