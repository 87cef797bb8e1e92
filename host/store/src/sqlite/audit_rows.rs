//! The table `audit`.

use rusqlite::{Connection, Row, params};

use crate::{AuditEntry, AuditFilter, AuditRow, RowKind, Unavailable};

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
            row.release.as_ref().map_or(&[][..], |release| release),
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
    let mut select = db.prepare_cached(&select(filter))?;
    let before = filter.before.unwrap_or(i64::MAX);
    let kind = filter.kind.map(RowKind::as_str);
    let rows = select.query_map(params![filter.correlation, filter.tool, before, filter.limit, kind], entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Written for each of the two ways in, by correlation and by number: `?1 IS NULL OR correlation = ?1` reads every row.
fn select(filter: &AuditFilter) -> String {
    let called = if filter.correlation.is_some() { "correlation = ?1" } else { "?1 IS NULL" };
    format!(
        "SELECT seq, kind, at, correlation, principal, tool, release, label, class, effect, fuel, memory, wall_us,
                host_calls, count, detail
         FROM audit
         WHERE {called} AND (?2 IS NULL OR tool = ?2) AND (?5 IS NULL OR kind = ?5) AND seq < ?3
         ORDER BY seq DESC LIMIT ?4"
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open;

    fn row(correlation: u8, tool: &str) -> AuditRow {
        AuditRow {
            kind: RowKind::Call,
            at: 1,
            correlation: [correlation; 16],
            principal: "local".into(),
            tool: tool.into(),
            release: Some([0; 32]),
            label: "read",
            class: "ok",
            effect: "none",
            fuel: 1,
            memory: 2,
            wall_us: 3,
            host_calls: 4,
            count: 1,
            detail: String::new(),
        }
    }

    #[test]
    fn a_listing_gives_what_it_was_asked_for_newest_first() {
        let home = tempfile::tempdir().unwrap();
        let db = open::writer(home.path()).unwrap();
        let rows: Vec<_> = (0..10).map(|n| row(n / 4, if n % 2 == 0 { "even" } else { "odd" })).collect();
        append(&db, &rows).unwrap();
        append(&db, &[AuditRow { kind: RowKind::Egress, ..row(9, "even") }]).unwrap();
        let list = |filter: AuditFilter| {
            let rows = list(&db, &AuditFilter { limit: 3, ..filter }).unwrap();
            rows.into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
        };
        let (any, correlation, tool) = (AuditFilter::default(), Some([1; 16]), Some("even".to_owned()));
        assert_eq!(list(any.clone()), [11, 10, 9]);
        assert_eq!(list(AuditFilter { kind: Some(RowKind::Egress), ..any.clone() }), [11]);
        assert_eq!(list(AuditFilter { kind: Some(RowKind::Call), before: Some(3), ..any.clone() }), [2, 1]);
        assert!(list(AuditFilter { kind: Some(RowKind::Admin), ..any.clone() }).is_empty());
        assert_eq!(list(AuditFilter { before: Some(3), ..any.clone() }), [2, 1]);
        assert_eq!(list(AuditFilter { tool: tool.clone(), before: Some(11), ..any.clone() }), [9, 7, 5]);
        assert_eq!(list(AuditFilter { correlation, ..any.clone() }), [8, 7, 6]);
        assert_eq!(list(AuditFilter { correlation, tool, before: Some(7), ..any }), [5]);
    }

    #[test]
    fn a_listing_by_correlation_or_from_a_number_on_does_not_read_the_whole_audit() {
        let home = tempfile::tempdir().unwrap();
        let db = open::writer(home.path()).unwrap();
        let plan = |filter| {
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {}", select(&filter))).unwrap();
            let steps =
                explain.query_map(params![filter.correlation, filter.tool, 9, 9, "call"], |row| row.get(3)).unwrap();
            steps.collect::<Result<Vec<String>, _>>().unwrap()
        };
        let (any, correlation) = (AuditFilter::default(), Some([1; 16]));
        let called = AuditFilter { correlation, ..any.clone() };
        assert_eq!(plan(called), ["SEARCH audit USING INDEX audit_correlation (correlation=? AND rowid<?)"]);
        assert_eq!(plan(any), ["SEARCH audit USING INTEGER PRIMARY KEY (rowid<?)"]);
    }
}
