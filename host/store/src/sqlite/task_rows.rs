//! The table `task`. Its times are its callers', who set them by the wall clock.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    NewTask, TASK_BYTES, TASK_BYTES_PER_PRINCIPAL, TASKS, TASKS_PER_PRINCIPAL, TaskEntry, TaskMove, TaskRefused,
    TaskStatus, Unavailable,
};

/// Most rows removed in one statement.
const BATCH: u32 = 64;

pub(super) fn put(db: &Connection, wall: i64, new: &NewTask) -> Result<(), TaskRefused> {
    // What has expired takes nobody's place.
    db.prepare_cached("DELETE FROM task WHERE principal = ?1 AND expires_at <= ?2")?
        .execute(params![new.principal, wall])?;
    let held = |sql: &str, principal: Option<&str>| -> rusqlite::Result<(u32, u64)> {
        let mut select = db.prepare_cached(sql)?;
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        match principal {
            Some(principal) => select.query_row([principal], read),
            None => select.query_row([], read),
        }
    };
    let full = |(count, bytes): (u32, u64), most: u32, of: u64| count >= most || bytes.saturating_add(new.bytes) > of;
    let own = held("SELECT count(*), ifnull(sum(bytes), 0) FROM task WHERE principal = ?1", Some(&new.principal))?;
    if full(own, TASKS_PER_PRINCIPAL, TASK_BYTES_PER_PRINCIPAL) {
        return Err(TaskRefused::Principal);
    }
    let all = || held("SELECT count(*), ifnull(sum(bytes), 0) FROM task", None);
    while full(all()?, TASKS, TASK_BYTES) {
        if purge(db, wall)? == 0 {
            return Err(TaskRefused::Host);
        }
    }
    db.prepare_cached(
        "INSERT INTO task (id, principal, tool, release, status, created_at, updated_at, expires_at, bytes, body)
         VALUES (?1, ?2, ?3, ?4, 'working', ?5, ?5, ?6, ?7, x'')",
    )?
    .execute(params![new.id, new.principal, new.tool, new.release, new.at, new.expires_at, new.bytes])?;
    Ok(())
}

pub(super) fn find(db: &Connection, id: [u8; 16], now: i64) -> Result<Option<TaskEntry>, Unavailable> {
    let row = db
        .prepare_cached(
            "SELECT principal, tool, release, revision, created_at, status, message, updated_at, expires_at, body
             FROM task WHERE id = ?1 AND expires_at > ?2",
        )?
        .query_row(params![id, now], |row| {
            let status: String = row.get(5)?;
            let known = TaskStatus::ALL.into_iter().find(|known| known.as_str() == status);
            let status = known.ok_or(rusqlite::Error::InvalidQuery)?;
            let (message, at, expires_at, body) = (row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?);
            Ok(TaskEntry {
                principal: row.get(0)?,
                tool: row.get(1)?,
                release: row.get(2)?,
                revision: row.get(3)?,
                created_at: row.get(4)?,
                now: TaskMove { status, message, at, expires_at, body },
            })
        });
    Ok(row.optional()?)
}

/// False: it is gone, has ended, or was changed after `revision`.
pub(super) fn step(db: &Connection, id: [u8; 16], revision: u64, to: &TaskMove) -> Result<bool, Unavailable> {
    let TaskMove { status, message, at, expires_at, body } = to;
    let taken = body.len() as u64;
    let mut update = db.prepare_cached(
        "UPDATE task SET status = ?3, message = ?4, updated_at = ?5, expires_at = max(expires_at, ?6), body = ?7,
                bytes = CASE WHEN ?8 THEN ?9 ELSE max(bytes, ?9) END, revision = revision + 1
         WHERE id = ?1 AND revision = ?2 AND status IN ('working', 'asking')",
    )?;
    let changed = update.execute(params![
        id,
        revision,
        status.as_str(),
        message,
        at,
        expires_at,
        body,
        status.is_final(),
        taken
    ])?;
    Ok(changed == 1)
}

/// Ends what was working, because nobody works on it any more.
pub(super) fn abandon(db: &Connection, to: &TaskMove) -> Result<usize, Unavailable> {
    let TaskMove { status, message, at, expires_at, body } = to;
    Ok(db.execute(
        "UPDATE task SET status = ?1, message = ?2, updated_at = ?3, expires_at = max(expires_at, ?4), body = ?5,
                bytes = ?6, revision = revision + 1
         WHERE status = 'working'",
        params![status.as_str(), message, at, expires_at, body, body.len() as u64],
    )?)
}

/// Removes some that have expired by the wall clock.
pub(super) fn purge(db: &Connection, wall: i64) -> Result<usize, Unavailable> {
    let mut delete = db.prepare_cached(
        "DELETE FROM task WHERE seq IN (SELECT seq FROM task WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    Ok(delete.execute(params![wall, BATCH])?)
}
