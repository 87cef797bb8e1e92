//! Every limit at its edges: catalogue section 4, at plus and minus one.

use super::{super::NOTES, errors};
use crate::{LIMITS, LimitRow, Manifest, Unit};

fn with(row: &LimitRow, amount: u64) -> String {
    let amount = match row.bounds.unit {
        Unit::Count => amount.to_string(),
        // Without a larger unit, so that plus and minus one can be written.
        Unit::Bytes => format!("\"{amount} B\""),
        Unit::Time => format!("\"{amount} ms\""),
    };
    let (before, rest) = NOTES.split_once("[limits]\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    format!("{before}[limits]\n{} = {amount}\n\n{after}", row.name)
}

#[test]
fn every_limit_is_taken_at_its_edges_and_refused_beyond_them() {
    for row in LIMITS {
        let (name, unit) = (row.name, row.bounds.unit);
        let column = name.len() + 4;
        for edge in [row.bounds.minimum, row.bounds.maximum] {
            let manifest = Manifest::parse(&with(row, edge)).unwrap();
            assert_eq!(row.get(&manifest.limits), edge, "{name}");
        }
        let (maximum, over) = (row.bounds.maximum, row.bounds.maximum + 1);
        let expected = format!(
            "plugin.toml:18:{column}: limits.{name}: `{name}` is {} and its maximum is {}; write at most that",
            unit.print(over),
            unit.print(maximum)
        );
        assert_eq!(errors(&with(row, over)), [expected]);
        if let Some(under) = row.bounds.minimum.checked_sub(1) {
            let expected = format!(
                "plugin.toml:18:{column}: limits.{name}: `{name}` is {} and its minimum is {}; write at least that",
                unit.print(under),
                unit.print(row.bounds.minimum)
            );
            assert_eq!(errors(&with(row, under)), [expected]);
        }
    }
}

#[test]
fn the_limits_of_requests_files_and_questions_are_those_of_the_catalogue() {
    let bounds: Vec<String> = LIMITS
        .iter()
        .skip_while(|row| row.name != "file")
        .map(|row| {
            let print = |amount| row.bounds.unit.print(amount);
            format!("{} {}, at most {}", row.name, print(row.bounds.default), print(row.bounds.maximum))
        })
        .collect();
    let expected = [
        "file 1 MiB, at most 16 MiB",
        "file_writes 16, at most 256",
        "file_bytes 8 MiB, at most 64 MiB",
        "requests 8, at most 64",
        "request_body 256 KiB, at most 4 MiB",
        "response_body 1 MiB, at most 16 MiB",
        "headers 64, at most 128",
        "questions 5, at most 20",
        "rounds 10, at most 10",
        "state 8 KiB, at most 64 KiB",
    ];
    assert_eq!(bounds, expected);
}
