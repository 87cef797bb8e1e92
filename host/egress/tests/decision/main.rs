//! The decision on a request: its destination, its grant and the addresses its name leads to.

mod address;
mod grant;
#[allow(unreachable_pub, reason = "it is the fuzz package's too")]
#[path = "../../../../fuzz/holds/destination.rs"]
mod holds;
mod properties;
mod vectors;

use std::sync::Arc;

use portcullis_egress::Destination;
use portcullis_manifest::http::{HttpCapability, Origin};

fn destination(text: &str) -> Destination {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

/// A capability for `origin` with these lines of `allow`, which follows up to `redirects`.
fn capability(origin: &str, allow: &[&str], redirects: u8) -> Arc<HttpCapability> {
    let allow = allow.iter().map(|rule| rule.parse().unwrap()).collect();
    Arc::new(HttpCapability::new(origin.parse().unwrap(), allow, None, redirects, 0).unwrap())
}
