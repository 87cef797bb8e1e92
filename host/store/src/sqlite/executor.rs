//! One thread that owns a connection, and group commit: whatever waits when the thread comes round is done in one
//! transaction, each job inside a savepoint of its own, and nobody is answered before the transaction is durable.

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::Unavailable;

/// Jobs that may wait. A sender that finds it full waits too: nothing is dropped.
const QUEUE: usize = 4096;

/// Most writing jobs in one transaction: bounds how long the first of them waits for the last.
pub(super) const GROUP: usize = 256;

/// Bytes that a group writes before it takes no further job: bounds how long its transaction holds all other writers up. One
/// job alone may write more; what a call may, `limits.kv_bytes` says.
const GROUP_BYTES: u64 = 8 << 20;

/// Readers answer one job in each transaction. A transaction sees the store as it was at its beginning: a read that was asked
/// for later, perhaps after a write was acknowledged, must not be answered from before it.
pub(super) const ALONE: usize = 1;

/// Told, after the transaction has ended, how it ended.
type Reply = Box<dyn FnOnce(Result<(), Failed>) + Send>;

/// A transaction that has failed.
#[derive(Clone)]
struct Failed {
    error: Unavailable,
    /// See [`Ending::Doubtful`].
    doubtful: bool,
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self { error: error.into(), doubtful: false }
    }
}

/// How a job has ended, for what it left outside the database.
pub(super) enum Ending<'a, T> {
    /// It succeeded and is durable.
    Durable(&'a T),
    /// Nothing of it is there, nor ever will be.
    Undone,
    /// Nothing of it is there. But COMMIT failed with all of it written, perhaps in the last sync: a process that opens the
    /// database before anything else was written to it may find it there.
    Doubtful,
}

type Work = Box<dyn FnOnce(&Connection) -> (Reply, Transaction) + Send>;

/// What waits for its turn.
struct Job {
    run: Work,
    /// What it writes, in bytes, as far as that can be much.
    bytes: u64,
}

/// What a job has left behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    /// With everything that was done in it before, and with the job if it succeeded.
    Open,
    /// SQLite has rolled it back by itself, as it does when the disk is full or does not answer, or it can't be relied on.
    Broken,
}

#[derive(Clone)]
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
        self.write(0, job, |_| ())
    }

    /// [`Executor::run`] for a thread of our own, which may wait.
    pub(super) fn run_here<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unavailable> + From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let (job, done) = prepare(0, job, |_| ());
        self.jobs.blocking_send(job).map_err(|_| not_run())?;
        done.blocking_recv().map_err(|_| not_run())?
    }

    /// [`Executor::run`] for a job that writes so many bytes that few of its like should share a transaction. `after` hears how
    /// it ended before the caller does, and even if the caller has gone; it is dropped unheard when the job was never run.
    pub(super) fn write<T, E, F, A>(
        &self,
        bytes: u64,
        job: F,
        after: A,
    ) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F, A>
    where
        T: Send + 'static,
        E: From<Unavailable> + From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        A: FnOnce(Ending<'_, T>) + Send + 'static,
    {
        let (job, done) = prepare(bytes, job, after);
        let jobs = self.jobs.clone();
        async move {
            jobs.send(job).await.map_err(|_| not_run())?;
            done.await.map_err(|_| not_run())?
        }
    }
}

fn not_run() -> Unavailable {
    Unavailable { reason: "it took the request and did not run it".to_owned() }
}

