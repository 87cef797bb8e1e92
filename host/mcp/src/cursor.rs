//! Cursors of lists: opaque, authenticated, good for one list, one generation of the catalogue (catalogue MC-13) and for the principal
//! whose list it was (catalogue AU-08).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use portcullis_backend::ListKind;
use portcullis_manifest::PrincipalKey;
use sha2::{Digest as _, Sha256};

/// How much of the HMAC a cursor carries.
const TAG: usize = 16;

/// Keeps cursors of one purpose from passing for another.
const DOMAIN: &[u8] = b"portcullis list cursor 3\0";

/// Authenticates cursors. Replicas behind one balancer need the same key.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

/// A cursor that this server did not make for the list as it now is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadCursor {
    /// Also one of another principal: whoever guesses learns nothing.
    #[error("this server did not make that cursor for this list and this principal: list again without one")]
    Foreign,
    #[error("the list has changed since that cursor was made: list again without one")]
    Stale,
}

impl CursorKey {
    /// A key that several replicas share.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A key that dies with the process.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// A cursor for what comes after `last`.
    pub(crate) fn make(&self, kind: ListKind, principal: &PrincipalKey, generation: u64, last: &str) -> String {
        let mut bytes = generation.to_be_bytes().to_vec();
        bytes.extend_from_slice(last.as_bytes());
        let tag = self.mac(kind, principal, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What the next page begins after.
    pub(crate) fn open(
        &self,
        kind: ListKind,
        principal: &PrincipalKey,
        generation: u64,
        cursor: &str,
    ) -> Result<String, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadCursor::Foreign)?;
        let (content, tag) = bytes.split_last_chunk::<TAG>().ok_or(BadCursor::Foreign)?;
        self.mac(kind, principal, content).verify_truncated_left(tag).map_err(|_| BadCursor::Foreign)?;
        let (made_for, last) = content.split_first_chunk().ok_or(BadCursor::Foreign)?;
        if u64::from_be_bytes(*made_for) != generation {
            return Err(BadCursor::Stale);
        }
        String::from_utf8(last.to_vec()).map_err(|_| BadCursor::Foreign)
    }

    fn mac(&self, kind: ListKind, principal: &PrincipalKey, content: &[u8]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        // A digest has one length, so no part of a name passes for part of what follows it.
        let principal = Sha256::digest(principal.to_string());
        mac.chain_update(DOMAIN).chain_update([kind as u8]).chain_update(principal).chain_update(content)
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn au_08_no_two_principals_share_a_cursor() {
        let subject =
            |issuer: &str, subject: &str| PrincipalKey::Subject { issuer: issuer.into(), subject: subject.into() };
        let principals = [
            PrincipalKey::Local,
            PrincipalKey::Anonymous,
            subject("https://a.example", "ann"),
            subject("https://a.example", "bob"),
            subject("https://b.example", "ann"),
            subject("https://a.example:3", "ann"),
            subject("", "local"),
            subject("local", ""),
            subject("", "anonymous"),
        ];
        let key = CursorKey::new([1; 32]);
        for (nth, principal) in principals.iter().enumerate() {
            let cursor = key.make(ListKind::Tools, principal, 7, "notes_create");
            for (other, of) in principals.iter().enumerate() {
                let expected = if nth == other { Ok("notes_create".to_owned()) } else { Err(BadCursor::Foreign) };
                assert_eq!(key.open(ListKind::Tools, of, 7, &cursor), expected, "{principal} {of}");
            }
            assert_eq!(key.open(ListKind::Tools, principal, 8, &cursor), Err(BadCursor::Stale));
            for other in [ListKind::Resources, ListKind::Templates, ListKind::Prompts] {
                assert_eq!(key.open(other, principal, 7, &cursor), Err(BadCursor::Foreign));
            }
        }
    }
}
