//! A client of `notes` who wants nothing but quick answers, and what it gets while others attack.

use std::time::{Duration, Instant};

use portcullis_tests::{Era, Served};
use serde_json::{Value, json};

/// What a neighbour may have to wait in any case.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// The tools whose times are taken.
const TOOLS: [&str; 3] = ["notes_create", "notes_read", "notes_search"];

/// Times of answers, of one neighbour, in one phase.
pub(crate) struct Times([Vec<Duration>; TOOLS.len()]);

/// Writes, reads, looks for and deletes a note, again and again: at least `least` times, and until `done` says so.
pub(crate) fn neighbour(served: &Served, least: usize, mut done: impl FnMut() -> bool) -> Times {
    let mut client = served.client(Era::Legacy);
    let mut times = Times(Default::default());
    let mut timed = |tool: usize, arguments: Value| {
        let start = Instant::now();
        let result = match TOOLS.get(tool) {
            Some(tool) => client.call(tool, arguments),
            None => client.call_confirmed("notes_delete", arguments),
        };
        let took = start.elapsed();
        assert!(result["isError"].is_null(), "a neighbour's call fails: {result}");
        if let Some(times) = times.0.get_mut(tool) {
            times.push(took);
        }
        result
    };
    let mut rounds = 0;
    while rounds < least || !done() {
        let note = timed(0, json!({ "title": "Milk", "body": "two litres" }));
        let id = json!({ "id": note["structuredContent"]["id"] });
        let read = timed(1, id.clone());
        assert_eq!(read["structuredContent"]["body"], "two litres", "{read}");
        let found = timed(2, json!({ "query": "litres" }));
        assert!(found.to_string().contains("Milk"), "a note that was created and read is not found: {found}");
        timed(TOOLS.len(), id);
        rounds += 1;
    }
    times
}

impl Times {
    /// The time that 99 of 100 answers took at most, for each tool.
    fn p99(&self) -> [Duration; TOOLS.len()] {
        self.0.each_ref().map(|times| quantile(times, 99))
    }

    /// What is over the limit, given the times alone; prints the figures.
    pub(crate) fn over(&self, alone: &Times, phase: &str) -> Vec<String> {
        let mut over = Vec::new();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        for ((tool, times), (now, alone)) in TOOLS.iter().zip(&self.0).zip(self.p99().into_iter().zip(alone.p99())) {
            let limit = PATIENCE.max(alone * 3);
            let most = times.iter().max().copied().unwrap_or_default();
            println!(
                "{phase:<44} {tool:<13} {:>5} calls  p50 {:>7.2}  p99 {:>7.2}  most {:>7.2}  limit {:>7.2} ms",
                times.len(),
                ms(quantile(times, 50)),
                ms(now),
                ms(most),
                ms(limit),
            );
            if now > limit {
                over.push(format!("{phase}: {tool}: p99 {:.1} ms, allowed {:.1} ms", ms(now), ms(limit)));
            }
        }
        over
    }
}

fn quantile(times: &[Duration], of_100: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    // The smallest time that is not exceeded by more than the rest: of 100 times and 99 the 99th, of 300 the 297th.
    let rank = (sorted.len() * of_100).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().expect("a phase has times")
}
