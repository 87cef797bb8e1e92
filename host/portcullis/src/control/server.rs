//! The owner's side of the socket.

use std::{
    io,
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use portcullis_calls::Host;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{Request, Response, answer::answer};
use crate::sessions::Sessions;

/// Longest question: the longest component that a command reads (64 MiB) and the most bytes of assets (32 MiB), in base64, and
/// the manifest. Whether it is too long for this host is answered, not cut off.
const QUESTION: u64 = 140 << 20;

/// The name of the socket in the data directory.
pub(super) fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// The socket, on which nobody is answered yet.
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// The caller owns the data directory, so a socket that is there is left over from an owner that has ended.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn bind(data: &Path) -> io::Result<Self> {
        let path = path(data);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let address = SocketAddrUnix::new(&path).map_err(|_| {
            let text = format!("the path of the socket may have at most 107 bytes, and {} is longer", path.display());
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        bind(&socket, &address)?;
        // The directory is 0700 already; this says the same for the socket itself.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self(socket))
    }

    /// Answers until `sessions` are to take nothing new.
    ///
    /// # Errors
    /// When it can't.
    pub(crate) fn answer(self, host: Arc<Host>, sessions: &Sessions) -> io::Result<()> {
        // Only now: who connects before is told that nobody is there, and tries again.
        listen(&self.0, i32::MAX)?;
        let listener = UnixListener::from_std(self.0.into())?;
        accept(listener, host, sessions);
        Ok(())
    }
}

fn accept(listener: UnixListener, host: Arc<Host>, sessions: &Sessions) {
    let (each, stopping) = (sessions.clone(), sessions.stopping());
    let accept = async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => each.spawn(serve(stream, host.clone(), each.clone())),
                Err(error) => {
                    tracing::warn!(%error, "the control socket");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    };
    sessions.spawn(async move {
        tokio::select! {
            () = accept => {}
            () = stopping => {}
        }
    });
}

async fn serve(stream: UnixStream, host: Arc<Host>, sessions: Sessions) {
    let by = match stream.peer_cred() {
        Ok(peer) => name_of(peer.uid()),
        Err(_) => return,
    };
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    let read = (&mut reader).take(QUESTION).read_until(b'\n', &mut line).await;
    if read.is_err() || !line.ends_with(b"\n") {
        return;
    }
    let response = match serde_json::from_slice(&line) {
        // A call is for whoever waits for its answer; what an admin asked for is done also when nobody waits any more.
        Ok(request @ Request::Call { .. }) => tokio::select! {
            response = answer(&host, &by, request) => response,
            _ = reader.fill_buf() => return,
        },
        Ok(request) => answer(&host, &by, request).await,
        Err(error) => Response::Refused { why: format!("this owner does not understand the request: {error}") },
    };
    drop(line);
    let mut text = serde_json::to_vec(&response).expect("a response can be written as JSON");
    text.push(b'\n');
    if writer.write_all(&text).await.is_err() {
        return;
    }
    if matches!(response, Response::Stdio)
        && let Err(error) = sessions.stdio(host, reader, writer).await
    {
        tracing::debug!(%error, "a stdio client");
    }
}

/// Who a user of this machine is in approvals and in the audit.
pub(super) fn name_of(uid: u32) -> String {
    format!("uid:{uid}")
}
