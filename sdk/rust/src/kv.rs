//! Small values under string keys, kept by the host.
//!
//! [`Context::kv`](crate::Context::kv) opens the rows of a capability. Logic that is written against the trait
//! [`KeyValue`] can be tested on the machine it is written on, with [`Memory`] in the host's place.
//!
//! What a call writes is visible to that call at once, and to nobody else until the call has succeeded: then all of its
//! writes are committed together, or none of them.

mod memory;

use alloc::{
    format,
    string::{String, ToString},
    vec::{self, Vec},
};
use core::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Context, bindings::portcullis::plugin::kv as host};

pub use memory::Memory;

/// The most keys that one page may hold.
pub const LONGEST_PAGE: u32 = 1000;

/// Why a request was not done. Each holds what the host says about it, meant to be passed on; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The tool's `uses` does not grant this on this capability. The text says which line of the manifest would.
    NotGranted(String),
    /// The capability is partitioned by user, and this caller is not signed in.
    NeedsUser(String),
    /// The key is empty, longer than 512 bytes, or has a control character in it.
    BadKey(String),
    /// A value is too large, or the partition would pass the capability's `quota` or `keys`.
    OverQuota(String),
    /// The store cannot answer now.
    Unavailable(String),
    /// The value is not the JSON that was expected, or could not be written as JSON. Said by the SDK, not by the host.
    NotJson(String),
}

/// Keys in byte order, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys, whole.
    pub keys: Vec<String>,
    /// The cursor of the next page; none after the last.
    pub next: Option<String>,
}

/// The rows of one capability, whoever keeps them.
pub trait KeyValue {
    /// The value under a key.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Keys that start with `prefix`, at most `limit` (1 to 1000), after the cursor that an earlier page gave.
    fn list_keys(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error>;

    /// Puts a value under a key, whatever was there.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), Error>;

    /// As [`set`](Self::set), for `seconds` from the call's commit: after that the key is as if it had been removed. At
    /// most ten years.
    fn set_expiring(&self, key: &str, value: &[u8], seconds: u32) -> Result<(), Error>;

    /// Removes a key; gives whether it was there.
    fn delete(&self, key: &str) -> Result<bool, Error>;

    /// Puts `value` (none: removes the key) only if the key now holds `expected` (none: holds nothing); gives whether
    /// it did. Checked again when the call is committed: then a difference fails the whole call.
    fn compare_and_set(&self, key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<bool, Error>;

    /// The value under a key, read as JSON.
    fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let Some(bytes) = self.get(key)? else { return Ok(None) };
        let value = serde_json::from_slice(&bytes);
        value.map(Some).map_err(|error| Error::NotJson(format!("What is kept under `{key}` can't be read: {error}")))
    }

    /// Puts a value under a key as JSON, whatever was there.
    fn set_json(&self, key: &str, value: &impl Serialize) -> Result<(), Error> {
        self.set(key, &to_json(key, value)?)
    }

    /// Puts a value under a key as JSON for `seconds`, as [`set_expiring`](Self::set_expiring) does.
    fn set_json_expiring(&self, key: &str, value: &impl Serialize, seconds: u32) -> Result<(), Error> {
        self.set_expiring(key, &to_json(key, value)?, seconds)
    }

    /// Puts a value under a key as JSON, if nothing is there; gives whether it did.
    fn create_json(&self, key: &str, value: &impl Serialize) -> Result<bool, Error> {
        self.compare_and_set(key, None, Some(&to_json(key, value)?))
    }

    /// Every key that starts with `prefix`, in byte order, asked for a page at a time. Ends after the first error.
    fn keys<'a>(&'a self, prefix: &'a str) -> Keys<'a, Self>
    where
        Self: Sized,
    {
        Keys { rows: self, prefix, page: Vec::new().into_iter(), next: Some(None) }
    }
}

/// The rows of one capability, kept by the host. See [`Context::kv`](crate::Context::kv).
#[derive(Clone, Copy, Debug)]
pub struct Kv<'cx> {
    capability: &'static str,
    // There is no asking the host outside a call.
    call: PhantomData<&'cx Context>,
}

/// See [`KeyValue::keys`].
#[derive(Debug)]
pub struct Keys<'a, R> {
    rows: &'a R,
    prefix: &'a str,
    page: vec::IntoIter<String>,
    /// None: there is no further page.
    next: Option<Option<String>>,
}

impl<'cx> Kv<'cx> {
    pub(crate) fn open(_: &'cx Context, capability: &'static str) -> Self {
        Self { capability, call: PhantomData }
    }
}

impl KeyValue for Kv<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(host::get(self.capability, key)?)
    }

    fn list_keys(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        let host::Page { keys, next } = host::list_keys(self.capability, prefix, cursor, limit)?;
        Ok(Page { keys, next })
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        Ok(host::set(self.capability, key, value)?)
    }

    fn set_expiring(&self, key: &str, value: &[u8], seconds: u32) -> Result<(), Error> {
        Ok(host::set_expiring(self.capability, key, value, seconds)?)
    }

    fn delete(&self, key: &str) -> Result<bool, Error> {
        Ok(host::delete(self.capability, key)?)
    }

    fn compare_and_set(&self, key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<bool, Error> {
        Ok(host::compare_and_set(self.capability, key, expected, value)?)
    }
}

impl<R: KeyValue> Iterator for Keys<'_, R> {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(key) = self.page.next() {
                return Some(Ok(key));
            }
            // Taken, so that an error is the last item.
            let cursor = self.next.take()?;
            match self.rows.list_keys(self.prefix, cursor.as_deref(), LONGEST_PAGE) {
                Ok(page) => {
                    self.page = page.keys.into_iter();
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
        | Self::BadKey(text)
        | Self::OverQuota(text)
        | Self::Unavailable(text)
        | Self::NotJson(text)) = self;
        f.write_str(text)
    }
}

impl core::error::Error for Error {}

impl From<host::Error> for Error {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::NotGranted(text) => Self::NotGranted(text),
            host::Error::NeedsUser(text) => Self::NeedsUser(text),
            host::Error::BadKey(text) => Self::BadKey(text),
            host::Error::OverQuota(text) => Self::OverQuota(text),
            host::Error::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

fn to_json(key: &str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| {
        let reason = error.to_string();
        Error::NotJson(format!("What is to be kept under `{key}` is no JSON: {reason}"))
    })
}
