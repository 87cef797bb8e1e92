//! The store of one host: SQLite with one writing thread, group commit, and reading threads.
//!
//! What plugins keep as files are rows too; their contents are blobs in a folder beside the database, written before the
//! transaction that names them and removed after the one that no longer does.
//!
//! The process that holds the lock file owns the store until it ends; nothing else opens the database.

mod audit_rows;
mod blob;
mod clock;
mod denied_rows;
mod executor;
mod expiry;
mod file_rows;
mod housekeeper;
mod kv_rows;
mod name_rows;
mod open;
mod owner;
mod preview_rows;
mod question_rows;
mod release_rows;
mod stream_rows;
mod task_rows;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use portcullis_manifest::Fingerprint;
use rusqlite::Connection;

use crate::{
    Answer, AuditEntry, AuditFilter, AuditRow, Commit, CommitRefused, Decision, Denied, DeniedEntry, DenyRefused,
    FileWrites, FilesPage, FilesPartition, FilesUsage, KeptEvents, KvPage, KvPartition, KvUsage, NameOnce, NewEvents,
    NewPreview, NewQuestions, NewRelease, NewTask, PublishOutcome, PublishRefused, QuestionEntry, QuestionsRefused,
    Release, RetiredCalls, Served, StateRefused, Store, TaskEntry, TaskMove, TaskRefused, Unavailable,
};
use blob::{Folder, Opened};
use clock::{Clock, System, Time};
use executor::{Ending, Executor};
use file_rows::Staged;
use housekeeper::{Housekeeper, Unnamed};
use kv_rows::Seen;
pub use open::OpenError;
pub use owner::{OwnerLock, OwnerLockError};

/// How many threads answer what guests read. Their reads are short; a second one keeps the longest of them, a large value, from
/// stopping the rest.
const READERS: usize = 2;

/// How many threads write blobs and sync them, and how many read files: none of that is done where keys are read or rows written.
const FILERS: usize = 2;

/// Threads that do the same, one after the other.
struct InTurn<const N: usize> {
    threads: [Executor; N],
    turn: AtomicUsize,
}

impl<const N: usize> InTurn<N> {
    fn of(threads: [Executor; N]) -> Self {
        Self { threads, turn: AtomicUsize::new(0) }
    }

    fn next(&self) -> &Executor {
        &self.threads[self.turn.fetch_add(1, Ordering::Relaxed) % N]
    }
}

/// See the module.
pub struct SqliteStore {
    writer: Executor,
    readers: InTurn<READERS>,
    /// For what can be long: listings and components. No guest waits for it.
    lister: Executor,
    file_readers: InTurn<FILERS>,
    file_writers: InTurn<FILERS>,
    folder: Arc<Folder>,
    clock: Clock,
    keeper: Housekeeper,
}

impl SqliteStore {
    /// Opens or creates `portcullis.db` and the folder `files` in `directory`, after checking that they are safe to use
    /// (catalogue ST-24). A database of an older program is brought up.
    ///
    /// # Errors
    /// [`OpenError`] says what is unsafe and what to do.
    pub fn open(directory: &Path, owner: &OwnerLock) -> Result<Self, OpenError> {
        Self::open_at(directory, owner, Arc::new(System))
    }

    fn open_at(directory: &Path, _owner: &OwnerLock, time: Arc<dyn Time>) -> Result<Self, OpenError> {
        let writer = open::writer(directory)?;
        let clock = Clock::start(time, expiry::mark(&writer)?);
        let folder = Arc::new(Folder::open(directory)?);
        let kept = folder.sweep(|blob| file_rows::names(&writer, blob))?;
        let missing = file_rows::count(&writer)?.saturating_sub(kept);
        if missing > 0 {
            tracing::error!(target: "portcullis::alert", alert = "file-damaged", missing, "files that plugins keep are not in the folder `files`");
        }
        let reader =
            |name| open::reader(directory).map(|connection| Executor::start(name, connection, executor::ALONE));
        let writer = Executor::start("store-write", writer, executor::GROUP);
        let keeper = Housekeeper::start(writer.clone(), clock.clone(), folder.clone());
        Ok(Self {
            writer,
            readers: InTurn::of([reader("store-read-0")?, reader("store-read-1")?]),
            lister: reader("store-list")?,
            file_readers: InTurn::of([reader("store-fread-0")?, reader("store-fread-1")?]),
            file_writers: InTurn::of([reader("store-fwrite-0")?, reader("store-fwrite-1")?]),
            folder,
            clock,
            keeper,
        })
    }

