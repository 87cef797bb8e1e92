//! Names to addresses, once for each request. Only the operator's table and name servers are asked: there is no search
//! list, no hosts file, no variable of the environment and no cache, so that what is decided about an answer is decided
//! about the answer that is used.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig as Hickory,
    ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::{Resolver as Stub, TokioResolver};
use portcullis_manifest::http::HostName;

use crate::address::MAX_ANSWERS;

/// Where the system lists its name servers. Read once, when the host starts, and only its `nameserver` lines.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// How names are resolved.
#[derive(Clone, Debug, Default)]
pub struct ResolverConfig {
    /// Who is asked.
    pub name_servers: NameServers,
    /// Names that the operator answers: for these no server is asked.
    pub hosts: BTreeMap<HostName, Vec<IpAddr>>,
}

/// The name servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NameServers {
    /// Those that the system lists when the host starts.
    #[default]
    System,
    /// These. None at all means that only the operator's table answers.
    Listed(Vec<SocketAddr>),
}

/// The system lists no name servers.
#[derive(Debug, thiserror::Error)]
#[error(
    "no name server is known: the system's list has no `nameserver` line that can be read ({reason}). List them in the \
     configuration"
)]
pub struct NoNameServers {
    reason: String,
}

/// A name could not be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsFault {
    /// The name servers say that there is no such name, or that it has no address.
    #[error("the host's name has no address")]
    NoAddress,
    /// The name servers gave no usable answer.
    #[error("the name servers gave no usable answer")]
    NoAnswer,
    /// The name servers gave no answer in time.
    #[error("the name servers gave no answer in time")]
    TimedOut,
}

/// Resolves names. One lookup (A and AAAA) each time it is asked.
pub(crate) struct Resolver {
    /// One for each name server: what one of them does not say in its time, the next is asked.
    stubs: Vec<TokioResolver>,
    hosts: BTreeMap<HostName, Vec<IpAddr>>,
}

impl Resolver {
    /// A resolver that waits at most `patience` for its servers.
    pub(crate) fn start(config: ResolverConfig, patience: Duration) -> Result<Self, NoNameServers> {
        let servers = match config.name_servers {
            NameServers::System => system(Path::new(RESOLV_CONF))?,
            NameServers::Listed(servers) => servers,
        };
        // Each server twice within the phase: a packet may be lost, and a server may be down.
        let count = u32::try_from(servers.len()).unwrap_or(u32::MAX / 2);
        let stubs = servers.iter().map(|server| stub(*server, patience / (count * 2))).collect();
        Ok(Self { stubs, hosts: config.hosts })
    }

    /// The addresses of `host`: all, or one more than may be decided on. What may be connected to is for others to say.
    pub(crate) async fn lookup(&self, host: &HostName) -> Result<Vec<IpAddr>, DnsFault> {
        let answers: Vec<IpAddr> = if let Some(answers) = self.hosts.get(host) {
            answers.clone()
        } else {
            // With its trailing dot a name is whole: nothing is appended to it. EG-22.
            let mut name = Name::from_ascii(host.as_str()).map_err(|_| DnsFault::NoAddress)?;
            name.set_fqdn(true);
            self.ask(name).await?
        };
        if answers.is_empty() { Err(DnsFault::NoAddress) } else { Ok(answers) }
    }

    /// What the first server says that says anything.
    async fn ask(&self, name: Name) -> Result<Vec<IpAddr>, DnsFault> {
        let mut silence = DnsFault::NoAnswer;
        for stub in &self.stubs {
            match stub.lookup_ip(name.clone()).await {
                Ok(answers) => return Ok(answers.iter().take(MAX_ANSWERS + 1).collect()),
                Err(error) => match fault(&error) {
                    fault @ DnsFault::NoAddress => return Err(fault),
                    fault => silence = fault,
                },
            }
        }
        Err(silence)
    }
}

/// Asks one server, twice, and waits `patience` each time. One for each server and not one for all, because hickory's timeout is
/// that of the whole lookup: a silent first server would use all of it.
fn stub(server: SocketAddr, patience: Duration) -> TokioResolver {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
    let config = Hickory::from_name_servers(vec![server]);
    let mut builder = Stub::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = patience;
    options.attempts = 1;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options.num_concurrent_reqs = 1;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = 0;
    options.positive_max_ttl = Some(Duration::ZERO);
    options.negative_max_ttl = Some(Duration::ZERO);
    // It can fail only in what was left out of the build: TLS, DNSSEC and files of state.
    builder.build().expect("a resolver without TLS has nothing to read")
}

fn fault(error: &NetError) -> DnsFault {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
        {
            DnsFault::NoAddress
        }
        NetError::Timeout => DnsFault::TimedOut,
        _ => DnsFault::NoAnswer,
    }
}

fn system(path: &Path) -> Result<Vec<SocketAddr>, NoNameServers> {
    let text = std::fs::read_to_string(path).map_err(|error| NoNameServers { reason: error.kind().to_string() })?;
    let servers = name_servers(&text);
    if servers.is_empty() { Err(NoNameServers { reason: "none listed".to_owned() }) } else { Ok(servers) }
}

/// The `nameserver` lines of a resolv.conf. `search`, `domain` and `options` are not ours to obey.
fn name_servers(text: &str) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        if words.next() == Some("nameserver")
            && let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>)
        {
            servers.push(SocketAddr::new(address, 53));
        }
    }
    // As many as resolvers have always read.
    servers.truncate(3);
    servers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eg_22_only_the_name_server_lines_of_the_system_are_read() {
        let text = "# made by something\nsearch internal.example\ndomain internal.example\nnameserver 192.0.2.1\n\
                    options ndots:5 rotate\n  nameserver\t2001:db8::1 # two\nnameserver fe80::1%eth0\n#nameserver 192.0.2.9\n\
                    nameserver\nnameservers 192.0.2.8\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n";
        let expected: Vec<SocketAddr> =
            ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.3:53"].map(|server| server.parse().unwrap()).to_vec();
        assert_eq!(name_servers(text), expected);
    }

    #[test]
    fn a_system_without_name_servers_is_refused_when_the_host_starts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "search internal.example\n").unwrap();
        assert!(system(file.path()).unwrap_err().to_string().starts_with("no name server is known"));
    }

    #[tokio::test]
    async fn the_operators_table_answers_and_without_servers_nothing_else_does() {
        let known: HostName = "known.example".parse().unwrap();
        let config = ResolverConfig {
            name_servers: NameServers::Listed(Vec::new()),
            hosts: BTreeMap::from([(known.clone(), vec!["192.0.2.7".parse().unwrap()])]),
        };
        let resolver = Resolver::start(config, Duration::from_secs(1)).unwrap();
        assert_eq!(resolver.lookup(&known).await.unwrap(), ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolver.lookup(&"other.example".parse().unwrap()).await, Err(DnsFault::NoAnswer));
    }
}
