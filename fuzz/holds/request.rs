//! What holds for every request that a guest asks for: what a server hears is one request, and it is the one that was decided
//! on. Shared by the fuzz target and by an ordinary test that goes through the target's corpus. The request takes the whole
//! way: it is admitted, built, and sent over TCP to a server of this very process, which writes down each byte.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    num::NonZeroU16,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use portcullis_egress::{
    Deadlines, Destination, Egress, EgressConfig, FetchError, NameServers, Placeholders, PrivateAddress, Reach,
    Request, ResolverConfig, Room, admit,
};
use portcullis_manifest::http::{HttpCapability, Method};

const HOST: &str = "up.example";

/// What stands for the secret of another capability: it may stand nowhere at all.
pub(crate) const PLACEHOLDER: &str = "portcullis-placeholder-0123456789abcdef";

/// Between method, target, and names and values of headers.
const FIELD: u8 = 0x1f;
/// Before the body.
const BODY: u8 = 0x1e;

/// Of each, once.
const OF_THE_HOST: [&str; 3] = ["user-agent", "accept-encoding", "connection"];

/// Which no guest may put into a request.
const NEVER: [&str; 8] =
    ["transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive", "proxy-authorization", "forwarded"];

/// A host that sends, and a server that hears.
pub(crate) struct Wire {
    runtime: tokio::runtime::Runtime,
    egress: Egress,
    address: SocketAddr,
    heard: Receiver<Vec<u8>>,
}

/// What a text asks for.
struct Asked {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (head, body) = match bytes.iter().position(|byte| *byte == BODY) {
            Some(at) => (&bytes[..at], &bytes[at + 1..]),
            None => (bytes, &[][..]),
        };
        let mut fields = head.split(|byte| *byte == FIELD).map(|field| std::str::from_utf8(field).map(str::to_owned));
        let (method, target) = (fields.next()?.ok()?, fields.next()?.ok()?);
        let rest: Vec<String> = fields.collect::<Result<_, _>>().ok()?;
        let headers = rest.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        Some(Self { method, target, headers, body: body.to_vec() })
    }
}

impl Wire {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (say, heard) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let bytes = stream.map(hear).unwrap_or_default();
                if say.send(bytes).is_err() {
                    return;
                }
            }
        });
        let long = Duration::from_secs(20);
        let mut config = EgressConfig {
            deadlines: Deadlines { dns: long, connect: long, tls: long, first_byte: long, idle: long },
            resolver: ResolverConfig { name_servers: NameServers::Listed(Vec::new()), hosts: BTreeMap::new() },
            ..EgressConfig::default()
        };
        config.resolver.hosts.insert(HOST.parse().expect("it is a name"), vec![address.ip()]);
        config.addresses.private.push(PrivateAddress {
            host: HOST.parse().expect("it is a name"),
            net: "127.0.0.0/8".parse().expect("it is a network"),
            port: NonZeroU16::new(address.port()).expect("a bound port is not 0").into(),
        });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let egress = {
            let _inside = runtime.enter();
            Egress::start(config).expect("the configuration is good")
        };
        Self { runtime, egress, address, heard }
    }

    /// Panics when something that must hold does not. Gives whether a request was sent.
    pub(crate) fn request_holds(&self, bytes: &[u8]) -> bool {
        let Some(asked) = Asked::of(bytes) else { return false };
        let origin = format!("http://{HOST}:{}", self.address.port());
        let Ok(method) = asked.method.parse::<Method>() else { return false };
        let Ok(destination) = format!("{origin}{}", asked.target).parse::<Destination>() else { return false };
        let allow = Method::ALL
            .into_iter()
            .flat_map(|method| {
                ["/", "/**", "/**/"].map(|path| format!("{method} {path}").parse().expect("it is a rule"))
            })
            .collect();
        let capability = HttpCapability::new(origin.parse().expect("it is an origin"), allow, None, 0, 0);
        let capability = Arc::new(capability.expect("it is a capability"));
        let Ok(admitted) = admit(&capability, &Reach::Granted, method, destination) else { return false };
        let target = admitted.destination().target();
        let placeholders = Placeholders { own: None, others: vec![PLACEHOLDER.to_owned()] };
        let request = Request { headers: asked.headers.clone(), body: asked.body.clone(), placeholders };
        let deadline = Instant::now() + Duration::from_secs(20);
        let room = Room { request_body: 4096, response_body: 4096, headers: 64, header_bytes: 32 << 10, deadline };
        let fetched = self.runtime.block_on(self.egress.fetch(admitted, request, &room));
        match fetched.result {
            Ok(response) => {
                assert_eq!(response.status, 204);
                let heard = self.heard.recv_timeout(Duration::from_secs(20)).expect("the server has heard it");
                is_what_was_asked(&heard, &asked, method, &target, self.address.port());
                true
            }
            Err(FetchError::Header(_) | FetchError::Misplaced(_) | FetchError::TooLarge(_) | FetchError::Target(_)) => {
                assert!(fetched.attempts.iter().all(|attempt| !attempt.sent), "{:?}", fetched.attempts);
                assert!(self.heard.try_recv().is_err(), "what is refused is not sent");
                false
            }
            Err(error) => panic!("a server that is there is reached: {error:?}"),
        }
    }
}