    /// Reads what can expire.
    async fn settled<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, i64) -> Result<Seen<T>, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let clock = self.clock.clone();
        let done = self.readers.next().run(move |db| {
            let now = clock.now();
            read(db, now).map(|seen| (seen, now))
        });
        let (Seen { answer, unsettled }, now) = done.await?;
        if unsettled {
            let settled: Result<(), Unavailable> = self.writer.run(move |db| expiry::settle(db, now)).await;
            if let Err(error) = settled {
                // Reading goes on where nothing can be written.
                tracing::warn!(%error, "that a key has expired was not written down");
            }
        }
        Ok(answer)
    }

    /// Writes the contents of a commit as blobs, durably.
    async fn stage(&self, writes: FileWrites) -> Result<(Staged, Unnamed), Unavailable> {
        let mut unnamed = Unnamed::new(self.keeper.clone());
        if writes.is_empty() {
            return Ok((Staged::new(), unnamed));
        }
        let folder = self.folder.clone();
        let stage = move |_: &Connection| {
            let mut staged = Staged::new();
            for (at, (limits, files)) in writes {
                let mut blobs = BTreeMap::new();
                for (name, write) in files {
                    let blob = match write.content {
                        Some(content) => Some(folder.write(&at.plugin, &at.owner, &content)?),
                        None => None,
                    };
                    if let Some(blob) = &blob {
                        unnamed.add(blob);
                    }
                    blobs.insert(name, blob);
                }
                if blobs.values().any(Option::is_some) {
                    folder.settle(&at.plugin, &at.owner)?;
                }
                staged.insert(at, (limits, blobs));
            }
            Ok((staged, unnamed))
        };
        self.file_writers.next().run(stage).await
    }
}

impl Store for SqliteStore {
    fn publish(&self, release: NewRelease, mut audit: AuditRow) -> Answer<'_, Result<PublishOutcome, PublishRefused>> {
        let assets: usize = release.assets.iter().map(|(_, _, content)| content.len()).sum();
        let bytes = (release.component.len() + assets) as u64;
        let publish = move |db: &Connection| {
            let outcome = release_rows::publish(db, &release)?;
            if outcome != PublishOutcome::New {
                audit.detail.push_str(", which was there already");
            }
            audit_rows::append(db, &[audit])?;
            Ok(outcome)
        };
        Box::pin(self.writer.write(bytes, publish, |_| ()))
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

