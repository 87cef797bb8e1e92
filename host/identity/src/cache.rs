//! Tokens that were verified, remembered by their hash: the second request with a token costs a lookup. What is remembered is
//! never good for longer than the token, nor with other keys than it was verified with. It must never hold a token.

use std::sync::Arc;

use portcullis_manifest::Principal;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::claims::Claims;

/// How many tokens are remembered. Whoever presents more of them makes the host verify them again.
const MOST: usize = 10_000;

/// SHA-256 of a token.
pub(crate) type TokenHash = [u8; 32];

/// What is remembered of a token.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) principal: Principal,
    pub(crate) claims: Claims,
    /// The generation of the keys that it was verified with.
    pub(crate) generation: u64,
}

/// Tokens that were verified.
pub(crate) struct Tokens(Cache<TokenHash, Arc<Remembered>>);

pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MOST))
    }

    /// The token of this hash, while it is valid and its key is among the keys of `generation`.
    pub(crate) fn get(&self, hash: &TokenHash, generation: u64, now: u64) -> Option<Arc<Remembered>> {
        let found = self.0.get(hash)?;
        if found.generation != generation || found.claims.expires_at <= now {
            self.0.remove(hash);
            return None;
        }
        Some(found)
    }

    /// Whether this token was good once.
    pub(crate) fn holds(&self, hash: &TokenHash) -> bool {
        self.0.contains_key(hash)
    }

    pub(crate) fn remember(&self, hash: TokenHash, token: Arc<Remembered>) {
        self.0.insert(hash, token);
    }
}
