//! The table `served_once`.

use portcullis_manifest::{PluginName, ReleaseId};
use rusqlite::{Connection, Row, params, types::Type};

use crate::{NameOnce, RetiredCalls, Retirement, Unavailable};

/// After a decision: the names of what is served now are, and those that `plugin` had and has no longer are not.
pub(super) fn settle(
    db: &Connection,
    plugin: &str,
    decided: [u8; 32],
    approved: bool,
    at: i64,
) -> rusqlite::Result<()> {
    if approved {
        // Of the labels that a client may have been told, the loosest counts.
        db.prepare_cached(
            "INSERT INTO served_once (plugin, folded, name, label, fingerprint)
             SELECT ?1, folded, name, label, fingerprint FROM label WHERE fingerprint = ?2
             ON CONFLICT (plugin, folded) DO UPDATE SET
                 name = excluded.name, fingerprint = excluded.fingerprint,
                 retired_at = NULL, retired_by = NULL, calls = 0, last_call = NULL,
                 label = CASE WHEN instr('read write destructive', excluded.label) < instr('read write destructive', label)
                         THEN excluded.label ELSE label END",
        )?
        .execute(params![plugin, decided])?;
    }
    db.prepare_cached(
        "UPDATE served_once SET retired_at = ?2, retired_by = CASE WHEN ?3 THEN ?4 END
         WHERE plugin = ?1 AND retired_at IS NULL AND folded NOT IN (
             SELECT served_name.folded FROM served_name JOIN release USING (fingerprint) WHERE release.plugin = ?1)",
    )?
    .execute(params![plugin, at, approved, decided])?;
    Ok(())
}

pub(super) fn all(db: &Connection) -> Result<Vec<NameOnce>, Unavailable> {
    let mut select = db.prepare_cached(
        "SELECT once.plugin, once.name, once.label, last.version, once.retired_at, after.version, once.calls, once.last_call
         FROM served_once AS once JOIN release AS last USING (fingerprint)
         LEFT JOIN release AS after ON after.fingerprint = once.retired_by ORDER BY once.name, once.plugin",
    )?;
    Ok(select.query_map([], name)?.collect::<Result<_, _>>()?)
}

fn name(row: &Row<'_>) -> rusqlite::Result<NameOnce> {
    let plugin: PluginName = row
        .get::<_, String>(0)?
        .parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("{error}").into()))?;
    let release = |version: String| ReleaseId { plugin: plugin.clone(), version };
    let retired = match row.get::<_, Option<i64>>(4)? {
        None => None,
        Some(at) => {
            let by = row.get::<_, Option<String>>(5)?.map(release);
            Some(Retirement { at, by, calls: row.get(6)?, last_call: row.get(7)? })
        }
    };
    Ok(NameOnce { name: row.get(1)?, label: row.get(2)?, release: release(row.get(3)?), retired, plugin })
}

/// Adds to the numbers of names that are still retired.
pub(super) fn count(db: &Connection, calls: &[RetiredCalls]) -> Result<(), Unavailable> {
    let mut update = db.prepare_cached(
        "UPDATE served_once SET calls = calls + ?3, last_call = max(ifnull(last_call, 0), ?4)
         WHERE plugin = ?1 AND folded = ?2 AND retired_at IS NOT NULL",
    )?;
    for RetiredCalls { plugin, name, calls, last } in calls {
        update.execute(params![plugin.as_str(), name.to_ascii_lowercase(), calls, last])?;
    }
    Ok(())
}