fn prepare<T, E, F, A>(bytes: u64, job: F, after: A) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<Unavailable> + From<rusqlite::Error> + Send + 'static,
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    A: FnOnce(Ending<'_, T>) + Send + 'static,
{
    let (answer, done) = oneshot::channel();
    let run = move |db: &Connection| -> (Reply, Transaction) {
        let (result, transaction) = in_savepoint(db, job);
        let reply = move |committed: Result<(), Failed>| {
            after(match (&committed, &result) {
                (Ok(()), Ok(done)) => Ending::Durable(done),
                (Err(Failed { doubtful: true, .. }), Ok(_)) => Ending::Doubtful,
                _ => Ending::Undone,
            });
            let result = match committed {
                Ok(()) => result,
                // Who broke it knows best why.
                Err(_) if transaction == Transaction::Broken && result.is_err() => result,
                // A refusal too: it may rest on what was done before it in this transaction.
                Err(failed) => Err(failed.error.into()),
            };
            // The caller may have gone; what was done stays done.
            let _ = answer.send(result);
        };
        (Box::new(reply), transaction)
    };
    (Job { run: Box::new(run), bytes }, done)
}

fn in_savepoint<T, E: From<rusqlite::Error>>(
    db: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> (Result<T, E>, Transaction) {
    let run = |sql| db.prepare_cached(sql)?.execute([]).map(|_| ());
    let result = match run("SAVEPOINT job") {
        Ok(()) => job(db),
        Err(error) => Err(error.into()),
    };
    if db.is_autocommit() {
        return (result, Transaction::Broken);
    }
    let back = if result.is_err() { run("ROLLBACK TO job") } else { Ok(()) };
    match back.and_then(|()| run("RELEASE job")) {
        Ok(()) => (result, Transaction::Open),
        // Half of a job may be in it now.
        Err(error) => (result.and(Err(error.into())), Transaction::Broken),
    }
}

fn work(connection: &Connection, mut queue: mpsc::Receiver<Job>, group: usize) {
    let mut replies = Vec::with_capacity(group);
    while let Some(first) = queue.blocking_recv() {
        let done = transaction(connection, first, &mut queue, &mut replies, group);
        if let Err(Failed { error, .. }) = &done {
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
) -> Result<(), Failed> {
    // A job that finds no open transaction would write by itself, unrecorded by COMMIT: it is dropped instead, and its
    // caller, whose channel closes, is told that the store has not answered.
    connection.prepare_cached("BEGIN")?.execute([])?;
    let mut next = Some(first);
    let mut written = 0_u64;
    while let Some(Job { run, bytes }) = next {
        written = written.saturating_add(bytes);
        let (reply, transaction) = run(connection);
        replies.push(reply);
        if transaction == Transaction::Broken {
            // What comes next is another group's: here its savepoint would be a transaction of its own.
            leave(connection)?;
            let reason = "the transaction that this was done in was rolled back".to_owned();
            return Err(Failed { error: Unavailable { reason }, doubtful: false });
        }
        let room = replies.len() < group && written < GROUP_BYTES;
        next = if room { queue.try_recv().ok() } else { None };
    }
    if let Err(error) = connection.prepare_cached("COMMIT")?.execute([]) {
        // What did not fit was not written to its end.
        let fitted = error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull);
        // Nor is it known what a transaction is that could not be rolled back.
        let left = leave(connection).is_ok();
        return Err(Failed { error: error.into(), doubtful: fitted || !left });
    }
    Ok(())
}

/// Ends a transaction that failed, where SQLite has not ended it already: the connection has to be usable for the next one.
fn leave(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Ok(()) } else { connection.execute_batch("ROLLBACK") }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    type Done = Result<(), Unavailable>;
    type Task = Box<dyn FnOnce(&Connection) -> Done + Send>;

    /// A table of short rows, in a database of at most 64 pages.
    struct Rig {
        executor: Executor,
        runtime: tokio::runtime::Runtime,
        home: tempfile::TempDir,
    }

    fn rig() -> Rig {
        let home = tempfile::tempdir().unwrap();
        let db = Connection::open(home.path().join("db")).unwrap();
        db.execute_batch("CREATE TABLE t (v BLOB) STRICT; PRAGMA max_page_count = 64").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Rig { executor: Executor::start("store-write", db, GROUP), runtime, home }
    }

    fn insert(bytes: usize) -> impl FnOnce(&Connection) -> Done + Send + 'static {
        move |db| {
            db.prepare_cached("INSERT INTO t VALUES (zeroblob(?1))")?.execute([bytes])?;
            Ok(())
        }
    }

    impl Rig {
        /// Runs `jobs` in one group: the first of it waits until all of them are queued.
        fn together(&self, jobs: Vec<Task>) -> Vec<Done> {
            let (open, gate): (Sender<()>, _) = channel();
            self.runtime.block_on(async {
                let first = tokio::spawn(self.executor.run(move |_| -> Done {
                    gate.recv().expect("the gate is opened");
                    Ok(())
                }));
                tokio::task::yield_now().await;
                let jobs: Vec<_> = jobs.into_iter().map(|job| tokio::spawn(self.executor.run(job))).collect();
                // This runtime has one thread: what was spawned has come as far as the queue when it comes back here.
                tokio::task::yield_now().await;
                open.send(()).unwrap();
                let mut done = vec![first.await.unwrap()];
                for job in jobs {
                    done.push(job.await.unwrap());
                }
                done
            })
        }

        /// What another connection sees.
        fn lengths(&self) -> Vec<usize> {
            let db = Connection::open(self.home.path().join("db")).unwrap();
            let mut select = db.prepare("SELECT length(v) FROM t ORDER BY rowid").unwrap();
            select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        }
    }

    #[test]
    fn a_job_that_fails_has_changed_nothing_and_the_rest_of_its_group_is_done() {
        let rig = rig();
        let fails = |db: &Connection| -> Done {
            insert(20)(db)?;
            Err(Unavailable { reason: "its own".to_owned() })
        };
        let done = rig.together(vec![Box::new(insert(10)), Box::new(fails), Box::new(insert(30))]);
        assert_eq!(done[1..], [Ok(()), Err(Unavailable { reason: "its own".to_owned() }), Ok(())]);
        assert_eq!(rig.lengths(), [10, 30]);
    }

    /// SQLite rolls the whole transaction back by itself when the disk is full: what was before it is gone, and what came
    /// after it would be written without a transaction, whatever its caller is then told.
    #[test]
    fn st_02_a_group_ends_where_sqlite_rolled_it_back_and_every_answer_is_true() {
        let rig = rig();
        let done = rig.together(vec![Box::new(insert(10)), Box::new(insert(1 << 20)), Box::new(insert(30))]);
        assert!(done[0].is_err() && done[1].is_err(), "{done:?}");
        let full = done[2].clone().unwrap_err();
        assert!(full.reason.contains("DiskFull"), "the one that broke it says why: {full}");
        assert_eq!(done[3], Ok(()), "the one after it is a group of its own");
        assert_eq!(rig.lengths(), [30]);
        assert_eq!(rig.together(vec![Box::new(insert(40))])[1], Ok(()));
        assert_eq!(rig.lengths(), [30, 40]);
    }

    #[test]
    fn st_02_a_job_that_ends_the_transaction_and_says_that_all_is_well_is_not_believed() {
        let rig = rig();
        let ends = |db: &Connection| -> Done { Ok(db.execute_batch("ROLLBACK")?) };
        let done = rig.together(vec![Box::new(insert(10)), Box::new(ends), Box::new(insert(30))]);
        assert!(done[1].is_err() && done[2].is_err(), "{done:?}");
        assert_eq!(done[3], Ok(()));
        assert_eq!(rig.lengths(), [30]);
    }

    /// 64 calls of 32 MiB in one transaction would be 2 GiB, and everybody who writes would wait for the last of them.
    #[test]
    fn wx_28_a_group_takes_no_further_job_when_it_has_written_much() {
        // For jobs that say how much they write, in one queue: how many of them were durable when each was done.
        let durable_before = |bytes: &[u64]| {
            let rig = rig();
            let (open, gate): (Sender<()>, _) = channel();
            rig.runtime.block_on(async {
                let first = tokio::spawn(rig.executor.run(move |_| -> Done {
                    gate.recv().expect("the gate is opened");
                    Ok(())
                }));
                tokio::task::yield_now().await;
                let job = |bytes: &u64| {
                    let path = rig.home.path().join("db");
                    let count = move |db: &Connection| -> Result<i64, Unavailable> {
                        insert(1)(db)?;
                        Ok(Connection::open(path)?.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
                    };
                    tokio::spawn(rig.executor.write(*bytes, count, |_| ()))
                };
                let jobs: Vec<_> = bytes.iter().map(job).collect();
                tokio::task::yield_now().await;
                open.send(()).unwrap();
                first.await.unwrap().unwrap();
                let mut durable = Vec::new();
                for job in jobs {
                    durable.push(job.await.unwrap().unwrap());
                }
                durable
            })
        };
        assert_eq!(durable_before(&[1; 10]), [0; 10], "small ones share a transaction");
        let half = GROUP_BYTES / 2;
        assert_eq!(durable_before(&[half, half, half, 1, half, 1]), [0, 0, 2, 2, 2, 5]);
        let large = 4 * GROUP_BYTES;
        assert_eq!(durable_before(&[large, large, 1]), [0, 1, 2], "large ones have one of their own");
    }
}
