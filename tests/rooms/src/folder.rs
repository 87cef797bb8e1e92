//! A plugin's folder that a test may spoil.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A copy of a plugin's folder, deleted in the end.
#[derive(Debug)]
pub struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    /// Copies what the host reads of the plugin in `from`: its plugin.toml, its component, its schemas.
    ///
    /// # Panics
    /// When it can't be copied.
    #[must_use]
    pub fn copy(from: &Path) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let wanted = |name: &str| name == "plugin.toml" || name == "schemas" || name.ends_with(".wasm");
        copy(from, root.path(), &wanted);
        Self { root }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Replaces text in its plugin.toml, wherever it stands.
    ///
    /// # Panics
    /// When `old` does not stand there: the plugin has changed, and the test has to change with it.
    #[must_use]
    pub fn edit(self, old: &str, new: &str) -> Self {
        let path = self.path().join("plugin.toml");
        let text = fs::read_to_string(&path).expect("plugin.toml is text");
        assert!(text.contains(old), "plugin.toml has no {old:?}:\n{text}");
        fs::write(path, text.replace(old, new)).expect("plugin.toml can be written");
        self
    }

    /// Puts a file in, in place of the one of that name.
    ///
    /// # Panics
    /// When it can't be written.
    #[must_use]
    pub fn write(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        fs::write(self.path().join(name), contents).expect("a file can be written");
        self
    }

    /// Takes a file out.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn remove(self, name: &str) -> Self {
        fs::remove_file(self.path().join(name)).expect("the file was there");
        self
    }
}

fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) {
    for entry in fs::read_dir(from).expect("the plugin's folder can be read") {
        let path: PathBuf = entry.expect("the plugin's folder can be read").path();
        let name = path.file_name().expect("an entry has a name").to_owned();
        if !name.to_str().is_some_and(wanted) {
            continue;
        }
        if path.is_dir() {
            fs::create_dir(to.join(&name)).expect("a folder can be made");
            copy(&path, &to.join(&name), &|_| true);
        } else {
            fs::copy(&path, to.join(&name)).expect("a file can be copied");
        }
    }
}
