//! One thread that removes what nobody waits for: blobs that were replaced, and, slowly, what has expired.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    blob::{Blob, BlobAt, Folder},
    clock::Clock,
    executor::{Ending, Executor},
    expiry, file_rows, preview_rows, question_rows, stream_rows, task_rows,
};
use crate::Unavailable;

/// How often what has expired is looked for. It is gone for everybody who asks long before.
const EVERY: Duration = Duration::from_secs(60);

enum Task {
    /// No row names these.
    Remove(Vec<BlobAt>),
    /// Whether a row names these is known when something else was written: see [`Ending::Doubtful`].
    Doubt(Vec<BlobAt>),
    /// Says when everything before it is done.
    #[cfg(test)]
    Tell(Sender<()>),
}

/// The way to the thread, which ends when the last of these is dropped.
#[derive(Clone)]
pub(super) struct Housekeeper {
    tasks: Sender<Task>,
}

impl Housekeeper {
    pub(super) fn start(writer: Executor, clock: Clock, folder: Arc<Folder>) -> Self {
        let (tasks, queue) = channel();
        std::thread::Builder::new()
            .name("store-keep".to_owned())
            .spawn(move || work(&queue, &writer, &clock, &folder))
            .expect("a thread can be started while the store opens");
        Self { tasks }
    }

    pub(super) fn remove(&self, blobs: Vec<BlobAt>) {
        if !blobs.is_empty() {
            self.send(Task::Remove(blobs));
        }
    }

    fn doubt(&self, blobs: Vec<BlobAt>) {
        self.send(Task::Doubt(blobs));
    }

    #[cfg(test)]
    pub(super) fn tell(&self, done: Sender<()>) {
        self.send(Task::Tell(done));
    }

    fn send(&self, task: Task) {
        // It listens for as long as there is a sender.
        let _ = self.tasks.send(task);
    }
}

fn work(queue: &Receiver<Task>, writer: &Executor, clock: &Clock, folder: &Folder) {
    let mut doubted = Vec::new();
    let mut next = Instant::now() + EVERY;
    loop {
        match queue.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Task::Remove(blobs)) => folder.remove(&blobs),
            Ok(Task::Doubt(mut blobs)) => doubted.append(&mut blobs),
            #[cfg(test)]
            Ok(Task::Tell(done)) => drop(done.send(())),
            Err(RecvTimeoutError::Timeout) => {
                purge_all(writer, clock);
                doubted = resolve(writer, folder, doubted);
                next = Instant::now() + EVERY;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Removes what has expired, a small batch in each transaction, so that others come between.
pub(super) fn purge_all(writer: &Executor, clock: &Clock) {
    loop {
        let clock = clock.clone();
        match writer.run_here(move |db| purge(db, &clock)) {
            Ok(0) => return,
            Ok(removed) => tracing::debug!(removed, "expired"),
            Err(error) => {
                tracing::warn!(%error, "what has expired was not removed; it is tried again");
                return;
            }
        }
    }
}

fn purge(db: &Connection, clock: &Clock) -> Result<usize, Unavailable> {
    let now = clock.now();
    let keys = expiry::purge(db, now, None, expiry::BATCH)?;
    if keys > 0 {
        expiry::advance(db, now)?;
    }
    let wall = clock.wall();
    let short = stream_rows::purge(db, wall)? + task_rows::purge(db, wall)? + question_rows::purge(db, wall)?;
    Ok(keys + preview_rows::purge(db, wall)? + preview_rows::forget(db, now)? + short)
}

/// Removes those that no row names, now that it can be known, and gives those that it can't be known of yet.
pub(super) fn resolve(writer: &Executor, folder: &Folder, doubted: Vec<BlobAt>) -> Vec<BlobAt> {
    if doubted.is_empty() {
        return doubted;
    }
    let asked = doubted.clone();
    let known = writer.run_here(move |db| -> Result<Vec<BlobAt>, Unavailable> {
        // Something has to be written, so that what was in doubt is overwritten in the log or durable.
        db.execute("UPDATE keeping SET touched = touched + 1", [])?;
        let mut unnamed = Vec::new();
        for blob in asked {
            if !file_rows::names(db, &blob)? {
                unnamed.push(blob);
            }
        }
        Ok(unnamed)
    });
    match known {
        Ok(unnamed) => {
            folder.remove(&unnamed);
            Vec::new()
        }
        Err(_) => doubted,
    }
}

/// Blobs that are written and that no row names yet. When it is dropped before its commit is durable, they are removed.
pub(super) struct Unnamed {
    blobs: Vec<BlobAt>,
    keeper: Housekeeper,
}

impl Unnamed {
    pub(super) fn new(keeper: Housekeeper) -> Self {
        Self { blobs: Vec::new(), keeper }
    }

    pub(super) fn add(&mut self, blob: &Blob) {
        self.blobs.push(blob.at.clone());
    }

    /// Told how the commit has ended that would name them; the commit gives the blobs that it replaced.
    pub(super) fn ended(mut self, ending: Ending<'_, Vec<BlobAt>>) {
        match ending {
            Ending::Durable(replaced) => {
                self.blobs.clear();
                self.keeper.remove(replaced.clone());
            }
            Ending::Undone => {}
            Ending::Doubtful => self.keeper.doubt(std::mem::take(&mut self.blobs)),
        }
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        self.keeper.remove(std::mem::take(&mut self.blobs));
    }
}
