//! Which legacy client a message comes from, as far as a question has to know. Over HTTP that is its `Mcp-Session-Id`: a
//! sealed value, so that nothing of it is kept here. It is never authentication: each request proves its principal by
//! itself, and a session of another one is none (catalogue AU-01, AU-08).

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use portcullis_keys::{Purpose, Sealer};
use portcullis_manifest::{Principal, PrincipalKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::era::Revision;

/// How long a client can be asked before it has to shake hands again.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

const PURPOSE: Purpose = Purpose("portcullis legacy session 1");

/// Seals what legacy clients are given as their session. Replicas behind one balancer need the same key.
#[derive(Clone)]
pub struct SessionKey([u8; 32]);

/// What a session says. It holds nothing that the client did not say itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LegacySession {
    revision: String,
    /// That the client can put forms to a person.
    form: bool,
    principal: PrincipalKey,
    /// Tells two sessions of one principal apart.
    nonce: Uuid,
}

/// Makes sessions and opens them.
pub(crate) struct Sessions {
    sealer: Sealer<LegacySession>,
}

/// Who a question is put to, and whose answer counts: one client of one principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) principal: PrincipalKey,
    session: Uuid,
}

/// The client at the other end of a stream: the stream is its session.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: Uuid,
    form: AtomicBool,
}

impl SessionKey {
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
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

impl Sessions {
    pub(crate) fn new(key: &SessionKey) -> Self {
        Self { sealer: Sealer::new(key.0, PURPOSE, LIFE) }
    }

    /// A session for a client that can be asked: visible ASCII, as the header needs it.
    pub(crate) fn begin(&self, principal: &Principal, revision: Revision) -> String {
        let session = LegacySession {
            revision: revision.as_str().to_owned(),
            form: true,
            principal: principal.key().clone(),
            nonce: random(),
        };
        self.sealer.seal(&session, now())
    }

    /// Who can be asked by what a client sent as its session. A value that is changed, too old, made elsewhere or another
    /// principal's is none, and no error: such a client can't be asked (DESIGN section 6a). A client that shook hands before
    /// it signed in can still do what it said, and whoever it signed in as is the one that is asked.
    pub(crate) fn open(&self, sealed: &str, principal: &Principal) -> Option<Holder> {
        let session = self.sealer.open(sealed, now()).ok()?;
        let own = session.principal == *principal.key() || session.principal == PrincipalKey::Anonymous;
        (session.form && own).then(|| Holder { principal: principal.key().clone(), session: session.nonce })
    }
}

impl Peer {
    pub(crate) fn new() -> Self {
        Self { stream: random(), form: AtomicBool::new(false) }
    }

    /// Takes note of what `initialize` said.
    pub(crate) fn declare(&self, form: bool) {
        self.form.store(form, Ordering::Relaxed);
    }

    /// Who can be asked on this stream.
    pub(crate) fn holder(&self, principal: &Principal) -> Option<Holder> {
        let holder = || Holder { principal: principal.key().clone(), session: self.stream };
        self.form.load(Ordering::Relaxed).then(holder)
    }
}

fn random() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use portcullis_manifest::Grants;

    use super::*;

    fn ann() -> Principal {
        Principal::subject("https://issuer.example", "ann", Grants::default())
    }

    #[test]
    fn au_08_a_session_counts_for_its_principal_alone() {
        let sessions = Sessions::new(&SessionKey::new([1; 32]));
        let sealed = sessions.begin(&ann(), Revision::V2025_11_25);
        assert!(sealed.bytes().all(|byte| byte.is_ascii_graphic()));
        let holder = sessions.open(&sealed, &ann()).unwrap();
        assert_eq!(sessions.open(&sealed, &ann()), Some(holder));
        for other in [
            Principal::local(),
            Principal::anonymous(),
            Principal::subject("https://issuer.example", "bob", Grants::default()),
            Principal::subject("https://other.example", "ann", Grants::default()),
        ] {
            assert_eq!(sessions.open(&sealed, &other), None);
        }
    }

    #[test]
    fn au_08_a_session_from_before_sign_in_goes_on_as_whoever_signed_in_and_as_nobody_else() {
        let sessions = Sessions::new(&SessionKey::new([1; 32]));
        let bob = Principal::subject("https://issuer.example", "bob", Grants::default());
        let sealed = sessions.begin(&Principal::anonymous(), Revision::V2025_11_25);
        let holders = [Principal::anonymous(), ann(), bob].map(|who| (sessions.open(&sealed, &who).unwrap(), who));
        for (nth, (holder, who)) in holders.iter().enumerate() {
            assert_eq!(holder.principal, *who.key());
            assert!(holders.iter().enumerate().all(|(other, (of, _))| (of == holder) == (other == nth)));
        }
    }

    #[test]
    fn mc_14_a_changed_a_foreign_and_an_expired_session_are_none() {
        let (sessions, others) = (Sessions::new(&SessionKey::new([1; 32])), Sessions::new(&SessionKey::new([2; 32])));
        let sealed = sessions.begin(&ann(), Revision::V2025_06_18);
        assert_eq!(others.open(&sealed, &ann()), None);
        assert_eq!(sessions.open(&format!("{sealed}A"), &ann()), None);
        assert_eq!(sessions.open("", &ann()), None);
        let life = i64::try_from(LIFE.as_millis()).unwrap();
        let session = |form| LegacySession {
            revision: "2025-11-25".into(),
            form,
            principal: ann().key().clone(),
            nonce: Uuid::nil(),
        };
        let at = |form, began| sessions.open(&sessions.sealer.seal(&session(form), began), &ann());
        assert_eq!(at(true, now() - life), None);
        assert!(at(true, now() - life + 60_000).is_some());
        assert_eq!(at(false, now()), None, "it says that the client can't be asked");
        let elsewhere = Sealer::new([1; 32], Purpose("another"), LIFE).seal(&session(true), now());
        assert_eq!(sessions.open(&elsewhere, &ann()), None);
    }

    #[test]
    fn two_sessions_of_one_principal_differ() {
        let sessions = Sessions::new(&SessionKey::random());
        let holders = [(); 2].map(|()| sessions.open(&sessions.begin(&ann(), Revision::V2025_11_25), &ann()).unwrap());
        assert_ne!(holders[0], holders[1]);
        let peers = [(); 2].map(|()| Peer::new());
        assert_eq!(peers[0].holder(&ann()), None);
        peers.iter().for_each(|peer| peer.declare(true));
        assert_ne!(peers[0].holder(&ann()), peers[1].holder(&ann()));
        peers[0].declare(false);
        assert_eq!(peers[0].holder(&ann()), None);
    }
}
