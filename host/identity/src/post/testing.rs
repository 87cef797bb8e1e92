//! A server on this machine that answers what a test tells it to and writes down what it hears, and a way out to it.

use std::{collections::BTreeMap, io::Write as _, net::SocketAddr, num::NonZeroU16, sync::Arc};

use parking_lot::Mutex;
use portcullis_egress::{
    Egress, EgressConfig, NameServers, PrivateAddress, ResolverConfig, SecretConfig, SecretSource,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};

/// What is in [`Server::egress`] under the name `introspection`.
pub(crate) const SECRET: &str = "canary/0123+456=789";

/// It stops when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heard: watch::Receiver<Vec<String>>,
    task: JoinHandle<()>,
}

type Answering = dyn Fn(usize, &str) -> String + Send + Sync;

/// An answer with this body.
pub(crate) fn json(body: impl std::fmt::Display) -> String {
    let body = body.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

impl Server {
    /// Answers the request of this number, from 0, with this text.
    pub(crate) async fn start(answer: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Self {
        Self::gated(Semaphore::MAX_PERMITS, answer).await.0
    }

    /// As [`Server::start`]; each answer takes a permit.
    pub(crate) async fn gated(
        permits: usize,
        answer: impl Fn(usize, &str) -> String + Send + Sync + 'static,
    ) -> (Self, Arc<Semaphore>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = watch::channel(Vec::new());
        let (tell, gate) = (Arc::new(Mutex::new(tell)), Arc::new(Semaphore::new(permits)));
        let (answer, opened): (Arc<Answering>, _) = (Arc::new(answer), Arc::clone(&gate));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tell, gate, answer) = (Arc::clone(&tell), Arc::clone(&gate), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &tell, &gate, &*answer).await });
            }
        });
        (Self { address, heard, task }, opened)
    }

    /// Every request, whole.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.borrow().clone()
    }

    /// Waits until so many requests were heard.
    pub(crate) async fn heard_at_least(&self, count: usize) -> Vec<String> {
        self.heard.clone().wait_for(|heard| heard.len() >= count).await.unwrap().clone()
    }

    /// Where it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }

    /// A way out that leads to it and to nothing else on this machine, with a secret for it.
    pub(crate) fn egress(&self) -> Egress {
        egress_to(self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// As [`Server::egress`], whoever is there.
pub(crate) fn egress_to(address: SocketAddr) -> Egress {
    let localhost = "localhost";
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(SECRET.as_bytes()).unwrap();
    let secret = SecretConfig {
        source: SecretSource::File(file.path().to_owned()),
        origin: format!("http://localhost:{}", address.port()).parse().unwrap(),
    };
    let mut config = EgressConfig {
        resolver: ResolverConfig { name_servers: NameServers::Listed(Vec::new()), hosts: BTreeMap::new() },
        secrets: BTreeMap::from([("introspection".parse().unwrap(), secret)]),
        ..EgressConfig::default()
    };
    config.resolver.hosts.insert(localhost.parse().unwrap(), vec![address.ip()]);
    config.addresses.private.push(PrivateAddress {
        host: localhost.parse().unwrap(),
        net: "127.0.0.0/8".parse().unwrap(),
        port: NonZeroU16::new(address.port()).unwrap().into(),
    });
    Egress::start(config).unwrap()
}

async fn serve(mut stream: TcpStream, tell: &Mutex<watch::Sender<Vec<String>>>, gate: &Semaphore, answer: &Answering) {
    let mut bytes = Vec::new();
    let request = loop {
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(read @ 1..) => bytes.extend_from_slice(&more[..read]),
            _ => return,
        }
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        if body.len() >= length.parse().unwrap() {
            break text;
        }
    };
    let number = {
        let tell = tell.lock();
        tell.send_modify(|heard| heard.push(request.clone()));
        tell.borrow().len() - 1
    };
    gate.acquire().await.unwrap().forget();
    // That nobody listens any more is no fault of the test's.
    let _ = stream.write_all(answer(number, &request).as_bytes()).await;
    let _ = stream.shutdown().await;
}
