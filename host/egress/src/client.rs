//! The guarded client: from what was admitted to a response. It runs one way: what is said is inspected, the name is looked
//! up once, its addresses are decided on, one of them is connected to, the name is proven, the request is sent. Catalogue
//! EG-02.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_manifest::SecretName;
use portcullis_manifest::http::{Origin, Scheme};
use secrecy::SecretString;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::address::AddressPolicy;
use crate::attempt::{Attempt, Attempts, UnderWay, Verdict};
use crate::connect::connect;
use crate::error::{FetchError, SecretMissing};
use crate::exchange::{Answer, Bounds, exchange};
use crate::gate::{Gate, Pass};
use crate::grant::Admitted;
use crate::header::is_for_one_origin;
use crate::phase::{Deadlines, Phase, TimedOut, within};
use crate::request::{Request, Saying, message};
use crate::resolve::{DnsFault, NoNameServers, Resolver, ResolverConfig};
use crate::response::{Response, given, location};
use crate::room::Room;
use crate::scrub::Scrubbers;
use crate::secret::{SecretConfig, SecretUnreadable, Secrets};
use crate::slot::{Placeholders, Said, filled, inspect};
use crate::tls::{RootsUnreadable, Tls};

/// A request with its whole body at hand, so that it can be sent again.
type Message = http::Request<http_body_util::Full<bytes::Bytes>>;

/// What stands in a response where a secret was, if the guest knows no placeholder for it.
const TAKEN_OUT: &str = "[secret]";
/// How long is waited before a request is tried again, times the tries before.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of a body that are searched where the answer was read: a few milliseconds.
const AT_ONCE: usize = 64 << 10;

/// What the operator says about the way out.
#[derive(Clone, Debug)]
pub struct EgressConfig {
    /// How names are resolved.
    pub resolver: ResolverConfig,
    /// Files with certificate authorities that are trusted besides those that browsers trust.
    pub roots: Vec<PathBuf>,
    /// Which addresses may be reached.
    pub addresses: AddressPolicy,
    /// The secrets that requests may carry, by name.
    pub secrets: BTreeMap<SecretName, SecretConfig>,
    /// How long each phase may take.
    pub deadlines: Deadlines,
    /// How many connections there may be at once.
    pub connections: usize,
    /// How many of them to one origin.
    pub connections_per_origin: usize,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            resolver: ResolverConfig::default(),
            roots: Vec::new(),
            addresses: AddressPolicy::default(),
            secrets: BTreeMap::new(),
            deadlines: Deadlines::default(),
            connections: 128,
            connections_per_origin: 16,
        }
    }
}

/// The way out cannot be opened. For the operator, when the host starts.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// No name servers.
    #[error(transparent)]
    NameServers(#[from] NoNameServers),
    /// A file of roots.
    #[error(transparent)]
    Roots(#[from] RootsUnreadable),
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretUnreadable),
}

/// The one way out.
#[derive(Clone)]
pub struct Egress(Arc<Parts>);

struct Parts {
    resolver: Resolver,
    tls: Tls,
    addresses: AddressPolicy,
    secrets: Secrets,
    deadlines: Deadlines,
    gate: Gate,
}

/// What came of a fetch.
#[derive(Debug)]
pub struct Fetched {
    /// What the audit says.
    pub attempts: Vec<Attempt>,
    /// What the guest gets.
    pub result: Result<Response, FetchError>,
}

impl Egress {
    /// Reads whatever is read from outside, once: secrets, roots, the system's name servers.
    ///
    /// # Errors
    /// [`NotStarted`] with what cannot be read.
    pub fn start(config: EgressConfig) -> Result<Self, NotStarted> {
        Ok(Self(Arc::new(Parts {
            resolver: Resolver::start(config.resolver, config.deadlines.dns)?,
            tls: Tls::start(&config.roots)?,
            addresses: config.addresses,
            secrets: Secrets::read(&config.secrets)?,
            deadlines: config.deadlines,
            gate: Gate::new(config.connections, config.connections_per_origin),
        })))
    }

