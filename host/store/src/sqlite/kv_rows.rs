//! The tables `kv` and `kv_usage`. A row that has expired is as if it were not there, for everything here; that it still takes
//! room until [`expiry`] has removed it, only `kv_usage` knows.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::expiry;
use crate::{CommitRefused, KvPage, KvPartition, KvUsage, KvWrites, Unavailable};

/// An answer, and whether it rests on a row having expired that a later process could still take for alive: then
/// [`expiry::settle`] comes before the answer.
pub(super) struct Seen<T> {
    pub(super) answer: T,
    pub(super) unsettled: bool,
}

enum Found {
    Nothing,
    Value(Vec<u8>),
    /// A row that has expired, and what it takes.
    Expired {
        bytes: u64,
        at: i64,
    },
}

pub(super) fn get(
    db: &Connection,
    now: i64,
    at: &KvPartition,
    key: &str,
) -> Result<Seen<Option<Vec<u8>>>, Unavailable> {
    Ok(match find(db, now, at, key)? {
        Found::Nothing => Seen { answer: None, unsettled: false },
        Found::Value(value) => Seen { answer: Some(value), unsettled: false },
        Found::Expired { at, .. } => Seen { answer: None, unsettled: at > expiry::mark(db)? },
    })
}

fn find(db: &Connection, now: i64, at: &KvPartition, key: &str) -> Result<Found, Unavailable> {
    let mut select = db.prepare_cached(
        "SELECT CASE WHEN expires <= ?5 THEN NULL ELSE value END, expires, octet_length(key) + length(value) FROM kv
         WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND key = ?4",
    )?;
    let found = select.query_row(params![at.plugin, at.capability, at.owner, key, now], |row| {
        Ok(match row.get(0)? {
            Some(value) => Found::Value(value),
            None => Found::Expired { bytes: row.get(2)?, at: row.get(1)? },
        })
    });
    Ok(found.optional()?.unwrap_or(Found::Nothing))
}

pub(super) fn list(
    db: &Connection,
    now: i64,
    at: &KvPartition,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Seen<KvPage>, Unavailable> {
    // Keys compare as bytes (SQLite's BINARY), so all keys with the prefix stand together, from the prefix on.
    let mut select = db.prepare_cached(
        "SELECT key FROM kv WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND key >= ?4 AND key > ?5
         AND (expires IS NULL OR expires > ?7) ORDER BY key LIMIT ?6",
    )?;
    let limited = u64::from(limit) + 1;
    let mut rows =
        select.query(params![at.plugin, at.capability, at.owner, prefix, after.unwrap_or(""), limited, now])?;
    let mut page = KvPage::default();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        if !key.starts_with(prefix) {
            break;
        }
        if page.keys.len() == limit as usize {
            page.more = true;
            break;
        }
        page.keys.push(key);
    }
    Ok(Seen { answer: page, unsettled: expiry::unsettled(db, now, at)? })
}

/// Applies every write, checking compare-and-set and quota against what is committed now: what the call saw may be older.
/// A partition that holds too much already, because a later release allows less, may only shrink.
pub(super) fn apply(db: &Connection, now: i64, writes: &KvWrites) -> Result<(), CommitRefused> {
    let mut expiring = false;
    for (partition, (limits, keys)) in writes {
        // Twice as many as it writes: rows that expire as fast as they are written must not pile up outside the quota.
        let batch = u32::try_from(2 * keys.len()).unwrap_or(u32::MAX).max(expiry::BATCH);
        expiring |= expiry::purge(db, now, Some(partition), batch)? > 0;
        // What is still there of expired rows takes room, and none of the quota.
        let mut dead = expiry::expired(db, now, partition)?;
        expiring |= dead.keys > 0;
        let before = live(stored(db, partition)?, dead);
        let KvUsage { mut bytes, keys: mut count } = before;
        for (key, write) in keys {
            let old = match find(db, now, partition, key)? {
                Found::Nothing => None,
                Found::Value(old) => Some(old),
                Found::Expired { bytes, .. } => {
                    dead = live(dead, KvUsage { bytes, keys: 1 });
                    None
                }
            };
            if write.expected.as_ref().is_some_and(|expected| *expected != old) {
                return Err(CommitRefused::Conflict { capability: partition.capability.clone(), key: key.clone() });
            }
            if let Some(old) = &old {
                bytes -= size(key, old);
                count -= 1;
            }
            if let Some(value) = &write.value {
                bytes += size(key, value);
                count += 1;
            }
            let expires = write.expires_in.map(|seconds| now.saturating_add(i64::from(seconds) * 1000));
            expiring |= expires.is_some();
            put(db, partition, key, write.value.as_deref(), expires)?;
        }
        let over = |what, wanted, limit, manifest_key| {
            let capability = partition.capability.clone();
            Err(CommitRefused::OverQuota { capability, what, wanted, limit, manifest_key })
        };
        if bytes > limits.bytes && bytes > before.bytes {
            return over("bytes", bytes, limits.bytes, "quota");
        }
        if count > limits.keys && count > before.keys {
            return over("keys", count, limits.keys, "keys");
        }
        db.prepare_cached(
            "INSERT INTO kv_usage (plugin, capability, owner, bytes, keys) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET bytes = ?4, keys = ?5",
        )?
        .execute(params![
            partition.plugin,
            partition.capability,
            partition.owner,
            bytes + dead.bytes,
            count + dead.keys
        ])?;
    }
    // What is set to expire does so after this moment, whatever a later process takes for the time; and what was counted as
    // expired here stays so.
    if expiring {
        expiry::advance(db, now)?;
    }
    Ok(())
}

