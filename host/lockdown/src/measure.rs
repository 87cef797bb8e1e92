//! The measures, and what became of each.

use std::fmt::{self, Display, Formatter};

/// One measure of the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// No program that this process starts has more rights than it has: no set-user-ID, no file capabilities.
    NoNewPrivileges,
    /// No core dump, and no other process of the same user looks inside.
    NoCoreDumps,
    /// No capability of root's.
    NoCapabilities,
    /// Landlock: the data directory, a few public files of the system, and nothing else.
    Files,
    /// Seccomp: the system calls that serving needs, and no others.
    SystemCalls,
}

/// A measure that is not in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{measure}: {why}; {allows}")]
pub struct Missing {
    /// Which.
    pub measure: Measure,
    /// What was in its way.
    pub why: String,
    /// What would allow it.
    pub allows: &'static str,
}

/// What became of a plan: each measure once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce(pub(crate) Vec<Result<(Measure, String), Missing>>);

/// Measures are missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NotWhole(pub Vec<Missing>);

impl InForce {
    /// Each measure: in force, with its bounds in words, or not.
    pub fn each(&self) -> impl Iterator<Item = Result<(Measure, &str), &Missing>> {
        self.0.iter().map(|state| state.as_ref().map(|(measure, detail)| (*measure, detail.as_str())))
    }

    /// For who does not want to run without one of them.
    ///
    /// # Errors
    /// [`NotWhole`], with every measure that is missing.
    pub fn insist(&self) -> Result<(), NotWhole> {
        let missing: Vec<_> = self.0.iter().filter_map(|state| state.as_ref().err().cloned()).collect();
        if missing.is_empty() { Ok(()) } else { Err(NotWhole(missing)) }
    }
}

impl Display for Measure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNewPrivileges => "no new privileges",
            Self::NoCoreDumps => "no core dumps",
            Self::NoCapabilities => "no capabilities",
            Self::Files => "files (Landlock)",
            Self::SystemCalls => "system calls (seccomp)",
        })
    }
}

impl Display for NotWhole {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, missing)| {
            let between = if at == 0 { "" } else { ". " };
            write!(f, "{between}{missing}")
        })
    }
}
