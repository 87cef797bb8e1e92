//! The one way in which the program is built for whoever is to try it.

use crate::place::Place;
use crate::task::Failure;

/// What cargo is asked for, beside the program a small test of it: only with a test does cargo choose the features of all
/// dependencies as it does for all of the workspace's targets. So what `cargo xtask test` builds and what this builds is the same, and wasmtime
/// and the like are built once.
const ARGUMENTS: [&str; 7] = ["build", "--locked", "--workspace", "--bin", "portcullis", "--test", "configuration"];

/// Builds `portcullis` in the profile `debug`.
pub(crate) fn build(place: &Place) -> Result<(), Failure> {
    println!("==> build the host (the first time, its dependencies take some minutes)");
    place.cargo(&place.root).args(ARGUMENTS).shown()
}
