//! HTTP servers that say exactly what a test tells them to, byte for byte, and write down what they hear.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// An answer that nobody could object to.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A stream of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A server. It stops when it is dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

/// One connection to it.
pub(crate) struct Visit {
    pub(crate) stream: Box<dyn Stream>,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    index: usize,
}

impl Upstream {
    /// Serves each connection with `serve`.
    pub(crate) async fn start<F>(serve: impl Fn(Visit) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::begin(None, serve).await
    }

    /// The same behind TLS.
    pub(crate) async fn tls<F>(config: ServerConfig, serve: impl Fn(Visit) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::begin(Some(TlsAcceptor::from(Arc::new(config))), serve).await
    }

    async fn begin<F>(tls: Option<TlsAcceptor>, serve: impl Fn(Visit) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (all, serve) = (Arc::clone(&heard), Arc::new(serve));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, serve, heard) = (tls.clone(), Arc::clone(&serve), Arc::clone(&all));
                tokio::spawn(async move {
                    let Some(stream) = greeted(stream, tls).await else { return };
                    let index = {
                        let mut heard = heard.lock();
                        heard.push(Vec::new());
                        heard.len() - 1
                    };
                    serve(Visit { stream, heard, index }).await;
                });
            }
        });
        Self { address, heard, task }
    }

    /// Answers every request with `answer` and closes.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        Self::start(move |visit| visit.answer(Arc::clone(&answer))).await
    }

    /// The same behind TLS.
    pub(crate) async fn tls_answering(config: ServerConfig, answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        Self::tls(config, move |visit| visit.answer(Arc::clone(&answer))).await
    }

    /// What was heard, by connection.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// Where it is, with its port, over plain HTTP.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}:{}", super::HOST, self.address.port())
    }

    /// The same over TLS.
    pub(crate) fn tls_origin(&self) -> String {
        format!("https://{}:{}", super::HOST, self.address.port())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn greeted(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Box<dyn Stream>> {
    Some(match tls {
        // A client that goes away in the handshake is what many tests are about.
        Some(tls) => Box::new(tls.accept(stream).await.ok()?),
        None => Box::new(stream),
    })
}

impl Visit {
    /// One request, head and body, written down.
    pub(crate) async fn request(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
                if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
                    return bytes;
                }
            }
            let mut more = [0; 4096];
            let read = self.stream.read(&mut more).await.unwrap_or(0);
            if read == 0 {
                return bytes;
            }
            bytes.extend_from_slice(&more[..read]);
            self.heard.lock()[self.index].extend_from_slice(&more[..read]);
        }
    }

    /// Says `bytes`. That nobody listens any more is no fault of the test's.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// Ends its side and waits for the other to end, writing down whatever else comes.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
        self.hear_out().await;
    }

    /// Waits until the other side ends.
    pub(crate) async fn hear_out(&mut self) {
        let mut more = [0; 4096];
        while let Ok(read @ 1..) = self.stream.read(&mut more).await {
            self.heard.lock()[self.index].extend_from_slice(&more[..read]);
        }
    }

    async fn answer(mut self, answer: Arc<Vec<u8>>) {
        self.request().await;
        self.say(answer.as_slice()).await;
        self.close().await;
    }
}
