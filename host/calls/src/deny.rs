//! Whom an operator shuts out: durable first, with its audit row, then in force on this host at once, and within seconds on every
//! other that has the same store (catalogue AU-25). It must never let an older reading of the list replace a newer one.

use std::{sync::Arc, time::Duration};

use portcullis_audit::{AdminAction, admin_row};
use portcullis_identity::{Denial, Denials, DeniedWhat, DenyList, TokenFacts};
use portcullis_manifest::{Principal, PrincipalKey, visible};
use portcullis_store::{DENIED_TEXT, Denied, DeniedEntry, DeniedKind, DenyRefused, Store, Unavailable};
use tokio::{sync::Mutex, task::AbortHandle, time::MissedTickBehavior};

use crate::{Host, way::now};

/// How often the store is asked what others have shut out.
const EVERY: Duration = Duration::from_secs(2);
/// How far ahead a time may be that tokens have to be issued after, in seconds: as far as clocks differ.
const AHEAD: u64 = 60;

/// Somebody was not shut out, or not let in again; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenyError {
    /// A value that no token has.
    #[error(
        "`{}` is no {what}: one is a text of 1 to {DENIED_TEXT} bytes without control characters, exactly as it stands in tokens",
        visible(&value.chars().take(100).collect::<String>())
    )]
    Form {
        /// What it should have been.
        what: &'static str,
        /// What was given.
        value: String,
    },
    /// A time that is none.
    #[error("`{}` is no time: write whole seconds since 1970, as `date +%s` prints them", visible(&.0.chars().take(100).collect::<String>()))]
    Time(String),
    /// A time that has not come.
    #[error(
        "{0} is in the future (it is {1} now): until then nobody could sign in. Are these milliseconds? Write whole seconds since 1970"
    )]
    Future(u64, u64),
    /// Tokens of another issuer are refused in any case, so the entry would shut out nobody.
    #[error("this host takes tokens of `{taken}` only: write exactly that, or leave the issuer out")]
    Issuer {
        /// Whose tokens are taken.
        taken: String,
    },
    /// Nothing to take back.
    #[error("there is no such entry: `portcullis denied` lists them; issuer and value have to be exactly the same")]
    Unknown,
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] DenyRefused),
}

/// Keeps the list that is in force as the store has it.
pub(crate) struct Denying {
    list: Arc<List>,
    poll: AbortHandle,
}

struct List {
    store: Arc<dyn Store>,
    denials: Denials,
    /// As it was read last. Reading and putting into force are one step: an older reading never comes after a newer one.
    read: Mutex<Vec<DeniedEntry>>,
}

impl Drop for Denying {
    fn drop(&mut self) {
        self.poll.abort();
    }
}

impl Denying {
    /// Puts what the store has into force, and goes on doing so.
    pub(crate) async fn start(store: Arc<dyn Store>, denials: Denials) -> Result<Self, Unavailable> {
        Self::start_with(store, denials, EVERY).await
    }

    async fn start_with(store: Arc<dyn Store>, denials: Denials, every: Duration) -> Result<Self, Unavailable> {
        let list = Arc::new(List { store, denials, read: Mutex::default() });
        list.read_again().await?;
        let polled = Arc::clone(&list);
        let poll = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                ticks.tick().await;
                let read = polled.read_again().await;
                match &read {
                    // Once, not every two seconds. What is in force stays so.
                    Err(error) if !failing => {
                        tracing::error!(target: "portcullis::alert", alert = "denied-not-read", %error, "what other hosts have shut out since is not in force here");
                    }
                    _ => {}
                }
                failing = read.is_err();
            }
        });
        Ok(Self { list, poll: poll.abort_handle() })
    }
}

impl List {
    async fn read_again(&self) -> Result<(), Unavailable> {
        let mut read = self.read.lock().await;
        let entries = self.store.denied().await?;
        if *read != entries {
            self.put(&entries);
            *read = entries;
        }
        Ok(())
    }

    /// Puts a change into force that is durable, whether or not the store can say what else there is.
    async fn changed(&self, change: impl FnOnce(&mut Vec<DeniedEntry>)) {
        let Err(error) = self.read_again().await else { return };
        tracing::warn!(%error, "the change is in force; what others have shut out meanwhile is read later");
        let mut read = self.read.lock().await;
        change(&mut read);
        self.put(&read);
    }

    fn put(&self, entries: &[DeniedEntry]) {
        self.denials.replace(entries.iter().filter_map(|entry| denial(&entry.denied)).collect::<DenyList>());
    }
}

/// None for a time that can't be read: somebody has changed the table by hand.
fn denial(denied: &Denied) -> Option<Denial> {
    let Denied { kind, issuer, value } = denied;
    let what = match kind {
        DeniedKind::Subject => DeniedWhat::Subject(value.clone()),
        DeniedKind::Client => DeniedWhat::Client(value.clone()),
        DeniedKind::Token => DeniedWhat::Token(value.clone()),
        DeniedKind::Issued => match value.parse() {
            Ok(before) => DeniedWhat::IssuedBefore(before),
            Err(_) => {
                tracing::error!(target: "portcullis::alert", alert = "denied-not-read", "an entry of the deny list has no time in it");
                return None;
            }
        },
    };
    Some(Denial { issuer: Some(issuer.clone()).filter(|issuer| !issuer.is_empty()), what })
}

