//! TLS servers that are not who they should be.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_egress::{Egress, EgressConfig, Fetched, Phase, Request, TimedOut, TlsFault};
use portcullis_manifest::http::Method;
use rcgen::date_time_ymd;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::authority::{Authority, self_signed};
use crate::support::upstream::{OK, Upstream};
use crate::support::{Granted, HOST, World, fetch};

async fn get(world: World, upstream: &Upstream) -> Fetched {
    let origin = upstream.tls_origin();
    fetch(&world.start(), &Granted::at(&origin), Method::Get, &format!("{origin}/"), Request::default()).await
}

async fn refused(authority: &Authority, config: ServerConfig) -> TlsFault {
    let upstream = Upstream::tls_answering(config, OK).await;
    let fetched = get(authority.world(upstream.address), &upstream).await;
    assert_eq!((fetched.attempts[0].sent, fetched.attempts[0].bytes_out), (false, 0));
    // Nothing of the request went to somebody who did not prove who they are.
    assert!(upstream.heard().iter().all(String::is_empty));
    match fetched.result {
        Err(portcullis_egress::FetchError::Tls(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

/// Fails without the operator's roots, which every other test here rests on.
#[tokio::test]
async fn eg_11_a_server_with_a_certificate_of_the_operators_authority_is_spoken_to() {
    let authority = Authority::new();
    let upstream = Upstream::tls_answering(authority.server(HOST), OK).await;
    let fetched = get(authority.world(upstream.address), &upstream).await;
    assert_eq!(fetched.result.unwrap().body, b"ok");
    assert!(fetched.attempts[0].sent);
}

/// Fails without the verification of the name, the time, the chain or the constraints: whatever rustls does by default.
#[tokio::test]
async fn eg_11_wrong_name_expired_early_self_signed_and_out_of_bounds_are_refused() {
    let authority = Authority::new();
    for wrong in ["other.example", "example", "a.up.example", "*.up.example"] {
        assert_eq!(refused(&authority, authority.server(wrong)).await, TlsFault::Name, "{wrong}");
    }
    let expired = authority.server_with(HOST, |params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(refused(&authority, expired).await, TlsFault::Expired);
    let early = authority.server_with(HOST, |params| params.not_before = date_time_ymd(4000, 1, 1));
    assert_eq!(refused(&authority, early).await, TlsFault::Expired);
    assert_eq!(refused(&authority, self_signed(HOST)).await, TlsFault::Untrusted);
    assert_eq!(refused(&authority, Authority::new().server(HOST)).await, TlsFault::Untrusted);
    let constrained = Authority::constrained("other.example");
    assert_eq!(refused(&constrained, constrained.server(HOST)).await, TlsFault::Untrusted);
}

/// Fails if the operator's authorities are trusted without being named.
#[tokio::test]
async fn eg_11_an_authority_that_the_operator_did_not_name_is_not_trusted() {
    let authority = Authority::new();
    let upstream = Upstream::tls_answering(authority.server(HOST), OK).await;
    let fetched = get(World::with(upstream.address), &upstream).await;
    assert_eq!(fetched.result, Err(TlsFault::Untrusted.into()));
}

/// Fails if another protocol than HTTP/1.1 is offered, or if none is.
#[tokio::test]
async fn eg_30_a_server_that_speaks_only_http_2_is_not_spoken_to() {
    let authority = Authority::new();
    let mut config = authority.server(HOST);
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert_eq!(refused(&authority, config).await, TlsFault::Incompatible);

    let mut both = authority.server(HOST);
    both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let upstream = Upstream::tls_answering(both, OK).await;
    assert_eq!(get(authority.world(upstream.address), &upstream).await.result.unwrap().status, 200);
}

/// Fails without the lowest version in `Tls::start`: rustls knows none below, and neither may what replaces it.
#[tokio::test]
async fn eg_11_tls_1_1_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 4096];
        assert!(stream.read(&mut hello).await.unwrap() > 0);
        // A ServerHello of TLS 1.1 that chooses TLS_RSA_WITH_AES_128_CBC_SHA.
        let mut answer = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
        answer.extend([7; 32]);
        answer.extend([0, 0, 0x2f, 0]);
        stream.write_all(&answer).await.unwrap();
        let mut alert = Vec::new();
        let _ = stream.read_to_end(&mut alert).await;
        alert
    });
    let origin = format!("https://{HOST}:{}", address.port());
    let egress = World::with(address).start();
    let fetched = fetch(&egress, &Granted::at(&origin), Method::Get, &format!("{origin}/"), Request::default()).await;
    assert_eq!(fetched.result, Err(TlsFault::Incompatible.into()));
    // A fatal alert and nothing else.
    assert_eq!(server.await.unwrap()[0], 0x15);
}

#[derive(Debug)]
struct Listening {
    names: Mutex<Vec<Option<String>>>,
    key: Arc<dyn ResolvesServerCert>,
}

impl ResolvesServerCert for Listening {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.names.lock().push(hello.server_name().map(str::to_owned));
        self.key.resolve(hello)
    }
}

