//! The decision: whether a capability is for a request. What it makes, [`Admitted`], is all that a request is sent from.

use std::sync::Arc;

use portcullis_manifest::http::{Boundary, HttpCapability, Method, Origin, OriginPattern, Scheme, SecretSlot};

use crate::{Destination, InvalidDestination};

/// How far a call's authority reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// `egress.send`: wherever the capability is for.
    Granted,
    /// `egress.read`: of that, what is inside the operator's boundary, by GET or HEAD.
    Inside(Arc<Boundary>),
}

/// The proof that a request was decided on and may be sent: there is no other way to make one than [`admit`] and
/// [`Admitted::redirected`], which both decide in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    capability: Arc<HttpCapability>,
    reach: Reach,
    method: Method,
    destination: Destination,
    hops: u8,
    strayed: bool,
    body: bool,
}

/// Why a request may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// Another origin than the capability's.
    #[error(
        "`{asked}` is not an origin that this capability is for: it is for `{granted}`. A capability with \
         `origin = \"{asked}\"` in the manifest would allow it"
    )]
    Origin {
        /// Where the request would have gone.
        asked: Origin,
        /// Where the capability lets it go.
        granted: OriginPattern,
    },
    /// No line of `allow`.
    #[error(
        "no line of `allow` is for it: nothing listed, nothing allowed. `allow = [\"{method} {path}\"]` in the manifest would allow it"
    )]
    Rule {
        /// Its method.
        method: Method,
        /// Its path.
        path: String,
    },
    /// `egress.read` with a method that may write.
    #[error(
        "`egress.read` sends GET and HEAD only, and this is {0}; `egress.send` sends it, for a tool that has `:write` on this capability in `uses`"
    )]
    Writes(Method),
    /// `egress.read` to the outside.
    #[error(
        "`{0}` is outside what the operator calls inside, and `egress.read` goes no further: a URL carries data out. \
         `egress.send` goes there, for a tool that has `:write` on this capability in `uses`; or the operator lists it \
         under `inside` of `[boundary]`"
    )]
    Outside(Origin),
    /// An answer that is not followed.
    #[error("the status {0} is no redirect that is followed")]
    NotARedirect(u16),
    /// One redirect more than the capability allows.
    #[error(
        "the answer is a redirect, and this capability follows {0}; `redirects = N`, up to 3, in the manifest allows more"
    )]
    Redirects(u8),
    /// From `https` to `http`.
    #[error("the redirect leads from `https` to `{0}`, where everybody on the way could read it; nothing allows that")]
    Downgrade(Origin),
    /// Its `Location`.
    #[error("the redirect's location is refused: {0}")]
    Location(#[source] InvalidDestination),
}

impl NotAdmitted {
    /// The rule that refused, in one word: for the audit and for tests.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Origin { .. } => "origin",
            Self::Rule { .. } => "rule",
            Self::Writes(_) => "writes",
            Self::Outside(_) => "outside",
            Self::NotARedirect(_) => "not-a-redirect",
            Self::Redirects(_) => "redirects",
            Self::Downgrade(_) => "downgrade",
            Self::Location(_) => "location",
        }
    }
}

/// Decides whether `capability` is for this request.
///
/// # Errors
/// [`NotAdmitted`] with the rule that refuses it and what would allow it.
pub fn admit(
    capability: &Arc<HttpCapability>,
    reach: &Reach,
    method: Method,
    destination: Destination,
) -> Result<Admitted, NotAdmitted> {
    decide(capability, reach, method, &destination)?;
    Ok(Admitted {
        capability: Arc::clone(capability),
        reach: reach.clone(),
        method,
        destination,
        hops: 0,
        strayed: false,
        body: true,
    })
}

fn decide(
    capability: &HttpCapability,
    reach: &Reach,
    method: Method,
    destination: &Destination,
) -> Result<(), NotAdmitted> {
    let origin = destination.origin();
    if !capability.origin().matches(origin) {
        return Err(NotAdmitted::Origin { asked: origin.clone(), granted: capability.origin().clone() });
    }
    if capability.rule(method, destination.path()).is_none() {
        return Err(NotAdmitted::Rule { method, path: destination.path().to_string() });
    }
    if let Reach::Inside(boundary) = reach {
        if !matches!(method, Method::Get | Method::Head) {
            return Err(NotAdmitted::Writes(method));
        }
        if !boundary.contains(origin) {
            return Err(NotAdmitted::Outside(origin.clone()));
        }
    }
    Ok(())
}

impl Admitted {
    /// The capability that is for it.
    #[must_use]
    pub fn capability(&self) -> &Arc<HttpCapability> {
        &self.capability
    }

    /// How far the call's authority reaches.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The method that is sent.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Where it is sent.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// How many redirects led here.
    #[must_use]
    pub fn hops(&self) -> u8 {
        self.hops
    }

    /// Whether a redirect on the way here led to another origin. It stays so, even on the way back: what was told there
    /// may have chosen the way.
    #[must_use]
    pub fn origin_changed(&self) -> bool {
        self.strayed
    }

    /// Whether the request's body, and the headers that describe it, are sent: a redirect may have turned it into a GET.
    #[must_use]
    pub fn sends_body(&self) -> bool {
        self.body
    }

    /// Where a secret goes into it; never after the origin changed, and never in the clear.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretSlot> {
        let safe = !self.strayed && self.destination.origin().scheme() == Scheme::Https;
        self.capability.secret().filter(|_| safe)
    }

    /// Decides on the request that an answer with `status` and this `Location` asks for: a whole new decision, of the same
    /// capability (catalogue EG-06).
    ///
    /// # Errors
    /// [`NotAdmitted`] with the rule that refuses it.
    pub fn redirected(&self, status: u16, location: &str) -> Result<Self, NotAdmitted> {
        // RFC 9110 section 15.4, and where it leaves a choice, what every browser does: only POST becomes GET at 301, 302.
        let method = match (status, self.method) {
            (301 | 302, Method::Post) => Method::Get,
            (303, Method::Head) => Method::Head,
            (303, _) => Method::Get,
            (301 | 302 | 307 | 308, method) => method,
            _ => return Err(NotAdmitted::NotARedirect(status)),
        };
        if self.hops >= self.capability.redirects() {
            return Err(NotAdmitted::Redirects(self.capability.redirects()));
        }
        let destination = self.destination.join(location).map_err(NotAdmitted::Location)?;
        let (from, to) = (self.destination.origin(), destination.origin());
        if from.scheme() == Scheme::Https && to.scheme() == Scheme::Http {
            return Err(NotAdmitted::Downgrade(to.clone()));
        }
        decide(&self.capability, &self.reach, method, &destination)?;
        Ok(Self {
            capability: Arc::clone(&self.capability),
            reach: self.reach.clone(),
            method,
            hops: self.hops + 1,
            strayed: self.strayed || from != to,
            body: self.body && method == self.method,
            destination,
        })
    }
}
