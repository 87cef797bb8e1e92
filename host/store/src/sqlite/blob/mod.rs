//! The folder `files` of the data directory: one blob for the content of each file, at `<plugin>/<owner>/<blob>`.
//!
//! Everything in such a path is made by the host, and looked at again here. Every name is opened by itself, under a directory
//! that is open already, and no link is followed: not even one that stays inside (catalogue ST-22).

mod folder;
mod sweep;

use std::{fmt, io};

use portcullis_manifest::{Digest, PluginName};

use crate::Unavailable;
pub(super) use folder::{Folder, Opened};

/// A blob's name: 128 random bits, so that a blob which is removed late is never another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BlobId(pub(super) [u8; 16]);

/// Where a blob is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct BlobAt {
    pub(super) plugin: String,
    /// Empty for what all principals share.
    pub(super) owner: String,
    pub(super) id: BlobId,
}

/// A blob and what is known of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) at: BlobAt,
    pub(super) size: u64,
    pub(super) digest: [u8; 32],
}

/// The directory of what all principals of a plugin share: no pseudonym reads like this.
const SHARED: &str = "shared";

/// Most digits of an owner's pseudonym.
const OWNER_DIGITS: usize = 64;

impl BlobId {
    fn random() -> Self {
        Self(rand::random())
    }

    fn parse(name: &str) -> Option<Self> {
        let mut id = [0; 16];
        let digits = name.as_bytes();
        if digits.len() != 2 * id.len() || !digits.iter().copied().all(is_digit) {
            return None;
        }
        for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// The directories of a blob, checked: what is not of the form that the host makes is never part of a path.
fn directories<'a>(plugin: &'a str, owner: &'a str) -> Result<[&'a str; 2], Unavailable> {
    let refuse = |what: &str| Err(Unavailable { reason: format!("{what} is not of the form that names a folder") });
    if plugin.parse::<PluginName>().is_err() {
        return refuse("the plugin's name");
    }
    match owner {
        "" => Ok([plugin, SHARED]),
        _ if owner.len() <= OWNER_DIGITS && owner.bytes().all(is_digit) => Ok([plugin, owner]),
        _ => refuse("the owner's pseudonym"),
    }
}

/// An error of the file system, in words that name no path.
fn failed(doing: &'static str, error: &io::Error) -> Unavailable {
    tracing::error!(%error, doing, "the folder for files");
    Unavailable { reason: format!("{doing}: {}", error.kind()) }
}

fn digest(content: &[u8]) -> [u8; 32] {
    Digest::of(content).0
}

#[cfg(test)]
mod tests;
