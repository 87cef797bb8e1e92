//! Which legacy client a message comes from, as far as a question has to know. Over HTTP that is its `Mcp-Session-Id`: a
//! sealed value, so that nothing of it is kept here. It is never authentication: each request proves its principal by
//! itself, and a session of another one is none (catalogue AU-01, AU-08).

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use portcullis_backend::Asking;
use portcullis_keys::{Purpose, Sealer};
use portcullis_manifest::{NoticeLevel, Principal, PrincipalKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::era::Revision;

/// How long a session is good, and what belongs to it is kept, before its client has to shake hands again.
pub(crate) const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a legacy client gets of a call's lines that has not said what it wants.
const DEFAULT_LEVEL: NoticeLevel = NoticeLevel::Info;

/// How many sessions' levels are kept. One that is forgotten is the default again.
const LEVELS: usize = 4096;

const PURPOSE: Purpose = Purpose("portcullis legacy session 1");

/// Seals what legacy clients are given as their session. Replicas behind one balancer need the same key.
#[derive(Clone)]
pub struct SessionKey([u8; 32]);

/// What a session says. It holds nothing that the client did not say itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LegacySession {
    revision: String,
    /// That the client can put forms to a person, sample, tell its roots.
    form: bool,
    #[serde(default)]
    sampling: bool,
    #[serde(default)]
    roots: bool,
    principal: PrincipalKey,
    /// Tells two sessions of one principal apart.
    nonce: Uuid,
}

/// Makes sessions and opens them.
pub(crate) struct Sessions {
    sealer: Sealer<LegacySession>,
}

/// The levels that legacy clients have set, by their sessions, which are sealed and can't change.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    set: Mutex<HashMap<Uuid, (NoticeLevel, Instant)>>,
}

/// Who a question is put to, and whose answer counts: one client of one principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Holder {
    pub(crate) principal: PrincipalKey,
    session: Uuid,
}

/// A legacy client that has said what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) holder: Holder,
    /// What it can be asked. Of most clients that is nothing.
    pub(crate) asking: Asking,
    /// Whether it takes an event without a message, and an error that answers no request, for what they are: from 2025-11-25 on.
    pub(crate) primes: bool,
}

/// The client at the other end of a stream: the stream is its session.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: Uuid,
    /// What `initialize` said, one bit for each kind of question.
    asking: AtomicU8,
    /// What `logging/setLevel` said, by its place in [`NoticeLevel::ALL`].
    level: AtomicU8,
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

    /// A session for a client, whatever it can be asked: visible ASCII, as the header needs it.
    pub(crate) fn begin(&self, principal: &Principal, revision: Revision, asking: Asking) -> String {
        // Lists go with the revision.
        let Asking { form, lists: _, sampling, roots } = asking;
        let session = LegacySession {
            revision: revision.as_str().to_owned(),
            form,
            sampling,
            roots,
            principal: principal.key().clone(),
            nonce: random(),
        };
        self.sealer.seal(&session, now())
    }

    /// Which client sent this as its session. A value that is changed, too old, made elsewhere or another principal's is
    /// none, and no error: such a client can't be asked (DESIGN section 6a). A client that shook hands before it signed in can
    /// still do what it said, and whoever it signed in as is the one that is asked.
    pub(crate) fn open(&self, sealed: &str, principal: &Principal) -> Option<Session> {
        let opened = self.sealer.open(sealed, now()).ok()?;
        let LegacySession { revision, form, sampling, roots, principal: of, nonce } = opened;
        let own = of == *principal.key() || of == PrincipalKey::Anonymous;
        let primes = revision == Revision::V2025_11_25.as_str();
        let asking = Asking { form, lists: form && primes, sampling, roots };
        let holder = || Holder { principal: principal.key().clone(), session: nonce };
        own.then(|| Session { holder: holder(), asking, primes })
    }
}

impl Holder {
    /// As the backend knows it.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.session.simple(), self.principal)
    }
}

impl Levels {
    pub(crate) fn set(&self, holder: &Holder, level: NoticeLevel) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if set.len() >= LEVELS && !set.contains_key(&holder.session) {
            // A session that is over is not asked for again.
            set.retain(|_, (_, since)| now.duration_since(*since) < LIFE);
            if set.len() >= LEVELS
                && let Some(oldest) = set.iter().min_by_key(|(_, (_, since))| *since).map(|(session, _)| *session)
            {
                set.remove(&oldest);
            }
        }
        set.insert(holder.session, (level, now));
    }

    /// What this client wants; the default, for one that has not said it or has no session.
    pub(crate) fn of(&self, holder: Option<&Holder>) -> NoticeLevel {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        holder.and_then(|holder| set.get(&holder.session)).map_or(DEFAULT_LEVEL, |(level, _)| *level)
    }
}

impl Peer {
    pub(crate) fn new() -> Self {
        Self { stream: random(), asking: AtomicU8::new(0), level: AtomicU8::new(DEFAULT_LEVEL as u8) }
    }

    /// Takes note of what `initialize` said.
    pub(crate) fn declare(&self, asking: Asking) {
        let Asking { form, lists, sampling, roots } = asking;
        let bits = u8::from(form) | u8::from(sampling) << 1 | u8::from(roots) << 2 | u8::from(lists) << 3;
        self.asking.store(bits, Ordering::Relaxed);
    }

