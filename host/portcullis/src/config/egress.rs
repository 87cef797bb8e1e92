//! `[boundary]`, `[egress]`, `[secrets]` and `[confirmation]`: what the operator says of the way out and of tools that write.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use portcullis_calls::Policy;
use portcullis_egress::{
    AddressPolicy, Deadlines, EgressConfig, NameServers, PrivateAddress, ResolverConfig, SecretConfig, SecretSource,
};
use portcullis_manifest::{
    SecretName, WireName,
    http::{Boundary, HostName, Origin, OriginPattern, Port},
};
use serde::Deserialize;

use super::Config;
use crate::exit::Failure;

/// The longest that a phase may be given: longer than any call may take.
const LONGEST: u64 = 300;

/// `[boundary]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BoundarySection {
    /// Origins that are inside: reading there is no write.
    pub(crate) inside: Vec<OriginPattern>,
}

/// `[egress]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EgressSection {
    /// Who resolves names; empty: the system's name servers, as they are when the host starts.
    pub(crate) name_servers: Vec<SocketAddr>,
    /// Names that the operator answers.
    pub(crate) hosts: BTreeMap<HostName, Vec<IpAddr>>,
    /// Addresses that are not public and may be reached all the same.
    pub(crate) private: Vec<Private>,
    /// Files of certificate authorities that are trusted besides those that browsers trust.
    pub(crate) roots: Vec<PathBuf>,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Of them to one origin.
    pub(crate) connections_per_origin: usize,
    /// Seconds for each phase.
    pub(crate) dns_timeout: u64,
    pub(crate) connect_timeout: u64,
    pub(crate) tls_timeout: u64,
    pub(crate) first_byte_timeout: u64,
    pub(crate) idle_timeout: u64,
}

/// `[[egress.private]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Private {
    pub(crate) host: HostName,
    pub(crate) net: IpNet,
    pub(crate) port: Port,
}

/// One of `[secrets]`: `{ env = "NAME", origin = "https://api.example.com" }`, or with `file`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    env: Option<String>,
    file: Option<PathBuf>,
    /// The one origin that it is for.
    origin: Origin,
}

/// `[confirmation]`: tools that need more than their manifest says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Confirmation {
    /// By their names on the wire: a preview, and its confirmation.
    pub(crate) preview: Vec<WireName>,
    /// A person who agrees.
    pub(crate) person: Vec<WireName>,
}

impl Default for EgressSection {
    fn default() -> Self {
        let EgressConfig { deadlines, connections, connections_per_origin, .. } = EgressConfig::default();
        Self {
            name_servers: Vec::new(),
            hosts: BTreeMap::new(),
            private: Vec::new(),
            roots: Vec::new(),
            connections,
            connections_per_origin,
            dns_timeout: deadlines.dns.as_secs(),
            connect_timeout: deadlines.connect.as_secs(),
            tls_timeout: deadlines.tls.as_secs(),
            first_byte_timeout: deadlines.first_byte.as_secs(),
            idle_timeout: deadlines.idle.as_secs(),
        }
    }
}

impl EgressSection {
    pub(super) fn check(&self) -> Result<(), Failure> {
        for (key, value) in [
            ("connections", self.connections as u64),
            ("connections_per_origin", self.connections_per_origin as u64),
            ("dns_timeout", self.dns_timeout),
            ("connect_timeout", self.connect_timeout),
            ("tls_timeout", self.tls_timeout),
            ("first_byte_timeout", self.first_byte_timeout),
            ("idle_timeout", self.idle_timeout),
        ] {
            if value == 0 {
                return Err(Failure::usage(format_args!("configuration: `egress.{key}` is 0; it must be at least 1")));
            }
            if key.ends_with("_timeout") && value > LONGEST {
                let text =
                    format_args!("configuration: `egress.{key}` is {value}; it must be at most {LONGEST} (seconds)");
                return Err(Failure::usage(text));
            }
        }
        for Private { host, net, .. } in &self.private {
            if *net != net.trunc() || net.prefix_len() == 0 {
                return Err(Failure::usage(format_args!(
                    "configuration: `egress.private` for `{host}`: `{net}` is not a network written as one; write `{}`, or the one \
                     address with `/{}`",
                    net.trunc(),
                    net.max_prefix_len()
                )));
            }
        }
        if let Some((host, _)) = self.hosts.iter().find(|(_, addresses)| addresses.is_empty()) {
            return Err(Failure::usage(format_args!("configuration: `egress.hosts.{host}` lists no address")));
        }
        Ok(())
    }
}

impl Secret {
    pub(super) fn check(&self, name: &SecretName) -> Result<(), Failure> {
        match (&self.env, &self.file) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            _ => Err(Failure::usage(format_args!("configuration: `secrets.{name}` needs one of `file` and `env`"))),
        }
    }
}

impl Config {
    /// What the way out is made of, read when the host starts. `own` are the addresses that this host listens on: nothing may be sent there (catalogue
    /// EG-33).
    pub(crate) fn egress(&self, own: Vec<SocketAddr>) -> EgressConfig {
        let EgressSection { name_servers, hosts, private, roots, connections, connections_per_origin, .. } =
            &self.egress;
        let seconds = Duration::from_secs;
        let local = interfaces();
        let name_servers = match &name_servers[..] {
            [] => NameServers::System,
            listed => NameServers::Listed(listed.to_vec()),
        };
        let private = private.iter().map(|Private { host, net, port }| PrivateAddress {
            host: host.clone(),
            net: *net,
            port: *port,
        });
        let config = |secret: &Secret| {
            let source = match (&secret.env, &secret.file) {
                (Some(name), _) => SecretSource::Env(name.clone()),
                (None, path) => SecretSource::File(path.clone().unwrap_or_default()),
            };
            SecretConfig { source, origin: secret.origin.clone() }
        };
        let secrets = self.secrets.iter().map(|(name, secret)| (name.clone(), config(secret))).collect();
        EgressConfig {
            resolver: ResolverConfig { name_servers, hosts: hosts.clone() },
            roots: roots.clone(),
            addresses: AddressPolicy { private: private.collect(), own, local },
            secrets,
            deadlines: Deadlines {
                dns: seconds(self.egress.dns_timeout),
                connect: seconds(self.egress.connect_timeout),
                tls: seconds(self.egress.tls_timeout),
                first_byte: seconds(self.egress.first_byte_timeout),
                idle: seconds(self.egress.idle_timeout),
            },
            connections: *connections,
            connections_per_origin: *connections_per_origin,
        }
    }

    /// What the operator says of tools.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            boundary: Arc::new(Boundary::new(self.boundary.inside.clone())),
            preview: self.confirmation.preview.iter().cloned().collect(),
            person: self.confirmation.person.iter().cloned().collect(),
            access: self.access.clone(),
            signs_in: self.authentication.issuer.is_some(),
            without_sign_in: self.authentication.without_sign_in,
        }
    }
}

/// The addresses of this machine: none of them is public to it, whatever it is to others (catalogue EG-04).
fn interfaces() -> Vec<IpAddr> {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces.into_iter().map(|interface| interface.ip()).collect(),
        Err(error) => {
            tracing::warn!(%error, "this machine's addresses can't be listed: public ones among them are not known as its own");
            Vec::new()
        }
    }
}