    /// The value of one of the operator's secrets, for a request that the host itself makes to that origin: the operator keeps it
    /// for no other. A guest has no way to this.
    #[must_use]
    pub fn secret(&self, name: &SecretName, origin: &Origin) -> Option<SecretString> {
        self.0.secrets.value(name, origin).map(SecretString::from)
    }

    /// Sends what was admitted, and follows and tries again as far as its capability says. Dropping the future closes
    /// whatever connection it has; what was sent by then is known only to [`Egress::fetch_into`].
    pub async fn fetch(&self, admitted: Admitted, request: Request, room: &Room) -> Fetched {
        let attempts = Attempts::default();
        let result = self.fetch_into(admitted, request, room, &attempts).await;
        Fetched { attempts: attempts.take(), result }
    }

    /// As [`Egress::fetch`], with the attempts written down where they outlast this future.
    ///
    /// # Errors
    /// [`FetchError`] with what refused the request, or with how it failed.
    pub async fn fetch_into(
        &self,
        admitted: Admitted,
        request: Request,
        room: &Room,
        attempts: &Attempts,
    ) -> Result<Response, FetchError> {
        let parts = &*self.0;
        let Request { headers, body, placeholders } = request;
        let saying = Saying::of(admitted.method(), &headers, body, room);
        let mut saying = saying.inspect_err(|error| refuse(attempts, &admitted, error))?;
        let mut hop = admitted;
        loop {
            let scrubber = parts.scrubber(&hop, &placeholders);
            let answer = parts.hop(&hop, &saying, &placeholders, room, attempts).await?;
            let location = location(&answer, scrubber.as_ref())
                .map_err(FetchError::from)
                .inspect_err(|error| refuse(attempts, &hop, error))?;
            let Some(location) = location.filter(|_| hop.capability().redirects() > 0) else {
                return searched(answer, scrubber, *room).await;
            };
            let next = hop.redirected(answer.status.as_u16(), &location).map_err(FetchError::Redirect);
            let next = next.inspect_err(|error| refuse(attempts, &hop, error))?;
            if !next.sends_body() {
                saying.without_body();
            }
            if next.origin_changed() {
                let slot = hop.capability().secret().map(|slot| slot.header());
                saying.headers.retain(|(name, _)| !is_for_one_origin(name) && slot != Some(name.as_str()));
            }
            hop = next;
        }
    }
}

/// What the guest gets of an answer. A long one is searched for secrets on a thread that answers nobody, and no longer than the
/// call may take.
async fn searched(answer: Answer, scrubber: Option<Scrubbers>, room: Room) -> Result<Response, FetchError> {
    if scrubber.is_none() || answer.body.len() <= AT_ONCE {
        return Ok(given(answer, scrubber.as_ref(), &room)?);
    }
    let search = tokio::task::spawn_blocking(move || given(answer, scrubber.as_ref(), &room));
    match timeout_at(room.deadline.into(), search).await {
        Ok(Ok(response)) => Ok(response?),
        Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(TimedOut { phase: Phase::Idle, whole: true }.into()),
    }
}

/// Writes down that something was refused before it began.
fn refuse(attempts: &Attempts, hop: &Admitted, error: &FetchError) {
    under_way(attempts, hop).end(Verdict::Refused(error.audited()));
}

fn under_way(attempts: &Attempts, hop: &Admitted) -> UnderWay {
    let destination = hop.destination();
    UnderWay::begin(attempts, destination.origin(), hop.method(), destination.path().as_str())
}

impl Parts {
    /// What takes secrets out of this hop's answer: every one that is for its origin, whether or not this request carries it. An
    /// origin may show to one who asks what it was sent by another.
    fn scrubber(&self, hop: &Admitted, placeholders: &Placeholders) -> Option<Scrubbers> {
        let own = hop.secret().map(|slot| slot.name());
        let placeholder = placeholders.own.as_deref().filter(|own| !own.is_empty());
        let scrubbers = self.secrets.at(hop.destination().origin()).map(|(name, value)| {
            let placeholder = placeholder.filter(|_| Some(name) == own).unwrap_or(TAKEN_OUT);
            (value, placeholder)
        });
        Scrubbers::new(scrubbers)
    }

