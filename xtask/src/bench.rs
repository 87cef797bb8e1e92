//! `cargo xtask bench`: what a call costs, beside what it would cost without a sandbox. This builds and publishes;
//! tests/bench measures.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::folders::{NodeFolder, RustFolder};
use crate::machine;
use crate::place::Place;
use crate::task::{Failure, Task};

const ECHO_RUST: &str = "examples/echo-rust";
const ECHO_JS: &str = "examples/echo-js";
const COMPONENT: &str = "echo.wasm";
const MANY: usize = 50;

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    probes: Vec<Value>,
    /// For portcullis-bench.
    rest: Vec<String>,
}

/// A new folder under the system's folder for such things: a socket's path must be short. It is removed with this value.
#[derive(Debug)]
struct Scratch(PathBuf);

/// A host that is built, and where its data directories are made.
struct Bench<'a> {
    place: &'a Place,
    portcullis: PathBuf,
    scratch: &'a Path,
}

/// Runs it.
pub(crate) fn run<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let place = Place::find()?;
    println!("building in {}", place.target.display());
    build(&place)?;
    let scratch = Scratch::new()?;
    let bench = Bench { place: &place, portcullis: place.program("release", "portcullis"), scratch: &scratch.0 };
    let config = scratch.0.join("bench.json");
    fs::write(&config, format!("{:#}\n", bench.config(&options.probes)?))?;
    let report = place.target.join("bench.json");
    println!("==> measure");
    let measure = Task::new(place.program("release", "portcullis-bench"), &place.root);
    measure.args(["all", "--config"]).arg(&config).arg("--json").arg(&report).args(&options.rest).shown()?;
    println!("as JSON: {}", report.display());
    Ok(())
}

fn build(place: &Place) -> Result<(), Failure> {
    machine::c_compiler(place)?;
    machine::node(place)?;
    machine::wasm_target(place)?;
    println!("==> build {ECHO_JS} and {ECHO_RUST}");
    let script = NodeFolder::read(place.root.join(ECHO_JS))?;
    script.install()?;
    script.script("build")?;
    RustFolder::read(place, place.root.join(ECHO_RUST))?.build(place)?;
    println!("==> build the host and the benchmark, release");
    let packages = ["--package", "portcullis", "--package", "portcullis-bench"];
    place.cargo(&place.root).args(["build", "--release", "--locked"]).args(packages).shown()
}

