//! Wiring: from a configuration to a host that owns its data directory.

use std::{ffi::OsStr, net::SocketAddr, path::Path, sync::Arc};

use portcullis_backend::ServerInfo;
use portcullis_calls::{Host, HostConfig};
use portcullis_egress::Egress;
use portcullis_identity::{Denials, Identity};
use portcullis_sandbox::Compiler;
use portcullis_store::sqlite::{OwnerLock, OwnerLockError, SqliteStore};

use crate::{config::Config, control, exit::Failure, lockdown};

/// A host, and the lock that makes this process its data's owner.
pub(crate) struct Owner {
    pub(crate) host: Arc<Host>,
    _lock: OwnerLock,
}

/// What an owner has before it locks itself down, because it can't get it afterwards; and then it has locked itself down.
pub(crate) struct Ready {
    /// The control socket of an owner that serves.
    pub(crate) control: Option<control::Socket>,
    compiler: Compiler,
    egress: Egress,
    lock: OwnerLock,
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

/// Starts the processes that compile, reads what the way out needs (secrets, roots, name servers), and locks this process down:
/// before it has opened anything, and before it has a second thread. `own` are the addresses that it listens on.
pub(crate) fn ready(config: &Config, lock: OwnerLock, serves: bool, own: Vec<SocketAddr>) -> Result<Ready, Failure> {
    let program = OsStr::new("/proc/self/exe");
    let compiler = Compiler::start(program, ["compile-spawner"], config.compile_limits())
        .map_err(|error| Failure::refused(format_args!("the compiling helper does not start: {error}")))?;
    let control = serves.then(|| control::Socket::bind(config.data())).transpose().map_err(Failure::data)?;
    let egress =
        Egress::start(config.egress(own)).map_err(|error| Failure::usage(format_args!("the way out: {error}")))?;
    lockdown::lock_down(config, serves)?;
    Ok(Ready { control, compiler, egress, lock })
}

impl Ready {
    /// The way out, which is open already.
    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }
}

/// Starts a host. `denials` is whom its listeners shut out.
pub(crate) async fn start(
    config: &Config,
    ready: Ready,
    identity: Identity,
    denials: Denials,
) -> Result<Owner, Failure> {
    let Ready { compiler, egress, lock, .. } = ready;
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
        rates: config.rate_limits(),
        four_eyes: config.four_eyes(),
        egress,
        policy: config.policy(),
        denials,
    };
    let host = Host::start(host, Arc::new(store), compiler).await.map_err(Failure::data)?;
    Ok(Owner { host, _lock: lock })
}