/// Everything that comes over one connection, which is answered after the first request.
fn hear(mut stream: TcpStream) -> Vec<u8> {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let mut bytes = Vec::new();
    let mut more = [0; 8192];
    let mut answered = false;
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let (false, Some(end)) = (answered, end) {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                answered = true;
            }
        }
        match stream.read(&mut more) {
            Ok(0) | Err(_) => return bytes,
            Ok(read) => bytes.extend_from_slice(&more[..read]),
        }
    }
}

fn is_what_was_asked(heard: &[u8], asked: &Asked, method: Method, target: &str, port: u16) {
    let end = heard.windows(4).position(|window| window == b"\r\n\r\n").expect("a head has an end");
    let (head, body) = (&heard[..end], &heard[end + 4..]);
    assert_eq!(body, asked.body, "the body, and nothing behind it");
    let head = std::str::from_utf8(head).expect("a head is text");
    assert!(head.is_ascii());
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some(format!("{method} {target} HTTP/1.1").as_str()));
    let mut headers: Vec<(&str, &str)> = Vec::new();
    for line in lines {
        assert!(!line.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f), "{line:?}");
        let (name, value) = line.split_once(": ").expect("a header has a name and a value");
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{line:?}");
        assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "{line:?}");
        headers.push((name, value));
    }
    let values = |wanted: &str| -> Vec<&str> {
        headers.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| *value).collect()
    };
    assert_eq!(values("host"), [format!("{HOST}:{port}")]);
    assert_eq!(values("connection"), ["close"]);
    assert_eq!(values("accept-encoding"), ["identity"]);
    assert_eq!(values("user-agent").len(), 1);
    for name in NEVER {
        assert!(values(name).is_empty(), "{name}: {head}");
    }
    match values("content-length")[..] {
        [] => assert!(body.is_empty()),
        [length] => assert_eq!(length, body.len().to_string()),
        _ => panic!("one length: {head}"),
    }
    let own = |name: &str| OF_THE_HOST.contains(&name) || name == "host" || name == "content-length";
    let guests: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    // Headers of one name stay in their order, and that is all that an order means.
    let sorted = |mut headers: Vec<(String, String)>| {
        headers.sort_by(|one, other| one.0.cmp(&other.0));
        headers
    };
    let asked = asked.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    assert_eq!(sorted(guests), sorted(asked), "the guest's headers as they were given, and no others");
    // In other letters it stands for nothing; a name comes in small ones, whatever was given.
    assert!(!heard.windows(PLACEHOLDER.len()).any(|window| window == PLACEHOLDER.as_bytes()));
}
