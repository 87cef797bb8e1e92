//! How a call ends.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use portcullis_admission::Intended;
use portcullis_audit::ResultClass;
use portcullis_egress::Attempt;
use portcullis_manifest::Effect;
use portcullis_store::{FileWrites, KvWrites, Unavailable};
use wasmtime::Trap;

use super::{
    notice::Listener,
    said::{Answer, Completed, Contents, NeedsInput, Prompted},
};
use crate::LogLine;

/// What a call holds for as long as its guest lives: its place, its seat in the audit. It comes back with [`Ran`], or is told
/// how far the guest had come when it was ended from outside.
pub trait Keep: Send + 'static {
    /// Who is told what the call does while it does it. Asked once; none: nobody listens.
    fn listener(&self) -> Option<Arc<dyn Listener>> {
        None
    }

    /// What a call that reaches outside tells the audit through. Asked once, and only for such a call.
    fn witness(&self) -> Arc<dyn Witness>;

    /// The guest is gone, and nobody waits for its answer: the caller dropped the call, or its thread panicked.
    fn ended_from_outside(self, ended: Unfinished);
}

/// What a call tells the audit while it runs, because it can't be taken back (DESIGN rule 7).
pub trait Witness: Send + Sync {
    /// Answers when the call's intent is durable.
    fn intent(&self) -> Pin<Box<dyn Future<Output = Result<(), Unavailable>> + Send + '_>>;

    /// One attempt to reach outside has ended, well or not.
    fn egress(&self, attempt: &Attempt, effect: Effect);

    /// A request was refused before there was anything to attempt. `why` is in words of the host's own.
    fn refused(&self, why: &str, effect: Effect);
}

/// A call that was ended from outside.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// What it used.
    pub usage: Usage,
    /// Requests that may have left the host before.
    pub sent: Vec<String>,
    /// The host failed.
    pub panicked: bool,
}

/// What a call wrote, before it is committed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Values.
    pub kv: KvWrites,
    /// Files.
    pub files: FileWrites,
}

impl Writes {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kv.is_empty() && self.files.is_empty()
    }
}

/// The call's thread panicked. What the call kept has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host failed while it ran the tool")]
pub struct Lost;

/// What a call held while its guest lived. Whoever takes it tells what became of the call; when nobody does, because the client
/// went away in that moment, it is told like a call that was ended from outside.
pub struct Kept<K: Keep>(Option<(K, Unfinished)>);

impl<K: Keep> Kept<K> {
    pub(super) fn new(keep: K, usage: Usage, sent: Vec<String>) -> Self {
        Self(Some((keep, Unfinished { usage, sent, panicked: false })))
    }

    /// Takes it out.
    ///
    /// # Panics
    /// Never: it is there until it is taken, and taking it uses this up.
    #[must_use]
    pub fn take(mut self) -> K {
        self.0.take().expect("it is taken once, by value").0
    }
}

impl<K: Keep> Drop for Kept<K> {
    fn drop(&mut self) {
        if let Some((keep, unfinished)) = self.0.take() {
            keep.ended_from_outside(unfinished);
        }
    }
}

/// A call that has ended.
pub struct Ran<K: Keep> {
    /// What the call held.
    pub keep: Kept<K>,
    /// How.
    pub ending: Ending,
    /// What it used.
    pub usage: Usage,
    /// What it wrote: to be committed if it is [`Ending::Done`] and its answer holds, to be dropped otherwise.
    pub writes: Writes,
    /// What a preview would have done, in order.
    pub intended: Vec<Intended>,
    /// A preview lacked an answer from outside.
    pub unanswered: bool,
    /// Requests that have left the host, or may have: they can't be taken back.
    pub sent: Vec<String>,
    /// What it said to the operator.
    pub log: Vec<LogLine>,
    /// Lines beyond `limits.log`.
    pub log_dropped: u64,
    /// Notices beyond `limits.notices`.
    pub notices_dropped: u64,
}

