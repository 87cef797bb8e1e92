//! The one way out, for guests and for the host's own fetches: where a request may go is decided once, from a URL that was
//! parsed once, and what was decided is what is connected to and sent. It must never read a destination a second time,
//! connect to an address that was not decided on, or take anything from the environment (DESIGN rules 5 and 9).

mod address;
mod attempt;
mod client;
mod connect;
mod destination;
mod error;
mod exchange;
mod gate;
mod grant;
mod header;
mod phase;
mod request;
mod resolve;
mod response;
mod room;
mod scrub;
mod secret;
mod slot;
mod tls;
mod wire;

pub use address::{AddressPolicy, AddressRefused, MAX_ANSWERS, PrivateAddress, Range, not_public};
pub use attempt::{Attempt, Attempts, Verdict};
pub use client::{Egress, EgressConfig, Fetched, NotStarted};
pub use connect::ConnectFault;
pub use destination::{Destination, InvalidDestination, MAX_URL};
pub use error::{FetchError, SecretMissing, Unsendable};
pub use exchange::ProtocolFault;
pub use gate::Busy;
pub use grant::{Admitted, NotAdmitted, Reach, admit};
pub use header::HeaderRefused;
pub use phase::{Deadlines, Phase, TimedOut};
pub use request::Request;
pub use resolve::{DnsFault, NameServers, NoNameServers, ResolverConfig};
pub use response::Response;
pub use room::{Amount, Room, TooLarge};
pub use secret::{MAX_SECRET, MIN_SECRET, SecretConfig, SecretSource, SecretUnreadable};
pub use slot::{Misplaced, Placeholders};
pub use tls::{RootsUnreadable, TlsFault};
