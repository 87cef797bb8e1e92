//! Who is asking: from what a transport read to a principal. Today there is one answer, the local principal, and it is
//! given only where nobody else can be asking: on stdio and on loopback. It must never take identity from anything but a
//! verified credential or the transport itself (DESIGN rule 9).

use std::net::IpAddr;

use portcullis_manifest::Principal;

/// How principals are established on one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Mode);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Local,
}

/// A listener that others can reach needs authentication (catalogue MC-02).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "refusing to listen on {address}: without authentication only loopback is served. Set `listen` to 127.0.0.1 or ::1, \
     and put an authenticating proxy in front if others are to reach it"
)]
pub struct ReachableUnauthenticated {
    address: IpAddr,
}

impl Identity {
    /// Whoever reaches this is the person who runs the host: stdio, and the store's own socket.
    #[must_use]
    pub fn local() -> Self {
        Self(Mode::Local)
    }

    /// The identity of a listener without authentication.
    ///
    /// # Errors
    /// [`ReachableUnauthenticated`] unless `address` is loopback.
    pub fn for_listener(address: IpAddr) -> Result<Self, ReachableUnauthenticated> {
        if address.is_loopback() { Ok(Self(Mode::Local)) } else { Err(ReachableUnauthenticated { address }) }
    }

    /// The principal behind a request. Credentials that nothing can verify are ignored, not believed.
    #[must_use]
    pub fn principal(&self) -> Principal {
        match self.0 {
            Mode::Local => Principal::local(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mc_02_only_loopback_is_served_without_authentication() {
        for address in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(Identity::for_listener(address.parse().unwrap()), Ok(Identity::local()));
        }
        // `::ffff:127.0.0.1` is reachable only from this machine too, but the resolver that made it is not trusted to say so.
        for address in ["0.0.0.0", "::", "192.168.0.1", "10.0.0.1", "8.8.8.8", "::ffff:127.0.0.1"] {
            let error = Identity::for_listener(address.parse().unwrap()).unwrap_err();
            assert!(error.to_string().starts_with("refusing to listen on "), "{error}");
        }
    }
}