impl Bench<'_> {
    /// What portcullis-bench reads. Every target has a host of its own, so that time and memory are its own, too.
    fn config(&self, probes: &[Value]) -> Result<Value, Failure> {
        let (rust, js) = (self.place.root.join(ECHO_RUST), self.place.root.join(ECHO_JS));
        let copies = (0..MANY).map(|number| self.copy(&rust, number)).collect::<Result<Vec<_>, _>>()?;
        println!("==> publish and approve {ECHO_RUST}, {ECHO_JS}, and {MANY} copies of the former");
        let rust = self.serve("rust", &[rust])?;
        let js = self.serve("js", &[js])?;
        let many = self.serve("many", &copies)?;
        let mut probes = probes.to_vec();
        for (name, tool) in [("rust", "echo_echo"), ("js", "echo_js_echo")] {
            let argv =
                json!([self.portcullis, "--data", self.scratch.join(name), "measure", tool, r#"{"text":"hello"}"#]);
            let name = format!("one call after the other in one process, {name}");
            probes.push(json!({ "name": name, "command": { "argv": argv } }));
        }
        Ok(json!({
            "serve": [
                { "name": "portcullis, rust", "tool": "echo_echo", "command": rust, "note": "a fresh sandbox for each call" },
                { "name": "portcullis, js", "tool": "echo_js_echo", "command": js,
                  "note": "a fresh sandbox with a JavaScript engine for each call" },
            ],
            "start": [
                { "name": "portcullis, 1 plugin", "command": rust },
                { "name": format!("portcullis, {MANY} plugins"), "command": many },
            ],
            "probe": probes,
        }))
    }

    /// A data directory that serves `plugins`, and the command that serves them: everything else as shipped.
    fn serve(&self, name: &str, plugins: &[PathBuf]) -> Result<Value, Failure> {
        let data = self.scratch.join(name);
        fs::DirBuilder::new().mode(0o700).create(&data)?;
        // One person publishes and approves here, and nothing of it is kept.
        fs::write(data.join("portcullis.toml"), "four_eyes = false\n")?;
        for plugin in plugins {
            let publish = Task::new(&self.portcullis, &self.place.root).arg("--data").arg(&data);
            publish.arg("publish").arg(plugin).arg("--approve").hidden()?;
        }
        Ok(json!({ "argv": [self.portcullis, "--data", data, "serve", "--listen", "127.0.0.1:0"] }))
    }

    /// Another plugin of the same code. Its component differs by a custom section, which does nothing: so that it is
    /// compiled, kept and loaded on its own, as another's plugin would be.
    fn copy(&self, original: &Path, number: usize) -> Result<PathBuf, Failure> {
        let folder = self.scratch.join(format!("plugin-{number}"));
        let schemas = folder.join("schemas");
        fs::create_dir_all(&schemas)?;
        for entry in fs::read_dir(original.join("schemas"))? {
            let entry = entry?;
            fs::copy(entry.path(), schemas.join(entry.file_name()))?;
        }
        let manifest = fs::read_to_string(original.join("plugin.toml"))?;
        fs::write(folder.join("plugin.toml"), renamed(&manifest, number)?)?;
        let mut component = fs::read(original.join(COMPONENT))?;
        component.extend(custom_section(u8::try_from(number).map_err(|_| Failure::of("at most 256 copies"))?));
        fs::write(folder.join(COMPONENT), component)?;
        Ok(folder)
    }
}

/// The manifest with a name and a version of its own.
fn renamed(manifest: &str, number: usize) -> Result<String, Failure> {
    let lacks = |key| Failure::of(format!("{ECHO_RUST}/plugin.toml has no line that begins with `{key}`"));
    let mut lines: Vec<String> = manifest.lines().map(str::to_owned).collect();
    for (key, value) in [("name = ", format!("echo-{number}")), ("version = ", format!("0.{number}.0"))] {
        // The first is the plugin's; its tools follow.
        let line = lines.iter_mut().find(|line| line.starts_with(key)).ok_or_else(|| lacks(key))?;
        *line = format!("{key}\"{value}\"");
    }
    Ok(lines.join("\n") + "\n")
}

/// Id 0, length, the name's length, a name, and one byte.
fn custom_section(byte: u8) -> [u8; 8] {
    [0, 6, 4, b'c', b'o', b'p', b'y', byte]
}

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}

impl Options {
    fn read<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Result<Self, Failure> {
        let mut options = Self::default();
        while let Some(name) = arguments.next() {
            match name {
                "--probe" => {
                    let shape = || Failure::of("a probe is written NAME=COMMAND, its words divided by spaces");
                    let (name, command) = arguments.next().and_then(|probe| probe.split_once('=')).ok_or_else(shape)?;
                    let argv: Vec<&str> = command.split_whitespace().collect();
                    options.probes.push(json!({ "name": name, "command": { "argv": argv } }));
                }
                "--" => options.rest.extend(arguments.by_ref().map(str::to_owned)),
                other => {
                    let rule = "bench takes --probe NAME=COMMAND, and options of portcullis-bench after `--`";
                    return Err(Failure::of(format!("{rule}, not `{other}`")));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_a_name_and_a_version_of_its_own_and_the_same_tools() {
        let manifest = "manifest = 1\n[plugin]\nname = \"echo\"\nversion = \"0.1.0\"\n[[tool]]\nname = \"echo\"\n";
        let copy = renamed(manifest, 7).unwrap();
        assert_eq!(copy, manifest.replacen("\"echo\"", "\"echo-7\"", 1).replace("0.1.0", "0.7.0"));
        assert!(renamed("name = \"echo\"", 7).unwrap_err().to_string().contains("`version = `"));
    }

    #[test]
    fn probes_and_options_of_the_benchmark_are_told_apart() {
        let options = Options::read(["--probe", "a=b c", "--", "--seconds", "1"].into_iter()).unwrap();
        assert_eq!(options.probes, [json!({ "name": "a", "command": { "argv": ["b", "c"] } })]);
        assert_eq!(options.rest, ["--seconds", "1"]);
        assert!(Options::read(["--seconds"].into_iter()).is_err());
    }
}
