//! Keys that have expired: what they still take, and their removal. All times are the store's own, see [`super::clock`].

use rusqlite::{Connection, params};

use crate::{KvPartition, KvUsage, Unavailable};

/// Most keys removed in one transaction: bounds how long the others in it wait.
pub(super) const BATCH: u32 = 256;

/// No clock of the store begins before it.
pub(super) fn mark(db: &Connection) -> Result<i64, Unavailable> {
    Ok(db.prepare_cached("SELECT mark FROM keeping")?.query_row([], |row| row.get(0))?)
}

/// Makes `now` the mark, unless it is later already.
pub(super) fn advance(db: &Connection, now: i64) -> Result<(), Unavailable> {
    db.prepare_cached("UPDATE keeping SET mark = ?1 WHERE mark < ?1")?.execute([now])?;
    Ok(())
}

/// Whether a key of a partition has expired since the mark.
pub(super) fn unsettled(db: &Connection, now: i64, at: &KvPartition) -> Result<bool, Unavailable> {
    let mut select = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM kv WHERE plugin = ?1 AND capability = ?2 AND owner = ?3
         AND expires > (SELECT mark FROM keeping) AND expires <= ?4)",
    )?;
    Ok(select.query_row(params![at.plugin, at.capability, at.owner, now], |row| row.get(0))?)
}

/// Makes sure that no later process takes for alive what has expired at `now`; and removes some of it.
pub(super) fn settle(db: &Connection, now: i64) -> Result<(), Unavailable> {
    advance(db, now)?;
    purge(db, now, None, BATCH)?;
    Ok(())
}

/// What the expired rows of a partition take.
pub(super) fn expired(db: &Connection, now: i64, at: &KvPartition) -> Result<KvUsage, Unavailable> {
    let mut select = db.prepare_cached(
        "SELECT coalesce(sum(octet_length(key) + length(value)), 0), count(*) FROM kv
         WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND expires <= ?4",
    )?;
    let usage = |row: &rusqlite::Row<'_>| Ok(KvUsage { bytes: row.get(0)?, keys: row.get(1)? });
    Ok(select.query_row(params![at.plugin, at.capability, at.owner, now], usage)?)
}

/// Removes at most `most` expired rows, of one partition or of all, and gives how many there were.
pub(super) fn purge(db: &Connection, now: i64, of: Option<&KvPartition>, most: u32) -> Result<usize, Unavailable> {
    let row = |row: &rusqlite::Row<'_>| {
        let at = KvPartition { plugin: row.get(0)?, capability: row.get(1)?, owner: row.get(2)? };
        Ok((at, row.get::<_, String>(3)?, row.get::<_, u64>(4)?))
    };
    const COLUMNS: &str = "SELECT plugin, capability, owner, key, octet_length(key) + length(value) FROM kv";
    let dead: Vec<_> = match of {
        Some(at) => db
            .prepare_cached(&format!(
                "{COLUMNS} WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND expires <= ?4 LIMIT ?5"
            ))?
            .query_map(params![at.plugin, at.capability, at.owner, now, most], row)?
            .collect::<Result<_, _>>()?,
        None => db
            .prepare_cached(&format!("{COLUMNS} WHERE expires <= ?1 ORDER BY expires LIMIT ?2"))?
            .query_map(params![now, most], row)?
            .collect::<Result<_, _>>()?,
    };
    let mut delete =
        db.prepare_cached("DELETE FROM kv WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND key = ?4")?;
    let mut free = db.prepare_cached(
        "UPDATE kv_usage SET bytes = bytes - ?4, keys = keys - 1
         WHERE plugin = ?1 AND capability = ?2 AND owner = ?3",
    )?;
    for (at, key, bytes) in &dead {
        delete.execute(params![at.plugin, at.capability, at.owner, key])?;
        free.execute(params![at.plugin, at.capability, at.owner, bytes])?;
    }
    Ok(dead.len())
}
