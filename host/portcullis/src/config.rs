//! The configuration: one TOML file, every key optional. `docs/configuration.md` documents each; a test holds both together.

mod admin;
mod authentication;
mod egress;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use portcullis_calls::{CapacityLimits, RateLimits};
use portcullis_manifest::SecretName;
use portcullis_mcp::{AllowedHosts, AllowedOrigins, PublicUrl};
use portcullis_sandbox::{CompileLimits, PoolLimits};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{exit::Failure, lockdown::Lockdown};
pub(crate) use admin::AdminSection;
pub(crate) use authentication::{Access, AuthenticationSection};
pub(crate) use egress::{BoundarySection, Confirmation, EgressSection, Secret};

/// The file. Unknown keys are refused: a misspelt limit would otherwise be no limit.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where database, keys and artefacts are.
    pub(crate) data: Option<PathBuf>,
    /// Where MCP is served. Loopback only, unless authentication is configured.
    #[serde(deserialize_with = "address")]
    pub(crate) listen: Option<SocketAddr>,
    /// Whether an approver must be another person than the publisher. On unless switched off.
    pub(crate) four_eyes: Option<bool>,
    /// Values of `Host` that are answered, beside the loopback names.
    pub(crate) allowed_hosts: Vec<String>,
    /// Values of `Origin` that are answered, beside this server's own.
    pub(crate) allowed_origins: Vec<String>,
    /// Where clients find the endpoint, behind a proxy.
    pub(crate) public_url: Option<String>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) server: Server,
    pub(crate) http: Http,
    pub(crate) compile: Compile,
    pub(crate) pool: Pool,
    pub(crate) capacity: Capacity,
    pub(crate) rate: Rate,
    pub(crate) authentication: AuthenticationSection,
    /// Who sees a plugin's tools and may call them.
    pub(crate) access: Access,
    /// Where people who sign in run the host.
    pub(crate) admin: AdminSection,
    pub(crate) boundary: BoundarySection,
    pub(crate) egress: EgressSection,
    /// Values that requests may carry, by the name that manifests use.
    pub(crate) secrets: BTreeMap<SecretName, Secret>,
    pub(crate) confirmation: Confirmation,
    pub(crate) lockdown: Lockdown,
    pub(crate) log: Log,
}

/// `[server]`: what the server says of itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) instructions: Option<String>,
    /// What an app directory looks for at a path of its own.
    pub(crate) openai_apps_challenge: Option<String>,
}

/// `[http]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    /// Longest request body, in bytes.
    pub(crate) body_limit: usize,
    /// Bytes that all bodies which are being read and answered may hold together.
    pub(crate) body_memory: usize,
    /// Items in one page of any list: tools, prompts, resources, templates.
    pub(crate) page_size: usize,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Seconds that a client may take for the head of a request.
    pub(crate) header_timeout: u64,
    /// Seconds that a client may take for what is written, and one more for each 64 KiB.
    pub(crate) write_timeout: u64,
    /// Whether the event stream of each call of a legacy client that has a session is closed after its first event.
    pub(crate) close_streams: bool,
}

/// `[compile]`: what compiling one component may take.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compile {
    /// Bytes of component.
    pub(crate) size: u64,
    /// Seconds of CPU.
    pub(crate) cpu: u64,
    /// Seconds.
    pub(crate) wall: u64,
    /// Bytes of address space.
    pub(crate) memory: u64,
}

/// `[pool]`: what is reserved at start for each call.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pool {
    pub(crate) calls: u32,
    pub(crate) core_instances: u32,
    pub(crate) memories: u32,
    pub(crate) tables: u32,
}

/// `[capacity]`: budgets beyond which a call is busy.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Capacity {
    pub(crate) waiting: u32,
    /// Bytes.
    pub(crate) memory: u64,
}

/// `[rate]`: calls in a minute, and at once. 0 is no limit.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rate {
    pub(crate) user: u32,
    pub(crate) plugin: u32,
    pub(crate) host: u32,
    pub(crate) user_at_once: u32,
}

/// `[log]`: to stderr.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    /// As in `RUST_LOG`, which is not read.
    pub(crate) filter: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: "portcullis".to_owned(),
            title: "Portcullis".to_owned(),
            instructions: None,
            openai_apps_challenge: None,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            body_limit: portcullis_mcp::DEFAULT_BODY_LIMIT,
            body_memory: portcullis_mcp::DEFAULT_BODY_MEMORY,
            page_size: portcullis_mcp::DEFAULT_PAGE_SIZE,
            connections: 1024,
            header_timeout: 30,
            write_timeout: 30,
            close_streams: false,
        }
    }
}

impl Default for Compile {
    fn default() -> Self {
        let CompileLimits { size, cpu, wall, memory } = CompileLimits::default();
        Self { size, cpu: cpu.as_secs(), wall: wall.as_secs(), memory }
    }
}