/// In which way.
#[derive(Debug)]
pub enum Ending {
    /// The tool answered.
    Done(Answer),
    /// The resource was read.
    Read(Vec<Contents>),
    /// There is no such resource.
    NotFound,
    /// The prompt was made.
    Prompted(Prompted),
    /// The argument was completed.
    Completed(Completed),
    /// It said that it could not.
    Failed(String),
    /// It wants to ask something.
    NeedsInput(NeedsInput),
    /// It was ended.
    Stopped(Stop),
}

/// What a call used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Fuel.
    pub fuel: u64,
    /// Most bytes of linear memory at once.
    pub memory: u64,
    /// Calls of functions of the contract.
    pub host_calls: u64,
    /// The highest effect among them.
    pub effect: Effect,
    /// From an empty store to an instance.
    pub instantiate: Duration,
    /// Time in the sandbox, waiting for a thread included.
    pub wall: Duration,
}

/// Why a call was ended. The text is for the model and for the author: it names the limit, its value and the manifest's key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Fuel.
    #[error("the tool used all of its fuel ({limit}; `limits.fuel` in its manifest)")]
    Fuel {
        /// Units.
        limit: u64,
    },
    /// Wall time.
    #[error("the tool did not end within {} ms (`limits.time` in its manifest)", limit.as_millis())]
    Time {
        /// The limit.
        limit: Duration,
    },
    /// Linear memory.
    #[error("the tool asked for more than {limit} bytes of memory (`limits.memory` in its manifest)")]
    Memory {
        /// Bytes.
        limit: u64,
    },
    /// Table elements.
    #[error("the tool asked for more than {limit} table elements (`limits.table_elements` in its manifest)")]
    Table {
        /// Elements.
        limit: u64,
    },
    /// Stack.
    #[error("the tool recursed deeper than its 512 KiB of stack, which no manifest can raise")]
    Stack,
    /// Host calls.
    #[error("the tool made more than {limit} host calls (`limits.host_calls` in its manifest)")]
    HostCalls {
        /// Calls.
        limit: u64,
    },
    /// Bytes handed to the host at once.
    #[error("the tool handed the host more than {limit} bytes at once (`limits.host_data` in its manifest)")]
    HostData {
        /// Bytes.
        limit: u64,
    },
    /// Handles.
    #[error("the tool held more than {limit} handles (`limits.handles` in its manifest)")]
    Handles {
        /// Handles.
        limit: u64,
    },
    /// A read call reached a write function.
    #[error(
        "the tool is labelled `read` and tried to write (`{function}`), which a read call cannot do: in its manifest \
         `uses = [\"{capability}:write\"]` would allow it, and make its `label` at least `write`. That takes a tool of a new name: \
         clients know this one as `read`, and a name never becomes stricter. On a host of your own, which no client relies on, \
         a new data directory knows no names"
    )]
    WriteWithoutProof {
        /// Interface and function.
        function: String,
        /// What it wanted to write with, as its manifest calls it.
        capability: String,
    },
    /// A confirmed run wanted something that was not previewed.
    #[error("the tool wanted to {wanted}, which was not in the preview that was confirmed{}", after(sent))]
    Diverged {
        /// What, in plain words.
        wanted: String,
        /// What had left the host before, in plain words.
        sent: Vec<String>,
    },
    /// A preview is too long to be read.
    #[error("the tool would do more than {limit} things in one call, which is more than a preview lists")]
    Effects {
        /// Effects.
        limit: usize,
    },
    /// The audit can't be written, so nothing may leave the host.
    #[error("the host cannot record what leaves it now, so nothing was sent: try again later")]
    Unrecorded,
    /// The guest trapped.
    #[error("the tool crashed: {reason}")]
    Trap {
        /// The kind of trap, in words of the host's own.
        reason: &'static str,
    },
    /// The host failed.
    #[error("the host could not run the tool")]
    Host,
}