/// Fails if the name in the greeting is another than the one that was decided on, or if there is none.
#[tokio::test]
async fn eg_11_the_name_in_the_greeting_is_the_name_that_was_decided_on() {
    let authority = Authority::new();
    let mut config = authority.server(HOST);
    let listening = Arc::new(Listening { names: Mutex::default(), key: Arc::clone(&config.cert_resolver) });
    config.cert_resolver = Arc::clone(&listening) as Arc<dyn ResolvesServerCert>;
    let upstream = Upstream::tls_answering(config, OK).await;
    let url = format!("https://UP.Example.:{}/", upstream.address.port());
    let egress = authority.world(upstream.address).start();
    let fetched = fetch(&egress, &Granted::at(upstream.tls_origin()), Method::Get, &url, Request::default()).await;
    assert_eq!(fetched.result.unwrap().status, 200);
    assert_eq!(*listening.names.lock(), [Some(HOST.to_owned())]);
    assert!(upstream.heard()[0].contains(&format!("\r\nhost: {HOST}:{}\r\n", upstream.address.port())));
}

/// Fails with the resumption that rustls has by default: a ticket would tie one request to another.
#[tokio::test]
async fn eg_12_no_session_is_resumed() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(authority.server(HOST)));
    let server = tokio::spawn(async move {
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            kinds.push(stream.get_ref().1.handshake_kind());
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        kinds
    });
    let origin = format!("https://{HOST}:{}", address.port());
    let egress = authority.world(address).start();
    for _ in 0..2 {
        let url = format!("{origin}/");
        let fetched = fetch(&egress, &Granted::at(&origin), Method::Get, &url, Request::default()).await;
        assert_eq!(fetched.result.unwrap().status, 200);
    }
    assert_eq!(server.await.unwrap(), [Some(HandshakeKind::Full); 2]);
}

/// Fails without the deadline around the handshake.
#[tokio::test]
async fn eg_28_a_server_that_does_not_greet_back_is_waited_for_as_long_as_the_phase_lasts() {
    let upstream = Upstream::start(|mut visit| async move { visit.hear_out().await }).await;
    let mut world = World::with(upstream.address);
    world.0.deadlines.tls = Duration::from_millis(50);
    let fetched = get(world, &upstream).await;
    assert_eq!(fetched.result, Err(TimedOut { phase: Phase::Tls, whole: false }.into()));
    assert!(!fetched.attempts[0].sent);
}

#[tokio::test]
async fn a_file_of_roots_without_a_certificate_is_refused_when_the_host_starts() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for text in ["", "no certificate\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(file.path(), text).unwrap();
        let config = EgressConfig { roots: vec![file.path().to_owned()], ..World::new().0 };
        let error = Egress::start(config).err().unwrap().to_string();
        assert!(error.starts_with("the file of certificate authorities "), "{error}");
    }
}
