//! What the tests share: a world of hosts that are all on this machine, and servers in it.

pub(crate) mod authority;
pub(crate) mod dns;
pub(crate) mod upstream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_egress::{
    Deadlines, Destination, Egress, EgressConfig, Fetched, NameServers, PrivateAddress, Reach, Request, ResolverConfig,
    Room, admit,
};
use portcullis_manifest::http::{HttpCapability, Method, SecretSlot};

/// The host that most tests speak to.
pub(crate) const HOST: &str = "up.example";
/// Longer than any test takes that does not wait for it.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What the operator says: names that lead to this machine, each with its exception.
pub(crate) struct World(pub(crate) EgressConfig);

impl World {
    /// Nobody in it.
    pub(crate) fn new() -> Self {
        let deadlines = Deadlines { dns: LONG, connect: LONG, tls: LONG, first_byte: LONG, idle: LONG };
        let resolver = ResolverConfig { name_servers: NameServers::Listed(Vec::new()), hosts: BTreeMap::new() };
        Self(EgressConfig { deadlines, resolver, ..EgressConfig::default() })
    }

    /// [`HOST`] is at `address`.
    pub(crate) fn with(address: SocketAddr) -> Self {
        Self::new().host(HOST, address)
    }

    /// `host` is at `address`: the operator's table says so.
    pub(crate) fn host(mut self, host: &str, address: SocketAddr) -> Self {
        self.0.resolver.hosts.insert(host.parse().unwrap(), vec![address.ip()]);
        self.excepted(host, address.port())
    }

    /// `host` may lead to this machine at `port`.
    pub(crate) fn excepted(mut self, host: &str, port: u16) -> Self {
        self.0.addresses.private.push(PrivateAddress {
            host: host.parse().unwrap(),
            net: "127.0.0.0/8".parse().unwrap(),
            port: NonZeroU16::new(port).unwrap().into(),
        });
        self
    }

    pub(crate) fn start(self) -> Egress {
        Egress::start(self.0).unwrap()
    }
}

/// A capability for everything at `origin`.
pub(crate) struct Granted {
    pub(crate) origin: String,
    pub(crate) secret: Option<SecretSlot>,
    pub(crate) redirects: u8,
    pub(crate) retries: u8,
}

impl Granted {
    pub(crate) fn at(origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), secret: None, redirects: 0, retries: 0 }
    }

    pub(crate) fn capability(&self) -> Arc<HttpCapability> {
        let allow = Method::ALL
            .into_iter()
            .flat_map(|method| [format!("{method} /"), format!("{method} /**"), format!("{method} /*/")]);
        let allow = allow.map(|rule| rule.parse().unwrap()).collect();
        let origin = self.origin.parse().unwrap();
        Arc::new(HttpCapability::new(origin, allow, self.secret.clone(), self.redirects, self.retries).unwrap())
    }
}

/// Room enough for an ordinary request.
pub(crate) fn room() -> Room {
    Room { request_body: 65536, response_body: 65536, headers: 64, header_bytes: 8192, deadline: Instant::now() + LONG }
}

/// Asks for `url` with a capability for whatever is at `granted`.
pub(crate) async fn fetch(egress: &Egress, granted: &Granted, method: Method, url: &str, request: Request) -> Fetched {
    fetch_in(egress, granted, method, url, request, &room()).await
}

pub(crate) async fn fetch_in(
    egress: &Egress,
    granted: &Granted,
    method: Method,
    url: &str,
    request: Request,
    room: &Room,
) -> Fetched {
    let destination: Destination = url.parse().unwrap();
    let admitted = admit(&granted.capability(), &Reach::Granted, method, destination).unwrap();
    egress.fetch(admitted, request, room).await
}

/// GET, of [`HOST`] over plain HTTP at `address`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Fetched {
    get_in(address, path, &room()).await
}

pub(crate) async fn get_in(address: SocketAddr, path: &str, room: &Room) -> Fetched {
    let origin = format!("http://{HOST}:{}", address.port());
    let url = format!("{origin}{path}");
    let egress = World::with(address).start();
    fetch_in(&egress, &Granted::at(origin), Method::Get, &url, Request::default(), room).await
}