fn after(sent: &[String]) -> String {
    match sent {
        [] => String::new(),
        sent => format!("; before that it had sent: {}", sent.join(", ")),
    }
}

impl Stop {
    /// The word in the audit.
    #[must_use]
    pub fn class(&self) -> ResultClass {
        match self {
            Self::Fuel { .. } => ResultClass::Fuel,
            Self::Time { .. } => ResultClass::Time,
            Self::Memory { .. } | Self::Table { .. } => ResultClass::Memory,
            Self::Stack => ResultClass::Stack,
            Self::HostCalls { .. } => ResultClass::HostCalls,
            Self::HostData { .. } => ResultClass::HostData,
            Self::Handles { .. } => ResultClass::Handles,
            Self::WriteWithoutProof { .. } => ResultClass::WriteRefused,
            Self::Diverged { .. } => ResultClass::Diverged,
            Self::Effects { .. } => ResultClass::HostCalls,
            Self::Unrecorded => ResultClass::HostError,
            Self::Trap { .. } => ResultClass::Trap,
            Self::Host => ResultClass::HostError,
        }
    }

    /// What ended a guest, from the engine's error.
    pub(super) fn of(error: &wasmtime::Error, limits: &portcullis_manifest::Limits) -> Self {
        if let Some(stop) = error.downcast_ref::<Self>() {
            return stop.clone();
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return match trap {
                Trap::OutOfFuel => Self::Fuel { limit: limits.fuel },
                Trap::Interrupt => Self::Time { limit: limits.time },
                Trap::StackOverflow => Self::Stack,
                trap => Self::Trap { reason: in_words(*trap) },
            };
        }
        if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some() {
            return Self::Trap { reason: "it called exit" };
        }
        if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            // Every call has a place before it gets here, and a place is one of each: this is a fault of the host's.
            tracing::error!(target: "portcullis::alert", alert = "pool-exhausted", %error, "a call with a place found no instance");
            return Self::Host;
        }
        // The engine has no types for these. The texts are held to the locked version by tests that bring them about.
        let text = format!("{error:#}");
        if text.contains("fuel allocated for hostcalls has been exhausted") {
            return Self::HostData { limit: limits.host_data };
        }
        if text.contains("handle limit exceeded") || text.contains("resource table has no free keys") {
            return Self::Handles { limit: limits.handles };
        }
        if text.contains("requested len") && text.contains("exceeds limit") {
            return Self::Trap { reason: "it asked for more than 65536 random bytes at once (wit/base.md)" };
        }
        tracing::warn!(%text, "a guest ended in a way that has no class of its own");
        Self::Trap { reason: "it broke the component model's rules for passing values" }
    }
}

/// The engine's own words for a trap can hold offsets; these can't.
fn in_words(trap: Trap) -> &'static str {
    match trap {
        Trap::UnreachableCodeReached => "it reached code that it declared unreachable (a panic, in most languages)",
        Trap::MemoryOutOfBounds => "it used memory that is not there",
        Trap::TableOutOfBounds => "it used a table entry that is not there",
        Trap::IndirectCallToNull => "it called a function that is not there",
        Trap::BadSignature => "it called a function of another type",
        Trap::IntegerOverflow => "a number was too large",
        Trap::IntegerDivisionByZero => "it divided by zero",
        Trap::BadConversionToInteger => "a number could not be converted",
        Trap::CannotEnterComponent => "it was entered a second time",
        _ => "it trapped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if it advises what publishing refuses afterwards.
    #[test]
    fn wr_03_a_write_without_proof_is_told_the_line_that_would_allow_it_and_that_it_takes_a_new_name() {
        let stop = Stop::WriteWithoutProof { function: "kv.set".to_owned(), capability: "loans".to_owned() };
        let said = stop.to_string();
        for part in ["`kv.set`", r#"`uses = ["loans:write"]`"#, "`label`", "a new name", "a new data directory"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}
