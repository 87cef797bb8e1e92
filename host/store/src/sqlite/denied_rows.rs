//! The table `denied`.

use rusqlite::{Connection, params};

use crate::{DENIED_ENTRIES, Denied, DeniedEntry, DeniedKind, DenyRefused, Unavailable};

/// Says who shut it out last, and when.
pub(super) fn put(db: &Connection, entry: &DeniedEntry) -> Result<(), DenyRefused> {
    let DeniedEntry { denied: Denied { kind, issuer, value }, by, at } = entry;
    db.prepare_cached(
        "INSERT INTO denied (kind, issuer, value, denied_by, denied_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET denied_by = excluded.denied_by, denied_at = excluded.denied_at",
    )?
    .execute(params![kind.as_str(), issuer, value, by, at])?;
    let held: u32 = db.prepare_cached("SELECT count(*) FROM denied")?.query_row([], |row| row.get(0))?;
    if held > DENIED_ENTRIES { Err(DenyRefused::Full) } else { Ok(()) }
}

/// Whether it was there.
pub(super) fn remove(db: &Connection, denied: &Denied) -> Result<bool, Unavailable> {
    let Denied { kind, issuer, value } = denied;
    let removed = db
        .prepare_cached("DELETE FROM denied WHERE kind = ?1 AND issuer = ?2 AND value = ?3")?
        .execute(params![kind.as_str(), issuer, value])?;
    Ok(removed == 1)
}

pub(super) fn all(db: &Connection) -> Result<Vec<DeniedEntry>, Unavailable> {
    let entry = |row: &rusqlite::Row<'_>| {
        let word: String = row.get(0)?;
        let kind = DeniedKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, "kind".to_owned().into())
        })?;
        let denied = Denied { kind, issuer: row.get(1)?, value: row.get(2)? };
        Ok(DeniedEntry { denied, by: row.get(3)?, at: row.get(4)? })
    };
    let mut select = db.prepare_cached(
        "SELECT kind, issuer, value, denied_by, denied_at FROM denied ORDER BY denied_at DESC, kind, issuer, value",
    )?;
    Ok(select.query_map([], entry)?.collect::<Result<_, _>>()?)
}
