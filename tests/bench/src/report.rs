//! What is handed over: medians over the rounds, each target in relation to the peers, as a table for people and as
//! JSON for everything else. Nothing is asserted; what could not be measured is said.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::config::Load;
use crate::machine::Machine;
use crate::measure::{Measured, Round};
use crate::start::{Idle, OneStart, Probed, Started};
use crate::table::{Table, number, optional};

/// The names that other targets are put in relation to.
const REFERENCES: [&str; 2] = ["axum", "rmcp"];

/// The whole of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The version of this file's shape.
    pub(crate) report: u32,
    pub(crate) machine: Machine,
    pub(crate) load: Load,
    pub(crate) targets: Vec<TargetFacts>,
    pub(crate) cells: Vec<CellReport>,
    pub(crate) starts: Vec<Started>,
    pub(crate) probes: Vec<Probed>,
    /// What was asked for and could not be measured.
    pub(crate) missing: Vec<String>,
}

/// What is known of a target before it is called.
#[derive(Debug, Serialize)]
pub(crate) struct TargetFacts {
    pub(crate) name: String,
    pub(crate) tool: String,
    pub(crate) note: Option<String>,
    pub(crate) ready_ms: Option<f64>,
    pub(crate) idle: Option<Idle>,
}

/// One target at one number of connections.
#[derive(Debug, Serialize)]
pub(crate) struct CellReport {
    pub(crate) target: String,
    pub(crate) connections: usize,
    /// Each figure's own median over the rounds; errors are summed.
    pub(crate) median: Round,
    pub(crate) slowest_round: f64,
    pub(crate) fastest_round: f64,
    /// By reference: this target's figure divided by the reference's, in the same round, and of those the median.
    pub(crate) relative_to: BTreeMap<&'static str, Relation>,
    pub(crate) rounds: Vec<Round>,
}

/// One target's figures divided by another's.
#[derive(Debug, Serialize)]
pub(crate) struct Relation {
    pub(crate) calls_per_second: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) server_cpu: Option<f64>,
}

/// Turns rounds into medians and relations.
pub(crate) fn summarise(measured: Vec<Measured>) -> Vec<CellReport> {
    let relations: Vec<_> = measured.iter().map(|cell| relations(cell, &measured)).collect();
    let cells = measured.into_iter().zip(relations);
    cells.map(|(cell, relative_to)| CellReport::new(cell, relative_to)).collect()
}

fn relations(cell: &Measured, all: &[Measured]) -> BTreeMap<&'static str, Relation> {
    let peers = REFERENCES.into_iter().filter(|reference| *reference != cell.target);
    let found = peers.filter_map(|reference| {
        let other = all.iter().find(|other| other.target == reference && other.connections == cell.connections)?;
        let relation = |figure: fn(&Round) -> Option<f64>| {
            let pairs = cell.rounds.iter().zip(&other.rounds);
            median(pairs.filter_map(|(mine, theirs)| ratio(figure(mine)?, figure(theirs)?)))
        };
        Some((
            reference,
            Relation {
                calls_per_second: relation(|round| Some(round.calls_per_second)),
                p50: relation(|round| Some(round.p50_ms)),
                p99: relation(|round| Some(round.p99_ms)),
                server_cpu: relation(|round| round.server_cpu_us),
            },
        ))
    });
    found.collect()
}

