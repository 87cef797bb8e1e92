//! What verifies an issuer's tokens, with a clock that is told the time; and what the issuer was asked meanwhile.

use std::{
    collections::BTreeMap,
    num::NonZeroU16,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use portcullis_egress::{Deadlines, Egress, EgressConfig, NameServers, PrivateAddress, ResolverConfig};
use portcullis_identity::{Authentication, AuthenticationConfig, Authorization, Clock, NotProven, Presented};
use portcullis_manifest::Principal;

use crate::{
    issuer::{Issuer, RESOURCE, Signer},
    tokens::{Factory, signers},
};

/// When every test begins.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Longer than any test takes that does not wait for it.
const LONG: Duration = Duration::from_secs(60);

/// A clock that goes when it is told to.
#[derive(Default)]
pub(crate) struct Hands(AtomicU64);

impl Hands {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn unix(&self) -> u64 {
        NOW + self.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

impl Issuer {
    /// Whether it ends every connection without an answer.
    pub(crate) fn away(&self, away: bool) {
        *self.site.away.lock() = away;
    }

    /// How often `path` was asked for.
    pub(crate) fn heard(&self, path: &str) -> usize {
        self.site.heard.lock().iter().filter(|heard| *heard == path).count()
    }

    pub(crate) fn config(&self) -> AuthenticationConfig {
        AuthenticationConfig::new(self.url(), RESOURCE)
    }

    /// The operator's way out: `localhost` may be reached at these ports.
    pub(crate) fn egress(ports: &[u16]) -> Egress {
        let deadlines = Deadlines { dns: LONG, connect: LONG, tls: LONG, first_byte: LONG, idle: LONG };
        let hosts = BTreeMap::from([("localhost".parse().unwrap(), vec!["127.0.0.1".parse().unwrap()])]);
        let resolver = ResolverConfig { name_servers: NameServers::Listed(Vec::new()), hosts };
        let mut config = EgressConfig { deadlines, resolver, ..EgressConfig::default() };
        for port in ports {
            config.addresses.private.push(PrivateAddress {
                host: "localhost".parse().unwrap(),
                net: "127.0.0.0/8".parse().unwrap(),
                port: NonZeroU16::new(*port).unwrap().into(),
            });
        }
        Egress::start(config).unwrap()
    }

    /// What verifies this issuer's tokens, and its clock.
    pub(crate) fn verifier(&self, config: AuthenticationConfig) -> (Arc<Authentication>, Arc<Hands>) {
        self.verifier_reaching(config, &[self.address.port()])
    }

    pub(crate) fn verifier_reaching(
        &self,
        config: AuthenticationConfig,
        ports: &[u16],
    ) -> (Arc<Authentication>, Arc<Hands>) {
        let hands = Arc::new(Hands::default());
        let clock: Arc<dyn Clock> = Arc::<Hands>::clone(&hands);
        (Arc::new(Authentication::with_clock(config, Self::egress(ports), clock).unwrap()), hands)
    }
}

/// An issuer that shows three keys, and somebody else who has one.
pub(crate) struct Scene {
    pub(crate) issuer: Issuer,
    signers: [Signer; 4],
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let signers = signers();
        let [rsa, ec, ed, _] = &signers;
        Self { issuer: Issuer::showing(&[rsa, ec, ed]).await, signers }
    }

    /// What makes its tokens.
    pub(crate) fn factory(&self) -> Factory<'_> {
        let [rsa, ec, ed, foreign] = &self.signers;
        Factory { issuer: self.issuer.url(), rsa, ec, ed, foreign, sink: String::new(), now: NOW }
    }
}

/// Presents `token` as every client does.
pub(crate) async fn present(authentication: &Authentication, token: &str) -> Result<Principal, NotProven> {
    let value = format!("Bearer {token}");
    let presented = Presented { authorization: Authorization::Value(&value), source: None };
    authentication.authenticate(&presented).await
}

/// The word of the rule that refuses `token`, or `good`.
pub(crate) async fn verdict(authentication: &Authentication, token: &str) -> &'static str {
    present(authentication, token).await.map_or_else(|not_proven| not_proven.rule(), |_| "good")
}
