//! The resources that one stream, or one session, wants to hear of.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::limits::{TooManyUris, URI};

/// A bounded set. A legacy client changes it while its stream is open.
#[derive(Debug)]
pub(crate) struct Uris {
    limit: usize,
    set: Mutex<BTreeSet<String>>,
}

impl Uris {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, set: Mutex::default() }
    }

    pub(crate) fn insert(&self, uri: String) -> Result<(), TooManyUris> {
        if uri.len() > URI {
            return Err(TooManyUris::Long);
        }
        let mut set = self.lock();
        if set.len() >= self.limit && !set.contains(&uri) {
            return Err(TooManyUris::Many(self.limit));
        }
        set.insert(uri);
        Ok(())
    }

    pub(crate) fn remove(&self, uri: &str) {
        self.lock().remove(uri);
    }

    pub(crate) fn contains(&self, uri: &str) -> bool {
        self.lock().contains(uri)
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // A poisoned lock guards a set that is whole after every step.
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