/// Zero stands for "no call was answered", which is in no relation to anything.
fn ratio(mine: f64, theirs: f64) -> Option<f64> {
    (mine > 0.0 && theirs > 0.0).then(|| mine / theirs)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

impl CellReport {
    fn new(cell: Measured, relative_to: BTreeMap<&'static str, Relation>) -> Self {
        let rounds = &cell.rounds;
        let each = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure)).unwrap_or_default();
        let some = |figure: fn(&Round) -> Option<f64>| median(rounds.iter().filter_map(figure));
        let rates = || rounds.iter().map(|round| round.calls_per_second);
        let median = Round {
            calls: each(|round| round.calls as f64) as u64,
            calls_per_second: each(|round| round.calls_per_second),
            p50_ms: each(|round| round.p50_ms),
            p99_ms: each(|round| round.p99_ms),
            longest_ms: each(|round| round.longest_ms),
            server_cpu_us: some(|round| round.server_cpu_us),
            client_cpu_us: some(|round| round.client_cpu_us),
            rss_mib: some(|round| round.rss_mib),
            peak_mib: some(|round| round.peak_mib),
            children_mib: some(|round| round.children_mib),
            elsewhere: some(|round| round.elsewhere),
            errors: rounds.iter().map(|round| round.errors).sum(),
            first_error: rounds.iter().find_map(|round| round.first_error.clone()),
        };
        Self {
            median,
            slowest_round: rates().fold(f64::INFINITY, f64::min),
            fastest_round: rates().fold(0.0, f64::max),
            relative_to,
            target: cell.target,
            connections: cell.connections,
            rounds: cell.rounds,
        }
    }

    fn row(&self) -> Vec<String> {
        let Round { calls_per_second, p50_ms, p99_ms, .. } = self.median;
        let mut row = vec![
            self.target.clone(),
            number(calls_per_second, 0),
            format!("{:.0}-{:.0}", self.slowest_round, self.fastest_round),
            number(p50_ms, 3),
            number(p99_ms, 3),
            optional(self.median.server_cpu_us, 1),
            optional(self.median.client_cpu_us, 1),
            optional(self.median.rss_mib, 1),
            optional(self.median.peak_mib, 1),
            optional(self.median.children_mib, 1),
        ];
        for reference in REFERENCES {
            row.push(optional(self.relative_to.get(reference).and_then(|it| it.calls_per_second), 2));
        }
        for reference in REFERENCES {
            row.push(optional(self.relative_to.get(reference).and_then(|it| it.server_cpu), 2));
        }
        row.push(self.median.errors.to_string());
        row
    }
}

