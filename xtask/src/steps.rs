//! Steps of a long command: each is announced, timed, and stands in a table at the end, also when it could not be run.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::task::Failure;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// What it needs was not there, for the reason given.
    Blocked(String),
    /// It is optional, and this is what would allow it.
    NotRun(String),
}

/// Why a step did not pass.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It failed.
    Failed(Failure),
    /// It is optional and could not be run: what would allow it.
    NotRun(String),
}

/// What a later step asks for: an earlier one, and whether it passed.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    name: String,
    passed: bool,
}

#[derive(Debug)]
struct Line {
    name: String,
    outcome: Outcome,
    took: Duration,
}

/// All steps so far.
#[derive(Debug)]
pub(crate) struct Steps {
    begun: Instant,
    lines: Mutex<Vec<Line>>,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), lines: Mutex::default() }
    }

    /// Does `work`, if everything that it needs has passed.
    pub(crate) fn step(&self, name: &str, needs: &[&Ticket], work: impl FnOnce() -> Result<(), Stop>) -> Ticket {
        let begun = Instant::now();
        let outcome = match needs.iter().find(|need| !need.passed) {
            Some(need) => Outcome::Blocked(format!("needs `{}`", need.name)),
            None => {
                println!("==> {name}");
                match work() {
                    Ok(()) => Outcome::Passed,
                    Err(Stop::NotRun(why)) => Outcome::NotRun(why),
                    Err(Stop::Failed(failure)) => {
                        println!("{failure}");
                        Outcome::Failed
                    }
                }
            }
        };
        let line = Line { name: name.to_owned(), outcome, took: begun.elapsed() };
        println!("<== {line}");
        let ticket = Ticket { name: line.name.clone(), passed: line.outcome == Outcome::Passed };
        self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line);
        ticket
    }

    /// Prints the table; an error unless everything that is not optional passed.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let lines = self.lines.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        println!("\nAll steps, in the order of their ends:");
        lines.iter().for_each(|line| println!("  {line}"));
        println!("  {} in all", Span(self.begun.elapsed()));
        match lines.iter().filter(|line| line.is_bad()).count() {
            0 => Ok(()),
            bad => Err(Failure::of(format!("{bad} of {} steps did not pass; each says why above", lines.len()))),
        }
    }
}

impl Line {
    fn is_bad(&self) -> bool {
        matches!(self.outcome, Outcome::Failed | Outcome::Blocked(_))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match &self.outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Failed => ("FAILED", ""),
            Outcome::Blocked(why) => ("NOT RUN", why.as_str()),
            Outcome::NotRun(why) => ("not run", why.as_str()),
        };
        let separator = if why.is_empty() { "" } else { ": " };
        write!(f, "{word:7} {:>12}  {}{separator}{why}", Span(self.took).to_string(), self.name)
    }
}

/// A time as a person says it.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds < 60 {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else {
            write!(f, "{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_failed_step_is_not_run_and_counts_as_bad() {
        let steps = Steps::new();
        let built = steps.step("build", &[], || Err(Failure::of("no compiler").into()));
        let ran = steps.step("run", &[&built], || panic!("it must not be run"));
        assert!(!ran.passed);
        assert_eq!(steps.lines.lock().unwrap()[1].outcome, Outcome::Blocked("needs `build`".to_owned()));
        assert_eq!(steps.finish().unwrap_err().to_string(), "2 of 2 steps did not pass; each says why above");
    }

    #[test]
    fn what_is_optional_may_be_missing_but_is_named() {
        let steps = Steps::new();
        steps.step("licences", &[], || Err(Stop::NotRun("cargo-deny is not installed".to_owned())));
        let line = steps.lines.lock().unwrap()[0].to_string();
        assert!(line.starts_with("not run") && line.ends_with("licences: cargo-deny is not installed"), "{line}");
        assert!(steps.finish().is_ok());
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(Span(Duration::from_millis(3210)).to_string(), "3.2 s");
        assert_eq!(Span(Duration::from_secs(245)).to_string(), "4 min 05 s");
    }
}
