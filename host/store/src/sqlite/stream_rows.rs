//! The tables `stream` and `stream_event`. Their times are their callers', who set them by the wall clock.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    BYTES_OF_STREAM, KeptEvents, NewEvents, STREAM_BYTES, STREAM_BYTES_PER_PRINCIPAL, STREAM_EVENTS, Unavailable,
};

/// Most streams removed in one step.
const BATCH: u32 = 64;

pub(super) fn put(db: &Connection, wall: i64, new: &NewEvents) -> Result<(), Unavailable> {
    let NewEvents { stream, holder, principal, events, ended, expires_at } = new;
    db.prepare_cached(
        "INSERT INTO stream (id, holder, ended, expires_at, principal) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, ended = excluded.ended, expires_at = excluded.expires_at",
    )?
    .execute(params![stream, holder, ended, expires_at, principal])?;
    let mut insert = db.prepare_cached("INSERT INTO stream_event (stream, seq, body) VALUES (?1, ?2, ?3)")?;
    for (seq, body) in events {
        insert.execute(params![stream, seq, body])?;
    }
    db.prepare_cached(
        "DELETE FROM stream_event WHERE stream = ?1 AND seq <=
         (SELECT seq FROM stream_event WHERE stream = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![stream, STREAM_EVENTS])?;
    // Bytes too, or one stream's could take the room of everybody's. The newest stays.
    db.prepare_cached(
        "DELETE FROM stream_event WHERE stream = ?1 AND seq IN
         (SELECT seq FROM (SELECT seq, sum(length(body)) OVER (ORDER BY seq DESC) AS held, max(seq) OVER () AS newest
                           FROM stream_event WHERE stream = ?1)
          WHERE held > ?2 AND seq < newest)",
    )?
    .execute(params![stream, BYTES_OF_STREAM])?;
    let own = |db: &Connection| -> rusqlite::Result<u64> {
        db.prepare_cached("SELECT sum(bytes) FROM stream WHERE principal = ?1")?
            .query_row([principal], |row| row.get(0))
    };
    while own(db)? > STREAM_BYTES_PER_PRINCIPAL {
        // One that has ended is there for convenience, and one that has expired for nobody.
        let gone = db
            .prepare_cached(
                "DELETE FROM stream WHERE id = (SELECT id FROM stream WHERE principal = ?1 AND (ended = 1 OR expires_at <= ?3) AND id <> ?2
                                                ORDER BY expires_at LIMIT 1)",
            )?
            .execute(params![principal, stream, wall])?;
        if gone == 0 {
            let reason =
                format!("with these, its principal's events would take more than {STREAM_BYTES_PER_PRINCIPAL} bytes");
            return Err(Unavailable { reason });
        }
    }
    let held = |db: &Connection| -> rusqlite::Result<u64> {
        db.prepare_cached("SELECT stream_bytes FROM keeping")?.query_row([], |row| row.get(0))
    };
    while held(db)? > STREAM_BYTES {
        if purge(db, wall)? == 0 {
            let reason = format!("with these, events of streams would take more than {STREAM_BYTES} bytes");
            return Err(Unavailable { reason });
        }
    }
    Ok(())
}

/// What is kept after `after`, for its holder alone.
pub(super) fn after(
    db: &Connection,
    wall: i64,
    stream: [u8; 16],
    holder: &str,
    after: u64,
) -> Result<Option<KeptEvents>, Unavailable> {
    let ended: Option<bool> = db
        .prepare_cached("SELECT ended FROM stream WHERE id = ?1 AND holder = ?2 AND expires_at > ?3")?
        .query_row(params![stream, holder, wall], |row| row.get(0))
        .optional()?;
    let Some(ended) = ended else { return Ok(None) };
    let mut events =
        db.prepare_cached("SELECT seq, body FROM stream_event WHERE stream = ?1 AND seq > ?2 ORDER BY seq")?;
    let events = events.query_map(params![stream, after], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Some(KeptEvents { events: events.collect::<Result<_, _>>()?, ended }))
}

/// Removes some streams that have expired by the wall clock, with their events.
pub(super) fn purge(db: &Connection, wall: i64) -> Result<usize, Unavailable> {
    let mut delete = db.prepare_cached(
        "DELETE FROM stream WHERE id IN (SELECT id FROM stream WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    Ok(delete.execute(params![wall, BATCH])?)
}
