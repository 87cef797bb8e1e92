//! The owner's side of the socket.

use std::{
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use portcullis_calls::Host;
use portcullis_manifest::Principal;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{Response, answer::answer};

/// Longest question: the longest component that a command reads (64 MiB) in base64, and its manifest. Whether it is too long
/// for this host is answered, not cut off.
const QUESTION: u64 = 96 << 20;

/// The name of the socket in the data directory.
pub(super) fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Answers on the socket until the task is dropped. The caller owns the data directory, so a socket that is there is left
/// over from an owner that has ended.
///
/// # Errors
/// When the socket can't be made.
pub(crate) fn listen(data: &Path, host: Arc<Host>) -> io::Result<tokio::task::JoinHandle<()>> {
    let path = path(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The directory is 0700 already; this says the same for the socket itself.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(serve(stream, host.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "the control socket");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }))
}

async fn serve(stream: UnixStream, host: Arc<Host>) {
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
        && let Err(error) = portcullis_mcp::serve_stdio(host, Principal::local(), reader, writer).await
    {
        tracing::debug!(%error, "a stdio client");
    }
}

/// Who a user of this machine is in approvals and in the audit.
pub(super) fn name_of(uid: u32) -> String {
    format!("uid:{uid}")
}
