//! Writing, reading and removing blobs.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
    sync::{Mutex, PoisonError, RwLock},
};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::{
    ambient_authority,
    fs::{Dir, DirBuilder, DirBuilderExt as _, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _},
};
use rustix::fs::OFlags;

use super::{Blob, BlobAt, BlobId, digest, directories, failed};
use crate::{Unavailable, sqlite::open::OpenError};

/// The one folder, opened once.
pub(in super::super) struct Folder {
    pub(super) root: Dir,
    /// Held while a directory is looked for or made: whoever finds one finds it durable.
    making: Mutex<()>,
    /// Held for reading from before a row is read until its blob is open. Whoever has held it for writing after a commit knows
    /// that nobody is about to open what that commit replaced.
    opening: RwLock<()>,
}

impl Folder {
    /// Opens `files` in the data directory, making it (mode 0700) where it is missing.
    pub(in super::super) fn open(at: &Path) -> Result<Self, OpenError> {
        let unusable = |error: io::Error| OpenError::Files(error.to_string());
        let data = Dir::open_ambient_dir(at, ambient_authority()).map_err(unusable)?;
        match data.create_dir_with("files", &private()) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unusable(error)),
            _ => {}
        }
        let root = directory(&data, "files").map_err(unusable)?;
        File::open(at).and_then(|data| data.sync_all()).map_err(unusable)?;
        Ok(Self { root, making: Mutex::default(), opening: RwLock::default() })
    }

    /// Writes a content as a new blob. It is durable when [`Folder::settle`] has been told of it too.
    pub(in super::super) fn write(&self, plugin: &str, owner: &str, content: &[u8]) -> Result<Blob, Unavailable> {
        const DOING: &str = "writing a file";
        let at = self.make(plugin, owner)?;
        let id = BlobId::random();
        // Created, never opened: what stands there already, a link or a pipe or a file, is an error.
        let mut options = no_link();
        options.write(true).create_new(true).mode(0o600);
        let name = id.to_string();
        let mut file = at.open_with(&name, &options).map_err(|error| failed(DOING, &error))?;
        if let Err(error) = file.write_all(content).and_then(|()| file.sync_all()) {
            // What was begun takes room that may be what was missing.
            let removed = at.remove_file(&name);
            if let Err(error) = removed {
                tracing::warn!(%error, "a blob that was begun is left until the next start");
            }
            return Err(failed(DOING, &error));
        }
        let at = BlobAt { plugin: plugin.to_owned(), owner: owner.to_owned(), id };
        Ok(Blob { at, size: content.len() as u64, digest: digest(content) })
    }

    /// Makes the names of blobs durable that were written into one directory.
    pub(in super::super) fn settle(&self, plugin: &str, owner: &str) -> Result<(), Unavailable> {
        self.make(plugin, owner).and_then(|at| sync(&at).map_err(|error| failed("writing a file", &error)))
    }

    /// Opens the blob that `named` says, which reads it from the database. Nothing that is replaced meanwhile is removed before
    /// it is open.
    pub(in super::super) fn open_blob<T>(
        &self,
        named: impl FnOnce() -> Result<Option<Blob>, Unavailable>,
        read: impl FnOnce(Opened) -> Result<T, Unavailable>,
    ) -> Result<Option<T>, Unavailable> {
        let guard = self.opening.read().unwrap_or_else(PoisonError::into_inner);
        let Some(blob) = named()? else { return Ok(None) };
        let opened = self.opened(blob);
        drop(guard);
        opened.and_then(read).map(Some)
    }

    fn opened(&self, blob: Blob) -> Result<Opened, Unavailable> {
        let open = || -> io::Result<File> {
            let [plugin, owner] = directories(&blob.at.plugin, &blob.at.owner).map_err(io::Error::other)?;
            let at = directory(&directory(&self.root, plugin)?, owner)?;
            let mut options = no_link();
            // A pipe that somebody has put there must not be waited for.
            options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
            let file = at.open_with(blob.at.id.to_string(), &options)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() || metadata.nlink() != 1 {
                return Err(io::Error::other("it is not a file with one name"));
            }
            ours(&metadata)?;
            if metadata.len() != blob.size {
                return Err(io::Error::other("it has another size than was written"));
            }
            Ok(file.into_std())
        };
        match open() {
            Ok(file) => Ok(Opened { file, blob }),
            Err(error) => Err(damaged(&blob, &error)),
        }
    }

    /// Removes blobs that no row names. Those that can't be removed are left until the next start.
    pub(in super::super) fn remove(&self, blobs: &[BlobAt]) {
        if blobs.is_empty() {
            return;
        }
        drop(self.opening.write().unwrap_or_else(PoisonError::into_inner));
        for blob in blobs {
            let remove = || -> io::Result<()> {
                let [plugin, owner] = directories(&blob.plugin, &blob.owner).map_err(io::Error::other)?;
                directory(&directory(&self.root, plugin)?, owner)?.remove_file(blob.id.to_string())
            };
            if let Err(error) = remove() {
                tracing::warn!(%error, plugin = blob.plugin, blob = %blob.id, "a blob is left until the next start");
            }
        }
    }

    /// Opens the directory of a plugin and an owner, making it where it is missing.
    fn make(&self, plugin: &str, owner: &str) -> Result<Dir, Unavailable> {
        let names = directories(plugin, owner)?;
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = None;
        for name in names {
            let above = at.as_ref().unwrap_or(&self.root);
            at = Some(make(above, name).map_err(|error| failed("making the folder of a file", &error))?);
        }
        Ok(at.expect("there are two names"))
    }
}

