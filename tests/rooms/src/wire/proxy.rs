//! Stands between an HTTP client and a host, passes everything on as it comes, and keeps a copy.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN, TRANSFER_ENCODING},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::{
    judge::{Judge, Verdict},
    record::Exchange,
};

type Body = BoxBody<Bytes, hyper::Error>;

/// A running proxy. It stops when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// What a client is given in place of the host's own address.
    pub url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    own: SocketAddr,
    host: SocketAddr,
    exchanges: Mutex<Vec<Exchange>>,
    /// Told the name of each tool whose call has begun to be answered.
    called: Option<mpsc::Sender<String>>,
}

impl Proxy {
    /// Starts one in front of the host at `host`.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn start(host: SocketAddr) -> Self {
        Self::watching(host, None)
    }

    /// Starts one that says which tools are called.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn telling(host: SocketAddr, called: mpsc::Sender<String>) -> Self {
        Self::watching(host, Some(called))
    }

    fn watching(host: SocketAddr, called: Option<mpsc::Sender<String>>) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let own = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("a socket can be told");
        let shared = Arc::new(Shared { own, host, exchanges: Mutex::default(), called });
        let (stop, stopped) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be made");
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, for_thread) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { url: format!("http://{own}/mcp"), shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Everything that the host has said so far, held against the schemas.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut judge = Judge::new();
        judge.exchanges(&self.shared.exchanges.lock());
        judge.verdict()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // An error says that it has ended already, and that is what is wanted.
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(JoinHandle::join);
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("a bound socket can be watched");
    loop {
        let (stream, _) = listener.accept().await.expect("a bound socket accepts");
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(pass(request, &shared).await) }
            });
            // A client that goes away in the middle is as good as one that stays.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    // A client that has gone before it had said everything said nothing.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let asked_with = head.headers.iter().map(|(name, value)| (name.to_string(), lossy(value))).collect();
    let exchange =
        Exchange { method: head.method.to_string(), asked_with, request: body.to_vec(), ..Exchange::default() };
    let at = {
        let mut exchanges = shared.exchanges.lock();
        exchanges.push(exchange);
        exchanges.len() - 1
    };
    readdress(&mut head.headers, shared);
    match forward(Request::from_parts(head, Full::new(body.clone())), shared.host).await {
        Ok(response) => {
            let (head, answer) = response.into_parts();
            {
                let exchange = &mut shared.exchanges.lock()[at];
                exchange.status = Some(head.status.as_u16());
                exchange.kind = head.headers.get(CONTENT_TYPE).map(lossy).unwrap_or_default();
            }
            if let (Some(called), Some(tool)) = (&shared.called, tool(&body)) {
                // Nobody listens any more: then nobody wants to know.
                let _ = called.send(tool);
            }
            let keeper = Arc::clone(shared);
            let answer = answer.map_frame(move |frame| {
                if let Some(data) = frame.data_ref() {
                    keeper.exchanges.lock()[at].answer.extend_from_slice(data);
                }
                frame
            });
            Response::from_parts(head, answer.boxed())
        }
        Err(_) => {
            let nothing = Full::new(Bytes::new()).map_err(|never| match never {}).boxed();
            let mut response = Response::new(nothing);
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

async fn forward(
    request: Request<Full<Bytes>>,
    host: SocketAddr,
) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer, or with whoever reads it.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// The host answers to its own address. What a client says of this one, it means of that one.
fn readdress(headers: &mut HeaderMap, shared: &Shared) {
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let (own, host) = (format!(":{}", shared.own.port()), format!(":{}", shared.host.port()));
    for name in [HOST, ORIGIN] {
        let Some(value) = headers.get(&name).map(lossy) else { continue };
        let loopback = ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| value.ends_with(&format!("{name}{own}")));
        if let (true, Some(stem)) = (loopback, value.strip_suffix(&own)) {
            let value = HeaderValue::from_str(&format!("{stem}{host}")).expect("it was a header's value before");
            headers.insert(name, value);
        }
    }
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The tool that a message calls.
fn tool(message: &[u8]) -> Option<String> {
    let message: serde_json::Value = serde_json::from_slice(message).ok()?;
    let name = message["params"]["name"].as_str().filter(|_| message["method"] == "tools/call")?;
    Some(name.to_owned())
}