/// How many bytes [`apply`] writes.
pub(super) fn bytes(writes: &KvWrites) -> u64 {
    let keys = writes.values().flat_map(|(_, keys)| keys);
    keys.map(|(key, write)| write.value.as_ref().map_or(0, |value| size(key, value))).sum()
}

fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

pub(super) fn usage(db: &Connection, now: i64, at: &KvPartition) -> Result<Seen<KvUsage>, Unavailable> {
    let answer = live(stored(db, at)?, expiry::expired(db, now, at)?);
    Ok(Seen { answer, unsettled: expiry::unsettled(db, now, at)? })
}

/// All rows, those that have expired among them.
fn stored(db: &Connection, at: &KvPartition) -> Result<KvUsage, Unavailable> {
    let mut select =
        db.prepare_cached("SELECT bytes, keys FROM kv_usage WHERE plugin = ?1 AND capability = ?2 AND owner = ?3")?;
    let usage = select
        .query_row(params![at.plugin, at.capability, at.owner], |row| {
            Ok(KvUsage { bytes: row.get(0)?, keys: row.get(1)? })
        })
        .optional()?;
    Ok(usage.unwrap_or_default())
}

fn live(all: KvUsage, dead: KvUsage) -> KvUsage {
    KvUsage { bytes: all.bytes - dead.bytes, keys: all.keys - dead.keys }
}

fn put(
    db: &Connection,
    at: &KvPartition,
    key: &str,
    value: Option<&[u8]>,
    expires: Option<i64>,
) -> rusqlite::Result<()> {
    match value {
        Some(value) => db
            .prepare_cached(
                "INSERT INTO kv (plugin, capability, owner, key, value, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET value = ?5, expires = ?6",
            )?
            .execute(params![at.plugin, at.capability, at.owner, key, value, expires])?,
        None => db
            .prepare_cached("DELETE FROM kv WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND key = ?4")?
            .execute(params![at.plugin, at.capability, at.owner, key])?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{KvWrite, PartitionLimits, sqlite::open};

    #[test]
    fn st_20_a_partition_that_holds_more_than_it_may_can_shrink_step_by_step_and_not_grow() {
        let home = tempfile::tempdir().unwrap();
        let db = open::writer(home.path()).unwrap();
        let at = KvPartition { plugin: "p".to_owned(), capability: "c".to_owned(), owner: "u".to_owned() };
        // As the store does it: a refused call has changed nothing.
        let call = |limits, writes: &[(&str, Option<&str>)]| {
            let write = |(key, value): &(&str, Option<&str>)| {
                let value = value.map(|value| value.as_bytes().to_vec());
                ((*key).to_owned(), KvWrite { value, expires_in: None, expected: None })
            };
            let transaction = db.unchecked_transaction().unwrap();
            let writes = BTreeMap::from([(at.clone(), (limits, writes.iter().map(write).collect()))]);
            apply(&db, 1, &writes).map_err(|error| error.to_string())?;
            transaction.commit().unwrap();
            Ok(usage(&db, 1, &at).unwrap().answer)
        };
        let roomy = PartitionLimits { bytes: 40, keys: 4 };
        let nine = Some("123456789");
        let full = call(roomy, &[("a", nine), ("b", nine), ("c", nine), ("d", nine)]);
        assert_eq!(full, Ok(KvUsage { bytes: 40, keys: 4 }));
        // A later release allows less.
        let tight = PartitionLimits { bytes: 12, keys: 2 };
        assert_eq!(call(tight, &[("a", None)]), Ok(KvUsage { bytes: 30, keys: 3 }));
        assert_eq!(call(tight, &[("b", Some("12345678"))]), Ok(KvUsage { bytes: 29, keys: 3 }));
        assert_eq!(call(tight, &[("b", Some("abcdefgh"))]), Ok(KvUsage { bytes: 29, keys: 3 }));
        let bytes = "`c` would hold 30 bytes, its limit is 12 (`capability.c.quota`)".to_owned();
        assert_eq!(call(tight, &[("b", nine)]), Err(bytes));
        // Fewer bytes, more keys.
        let keys = "`c` would hold 4 keys, its limit is 2 (`capability.c.keys`)".to_owned();
        assert_eq!(call(tight, &[("b", Some("")), ("e", Some(""))]), Err(keys));
        assert_eq!(call(tight, &[("b", None), ("c", None)]), Ok(KvUsage { bytes: 10, keys: 1 }));
        assert_eq!(call(tight, &[("b", Some("1"))]), Ok(KvUsage { bytes: 12, keys: 2 }));
    }
}
