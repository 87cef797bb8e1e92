//! Opening the database, and refusing one that is unsafe to use (catalogue ST-24).

use std::{
    fs::File,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rusqlite::{Connection, OpenFlags};

use crate::Unavailable;

/// `PRAGMA application_id`: "Prtc". A database of another program is refused.
const APPLICATION_ID: i32 = 0x5072_7463;

/// `PRAGMA user_version`. A database of a newer program is refused, one of an older program is brought up.
const SCHEMA_VERSION: i32 = 6;

/// SQLite before 3.51.3 can corrupt a database when a WAL is reset while another connection checkpoints.
const SQLITE_FIXED: i32 = 3_051_003;

/// From each version to the next, beginning with nothing. What was once released is never changed: a database that was brought
/// up and a new one have the same schema, because both are made by these.
const STEPS: [&str; SCHEMA_VERSION as usize] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
];

/// Why the database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library is too old.
    #[error("SQLite {0} has the WAL reset race; 3.51.3 or newer is needed")]
    OldSqlite(&'static str),
    /// Others could read it.
    #[error("portcullis.db can be read by others (mode {mode:o}): `chmod 600` it")]
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
    /// Not ours.
    #[error("portcullis.db belongs to another program (application_id {0:#x})")]
    Foreign(i32),
    /// From a newer program.
    #[error("portcullis.db has schema {found}; this program knows {SCHEMA_VERSION}: use the newer program")]
    Newer {
        /// Its version.
        found: i32,
    },
    /// Broken.
    #[error("portcullis.db is damaged: {0}; restore it from a backup")]
    Damaged(String),
    /// A setting did not take.
    #[error(
        "portcullis.db cannot be used with journal_mode=WAL and synchronous=FULL (it is on {0}): move it to a local disk"
    )]
    Journal(String),
    /// The folder for files can't be used.
    #[error("the folder `files` of the data directory cannot be used: {0}")]
    Files(String),
    /// SQLite says no.
    #[error("portcullis.db: {0}")]
    Sqlite(rusqlite::Error),
    /// The file system says no.
    #[error("portcullis.db: {0}")]
    Io(#[from] std::io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<Unavailable> for OpenError {
    fn from(error: Unavailable) -> Self {
        Self::Damaged(error.reason)
    }
}

pub(super) fn writer(directory: &Path) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < SQLITE_FIXED {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    let path = directory.join("portcullis.db");
    // Created by us with its mode, because SQLite would create it with the process's umask.
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
    let mode = file.metadata()?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Exposed { mode });
    }
    let db = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(OpenError::Damaged(check));
    }
    let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let empty: bool = db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if !empty && application != APPLICATION_ID {
        return Err(OpenError::Foreign(application));
    }
    if version > SCHEMA_VERSION {
        return Err(OpenError::Newer { found: version });
    }
    let journal: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let synchronous: i32 = db.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if journal != "wal" || synchronous != 2 {
        return Err(OpenError::Journal(journal));
    }
    // Larger than the default 1,000 pages: under load the audit appends whole megabytes a second, and each checkpoint
    // writes every page a second time.
    db.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // A database that was not new and says 0 was left by a program that died between its first schema and this number.
    bring_up(&db, if empty { 0 } else { version.max(1) })?;
    Ok(db)
}

/// Takes the steps that are missing, in one transaction: a process that dies in between leaves the database as it was.
fn bring_up(db: &Connection, version: i32) -> Result<(), OpenError> {
    let missing = STEPS.get(version as usize..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let transaction = db.unchecked_transaction()?;
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    if version > 0 {
        tracing::info!(from = version, to = SCHEMA_VERSION, "the database was brought up");
    }
    Ok(())
}

pub(super) fn reader(directory: &Path) -> Result<Connection, OpenError> {
    Ok(connect(&directory.join("portcullis.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.set_prepared_statement_cache_capacity(64);
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "cell_size_check", true)?;
    // What is sorted stays in memory: a file for it would be in a folder of others, which a host that is locked down cannot
    // open.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(db)
}
