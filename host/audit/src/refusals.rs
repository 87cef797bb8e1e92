//! Refusals, counted. Whoever is refused can be refused a million times a second; the audit must neither lose the count
//! nor let them fill the disk (DESIGN rule 7).

use std::collections::BTreeMap;

use portcullis_store::{AuditRow, RowKind};

/// Refusals of one rule, principal and tool that are written one by one in a window; the rest are one row with their number.
const SINGLY: u64 = 10;

/// The same for all kinds together: who can be refused for many reasons must not write many times as much.
const TOGETHER: usize = 100;

/// Kinds told apart in one window. More are counted by rule alone: a client that can invent principals must not make this
/// map grow.
const KINDS: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// By rule, principal and tool: how many, and how many of them were written singly.
    window: BTreeMap<(&'static str, String, String), (u64, u64)>,
    /// Written singly in this window.
    together: usize,
    rows: Vec<AuditRow>,
}

impl Refusals {
    pub(crate) fn add(&mut self, rule: &'static str, principal: &str, tool: &str, correlation: [u8; 16], at: i64) {
        let mut key = (rule, principal.to_owned(), tool.to_owned());
        if self.window.len() >= KINDS && !self.window.contains_key(&key) {
            key = (rule, String::new(), String::new());
        }
        let (_, principal, tool) = &key;
        let (mut seen, mut written) = self.window.get(&key).copied().unwrap_or_default();
        seen += 1;
        if written < SINGLY && self.together < TOGETHER {
            self.rows.push(row(rule, principal, tool, correlation, at, 1));
            written += 1;
            self.together += 1;
        }
        self.window.insert(key, (seen, written));
    }

    /// What there is to write now: at the end of a window, the numbers too.
    pub(crate) fn take(&mut self, window_over: bool, at: i64) -> Vec<AuditRow> {
        let mut rows = std::mem::take(&mut self.rows);
        if window_over {
            self.together = 0;
            let mut rest: BTreeMap<&'static str, u64> = BTreeMap::new();
            let mut named = 0;
            for ((rule, principal, tool), (seen, written)) in std::mem::take(&mut self.window) {
                let left = seen - written;
                if left > 0 && named < TOGETHER {
                    rows.push(row(rule, &principal, &tool, [0; 16], at, left));
                    named += 1;
                } else if left > 0 {
                    // Who has many addresses must not write many rows: the others are counted by rule alone.
                    *rest.entry(rule).or_default() += left;
                }
            }
            rows.extend(rest.into_iter().map(|(rule, count)| row(rule, "", "", [0; 16], at, count)));
        }
        rows
    }
}

fn row(rule: &'static str, principal: &str, tool: &str, correlation: [u8; 16], at: i64, count: u64) -> AuditRow {
    AuditRow {
        kind: RowKind::Refused,
        at,
        correlation,
        principal: principal.into(),
        tool: tool.into(),
        release: None,
        label: "",
        class: rule,
        effect: "none",
        fuel: 0,
        memory: 0,
        wall_us: 0,
        host_calls: 0,
        count: i64::try_from(count).unwrap_or(i64::MAX),
        detail: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ad_21_counts_are_exact_and_rows_are_few() {
        let mut refusals = Refusals::default();
        let mut rows = Vec::new();
        for n in 0..100_000 {
            refusals.add("host", "", "", [0; 16], n);
            if n % 1000 == 0 {
                rows.extend(refusals.take(false, n));
            }
        }
        rows.extend(refusals.take(true, 100_000));
        assert_eq!(rows.iter().map(|row| row.count).sum::<i64>(), 100_000);
        assert_eq!(rows.len(), 11);
        assert!(refusals.take(true, 0).is_empty());
    }

    #[test]
    fn ad_21_many_kinds_of_refusals_write_no_more_rows_than_one_window_allows() {
        let mut refusals = Refusals::default();
        let rules = ["host", "origin", "json", "params", "version"];
        for n in 0..10_000 {
            refusals.add(rules[n % rules.len()], "", &format!("tool_{}", n % 20), [0; 16], 0);
        }
        let rows = refusals.take(true, 0);
        assert_eq!(rows.iter().map(|row| row.count).sum::<i64>(), 10_000);
        assert!(rows.len() <= TOGETHER + 20 * rules.len(), "{}", rows.len());
    }

    #[test]
    fn invented_principals_do_not_grow_the_map() {
        let mut refusals = Refusals::default();
        for n in 0..10_000 {
            refusals.add("scope", &n.to_string(), "t", [0; 16], 0);
        }
        assert!(refusals.window.len() <= KINDS + 1);
        let rows = refusals.take(true, 0);
        assert_eq!(rows.iter().map(|row| row.count).sum::<i64>(), 10_000);
        assert!(rows.len() <= 2 * TOGETHER + 1, "{}", rows.len());
    }
}