/// A blob that is open. Its content may still be another than was written.
pub(in super::super) struct Opened {
    file: File,
    blob: Blob,
}

impl Opened {
    /// The content, if it is what was written.
    pub(in super::super) fn content(self) -> Result<Vec<u8>, Unavailable> {
        let size = usize::try_from(self.blob.size).map_err(|error| damaged(&self.blob, &io::Error::other(error)))?;
        let mut content = Vec::with_capacity(size);
        // One byte more: a file that grows meanwhile must not take more memory than was asked for.
        let read = self.file.take(self.blob.size + 1).read_to_end(&mut content);
        if let Err(error) = read {
            return Err(damaged(&self.blob, &error));
        }
        if content.len() != size || digest(&content) != self.blob.digest {
            return Err(damaged(&self.blob, &io::Error::other("it has another content than was written")));
        }
        Ok(content)
    }
}

/// By cap-std's own option and not by a flag of the kernel, because it has a second way of opening, for kernels without `openat2`.
fn no_link() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.follow(FollowSymlinks::No);
    options
}

/// Opens a directory that is ours alone. It can be read and synced, and so is not opened by `Dir::open_dir`.
pub(super) fn directory(above: &Dir, name: &str) -> io::Result<Dir> {
    let mut options = no_link();
    options.read(true).custom_flags(OFlags::DIRECTORY.bits().cast_signed());
    let file = above.open_with(name, &options)?;
    ours(&file.metadata()?)?;
    Ok(Dir::from_std_file(file.into_std()))
}

fn make(above: &Dir, name: &str) -> io::Result<Dir> {
    match directory(above, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            above.create_dir_with(name, &private())?;
            if let Err(error) = sync(above) {
                // Whoever found it next would take it for durable.
                let _ = above.remove_dir(name);
                return Err(error);
            }
            directory(above, name)
        }
        done => done,
    }
}

pub(super) fn sync(directory: &Dir) -> io::Result<()> {
    directory.try_clone()?.into_std_file().sync_all()
}

fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn ours(metadata: &Metadata) -> io::Result<()> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(io::Error::other(format!("others can reach it (mode {mode:o})")));
    }
    Ok(())
}

/// A row names a blob that is not there as it was written.
fn damaged(blob: &Blob, error: &io::Error) -> Unavailable {
    tracing::error!(target: "portcullis::alert", alert = "file-damaged", plugin = blob.at.plugin, blob = %blob.at.id, %error, "a file that a plugin keeps is not as it was written");
    Unavailable { reason: "the file is not as it was written; an alert in the log says which it is".to_owned() }
}
