//! Wiring: from a configuration to a host that owns its data directory.

use std::{ffi::OsStr, path::Path, sync::Arc};

use portcullis_backend::ServerInfo;
use portcullis_calls::{Host, HostConfig};
use portcullis_identity::Identity;
use portcullis_sandbox::Compiler;
use portcullis_store::sqlite::{OwnerLock, OwnerLockError, SqliteStore};

use crate::{config::Config, exit::Failure};

/// A host, and the lock that makes this process its data's owner.
pub(crate) struct Owner {
    pub(crate) host: Arc<Host>,
    _lock: OwnerLock,
}

/// Whether this process may own the data directory.
pub(crate) enum Ownership {
    Ours(OwnerLock),
    Another,
}

pub(crate) fn take(data: &Path) -> Result<Ownership, Failure> {
    match OwnerLock::take(data) {
        Ok(lock) => Ok(Ownership::Ours(lock)),
        Err(OwnerLockError::Owned) => Ok(Ownership::Another),
        Err(error) => Err(Failure::data(error)),
    }
}

/// Starts a host. The compiling helper comes first: it must exist before anything is locked down or opened.
pub(crate) async fn start(config: &Config, lock: OwnerLock, identity: Identity) -> Result<Owner, Failure> {
    let program = OsStr::new("/proc/self/exe");
    let compiler = Compiler::start(program, ["compile-helper"], config.compile_limits())
        .map_err(|error| Failure::refused(format_args!("the compiling helper does not start: {error}")))?;
    let store = SqliteStore::open(config.data(), &lock).map_err(Failure::data)?;
    let server = ServerInfo {
        name: config.server.name.clone(),
        title: config.server.title.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instructions: config.server.instructions.clone(),
    };
    let host = HostConfig {
        data: config.data().to_owned(),
        identity,
        server,
        pool: config.pool_limits(),
        capacity: config.capacity_limits(),
        four_eyes: config.four_eyes(),
    };
    let host = Host::start(host, Arc::new(store), compiler).await.map_err(Failure::data)?;
    Ok(Owner { host: Arc::new(host), _lock: lock })
}
