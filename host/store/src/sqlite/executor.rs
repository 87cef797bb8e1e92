//! One thread that owns a connection, and group commit: whatever waits when the thread comes round is done in one
//! transaction, each job inside a savepoint of its own, and nobody is answered before the transaction is durable.

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::Unavailable;

/// Jobs that may wait. A sender that finds it full waits too: nothing is dropped.
const QUEUE: usize = 4096;

/// Most writing jobs in one transaction: bounds how long the first of them waits for the last.
pub(super) const GROUP: usize = 256;

/// Readers answer one job in each transaction. A transaction sees the store as it was at its beginning: a read that was asked
/// for later, perhaps after a write was acknowledged, must not be answered from before it.
pub(super) const ALONE: usize = 1;

/// Told, after the transaction has ended, how it ended.
type Reply = Box<dyn FnOnce(Result<(), Unavailable>) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Reply + Send>;

pub(super) struct Executor {
    jobs: mpsc::Sender<Job>,
}

impl Executor {
    pub(super) fn start(name: &str, connection: Connection, group: usize) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&connection, queue, group))
            .expect("a thread can be started while the store opens");
        Self { jobs }
    }

    /// Runs `job` and answers when what it wrote is durable. A job that fails has changed nothing.
    pub(super) fn run<T, E, F>(&self, job: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<Unavailable> + From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let (answer, done) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            let result = in_savepoint(db, job);
            Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(error) => result.and(Err(error.into())),
                };
                // The caller may have gone; what was done stays done.
                let _ = answer.send(result);
            })
        });
        let jobs = self.jobs.clone();
        async move {
            let gone = || E::from(Unavailable { reason: "it took the request and did not run it".to_owned() });
            jobs.send(job).await.map_err(|_| gone())?;
            done.await.map_err(|_| gone())?
        }
    }
}

fn in_savepoint<T, E: From<rusqlite::Error>>(
    db: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    db.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = job(db);
    if result.is_err() {
        db.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    db.prepare_cached("RELEASE job")?.execute([])?;
    result
}

fn work(connection: &Connection, mut queue: mpsc::Receiver<Job>, group: usize) {
    let mut replies = Vec::with_capacity(group);
    while let Some(first) = queue.blocking_recv() {
        let done = transaction(connection, first, &mut queue, &mut replies, group);
        if let Err(error) = &done {
            tracing::error!(%error, "the store could not commit; what was in this transaction is not done");
        }
        for reply in replies.drain(..) {
            reply(done.clone());
        }
    }
}

fn transaction(
    connection: &Connection,
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
    replies: &mut Vec<Reply>,
    group: usize,
) -> Result<(), Unavailable> {
    // A job that finds no open transaction would write by itself, unrecorded by COMMIT: it is dropped instead, and its
    // caller, whose channel closes, is told that the store has not answered.
    connection.prepare_cached("BEGIN")?.execute([])?;
    replies.push(first(connection));
    while replies.len() < group
        && let Ok(job) = queue.try_recv()
    {
        replies.push(job(connection));
    }
    if let Err(error) = connection.prepare_cached("COMMIT")?.execute([]) {
        // A failed COMMIT can leave the transaction open; the connection has to be usable for the next one.
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        return Err(error.into());
    }
    Ok(())
}
