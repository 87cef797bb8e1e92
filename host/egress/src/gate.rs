//! How many connections there may be at once: in all, and to one origin, so that nobody's plugin can use up the sockets of
//! everybody. Nothing waits here: a guest that waits holds a place of its own. Catalogue EG-40.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_manifest::http::Origin;

/// No place for one more connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// The whole host's are taken.
    #[error("all {most} connections that this host may have at once are in use. Try again later")]
    Host {
        /// How many there are.
        most: usize,
    },
    /// Those to one origin are taken.
    #[error("all {most} connections that this host may have at once to {origin} are in use. Try again later")]
    Origin {
        /// How many there are.
        most: usize,
        /// Which origin.
        origin: Origin,
    },
}

/// Counts connections.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    in_all: usize,
    per_origin: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    // An origin is here only while there is a connection to it: the map cannot grow by being asked.
    per_origin: HashMap<Origin, usize>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Gate,
    origin: Origin,
}

impl Gate {
    pub(crate) fn new(in_all: usize, per_origin: usize) -> Self {
        Self(Arc::new(Counts { in_all, per_origin, open: Mutex::default() }))
    }

    /// A place for one connection to `origin`.
    pub(crate) fn enter(&self, origin: &Origin) -> Result<Pass, Busy> {
        let mut open = self.0.open.lock();
        if open.in_all >= self.0.in_all {
            return Err(Busy::Host { most: self.0.in_all });
        }
        if open.per_origin.get(origin).copied().unwrap_or(0) >= self.0.per_origin {
            return Err(Busy::Origin { most: self.0.per_origin, origin: origin.clone() });
        }
        open.in_all += 1;
        *open.per_origin.entry(origin.clone()).or_default() += 1;
        Ok(Pass { gate: self.clone(), origin: origin.clone() })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut open = self.gate.0.open.lock();
        open.in_all -= 1;
        if let Some(count) = open.per_origin.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                open.per_origin.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eg_40_places_run_out_for_an_origin_and_for_all_and_are_given_back() {
        let gate = Gate::new(3, 2);
        let [a, b]: [Origin; 2] = ["https://a.example", "https://b.example"].map(|origin| origin.parse().unwrap());
        let first = gate.enter(&a).unwrap();
        let _second = gate.enter(&a).unwrap();
        assert_eq!(gate.enter(&a).unwrap_err(), Busy::Origin { most: 2, origin: a.clone() });
        let third = gate.enter(&b).unwrap();
        assert_eq!(gate.enter(&b).unwrap_err(), Busy::Host { most: 3 });
        drop(third);
        assert_eq!(gate.0.open.lock().per_origin.len(), 1);
        assert_eq!(gate.enter(&a).unwrap_err(), Busy::Origin { most: 2, origin: a.clone() });
        drop(first);
        assert!(gate.enter(&a).is_ok());
    }
}
