//! What is outside of a host that `tests/hostile/outside` attacks: a name server, servers with and without TLS that give back
//! what they hear in every way they know, and what each of them has seen.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use portcullis_tests::{Home, plugin};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::echo::answer;

/// Ports that the manifest of `outside` names.
const TLS: u16 = 8443;
const CLEAR: u16 = 8080;

/// Names with a certificate.
const NAMES: [&str; 3] = ["crm.test", "other.test", "*.tenant.test"];

/// The world. Its threads end with the test's process.
pub(crate) struct World {
    /// Where all of its names lead.
    pub(crate) address: Ipv4Addr,
    pub(crate) token: String,
    folder: tempfile::TempDir,
    name_server: SocketAddr,
    tls: Arc<Server>,
    clear: Arc<Server>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What one server has seen.
#[derive(Default)]
struct Server {
    connections: AtomicUsize,
    heard: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let token = format!("{:032x}", rand::random::<u128>());
        let (authority, certified) = certificates();
        fs::write(folder.path().join("authority.pem"), authority).expect("the folder can be written");
        write_secret(&folder.path().join("crm.token"), &token);
        let (address, encrypted, plain) = listeners();
        let tls = serve(encrypted, Some(Arc::new(certified)), token.clone());
        let clear = serve(plain, None, token.clone());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let names = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let name_server = names.local_addr().expect("a bound socket has an address");
        let seen = Arc::clone(&asked);
        thread::spawn(move || name_server_at(&names, address, &seen));
        Self { address, token, folder, name_server, tls, clear, asked }
    }

    /// A host with `notes` and `outside` that reaches this world, before it is served.
    pub(crate) fn home(&self) -> Home {
        let home = Home::configured(format!("four_eyes = false\n{}", self.configuration()));
        home.publish(&plugin("plugins/notes"));
        home.publish(&plugin("tests/hostile/outside"));
        home
    }

    fn configuration(&self) -> String {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let excepted = [
            ("example.com", 443),
            ("crm.test", TLS),
            ("other.test", TLS),
            ("a.tenant.test", TLS),
            ("clear.test", CLEAR),
        ];
        let private: String = excepted
            .iter()
            .map(|(host, port)| {
                format!("[[egress.private]]\nhost = \"{host}\"\nnet = \"{}/32\"\nport = {port}\n\n", self.address)
            })
            .collect();
        format!(
            "[egress]\nname_servers = [\"{}\"]\nroots = [{:?}]\n\n{private}[secrets]\ncrm_token = {{ file = {:?}, origin = \
             \"https://crm.test:{TLS}\" }}\n",
            self.name_server,
            file("authority.pem"),
            file("crm.token"),
        )
    }

    /// Connections that were opened to any server so far.
    pub(crate) fn connections(&self) -> usize {
        [&self.tls, &self.clear].map(|server| server.connections.load(Ordering::SeqCst)).iter().sum()
    }

    /// Every request so far, heads and bodies.
    pub(crate) fn heard(&self) -> Vec<String> {
        [&self.tls, &self.clear].iter().flat_map(|server| server.heard.lock().clone()).collect()
    }

    /// Every name that was asked for, in lower case and without its last dot.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

/// One loopback address with both ports free: tests that run at once have one each. (All of 127.0.0.0/8 is loopback on Linux.)
fn listeners() -> (Ipv4Addr, TcpListener, TcpListener) {
    let found = (0..100).find_map(|_| {
        let [b, c, d] = rand::random::<[u8; 3]>();
        let address = Ipv4Addr::new(127, b.max(1), c, d.clamp(1, 254));
        Some((address, TcpListener::bind((address, TLS)).ok()?, TcpListener::bind((address, CLEAR)).ok()?))
    });
    found.expect("a loopback address is free")
}

/// An authority in PEM form, and what a server that it certifies needs.
fn certificates() -> (String, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Authority of the world outside, for tests");
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let key = KeyPair::generate().expect("a key can be made");
    let pem = params.self_signed(&key).expect("a certificate can be signed").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key can be made");
    let names = CertificateParams::new(NAMES.map(str::to_owned).to_vec()).expect("the names are good");
    let certificate = names.signed_by(&key, &issuer).expect("a certificate can be signed");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has these versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key is the certificate's");
    (pem, config)
}

/// Readable by its owner only, as a secret has to be.
fn write_secret(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the folder can be written");
}

fn serve(listener: TcpListener, tls: Option<Arc<ServerConfig>>, token: String) -> Arc<Server> {
    let server = Arc::new(Server::default());
    let shared = Arc::clone(&server);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            shared.connections.fetch_add(1, Ordering::SeqCst);
            let (server, tls, token) = (Arc::clone(&shared), tls.clone(), token.clone());
            thread::spawn(move || {
                // Who goes away in the middle of it is no fault of the server's.
                let _ = match tls {
                    Some(config) => ServerConnection::new(config)
                        .map_err(io::Error::other)
                        .and_then(|connection| visit(StreamOwned::new(connection, stream), &server, &token)),
                    None => visit(stream, &server, &token),
                };
            });
        }
    });
    server
}

fn visit(mut stream: impl Read + Write, server: &Server, token: &str) -> io::Result<()> {
    let request = request(&mut stream)?;
    server.heard.lock().push(request.clone());
    for piece in answer(&request, token) {
        stream.write_all(&piece)?;
        stream.flush()?;
    }
    // Until the other side is done: what it has not read would be lost with the connection.
    let _ = stream.read(&mut [0; 1]);
    Ok(())
}

/// One request with its body.
fn request(stream: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&more[..read]),
        }
    }
}

/// Answers every name with the world's address, and writes down what was asked. AAAA has no records.
fn name_server_at(socket: &UdpSocket, address: Ipv4Addr, asked: &Mutex<Vec<String>>) {
    let mut bytes = [0; 1500];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut bytes) else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let Some((name, kind, end)) = question(&bytes[..length]) else { continue };
        asked.lock().push(name);
        let found = kind == 1;
        let mut reply = bytes[..2].to_vec();
        reply.extend([0x81, 0x80, 0, 1, 0, u8::from(found), 0, 0, 0, 0]);
        reply.extend_from_slice(&bytes[12..end]);
        if found {
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
            reply.extend(address.octets());
        }
        let _ = socket.send_to(&reply, from);
    }
}

/// The name, the type, and where the question ends.
fn question(message: &[u8]) -> Option<(String, u16, usize)> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*message.get(at)?);
        let label = message.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
    }
    let kind = u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?);
    Some((labels.join("."), kind, at + 4))
}
