//! The tables `preview` and `spent`. Their times are their callers', who set them by the wall clock.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::audit_rows;
use crate::{
    AuditRow, NewPreview, PREVIEW_BYTES, PREVIEW_BYTES_PER_PRINCIPAL, PREVIEWS_PER_PRINCIPAL, SPENT_VALUES, Unavailable,
};

/// Most rows removed in one statement.
const BATCH: u32 = 256;

/// How much longer than it is valid a spent value is remembered. While it is, a wall clock that is set forward and back changes
/// nothing; after that, what does not outlive the forgotten ones counts as spent.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

pub(super) fn put(db: &Connection, wall: i64, new: &NewPreview) -> Result<(), Unavailable> {
    db.prepare_cached("DELETE FROM preview WHERE principal = ?1 AND expires_at <= ?2")?
        .execute(params![new.principal, wall])?;
    db.prepare_cached("INSERT INTO preview (id, principal, expires_at, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![new.id, new.principal, new.expires_at, new.body])?;
    db.prepare_cached(
        "DELETE FROM preview WHERE seq IN
         (SELECT seq FROM preview WHERE principal = ?1 ORDER BY seq DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![new.principal, PREVIEWS_PER_PRINCIPAL])?;
    // Bytes too, or one principal's few could take the room of everybody's. The new one itself stays.
    db.prepare_cached(
        "DELETE FROM preview WHERE seq IN
         (SELECT seq FROM (SELECT seq, sum(length(body)) OVER (ORDER BY seq DESC) AS held, max(seq) OVER () AS newest
                           FROM preview WHERE principal = ?1)
          WHERE held > ?2 AND seq < newest)",
    )?
    .execute(params![new.principal, PREVIEW_BYTES_PER_PRINCIPAL])?;
    let held = |db: &Connection| -> rusqlite::Result<u64> {
        db.prepare_cached("SELECT preview_bytes FROM keeping")?.query_row([], |row| row.get(0))
    };
    while held(db)? > PREVIEW_BYTES {
        if purge(db, wall)? == 0 {
            let reason = format!(
                "with this one, previews that wait for a confirmation would take more than {PREVIEW_BYTES} bytes; \
                 they expire by themselves"
            );
            return Err(Unavailable { reason });
        }
    }
    Ok(())
}

pub(super) fn confirm(
    db: &Connection,
    id: [u8; 16],
    audit: &[AuditRow],
    now: i64,
) -> Result<Option<Vec<u8>>, Unavailable> {
    let taken: Option<(Vec<u8>, i64)> = db
        .prepare_cached("DELETE FROM preview WHERE id = ?1 RETURNING body, expires_at")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // One that has expired is gone now, so that it can't be confirmed when the wall clock is set back.
    let Some((body, _)) = taken.filter(|(_, expires_at)| *expires_at > now) else { return Ok(None) };
    audit_rows::append(db, audit)?;
    Ok(Some(body))
}

/// Removes some previews that have expired by the wall clock. One that was removed early, because that clock was wrong, is lost:
/// its call is previewed again.
pub(super) fn purge(db: &Connection, wall: i64) -> Result<usize, Unavailable> {
    let mut delete = db.prepare_cached(
        "DELETE FROM preview WHERE seq IN (SELECT seq FROM preview WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    Ok(delete.execute(params![wall, BATCH])?)
}

/// `now` is the caller's, `store` the time of the store's own clock.
pub(super) fn spend(
    db: &Connection,
    nonce: [u8; 16],
    expires_at: i64,
    now: i64,
    store: i64,
) -> Result<bool, Unavailable> {
    let (floor, spent): (i64, u64) = db
        .prepare_cached("SELECT spent_floor, spent FROM keeping")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if expires_at <= now {
        return Ok(false);
    }
    if expires_at <= floor {
        tracing::warn!("a value that was valid by the wall clock may have been spent before that clock was set back");
        return Ok(false);
    }
    if spent >= SPENT_VALUES {
        forget(db, store)?;
        let spent: u64 = db.prepare_cached("SELECT spent FROM keeping")?.query_row([], |row| row.get(0))?;
        if spent >= SPENT_VALUES {
            let reason =
                format!("{SPENT_VALUES} values that were used once are remembered already; they are forgotten in time");
            return Err(Unavailable { reason });
        }
    }
    let keep_until = store.saturating_add(expires_at.saturating_sub(now)).saturating_add(REMEMBERED);
    let new = db
        .prepare_cached("INSERT INTO spent (nonce, expires_at, keep_until) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![nonce, expires_at, keep_until])?;
    Ok(new == 1)
}

/// Removes some spent values that need not be remembered any longer. What of them was not spent yet, and expires no later than the
/// latest of them, cannot be spent any more: see `spent_floor` in the schema.
pub(super) fn forget(db: &Connection, store: i64) -> Result<usize, Unavailable> {
    let mut delete = db.prepare_cached(
        "DELETE FROM spent WHERE nonce IN (SELECT nonce FROM spent WHERE keep_until <= ?1 ORDER BY keep_until LIMIT ?2)",
    )?;
    Ok(delete.execute(params![store, BATCH])?)
}
