//! The table `audit`.

use rusqlite::{Connection, Row, params};

use crate::{AuditEntry, AuditFilter, AuditRow, Unavailable};

pub(super) fn append(db: &Connection, rows: &[AuditRow]) -> Result<(), Unavailable> {
    let mut insert = db.prepare_cached(
        "INSERT INTO audit (kind, at, correlation, principal, tool, release, label, class, effect, fuel, memory,
                            wall_us, host_calls, count, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    for row in rows {
        insert.execute(params![
            row.kind.as_str(),
            row.at,
            row.correlation,
            row.principal,
            row.tool,
            row.release,
            row.label,
            row.class,
            row.effect,
            row.fuel,
            row.memory,
            row.wall_us,
            row.host_calls,
            row.count,
            row.detail,
        ])?;
    }
    Ok(())
}

pub(super) fn list(db: &Connection, filter: &AuditFilter) -> Result<Vec<AuditEntry>, Unavailable> {
    let mut select = db.prepare_cached(
        "SELECT seq, kind, at, correlation, principal, tool, release, label, class, effect, fuel, memory, wall_us,
                host_calls, count, detail
         FROM audit
         WHERE (?1 IS NULL OR correlation = ?1) AND (?2 IS NULL OR tool = ?2) AND (?3 IS NULL OR seq < ?3)
         ORDER BY seq DESC LIMIT ?4",
    )?;
    let rows = select.query_map(params![filter.correlation, filter.tool, filter.before, filter.limit], entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        seq: row.get(0)?,
        kind: row.get(1)?,
        at: row.get(2)?,
        correlation: row.get(3)?,
        principal: row.get(4)?,
        tool: row.get(5)?,
        release: row.get(6)?,
        label: row.get(7)?,
        class: row.get(8)?,
        effect: row.get(9)?,
        fuel: row.get(10)?,
        memory: row.get(11)?,
        wall_us: row.get(12)?,
        host_calls: row.get(13)?,
        count: row.get(14)?,
        detail: row.get(15)?,
    })
}
