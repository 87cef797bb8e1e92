//! Which addresses a name may lead to. A name is decided on by the grant; whoever answers for it could still lead the host
//! to itself or to its neighbours. So every answer must be public, or the operator has listed it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use portcullis_manifest::http::{HostName, Origin, Port};

/// Most addresses that a name may have.
pub const MAX_ANSWERS: usize = 64;

/// What the operator, and the host itself, say of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Addresses that are not public and may be reached all the same.
    pub private: Vec<PrivateAddress>,
    /// Where the host listens: its own ports are never reached, listed or not (catalogue EG-33).
    pub own: Vec<SocketAddr>,
    /// The addresses of the host's interfaces: they are not public to it, whatever they are to others.
    pub local: Vec<IpAddr>,
}

/// One line of the operator's: this host may lead to these addresses at this port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateAddress {
    /// Exactly this host.
    pub host: HostName,
    /// These addresses.
    pub net: IpNet,
    /// Exactly this port.
    pub port: Port,
}

/// Why a name's addresses are refused, all of them. The words are for a guest and name no address: the names of a network
/// are its operator's. The fields are for the audit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRefused {
    /// No address at all.
    #[error("the host `{0}` has no address")]
    None(HostName),
    /// More than [`MAX_ANSWERS`].
    #[error("the host `{0}` has {1} addresses and at most {MAX_ANSWERS} are looked at")]
    TooMany(HostName, usize),
    /// One that is not public, perhaps among others that are.
    #[error(
        "the host `{host}` leads to an address that is not public, so no address of it is connected to. An entry for this \
         host, address and port in the operator's `private` addresses would allow it"
    )]
    NotPublic {
        /// The name that led there.
        host: HostName,
        /// The address.
        address: IpAddr,
        /// The range it is in.
        range: Range,
    },
    /// A port of this host's own.
    #[error("the host `{host}` leads back to this host's own port, which nothing allows")]
    Own {
        /// The name that led there.
        host: HostName,
        /// The address and port.
        address: SocketAddr,
    },
}

/// Why an address is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range(&'static str);

/// Not public, version 4: the IANA IPv4 Special-Purpose Address Registry (RFC 6890) where no other source is named.
const V4: [(Ipv4Net, Range); 17] = [
    // "This network", and the unspecified address, which connects to this host. RFC 791 section 3.2.
    (v4(0, 0, 0, 0, 8), Range("this-network")),
    // RFC 1918.
    (v4(10, 0, 0, 0, 8), Range("private")),
    // Shared address space behind carriers' translators, and Alibaba's metadata at 100.100.100.200. RFC 6598.
    (v4(100, 64, 0, 0, 10), Range("shared")),
    // RFC 1122 section 3.2.1.3.
    (v4(127, 0, 0, 0, 8), Range("loopback")),
    // No registry: the host side of Azure's virtual network, with its agent's secrets, at a public address.
    (v4(168, 63, 129, 16, 32), Range("metadata")),
    // Metadata of most clouds at 169.254.169.254. RFC 3927.
    (v4(169, 254, 0, 0, 16), Range("link-local")),
    // RFC 1918.
    (v4(172, 16, 0, 0, 12), Range("private")),
    // IETF protocol assignments, and Oracle's metadata at 192.0.0.192. RFC 6890 section 2.1.
    (v4(192, 0, 0, 0, 24), Range("protocol")),
    // TEST-NET-1. RFC 5737.
    (v4(192, 0, 2, 0, 24), Range("documentation")),
    // Relays of 6to4, deprecated. RFC 7526.
    (v4(192, 88, 99, 0, 24), Range("6to4")),
    // RFC 1918.
    (v4(192, 168, 0, 0, 16), Range("private")),
    // RFC 2544.
    (v4(198, 18, 0, 0, 15), Range("benchmark")),
    // TEST-NET-2. RFC 5737.
    (v4(198, 51, 100, 0, 24), Range("documentation")),
    // TEST-NET-3. RFC 5737.
    (v4(203, 0, 113, 0, 24), Range("documentation")),
    // IANA IPv4 Multicast Address Space Registry. RFC 5771.
    (v4(224, 0, 0, 0, 4), Range("multicast")),
    // Limited broadcast. RFC 8190. Before the reserved block, so that it has its own name.
    (v4(255, 255, 255, 255, 32), Range("broadcast")),
    // Reserved. RFC 1112 section 4.
    (v4(240, 0, 0, 0, 4), Range("reserved")),
];

