//! Who owns the data directory: one process, by a lock that the kernel releases when the process ends, however it ends.

use std::{
    fs::File,
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

/// Held for as long as the process may write. Dropping it gives the directory up.
#[derive(Debug)]
pub struct OwnerLock {
    _file: File,
}

/// Why the directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum OwnerLockError {
    /// Another process owns it: reach it through its socket.
    #[error("another portcullis process owns this data directory")]
    Owned,
    /// Others could read it or write in it.
    #[error("the data directory can be entered by others (mode {mode:o}): `chmod 700` it, because it holds keys")]
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
    /// It can't be made or opened.
    #[error("the data directory cannot be used: {0}")]
    Io(#[from] io::Error),
}

impl OwnerLock {
    /// Makes the directory where it is missing (mode 0700) and takes its lock.
    ///
    /// # Errors
    /// See [`OwnerLockError`].
    pub fn take(directory: &Path) -> Result<Self, OwnerLockError> {
        let missing: Vec<&Path> = directory.ancestors().take_while(|folder| !folder.exists()).collect();
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        // What is acknowledged later is no use in a directory that a power cut takes away.
        for above in missing.iter().filter_map(|folder| folder.parent()) {
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            File::open(above)?.sync_all()?;
        }
        let mode = std::fs::metadata(directory)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(OwnerLockError::Exposed { mode });
        }
        let path = directory.join("owner.lock");
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OwnerLockError::Owned),
            Err(error) => Err(OwnerLockError::Io(error.into())),
        }
    }
}