/// What can be in a token, or a time that has come. `now` is in seconds since 1970.
fn check(denied: &Denied, now: u64) -> Result<(), DenyError> {
    let Denied { kind, issuer, value } = denied;
    let text = |text: &str| text.len() <= DENIED_TEXT && !text.chars().any(char::is_control);
    let form = |what, value: &str| Err(DenyError::Form { what, value: value.to_owned() });
    if !text(issuer) {
        return form("issuer", issuer);
    }
    if *kind == DeniedKind::Issued {
        // One spelling for one time, so that it is one entry.
        let before = value.parse::<u64>().ok().filter(|before| before.to_string() == *value);
        let before = before.ok_or_else(|| DenyError::Time(value.clone()))?;
        return if before <= now.saturating_add(AHEAD) { Ok(()) } else { Err(DenyError::Future(before, now)) };
    }
    if value.is_empty() || !text(value) {
        return form(kind.as_str(), value);
    }
    Ok(())
}

impl Host {
    /// Shuts out. When this returns, it is durable and in force on this host.
    ///
    /// # Errors
    /// See [`DenyError`].
    pub async fn deny(&self, denied: Denied, by: &str) -> Result<(), DenyError> {
        let done = self.shut_out(&denied, by).await;
        self.told(AdminAction::Deny, by, done).await
    }

    /// Takes an entry back.
    ///
    /// # Errors
    /// See [`DenyError`].
    pub async fn allow_again(&self, denied: Denied, by: &str) -> Result<(), DenyError> {
        let done = self.let_in(&denied, by).await;
        self.told(AdminAction::Allow, by, done).await
    }

    /// Everything that is shut out, newest first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn denied(&self) -> Result<Vec<DeniedEntry>, Unavailable> {
        self.store.denied().await
    }

    /// Whether this principal, or its client, has been shut out since its token was looked at. Which token it was is not known
    /// here any more: a token or a time that is shut out is found when the next request is authenticated.
    pub(crate) fn is_shut_out(&self, principal: &Principal) -> bool {
        let PrincipalKey::Subject { issuer, subject } = principal.key() else { return false };
        let client = principal.client();
        let facts = TokenFacts { issuer, subject, client, jti: None, issued_at: u64::MAX };
        self.denying.list.denials.refuses(&facts).is_some()
    }

    async fn shut_out(&self, denied: &Denied, by: &str) -> Result<(), DenyError> {
        let at = now();
        check(denied, u64::try_from(at / 1000).unwrap_or_default())?;
        if let Some(taken) =
            self.identity.issuer().filter(|taken| !denied.issuer.is_empty() && denied.issuer != **taken)
        {
            return Err(DenyError::Issuer { taken: taken.to_owned() });
        }
        let entry = DeniedEntry { denied: denied.clone(), by: by.to_owned(), at };
        let row = admin_row(AdminAction::Deny, by, None, self.audited(denied));
        self.store.deny(entry.clone(), row).await?;
        let change = |read: &mut Vec<DeniedEntry>| {
            read.retain(|other| other.denied != entry.denied);
            read.push(entry);
        };
        self.denying.list.changed(change).await;
        Ok(())
    }

    async fn let_in(&self, denied: &Denied, by: &str) -> Result<(), DenyError> {
        let row = admin_row(AdminAction::Allow, by, None, self.audited(denied));
        if !self.store.allow(denied.clone(), row).await.map_err(DenyRefused::from)? {
            return Err(DenyError::Unknown);
        }
        self.denying.list.changed(|read| read.retain(|other| other.denied != *denied)).await;
        Ok(())
    }

    /// What the audit says of an entry. A subject has the name there that its calls have; others have one that says whether two
    /// are the same. Times are not personal.
    fn audited(&self, denied: &Denied) -> String {
        let Denied { kind, issuer, value } = denied;
        let key = PrincipalKey::Subject { issuer: issuer.as_str().into(), subject: value.as_str().into() };
        let of = if issuer.is_empty() { " of any issuer" } else { "" };
        match kind {
            DeniedKind::Subject if !issuer.is_empty() => format!("subject {}", self.audit_name(&key)),
            DeniedKind::Issued => format!("issued before {value}{of}"),
            kind => {
                let purpose = format!("denied {}", kind.as_str());
                format!("{} {}{of}", kind.as_str(), self.pseudonyms.of(&purpose, &key))
            }
        }
    }

    async fn told(&self, action: AdminAction, by: &str, done: Result<(), DenyError>) -> Result<(), DenyError> {
        if let Err(error) = &done {
            self.admin_refused(action, by, None, error.rule()).await;
        }
        done
    }
}

impl DenyError {
    /// In words of the host's own: the message quotes what was given, which has no place in the audit.
    fn rule(&self) -> &'static str {
        match self {
            Self::Form { .. } => "form",
            Self::Time(_) | Self::Future(..) => "time",
            Self::Unknown => "no such entry",
            Self::Issuer { .. } => "another issuer",
            Self::Store(DenyRefused::Full) => "too many entries",
            Self::Store(DenyRefused::Unavailable(_)) => "store",
        }
    }
}

#[cfg(test)]
mod tests;
