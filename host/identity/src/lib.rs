//! Who is asking: from what a transport read to a principal. By access tokens of one issuer, which are verified here for every
//! request; or, on stdio and on loopback where nobody else can be asking, the person who runs the host. It must never take
//! identity from anything but a verified credential or the transport itself (DESIGN rule 9), and never pass a token on.

mod authentication;
mod cache;
mod claims;
mod clock;
mod config;
mod deny;
mod failures;
mod identity;
mod introspection;
mod json;
mod keys;
mod keyset;
mod post;
mod proof;
mod source;
mod token;

pub use authentication::Authentication;
pub use claims::{ClaimRefused, ClaimSource, Claims};
pub use clock::{Clock, SystemClock};
pub use config::{
    Algorithm, AuthenticationConfig, InvalidAuthentication, MAX_LEEWAY, RoleClaim, TokenType, UnknownAlgorithm,
};
pub use deny::{Denial, Denials, DeniedBy, DeniedWhat, DenyList, TokenFacts};
pub use failures::{FailureCounts, Failures, FailuresConfig, TooMany};
pub use identity::{Identity, ReachableUnauthenticated};
pub use introspection::{IntrospectionConfig, Introspector, NoIntrospection, NotIntrospected};
pub use keys::{FIRST_INTERVAL, INTERVAL, MAX_AGE, MAX_STALE};
pub use post::PlaceRefused;
pub use proof::{Authorization, NotProven, Presented, RULES};
pub use source::metadata_urls;
pub use token::{MAX_TOKEN, TokenRefused};
