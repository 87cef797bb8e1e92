//! A ticket tracker and some pages, over HTTPS on this machine: what is outside, for plugins that reach outside.
//!
//! Each server has a loopback address of its own, so that tests which run at once can all have the one port that a manifest
//! names. (All of 127.0.0.0/8 is loopback on Linux.)

mod api;
mod authority;
mod pages;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{net::TcpListener, sync::oneshot};
use tokio_rustls::TlsAcceptor;

use authority::Authority;

/// The host that it is.
const HOST: &str = "tickets.test";
/// Its port, which the manifests of plugins/tickets and plugins/web's tests name.
const PORT: u16 = 8443;
/// Most bytes of a request's body.
const LONGEST: usize = 1 << 20;

/// One request, as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// `GET` and its like.
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct TicketServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    folder: Place,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where the files lie that a host's configuration names.
#[derive(Debug)]
enum Place {
    Own(tempfile::TempDir),
    Given(PathBuf),
}

#[derive(Debug)]
struct Shared {
    token: String,
    connections: AtomicUsize,
    heard: Mutex<Vec<Heard>>,
    tickets: Mutex<Vec<api::Ticket>>,
}

impl Heard {
    /// The values of a header, by its name in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl TicketServer {
    /// Starts one for a test: on an address of its own, with a token that nobody else has.
    ///
    /// # Panics
    /// When no address is free.
    #[must_use]
    pub fn start() -> Self {
        let folder = Place::Own(tempfile::tempdir().expect("a temporary folder can be made"));
        let listener = (0..100).find_map(|_| {
            let [b, c, d] = rand::random::<[u8; 3]>();
            // Neither 127.0.0.0 nor the last address of all; and not where a server for people listens.
            let address = Ipv4Addr::new(127, b.max(1), c, d.clamp(1, 254));
            std::net::TcpListener::bind((address, PORT)).ok()
        });
        Self::serve(listener.expect("a loopback address is free"), folder)
    }

    /// Starts one for people: on 127.0.0.1, with its files in `folder`.
    ///
    /// # Errors
    /// When the port is taken.
    ///
    /// # Panics
    /// When the folder can't be written.
    pub fn for_people(folder: &Path) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, PORT))?;
        Ok(Self::serve(listener, Place::Given(folder.to_owned())))
    }

    fn serve(listener: std::net::TcpListener, folder: Place) -> Self {
        let address = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("a socket can be told");
        let token = format!("{:032x}", rand::random::<u128>());
        let authority = Authority::new();
        fs::write(folder.path().join("authority.pem"), authority.pem()).expect("the folder can be written");
        write_secret(&folder.path().join("tickets.token"), &token);
        let acceptor = TlsAcceptor::from(Arc::new(authority.server(HOST)));
        let shared = Arc::new(Shared {
            token,
            connections: AtomicUsize::new(0),
            heard: Mutex::default(),
            tickets: Mutex::new(api::first_tickets()),
        });
        let (stop, stopped) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be made");
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, acceptor, for_thread) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// The sections of a host's configuration that let it reach this server.
    #[must_use]
    pub fn configuration(&self) -> String {
        let ip = self.address.ip();
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        format!(
            "[boundary]\ninside = [\"https://{HOST}:{PORT}\"]\n\n[egress]\nroots = [{:?}]\n\n[egress.hosts]\n\"{HOST}\" = \
             [\"{ip}\"]\n\n[[egress.private]]\nhost = \"{HOST}\"\nnet = \"{ip}/32\"\nport = {PORT}\n\n[secrets]\ntickets_token = \
             {{ file = {:?}, origin = \"https://{HOST}:{PORT}\" }}\n",
            file("authority.pem"),
            file("tickets.token"),
        )
    }

    /// What a request has to carry in its header `authorization`, behind `Bearer `.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// Connections that were opened so far, whatever became of them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Every request so far, in its order.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().clone()
    }

    /// Where `authority.pem` and `tickets.token` lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until somebody ends the process.
    pub fn wait(mut self) {
        self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for TicketServer {
    fn drop(&mut self) {
        // An error says that it has ended already, and that is what is wanted.
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(JoinHandle::join);
    }
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }
}

/// Readable by its owner only, as a secret should be.
pub(crate) fn write_secret(path: &Path, text: &str) {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    // A file of an earlier run keeps its mode when it is opened again.
    let _ = fs::remove_file(path);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the folder can be written");
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("the listener is one that does not block");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            // A client that does not trust this authority, or goes away, is no fault of the server's.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(|request| answer(request, Arc::clone(&shared)));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let body = match Limited::new(body, LONGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(said(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "too much")),
    };
    let heard = Heard { method: head.method.to_string(), path, headers, body: body.to_vec() };
    shared.heard.lock().push(heard.clone());
    Ok(pages::page(&heard).unwrap_or_else(|| api::answer(&heard, &shared)))
}

fn said(status: StatusCode, kind: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(Full::new(body.into())).expect("the parts of this answer are good")
}