impl Report {
    /// Whether everything that was asked for was measured.
    pub(crate) fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.cells.iter().all(|cell| cell.rounds.iter().all(|round| round.calls > 0))
    }

    fn calls(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for connections in &self.load.connections {
            let mut table = Table::new(&[
                "target",
                "calls/s",
                "rounds",
                "p50 ms",
                "p99 ms",
                "server us",
                "client us",
                "RSS MiB",
                "peak MiB",
                "children",
                "rate/axum",
                "rate/rmcp",
                "cpu/axum",
                "cpu/rmcp",
                "errors",
            ]);
            self.cells.iter().filter(|cell| cell.connections == *connections).for_each(|cell| table.row(cell.row()));
            write!(f, "\n{connections} connections\n{table}")?;
        }
        for cell in &self.cells {
            if let Some(error) = &cell.median.first_error {
                writeln!(f, "  {} at {}: first error: {error}", cell.target, cell.connections)?;
            }
        }
        Ok(())
    }

    fn processes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let one = |starts: &[OneStart], figure: fn(&OneStart) -> f64| median(starts.iter().map(figure));
        let mut table = Table::new(&[
            "start to ready",
            "starts",
            "ready ms",
            "fastest",
            "slowest",
            "RSS MiB",
            "peak MiB",
            "children",
            "cpu ms",
            "idle cpu ms/s",
        ]);
        let of_target = |facts: &TargetFacts| {
            let start = OneStart { ready_ms: facts.ready_ms?, idle: facts.idle? };
            Some((facts.name.clone(), vec![start]))
        };
        let targets = self.targets.iter().filter_map(of_target);
        let starts = self.starts.iter().map(|started| (started.name.clone(), started.starts.clone()));
        for (name, starts) in targets.chain(starts) {
            let ready = || starts.iter().map(|start| start.ready_ms);
            table.row(vec![
                name,
                starts.len().to_string(),
                optional(one(&starts, |start| start.ready_ms), 1),
                number(ready().fold(f64::INFINITY, f64::min), 1),
                number(ready().fold(0.0, f64::max), 1),
                optional(one(&starts, |start| start.idle.rss_mib), 1),
                optional(one(&starts, |start| start.idle.peak_mib), 1),
                optional(one(&starts, |start| start.idle.children_mib), 1),
                optional(one(&starts, |start| start.idle.cpu_since_start_ms), 0),
                optional(one(&starts, |start| start.idle.cpu_ms_per_second), 0),
            ]);
        }
        write!(f, "\n{table}")
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Load { seconds, warmup_seconds, rounds, .. } = &self.load;
        writeln!(f, "{}", self.machine)?;
        writeln!(
            f,
            "medians of {rounds} interleaved rounds of {seconds} s after {warmup_seconds} s, closed loop, kept connections"
        )?;
        self.calls(f)?;
        if self.targets.iter().any(|facts| facts.idle.is_some()) || !self.starts.is_empty() {
            self.processes(f)?;
        }
        for probe in &self.probes {
            write!(f, "\n{}:", probe.name)?;
            probe.figures.iter().try_for_each(|(name, value)| write!(f, " {name} {value}"))?;
            writeln!(f)?;
        }
        let targets = self.targets.iter().map(|it| (&it.name, &it.note));
        let starts = self.starts.iter().map(|it| (&it.name, &it.note));
        let probes = self.probes.iter().map(|it| (&it.name, &it.note));
        let mut notes = targets.chain(starts).chain(probes).filter_map(|(name, note)| Some((name, note.as_ref()?)));
        notes.try_for_each(|(name, note)| write!(f, "\n{name}: {note}"))?;
        let elsewhere = self.cells.iter().flat_map(|cell| &cell.rounds).filter_map(|round| round.elsewhere);
        if let Some(most) = elsewhere.max_by(f64::total_cmp) {
            write!(
                f,
                "\nAt most {:.0} % of the machine went to neither client nor server in any window.",
                most * 100.0
            )?;
        }
        self.missing.iter().try_for_each(|missing| write!(f, "\nNOT MEASURED: {missing}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(target: &str, rates: &[f64]) -> Measured {
        let round = |&rate: &f64| Round {
            calls: rate as u64,
            calls_per_second: rate,
            p50_ms: 1000.0 / rate.max(1.0),
            server_cpu_us: (rate > 0.0).then(|| 1e6 / rate),
            ..Round::default()
        };
        Measured { target: target.to_owned(), connections: 1, rounds: rates.iter().map(round).collect() }
    }

    fn report(cells: Vec<Measured>) -> Report {
        Report {
            report: 1,
            machine: Machine::look(),
            load: Load { connections: vec![1], ..Load::default() },
            targets: Vec::new(),
            cells: summarise(cells),
            starts: Vec::new(),
            probes: Vec::new(),
            missing: Vec::new(),
        }
    }

    #[test]
    fn a_median_is_the_middle_and_between_two_middles_their_mean() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn relations_pair_the_rounds_so_that_a_slow_minute_does_not_count() {
        // The machine was half as fast in round two; both targets suffered alike.
        let cells = summarise(vec![cell("axum", &[100.0, 50.0, 100.0]), cell("rust", &[40.0, 20.0, 40.0])]);
        let relation = &cells[1].relative_to["axum"];
        assert_eq!(relation.calls_per_second, Some(0.4));
        assert_eq!((relation.p50, relation.server_cpu), (Some(2.5), Some(2.5)));
        assert!(cells[0].relative_to.is_empty() && !cells[1].relative_to.contains_key("rmcp"));
    }

    #[test]
    fn a_round_without_calls_makes_the_report_incomplete_and_stands_in_no_relation() {
        let report = report(vec![cell("axum", &[100.0]), cell("rust", &[0.0])]);
        assert!(!report.is_whole());
        assert_eq!(report.cells[1].relative_to["axum"].calls_per_second, None);
    }

    #[test]
    fn the_table_names_every_target_and_the_json_reads_back() {
        let report = report(vec![cell("axum", &[100.0]), cell("rust", &[40.0])]);
        let text = report.to_string();
        assert!(report.is_whole() && text.contains("1 connections"), "{text}");
        let rust = text.lines().find(|line| line.trim_start().starts_with("rust")).unwrap();
        assert!(rust.contains(" 40 ") && rust.contains(" 0.40 "), "{rust}");
        let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(json["cells"][1]["relative_to"]["axum"]["calls_per_second"], 0.4);
    }
}