impl Default for Pool {
    fn default() -> Self {
        let PoolLimits { calls, core_instances, memories, tables } = PoolLimits::default();
        Self { calls, core_instances, memories, tables }
    }
}

impl Default for Capacity {
    fn default() -> Self {
        let CapacityLimits { waiting, memory, .. } = CapacityLimits::default();
        Self { waiting, memory }
    }
}

impl Default for Rate {
    fn default() -> Self {
        let RateLimits { user, plugin, host, user_at_once } = RateLimits::default();
        Self { user, plugin, host, user_at_once }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

impl Config {
    /// Reads the file that is named, or `portcullis.toml` in the data directory.
    pub(crate) fn load(named: Option<&Path>, data: Option<&Path>) -> Result<Self, Failure> {
        let default = data.unwrap_or(Path::new(DATA)).join("portcullis.toml");
        let path = match named {
            Some(path) => path,
            None if default.exists() => &default,
            None => return Self::default().with(data).check(),
        };
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))?;
        let config: Self = toml::from_str(&text).map_err(|error| match about_a_secret(&text, &error) {
            // Without the line itself: it may hold what should not have been written there.
            Some(line) => Failure::usage(format_args!(
                "{}: line {line}: a secret is written `NAME = {{ file = \"PATH\", origin = \"https://...\" }}` (or `env = \"NAME\"`), \
                 and its value never stands here",
                path.display()
            )),
            None => Failure::usage(format_args!("{}: {error}", path.display())),
        })?;
        config.with(data).check()
    }

    fn with(mut self, data: Option<&Path>) -> Self {
        if let Some(data) = data {
            self.data = Some(data.to_owned());
        }
        self
    }

    fn check(self) -> Result<Self, Failure> {
        let at_least = |key: &str, value: u64, least: u64| {
            if value < least {
                return Err(Failure::usage(format_args!(
                    "configuration: `{key}` is {value}; it must be at least {least}"
                )));
            }
            Ok(())
        };
        at_least("http.body_limit", self.http.body_limit as u64, 1024)?;
        // A budget below it would refuse, as if there were a crowd, what the limit allows to anybody.
        at_least("http.body_memory", self.http.body_memory as u64, self.http.body_limit as u64)?;
        at_least("http.page_size", self.http.page_size as u64, 1)?;
        at_least("http.connections", self.http.connections as u64, 1)?;
        at_least("http.header_timeout", self.http.header_timeout, 1)?;
        at_least("http.write_timeout", self.http.write_timeout, 1)?;
        at_least("compile.size", self.compile.size, 1024)?;
        at_least("compile.cpu", self.compile.cpu, 1)?;
        at_least("compile.wall", self.compile.wall, 1)?;
        // Below this the compiler itself has no room, whatever it compiles.
        at_least("compile.memory", self.compile.memory, 1536 << 20)?;
        for (key, value) in [
            ("pool.calls", self.pool.calls),
            ("pool.core_instances", self.pool.core_instances),
            ("pool.memories", self.pool.memories),
            ("pool.tables", self.pool.tables),
        ] {
            at_least(key, value.into(), 1)?;
            if value > 4096 {
                return Err(Failure::usage(format_args!("configuration: `{key}` is {value}; it must be at most 4096")));
            }
        }
        at_least("capacity.memory", self.capacity.memory, 1 << 20)?;
        self.authentication.check(&self)?;
        self.admin.check(&self)?;
        self.egress.check()?;
        self.secrets.iter().try_for_each(|(name, secret)| secret.check(name))?;
        for host in &self.allowed_hosts {
            AllowedHosts::check(host).map_err(|error| never("allowed_hosts", &error))?;
        }
        for origin in &self.allowed_origins {
            AllowedOrigins::check(origin).map_err(|error| never("allowed_origins", &error))?;
        }
        self.public_url()?;
        let is_token =
            |token: &str| !token.is_empty() && token.len() <= 512 && token.bytes().all(|b| b.is_ascii_graphic());
        if self.server.openai_apps_challenge.as_deref().is_some_and(|token| !is_token(token)) {
            return Err(Failure::usage(
                "configuration: `server.openai_apps_challenge` must be the token as the directory gives it: at most 512 \
                 letters, digits and signs of ASCII, without spaces",
            ));
        }
        Ok(self)
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(DATA))
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    pub(crate) fn public_url(&self) -> Result<Option<PublicUrl>, Failure> {
        self.public_url.as_deref().map(str::parse).transpose().map_err(|error| never("public_url", &error))
    }

    pub(crate) fn four_eyes(&self) -> bool {
        self.four_eyes.unwrap_or(true)
    }