    /// Whether an answer from there may repeat a secret: then it is asked for whole and plain.
    fn is_guarded(&self, hop: &Admitted) -> bool {
        self.secrets.at(hop.destination().origin()).next().is_some()
    }

    /// One hop: one decision, one lookup, and as many tries as the capability allows to what was decided.
    async fn hop(
        &self,
        hop: &Admitted,
        saying: &Saying,
        placeholders: &Placeholders,
        room: &Room,
        attempts: &Attempts,
    ) -> Result<Answer, FetchError> {
        let mut under = under_way(attempts, hop);
        let began = self.begin(hop, saying, placeholders, room).await;
        let (_pass, message, addresses) = match began {
            Ok(began) => began,
            Err(error) => {
                under.end(Verdict::Refused(error.audited()));
                return Err(error);
            }
        };
        let tries = if hop.method().is_idempotent() { hop.capability().retries() } else { 0 };
        let mut tried = 0;
        loop {
            let result = self.attempt(hop, message.clone(), &addresses, room, &mut under).await;
            let error = match result {
                Ok(answer) => {
                    under.end(Verdict::Answered(answer.status.as_u16()));
                    return Ok(answer);
                }
                Err(error) => error,
            };
            // Once a byte came back, the far side has begun to act on the request.
            let again = tried < tries && error.is_passing() && under.meter.received() == 0;
            under.end(Verdict::Failed(error.audited()));
            tried += 1;
            let next = Instant::now() + PAUSE * u32::from(tried);
            if !again || next >= room.deadline.into() {
                return Err(error);
            }
            sleep_until(next).await;
            under = under_way(attempts, hop);
        }
    }

    /// Everything that is decided about a hop before there is a connection.
    async fn begin(
        &self,
        hop: &Admitted,
        saying: &Saying,
        placeholders: &Placeholders,
        room: &Room,
    ) -> Result<(Pass, Message, Vec<SocketAddr>), FetchError> {
        let (destination, slot) = (hop.destination(), hop.secret());
        let target = destination.target();
        let said = Said { path_and_query: &target, headers: &saying.headers, body: &saying.body };
        inspect(&said, placeholders, slot, self.is_guarded(hop))?;
        let secret = match slot {
            Some(slot) => {
                let value = self.secrets.value(slot.name(), destination.origin());
                Some(filled(slot, value.ok_or_else(|| SecretMissing(slot.name().clone()))?))
            }
            None => None,
        };
        let message = message(hop.method(), destination.origin(), &target, saying, secret)?;
        let pass = self.gate.enter(destination.origin())?;
        let lookup = self.resolver.lookup(destination.origin().host());
        let answers = within(Phase::Dns, self.deadlines.dns, room.deadline.into(), lookup).await?;
        let answers = answers.map_err(|fault| match fault {
            // The resolver's own clock ends with the phase's: whichever is first, it is the phase that took too long.
            DnsFault::TimedOut => TimedOut { phase: Phase::Dns, whole: false }.into(),
            fault => FetchError::from(fault),
        })?;
        Ok((pass, message, self.addresses.decide(destination.origin(), &answers)?))
    }

    /// One connection and one exchange on it.
    async fn attempt(
        &self,
        hop: &Admitted,
        message: Message,
        addresses: &[SocketAddr],
        room: &Room,
        under: &mut UnderWay,
    ) -> Result<Answer, FetchError> {
        let origin: &Origin = hop.destination().origin();
        let deadline: Instant = room.deadline.into();
        let (bounds, meter) = (Bounds::new(room, &self.deadlines, self.is_guarded(hop)), Arc::clone(&under.meter));
        let stream = connect(addresses, self.deadlines.connect, deadline, |tried| under.address = Some(tried)).await?;
        let answer = match origin.scheme() {
            Scheme::Http => exchange(stream, message, bounds, &meter).await?,
            Scheme::Https => {
                let handshake = self.tls.handshake(stream, origin.host());
                let stream = within(Phase::Tls, self.deadlines.tls, deadline, handshake).await??;
                exchange(stream, message, bounds, &meter).await?
            }
        };
        Ok(answer)
    }
}