    /// Who is at the other end, and can be asked what it said.
    pub(crate) fn session(&self, principal: &Principal) -> Session {
        let bits = self.asking.load(Ordering::Relaxed);
        let bit = |place: u8| bits & 1 << place != 0;
        let asking = Asking { form: bit(0), lists: bit(3), sampling: bit(1), roots: bit(2) };
        let holder = Holder { principal: principal.key().clone(), session: self.stream };
        Session { holder, asking, primes: false }
    }

    /// Takes note of what `logging/setLevel` said.
    pub(crate) fn set_level(&self, level: NoticeLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// The least level of lines that the client wants.
    pub(crate) fn level(&self) -> NoticeLevel {
        NoticeLevel::ALL[usize::from(self.level.load(Ordering::Relaxed))]
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
        let sealed = sessions.begin(&ann(), Revision::V2025_11_25, Asking::FORM);
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
        let sealed = sessions.begin(&Principal::anonymous(), Revision::V2025_11_25, Asking::FORM);
        let holders = [Principal::anonymous(), ann(), bob];
        let holders = holders.map(|who| (sessions.open(&sealed, &who).unwrap().holder, who));
        for (nth, (holder, who)) in holders.iter().enumerate() {
            assert_eq!(holder.principal, *who.key());
            assert!(holders.iter().enumerate().all(|(other, (of, _))| (of == holder) == (other == nth)));
        }
    }

    /// Fails without the seal of a session, its purpose and its time.
    #[test]
    fn mc_14_a_changed_a_foreign_and_an_expired_session_are_none() {
        let (sessions, others) = (Sessions::new(&SessionKey::new([1; 32])), Sessions::new(&SessionKey::new([2; 32])));
        let sealed = sessions.begin(&ann(), Revision::V2025_06_18, Asking::FORM);
        assert_eq!(others.open(&sealed, &ann()), None);
        assert_eq!(sessions.open(&format!("{sealed}A"), &ann()), None);
        assert_eq!(sessions.open("", &ann()), None);
        let life = i64::try_from(LIFE.as_millis()).unwrap();
        let session = |form| LegacySession {
            revision: "2025-11-25".into(),
            form,
            sampling: false,
            roots: false,
            principal: ann().key().clone(),
            nonce: Uuid::nil(),
        };
        let at = |form, began| sessions.open(&sessions.sealer.seal(&session(form), began), &ann());
        assert_eq!(at(true, now() - life), None);
        assert!(at(true, now() - life + 60_000).is_some());
        assert_eq!(at(false, now()).map(|session| session.asking), Some(Asking::NOTHING));
        let elsewhere = Sealer::new([1; 32], Purpose("another"), LIFE).seal(&session(true), now());
        assert_eq!(sessions.open(&elsewhere, &ann()), None);
    }

    #[test]
    fn two_sessions_of_one_principal_differ() {
        let sessions = Sessions::new(&SessionKey::random());
        let holders = [(); 2]
            .map(|()| sessions.open(&sessions.begin(&ann(), Revision::V2025_11_25, Asking::FORM), &ann()).unwrap());
        assert_ne!(holders[0], holders[1]);
        let peers = [(); 2].map(|()| Peer::new());
        assert_eq!(peers[0].session(&ann()).asking, Asking::NOTHING);
        peers.iter().for_each(|peer| peer.declare(Asking::FORM));
        assert_ne!(peers[0].session(&ann()), peers[1].session(&ann()));
        peers[0].declare(Asking::NOTHING);
        assert_eq!(peers[0].session(&ann()).asking, Asking::NOTHING);
    }

    #[test]
    fn what_a_client_can_do_comes_back_with_its_session_and_on_its_stream() {
        let (sessions, peer) = (Sessions::new(&SessionKey::random()), Peer::new());
        for bits in 0..8 {
            let form = bits & 1 != 0;
            let asking = Asking { form, lists: form, sampling: bits & 2 != 0, roots: bits & 4 != 0 };
            let sealed = sessions.begin(&ann(), Revision::V2025_11_25, asking);
            assert_eq!(sessions.open(&sealed, &ann()).unwrap().asking, asking);
            let older = Asking { lists: false, ..asking };
            let sealed = sessions.begin(&ann(), Revision::V2025_06_18, asking);
            assert_eq!(sessions.open(&sealed, &ann()).unwrap().asking, older, "its forms have no lists");
            for asking in [asking, older] {
                peer.declare(asking);
                assert_eq!(peer.session(&ann()).asking, asking);
            }
        }
    }

    #[test]
    fn levels_are_a_sessions_own_and_their_number_is_bounded() {
        let holder = |session| Holder { principal: ann().key().clone(), session: Uuid::from_u128(session) };
        let levels = Levels::default();
        assert_eq!(levels.of(None), NoticeLevel::Info);
        levels.set(&holder(0), NoticeLevel::Emergency);
        levels.set(&holder(1), NoticeLevel::Debug);
        assert_eq!(levels.of(Some(&holder(0))), NoticeLevel::Emergency);
        assert_eq!(levels.of(Some(&holder(2))), NoticeLevel::Info);
        for session in 2..=LEVELS as u128 {
            levels.set(&holder(session), NoticeLevel::Error);
        }
        assert_eq!(levels.set.lock().unwrap().len(), LEVELS);
        assert_eq!(levels.of(Some(&holder(0))), NoticeLevel::Info, "the oldest made room");
        assert_eq!(levels.of(Some(&holder(1))), NoticeLevel::Debug);
        let peer = Peer::new();
        assert_eq!(peer.level(), NoticeLevel::Info);
        for level in NoticeLevel::ALL {
            peer.set_level(level);
            assert_eq!(peer.level(), level);
        }
    }
}
