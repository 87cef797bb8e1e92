//! The catalogue and the way of a call: which releases are served, and how one call goes from a name on the wire through
//! admission, audit and sandbox to a durable outcome. It implements `Backend` and knows nothing of transports. It must never
//! weaken a decision of `host/admission`, and never answer a write before its outcome is durable.

mod access;
mod answer;
mod asked;
mod capacity;
mod catalogue;
mod clean;
mod deny;
mod descriptor;
mod host;
mod moved;
mod offer;
mod policy;
mod publish;
mod rate;
mod release;
mod replaced;
mod stable;
mod streams;
mod task;
mod tombstone;
mod uris;
mod way;

pub use capacity::CapacityLimits;
pub use catalogue::{NotServed, Taken};
pub use deny::DenyError;
pub use host::{Host, HostConfig, HostError};
pub use moved::moved;
pub use policy::Policy;
pub use publish::{DecideError, PublishError, Published};
pub use rate::RateLimits;
pub use release::{Inspection, PrefixRefused, ReadRelease, Source, SourceError};
pub use stable::{Unstable, breaks};
pub use way::{ARGUMENT as CONFIRMATION, Report};