    fn names(&self) -> Answer<'_, Result<Vec<NameOnce>, Unavailable>> {
        Box::pin(self.lister.run(name_rows::all))
    }

    fn count_retired(&self, calls: Vec<RetiredCalls>) -> Answer<'_, Result<(), Unavailable>> {
        Box::pin(self.writer.run(move |db| name_rows::count(db, &calls)))
    }

    fn component(&self, fingerprint: Fingerprint) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>> {
        Box::pin(self.lister.run(move |db| release_rows::component(db, fingerprint)))
    }

    fn assets(&self, fingerprint: Fingerprint) -> Answer<'_, Result<crate::AssetContents, Unavailable>> {
        Box::pin(self.lister.run(move |db| release_rows::assets(db, fingerprint)))
    }

    fn kv_get(&self, partition: KvPartition, key: String) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>> {
        Box::pin(self.settled(move |db, now| kv_rows::get(db, now, &partition, &key)))
    }

    fn kv_list(
        &self,
        partition: KvPartition,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<KvPage, Unavailable>> {
        Box::pin(self.settled(move |db, now| kv_rows::list(db, now, &partition, &prefix, after.as_deref(), limit)))
    }

    fn kv_usage(&self, partition: KvPartition) -> Answer<'_, Result<KvUsage, Unavailable>> {
        Box::pin(self.settled(move |db, now| kv_rows::usage(db, now, &partition)))
    }

    fn file_read(&self, partition: FilesPartition, name: String) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>> {
        let folder = self.folder.clone();
        Box::pin(
            self.file_readers
                .next()
                .run(move |db| folder.open_blob(|| file_rows::find(db, &partition, &name), Opened::content)),
        )
    }

    fn files_list(
        &self,
        partition: FilesPartition,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<FilesPage, Unavailable>> {
        Box::pin(self.readers.next().run(move |db| file_rows::list(db, &partition, &prefix, after.as_deref(), limit)))
    }

    fn files_usage(&self, partition: FilesPartition) -> Answer<'_, Result<FilesUsage, Unavailable>> {
        Box::pin(self.readers.next().run(move |db| file_rows::usage(db, &partition)))
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Result<(), CommitRefused>> {
        Box::pin(async move {
            let Commit { writes, files, audit } = commit;
            // Before the transaction, because nobody else's should wait for these syncs.
            let (staged, unnamed) = self.stage(files).await?;
            let clock = self.clock.clone();
            let bytes = kv_rows::bytes(&writes);
            let apply = move |db: &Connection| -> Result<_, CommitRefused> {
                kv_rows::apply(db, clock.now(), &writes)?;
                let replaced = file_rows::apply(db, &staged)?;
                audit_rows::append(db, &audit)?;
                Ok(replaced)
            };
            let ended = |ending: Ending<'_, _>| unnamed.ended(ending);
            self.writer.write(bytes, apply, ended).await.map(|_| ())
        })
    }

    fn preview_put(&self, preview: NewPreview) -> Answer<'_, Result<(), Unavailable>> {
        let wall = self.clock.wall();
        let bytes = preview.body.len() as u64;
        Box::pin(self.writer.write(bytes, move |db| preview_rows::put(db, wall, &preview), |_| ()))
    }

    fn confirm(
        &self,
        id: [u8; 16],
        audit: Vec<AuditRow>,
        now: i64,
    ) -> Answer<'_, Result<Option<Vec<u8>>, Unavailable>> {
        Box::pin(self.writer.run(move |db| preview_rows::confirm(db, id, &audit, now)))
    }

    fn spend(&self, nonce: [u8; 16], expires_at: i64, now: i64) -> Answer<'_, Result<bool, Unavailable>> {
        let clock = self.clock.clone();
        Box::pin(self.writer.run(move |db| preview_rows::spend(db, nonce, expires_at, now, clock.now())))
    }

    fn task_put(&self, task: NewTask) -> Answer<'_, Result<(), TaskRefused>> {
        let wall = self.clock.wall();
        Box::pin(self.writer.run(move |db| task_rows::put(db, wall, &task)))
    }

    fn task(&self, id: [u8; 16], now: i64) -> Answer<'_, Result<Option<TaskEntry>, Unavailable>> {
        Box::pin(self.readers.next().run(move |db| task_rows::find(db, id, now)))
    }

    fn task_step(&self, id: [u8; 16], revision: u64, to: TaskMove) -> Answer<'_, Result<bool, Unavailable>> {
        let bytes = to.body.len() as u64;
        Box::pin(self.writer.write(bytes, move |db| task_rows::step(db, id, revision, &to), |_| ()))
    }

    fn tasks_abandon(&self, end: TaskMove) -> Answer<'_, Result<usize, Unavailable>> {
        Box::pin(self.writer.run(move |db| task_rows::abandon(db, &end)))
    }

    fn stream_put(&self, events: NewEvents) -> Answer<'_, Result<(), Unavailable>> {
        let wall = self.clock.wall();
        let bytes = events.events.iter().map(|(_, body)| body.len() as u64).sum();
        Box::pin(self.writer.write(bytes, move |db| stream_rows::put(db, wall, &events), |_| ()))
    }

    fn stream_after(
        &self,
        stream: [u8; 16],
        holder: String,
        after: u64,
    ) -> Answer<'_, Result<Option<KeptEvents>, Unavailable>> {
        let wall = self.clock.wall();
        Box::pin(self.readers.next().run(move |db| stream_rows::after(db, wall, stream, &holder, after)))
    }

    fn questions_put(&self, questions: NewQuestions) -> Answer<'_, Result<(), QuestionsRefused>> {
        let wall = self.clock.wall();
        Box::pin(self.writer.run(move |db| question_rows::put(db, wall, &questions)))
    }

    fn questions(&self, ids: Vec<[u8; 16]>) -> Answer<'_, Result<Vec<QuestionEntry>, Unavailable>> {
        let wall = self.clock.wall();
        Box::pin(self.lister.run(move |db| question_rows::find(db, wall, &ids)))
    }

    fn question_answer(&self, holder: String, id: [u8; 16], answer: Vec<u8>) -> Answer<'_, Result<bool, Unavailable>> {
        let (wall, bytes) = (self.clock.wall(), answer.len() as u64);
        let write = move |db: &Connection| question_rows::answer(db, wall, &holder, id, &answer);
        Box::pin(self.writer.write(bytes, write, |_| ()))
    }

    fn question_claim(&self, holder: String, id: [u8; 16]) -> Answer<'_, Result<bool, Unavailable>> {
        let wall = self.clock.wall();
        Box::pin(self.writer.run(move |db| question_rows::claim(db, wall, &holder, id)))
    }

    fn questions_cancel(
        &self,
        principal: String,
        holder: String,
        request: [u8; 32],
    ) -> Answer<'_, Result<(), Unavailable>> {
        Box::pin(self.writer.run(move |db| question_rows::cancel(db, &principal, &holder, request)))
    }

    fn questions_remove(&self, ids: Vec<[u8; 16]>) -> Answer<'_, Result<(), Unavailable>> {
        Box::pin(self.writer.run(move |db| question_rows::remove(db, &ids)))
    }

    fn deny(&self, entry: DeniedEntry, audit: AuditRow) -> Answer<'_, Result<(), DenyRefused>> {
        Box::pin(self.writer.run(move |db| {
            denied_rows::put(db, &entry)?;
            Ok(audit_rows::append(db, &[audit])?)
        }))
    }

    fn allow(&self, denied: Denied, audit: AuditRow) -> Answer<'_, Result<bool, Unavailable>> {
        Box::pin(self.writer.run(move |db| {
            let was_there = denied_rows::remove(db, &denied)?;
            if was_there {
                audit_rows::append(db, &[audit])?;
            }
            Ok(was_there)
        }))
    }

    fn denied(&self) -> Answer<'_, Result<Vec<DeniedEntry>, Unavailable>> {
        Box::pin(self.lister.run(denied_rows::all))
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
            Some(code) if code.code == rusqlite::ErrorCode::DiskFull => format!(
                "SQLite error {} (DiskFull): there is no room on the disk of the data directory; make room there, and a host that \
                 runs goes on by itself",
                code.extended_code
            ),
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
through_unavailable!(PublishRefused, StateRefused, CommitRefused, DenyRefused, TaskRefused, QuestionsRefused);

#[cfg(test)]
mod tests;