    pub(crate) fn compile_limits(&self) -> CompileLimits {
        let Compile { size, cpu, wall, memory } = self.compile;
        CompileLimits { size, cpu: Duration::from_secs(cpu), wall: Duration::from_secs(wall), memory }
    }

    pub(crate) fn pool_limits(&self) -> PoolLimits {
        let Pool { calls, core_instances, memories, tables } = self.pool;
        PoolLimits { calls, core_instances, memories, tables }
    }

    pub(crate) fn rate_limits(&self) -> RateLimits {
        let Rate { user, plugin, host, user_at_once } = self.rate;
        RateLimits { user, plugin, host, user_at_once }
    }

    pub(crate) fn capacity_limits(&self) -> CapacityLimits {
        CapacityLimits { calls: self.pool.calls, waiting: self.capacity.waiting, memory: self.capacity.memory }
    }
}

/// The line of a mistake that stands in `[secrets]`, whose text must not be repeated (catalogue OP-01).
fn about_a_secret(text: &str, error: &toml::de::Error) -> Option<usize> {
    let before = &text[..error.span()?.start.min(text.len())];
    let whole = &text[..before.len() + text[before.len()..].find('\n').unwrap_or(text.len() - before.len())];
    let table = whole.lines().rev().find(|line| line.trim_start().starts_with('['));
    let inside = table.is_some_and(|line| line.contains("secrets"));
    let here = whole.lines().last().is_some_and(|line| line.trim_start().starts_with("secrets"));
    (inside || here).then(|| before.lines().count().max(1))
}

/// A value that would never do anything.
fn never(key: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format_args!("configuration: `{key}`: {error}"))
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        D::Error::custom(format_args!(
            "`{}` is no socket address: write numbers, such as `127.0.0.1:8080` or `[::1]:8080`; names are not looked up",
            portcullis_manifest::visible(&text.chars().take(200).collect::<String>())
        ))
    })
}

/// Where data is kept unless something else is said.
const DATA: &str = ".portcullis";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn an_empty_file_is_the_defaults_and_four_eyes_are_on() {
        let config = parse("").unwrap();
        assert!(config.four_eyes());
        assert!(config.listen().ip().is_loopback());
        assert_eq!(config.pool_limits(), PoolLimits::default());
        assert_eq!(config.compile_limits(), CompileLimits::default());
    }

    #[test]
    fn a_key_that_is_not_known_is_refused_with_its_line() {
        let error = parse("four_eyes = true\nfoureyes = false\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("foureyes"), "{error}");
        let error = parse("[pool]\ncalls = 0\n").unwrap_err();
        assert!(error.contains("`pool.calls` is 0; it must be at least 1"), "{error}");
    }

    #[test]
    fn the_example_shows_the_defaults() {
        let default = Config::default();
        let shown = Config {
            data: Some(default.data().to_owned()),
            listen: Some(default.listen()),
            four_eyes: Some(default.four_eyes()),
            ..default
        };
        let example: Config = toml::from_str(include_str!("../../../examples/portcullis.toml")).unwrap();
        assert_eq!(example, shown);
    }

    #[test]
    fn what_can_never_match_is_refused_with_what_to_write_instead() {
        for (text, words) in [
            (
                "allowed_hosts = [\"a\", \"http://a\"]",
                "configuration: `allowed_hosts`: `http://a` is no value of the header Host; write `a`",
            ),
            (
                "allowed_origins = [\"x\"]",
                "configuration: `allowed_origins`: `x` is no value of the header Origin of a page; write `https://x`",
            ),
            (
                "public_url = \"ftp://x\"",
                "configuration: `public_url`: `ftp://x` is no URL that clients can be given: it must be http or https",
            ),
            ("[server]\nopenai_apps_challenge = \"a b\"", "`server.openai_apps_challenge` must be the token"),
            ("[server]\nopenai_apps_challenge = \"\"", "`server.openai_apps_challenge` must be the token"),
            ("[http]\nbody_memory = 5000\n", "`http.body_memory` is 5000; it must be at least 4194304"),
            ("[http]\nwrite_timeout = 0\n", "`http.write_timeout` is 0; it must be at least 1"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        parse("allowed_hosts = [\"a:8443\"]\nallowed_origins = [\"https://a/\"]\npublic_url = \"https://a/mcp\"")
            .unwrap();
    }

    #[test]
    fn an_address_has_numbers() {
        for text in ["listen = \"localhost:8080\"", "listen = \":8080\"", "listen = \"127.0.0.1\"", "listen = \"\""] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("line 1") && error.contains("write numbers, such as `127.0.0.1:8080`"), "{error}");
        }
        assert_eq!(parse("listen = \"[::1]:0\"").unwrap().listen(), "[::1]:0".parse().unwrap());
    }
}
