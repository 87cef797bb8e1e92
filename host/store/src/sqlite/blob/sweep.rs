//! What is done with the folder when the store opens.

use std::io;

use cap_std::fs::{Dir, DirEntry};

use super::{BlobAt, BlobId, Folder, OWNER_DIGITS, SHARED, directories, folder};
use crate::{Unavailable, sqlite::open::OpenError};

impl Folder {
    /// Removes every blob that `named` does not know, as a process leaves it that dies between writing one and committing its row,
    /// and directories that are empty. What is not of the host's making is left as it is, with a warning; it is never opened.
    /// Gives how many blobs stay.
    pub(in super::super) fn sweep(
        &self,
        mut named: impl FnMut(&BlobAt) -> Result<bool, Unavailable>,
    ) -> Result<u64, OpenError> {
        let mut kept = 0;
        let unusable = |error: io::Error| OpenError::Files(error.to_string());
        for plugin in self.root.read_dir(".").map_err(unusable)? {
            let Some((plugin, plugin_at)) = below(&self.root, plugin, |name| directories(name, "").is_ok()) else {
                continue;
            };
            for owner in plugin_at.read_dir(".").map_err(unusable)? {
                let Some((owner, owner_at)) = below(&plugin_at, owner, is_owner) else { continue };
                let owner_name = if owner == SHARED { "" } else { owner.as_str() };
                kept += sweep_owner(&plugin, owner_name, &owner_at, &mut named)?;
                // Fails where something is left in it.
                let _ = plugin_at.remove_dir(&owner);
            }
            let _ = self.root.remove_dir(&plugin);
            // The process before may have died before it had synced what it made.
            folder::sync(&plugin_at).map_err(unusable)?;
        }
        folder::sync(&self.root).map_err(unusable)?;
        Ok(kept)
    }
}

fn sweep_owner(
    plugin: &str,
    owner: &str,
    directory: &Dir,
    named: &mut impl FnMut(&BlobAt) -> Result<bool, Unavailable>,
) -> Result<u64, OpenError> {
    let unusable = |error: io::Error| OpenError::Files(error.to_string());
    let (mut kept, mut removed) = (0, 0);
    for entry in directory.read_dir(".").map_err(unusable)? {
        let Some(name) = name_of(entry) else { continue };
        let Some(id) = BlobId::parse(&name) else {
            not_ours(&name);
            continue;
        };
        let at = BlobAt { plugin: plugin.to_owned(), owner: owner.to_owned(), id };
        if named(&at)? {
            kept += 1;
            continue;
        }
        // Removes the name and nothing behind it, whatever it is; a directory stays.
        match directory.remove_file(&name) {
            Ok(()) => removed += 1,
            Err(_) => not_ours(&name),
        }
    }
    if removed > 0 {
        tracing::warn!(plugin, removed, "blobs of writes that were never committed are removed");
    }
    Ok(kept)
}

/// A directory whose name is of the host's making, opened.
fn below(above: &Dir, entry: io::Result<DirEntry>, is_ours: impl Fn(&str) -> bool) -> Option<(String, Dir)> {
    let name = name_of(entry)?;
    let opened = if is_ours(&name) { folder::directory(above, &name).ok() } else { None };
    match opened {
        Some(directory) => Some((name, directory)),
        None => {
            not_ours(&name);
            None
        }
    }
}

fn name_of(entry: io::Result<DirEntry>) -> Option<String> {
    match entry {
        Ok(entry) => Some(entry.file_name().to_string_lossy().into_owned()),
        Err(error) => {
            tracing::warn!(%error, "an entry of the folder for files cannot be listed");
            None
        }
    }
}

fn is_owner(name: &str) -> bool {
    name == SHARED || (name.len() <= OWNER_DIGITS && name.bytes().all(super::is_digit))
}

fn not_ours(name: &str) {
    tracing::warn!(
        name = portcullis_manifest::visible(name).to_string(),
        "in the folder for files is something that this host did not put there"
    );
}
