//! Where things are: this clone, and where it is built.

use std::path::{Path, PathBuf};

use crate::task::{Failure, Task};

/// A clone and its target directory.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// Where cargo builds, for the workspace and for everything beside it.
    pub(crate) target: PathBuf,
}

impl Place {
    /// Asks the environment, which `cargo run` has set.
    pub(crate) fn find() -> Result<Self, Failure> {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = own.as_deref().and_then(Path::parent).map(Path::to_owned);
        let root = root.ok_or_else(|| Failure::of("run it through cargo: `cargo xtask`"))?;
        let of = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = of("XDG_CACHE_HOME").or_else(|| of("HOME").map(|home| home.join(".cache")));
        let target = target(&root, of("CARGO_TARGET_DIR"), cache);
        Ok(Self { root, target })
    }

    /// Cargo, building into this target directory.
    pub(crate) fn cargo(&self, directory: &Path) -> Task {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Task::new(cargo, directory).env("CARGO_TARGET_DIR", &self.target)
    }

    /// A program of the workspace, built in `profile`.
    pub(crate) fn program(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }

    /// `path` as a person in this clone writes it.
    pub(crate) fn name<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        match path.strip_prefix(&self.root) {
            Ok(inside) if inside.as_os_str().is_empty() => Path::new("workspace").display(),
            Ok(inside) => inside.display(),
            Err(_) => path.display(),
        }
    }
}

fn target(root: &Path, set: Option<PathBuf>, cache: Option<PathBuf>) -> PathBuf {
    if let Some(set) = set {
        // Cargo, too, takes a relative one from where it is started; children are started elsewhere.
        return std::path::absolute(&set).unwrap_or(set);
    }
    // Only where somebody made it: sharing it costs nothing then, and a first clone does not write outside itself.
    let shared = cache.map(|cache| cache.join("portcullis/target")).filter(|shared| shared.is_dir());
    shared.unwrap_or_else(|| root.join("target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_goes_before_what_is_shared_and_that_before_the_clone() {
        let root = Path::new("/clone");
        let cache = std::env::temp_dir().join(format!("portcullis-xtask-{}", std::process::id()));
        assert_eq!(target(root, None, Some(cache.clone())), root.join("target"));
        let shared = cache.join("portcullis/target");
        std::fs::create_dir_all(&shared).unwrap();
        assert_eq!(target(root, None, Some(cache.clone())), shared);
        assert_eq!(target(root, Some("/set".into()), Some(cache.clone())), Path::new("/set"));
        assert!(target(root, Some("set".into()), None).is_absolute());
        std::fs::remove_dir_all(cache).unwrap();
    }
}
