//! The store of one host: SQLite with one writing thread, group commit, and reading threads.
//!
//! The process that holds the lock file owns the store until it ends; nothing else opens the database.

mod audit_rows;
mod executor;
mod kv_rows;
mod open;
mod owner;
mod release_rows;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use portcullis_manifest::Fingerprint;

use crate::{
    Answer, AuditEntry, AuditFilter, AuditRow, Commit, CommitRefused, Decision, KvPage, KvPartition, KvUsage,
    NewRelease, PublishOutcome, PublishRefused, Release, Served, StateRefused, Store, Unavailable,
};
use executor::Executor;
pub use open::OpenError;
pub use owner::{OwnerLock, OwnerLockError};

/// How many threads answer what guests read. Their reads are short; a second one keeps the longest of them, a large value, from
/// stopping the rest.
const READERS: usize = 2;

/// See the module.
pub struct SqliteStore {
    writer: Executor,
    readers: [Executor; READERS],
    turn: AtomicUsize,
    /// For what can be long: listings and components. No guest waits for it.
    lister: Executor,
}

impl SqliteStore {
    /// Opens or creates `portcullis.db` in `directory`, after checking that it is safe to use (catalogue ST-24).
    ///
    /// # Errors
    /// [`OpenError`] says what is unsafe and what to do.
    pub fn open(directory: &Path, _owner: &OwnerLock) -> Result<Self, OpenError> {
        let writer = open::writer(directory)?;
        let reader =
            |name| open::reader(directory).map(|connection| Executor::start(name, connection, executor::ALONE));
        Ok(Self {
            writer: Executor::start("store-write", writer, executor::GROUP),
            readers: [reader("store-read-0")?, reader("store-read-1")?],
            turn: AtomicUsize::new(0),
            lister: reader("store-list")?,
        })
    }

    fn reader(&self) -> &Executor {
        &self.readers[self.turn.fetch_add(1, Ordering::Relaxed) % READERS]
    }
}

impl Store for SqliteStore {
    fn publish(&self, release: NewRelease, mut audit: AuditRow) -> Answer<'_, Result<PublishOutcome, PublishRefused>> {
        Box::pin(self.writer.write(release.component.len() as u64, move |db| {
            let outcome = release_rows::publish(db, &release)?;
            if outcome != PublishOutcome::New {
                audit.detail.push_str(", which was there already");
            }
            audit_rows::append(db, &[audit])?;
            Ok(outcome)
        }))
    }

    fn decide(&self, decision: Decision, audit: AuditRow) -> Answer<'_, Result<(), StateRefused>> {
        Box::pin(self.writer.run(move |db| {
            release_rows::decide(db, &decision)?;
            Ok(audit_rows::append(db, &[audit])?)
        }))
    }

    fn releases(&self) -> Answer<'_, Result<Vec<Release>, Unavailable>> {
        Box::pin(self.lister.run(release_rows::all))
    }

    fn served(&self) -> Answer<'_, Result<Served, Unavailable>> {
        Box::pin(self.lister.run(release_rows::served))
    }

    fn component(&self, fingerprint: Fingerprint) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>> {
        Box::pin(self.lister.run(move |db| release_rows::component(db, fingerprint)))
    }

    fn kv_get(&self, partition: KvPartition, key: String) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>> {
        Box::pin(self.reader().run(move |db| kv_rows::get(db, &partition, &key)))
    }

    fn kv_list(
        &self,
        partition: KvPartition,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<KvPage, Unavailable>> {
        Box::pin(self.reader().run(move |db| kv_rows::list(db, &partition, &prefix, after.as_deref(), limit)))
    }

    fn kv_usage(&self, partition: KvPartition) -> Answer<'_, Result<KvUsage, Unavailable>> {
        Box::pin(self.reader().run(move |db| kv_rows::usage(db, &partition)))
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Result<(), CommitRefused>> {
        Box::pin(self.writer.write(kv_rows::bytes(&commit.writes), move |db| {
            kv_rows::apply(db, &commit.writes)?;
            audit_rows::append(db, &commit.audit).map_err(CommitRefused::from)
        }))
    }

    fn append(&self, rows: Arc<Vec<AuditRow>>) -> Answer<'_, Result<(), Unavailable>> {
        Box::pin(self.writer.run(move |db| audit_rows::append(db, &rows)))
    }

    fn audit(&self, filter: AuditFilter) -> Answer<'_, Result<Vec<AuditEntry>, Unavailable>> {
        Box::pin(self.lister.run(move |db| audit_rows::list(db, &filter)))
    }
}

impl From<rusqlite::Error> for Unavailable {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite's own messages can name the file; the error code can't.
        let reason = match error.sqlite_error() {
            Some(code) => format!("SQLite error {} ({:?})", code.extended_code, code.code),
            None => "a row is not of the form this version writes".to_owned(),
        };
        tracing::error!(%error, "store");
        Self { reason }
    }
}

macro_rules! through_unavailable {
    ($($error:ty),*) => {$(
        impl From<rusqlite::Error> for $error {
            fn from(error: rusqlite::Error) -> Self {
                Unavailable::from(error).into()
            }
        }
    )*};
}
through_unavailable!(PublishRefused, StateRefused, CommitRefused);

#[cfg(test)]
mod tests;
