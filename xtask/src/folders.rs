//! The folders beside the workspace: SDKs, plugins, examples. They are found, not listed, so that a new one is built and
//! tested without a word here.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::machine::WASM;
use crate::place::Place;
use crate::task::{Failure, Task};

/// Where they are: every folder in these, and those that only tests need.
const SHELVES: [&str; 3] = ["sdk", "plugins", "examples"];
const TESTS: [&str; 2] = ["tests/conformance/fixture", "tests/hostile"];

/// A cargo workspace of its own.
#[derive(Debug, Clone)]
pub(crate) struct RustFolder {
    pub(crate) path: PathBuf,
    /// Each component: where cargo leaves it, and where its plugin.toml names it.
    components: Vec<(PathBuf, PathBuf)>,
    /// Whether an example `pack` writes its assets, which nobody commits.
    packs: bool,
    /// Whether there are tests to run on this machine; a plugin without `std` has none.
    pub(crate) tested: bool,
}

/// An npm package.
#[derive(Debug, Clone)]
pub(crate) struct NodeFolder {
    pub(crate) path: PathBuf,
    scripts: Vec<String>,
}

/// All folders with a Cargo.toml.
pub(crate) fn rust(place: &Place) -> Result<Vec<RustFolder>, Failure> {
    folders_with(place, "Cargo.toml")?.into_iter().map(|path| RustFolder::read(place, path)).collect()
}

/// All folders with a package.json.
pub(crate) fn node(place: &Place) -> Result<Vec<NodeFolder>, Failure> {
    folders_with(place, "package.json")?.into_iter().map(NodeFolder::read).collect()
}

fn folders_with(place: &Place, file: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for shelf in SHELVES.map(|shelf| place.root.join(shelf)).iter().filter(|shelf| shelf.is_dir()) {
        let mut inside = fs::read_dir(shelf)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        inside.sort();
        found.append(&mut inside);
    }
    found.extend(TESTS.map(|folder| place.root.join(folder)));
    found.retain(|folder| folder.join(file).is_file());
    Ok(found)
}

impl RustFolder {
    /// Reads the folder of that name.
    pub(crate) fn read(place: &Place, path: PathBuf) -> Result<Self, Failure> {
        let metadata =
            place.cargo(&path).args(["metadata", "--no-deps", "--format-version", "1", "--locked"]).stdout()?;
        let metadata: Value = serde_json::from_str(&metadata)
            .map_err(|error| Failure::of(format!("cargo metadata of {}: {error}", place.name(&path))))?;
        let built = place.target.join(WASM).join("release");
        let (mut components, mut tested, mut packs) = (Vec::new(), false, false);
        for package in metadata["packages"].as_array().into_iter().flatten() {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
            let folder = manifest.parent().unwrap_or(&path);
            tested |= has_tests(&folder.join("src"))?;
            for target in package["targets"].as_array().into_iter().flatten() {
                let is =
                    |wanted| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted));
                packs |= is("example") && target["name"] == "pack";
                if let (true, Some(name)) = (is("cdylib"), target["name"].as_str()) {
                    let file = format!("{}.wasm", name.replace('-', "_"));
                    components.push((built.join(&file), folder.join(file)));
                }
            }
        }
        Ok(Self { path, components, packs, tested })
    }

    pub(crate) fn is_plugin(&self) -> bool {
        !self.components.is_empty()
    }

    /// Compiles its components and puts each beside its plugin.toml, and writes what is published with them.
    pub(crate) fn build(&self, place: &Place) -> Result<(), Failure> {
        place.cargo(&self.path).args(["build", "--release", "--locked", "--target", WASM]).shown()?;
        for (built, wanted) in &self.components {
            fs::copy(built, wanted).map_err(|error| Failure::of(format!("{}: {error}", built.display())))?;
        }
        if self.packs {
            place.cargo(&self.path).args(["run", "--quiet", "--locked", "--example", "pack"]).shown()?;
        }
        Ok(())
    }
}

impl NodeFolder {
    /// Reads the folder of that name.
    pub(crate) fn read(path: PathBuf) -> Result<Self, Failure> {
        let file = path.join("package.json");
        let wrong = |why: String| Failure::of(format!("{}: {why}", file.display()));
        let text = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
        let package: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let scripts = package["scripts"].as_object().map(|scripts| scripts.keys().cloned().collect());
        Ok(Self { path, scripts: scripts.unwrap_or_default() })
    }

    /// Installs exactly what its lock file says.
    pub(crate) fn install(&self) -> Result<(), Failure> {
        Task::new("npm", &self.path).args(["ci", "--no-progress"]).hidden()
    }

    /// Runs the script of that name, if there is one.
    pub(crate) fn script(&self, name: &str) -> Result<(), Failure> {
        if !self.has(name) {
            return Ok(());
        }
        Task::new("npm", &self.path).args(["run", "--silent", name]).hidden()
    }

    pub(crate) fn has(&self, script: &str) -> bool {
        self.scripts.iter().any(|known| known == script)
    }
}

/// Whether a Rust source below `folder` has a test.
fn has_tests(folder: &Path) -> Result<bool, Failure> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            has_tests(&path)?
        } else {
            path.extension().is_some_and(|extension| extension == "rs")
                && fs::read_to_string(&path)?.contains("#[test]")
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
