//! The second wall: what a process gives up when everything that needs it is done, so that whoever breaks out of a sandbox
//! finds little to take (catalogue WX-32). It must never need anything of the host's other rooms, and it never takes a
//! measure for granted: what is in force is read back from the kernel where the kernel tells.
//!
//! A process can only give up. Nothing of this can be undone, and threads that run already keep what they have: apply a plan
//! on the first thread, before there is another.

mod calls;
mod files;
mod measure;
mod plan;

pub use measure::{InForce, Measure, Missing, NotWhole};
pub use plan::{Kernel, Paths, Plan};

#[cfg(test)]
mod tests;
