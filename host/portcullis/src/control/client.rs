//! A command's side: the owner in another process, or this process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_identity::{Denials, Identity};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

use super::{Request, Response, answer::answer, server};
use crate::{
    config::Config,
    exit::Failure,
    host::{self, Owner, Ownership, Ready},
    sessions::{Sessions, stop_signal},
};

/// Longest answer.
const ANSWER: u64 = 256 << 20;

/// How long an owner that has just started may take to open its socket.
const OPENING: Duration = Duration::from_secs(20);

/// How a command reaches the host.
pub(crate) enum Access {
    /// This process owns the data.
    Here(Box<Ready>),
    /// Another one does.
    There(std::os::unix::net::UnixStream),
}

impl Access {
    /// Becomes the owner, or connects to it. An owner is locked down from here on. This is for the first thread, before there
    /// is a runtime.
    pub(crate) fn open(config: &Config, serves: bool) -> Result<Self, Failure> {
        let deadline = Instant::now() + OPENING;
        loop {
            if let Ownership::Ours(lock) = host::take(config.data())? {
                return host::ready(config, lock, serves, Vec::new()).map(Box::new).map(Self::Here);
            }
            match std::os::unix::net::UnixStream::connect(server::path(config.data())) {
                Ok(stream) => return Ok(Self::There(stream)),
                // The owner is starting, or has just ended.
                Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => {
                    return Err(Failure::data(format_args!(
                        "another process owns the data directory and does not answer on its socket: {error}"
                    )));
                }
            }
        }
    }

    /// Asks one question.
    pub(crate) async fn ask(self, config: &Config, request: Request) -> Result<Response, Failure> {
        let response = match self {
            Self::Here(ready) => {
                let owner = host::start(config, *ready, Identity::local(), Denials::default()).await?;
                let stop = stop_signal().map_err(Failure::refused)?;
                let response = tokio::select! {
                    response = owner.answer(request) => Ok(response),
                    () = stop => Err(Failure::refused("told to end before there was an answer")),
                };
                owner.host.stop().await.map_err(Failure::data)?;
                response?
            }
            Self::There(stream) => exchange(stream, &request).await?.0,
        };
        said(response)
    }

    /// Serves MCP on stdin and stdout.
    pub(crate) async fn stdio(self, config: &Config) -> Result<(), Failure> {
        let broken = |error: std::io::Error| Failure::refused(format_args!("stdio: {error}"));
        let (input, mut output) = (tokio::io::stdin(), tokio::io::stdout());
        match self {
            Self::Here(mut ready) => {
                let control = ready.control.take();
                let owner = host::start(config, *ready, Identity::local(), Denials::default()).await?;
                // Others reach this owner while it serves.
                let sessions = Sessions::default();
                if let Some(control) = control {
                    control.answer(Arc::clone(&owner.host), &sessions).map_err(Failure::data)?;
                }
                let stop = stop_signal().map_err(broken)?;
                let (host, own) = (Arc::clone(&owner.host), sessions.clone());
                let (done, served) = tokio::sync::oneshot::channel();
                sessions.spawn(async move {
                    let _ = done.send(own.stdio(host, input, output).await);
                });
                let ended = tokio::select! {
                    served = served => served.unwrap_or(Ok(())),
                    () = stop => Ok(()),
                };
                sessions.end().await;
                owner.host.stop().await.map_err(Failure::data)?;
                ended.map_err(broken)
            }
            Self::There(stream) => {
                let (response, mut reader) = exchange(stream, &Request::Stdio).await?;
                if !matches!(response, Response::Stdio) {
                    return Err(Failure::refused("the owner does not serve stdio"));
                }
                let mut input = input;
                let (mut from, mut to) = tokio::io::split(&mut reader);
                let up = async {
                    tokio::io::copy(&mut input, &mut to).await?;
                    to.shutdown().await
                };
                let down = async {
                    tokio::io::copy_buf(&mut BufReader::new(&mut from), &mut output).await?;
                    output.flush().await
                };
                let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
                tokio::select! {
                    biased;
                    // The owner has nothing more to say although this side is still talking: it has ended.
                    ended = &mut down => {
                        ended.map_err(broken)?;
                        Err(Failure::data("the owner of the data directory ended; start this again"))
                    }
                    said = &mut up => match said {
                        Ok(()) => down.await.map_err(broken),
                        Err(error) => Err(Failure::data(format_args!("the owner of the data directory ended: {error}"))),
                    },
                }
            }
        }
    }
}

impl Owner {
    /// Asks one question of a host in this process.
    pub(crate) async fn ask(&self, request: Request) -> Result<Response, Failure> {
        said(self.answer(request).await)
    }

    async fn answer(&self, request: Request) -> Response {
        let by = server::name_of(rustix::process::getuid().as_raw());
        answer(&self.host, &by, request).await
    }
}

fn said(response: Response) -> Result<Response, Failure> {
    match response {
        Response::Refused { why } => Err(Failure::refused(why)),
        response => Ok(response),
    }
}

async fn exchange(
    stream: std::os::unix::net::UnixStream,
    request: &Request,
) -> Result<(Response, BufReader<UnixStream>), Failure> {
    let gone = |error: std::io::Error| Failure::data(format_args!("the owner of the data directory: {error}"));
    stream.set_nonblocking(true).map_err(gone)?;
    let mut stream = BufReader::new(UnixStream::from_std(stream).map_err(gone)?);
    let mut text = serde_json::to_vec(request).expect("a request can be written as JSON");
    text.push(b'\n');
    stream.write_all(&text).await.map_err(gone)?;
    let mut line = Vec::new();
    (&mut stream).take(ANSWER).read_until(b'\n', &mut line).await.map_err(gone)?;
    let response = serde_json::from_slice(&line).map_err(|_| {
        Failure::data("the owner of the data directory ended before it answered, or is another version of this program")
    })?;
    Ok((response, stream))
}