/// Not public, version 6: the IANA IPv6 Special-Purpose Address Registry (RFC 6890) where no other source is named. What is
/// mapped from version 4 (`::ffff:0:0/96`) is read as version 4 before.
const V6: [(Ipv6Net, Range); 15] = [
    // RFC 4291 section 2.5.2. Connects to this host.
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Range("unspecified")),
    // RFC 4291 section 2.5.3.
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Range("loopback")),
    // Addresses of version 4 in the deprecated "compatible" form. RFC 4291 section 2.5.5.1.
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), Range("compatible")),
    // Addresses of version 4 behind the well-known prefix of NAT64. RFC 6052.
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), Range("nat64")),
    // The same, for local use. RFC 8215.
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), Range("nat64")),
    // Discard-only. RFC 6666.
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), Range("discard")),
    // IETF protocol assignments, among them Teredo (2001::/32), which holds addresses of version 4. RFC 2928, RFC 4380.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Range("protocol")),
    // RFC 3849.
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Range("documentation")),
    // 6to4: addresses of version 4. RFC 3056.
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), Range("6to4")),
    // RFC 9637.
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Range("documentation")),
    // Segment routing identifiers. RFC 9602.
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), Range("segment-routing")),
    // Unique local, and Amazon's metadata at fd00:ec2::254. RFC 4193.
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Range("private")),
    // RFC 4291 section 2.5.6.
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Range("link-local")),
    // Site-local, deprecated. RFC 3879.
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), Range("site-local")),
    // IANA IPv6 Multicast Address Space Registry. RFC 4291 section 2.7.
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Range("multicast")),
];

/// All that is assigned for global unicast: IANA IPv6 Global Unicast Address Assignments. Whatever is outside, among it
/// prefixes that embed version 4 and are nobody's on the internet, is not public.
const GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// The range that makes `address` not public, on whichever host.
#[must_use]
pub fn not_public(address: IpAddr) -> Option<Range> {
    match address.to_canonical() {
        IpAddr::V4(address) => V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, range)| *range),
        IpAddr::V6(address) => {
            let named = V6.iter().find(|(net, _)| net.contains(&address)).map(|(_, range)| *range);
            named.or_else(|| (!GLOBAL.contains(&address)).then_some(Range("unassigned")))
        }
    }
}

impl Range {
    /// Its name, for the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl AddressRefused {
    /// The rule that refused, in one word: for the audit and for tests.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None(_) => "no-address",
            Self::TooMany(..) => "too-many-addresses",
            Self::NotPublic { .. } => "not-public",
            Self::Own { .. } => "own",
        }
    }
}

impl AddressPolicy {
    /// The addresses to connect to, in the order of `answers`, each once: every one of them public, or listed for exactly
    /// this host, address and port.
    ///
    /// # Errors
    /// [`AddressRefused`] as soon as one answer is not: whoever mixes answers means harm, and picking the good ones would let
    /// a second lookup pick the bad (catalogue EG-03).
    pub fn decide(&self, origin: &Origin, answers: &[IpAddr]) -> Result<Vec<SocketAddr>, AddressRefused> {
        let host = origin.host();
        if answers.is_empty() {
            return Err(AddressRefused::None(host.clone()));
        }
        if answers.len() > MAX_ANSWERS {
            return Err(AddressRefused::TooMany(host.clone(), answers.len()));
        }
        let mut decided = Vec::with_capacity(answers.len());
        for address in answers.iter().map(IpAddr::to_canonical) {
            let socket = SocketAddr::new(address, origin.port().get());
            if self.is_own(socket) {
                return Err(AddressRefused::Own { host: host.clone(), address: socket });
            }
            let range = not_public(address).or_else(|| self.is_local(address).then_some(Range("this-host")));
            if let Some(range) = range.filter(|_| !self.is_listed(origin, address)) {
                return Err(AddressRefused::NotPublic { host: host.clone(), address, range });
            }
            if !decided.contains(&socket) {
                decided.push(socket);
            }
        }
        Ok(decided)
    }

    fn is_listed(&self, origin: &Origin, address: IpAddr) -> bool {
        self.private
            .iter()
            .any(|line| line.host == *origin.host() && line.port == origin.port() && line.net.contains(&address))
    }

    fn is_local(&self, address: IpAddr) -> bool {
        self.local.iter().any(|local| local.to_canonical() == address)
    }

    /// Whether a connection to `socket` would come to a listener of this host. One that listens on the unspecified address
    /// does so on every address of the host; and connecting to the unspecified address is connecting to this host.
    fn is_own(&self, socket: SocketAddr) -> bool {
        let address = socket.ip();
        let here = |address: IpAddr| address.is_loopback() || address.is_unspecified() || self.is_local(address);
        self.own.iter().filter(|own| own.port() == socket.port()).any(|own| {
            let own = own.ip().to_canonical();
            own == address || (own.is_unspecified() && here(address)) || (address.is_unspecified() && here(own))
        })
    }
}
