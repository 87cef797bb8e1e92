//! What the operator calls inside.

use super::{Origin, OriginPattern};

/// What the operator calls inside: the origins that a call that only reads may ask. By default there are none. A manifest
/// can't move it (DESIGN rule 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary(Inside);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    Everything,
    Listed(Vec<OriginPattern>),
}

impl Boundary {
    /// Inside are the origins that one of these matches.
    #[must_use]
    pub fn new(inside: Vec<OriginPattern>) -> Self {
        Self(Inside::Listed(inside))
    }

    /// Everything is inside: for what is checked of a manifest before an operator is known. It must never decide a request.
    #[must_use]
    pub fn everything() -> Self {
        Self(Inside::Everything)
    }

    /// Whether `origin` is inside.
    #[must_use]
    pub fn contains(&self, origin: &Origin) -> bool {
        match &self.0 {
            Inside::Everything => true,
            Inside::Listed(inside) => inside.iter().any(|pattern| pattern.matches(origin)),
        }
    }

    /// Whether every origin that `pattern` is for is inside. Asking one by one is enough: two patterns together cover no
    /// wildcard that neither covers.
    #[must_use]
    pub fn covers(&self, pattern: &OriginPattern) -> bool {
        match &self.0 {
            Inside::Everything => true,
            Inside::Listed(inside) => inside.iter().any(|wider| wider.covers(pattern)),
        }
    }
}

impl Default for Boundary {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}
